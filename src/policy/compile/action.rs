//! `action`: one mask or one refusal, with parameters that belong to it.

use std::sync::Arc;

use crate::field::Scope;
use crate::mask::{self, Buckets, FixedValue, MASKS, MaskSpec, REDACTED, SecretBytes};
use crate::policy::decision::DenyCode;
use crate::policy::document::{ActionDocument, DenyDocument, FixedDocument, MaskDocument};
use crate::policy::load::Gathered;
use crate::policy::message::Template;
use crate::policy::query::Action;
use crate::policy::revision;
use crate::policy::rule::{Direction, RuleAction, Selector};
use crate::yaml::{At, nearest};

use super::{Checked, Compiler};

const MASKS_NOT_BUILT: [&str; 5] = ["tokenize", "encrypt", "fpe", "date_shift", "truncate"];
/// Kafka's errors for refused access to resources that are no topics.
const AUTHORIZATION_CODES: [&str; 3] = [
    "GROUP_AUTHORIZATION_FAILED",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
];
/// The longest text that a mask writes into every record, in bytes.
const MASK_TEXT_BYTES_MAX: usize = 256;
const MESSAGE_TEMPLATE_BYTES_MAX: usize = 1_000;

/// What of a rule decides how its action is read.
pub(super) struct Around<'r> {
    pub(super) direction: Direction,
    pub(super) is_about_topics_only: bool,
    pub(super) select: &'r [Selector],
    pub(super) reads_records: bool,
    /// Its condition reads the record's size and nothing else at all.
    pub(super) reads_size_only: bool,
}

impl Compiler<'_> {
    pub(super) fn action(
        &mut self,
        written: &At<ActionDocument>,
        around: &Around<'_>,
        gathered: &mut Gathered,
    ) -> Checked<RuleAction> {
        match (&written.value.mask, &written.value.deny) {
            (Some(mask), None) => self.mask(mask, around, gathered),
            (None, Some(deny)) => self.deny(deny, around),
            (None, None) => {
                let help = "write mask: {with: redact} or deny: {message: \"…\"}";
                Err(self.refuse_with(written, "an action is exactly one of mask and deny", help))
            }
            (Some(_), Some(_)) => {
                let help = "write two rules";
                Err(self.refuse_with(written, "an action is exactly one of mask and deny", help))
            }
        }
    }

    fn mask(
        &mut self,
        written: &At<MaskDocument>,
        around: &Around<'_>,
        gathered: &mut Gathered,
    ) -> Checked<RuleAction> {
        if around.direction == Direction::Admin {
            return Err(self.refuse(written, "an admin rule has no record to mask"));
        }
        if around.select.is_empty() {
            let help = "add select: [{path: \"$.card.pan\"}]";
            return Err(self.refuse_with(written, "a mask needs `select`", help));
        }
        let with = &written.value.with;
        self.parameters(with, &written.value)?;
        let spec = self.mask_spec(with, written, gathered)?;
        if let Err(error) = spec.check() {
            return Err(self.refuse(written, error.to_string()));
        }
        let mask = mask::build(&spec);
        let on_key = around.select.iter().any(|selector| selector.scope == Scope::Key);
        if on_key && !mask.allowed_on_key() {
            let allowed: Vec<&str> =
                MASKS.iter().filter(|row| row.allowed_on_key).map(|row| row.name).collect();
            let message = format!("`{}` on a key would make different keys equal", mask.name());
            let help = format!("on keys use {}", allowed.join(", "));
            return Err(self.refuse_with(with, message, help));
        }
        Ok(RuleAction::Mask { mask, spec })
    }

    /// Only parameters that this mask has: another one would be silently without effect.
    fn parameters(&mut self, with: &At<String>, mask: &MaskDocument) -> Checked<()> {
        let name = with.value.as_str();
        let Some(row) = MASKS.iter().find(|row| row.name == name) else {
            if MASKS_NOT_BUILT.contains(&name) {
                return Err(self.refuse(with, format!("the mask `{name}` is not built yet")));
            }
            let known = MASKS.iter().map(|row| row.name);
            let help = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the masks are {}", known.collect::<Vec<_>>().join(", ")),
            };
            return Err(self.refuse_with(with, format!("`{name}` is no mask"), help));
        };
        let given = [
            ("label", mask.label.is_some()),
            ("value", mask.value.is_some()),
            ("keep_first", mask.keep_first.is_some()),
            ("keep_last", mask.keep_last.is_some()),
            ("char", mask.char.is_some()),
            ("key_ref", mask.key_ref.is_some()),
            ("prefix", mask.prefix.is_some()),
            ("size", mask.size.is_some()),
            ("edges", mask.edges.is_some()),
        ];
        for (parameter, is_given) in given {
            // The table spells out what the language shortens.
            let listed = row.parameters.iter().any(|known| {
                known.name == parameter || parameter == "char" && known.name == "character"
            });
            if is_given && !listed {
                let known: Vec<&str> = row.parameters.iter().map(|known| known.name).collect();
                let help = match known.is_empty() {
                    true => format!("`{name}` takes no parameters"),
                    false => format!("`{name}` takes {}", known.join(", ")),
                };
                return Err(self.refuse_with(with, format!("`{name}` has no `{parameter}`"), help));
            }
        }
        Ok(())
    }

    fn mask_spec(
        &mut self,
        with: &At<String>,
        written: &At<MaskDocument>,
        gathered: &mut Gathered,
    ) -> Checked<MaskSpec> {
        let mask = &written.value;
        Ok(match with.value.as_str() {
            "remove" => MaskSpec::Remove,
            "null" => MaskSpec::Null,
            "redact" => {
                let label = match &mask.label {
                    None => REDACTED.to_owned(),
                    Some(label) => self.label(label)?,
                };
                MaskSpec::Redact { label }
            }
            "fixed" => MaskSpec::Fixed { value: self.fixed(written)? },
            "partial" => self.partial(written)?,
            "hmac" => self.hmac(written, gathered)?,
            "bucket" => MaskSpec::Bucket { buckets: self.buckets(written)? },
            unknown => return Err(self.refuse(with, format!("`{unknown}` is not built yet"))),
        })
    }

    fn label(&mut self, label: &At<String>) -> Checked<String> {
        if label.value.contains("{detector}") {
            let message = "`{detector}` is not built yet: there are no detectors";
            return Err(self.refuse(label, message));
        }
        self.short(label)
    }

    fn short(&mut self, text: &At<String>) -> Checked<String> {
        if text.value.len() > MASK_TEXT_BYTES_MAX {
            let message = format!("at most {MASK_TEXT_BYTES_MAX} bytes: it goes into every record");
            return Err(self.refuse(text, message));
        }
        Ok(text.value.clone())
    }

    fn fixed(&mut self, written: &At<MaskDocument>) -> Checked<FixedValue> {
        let Some(value) = &written.value.value else {
            let help = "write mask: {with: fixed, value: \"hidden\"}";
            return Err(self.refuse_with(written, "`fixed` needs a value", help));
        };
        Ok(match &value.value {
            FixedDocument::Whole(number) => FixedValue::Number(number.to_string()),
            FixedDocument::Fraction(number) => FixedValue::Number(number.to_string()),
            FixedDocument::Text(text) if text.len() > MASK_TEXT_BYTES_MAX => {
                let message =
                    format!("at most {MASK_TEXT_BYTES_MAX} bytes: it goes into every record");
                return Err(self.refuse(value, message));
            }
            FixedDocument::Text(text) => FixedValue::Text(text.clone()),
        })
    }

    fn partial(&mut self, written: &At<MaskDocument>) -> Checked<MaskSpec> {
        let mask = &written.value;
        let keep_first = mask.keep_first.as_ref().map_or(0, |at| at.value);
        let keep_last = mask.keep_last.as_ref().map_or(0, |at| at.value);
        if keep_first == 0 && keep_last == 0 {
            let help = "write keep_last: 4, or use redact";
            return Err(self.refuse_with(written, "`partial` keeps something", help));
        }
        let character = match &mask.char {
            None => '*',
            Some(text) => {
                let mut letters = text.value.chars();
                match (letters.next(), letters.next()) {
                    (Some(only), None) => only,
                    _ => return Err(self.refuse(text, "`char` is exactly one character")),
                }
            }
        };
        Ok(MaskSpec::Partial { keep_first, keep_last, character })
    }

    fn hmac(&mut self, written: &At<MaskDocument>, gathered: &mut Gathered) -> Checked<MaskSpec> {
        let mask = &written.value;
        let Some(key_ref) = &mask.key_ref else {
            let message = "`hmac` needs a key: without one, anybody can test guesses";
            let help = "write key_ref: \"file:keys/my.key\"";
            return Err(self.refuse_with(written, message, help));
        };
        let prefix = match &mask.prefix {
            None => String::new(),
            Some(prefix) => self.short(prefix)?,
        };
        let key = self.key(key_ref)?;
        gathered.keys.push(revision::of_key(&key));
        Ok(MaskSpec::Hmac { key: SecretBytes::new(key), prefix })
    }

    /// A `file:` path counts from the directory that the policy file is in.
    fn key(&mut self, key_ref: &At<String>) -> Checked<Vec<u8>> {
        let Some(path) = key_ref.value.strip_prefix("file:") else {
            let message = "a key is in a file";
            let help = "write key_ref: \"file:keys/my.key\"";
            return Err(self.refuse_with(key_ref, message, help));
        };
        let directory = self.source.file.rsplit_once('/').map(|(directory, _)| directory);
        let resolved = match directory {
            Some(directory) if !path.starts_with('/') => format!("file:{directory}/{path}"),
            Some(_) | None => format!("file:{path}"),
        };
        self.secrets.secret(&resolved).map_err(|message| self.refuse(key_ref, message))
    }

    fn buckets(&mut self, written: &At<MaskDocument>) -> Checked<Buckets> {
        match (&written.value.size, &written.value.edges) {
            (Some(size), None) => Ok(Buckets::Size(size.value)),
            (None, Some(edges)) => Ok(Buckets::Edges(edges.value.clone())),
            (None, None) | (Some(_), Some(_)) => {
                let help = "write size: 100, or edges: [0, 10, 100]";
                Err(self.refuse_with(written, "`bucket` needs one of size and edges", help))
            }
        }
    }

    fn deny(&mut self, written: &At<DenyDocument>, around: &Around<'_>) -> Checked<RuleAction> {
        let default = match around.direction {
            Direction::Data(Action::Produce) if around.reads_records => {
                Some(DenyCode::InvalidRecord)
            }
            Direction::Data(Action::Produce) => Some(DenyCode::PolicyViolation),
            Direction::Data(Action::Consume) => Some(DenyCode::TopicAuthorizationFailed),
            Direction::Admin => None,
        };
        let code = match &written.value.code {
            None => default,
            Some(code) => Some(self.code(code, around)?),
        };
        let message = match &written.value.message {
            None => Template::fixed("refused by policy"),
            Some(text) if text.value.len() > MESSAGE_TEMPLATE_BYTES_MAX => {
                let message = format!("a message has at most {MESSAGE_TEMPLATE_BYTES_MAX} bytes");
                return Err(self.refuse(text, message));
            }
            Some(text) => match Template::parse(&text.value) {
                Ok(template) => template,
                Err((message, help)) => return Err(self.refuse_with(text, message, help)),
            },
        };
        Ok(RuleAction::Deny { code, message: Arc::new(message) })
    }

    fn code(&mut self, written: &At<String>, around: &Around<'_>) -> Checked<DenyCode> {
        let allowed: &[DenyCode] = match around.direction {
            Direction::Data(Action::Produce) => &DenyCode::ALL,
            Direction::Data(Action::Consume) => &[DenyCode::TopicAuthorizationFailed],
            Direction::Admin => &[DenyCode::PolicyViolation, DenyCode::TopicAuthorizationFailed],
        };
        let text = match written.value.as_str() {
            // What the resource is called in the error follows from the resource.
            same if AUTHORIZATION_CODES.contains(&same) && !around.is_about_topics_only => {
                DenyCode::TopicAuthorizationFailed.as_str()
            }
            text => text,
        };
        let found = DenyCode::ALL.into_iter().find(|code| code.as_str() == text);
        let names = || allowed.iter().map(|code| code.as_str());
        let listed = format!("the codes here are {}", names().collect::<Vec<_>>().join(", "));
        let Some(code) = found else {
            let help = nearest(text, names()).map(|near| format!("did you mean `{near}`?"));
            let message = format!("`{text}` is no code of a refusal");
            return Err(self.refuse_with(written, message, help.unwrap_or(listed)));
        };
        if !allowed.contains(&code) {
            let message = format!("`{text}` is no answer to this direction");
            return Err(self.refuse_with(written, message, listed));
        }
        if code == DenyCode::MessageTooLarge && !around.reads_size_only {
            let message = "MESSAGE_TOO_LARGE is for a `when` over record.size alone: the Java \
                           client answers it by splitting the batch and sending it again";
            let help = "write code: INVALID_RECORD, or compare record.size only";
            return Err(self.refuse_with(written, message, help));
        }
        Ok(code)
    }
}
