//! The text forms: JSON objects of numbers for states that a person can read, hexadecimal for the others.

use std::fmt::Write as _;

use crate::Error;
use crate::moments::{ALL_SPECIAL, MAX_COUNT, Moments, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY};
use crate::summation::CompensatedSum;

const SPECIAL_NAMES: [(u8, &str); 3] = [
    (NAN, "NaN"),
    (POSITIVE_INFINITY, "Infinity"),
    (NEGATIVE_INFINITY, "-Infinity"),
];

/// Bytes as PostgreSQL prints `bytea`: `\x` and two digits each.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

/// Reads what [`to_hex`] wrote, with white space around it.
///
/// # Errors
/// [`Error::Text`] with the position of what is no digit.
pub fn from_hex(type_name: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    let error = |position, reason: &str| Error::Text {
        type_name,
        position,
        reason: reason.into(),
    };
    let Some(digits) = text.trim().strip_prefix("\\x") else {
        return Err(error(1, "expected \\x and hexadecimal digits"));
    };
    let start = text.chars().take_while(|c| c.is_whitespace()).count() + 3;
    let values = digits
        .chars()
        .enumerate()
        .map(|(i, c)| {
            c.to_digit(16)
                .ok_or_else(|| error(start + i, "expected a hexadecimal digit"))
        })
        .collect::<Result<Vec<u32>, Error>>()?;
    let (pairs, odd) = values.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(error(
            start + values.len(),
            "expected an even number of hexadecimal digits",
        ));
    }
    Ok(pairs.iter().map(|[high, low]| (high << 4 | low) as u8).collect())
}

/// Appends a number as JSON; NaN and infinities, which JSON has no numbers for, as strings.
pub(crate) fn push_number(text: &mut String, value: f64) {
    // Writing to a String cannot fail.
    let _ = match value {
        value if value.is_nan() => write!(text, "\"NaN\""),
        value if value.is_infinite() => write!(text, "\"{}Infinity\"", if value < 0.0 { "-" } else { "" }),
        value if value.fract() == 0.0 && value.abs() < 1e15 => write!(text, "{value}"),
        value => write!(text, "{value:?}"),
    };
}

/// Appends which of NaN and the infinities are marked, as a list of their names.
pub(crate) fn push_special(text: &mut String, special: u8) {
    let names = SPECIAL_NAMES.iter().filter(|(mark, _)| special & mark != 0);
    let quoted: Vec<String> = names.map(|(_, name)| format!("\"{name}\"")).collect();
    let _ = write!(text, "[{}]", quoted.join(", "));
}

/// Appends the members `sum`, `m2`, `m3`, `m4`, or `special` where NaN or an infinity was seen.
pub(crate) fn push_moments(text: &mut String, moments: &Moments) {
    if moments.special != 0 {
        text.push_str("\"special\": ");
        push_special(text, moments.special);
        return;
    }
    let parts: [(&str, &[f64]); 4] = [
        ("sum", &[moments.sum.hi, moments.sum.lo]),
        ("m2", &[moments.m2]),
        ("m3", &[moments.m3]),
        ("m4", &[moments.m4]),
    ];
    for (i, (name, values)) in parts.iter().enumerate() {
        let _ = write!(text, "{}\"{name}\": ", if i == 0 { "" } else { ", " });
        match values {
            [value] => push_number(text, *value),
            values => {
                for (j, value) in values.iter().enumerate() {
                    text.push_str(if j == 0 { "[" } else { ", " });
                    push_number(text, *value);
                }
                text.push(']');
            }
        }
    }
}

/// Reads the members in the order in which they are written; white space is free.
pub(crate) struct Scanner<'a> {
    type_name: &'static str,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub fn new(type_name: &'static str, text: &'a str) -> Self {
        Self {
            type_name,
            text,
            rest: text.trim_start(),
        }
    }

    pub fn error(&self, reason: impl Into<String>) -> Error {
        let consumed = self.text.len() - self.rest.len();
        let position = self.text.get(..consumed).map_or(0, |read| read.chars().count()) + 1;
        Error::Text {
            type_name: self.type_name,
            position,
            reason: reason.into(),
        }
    }

    /// Takes `token` if it comes next, and says whether it did.
    pub fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// Takes punctuation.
    pub fn expect(&mut self, token: &str) -> Result<(), Error> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.error(format!("expected \"{token}\"")))
        }
    }

    /// Takes `"name":`.
    pub fn key(&mut self, name: &str) -> Result<(), Error> {
        if !self.take(&format!("\"{name}\"")) {
            return Err(self.error(format!("expected the key \"{name}\"")));
        }
        self.expect(":")
    }

    pub fn count(&mut self) -> Result<u64, Error> {
        let digits = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        match self.rest.split_at_checked(digits) {
            Some((number, rest)) if number.parse().is_ok_and(|count: u64| count <= MAX_COUNT) => {
                let count = number.parse().unwrap_or_default();
                self.rest = rest.trim_start();
                Ok(count)
            }
            _ => Err(self.error("expected a count from 0 to 9223372036854775807")),
        }
    }

    /// A whole number of either sign, such as a time in microseconds.
    pub fn integer(&mut self) -> Result<i64, Error> {
        let is_part = |c: char| c.is_ascii_digit() || c == '-';
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        match self
            .rest
            .split_at_checked(length)
            .and_then(|(number, rest)| Some((number.parse().ok()?, rest)))
        {
            Some((value, rest)) => {
                self.rest = rest.trim_start();
                Ok(value)
            }
            None => Err(self.error("expected a whole number")),
        }
    }

    pub fn number(&mut self) -> Result<f64, Error> {
        for (name, value) in [
            ("NaN", f64::NAN),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            if self.take(&format!("\"{name}\"")) {
                return Ok(value);
            }
        }
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let parsed = self
            .rest
            .split_at_checked(length)
            .and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
        match parsed {
            Some((value, rest)) if f64::is_finite(value) => {
                self.rest = rest.trim_start();
                Ok(value)
            }
            _ => Err(self.error("expected a number")),
        }
    }

    /// The marks of a list of `NaN`, `Infinity` and `-Infinity`, as [`push_special`] writes it.
    pub fn special(&mut self) -> Result<u8, Error> {
        self.expect("[")?;
        let mut special = 0;
        loop {
            let found = SPECIAL_NAMES
                .iter()
                .find(|(_, name)| self.take(&format!("\"{name}\"")));
            let Some((mark, _)) = found else {
                return Err(self.error("expected \"NaN\", \"Infinity\" or \"-Infinity\""));
            };
            special |= mark;
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        debug_assert!(special & !ALL_SPECIAL == 0);
        Ok(special)
    }

    pub fn moments(&mut self, n: u64) -> Result<Moments, Error> {
        let mut moments = Moments {
            n,
            ..Moments::default()
        };
        if self.rest.starts_with("\"special\"") {
            self.key("special")?;
            moments.special = self.special()?;
        } else {
            self.key("sum")?;
            self.expect("[")?;
            let hi = self.number()?;
            self.expect(",")?;
            moments.sum = CompensatedSum {
                hi,
                lo: self.number()?,
            };
            self.expect("]")?;
            for (name, moment) in [
                ("m2", &mut moments.m2),
                ("m3", &mut moments.m3),
                ("m4", &mut moments.m4),
            ] {
                self.expect(",")?;
                self.key(name)?;
                *moment = self.number()?;
            }
        }
        moments
            .check()
            .map_err(|reason| self.error(reason.trim_end_matches('.').replacen("There", "there", 1)))?;
        Ok(moments)
    }

    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error("expected the end of the text"))
        }
    }
}
