//! Constants, written so that PostgreSQL reads them back whatever its settings are.

use sqlparser::ast::Value;

use crate::error::Error;
use crate::template::is_mark;
use crate::write::unsupported;

/// Words that PostgreSQL's date and time types replace by the present time when they are cast.
const CLOCK_WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// Writes a constant.
pub(crate) fn value(what: &'static str, value: &Value) -> Result<String, Error> {
    match value {
        Value::Number(digits, false) => number(what, digits),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Null => Ok("NULL".into()),
        Value::Placeholder(parameter) => Err(Error::Parameter {
            what,
            parameter: parameter.clone(),
        }),
        other => match content(other) {
            Some(content) => string(what, content),
            None => Err(unsupported(what, "a literal of this kind")),
        },
    }
}

/// Is this a string constant in any of PostgreSQL's notations?
pub(crate) fn is_string(value: &Value) -> bool {
    content(value).is_some()
}

/// Refuses a string that a date or time type would read as the present time.
pub(crate) fn refuse_clock(what: &'static str, value: &Value) -> Result<(), Error> {
    let word = content(value).unwrap_or_default().trim().to_ascii_lowercase();
    match CLOCK_WORDS
        .iter()
        .find(|clock| word.split_ascii_whitespace().any(|part| part == **clock))
    {
        Some(clock) => Err(Error::Volatile {
            what,
            function: format!("'{clock}'"),
        }),
        None => Ok(()),
    }
}

fn content(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text) => Some(text),
        Value::DollarQuotedString(dollar) => Some(&dollar.value),
        _ => None,
    }
}

/// Digits with an optional fraction and exponent. PostgreSQL 15 does not know the underscores of later versions.
fn number(what: &'static str, digits: &str) -> Result<String, Error> {
    let digits = digits.replace('_', "");
    let starts = digits
        .trim_start_matches('.')
        .starts_with(|c: char| c.is_ascii_digit());
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if starts && digits.chars().all(allowed) {
        Ok(digits)
    } else {
        Err(unsupported(what, &format!("the number {digits}")))
    }
}

/// A string in quotes. With a backslash in it the `E''` notation is used, which means the same whether
/// `standard_conforming_strings` is on or off.
fn string(what: &'static str, content: &str) -> Result<String, Error> {
    if content.contains(|c| is_mark(c) || c == '\0') {
        return Err(unsupported(what, "a string with this character"));
    }
    Ok(quote(content))
}

/// The content as a string constant.
pub(crate) fn quote(content: &str) -> String {
    let doubled = content.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_kept() {
        assert_eq!(quote("it's"), "'it''s'");
        assert_eq!(quote("it''s"), "'it''''s'");
        assert_eq!(quote(r"\'"), r"E'\\'''");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn numbers_have_digits_only() {
        assert_eq!(number("formula", "1_000.5e-3").as_deref(), Ok("1000.5e-3"));
        assert_eq!(number("formula", ".5").as_deref(), Ok(".5"));
        assert!(number("formula", "1a").is_err());
        assert!(number("formula", "").is_err());
    }
}
