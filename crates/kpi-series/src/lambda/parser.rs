//! From words to expressions, by precedence climbing; kinds are checked on the way, so that evaluating cannot fail.

use super::expression::{Expression, Kind, Operator, Value, function_of_one, function_of_two, kind_of};
use super::lexer::{Placed, Token, words};
use super::literal::{span, time};
use crate::Error;

/// Longer ones are no small expressions, and deep ones would need too much of the stack.
const MOST_WORDS: usize = 2000;
const DEEPEST: usize = 64;

/// What the lambda is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    /// A number, or a time and a number.
    Point,
    Condition,
}

#[derive(Debug)]
pub(super) enum Result_ {
    One(Expression),
    Pair(Expression, Expression),
}

/// A lambda whose kinds fit.
#[derive(Debug)]
pub(super) struct Lambda {
    names: Vec<Expression>,
    pub(super) result: Result_,
}

impl Lambda {
    fn variables(&self, time: i64, value: Option<f64>) -> Vec<Option<Value>> {
        let mut variables = Vec::with_capacity(2 + self.names.len());
        variables.push(value.map(Value::Number));
        variables.push(Some(Value::Time(time)));
        for expression in &self.names {
            let value = expression.value(&variables);
            variables.push(value);
        }
        variables
    }

    /// The result where it is one, for a point.
    pub(super) fn first(&self, time: i64, value: Option<f64>) -> Option<Value> {
        self.pair(time, value).1
    }

    /// Time and value for a point.
    pub(super) fn pair(&self, time: i64, value: Option<f64>) -> (Option<Value>, Option<Value>) {
        let variables = self.variables(time, value);
        match &self.result {
            Result_::One(result) => (Some(Value::Time(time)), result.value(&variables)),
            Result_::Pair(time, result) => (time.value(&variables), result.value(&variables)),
        }
    }
}

/// An expression with its kind, and the word at which it begins.
struct Typed {
    expression: Expression,
    kind: Kind,
    start: usize,
}

struct Parser<'a> {
    words: Vec<Placed<'a>>,
    next: usize,
    depth: usize,
    /// The variables in the order of their places.
    names: Vec<(&'a str, Kind)>,
}

pub(super) fn parse(text: &str, wanted: Wanted) -> Result<Lambda, Error> {
    let mut parser = Parser {
        words: words(text),
        next: 0,
        depth: 0,
        names: vec![("$value", Kind::Number), ("$time", Kind::Time)],
    };
    if let Some(word) = parser.words.get(MOST_WORDS) {
        return Err(error(word.position, "a shorter expression", word.text));
    }
    let mut names = Vec::new();
    while parser.word().is_some_and(|word| word.eq_ignore_ascii_case("let")) {
        parser.next += 1;
        let name = match parser.token() {
            Token::Variable(name) if !matches!(name, "$value" | "$time" | "$") => name,
            _ => return parser.expected("a name of your own"),
        };
        parser.next += 1;
        parser.symbol("=")?;
        let made = parser.expression(0)?;
        parser.symbol(";")?;
        parser.names.push((name, made.kind));
        names.push(made.expression);
    }
    let result = parser.result(wanted)?;
    match parser.token() {
        Token::End => Ok(Lambda { names, result }),
        _ => parser.expected("an operator"),
    }
}

fn error(position: usize, expected: &str, found: &str) -> Error {
    const LONGEST: usize = 30;
    Error::BadLambda {
        position,
        expected: expected.into(),
        found: found.chars().take(LONGEST).collect(),
    }
}

impl<'a> Parser<'a> {
    fn at(&self, index: usize) -> (usize, &'a str) {
        let word = self.words.get(index).or(self.words.last());
        word.map_or((1, ""), |word| (word.position, word.text))
    }

    fn token(&self) -> Token<'a> {
        self.words
            .get(self.next)
            .map_or(Token::End, |word| word.token.clone())
    }

    fn word(&self) -> Option<&'a str> {
        match self.token() {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.token() == Token::Symbol(symbol)
    }

    fn symbol(&mut self, symbol: &str) -> Result<(), Error> {
        if !self.is_symbol(symbol) {
            return self.expected(&format!("\"{symbol}\""));
        }
        self.next += 1;
        Ok(())
    }

    /// The error that the next word is none that fits.
    fn expected<T>(&self, what: &str) -> Result<T, Error> {
        let (position, found) = self.at(self.next);
        Err(error(position, what, found))
    }

    /// The error that an expression is of a kind that does not fit.
    fn misfit<T>(&self, start: usize, expected: &str, found: &str) -> Result<T, Error> {
        Err(error(self.at(start).0, expected, found))
    }

    fn result(&mut self, wanted: Wanted) -> Result<Result_, Error> {
        let start = self.next;
        if wanted == Wanted::Point && self.is_symbol("(") {
            self.next += 1;
            let time = self.expression(0)?;
            if self.is_symbol(",") {
                self.next += 1;
                let value = self.expression(0)?;
                self.symbol(")")?;
                for (given, kind, what) in [
                    (&time, Kind::Time, "a time such as $time + '1 day'i"),
                    (&value, Kind::Number, "a number"),
                ] {
                    if given.kind != kind {
                        return self.misfit(given.start, what, given.kind.name());
                    }
                }
                return Ok(Result_::Pair(time.expression, value.expression));
            }
            // Parentheses of an expression that may go on behind them.
            self.next = start;
        }
        let one = self.expression(0)?;
        match (wanted, one.kind) {
            (Wanted::Point, Kind::Number) | (Wanted::Condition, Kind::Bool) => {
                Ok(Result_::One(one.expression))
            }
            (Wanted::Point, kind) => {
                self.misfit(one.start, "a number, or a pair ($time, $value)", kind.name())
            }
            (Wanted::Condition, kind) => {
                self.misfit(one.start, "a condition such as $value > 0", kind.name())
            }
        }
    }

    /// The operator that comes next, and how strongly it binds.
    fn operator(&self) -> Option<(Operator, u8)> {
        use Operator as O;
        Some(match self.token() {
            Token::Symbol(symbol) => match symbol {
                "||" => (O::Or, 1),
                "&&" => (O::And, 2),
                "=" | "==" => (O::Equal, 4),
                "<>" | "!=" => (O::Unequal, 4),
                "<" => (O::Less, 4),
                "<=" => (O::LessOrEqual, 4),
                ">" => (O::Greater, 4),
                ">=" => (O::GreaterOrEqual, 4),
                "+" => (O::Plus, 5),
                "-" => (O::Minus, 5),
                "*" => (O::Times, 6),
                "/" => (O::Over, 6),
                "%" => (O::Modulo, 6),
                "^" => (O::Power, 7),
                _ => return None,
            },
            Token::Word(word) if word.eq_ignore_ascii_case("or") => (O::Or, 1),
            Token::Word(word) if word.eq_ignore_ascii_case("and") => (O::And, 2),
            _ => return None,
        })
    }

    /// An expression of operators that bind more strongly than `least`; those that bind equally go from left to right.
    fn expression(&mut self, least: u8) -> Result<Typed, Error> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.expected("fewer parentheses and signs within each other");
        }
        let mut left = self.operand()?;
        // A chain is a tree that is as deep as it is long.
        let mut links = 0;
        while let Some((operator, strength)) = self.operator()
            && strength > least
        {
            links += 1;
            if links > DEEPEST {
                return self.expected("a shorter expression");
            }
            self.next += 1;
            let right = self.expression(strength)?;
            let kind = match kind_of(operator, left.kind, right.kind) {
                Ok(kind) => kind,
                Err(wanted) => {
                    let found = format!("{} and {}", left.kind.name(), right.kind.name());
                    return self.misfit(right.start, wanted, &found);
                }
            };
            left = Typed {
                expression: Expression::Binary(operator, Box::new((left.expression, right.expression))),
                kind,
                start: left.start,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Typed, Error> {
        let start = self.next;
        let token = self.token();
        self.next += 1;
        let (expression, kind) = match token {
            Token::Number(number) => (Expression::Constant(Value::Number(number)), Kind::Number),
            Token::Quoted(text, suffix) => self.quoted(start, text, suffix)?,
            Token::Variable(name) => match self.names.iter().rposition(|known| known.0 == name) {
                Some(place) => (
                    Expression::Variable(place),
                    self.names.get(place).map_or(Kind::Number, |known| known.1),
                ),
                None => {
                    return self.misfit(start, "$value, $time or a name that let has made", name);
                }
            },
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                self.symbol(")")?;
                (inner.expression, inner.kind)
            }
            Token::Symbol("-") => {
                let inner = self.expression(7)?;
                if !matches!(inner.kind, Kind::Number | Kind::Span) {
                    return self.misfit(inner.start, "a number or a span", inner.kind.name());
                }
                (Expression::Negative(Box::new(inner.expression)), inner.kind)
            }
            Token::Symbol("!") => self.not(7)?,
            Token::Word(word) if word.eq_ignore_ascii_case("not") => self.not(3)?,
            Token::Word(word) if word.eq_ignore_ascii_case("true") => {
                (Expression::Constant(Value::Bool(true)), Kind::Bool)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("false") => {
                (Expression::Constant(Value::Bool(false)), Kind::Bool)
            }
            Token::Word(word) => self.call(start, &word.to_ascii_lowercase())?,
            Token::Symbol(_) | Token::End => {
                self.next = start;
                return self.expected("a value");
            }
        };
        Ok(Typed {
            expression,
            kind,
            start,
        })
    }

    fn not(&mut self, strength: u8) -> Result<(Expression, Kind), Error> {
        let inner = self.expression(strength)?;
        if inner.kind != Kind::Bool {
            return self.misfit(inner.start, "a condition", inner.kind.name());
        }
        Ok((Expression::Not(Box::new(inner.expression)), Kind::Bool))
    }

    fn quoted(&self, start: usize, text: &str, suffix: &str) -> Result<(Expression, Kind), Error> {
        let quoted = format!("'{text}'");
        match suffix {
            "t" | "T" => match time(text) {
                Some(time) => Ok((Expression::Constant(Value::Time(time)), Kind::Time)),
                None => self.misfit(start, "a time such as '2026-01-01 00:00:00't", &quoted),
            },
            "i" | "I" => match span(text) {
                Some(span) => Ok((Expression::Constant(Value::Span(span)), Kind::Span)),
                None => self.misfit(start, "a span of days and time such as '1 day'i", &quoted),
            },
            _ => self.misfit(start, "a time '...'t or a span '...'i", &quoted),
        }
    }

    fn call(&mut self, start: usize, name: &str) -> Result<(Expression, Kind), Error> {
        if name == "pi" {
            self.symbol("(")?;
            self.symbol(")")?;
            return Ok((
                Expression::Constant(Value::Number(std::f64::consts::PI)),
                Kind::Number,
            ));
        }
        if let Some(function) = function_of_one(name) {
            self.symbol("(")?;
            let argument = self.number_argument()?;
            self.symbol(")")?;
            return Ok((Expression::Unary(function, Box::new(argument)), Kind::Number));
        }
        let Some(function) = function_of_two(name) else {
            return self.misfit(start, "a function", name);
        };
        self.symbol("(")?;
        let first = self.number_argument()?;
        self.symbol(",")?;
        let second = self.number_argument()?;
        self.symbol(")")?;
        Ok((
            Expression::OfTwo(function, Box::new((first, second))),
            Kind::Number,
        ))
    }

    fn number_argument(&mut self) -> Result<Expression, Error> {
        let argument = self.expression(0)?;
        match argument.kind {
            Kind::Number => Ok(argument.expression),
            kind => self.misfit(argument.start, "a number", kind.name()),
        }
    }
}
