//! `${NAME}` in a value stands for an environment variable.
//!
//! It is replaced after the file is read, inside one scalar: what a variable holds can never add a
//! key. `$${` writes a literal `${`.

/// Why a value could not be expanded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpansionError {
    /// The variable does not exist.
    #[error("the environment variable `{0}` is not set")]
    Unset(String),
    /// `${` without `}`.
    #[error("`${{` has no closing `}}`")]
    Open,
    /// Not a name that a shell could set.
    #[error("`${{{0}}}` is not the name of an environment variable")]
    Name(String),
}

/// Replaces every `${NAME}` in `text`.
pub(super) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpansionError> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        expanded.push_str(before);
        let (name, behind) = after.split_once('}').ok_or(ExpansionError::Open)?;
        if !is_name(name) {
            return Err(ExpansionError::Name(name.to_owned()));
        }
        let value = environment(name).ok_or_else(|| ExpansionError::Unset(name.to_owned()))?;
        expanded.push_str(&value);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn is_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "HOST").then(|| "kafka-0".to_owned())
    }

    #[test]
    fn names_are_replaced_and_literals_kept() {
        let expand = |text| expand(text, &environment);
        assert_eq!(expand("${HOST}:9092").as_deref(), Ok("kafka-0:9092"));
        assert_eq!(expand("a ${HOST} b ${HOST}").as_deref(), Ok("a kafka-0 b kafka-0"));
        assert_eq!(expand("cost: $5").as_deref(), Ok("cost: $5"));
        assert_eq!(expand("$${HOST}").as_deref(), Ok("${HOST}"));
        assert_eq!(expand("${NONE}"), Err(ExpansionError::Unset("NONE".to_owned())));
        assert_eq!(expand("${HOST"), Err(ExpansionError::Open));
        assert_eq!(expand("${}"), Err(ExpansionError::Name(String::new())));
        assert_eq!(expand("${a:-b}"), Err(ExpansionError::Name("a:-b".to_owned())));
    }
}
