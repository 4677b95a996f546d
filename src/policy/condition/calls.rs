//! The functions: `has size int startsWith endsWith contains matches exists all timestamp`.

use std::sync::Arc;

use regex::RegexBuilder;

use super::check::{Checker, Typed};
use super::fault::{Extent, Fault};
use super::kind::Type;
use super::names::{self, Place, chain, not_built};
use super::node::{Collection, Constant, Node, Quantity, RequestFact, TextTest};
use super::syntax::{Expression, Kind};
use crate::policy::instant;

/// The longest regex, in bytes.
const REGEX_BYTES_MAX: usize = 1024;
/// The most memory that one compiled regex takes, in bytes; `\w{100}` takes more.
const REGEX_COMPILED_BYTES_MAX: usize = 512 * 1024;

const FUNCTIONS: &[&str] = &["has", "size", "int", "timestamp"];
const METHODS: &[&str] =
    &["startsWith", "endsWith", "contains", "matches", "exists", "all", "size"];
const NOT_BUILT: &[&str] = &[
    "duration",
    "ip",
    "cidr",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "type",
    "dyn",
    "map",
    "filter",
    "exists_one",
    "lowerAscii",
    "upperAscii",
    "getFullYear",
    "getHours",
];

/// Checks `function(…)` or `target.function(…)`.
pub(super) fn call(
    checker: &mut Checker,
    extent: Extent,
    target: Option<&Expression>,
    function: &str,
    arguments: &[Expression],
) -> Result<Typed, Fault> {
    let (node, kind) = match (target, function) {
        (None, "has") => (present(checker, only(arguments, extent, function)?)?, Type::Bool),
        (None, "size") => (length(checker, only(arguments, extent, function)?)?, Type::Integer),
        (Some(target), "size") => {
            none(arguments, function)?;
            (length(checker, target)?, Type::Integer)
        }
        (None, "int") => (whole(checker, only(arguments, extent, function)?)?, Type::Integer),
        (None, "timestamp") => (timestamp(only(arguments, extent, function)?)?, Type::Timestamp),
        (Some(target), "startsWith") => {
            text_test(checker, TextTest::StartsWith, target, arguments, extent)?
        }
        (Some(target), "endsWith") => {
            text_test(checker, TextTest::EndsWith, target, arguments, extent)?
        }
        (Some(target), "contains") => {
            text_test(checker, TextTest::Contains, target, arguments, extent)?
        }
        (Some(target), "matches") => {
            (matches(checker, target, only(arguments, extent, function)?)?, Type::Bool)
        }
        (Some(target), "exists") => {
            (quantified(checker, Quantity::Some, target, arguments, extent)?, Type::Bool)
        }
        (Some(target), "all") => {
            (quantified(checker, Quantity::Every, target, arguments, extent)?, Type::Bool)
        }
        (_, unbuilt) if NOT_BUILT.contains(&unbuilt) => {
            return Err(not_built(extent, &format!("{unbuilt}()")));
        }
        (None, unknown) => {
            let fault = extent.fault(format!("there is no function `{unknown}`"));
            return Err(if METHODS.contains(&unknown) {
                fault.suggest(format!("write it behind a value: value.field.{unknown}(…)"))
            } else {
                fault.nearest(unknown, FUNCTIONS)
            });
        }
        (Some(_), unknown) => {
            let fault = extent.fault(format!("there is no function `{unknown}`"));
            return Err(fault.nearest(unknown, METHODS));
        }
    };
    Ok(Typed { node, kind, extent })
}

fn only<'e>(
    arguments: &'e [Expression],
    extent: Extent,
    function: &str,
) -> Result<&'e Expression, Fault> {
    match arguments {
        [only] => Ok(only),
        _ => Err(extent.fault(format!("`{function}` takes one argument, not {}", arguments.len()))),
    }
}

fn none(arguments: &[Expression], function: &str) -> Result<(), Fault> {
    match arguments.first() {
        None => Ok(()),
        Some(extra) => {
            Err(extra.extent.fault(format!("`{function}` behind a value takes nothing")))
        }
    }
}

fn present(checker: &mut Checker, argument: &Expression) -> Result<Node, Fault> {
    let wrong = || {
        let fault = argument.extent.fault("`has` asks for a field or a header");
        fault.suggest("write has(value.field) or has(record.headers['name'])")
    };
    let (root, extent, steps) = chain(argument).ok_or_else(wrong)?;
    match names::place(checker, root, extent, &steps)? {
        Place::Header(name) => {
            Ok(Node::HeaderPresent(Box::new(Node::Constant(Constant::Text(name)))))
        }
        Place::Field(scope, pattern) => Ok(Node::FieldPresent(scope, pattern)),
        Place::Config(name) => {
            Ok(Node::ConfigPresent(Box::new(Node::Constant(Constant::Text(name)))))
        }
        Place::Fact(
            Node::Request(fact @ (RequestFact::Partitions | RequestFact::ReplicationFactor)),
            _,
        ) => Ok(Node::RequestPresent(fact)),
        Place::Fact(..) | Place::Groups | Place::Headers | Place::Configs => Err(wrong()),
    }
}

fn whole(checker: &mut Checker, argument: &Expression) -> Result<Node, Fault> {
    let typed = checker.check(argument)?;
    if typed.kind.may_be(Type::Text) || typed.kind.may_be(Type::Integer) {
        return Ok(Node::Whole(Box::new(typed.node)));
    }
    Err(typed.extent.fault(format!("`int` reads text, not {}", typed.kind.as_str())))
}

fn length(checker: &mut Checker, argument: &Expression) -> Result<Node, Fault> {
    if let Kind::List(elements) = &argument.kind {
        let (list, _) = checker.constants(elements, argument.extent)?;
        return Ok(Node::CollectionLength(Collection::List(list)));
    }
    if let Some((root, extent, steps)) = chain(argument) {
        return match names::place(checker, root, extent, &steps)? {
            Place::Groups => Ok(Node::CollectionLength(Collection::Groups)),
            Place::Headers => Err(not_built(argument.extent, "size(record.headers)")),
            Place::Configs => Err(not_built(argument.extent, "size(request.configs)")),
            place @ (Place::Fact(..) | Place::Header(_) | Place::Config(_) | Place::Field(..)) => {
                text_length(place.typed(argument.extent)?)
            }
        };
    }
    text_length(checker.check(argument)?)
}

fn text_length(typed: Typed) -> Result<Node, Fault> {
    if typed.kind.may_be(Type::Text) {
        return Ok(Node::Length(Box::new(typed.node)));
    }
    Err(typed.extent.fault(format!("`size` measures text, not {}", typed.kind.as_str())))
}

fn timestamp(argument: &Expression) -> Result<Node, Fault> {
    let Kind::Text(text) = &argument.kind else {
        return Err(argument.extent.fault("`timestamp` takes a text that is written out"));
    };
    match instant::parse(text) {
        Ok(seconds) => {
            Ok(Node::Constant(Constant::Integer(i128::from(seconds).saturating_mul(1000))))
        }
        Err(message) => Err(argument.extent.fault(message)),
    }
}

fn text(checker: &mut Checker, expression: &Expression) -> Result<Node, Fault> {
    let typed = checker.check(expression)?;
    if typed.kind.may_be(Type::Text) {
        return Ok(typed.node);
    }
    Err(typed.extent.fault(format!("this works on text, not on {}", typed.kind.as_str())))
}

fn text_test(
    checker: &mut Checker,
    test: TextTest,
    target: &Expression,
    arguments: &[Expression],
    extent: Extent,
) -> Result<(Node, Type), Fault> {
    let name = match test {
        TextTest::StartsWith => "startsWith",
        TextTest::EndsWith => "endsWith",
        TextTest::Contains => "contains",
    };
    let part = only(arguments, extent, name)?;
    let pair = [text(checker, target)?, text(checker, part)?];
    Ok((Node::TextTest(test, Box::new(pair)), Type::Bool))
}

fn matches(
    checker: &mut Checker,
    target: &Expression,
    pattern: &Expression,
) -> Result<Node, Fault> {
    let target = text(checker, target)?;
    let Kind::Text(written) = &pattern.kind else {
        let fault = pattern.extent.fault("the pattern of `matches` is a text that is written out");
        return Err(fault.suggest("a pattern from a record could be anything"));
    };
    if written.len() > REGEX_BYTES_MAX {
        return Err(pattern.extent.fault(format!("a pattern has at most {REGEX_BYTES_MAX} bytes")));
    }
    let regex = RegexBuilder::new(written)
        .size_limit(REGEX_COMPILED_BYTES_MAX)
        .dfa_size_limit(REGEX_COMPILED_BYTES_MAX)
        .nest_limit(64)
        .build();
    checker.count_regex();
    match regex {
        Ok(regex) => Ok(Node::Matches(Box::new(target), Arc::new(regex))),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(pattern.extent.fault("this pattern is too large once compiled"))
        }
        Err(error) => {
            // The crate draws the pattern over several lines; its last one says what is wrong.
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or("").trim_start_matches("error: ");
            Err(pattern.extent.fault(format!("this pattern cannot be read: {reason}")))
        }
    }
}

fn quantified(
    checker: &mut Checker,
    quantity: Quantity,
    target: &Expression,
    arguments: &[Expression],
    extent: Extent,
) -> Result<Node, Fault> {
    let [Expression { kind: Kind::Name(name), .. }, body] = arguments else {
        let fault = extent.fault("this takes a name and a test");
        return Err(fault.suggest("write list.exists(x, x.startsWith('a'))"));
    };
    if checker.item().is_some() {
        return Err(extent.fault("`exists` and `all` do not nest"));
    }
    let (collection, kind) = collection(checker, target)?;
    let body = checker.with_item(name, kind, body)?;
    Ok(Node::Quantified(quantity, collection, Box::new(body.node)))
}

fn collection(checker: &mut Checker, target: &Expression) -> Result<(Collection, Type), Fault> {
    if let Kind::List(elements) = &target.kind {
        let (list, kind) = checker.constants(elements, target.extent)?;
        return Ok((Collection::List(list), kind));
    }
    if let Some((root, extent, steps)) = chain(target)
        && let Place::Groups = names::place(checker, root, extent, &steps)?
    {
        return Ok((Collection::Groups, Type::Text));
    }
    let fault =
        target.extent.fault("`exists` and `all` go over a written list or principal.groups");
    Err(fault.suggest("lists inside a document are not built yet"))
}
