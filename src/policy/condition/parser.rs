//! Tokens → tree, by recursive descent with CEL's precedence: `?:`, `||`, `&&`, comparisons and
//! `in`, `+ -`, `* / %`, `! -`, members. Depth is limited before it costs stack.

use super::DEPTH_MAX;
use super::fault::{Extent, Fault};
use super::lexer::{Lexeme, Symbol, Token, tokens};
use super::syntax::{Comparison, Expression, Kind, Operation};

/// Parses one whole expression.
pub(super) fn parse(expression: &str) -> Result<Expression, Fault> {
    let mut parser = Parser { lexemes: tokens(expression)?, next: 0, nesting: 0 };
    let tree = parser.choice()?;
    let (token, extent) = parser.peek();
    match token {
        Token::End => Ok(tree),
        Token::Integer(_)
        | Token::Decimal(_)
        | Token::Text(_)
        | Token::Name(_)
        | Token::Symbol(_) => {
            let fault = extent.fault("the expression should have ended before this");
            Err(fault.suggest("join two conditions by && or ||"))
        }
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    next: usize,
    /// How deep the descent is: open brackets and prefix operators.
    nesting: usize,
}

impl Parser {
    fn peek(&self) -> (&Token, Extent) {
        // The list ends with `End` and `advance` never passes it.
        self.lexemes
            .get(self.next)
            .or(self.lexemes.last())
            .map_or((&Token::End, Extent { start: 0, end: 0 }), |lexeme| {
                (&lexeme.token, lexeme.extent)
            })
    }

    fn symbol(&self) -> Option<Symbol> {
        if let Token::Symbol(symbol) = self.peek().0 { Some(*symbol) } else { None }
    }

    fn advance(&mut self) {
        if self.next.saturating_add(1) < self.lexemes.len() {
            self.next = self.next.saturating_add(1);
        }
    }

    fn take(&mut self, symbol: Symbol) -> Option<Extent> {
        match self.peek() {
            (Token::Symbol(found), extent) if *found == symbol => {
                self.advance();
                Some(extent)
            }
            _ => None,
        }
    }

    fn expect(&mut self, symbol: Symbol, why: &str) -> Result<Extent, Fault> {
        let (_, extent) = self.peek();
        self.take(symbol)
            .ok_or_else(|| extent.fault(format!("expected `{}` {why}", symbol.as_str())))
    }

    fn node(&self, kind: Kind, extent: Extent) -> Result<Expression, Fault> {
        let depth = kind.depth_below().saturating_add(1);
        if depth > DEPTH_MAX {
            Err(too_deep(extent))
        } else {
            Ok(Expression { kind, extent, depth })
        }
    }

    fn nested<T>(
        &mut self,
        extent: Extent,
        inner: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.nesting >= DEPTH_MAX {
            return Err(too_deep(extent));
        }
        self.nesting = self.nesting.saturating_add(1);
        let result = inner(self);
        self.nesting = self.nesting.saturating_sub(1);
        result
    }

    fn choice(&mut self) -> Result<Expression, Fault> {
        let test = self.any()?;
        let Some(question) = self.take(Symbol::Question) else { return Ok(test) };
        let (yes, no) = self.nested(question, |parser| {
            let yes = parser.choice()?;
            parser.expect(Symbol::Colon, "between the two outcomes of `?`")?;
            Ok((yes, parser.choice()?))
        })?;
        let extent = test.extent.to(no.extent);
        self.node(Kind::Choice(Box::new(test), Box::new(yes), Box::new(no)), extent)
    }

    fn any(&mut self) -> Result<Expression, Fault> {
        self.chain(Symbol::Or, Self::all, Kind::Any)
    }

    fn all(&mut self) -> Result<Expression, Fault> {
        self.chain(Symbol::And, Self::relation, Kind::All)
    }

    /// `a && b && c` is one node, so that a long list of conditions is not a deep one.
    fn chain(
        &mut self,
        symbol: Symbol,
        part: fn(&mut Self) -> Result<Expression, Fault>,
        join: fn(Vec<Expression>) -> Kind,
    ) -> Result<Expression, Fault> {
        let first = part(self)?;
        let mut extent = first.extent;
        let mut parts = vec![first];
        while self.take(symbol).is_some() {
            let next = part(self)?;
            extent = extent.to(next.extent);
            parts.push(next);
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                parts.push(last);
                self.node(join(parts), extent)
            }
            (None, _) => Err(extent.fault("expected an expression")),
        }
    }

    fn relation(&mut self) -> Result<Expression, Fault> {
        let left = self.sum()?;
        let Some(relation) = self.relation_symbol() else { return Ok(left) };
        self.advance();
        let right = self.sum()?;
        let extent = left.extent.to(right.extent);
        if self.relation_symbol().is_some() {
            let (_, here) = self.peek();
            let fault = here.fault("comparisons do not chain");
            return Err(fault.suggest("write a < b && b < c"));
        }
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = match relation {
            Relation::Compare(comparison) => Kind::Compare(comparison, left, right),
            Relation::In => Kind::In(left, right),
        };
        self.node(kind, extent)
    }

    fn relation_symbol(&self) -> Option<Relation> {
        if let Token::Name(name) = self.peek().0
            && name == "in"
        {
            return Some(Relation::In);
        }
        let comparison = match self.symbol() {
            Some(Symbol::Equal) => Comparison::Equal,
            Some(Symbol::NotEqual) => Comparison::NotEqual,
            Some(Symbol::Less) => Comparison::Less,
            Some(Symbol::LessOrEqual) => Comparison::LessOrEqual,
            Some(Symbol::Greater) => Comparison::Greater,
            Some(Symbol::GreaterOrEqual) => Comparison::GreaterOrEqual,
            Some(_) | None => return None,
        };
        Some(Relation::Compare(comparison))
    }

    fn sum(&mut self) -> Result<Expression, Fault> {
        let mut left = self.product()?;
        loop {
            let operation = match self.symbol() {
                Some(Symbol::Plus) => Operation::Add,
                Some(Symbol::Minus) => Operation::Subtract,
                Some(_) | None => return Ok(left),
            };
            self.advance();
            let right = self.product()?;
            left = self.arithmetic(operation, left, right)?;
        }
    }

    fn product(&mut self) -> Result<Expression, Fault> {
        let mut left = self.prefixed()?;
        loop {
            let operation = match self.symbol() {
                Some(Symbol::Times) => Operation::Multiply,
                Some(Symbol::Divide) => Operation::Divide,
                Some(Symbol::Remainder) => Operation::Remainder,
                Some(_) | None => return Ok(left),
            };
            self.advance();
            let right = self.prefixed()?;
            left = self.arithmetic(operation, left, right)?;
        }
    }

    fn arithmetic(
        &self,
        operation: Operation,
        left: Expression,
        right: Expression,
    ) -> Result<Expression, Fault> {
        let extent = left.extent.to(right.extent);
        self.node(Kind::Arithmetic(operation, Box::new(left), Box::new(right)), extent)
    }

    fn prefixed(&mut self) -> Result<Expression, Fault> {
        if let Some(extent) = self.take(Symbol::Not) {
            let inner = self.nested(extent, Self::prefixed)?;
            let extent = extent.to(inner.extent);
            return self.node(Kind::Not(Box::new(inner)), extent);
        }
        if let Some(extent) = self.take(Symbol::Minus) {
            let inner = self.nested(extent, Self::prefixed)?;
            let extent = extent.to(inner.extent);
            if let Kind::Integer(number) = inner.kind {
                return self.node(Kind::Integer(number.saturating_neg()), extent);
            }
            if let Kind::Decimal(number) = inner.kind {
                return self.node(Kind::Decimal(-number), extent);
            }
            return self.node(Kind::Negate(Box::new(inner)), extent);
        }
        self.members()
    }

    fn members(&mut self) -> Result<Expression, Fault> {
        let mut inner = self.primary()?;
        loop {
            if self.take(Symbol::Dot).is_some() {
                let (name, extent) = self.name("after the point")?;
                let extent = inner.extent.to(extent);
                inner = if let Some(open) = self.take(Symbol::OpenParenthesis) {
                    let (arguments, close) = self.list(open, Symbol::CloseParenthesis)?;
                    let target = Some(Box::new(inner));
                    let kind = Kind::Call { target, function: name, arguments };
                    self.node(kind, extent.to(close))?
                } else {
                    self.node(Kind::Member(Box::new(inner), name), extent)?
                };
            } else if let Some(open) = self.take(Symbol::OpenBracket) {
                let index = self.nested(open, Self::choice)?;
                let close = self.expect(Symbol::CloseBracket, "after the index")?;
                let extent = inner.extent.to(close);
                inner = self.node(Kind::Index(Box::new(inner), Box::new(index)), extent)?;
            } else {
                return Ok(inner);
            }
        }
    }

    fn name(&mut self, place: &str) -> Result<(String, Extent), Fault> {
        match self.peek() {
            (Token::Name(name), extent) => {
                let name = name.clone();
                self.advance();
                Ok((name, extent))
            }
            (_, extent) => Err(extent.fault(format!("expected a name {place}"))),
        }
    }

    fn primary(&mut self) -> Result<Expression, Fault> {
        let (token, extent) = self.peek();
        let kind = match token.clone() {
            Token::Integer(number) => Kind::Integer(number),
            Token::Decimal(number) => Kind::Decimal(number),
            Token::Text(text) => Kind::Text(text),
            Token::Name(name) if name == "in" => {
                return Err(extent.fault("`in` needs something on its left"));
            }
            Token::Name(name) => return self.named(name, extent),
            Token::Symbol(Symbol::OpenParenthesis) => {
                self.advance();
                let inner = self.nested(extent, Self::choice)?;
                self.expect(Symbol::CloseParenthesis, "to close the one opened before")?;
                return Ok(inner);
            }
            Token::Symbol(Symbol::OpenBracket) => {
                self.advance();
                let (list, close) = self.list(extent, Symbol::CloseBracket)?;
                return self.node(Kind::List(list), extent.to(close));
            }
            Token::Symbol(symbol) => {
                let message = format!("expected an expression before `{}`", symbol.as_str());
                return Err(extent.fault(message));
            }
            Token::End => return Err(extent.fault("the expression ends too early")),
        };
        self.advance();
        self.node(kind, extent)
    }

    fn named(&mut self, name: String, extent: Extent) -> Result<Expression, Fault> {
        self.advance();
        if let Some(open) = self.take(Symbol::OpenParenthesis) {
            let (arguments, close) = self.list(open, Symbol::CloseParenthesis)?;
            let kind = Kind::Call { target: None, function: name, arguments };
            return self.node(kind, extent.to(close));
        }
        let kind = match name.as_str() {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            _ => Kind::Name(name),
        };
        self.node(kind, extent)
    }

    /// The parts up to `close`; the opening bracket is already taken.
    fn list(&mut self, open: Extent, close: Symbol) -> Result<(Vec<Expression>, Extent), Fault> {
        let mut parts = Vec::new();
        if let Some(end) = self.take(close) {
            return Ok((parts, end));
        }
        loop {
            parts.push(self.nested(open, Self::choice)?);
            if self.take(Symbol::Comma).is_none() {
                let end = self.expect(close, "or a comma")?;
                return Ok((parts, end));
            }
        }
    }
}

enum Relation {
    Compare(Comparison),
    In,
}

fn too_deep(extent: Extent) -> Fault {
    extent.fault(format!("the expression is nested deeper than {DEPTH_MAX} levels"))
}
