//! A condition and what is known → true, false, or not evaluable.

use std::borrow::Cow;

use crate::field::{Fact, Scope};
use crate::identity::Groups;
use crate::policy::query::{AccessQuery, Query, RecordView, Resource};

use super::node::{
    Collection, Constant, Node, Quantity, RecordFact, RequestFact, SubjectFact, TextTest,
};
use super::value::{Unevaluable, Value, arithmetic, compare, equal};

/// What a condition may look at. Without a query (in a plan, whose conditions no longer need one)
/// or without a record, what they would have said is not evaluable.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) query: Option<&'a Query<'a>>,
    /// What an admin request wants; the query then holds its topic, if it is about one.
    pub(crate) request: Option<&'a AccessQuery<'a>>,
    pub(crate) record: Option<&'a dyn RecordView>,
    pub(super) item: Option<&'a Constant>,
}

impl<'a> Scene<'a> {
    pub(crate) fn of_query(query: &'a Query<'a>) -> Self {
        Self { query: Some(query), request: None, record: None, item: None }
    }

    pub(crate) fn of_access(query: &'a Query<'a>, request: &'a AccessQuery<'a>) -> Self {
        Self { request: Some(request), ..Self::of_query(query) }
    }

    pub(crate) fn of_record(record: &'a dyn RecordView) -> Self {
        Self { query: None, request: None, record: Some(record), item: None }
    }

    fn subject(&self, fact: SubjectFact) -> Result<Value<'a>, Unevaluable> {
        let query = self.query.ok_or(Unevaluable)?;
        Ok(match fact {
            SubjectFact::TopicName => match self.request.map(|request| request.resource) {
                None | Some(Resource::Topic(_)) => Value::Text(Cow::Borrowed(query.topic)),
                Some(
                    Resource::ConsumerGroup(_) | Resource::TransactionalId(_) | Resource::Cluster,
                ) => return Err(Unevaluable),
            },
            SubjectFact::PrincipalName => {
                let principal = &query.subject.principal;
                Value::Text(match principal.issuer {
                    None => Cow::Borrowed(&principal.name),
                    // Only while a plan is made.
                    Some(_) => Cow::Owned(principal.to_string()),
                })
            }
            SubjectFact::PrincipalAuth => {
                Value::Text(Cow::Borrowed(query.subject.mechanism.as_str()))
            }
            SubjectFact::GroupsKnown => Value::Bool(match query.subject.groups {
                Groups::Known(_) => true,
                Groups::Unknown => false,
            }),
            SubjectFact::ClientId => Value::Text(Cow::Borrowed(query.client_id)),
        })
    }

    fn request(&self, fact: RequestFact) -> Result<Value<'a>, Unevaluable> {
        let request = self.request.ok_or(Unevaluable)?;
        Ok(match fact {
            RequestFact::Api => Value::Text(Cow::Borrowed(request.api)),
            RequestFact::Resource => {
                Value::Text(Cow::Borrowed(request.resource.kind().in_conditions()))
            }
            RequestFact::Partitions | RequestFact::ReplicationFactor => {
                Value::Integer(self.number(fact)?.ok_or(Unevaluable)?.into())
            }
        })
    }

    fn number(&self, fact: RequestFact) -> Result<Option<i32>, Unevaluable> {
        let wanted = self.request.ok_or(Unevaluable)?.wanted;
        Ok(match fact {
            RequestFact::Api | RequestFact::Resource => None,
            RequestFact::Partitions => wanted.partitions,
            RequestFact::ReplicationFactor => wanted.replication_factor,
        })
    }

    /// The value of a setting. Named twice, two readers may take one or the other.
    fn config(&self, name: &str) -> Result<Value<'a>, Unevaluable> {
        let configs = self.request.ok_or(Unevaluable)?.wanted.configs;
        let mut named = configs.iter().filter(|(key, _)| *key == name);
        match (named.next(), named.next()) {
            (Some((_, Some(value))), None) => Ok(Value::Text(Cow::Borrowed(*value))),
            (Some((_, None)), None) => Ok(Value::Null),
            (None, _) | (Some(_), Some(_)) => Err(Unevaluable),
        }
    }

    fn config_present(&self, name: &str) -> Result<bool, Unevaluable> {
        let configs = self.request.ok_or(Unevaluable)?.wanted.configs;
        Ok(configs.iter().any(|(key, _)| *key == name))
    }

    fn record(&self, fact: RecordFact) -> Result<Value<'a>, Unevaluable> {
        let record = self.record.ok_or(Unevaluable)?;
        Ok(match fact {
            RecordFact::Size => Value::Integer(record.size_bytes().into()),
            RecordFact::Timestamp => Value::Integer(record.timestamp_ms().into()),
            RecordFact::Offset => Value::Integer(record.offset().into()),
            RecordFact::Partition => Value::Integer(record.partition().into()),
            RecordFact::ValueIsNull => Value::Bool(record.value_is_null()),
            RecordFact::KeyText => Value::of_fact(record.key_text())?,
        })
    }

    fn groups(&self) -> Result<&'a [std::sync::Arc<str>], Unevaluable> {
        match &self.query.ok_or(Unevaluable)?.subject.groups {
            Groups::Known(names) => Ok(names),
            Groups::Unknown => Err(Unevaluable),
        }
    }

    fn header_present(&self, name: &str) -> Result<bool, Unevaluable> {
        Ok(self.record.ok_or(Unevaluable)?.has_header(name))
    }

    fn field_present(&self, scope: Scope, pattern: u16) -> Result<bool, Unevaluable> {
        match self.record.ok_or(Unevaluable)?.fact(scope, pattern) {
            Fact::Missing => Ok(false),
            Fact::Null
            | Fact::Bool(_)
            | Fact::Number(_)
            | Fact::Text(_)
            | Fact::List
            | Fact::Object => Ok(true),
            // Two readers of the document may disagree on whether it is there.
            Fact::Ambiguous | Fact::Undecodable => Err(Unevaluable),
        }
    }

    /// The groups as constants, for a plan whose condition still has to look at records.
    pub(super) fn group_constants(&self) -> Result<Vec<Constant>, Unevaluable> {
        let groups = self.groups()?;
        Ok(groups.iter().map(|group| Constant::Text(group.clone())).collect())
    }
}

impl Node {
    /// Whether the condition holds.
    pub(crate) fn holds(&self, scene: &Scene<'_>) -> Result<bool, Unevaluable> {
        self.evaluate(scene)?.truth()
    }

    pub(super) fn evaluate<'a>(&'a self, scene: &Scene<'a>) -> Result<Value<'a>, Unevaluable> {
        let bool_of = |truth: Result<bool, Unevaluable>| truth.map(Value::Bool);
        match self {
            Self::Constant(constant) => Ok(Value::of_constant(constant)),
            Self::Failure => Err(Unevaluable),
            Self::Subject(fact) => scene.subject(*fact),
            Self::Record(fact) => scene.record(*fact),
            Self::Request(fact) => scene.request(*fact),
            Self::RequestPresent(fact) => Ok(Value::Bool(scene.number(*fact)?.is_some())),
            Self::Config(name) => scene.config(name),
            Self::ConfigPresent(name) => {
                let name = name.evaluate(scene)?;
                bool_of(scene.config_present(name.text()?))
            }
            Self::Whole(inner) => inner.evaluate(scene)?.whole(),
            Self::Header(name) => Value::of_fact(scene.record.ok_or(Unevaluable)?.header(name)),
            Self::Field(scope, pattern) => {
                Value::of_fact(scene.record.ok_or(Unevaluable)?.fact(*scope, *pattern))
            }
            Self::Item => scene.item.map(Value::of_constant).ok_or(Unevaluable),
            Self::HeaderPresent(name) => {
                let name = name.evaluate(scene)?;
                bool_of(scene.header_present(name.text()?))
            }
            Self::FieldPresent(scope, pattern) => bool_of(scene.field_present(*scope, *pattern)),
            Self::Not(inner) => Ok(Value::Bool(!inner.holds(scene)?)),
            Self::Negate(inner) => inner.evaluate(scene)?.negated(),
            Self::All(parts) => {
                bool_of(decisive(parts.iter().map(|part| part.holds(scene)), false))
            }
            Self::Any(parts) => bool_of(decisive(parts.iter().map(|part| part.holds(scene)), true)),
            Self::Compare(comparison, pair) => {
                let [left, right] = pair.as_ref();
                let (left, right) = (left.evaluate(scene)?, right.evaluate(scene)?);
                bool_of(compare(*comparison, &left, &right))
            }
            Self::Arithmetic(operation, pair) => {
                let [left, right] = pair.as_ref();
                arithmetic(*operation, &left.evaluate(scene)?, &right.evaluate(scene)?)
            }
            Self::Choice(three) => {
                let [test, yes, no] = three.as_ref();
                if test.holds(scene)? { yes.evaluate(scene) } else { no.evaluate(scene) }
            }
            Self::Among(needle, collection) => {
                bool_of(among(&needle.evaluate(scene)?, collection, scene))
            }
            Self::Length(inner) => {
                let text = inner.evaluate(scene)?;
                Ok(Value::Integer(text.text()?.chars().count() as i128))
            }
            Self::CollectionLength(collection) => Ok(Value::Integer(match collection {
                Collection::List(list) => list.len(),
                Collection::Groups => scene.groups()?.len(),
            } as i128)),
            Self::TextTest(test, pair) => {
                let [left, right] = pair.as_ref();
                let (left, right) = (left.evaluate(scene)?, right.evaluate(scene)?);
                Ok(Value::Bool(test.holds(left.text()?, right.text()?)))
            }
            Self::Matches(inner, regex) => {
                Ok(Value::Bool(regex.is_match(inner.evaluate(scene)?.text()?)))
            }
            Self::Quantified(quantity, collection, body) => {
                bool_of(quantified(*quantity, collection, body, scene))
            }
        }
    }
}

impl TextTest {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

/// CEL's `&&` (`decisive` false) and `||` (true) over any number: a part that decides does so even
/// where another cannot be evaluated, whatever their order.
fn decisive(
    parts: impl Iterator<Item = Result<bool, Unevaluable>>,
    decisive: bool,
) -> Result<bool, Unevaluable> {
    let mut failed = false;
    for part in parts {
        match part {
            Ok(truth) if truth == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(Unevaluable) => failed = true,
        }
    }
    if failed { Err(Unevaluable) } else { Ok(!decisive) }
}

fn among(
    needle: &Value<'_>,
    collection: &Collection,
    scene: &Scene<'_>,
) -> Result<bool, Unevaluable> {
    match collection {
        Collection::List(list) => {
            decisive(list.iter().map(|element| equal(needle, &Value::of_constant(element))), true)
        }
        Collection::Groups => {
            let needle = needle.text()?;
            Ok(scene.groups()?.iter().any(|group| &**group == needle))
        }
    }
}

fn quantified(
    quantity: Quantity,
    collection: &Collection,
    body: &Node,
    scene: &Scene<'_>,
) -> Result<bool, Unevaluable> {
    let wanted = match quantity {
        Quantity::Some => true,
        Quantity::Every => false,
    };
    let holds = |item: &Constant| {
        let Scene { query, request, record, .. } = *scene;
        body.holds(&Scene { query, request, record, item: Some(item) })
    };
    match collection {
        Collection::List(list) => decisive(list.iter().map(holds), wanted),
        Collection::Groups => {
            let groups = scene.groups()?.iter();
            decisive(groups.map(|group| holds(&Constant::Text(group.clone()))), wanted)
        }
    }
}
