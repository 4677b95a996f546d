//! The types that the checker reasons with.

/// What an expression yields. `Dynamic` is known only when a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Bool,
    Integer,
    Decimal,
    Text,
    Timestamp,
    Dynamic,
}

impl Type {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Integer => "a whole number",
            Self::Decimal => "a number",
            Self::Text => "text",
            Self::Timestamp => "a timestamp",
            Self::Dynamic => "a value",
        }
    }

    pub(super) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Dynamic
    }

    pub(super) fn may_be_number(self) -> bool {
        match self {
            Self::Integer | Self::Decimal | Self::Dynamic => true,
            Self::Null | Self::Bool | Self::Text | Self::Timestamp => false,
        }
    }

    /// Whether `==` between the two can ever be evaluated.
    pub(super) fn equates(self, other: Self) -> bool {
        match (self, other) {
            (Self::Dynamic | Self::Null, Self::Dynamic | Self::Null) => true,
            // Only documents, keys and headers have nulls.
            (Self::Null, _) | (_, Self::Null) => false,
            _ => self.orders(other),
        }
    }

    /// Whether `<` between the two can ever be evaluated.
    pub(super) fn orders(self, other: Self) -> bool {
        if self == Self::Null || other == Self::Null {
            return false;
        }
        self == other
            || self == Self::Dynamic && other != Self::Timestamp
            || other == Self::Dynamic && self != Self::Timestamp
            || self.may_be_number() && other.may_be_number()
    }
}
