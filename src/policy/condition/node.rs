//! A condition that passed the checks: what it looks at, and nothing that could fail to resolve.

use std::sync::Arc;

use regex::Regex;

use crate::field::{PatternIndex, Scope};

use super::value::Unevaluable;

pub(super) use super::syntax::{Comparison, Operation};

/// A checked expression. Evaluating it takes time linear in its size and in the texts it reads.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Constant),
    /// Known, before any record is seen, not to be evaluable.
    Failure,
    Subject(SubjectFact),
    Record(RecordFact),
    /// What an admin request asks for.
    Request(RequestFact),
    /// Whether it says that.
    RequestPresent(RequestFact),
    /// The value that an admin request gives to the setting with that name.
    Config(Arc<str>),
    ConfigPresent(Box<Node>),
    /// The value of the header with that name.
    Header(Arc<str>),
    /// A JSON field of the value or the key.
    Field(Scope, PatternIndex),
    /// The element that the quantifier around it looks at.
    Item,
    HeaderPresent(Box<Node>),
    FieldPresent(Scope, PatternIndex),
    Not(Box<Node>),
    Negate(Box<Node>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Compare(Comparison, Box<[Node; 2]>),
    Arithmetic(Operation, Box<[Node; 2]>),
    Choice(Box<[Node; 3]>),
    Among(Box<Node>, Collection),
    /// `int(…)`: a number, or a text of digits, as a whole number.
    Whole(Box<Node>),
    Length(Box<Node>),
    CollectionLength(Collection),
    TextTest(TextTest, Box<[Node; 2]>),
    Matches(Box<Node>, Arc<Regex>),
    Quantified(Quantity, Collection, Box<Node>),
}

/// A value that is written in the expression or known once the plan is made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Integer(i128),
    Decimal(f64),
    Text(Arc<str>),
}

/// What is known of a request before any record: stage S1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectFact {
    TopicName,
    PrincipalName,
    PrincipalAuth,
    GroupsKnown,
    ClientId,
}

/// What an admin request says of what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestFact {
    Api,
    /// The kind of what the rule is asked about.
    Resource,
    Partitions,
    ReplicationFactor,
}

/// What is known of a record without decoding its value or key: stage S2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordFact {
    Size,
    Timestamp,
    Offset,
    Partition,
    ValueIsNull,
    KeyText,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Collection {
    List(Arc<[Constant]>),
    /// The principal's groups, which may be unknown.
    Groups,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Some,
    Every,
}

/// What a condition looks at, from which its stage and what a reader must provide follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The principal's name or the client's id.
    pub(crate) identity: bool,
    pub(crate) groups: bool,
    /// The topic's name or how the principal logged in.
    pub(crate) request: bool,
    pub(crate) topic: bool,
    /// Of an admin request: its API, or anything that it wants.
    pub(crate) admin: bool,
    pub(crate) partitions: bool,
    pub(crate) replication_factor: bool,
    pub(crate) configs: bool,
    pub(crate) size: bool,
    /// Offset, partition, timestamp, or whether the value is null.
    pub(crate) envelope: bool,
    pub(crate) headers: bool,
    pub(crate) key_text: bool,
    pub(crate) key_fields: bool,
    pub(crate) value_fields: bool,
}

impl Reads {
    /// Whether it needs a record at all.
    pub(crate) fn records(self) -> bool {
        self.size || self.beyond_size()
    }

    /// Whether it needs more of a record than its size.
    pub(crate) fn beyond_size(self) -> bool {
        self.envelope || self.headers || self.key_text || self.key_fields || self.value_fields
    }

    /// Whether it needs to know what an admin request wants.
    pub(crate) fn wanted(self) -> bool {
        self.partitions || self.replication_factor || self.configs
    }

    /// Whether it needs the key or the value decoded.
    pub(crate) fn scope(self, scope: Scope) -> bool {
        match scope {
            Scope::Value => self.value_fields,
            Scope::Key => self.key_fields,
            Scope::Headers => self.headers,
        }
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            identity: self.identity || other.identity,
            groups: self.groups || other.groups,
            request: self.request || other.request,
            topic: self.topic || other.topic,
            admin: self.admin || other.admin,
            partitions: self.partitions || other.partitions,
            replication_factor: self.replication_factor || other.replication_factor,
            configs: self.configs || other.configs,
            size: self.size || other.size,
            envelope: self.envelope || other.envelope,
            headers: self.headers || other.headers,
            key_text: self.key_text || other.key_text,
            key_fields: self.key_fields || other.key_fields,
            value_fields: self.value_fields || other.value_fields,
        }
    }
}

impl Node {
    /// The nodes right below this one.
    pub(super) fn parts(&self) -> &[Node] {
        match self {
            Self::Constant(_)
            | Self::Failure
            | Self::Subject(_)
            | Self::Record(_)
            | Self::Header(_)
            | Self::Request(_)
            | Self::RequestPresent(_)
            | Self::Config(_)
            | Self::Field(..)
            | Self::Item
            | Self::FieldPresent(..)
            | Self::CollectionLength(_) => &[],
            Self::HeaderPresent(inner)
            | Self::ConfigPresent(inner)
            | Self::Whole(inner)
            | Self::Not(inner)
            | Self::Negate(inner)
            | Self::Among(inner, _)
            | Self::Length(inner)
            | Self::Matches(inner, _)
            | Self::Quantified(_, _, inner) => std::slice::from_ref(inner.as_ref()),
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Compare(_, pair) | Self::Arithmetic(_, pair) | Self::TextTest(_, pair) => {
                pair.as_slice()
            }
            Self::Choice(three) => three.as_slice(),
        }
    }

    /// What this node and everything below it looks at.
    pub(crate) fn reads(&self) -> Reads {
        let below = self.parts().iter().map(Self::reads);
        below.fold(self.reads_itself(), Reads::union)
    }

    fn reads_itself(&self) -> Reads {
        let nothing = Reads::default();
        let field = |scope: Scope| match scope {
            Scope::Value => Reads { value_fields: true, ..nothing },
            Scope::Key => Reads { key_fields: true, ..nothing },
            Scope::Headers => Reads { headers: true, ..nothing },
        };
        let collection = |collection: &Collection| match collection {
            Collection::List(_) => nothing,
            Collection::Groups => Reads { groups: true, ..nothing },
        };
        match self {
            Self::Constant(_)
            | Self::Failure
            | Self::Item
            | Self::Not(_)
            | Self::Negate(_)
            | Self::All(_)
            | Self::Any(_)
            | Self::Compare(..)
            | Self::Arithmetic(..)
            | Self::Choice(_)
            | Self::Length(_)
            | Self::Whole(_)
            | Self::TextTest(..)
            | Self::Matches(..) => nothing,
            Self::Subject(fact) => match fact {
                SubjectFact::TopicName => Reads { request: true, topic: true, ..nothing },
                SubjectFact::PrincipalAuth => Reads { request: true, ..nothing },
                SubjectFact::GroupsKnown => Reads { groups: true, ..nothing },
                SubjectFact::PrincipalName | SubjectFact::ClientId => {
                    Reads { identity: true, ..nothing }
                }
            },
            Self::Record(fact) => match fact {
                RecordFact::Size => Reads { size: true, ..nothing },
                RecordFact::KeyText => Reads { key_text: true, ..nothing },
                RecordFact::Timestamp
                | RecordFact::Offset
                | RecordFact::Partition
                | RecordFact::ValueIsNull => Reads { envelope: true, ..nothing },
            },
            Self::Request(fact) | Self::RequestPresent(fact) => match fact {
                RequestFact::Api | RequestFact::Resource => Reads { admin: true, ..nothing },
                RequestFact::Partitions => Reads { admin: true, partitions: true, ..nothing },
                RequestFact::ReplicationFactor => {
                    Reads { admin: true, replication_factor: true, ..nothing }
                }
            },
            Self::Config(_) | Self::ConfigPresent(_) => {
                Reads { admin: true, configs: true, ..nothing }
            }
            Self::Header(_) | Self::HeaderPresent(_) => Reads { headers: true, ..nothing },
            Self::Field(scope, _) | Self::FieldPresent(scope, _) => field(*scope),
            Self::Among(_, list) | Self::CollectionLength(list) | Self::Quantified(_, list, _) => {
                collection(list)
            }
        }
    }

    /// What it is whatever the record says: true, false, or never evaluable.
    pub(crate) fn decided(&self) -> Option<Result<bool, Unevaluable>> {
        if let Self::Constant(Constant::Bool(truth)) = self {
            return Some(Ok(*truth));
        }
        matches!(self, Self::Constant(_) | Self::Failure).then_some(Err(Unevaluable))
    }

    /// The fields that are looked at, with doubles.
    pub(crate) fn fields(&self) -> Vec<(Scope, PatternIndex)> {
        let mut fields = Vec::new();
        self.add_fields(&mut fields);
        fields
    }

    fn add_fields(&self, fields: &mut Vec<(Scope, PatternIndex)>) {
        if let Self::Field(scope, pattern) | Self::FieldPresent(scope, pattern) = self {
            fields.push((*scope, *pattern));
        }
        for part in self.parts() {
            part.add_fields(fields);
        }
    }

    /// Whether the element of a quantifier outside this node is looked at.
    pub(super) fn reads_item(&self) -> bool {
        if let Self::Quantified(..) = self {
            // Quantifiers do not nest, so what is inside one is its own element.
            return false;
        }
        matches!(self, Self::Item) || self.parts().iter().any(Self::reads_item)
    }
}
