//! What is left of a condition once subject, client and topic are known: partial evaluation.
//!
//! A plan is made once per subject and topic; its conditions then look at records only, so that the
//! plan can be kept, shared and compared without the people it was made for.

use std::sync::Arc;

use crate::field::{PatternIndex, Scope};

use super::evaluate::Scene;
use super::node::{Collection, Constant, Node};

/// Where a rule's own pattern went in the plan's set of patterns.
pub(crate) type Renumber<'r> = &'r dyn Fn(Scope, PatternIndex) -> PatternIndex;

impl Node {
    /// This condition with everything evaluated that needs no record. A result that is already
    /// decided is a `Constant` or a `Failure`.
    pub(crate) fn residue(&self, scene: &Scene<'_>, renumber: Renumber<'_>) -> Self {
        if !self.reads().records() && !self.reads_item() {
            let value = self.evaluate(scene).and_then(super::value::Value::into_constant);
            return value.map_or(Self::Failure, Self::Constant);
        }
        let part = |node: &Self| node.residue(scene, renumber);
        let boxed = |node: &Self| Box::new(part(node));
        let pair = |nodes: &[Self; 2]| Box::new([part(&nodes[0]), part(&nodes[1])]);
        match self {
            Self::Constant(_)
            | Self::Failure
            | Self::Subject(_)
            | Self::Record(_)
            | Self::Header(_)
            | Self::Request(_)
            | Self::RequestPresent(_)
            | Self::Config(_)
            | Self::Item => self.clone(),
            Self::Field(scope, pattern) => Self::Field(*scope, renumber(*scope, *pattern)),
            Self::FieldPresent(scope, pattern) => {
                Self::FieldPresent(*scope, renumber(*scope, *pattern))
            }
            Self::HeaderPresent(inner) => Self::HeaderPresent(boxed(inner)),
            Self::ConfigPresent(inner) => Self::ConfigPresent(boxed(inner)),
            Self::Whole(inner) => Self::Whole(boxed(inner)),
            Self::Not(inner) => Self::Not(boxed(inner)),
            Self::Negate(inner) => Self::Negate(boxed(inner)),
            Self::Length(inner) => Self::Length(boxed(inner)),
            Self::Matches(inner, regex) => Self::Matches(boxed(inner), Arc::clone(regex)),
            Self::All(parts) => decided(parts.iter().map(part), false, Self::All),
            Self::Any(parts) => decided(parts.iter().map(part), true, Self::Any),
            Self::Compare(comparison, nodes) => Self::Compare(*comparison, pair(nodes)),
            Self::Arithmetic(operation, nodes) => Self::Arithmetic(*operation, pair(nodes)),
            Self::TextTest(test, nodes) => Self::TextTest(*test, pair(nodes)),
            Self::Choice(nodes) => chosen(nodes, &part),
            Self::Among(inner, collection) => match known(collection, scene) {
                Some(collection) => Self::Among(boxed(inner), collection),
                None => Self::Failure,
            },
            Self::CollectionLength(collection) => Self::CollectionLength(collection.clone()),
            Self::Quantified(quantity, collection, body) => match known(collection, scene) {
                Some(collection) => Self::Quantified(*quantity, collection, boxed(body)),
                None => Self::Failure,
            },
        }
    }
}

/// Drops the parts that say nothing, and stops at one that decides.
fn decided(
    parts: impl Iterator<Item = Node>,
    decisive: bool,
    join: fn(Box<[Node]>) -> Node,
) -> Node {
    let mut left = Vec::new();
    for part in parts {
        match part.decided() {
            Some(Ok(truth)) if truth == decisive => {
                return Node::Constant(Constant::Bool(decisive));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => left.push(part),
        }
    }
    if left.is_empty() { Node::Constant(Constant::Bool(!decisive)) } else { join(left.into()) }
}

fn chosen(three: &[Node; 3], part: &dyn Fn(&Node) -> Node) -> Node {
    let [test, yes, no] = three;
    let test = part(test);
    match test.decided() {
        Some(Ok(true)) => part(yes),
        Some(Ok(false)) => part(no),
        Some(Err(_)) => Node::Failure,
        None => Node::Choice(Box::new([test, part(yes), part(no)])),
    }
}

/// The collection as a list, or nothing where the groups are not known.
fn known(collection: &Collection, scene: &Scene<'_>) -> Option<Collection> {
    match collection {
        Collection::List(_) => Some(collection.clone()),
        Collection::Groups => {
            scene.group_constants().ok().map(|groups| Collection::List(groups.into()))
        }
    }
}
