//! JSON as tokens and key sets must be: one reading only.
//!
//! RFC 8259 leaves duplicate member names open, and parsers differ in which one they keep; RFC 7519
//! §4 lets a JWT with duplicates be refused, so it is. Depth is counted here, well below the
//! parser's own limit, and nothing may follow the value.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::JSON_DEPTH_MAX;

/// A parsed JSON value, without duplicate names and at most [`JSON_DEPTH_MAX`] deep.
#[derive(PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is no `i64`: a fraction, an exponent, or out of range.
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Object),
}

/// The members of an object.
pub(super) type Object = BTreeMap<String, Value>;

/// Why some bytes are not such a JSON object; without a piece of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON, not UTF-8, or something follows.
    #[error("is not valid JSON")]
    Invalid,
    /// JSON, but not an object at the top.
    #[error("is not a JSON object")]
    NotAnObject,
    /// The same member name twice in one object.
    #[error("names a JSON member twice")]
    DuplicateMember,
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    #[error("is nested too deeply")]
    TooDeep,
}

// serde's error type carries text only: these texts find their way back in `object`.
const DUPLICATE: &str = "lockgate: duplicate member";
const DEEP: &str = "lockgate: too deep";

/// Parses one object that is all of `bytes`.
pub(super) fn object(bytes: &[u8]) -> Result<Object, JsonFault> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { depth_left: JSON_DEPTH_MAX }.deserialize(&mut reader).map_err(|error| {
        let text = error.to_string();
        if text.starts_with(DUPLICATE) {
            JsonFault::DuplicateMember
        } else if text.starts_with(DEEP) {
            JsonFault::TooDeep
        } else {
            JsonFault::Invalid
        }
    })?;
    reader.end().map_err(|_| JsonFault::Invalid)?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::List(_) => Err(JsonFault::NotAnObject),
    }
}

impl Value {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub(super) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }
}

#[derive(Clone, Copy)]
struct Seed {
    /// How many containers may still be opened.
    depth_left: usize,
}

impl Seed {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1).ok_or_else(|| E::custom(DEEP))?;
        Ok(Self { depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        // Beyond i64 only "too large" matters, and f64 keeps that.
        #[allow(clippy::cast_precision_loss)]
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            let value = members.next_value_seed(seed)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
