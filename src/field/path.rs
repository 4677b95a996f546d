//! One pattern as a policy author writes it: a path, or a glob over names.

use super::glob::{Case, Glob};

/// The longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 1024;

/// The most steps in a path: no document that a format accepts is deeper.
pub const STEPS_MAX: usize = 64;

/// Where values are: `$.customer.address.**`, `$.items[*].email`, `$`, or the name glob `*email*`.
///
/// | step | reaches |
/// |---|---|
/// | `.name`, `['quoted name']` | the member of that name, compared byte for byte, escapes undone |
/// | `.*` | every member |
/// | `[*]` | every element of a list |
/// | `.**` | at the end, every scalar here or below; before a step, any number of levels |
///
/// Lists are transparent to names: `$.items.email` reaches into the elements of `items`. A name
/// glob reaches the whole value of every member whose name matches, at any depth, in any case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Path(Vec<Step>),
    Name(Glob),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Name(String),
    AnyName,
    Element,
    Descendants,
}

/// Why a policy's pattern was refused; the author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct PathError {
    /// Where in the pattern, in characters from 1.
    pub column: usize,
    /// What is wrong there, and what to write instead.
    pub message: String,
}

impl PathPattern {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong, and at which column.
    pub fn path(text: &str) -> Result<Self, PathError> {
        let steps = PathParser::new(text)?.steps()?;
        Ok(Self { text: text.to_owned(), form: Form::Path(steps) })
    }

    /// Reads a glob over member names.
    ///
    /// # Errors
    /// What is wrong, and at which column.
    pub fn name(glob: &str) -> Result<Self, PathError> {
        if glob.starts_with('$') {
            return Err(error(1, "`$` starts a path, but this is a name; write it as `path:`"));
        }
        let compiled = Glob::new(glob, Case::Insensitive).map_err(|e| error(1, e.to_string()))?;
        Ok(Self { text: glob.to_owned(), form: Form::Name(compiled) })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `$`.
    pub(super) fn document() -> &'static Self {
        static DOCUMENT: std::sync::OnceLock<PathPattern> = std::sync::OnceLock::new();
        DOCUMENT.get_or_init(|| Self { text: "$".to_owned(), form: Form::Path(Vec::new()) })
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// The one name that the whole path is: `a` of `$.a`. Headers are looked up by it.
    pub fn single_name(&self) -> Option<&str> {
        match &self.form {
            Form::Path(steps) => match steps.as_slice() {
                [Step::Name(name)] => Some(name),
                _ => None,
            },
            Form::Name(_) => None,
        }
    }

    /// Whether a member called `name`, at the top of a flat document, is reached: how patterns
    /// select record headers.
    pub fn reaches_member(&self, name: &str) -> bool {
        match &self.form {
            Form::Name(glob) => glob.matches(name),
            Form::Path(steps) => match steps.as_slice() {
                [] | [Step::AnyName | Step::Descendants] => true,
                [Step::Name(wanted)] | [Step::Descendants, Step::Name(wanted)] => wanted == name,
                [Step::Name(wanted), Step::Descendants] => wanted == name,
                _ => false,
            },
        }
    }
}

struct PathParser<'t> {
    rest: std::str::Chars<'t>,
    column: usize,
}

impl<'t> PathParser<'t> {
    fn new(text: &'t str) -> Result<Self, PathError> {
        if text.len() > PATH_BYTES_MAX {
            let message = format!("a path has at most {PATH_BYTES_MAX} bytes, not {}", text.len());
            return Err(error(1, message));
        }
        Ok(Self { rest: text.chars(), column: 1 })
    }

    fn steps(mut self) -> Result<Vec<Step>, PathError> {
        if self.next() != Some('$') {
            return Err(error(1, "a path starts with `$`, the whole document, as in `$.customer`"));
        }
        let mut steps = Vec::new();
        loop {
            let column = self.column;
            let step = match self.next() {
                None => return Ok(steps),
                Some('.') => self.dotted()?,
                Some('[') => self.bracketed()?,
                Some(other) => {
                    let message = format!("expected `.name` or `[*]`, found `{other}`");
                    return Err(error(column, message));
                }
            };
            if step == Step::Descendants && steps.last() == Some(&Step::Descendants) {
                return Err(error(column, "`.**` twice in a row; once means the same"));
            }
            if steps.len() == STEPS_MAX {
                return Err(error(column, format!("a path has at most {STEPS_MAX} steps")));
            }
            steps.push(step);
        }
    }

    fn dotted(&mut self) -> Result<Step, PathError> {
        let column = self.column;
        let mut name = String::new();
        while let Some(character) = self.peek().filter(|c| !matches!(c, '.' | '[')) {
            let plain = character.is_alphanumeric() || matches!(character, '_' | '-' | '$' | '@');
            if !plain && character != '*' {
                let message =
                    format!("`{character}` in a plain name; quote it, as in `['a name']`");
                return Err(error(self.column, message));
            }
            name.push(character);
            self.next();
        }
        match name.as_str() {
            "" if self.peek() == Some('.') => {
                Err(error(column, "`..` is not known here; `.**` means any depth"))
            }
            "" => Err(error(column, "a name is missing after `.`")),
            "*" => Ok(Step::AnyName),
            "**" => Ok(Step::Descendants),
            _ if name.contains('*') => Err(error(
                column,
                "`*` stands alone in a path; for part of a name use `name:` with a glob",
            )),
            _ => Ok(Step::Name(name)),
        }
    }

    fn bracketed(&mut self) -> Result<Step, PathError> {
        let column = self.column;
        let step = match self.next() {
            Some('*') => Step::Element,
            Some(quote @ ('\'' | '"')) => Step::Name(self.quoted(quote, column)?),
            Some(digit) if digit.is_ascii_digit() || digit == '-' => {
                let message = "an element cannot be picked by number; `[*]` means every element";
                return Err(error(column, message));
            }
            _ => return Err(error(column, "expected `[*]` or `['name']`")),
        };
        let column = self.column;
        match self.next() {
            Some(']') => Ok(step),
            _ => Err(error(column, "`]` is missing")),
        }
    }

    fn quoted(&mut self, quote: char, start: usize) -> Result<String, PathError> {
        let mut name = String::new();
        loop {
            let column = self.column;
            match self.next() {
                None => return Err(error(start, format!("the name has no closing {quote}"))),
                Some(character) if character == quote => return Ok(name),
                Some('\\') => match self.next() {
                    Some(character @ ('\\' | '\'' | '"')) => name.push(character),
                    Some('u') => name.push(self.unicode(column)?),
                    _ => {
                        let message = "after `\\` write `\\`, a quote, or `u` and four hex digits";
                        return Err(error(column, message));
                    }
                },
                Some(character) => name.push(character),
            }
        }
    }

    fn unicode(&mut self, column: usize) -> Result<char, PathError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|character| character.to_digit(16));
            let Some(digit) = digit else {
                return Err(error(column, "`\\u` needs four hex digits"));
            };
            code = code * 16 + digit;
        }
        char::from_u32(code)
            .ok_or_else(|| error(column, "half of a surrogate pair; write the character itself"))
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        self.column = self.column.saturating_add(1);
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }
}

fn error(column: usize, message: impl Into<String>) -> PathError {
    PathError { column, message: message.into() }
}
