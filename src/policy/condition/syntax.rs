//! The tree that the parser makes and the checker reads; nothing evaluates it.

use super::fault::Extent;

/// One expression as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) extent: Extent,
    /// 1 for a leaf; never above `DEPTH_MAX`, so that recursion over the tree is bounded.
    pub(super) depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
    List(Vec<Expression>),
    Name(String),
    Member(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
    Call { target: Option<Box<Expression>>, function: String, arguments: Vec<Expression> },
    Not(Box<Expression>),
    Negate(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Box<Expression>),
    Arithmetic(Operation, Box<Expression>, Box<Expression>),
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Kind {
    /// The greatest depth among the parts.
    pub(super) fn depth_below(&self) -> usize {
        let deepest = |list: &[Expression]| list.iter().map(|part| part.depth).max().unwrap_or(0);
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Decimal(_)
            | Self::Text(_)
            | Self::Name(_) => 0,
            Self::List(list) | Self::All(list) | Self::Any(list) => deepest(list),
            Self::Member(inner, _) | Self::Not(inner) | Self::Negate(inner) => inner.depth,
            Self::Index(left, right)
            | Self::Compare(_, left, right)
            | Self::In(left, right)
            | Self::Arithmetic(_, left, right) => left.depth.max(right.depth),
            Self::Call { target, arguments, .. } => {
                deepest(arguments).max(target.as_ref().map_or(0, |target| target.depth))
            }
            Self::Choice(test, yes, no) => test.depth.max(yes.depth).max(no.depth),
        }
    }
}
