//! Every name that an expression can start from, and what it stands for.

use std::sync::Arc;

use crate::field::{PathPattern, Scope};

use super::check::{Checker, Typed};
use super::fault::{Extent, Fault};
use super::kind::Type;
use super::node::{Node, RecordFact, RequestFact, SubjectFact};
use super::syntax::{Expression, Kind};

const ROOTS: &[&str] = &["principal", "client", "request", "topic", "record", "value"];
const ROOTS_NOT_BUILT: &[&str] = &["usage", "now", "vars"];
const PRINCIPAL: &[&str] = &["name", "groups", "auth", "groups_known"];
const REQUEST: &[&str] = &["api", "resource", "partitions", "replication_factor", "configs"];
const REQUEST_NOT_BUILT: &[&str] = &["api_version", "acks", "transactional", "group_id"];
const RECORD: &[&str] =
    &["key", "headers", "size", "timestamp", "offset", "partition", "value_is_null"];

/// What a chain of members and indexes leads to.
pub(super) enum Place {
    Fact(Node, Type),
    Groups,
    Headers,
    Header(Arc<str>),
    Configs,
    Config(Arc<str>),
    Field(Scope, u16),
}

/// `value.a['b']` as its first name and the steps behind it, or nothing for another expression.
pub(super) fn chain(expression: &Expression) -> Option<(&str, Extent, Vec<Step<'_>>)> {
    if let Kind::Name(name) = &expression.kind {
        return Some((name, expression.extent, Vec::new()));
    }
    let (inner, name) = if let Kind::Member(inner, name) = &expression.kind {
        (inner, name)
    } else if let Kind::Index(inner, index) = &expression.kind
        && let Kind::Text(name) = &index.kind
    {
        (inner, name)
    } else {
        return None;
    };
    let (root, extent, mut steps) = chain(inner)?;
    steps.push(Step { name, extent: expression.extent });
    Some((root, extent, steps))
}

pub(super) struct Step<'e> {
    name: &'e str,
    extent: Extent,
}

/// Resolves a chain, or says which of its names is wrong.
pub(super) fn place(
    checker: &mut Checker,
    root: &str,
    extent: Extent,
    steps: &[Step<'_>],
) -> Result<Place, Fault> {
    if checker.item() == Some(root) {
        return match steps.first() {
            None => Ok(Place::Fact(Node::Item, checker.item_type())),
            Some(step) => Err(step.extent.fault(format!("`{root}` has no members"))),
        };
    }
    match root {
        "value" => field(checker, Scope::Value, extent, steps),
        "record" => record(checker, extent, steps),
        "principal" => principal(extent, steps),
        "request" => request(extent, steps),
        "topic" => only(extent, steps, "topic", "name", &["labels"], SubjectFact::TopicName),
        "client" => {
            let unbuilt = &["software", "version", "ip"];
            only(extent, steps, "client", "id", unbuilt, SubjectFact::ClientId)
        }
        unbuilt if ROOTS_NOT_BUILT.contains(&unbuilt) => Err(not_built(extent, unbuilt)),
        unknown => {
            Err(extent.fault(format!("`{unknown}` is not a known name")).nearest(unknown, ROOTS))
        }
    }
}

pub(super) fn not_built(extent: Extent, name: &str) -> Fault {
    extent.fault(format!("`{name}` is not built yet"))
}

fn subject(fact: SubjectFact) -> Place {
    let kind = match fact {
        SubjectFact::GroupsKnown => Type::Bool,
        SubjectFact::TopicName
        | SubjectFact::PrincipalName
        | SubjectFact::PrincipalAuth
        | SubjectFact::ClientId => Type::Text,
    };
    Place::Fact(Node::Subject(fact), kind)
}

/// A root with one member that is built.
fn only(
    extent: Extent,
    steps: &[Step<'_>],
    root: &str,
    member: &'static str,
    unbuilt: &[&str],
    fact: SubjectFact,
) -> Result<Place, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        let fault = extent.fault(format!("`{root}` alone is no value"));
        return Err(fault.suggest(format!("write {root}.{member}")));
    };
    if unbuilt.contains(&step.name) {
        return Err(not_built(step.extent, &format!("{root}.{}", step.name)));
    }
    if step.name != member {
        return Err(unknown_member(step, root, &[member]));
    }
    end(rest, subject(fact))
}

fn principal(extent: Extent, steps: &[Step<'_>]) -> Result<Place, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        let fault = extent.fault("`principal` alone is no value");
        return Err(fault.suggest("write principal.name or principal.groups"));
    };
    let place = match step.name {
        "name" => subject(SubjectFact::PrincipalName),
        "auth" => subject(SubjectFact::PrincipalAuth),
        "groups_known" => subject(SubjectFact::GroupsKnown),
        "groups" => Place::Groups,
        "claims" => return Err(not_built(step.extent, "principal.claims")),
        _ => return Err(unknown_member(step, "principal", PRINCIPAL)),
    };
    end(rest, place)
}

/// What an admin request asks for.
fn request(extent: Extent, steps: &[Step<'_>]) -> Result<Place, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        let fault = extent.fault("`request` alone is no value");
        return Err(fault.suggest("write request.partitions or request.configs['retention.ms']"));
    };
    let fact = |fact, kind| Place::Fact(Node::Request(fact), kind);
    let place = match step.name {
        "api" => fact(RequestFact::Api, Type::Text),
        "resource" => fact(RequestFact::Resource, Type::Text),
        "partitions" => fact(RequestFact::Partitions, Type::Integer),
        "replication_factor" => fact(RequestFact::ReplicationFactor, Type::Integer),
        "configs" => {
            return match rest.split_first() {
                None => Ok(Place::Configs),
                Some((name, rest)) => end(rest, Place::Config(name.name.into())),
            };
        }
        unbuilt if REQUEST_NOT_BUILT.contains(&unbuilt) => {
            return Err(not_built(step.extent, &format!("request.{unbuilt}")));
        }
        _ => return Err(unknown_member(step, "request", REQUEST)),
    };
    end(rest, place)
}

fn record(checker: &mut Checker, extent: Extent, steps: &[Step<'_>]) -> Result<Place, Fault> {
    let Some((step, rest)) = steps.split_first() else {
        let fault = extent.fault("`record` alone is no value");
        return Err(fault.suggest("write record.size, record.key or record.headers['name']"));
    };
    let fact = |fact, kind| Place::Fact(Node::Record(fact), kind);
    let place = match step.name {
        "size" => fact(RecordFact::Size, Type::Integer),
        "timestamp" => fact(RecordFact::Timestamp, Type::Timestamp),
        "offset" => fact(RecordFact::Offset, Type::Integer),
        "partition" => fact(RecordFact::Partition, Type::Integer),
        "value_is_null" => fact(RecordFact::ValueIsNull, Type::Bool),
        "key" if rest.is_empty() => fact(RecordFact::KeyText, Type::Dynamic),
        "key" => return field(checker, Scope::Key, step.extent, rest),
        "headers" => return headers(rest),
        "schema_id" | "conforms" => {
            return Err(not_built(step.extent, &format!("record.{}", step.name)));
        }
        "value" => {
            let fault = step.extent.fault("`record.value` is not a known name");
            return Err(fault.suggest("write value.<field>, or record.value_is_null"));
        }
        _ => return Err(unknown_member(step, "record", RECORD)),
    };
    end(rest, place)
}

fn headers(steps: &[Step<'_>]) -> Result<Place, Fault> {
    match steps.split_first() {
        None => Ok(Place::Headers),
        Some((name, rest)) => end(rest, Place::Header(name.name.into())),
    }
}

fn field(
    checker: &mut Checker,
    scope: Scope,
    extent: Extent,
    steps: &[Step<'_>],
) -> Result<Place, Fault> {
    let Some(last) = steps.last() else {
        let fault = extent.fault("`value` alone is no value that a condition can use");
        return Err(fault.suggest("write value.<field>, or record.value_is_null"));
    };
    let mut path = String::from("$");
    for step in steps {
        if is_plain(step.name) {
            path.push('.');
            path.push_str(step.name);
            continue;
        }
        path.push_str("['");
        for character in step.name.chars() {
            if matches!(character, '\\' | '\'' | '"') {
                path.push('\\');
            }
            path.push(character);
        }
        path.push_str("']");
    }
    let pattern = PathPattern::path(&path)
        .map_err(|error| last.extent.fault(format!("not a field: {}", error.message)))?;
    let index = checker.pattern(scope, pattern);
    index
        .map(|index| Place::Field(scope, index))
        .ok_or_else(|| last.extent.fault("the expression looks at more fields than one rule may"))
}

/// Whether a name needs no quotes in a path; written one way only, one field is one pattern.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn end(rest: &[Step<'_>], place: Place) -> Result<Place, Fault> {
    match rest.first() {
        None => Ok(place),
        Some(step) => Err(step.extent.fault(format!("there is no `{}` in this", step.name))),
    }
}

fn unknown_member(step: &Step<'_>, root: &str, known: &[&str]) -> Fault {
    step.extent.fault(format!("`{root}` has no `{}`", step.name)).nearest(step.name, known)
}

impl Place {
    /// The place as a value in an expression.
    pub(super) fn typed(self, extent: Extent) -> Result<Typed, Fault> {
        let (node, kind) = match self {
            Self::Fact(node, kind) => (node, kind),
            Self::Header(name) => (Node::Header(name), Type::Dynamic),
            Self::Config(name) => (Node::Config(name), Type::Dynamic),
            Self::Field(scope, pattern) => (Node::Field(scope, pattern), Type::Dynamic),
            Self::Groups => {
                let fault = extent.fault("a list of groups is no value by itself");
                return Err(fault.suggest("write 'name' in principal.groups"));
            }
            Self::Configs => {
                let fault = extent.fault("the settings are no value by themselves");
                return Err(fault.suggest("write request.configs['retention.ms']"));
            }
            Self::Headers => {
                let fault = extent.fault("the headers are no value by themselves");
                return Err(fault.suggest("write record.headers['name']"));
            }
        };
        Ok(Typed { node, kind, extent })
    }
}
