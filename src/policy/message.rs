//! What a client reads when a rule refuses: a template of the author, filled in without ever
//! quoting a value.

use std::fmt::Write as _;
use std::sync::Arc;

/// The longest message that reaches a client, in characters.
pub const MESSAGE_CHARACTERS_MAX: usize = 1_000;

const PLACEHOLDERS: [&str; 4] = ["topic", "record_index", "rule", "principal"];

/// A message whose topic and record are still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub(crate) template: Arc<Template>,
    pub(crate) rule: Arc<str>,
    pub(crate) principal: Arc<str>,
}

impl Message {
    /// The text for one topic and, where the refusal is about one record, its index in the batch.
    /// It always names the rule: `rule-id: text`, unless the author put `{rule}` in. At most
    /// [`MESSAGE_CHARACTERS_MAX`] characters; control characters become `?`.
    #[must_use]
    pub fn render(&self, topic: &str, record_index: Option<usize>) -> String {
        let mut text = String::new();
        if !self.template.pieces.contains(&Piece::Rule) {
            text.push_str(&self.rule);
            text.push_str(": ");
        }
        for piece in &self.template.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Topic => text.push_str(topic),
                Piece::Rule => text.push_str(&self.rule),
                Piece::Principal => text.push_str(&self.principal),
                Piece::RecordIndex => match record_index {
                    // Writing to a `String` cannot fail.
                    Some(index) => drop(write!(text, "{index}")),
                    None => text.push('?'),
                },
            }
        }
        let clean = text.chars().map(|letter| if letter.is_control() { '?' } else { letter });
        clean.take(MESSAGE_CHARACTERS_MAX).collect()
    }
}

/// A message as its author wrote it, split at the placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Topic,
    RecordIndex,
    Rule,
    Principal,
}

impl Template {
    /// # Errors
    /// A sentence about the first placeholder that is not known, and what to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, (String, String)> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let Some((name, after)) = behind.split_once('}') else {
                let message = "a `{` in the message has no `}` behind it".to_owned();
                return Err((message, known()));
            };
            pieces.push(match name {
                "topic" => Piece::Topic,
                "record_index" => Piece::RecordIndex,
                "rule" => Piece::Rule,
                "principal" => Piece::Principal,
                unknown => return Err(unknown_placeholder(unknown)),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// A message without placeholders.
    pub(crate) fn fixed(text: &str) -> Self {
        Self { pieces: vec![Piece::Text(text.to_owned())] }
    }
}

fn unknown_placeholder(name: &str) -> (String, String) {
    if name == "detector" {
        return ("`{detector}` is not built yet: there are no detectors".to_owned(), known());
    }
    let help = match crate::yaml::nearest(name, PLACEHOLDERS) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => known(),
    };
    (format!("`{{{name}}}` is no placeholder; a message never quotes a value"), help)
}

fn known() -> String {
    "the placeholders are {topic}, {record_index}, {rule} and {principal}".to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{MESSAGE_CHARACTERS_MAX, Message, Template};

    fn message(text: &str) -> Message {
        Message {
            template: Template::parse(text).unwrap().into(),
            rule: "max-size".into(),
            principal: "jane\n".into(),
        }
    }

    #[test]
    fn fills_in_the_placeholders_and_always_names_the_rule() {
        let message = message("record {record_index} of {principal} in {topic} is too large");
        assert_eq!(
            message.render("a.b", Some(3)),
            "max-size: record 3 of jane? in a.b is too large"
        );
        assert_eq!(super::tests::message("by {rule}").render("t", None), "by max-size");
    }

    #[test]
    fn a_long_topic_does_not_make_a_long_message() {
        let text = message("{topic}{topic}").render(&"x".repeat(900), None);
        assert_eq!(text.chars().count(), MESSAGE_CHARACTERS_MAX);
    }

    #[test]
    fn refuses_placeholders_that_do_not_exist() {
        let (message, help) = Template::parse("{topics}").unwrap_err();
        assert!(message.contains("`{topics}`"));
        assert_eq!(help, "did you mean `{topic}`?");
        assert!(Template::parse("{value.card}").is_err());
        assert!(Template::parse("open { brace").is_err());
        assert!(Template::parse("{detector}").unwrap_err().0.contains("not built yet"));
    }
}
