//! The words of a lambda.

/// A word of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// With its `$`.
    Variable(&'a str),
    Word(&'a str),
    /// What is between the quotes, and the letter behind them.
    Quoted(&'a str, &'a str),
    Symbol(&'a str),
    End,
}

/// A word with its place, counted in characters from 1, and as it was written.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    pub token: Token<'a>,
    pub position: usize,
    pub text: &'a str,
}

const LONG_SYMBOLS: [&str; 7] = ["<=", ">=", "<>", "!=", "==", "&&", "||"];

/// All words, and the end. Characters that belong nowhere are symbols, which no rule takes.
pub(super) fn words(text: &str) -> Vec<Placed<'_>> {
    let mut words = Vec::new();
    let (mut rest, mut position) = (text, 1);
    loop {
        let trimmed = rest.trim_start();
        position += rest.chars().count() - trimmed.chars().count();
        rest = trimmed;
        let (token, length) = first(rest);
        let (written, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let end = token == Token::End;
        words.push(Placed {
            token,
            position,
            text: written,
        });
        if end {
            return words;
        }
        position += written.chars().count();
        rest = after;
    }
}

/// The first word, and how many bytes it has.
fn first(text: &str) -> (Token<'_>, usize) {
    let Some(letter) = text.chars().next() else {
        return (Token::End, 0);
    };
    let name = |from: usize| -> usize {
        let tail = text.get(from..).unwrap_or_default();
        from + tail
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(tail.len())
    };
    let until = |end: usize| text.get(..end).unwrap_or_default();
    if letter == '$' {
        let end = name(1);
        return (Token::Variable(until(end)), end);
    }
    if letter.is_ascii_digit() || letter == '.' {
        let end = number_end(text);
        if let Ok(number) = until(end).parse() {
            return (Token::Number(number), end);
        }
    } else if letter.is_alphabetic() {
        let end = name(0);
        return (Token::Word(until(end)), end);
    } else if let Some((content, _)) = text.strip_prefix('\'').and_then(|quoted| quoted.split_once('\'')) {
        let closed = content.len() + 2;
        let end = name(closed);
        return (
            Token::Quoted(content, text.get(closed..end).unwrap_or_default()),
            end,
        );
    }
    let length = if LONG_SYMBOLS.iter().any(|symbol| text.starts_with(symbol)) {
        2
    } else {
        letter.len_utf8()
    };
    (Token::Symbol(until(length)), length)
}

fn number_end(text: &str) -> usize {
    let digits = |from: usize| {
        let tail = text.get(from..).unwrap_or_default();
        from + tail
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(tail.len())
    };
    let end = digits(0);
    let exponent = text.get(end..).unwrap_or_default();
    let sign = match exponent.as_bytes() {
        [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => 2,
        [b'e' | b'E', b'0'..=b'9', ..] => 1,
        _ => return end,
    };
    digits(end + sign)
}
