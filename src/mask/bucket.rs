//! `bucket`: the lower end of the range that a number is in.

use super::decimal::Decimal;
use super::spec::Buckets;
use super::{Mask, Strength, redacted};
use crate::field::{FieldKind, Masked};

pub(super) struct Bucket {
    ranges: Ranges,
}

enum Ranges {
    Size(Decimal),
    /// Ascending, with the first apart, so that there is one.
    Edges(Decimal, Vec<Decimal>),
}

impl Bucket {
    pub(super) fn new(buckets: &Buckets) -> Option<Self> {
        let ranges = match buckets {
            Buckets::Size(size) => Ranges::Size(Decimal::from_f64(*size)?),
            Buckets::Edges(edges) => {
                let (first, others) = edges.split_first()?;
                let others = others.iter().map(|edge| Decimal::from_f64(*edge));
                Ranges::Edges(Decimal::from_f64(*first)?, others.collect::<Option<_>>()?)
            }
        };
        Some(Self { ranges })
    }

    fn lower_end(&self, number: Decimal) -> Option<Decimal> {
        match &self.ranges {
            Ranges::Size(size) => number.floor_to(*size),
            Ranges::Edges(first, others) => {
                let mut end = *first;
                for edge in others {
                    if !edge.is_at_most(number)? {
                        break;
                    }
                    end = *edge;
                }
                Some(end)
            }
        }
    }
}

impl Mask for Bucket {
    fn name(&self) -> &'static str {
        "bucket"
    }

    fn strength(&self) -> Strength {
        Strength::Weak
    }

    fn allowed_on_key(&self) -> bool {
        false
    }

    /// A number gives a number, a string that is a number gives a string. What cannot be computed
    /// exactly (38 digits, exponents beyond 38) is redacted.
    fn apply<'o>(&self, kind: FieldKind, text: &str, scratch: &'o mut String) -> Masked<'o> {
        let number = match kind {
            FieldKind::Null => return Masked::Null,
            FieldKind::Number | FieldKind::Text => Decimal::parse(text),
            FieldKind::Bool | FieldKind::List | FieldKind::Object => None,
        };
        let Some(end) = number.and_then(|number| self.lower_end(number)) else {
            return redacted(scratch);
        };
        scratch.clear();
        end.write(scratch);
        if kind == FieldKind::Number { Masked::Number(scratch) } else { Masked::Text(scratch) }
    }
}
