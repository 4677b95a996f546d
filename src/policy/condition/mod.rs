//! The typed subset of CEL that `when` is written in.
//!
//! Text → tokens → tree → checked nodes, once, when a policy is loaded; what depends on the subject
//! and the topic only is evaluated away when a plan is made. What is left looks at one record and
//! allocates nothing. There are no loops over what a peer sends, no user functions and no io.
//!
//! Three answers: true, false, and not evaluable. The last one is the caller's to judge: a rule
//! that restricts matches, an exception does not.

mod calls;
mod check;
mod evaluate;
mod fault;
mod kind;
mod lexer;
mod names;
mod node;
mod parser;
mod residue;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

use crate::field::{PathPattern, Scope};

use kind::Type;

pub(crate) use evaluate::Scene;
pub(crate) use fault::Fault;
pub(crate) use node::{Node, Reads};

/// The longest expression, in characters.
pub(crate) const EXPRESSION_CHARACTERS_MAX: usize = 2_000;
/// The deepest nesting of an expression.
pub(crate) const DEPTH_MAX: usize = 32;

/// A compiled `when`.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) root: Node,
    pub(crate) reads: Reads,
    /// How many regexes it holds, for the limit over a whole policy set.
    pub(crate) regexes: usize,
    value: Vec<PathPattern>,
    key: Vec<PathPattern>,
}

impl Condition {
    /// Compiles an expression.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub(crate) fn compile(expression: &str) -> Result<Self, Fault> {
        let length = expression.chars().count();
        let whole = fault::Extent { start: 0, end: length };
        if length > EXPRESSION_CHARACTERS_MAX {
            let message = format!(
                "an expression has at most {EXPRESSION_CHARACTERS_MAX} characters, not {length}"
            );
            return Err(whole.fault(message));
        }
        let tree = parser::parse(expression)?;
        let mut checker = check::Checker::default();
        let typed = checker.check(&tree)?;
        if !typed.kind.may_be(Type::Bool) {
            let message = format!("`when` must be a bool, this is {}", typed.kind.as_str());
            return Err(typed.extent.fault(message).suggest("compare it with something"));
        }
        let (value, key, regexes) = checker.into_parts();
        Ok(Self { reads: typed.node.reads(), root: typed.node, regexes, value, key })
    }

    /// The fields that it looks at, in the numbering of its own nodes.
    pub(crate) fn patterns(&self, scope: Scope) -> &[PathPattern] {
        match scope {
            Scope::Value => &self.value,
            Scope::Key => &self.key,
            Scope::Headers => &[],
        }
    }
}
