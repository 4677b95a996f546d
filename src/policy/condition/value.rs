//! Values while a condition is evaluated, and how they compare. Nothing here allocates.
//!
//! CEL's heterogeneous equality answers `"75000" == 75000` with false. Here a comparison of two
//! different kinds is an error instead, because an error makes a restrictive rule match: a producer
//! who writes a number as text does not slip past a limit.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::field::Fact;

use super::node::{Comparison, Constant, Operation};

/// The expression could not be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unevaluable;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Decimal(f64),
    Text(Cow<'a, str>),
    /// A list or an object: it is there, and that is all a condition may ask.
    Structure,
}

/// More significant digits than a double keeps: comparing such a number would compare another one.
const SIGNIFICANT_DIGITS_MAX: usize = 17;

impl<'a> Value<'a> {
    pub(super) fn of_constant(constant: &'a Constant) -> Self {
        match constant {
            Constant::Null => Self::Null,
            Constant::Bool(truth) => Self::Bool(*truth),
            Constant::Integer(number) => Self::Integer(*number),
            Constant::Decimal(number) => Self::Decimal(*number),
            Constant::Text(text) => Self::Text(Cow::Borrowed(text)),
        }
    }

    pub(super) fn of_fact(fact: Fact<'a>) -> Result<Self, Unevaluable> {
        match fact {
            Fact::Null => Ok(Self::Null),
            Fact::Bool(truth) => Ok(Self::Bool(truth)),
            Fact::Number(written) => number(written),
            Fact::Text(text) => Ok(Self::Text(text)),
            Fact::List | Fact::Object => Ok(Self::Structure),
            Fact::Missing | Fact::Ambiguous | Fact::Undecodable => Err(Unevaluable),
        }
    }

    pub(super) fn truth(&self) -> Result<bool, Unevaluable> {
        match self {
            Self::Bool(truth) => Ok(*truth),
            Self::Null | Self::Integer(_) | Self::Decimal(_) | Self::Text(_) | Self::Structure => {
                Err(Unevaluable)
            }
        }
    }

    pub(super) fn text(&self) -> Result<&str, Unevaluable> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Decimal(_) | Self::Structure => {
                Err(Unevaluable)
            }
        }
    }

    /// What it is as a constant of a plan; the only place that copies a text.
    pub(super) fn into_constant(self) -> Result<Constant, Unevaluable> {
        match self {
            Self::Null => Ok(Constant::Null),
            Self::Bool(truth) => Ok(Constant::Bool(truth)),
            Self::Integer(number) => Ok(Constant::Integer(number)),
            Self::Decimal(number) => Ok(Constant::Decimal(number)),
            Self::Text(text) => Ok(Constant::Text(text.as_ref().into())),
            Self::Structure => Err(Unevaluable),
        }
    }

    /// `int(…)`. A text is read as Kafka reads a setting that is a number: blanks around it do not
    /// count.
    pub(super) fn whole<'v>(&self) -> Result<Value<'v>, Unevaluable> {
        match self {
            Self::Integer(number) => Ok(Value::Integer(*number)),
            Self::Text(text) => {
                text.trim().parse::<i128>().map(Value::Integer).map_err(|_| Unevaluable)
            }
            Self::Null | Self::Bool(_) | Self::Decimal(_) | Self::Structure => Err(Unevaluable),
        }
    }

    pub(super) fn negated(self) -> Result<Self, Unevaluable> {
        match self {
            Self::Integer(number) => number.checked_neg().map(Self::Integer).ok_or(Unevaluable),
            Self::Decimal(number) => Ok(Self::Decimal(-number)),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Structure => Err(Unevaluable),
        }
    }
}

pub(super) fn compare(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<bool, Unevaluable> {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => equal(left, right).map(|same| !same),
        Comparison::Less => order(left, right).map(Ordering::is_lt),
        Comparison::LessOrEqual => order(left, right).map(Ordering::is_le),
        Comparison::Greater => order(left, right).map(Ordering::is_gt),
        Comparison::GreaterOrEqual => order(left, right).map(Ordering::is_ge),
    }
}

/// Null equals null and nothing else; everything else compares within its kind.
pub(super) fn equal(left: &Value<'_>, right: &Value<'_>) -> Result<bool, Unevaluable> {
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Null, _) | (_, Value::Null) => Ok(false),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, Unevaluable> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Ok(left.cmp(right)),
        (Value::Decimal(left), Value::Decimal(right)) => left.partial_cmp(right).ok_or(Unevaluable),
        (Value::Integer(left), Value::Decimal(right)) => order_mixed(*left, *right),
        (Value::Decimal(left), Value::Integer(right)) => {
            order_mixed(*right, *left).map(Ordering::reverse)
        }
        (Value::Text(left), Value::Text(right)) => Ok(left.as_ref().cmp(right.as_ref())),
        (Value::Bool(left), Value::Bool(right)) => Ok(left.cmp(right)),
        _ => Err(Unevaluable),
    }
}

/// Exact: turning the integer into a double would round it.
fn order_mixed(integer: i128, decimal: f64) -> Result<Ordering, Unevaluable> {
    const LIMIT: f64 = 1e38;
    if decimal.is_nan() {
        return Err(Unevaluable);
    }
    if decimal >= LIMIT {
        return Ok(Ordering::Less);
    }
    if decimal <= -LIMIT {
        return Ok(Ordering::Greater);
    }
    let whole = decimal.trunc();
    let order = integer.cmp(&(whole as i128));
    Ok(order.then_with(|| 0.0_f64.partial_cmp(&(decimal - whole)).unwrap_or(Ordering::Equal)))
}

pub(super) fn arithmetic<'v>(
    operation: Operation,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<Value<'v>, Unevaluable> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        let result = match operation {
            Operation::Add => left.checked_add(*right),
            Operation::Subtract => left.checked_sub(*right),
            Operation::Multiply => left.checked_mul(*right),
            Operation::Divide => left.checked_div(*right),
            Operation::Remainder => left.checked_rem(*right),
        };
        return result.map(Value::Integer).ok_or(Unevaluable);
    }
    let (left, right) = (double(left)?, double(right)?);
    let result = match operation {
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
        Operation::Divide => left / right,
        Operation::Remainder => return Err(Unevaluable),
    };
    if result.is_finite() { Ok(Value::Decimal(result)) } else { Err(Unevaluable) }
}

fn double(value: &Value<'_>) -> Result<f64, Unevaluable> {
    match value {
        Value::Integer(number) => Ok(*number as f64),
        Value::Decimal(number) => Ok(*number),
        Value::Null | Value::Bool(_) | Value::Text(_) | Value::Structure => Err(Unevaluable),
    }
}

/// Reads a number as a document has it. What a comparison could not treat exactly is an error.
fn number<'v>(written: &str) -> Result<Value<'v>, Unevaluable> {
    let digits = written.strip_prefix('-').unwrap_or(written);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return written.parse::<i128>().map(Value::Integer).map_err(|_| Unevaluable);
    }
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|byte| *byte == b'0');
    if significant.count() > SIGNIFICANT_DIGITS_MAX {
        return Err(Unevaluable);
    }
    let parsed = written.parse::<f64>().map_err(|_| Unevaluable)?;
    let underflowed = parsed == 0.0 && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if parsed.is_finite() && !underflowed { Ok(Value::Decimal(parsed)) } else { Err(Unevaluable) }
}
