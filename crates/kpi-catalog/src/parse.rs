//! From text to a syntax tree: one expression, nothing hidden, bounded in size and depth.

use sqlparser::ast::Expr;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::error::Error;
use crate::template::is_mark;

/// Longest text, in bytes.
const MAX_BYTES: usize = 32_768;
/// Most tokens without white space. A tree is never deeper than it has tokens, so this bounds the stack that
/// dropping one needs; [`crate::write::MAX_DEPTH`] is the tighter bound on what is worked on.
const MAX_TOKENS: usize = 4_000;
/// How deep the parser may nest.
const PARSER_DEPTH: usize = 50;

/// Parses a text that a person typed.
pub(crate) fn expression(what: &'static str, text: &str) -> Result<Expr, Error> {
    if let Some(at) = text.chars().position(|c| is_mark(c) || c == '\0') {
        return Err(Error::Syntax {
            what,
            text: text.to_owned(),
            message: "character not allowed".into(),
            position: Some(at + 1),
        });
    }
    marked(what, text)
}

/// Parses a text in which marks already stand for references.
pub(crate) fn marked(what: &'static str, text: &str) -> Result<Expr, Error> {
    if text.trim().is_empty() {
        return Err(Error::Empty { what });
    }
    if text.len() > MAX_BYTES {
        return Err(Error::TooComplex {
            what,
            limit: format!("it has more than {MAX_BYTES} bytes"),
        });
    }
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, text)
        .tokenize_with_location()
        .map_err(|error| Error::Syntax {
            what,
            text: text.to_owned(),
            message: error.message,
            position: position(text, error.location),
        })?;
    check_tokens(what, text, &tokens)?;
    let tokens = tokens.into_iter().flat_map(split_signs).collect();
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(PARSER_DEPTH)
        .with_tokens_with_locations(tokens);
    let expr = parser.parse_expr().map_err(|error| syntax(what, text, error))?;
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(expr);
    }
    let position = position(text, next.span.start);
    let rest = position.map_or_else(
        || next.token.to_string(),
        |at| text.chars().skip(at - 1).collect(),
    );
    Err(Error::Trailing { what, rest, position })
}

/// Ends operators where PostgreSQL ends them: `x>-1` is `x > -1`, since an operator only ends in a sign if it also
/// has one of a few special characters (PostgreSQL manual, "Operators" in the chapter on lexical structure).
fn split_signs(token: TokenWithSpan) -> Vec<TokenWithSpan> {
    let Token::CustomBinaryOperator(operator) = &token.token else {
        return vec![token];
    };
    let head_length = operator.trim_end_matches(['+', '-']).len().max(1);
    let (Some(head), Some(signs)) = (operator.get(..head_length), operator.get(head_length..)) else {
        return vec![token];
    };
    if signs.is_empty() || operator.contains(['~', '!', '@', '#', '%', '^', '&', '|', '`', '?']) {
        return vec![token];
    }
    let Ok(mut tokens) = Tokenizer::new(&PostgreSqlDialect {}, head).tokenize() else {
        return vec![token];
    };
    tokens.extend(
        signs
            .chars()
            .map(|sign| if sign == '-' { Token::Minus } else { Token::Plus }),
    );
    tokens
        .into_iter()
        .map(|part| TokenWithSpan {
            token: part,
            span: token.span,
        })
        .collect()
}

/// Refuses what must not be in any expression, before the parser drops or reinterprets it.
fn check_tokens(what: &'static str, text: &str, tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let mut count = 0_usize;
    for token in tokens {
        let at = || position(text, token.span.start).unwrap_or(1);
        match &token.token {
            Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
                return Err(Error::Comment { what, position: at() });
            }
            Token::Whitespace(_) => continue,
            Token::SemiColon => {
                let rest = text.chars().skip(at() - 1).collect();
                return Err(Error::Trailing {
                    what,
                    rest,
                    position: Some(at()),
                });
            }
            Token::Placeholder(parameter) => {
                return Err(Error::Parameter {
                    what,
                    parameter: parameter.clone(),
                });
            }
            _ => count += 1,
        }
    }
    if let Some(word) = tokens.iter().find_map(|token| match &token.token {
        Token::Whitespace(_) | Token::LParen => None,
        token => Some(token.to_string()),
    }) && ["select", "with"].contains(&word.to_ascii_lowercase().as_str())
    {
        return Err(Error::Subquery {
            what,
            place: "at the start",
            text: text.to_owned(),
        });
    }
    if count > MAX_TOKENS {
        return Err(Error::TooComplex {
            what,
            limit: format!("it has more than {MAX_TOKENS} words and signs"),
        });
    }
    Ok(())
}

/// The parser's error without its prefix, its position as a number of characters.
fn syntax(what: &'static str, text: &str, error: ParserError) -> Error {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Error::TooComplex {
                what,
                limit: "its parentheses or calls are nested too deeply".into(),
            };
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let Some((words, place)) = message.split_once(" at Line: ") else {
        return Error::Syntax {
            what,
            text: text.to_owned(),
            message,
            position: None,
        };
    };
    let position = place.split_once(", Column: ").and_then(|(line, column)| {
        position(
            text,
            Location {
                line: line.trim().parse().ok()?,
                column: column.trim().parse().ok()?,
            },
        )
    });
    Error::Syntax {
        what,
        text: text.to_owned(),
        message: words.to_owned(),
        position,
    }
}

/// The character, counted from 1, at a line and column, or none where the parser knew no place.
pub(crate) fn position(text: &str, location: Location) -> Option<usize> {
    let line = usize::try_from(location.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(location.column).ok()?;
    let before: usize = text
        .split('\n')
        .take(line)
        .map(|line| line.chars().count() + 1)
        .sum();
    Some(before + column).filter(|at| *at >= 1)
}
