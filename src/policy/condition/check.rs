//! Tree → checked node: every name resolved, every operator given types that can work.

use std::sync::Arc;

use crate::field::{PathPattern, Scope};

use super::calls;
use super::fault::{Extent, Fault};
use super::kind::Type;
use super::names::{self, Place, chain};
use super::node::{Collection, Constant, Node};
use super::syntax::{Comparison, Expression, Kind, Operation};

/// The most elements in a list that is written in an expression.
const LIST_LENGTH_MAX: usize = 256;
/// The most fields of one scope that one expression looks at.
const FIELDS_MAX: usize = 64;

/// An expression that passed.
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) kind: Type,
    pub(super) extent: Extent,
}

/// What is gathered while checking one expression.
#[derive(Default)]
pub(super) struct Checker {
    value: Vec<PathPattern>,
    key: Vec<PathPattern>,
    regexes: usize,
    item: Option<(String, Type)>,
}

impl Checker {
    /// Value patterns, key patterns, and how many regexes were compiled.
    pub(super) fn into_parts(self) -> (Vec<PathPattern>, Vec<PathPattern>, usize) {
        (self.value, self.key, self.regexes)
    }

    pub(super) fn item(&self) -> Option<&str> {
        self.item.as_ref().map(|(name, _)| name.as_str())
    }

    pub(super) fn item_type(&self) -> Type {
        self.item.as_ref().map_or(Type::Dynamic, |(_, kind)| *kind)
    }

    pub(super) fn pattern(&mut self, scope: Scope, pattern: PathPattern) -> Option<u16> {
        let patterns = match scope {
            Scope::Value => &mut self.value,
            Scope::Key => &mut self.key,
            Scope::Headers => return None,
        };
        let known = patterns.iter().position(|known| known.as_str() == pattern.as_str());
        let index = known.unwrap_or(patterns.len());
        if index >= FIELDS_MAX {
            return None;
        }
        if known.is_none() {
            patterns.push(pattern);
        }
        u16::try_from(index).ok()
    }

    pub(super) fn count_regex(&mut self) {
        self.regexes = self.regexes.saturating_add(1);
    }

    /// Checks `body` with `name` standing for an element of a quantifier.
    pub(super) fn with_item(
        &mut self,
        name: &str,
        kind: Type,
        body: &Expression,
    ) -> Result<Typed, Fault> {
        self.item = Some((name.to_owned(), kind));
        let result = self.bool(body, "the test of each element");
        self.item = None;
        result
    }

    pub(super) fn check(&mut self, expression: &Expression) -> Result<Typed, Fault> {
        let extent = expression.extent;
        if let Some((root, root_extent, steps)) = chain(expression) {
            return names::place(self, root, root_extent, &steps)?.typed(extent);
        }
        let (node, kind) = match &expression.kind {
            Kind::Null => (Node::Constant(Constant::Null), Type::Null),
            Kind::Bool(truth) => (Node::Constant(Constant::Bool(*truth)), Type::Bool),
            Kind::Integer(number) => {
                (Node::Constant(Constant::Integer((*number).into())), Type::Integer)
            }
            Kind::Decimal(number) => (Node::Constant(Constant::Decimal(*number)), Type::Decimal),
            Kind::Text(text) => (Node::Constant(Constant::Text(text.as_str().into())), Type::Text),
            Kind::List(_) => {
                let fault = extent.fault("a list is no value by itself");
                return Err(fault.suggest("lists stand to the right of `in`"));
            }
            Kind::Name(_) | Kind::Member(..) | Kind::Index(..) => {
                return Err(unreachable_member(extent));
            }
            Kind::Call { target, function, arguments } => {
                return calls::call(self, extent, target.as_deref(), function, arguments);
            }
            Kind::Not(inner) => (Node::Not(Box::new(self.bool(inner, "`!`")?.node)), Type::Bool),
            Kind::Negate(inner) => {
                let inner = self.number(inner)?;
                (Node::Negate(Box::new(inner.node)), inner.kind)
            }
            Kind::All(parts) => (Node::All(self.bools(parts, "`&&`")?), Type::Bool),
            Kind::Any(parts) => (Node::Any(self.bools(parts, "`||`")?), Type::Bool),
            Kind::Compare(comparison, left, right) => {
                (self.comparison(*comparison, left, right, extent)?, Type::Bool)
            }
            Kind::In(needle, list) => (self.membership(needle, list)?, Type::Bool),
            Kind::Arithmetic(operation, left, right) => self.arithmetic(*operation, left, right)?,
            Kind::Choice(test, yes, no) => self.choice(test, yes, no)?,
        };
        Ok(Typed { node, kind, extent })
    }

    /// An expression that must be a bool, or may turn out to be one.
    pub(super) fn bool(&mut self, expression: &Expression, place: &str) -> Result<Typed, Fault> {
        let typed = self.check(expression)?;
        if typed.kind.may_be(Type::Bool) {
            return Ok(typed);
        }
        let message = format!("{place} needs a bool, this is {}", typed.kind.as_str());
        Err(typed.extent.fault(message).suggest("compare it with something"))
    }

    fn bools(&mut self, parts: &[Expression], place: &str) -> Result<Box<[Node]>, Fault> {
        parts.iter().map(|part| Ok(self.bool(part, place)?.node)).collect()
    }

    fn number(&mut self, expression: &Expression) -> Result<Typed, Fault> {
        let typed = self.check(expression)?;
        if typed.kind.may_be_number() {
            return Ok(typed);
        }
        Err(typed.extent.fault(format!("this needs a number, not {}", typed.kind.as_str())))
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
        extent: Extent,
    ) -> Result<Node, Fault> {
        let (left, right) = (self.check(left)?, self.check(right)?);
        let fits = match comparison {
            Comparison::Equal | Comparison::NotEqual => left.kind.equates(right.kind),
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => left.kind.orders(right.kind),
        };
        if !fits {
            let (left, right) = (left.kind.as_str(), right.kind.as_str());
            let fault = extent.fault(format!("{left} and {right} cannot be compared this way"));
            return Err(match (left, right) {
                (_, "a timestamp") | ("a timestamp", _) => {
                    fault.suggest("write timestamp('2026-01-31T00:00:00Z')")
                }
                _ => fault,
            });
        }
        Ok(Node::Compare(comparison, Box::new([left.node, right.node])))
    }

    fn membership(&mut self, needle: &Expression, list: &Expression) -> Result<Node, Fault> {
        let needle = self.check(needle)?;
        let text_wanted = |what: &str| {
            let kind = needle.kind.as_str();
            needle.extent.fault(format!("{what} are text, so {kind} is never among them"))
        };
        if let Some((root, extent, steps)) = chain(list) {
            return match names::place(self, root, extent, &steps)? {
                Place::Groups if needle.kind.may_be(Type::Text) => {
                    Ok(Node::Among(Box::new(needle.node), Collection::Groups))
                }
                Place::Groups => Err(text_wanted("groups")),
                Place::Headers if needle.kind.may_be(Type::Text) => {
                    Ok(Node::HeaderPresent(Box::new(needle.node)))
                }
                Place::Headers => Err(text_wanted("header names")),
                Place::Configs if needle.kind.may_be(Type::Text) => {
                    Ok(Node::ConfigPresent(Box::new(needle.node)))
                }
                Place::Configs => Err(text_wanted("names of settings")),
                Place::Fact(..) | Place::Header(_) | Place::Config(_) | Place::Field(..) => {
                    Err(not_a_list(list.extent))
                }
            };
        }
        let Kind::List(elements) = &list.kind else { return Err(not_a_list(list.extent)) };
        let (constants, _) = self.constants(elements, list.extent)?;
        for (constant, element) in constants.iter().zip(elements) {
            if !needle.kind.equates(type_of(constant)) {
                let (found, wanted) = (type_of(constant).as_str(), needle.kind.as_str());
                return Err(element.extent.fault(format!("this is {found}, never {wanted}")));
            }
        }
        Ok(Node::Among(Box::new(needle.node), Collection::List(constants)))
    }

    /// A list of literals, and the type that all of them have (`Dynamic` where they differ).
    pub(super) fn constants(
        &mut self,
        elements: &[Expression],
        extent: Extent,
    ) -> Result<(Arc<[Constant]>, Type), Fault> {
        if elements.len() > LIST_LENGTH_MAX {
            return Err(extent.fault(format!("a list has at most {LIST_LENGTH_MAX} elements")));
        }
        let mut constants = Vec::with_capacity(elements.len());
        for element in elements {
            let Node::Constant(constant) = self.check(element)?.node else {
                return Err(element.extent.fault("a list holds literals only"));
            };
            constants.push(constant);
        }
        let mut types = constants.iter().map(type_of);
        let first = types.next().unwrap_or(Type::Dynamic);
        let kind = if types.all(|kind| kind == first) { first } else { Type::Dynamic };
        Ok((constants.into(), kind))
    }

    fn arithmetic(
        &mut self,
        operation: Operation,
        left: &Expression,
        right: &Expression,
    ) -> Result<(Node, Type), Fault> {
        let (left, right) = (self.number(left)?, self.number(right)?);
        let kind = match (left.kind, right.kind) {
            (Type::Integer, Type::Integer) => Type::Integer,
            (Type::Dynamic, _) | (_, Type::Dynamic) => Type::Dynamic,
            _ => Type::Decimal,
        };
        if operation == Operation::Remainder && kind == Type::Decimal {
            return Err(left.extent.to(right.extent).fault("`%` works on whole numbers only"));
        }
        Ok((Node::Arithmetic(operation, Box::new([left.node, right.node])), kind))
    }

    fn choice(
        &mut self,
        test: &Expression,
        yes: &Expression,
        no: &Expression,
    ) -> Result<(Node, Type), Fault> {
        let test = self.bool(test, "`?`")?;
        let (yes, no) = (self.check(yes)?, self.check(no)?);
        let kind = if yes.kind == no.kind { yes.kind } else { Type::Dynamic };
        Ok((Node::Choice(Box::new([test.node, yes.node, no.node])), kind))
    }
}

fn type_of(constant: &Constant) -> Type {
    match constant {
        Constant::Null => Type::Null,
        Constant::Bool(_) => Type::Bool,
        Constant::Integer(_) => Type::Integer,
        Constant::Decimal(_) => Type::Decimal,
        Constant::Text(_) => Type::Text,
    }
}

fn not_a_list(extent: Extent) -> Fault {
    extent
        .fault(
            "`in` looks into a written list, principal.groups, record.headers or request.configs",
        )
        .suggest("lists inside a document are not built yet")
}

fn unreachable_member(extent: Extent) -> Fault {
    extent
        .fault("members are looked up by name, on a name")
        .suggest("write value.field or value['field']; an element cannot be picked by number")
}
