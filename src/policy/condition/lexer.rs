//! Expression text → tokens. Every character is accounted for; nothing is skipped but white space.

use std::iter::Peekable;
use std::str::Chars;

use super::fault::{Extent, Fault};

/// Splits an expression into tokens; the last one is [`Token::End`].
pub(super) fn tokens(expression: &str) -> Result<Vec<Lexeme>, Fault> {
    let mut lexer = Lexer { characters: expression.chars().peekable(), position: 0 };
    let mut lexemes = Vec::new();
    loop {
        let lexeme = lexer.next_lexeme()?;
        let ended = lexeme.token == Token::End;
        lexemes.push(lexeme);
        if ended {
            return Ok(lexemes);
        }
    }
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) extent: Extent,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Integer(i64),
    Decimal(f64),
    Text(String),
    Name(String),
    Symbol(Symbol),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Not,
    Question,
    Colon,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    Dot,
    Comma,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
}

impl Symbol {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::And => "&&",
            Self::Or => "||",
            Self::Not => "!",
            Self::Question => "?",
            Self::Colon => ":",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Dot => ".",
            Self::Comma => ",",
            Self::OpenParenthesis => "(",
            Self::CloseParenthesis => ")",
            Self::OpenBracket => "[",
            Self::CloseBracket => "]",
        }
    }
}

struct Lexer<'e> {
    characters: Peekable<Chars<'e>>,
    position: usize,
}

impl Lexer<'_> {
    fn next_lexeme(&mut self) -> Result<Lexeme, Fault> {
        while self.take_if(char::is_whitespace).is_some() {}
        let start = self.position;
        let token = match self.take() {
            None => Token::End,
            Some(quote @ ('\'' | '"')) => self.text(start, quote, Escapes::Read)?,
            Some('r') if matches!(self.peek(), Some('\'' | '"')) => match self.take() {
                Some(quote) => self.text(start, quote, Escapes::Raw)?,
                None => Token::End,
            },
            Some(first) if first.is_ascii_digit() => self.number(start, first)?,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => self.name(first),
            Some(first) => Token::Symbol(self.symbol(start, first)?),
        };
        Ok(Lexeme { token, extent: Extent { start, end: self.position } })
    }

    fn peek(&mut self) -> Option<char> {
        self.characters.peek().copied()
    }

    fn take(&mut self) -> Option<char> {
        let character = self.characters.next()?;
        self.position = self.position.saturating_add(1);
        Some(character)
    }

    fn take_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        if self.peek().is_some_and(wanted) { self.take() } else { None }
    }

    fn since(&self, start: usize) -> Extent {
        Extent { start, end: self.position }
    }

    fn name(&mut self, first: char) -> Token {
        let mut name = String::from(first);
        while let Some(more) = self.take_if(|next| next.is_ascii_alphanumeric() || next == '_') {
            name.push(more);
        }
        Token::Name(name)
    }

    fn number(&mut self, start: usize, first: char) -> Result<Token, Fault> {
        let mut written = String::from(first);
        self.digits(&mut written);
        let mut decimal = false;
        // `1.size()` is no number with a fraction: a digit must follow the point.
        let mut ahead = self.characters.clone();
        if ahead.next() == Some('.') && ahead.next().is_some_and(|next| next.is_ascii_digit()) {
            decimal = true;
            written.extend(self.take());
            self.digits(&mut written);
        }
        if let Some(exponent) = self.take_if(|next| next == 'e' || next == 'E') {
            decimal = true;
            written.push(exponent);
            written.extend(self.take_if(|next| next == '+' || next == '-'));
            self.digits(&mut written);
        }
        if self.peek().is_some_and(|next| next.is_ascii_alphanumeric() || next == '_') {
            while self.take_if(|next| next.is_ascii_alphanumeric() || next == '_').is_some() {}
            return Err(self.since(start).fault("this is neither a number nor a name"));
        }
        let extent = self.since(start);
        if decimal {
            return match written.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Token::Decimal(number)),
                Ok(_) | Err(_) => Err(extent.fault("this number cannot be read")),
            };
        }
        let parsed = written.parse::<i64>().map(Token::Integer);
        parsed.map_err(|_| extent.fault("whole numbers go up to 9223372036854775807"))
    }

    fn digits(&mut self, written: &mut String) {
        while let Some(digit) = self.take_if(|next| next.is_ascii_digit()) {
            written.push(digit);
        }
    }

    fn text(&mut self, start: usize, quote: char, escapes: Escapes) -> Result<Token, Fault> {
        let mut text = String::new();
        loop {
            match (self.take(), escapes) {
                (None, _) => {
                    let fault = self.since(start).fault("this text has no closing quote");
                    return Err(fault.suggest(format!("add {quote} where it ends")));
                }
                (Some(end), _) if end == quote => return Ok(Token::Text(text)),
                (Some('\\'), Escapes::Read) => text.push(self.escape()?),
                (Some(other), _) => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.position.saturating_sub(1);
        let digits = match self.take() {
            Some(same @ ('\\' | '\'' | '"' | '`' | '?')) => return Ok(same),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some(_) | None => {
                let fault = self.since(start).fault("this escape is not known");
                return Err(fault
                    .suggest("write \\\\ for a backslash, or put an r before the opening quote"));
            }
        };
        let mut code = 0_u32;
        for _ in 0..digits {
            let digit = self.take_if(|next| next.is_ascii_hexdigit());
            let Some(digit) = digit.and_then(|digit| digit.to_digit(16)) else {
                let message = format!("this escape needs {digits} hexadecimal digits");
                return Err(self.since(start).fault(message));
            };
            code = code.wrapping_mul(16).wrapping_add(digit);
        }
        char::from_u32(code).ok_or_else(|| self.since(start).fault("this is no character"))
    }

    fn symbol(&mut self, start: usize, first: char) -> Result<Symbol, Fault> {
        let followed = |lexer: &mut Self, second: char| lexer.take_if(|next| next == second);
        let symbol = match first {
            '=' if followed(self, '=').is_some() => Symbol::Equal,
            '!' if followed(self, '=').is_some() => Symbol::NotEqual,
            '!' => Symbol::Not,
            '<' if followed(self, '=').is_some() => Symbol::LessOrEqual,
            '<' => Symbol::Less,
            '>' if followed(self, '=').is_some() => Symbol::GreaterOrEqual,
            '>' => Symbol::Greater,
            '&' if followed(self, '&').is_some() => Symbol::And,
            '|' if followed(self, '|').is_some() => Symbol::Or,
            '?' => Symbol::Question,
            ':' => Symbol::Colon,
            '+' => Symbol::Plus,
            '-' => Symbol::Minus,
            '*' => Symbol::Times,
            '/' => Symbol::Divide,
            '%' => Symbol::Remainder,
            '.' => Symbol::Dot,
            ',' => Symbol::Comma,
            '(' => Symbol::OpenParenthesis,
            ')' => Symbol::CloseParenthesis,
            '[' => Symbol::OpenBracket,
            ']' => Symbol::CloseBracket,
            other => return Err(self.unknown(start, other)),
        };
        Ok(symbol)
    }

    fn unknown(&self, start: usize, character: char) -> Fault {
        let fault =
            self.since(start).fault(format!("`{}` means nothing here", character.escape_debug()));
        match character {
            '=' => fault.suggest("did you mean `==`?"),
            '&' => fault.suggest("did you mean `&&`?"),
            '|' => fault.suggest("did you mean `||`?"),
            _ => fault,
        }
    }
}

#[derive(Clone, Copy)]
enum Escapes {
    Read,
    Raw,
}
