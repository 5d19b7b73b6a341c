//! The text form of a series: a JSON array of `[time, value]` pairs.

use crate::{Builder, Error, Series, interrupt, timestamp};
use std::fmt::Write;

impl Series {
    /// The text form: JSON, times in UTC, `null` for a gap, and what JSON has no number for as a string.
    ///
    /// ```
    /// use kpi_series::Series;
    ///
    /// let s = Series::from_points(vec![(0, Some(1.5)), (1_000_000, None), (2_000_000, Some(f64::NAN))])?;
    /// assert_eq!(
    ///     s.to_text(),
    ///     r#"[["2000-01-01T00:00:00Z", 1.5], ["2000-01-01T00:00:01Z", null], ["2000-01-01T00:00:02Z", "NaN"]]"#
    /// );
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(2 + self.len() * 36);
        text.push('[');
        for (index, (time, value)) in self.points().enumerate() {
            interrupt::at(index);
            text.push_str(if index == 0 { "[\"" } else { ", [\"" });
            timestamp::write(&mut text, time);
            text.push_str("\", ");
            write_number(&mut text, value);
            text.push(']');
        }
        text.push(']');
        text
    }

    /// Reads the text form. Points may be in any order; of equal times the last one wins. Times may have any
    /// offset from UTC.
    ///
    /// # Errors
    /// [`Error::BadText`] with the position of the first byte that does not fit, [`Error::TooManyPoints`].
    ///
    /// ```
    /// use kpi_series::Series;
    ///
    /// let s = Series::parse(r#"[["2000-01-01T01:00:00+01:00", 7], ["2000-01-01T00:00:01Z", null]]"#)?;
    /// assert_eq!(s.points().collect::<Vec<_>>(), [(0, Some(7.0)), (1_000_000, None)]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        Parser { text, at: 0 }.series()
    }
}

/// Writes the shortest digits that read back as the same number.
fn write_number(text: &mut String, value: Option<f64>) {
    let Some(value) = value else {
        return text.push_str("null");
    };
    // Writing to a String cannot fail.
    let _ = if value.is_nan() {
        write!(text, "\"NaN\"")
    } else if value.is_infinite() {
        write!(text, "\"{}Infinity\"", if value < 0.0 { "-" } else { "" })
    } else if value == 0.0 || (1e-5..1e16).contains(&value.abs()) {
        write!(text, "{value}")
    } else {
        write!(text, "{value:e}")
    };
}

/// Characters of the text that an error shows.
const LONGEST_EXCERPT: usize = 24;

const A_TIME: &str = "a time in double quotes";

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn series(mut self) -> Result<Series, Error> {
        let mut builder = Builder::default();
        self.expect(b'[', "\"[\"")?;
        if self.peek() != Some(b']') {
            loop {
                self.expect(b'[', "\"[\" of a point")?;
                let time = self.time()?;
                self.expect(b',', "\",\" between time and value")?;
                let value = self.value()?;
                self.expect(b']', "\"]\" after the value")?;
                builder.push(time, value)?;
                interrupt::at(builder.len());
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.expect(b']', "\",\" or \"]\"")?;
        if self.peek().is_some() {
            return Err(self.unexpected("the end of the text"));
        }
        builder.finish()
    }

    /// The next byte after white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Error> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn time(&mut self) -> Result<i64, Error> {
        let Some(text) = self.quoted() else {
            return Err(self.unexpected(A_TIME));
        };
        let Some(time) = timestamp::parse(text) else {
            return Err(self.unexpected("a time such as \"2026-01-01T00:00:00Z\""));
        };
        self.at += text.len() + 2;
        Ok(time)
    }

    fn value(&mut self) -> Result<Option<f64>, Error> {
        const A_VALUE: &str = "a number, null, \"NaN\", \"Infinity\" or \"-Infinity\"";
        if let Some(text) = self.quoted() {
            let value = match text {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => return Err(self.unexpected(A_VALUE)),
            };
            self.at += text.len() + 2;
            return Ok(Some(value));
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with("null") {
            self.at += 4;
            return Ok(None);
        }
        let Some(number) = json_number(rest) else {
            return Err(self.unexpected(A_VALUE));
        };
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.at += number.len();
                Ok(Some(value))
            }
            _ => Err(self.unexpected("a number within the range of float8")),
        }
    }

    /// What stands between double quotes here, when it is short and without escapes, as all that is legal is.
    fn quoted(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let rest = self.text.get(self.at + 1..)?;
        let length = rest.bytes().take(64).position(|byte| byte == b'"')?;
        rest.get(..length)
    }

    fn unexpected(&mut self, expected: &'static str) -> Error {
        let _ = self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut found: String = rest.chars().take(LONGEST_EXCERPT).collect();
        if found.len() < rest.len() {
            found.push('…');
        }
        Error::BadText {
            position: self.at + 1,
            expected,
            found,
        }
    }
}

/// The JSON number at the start of the text.
fn json_number(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let count = bytes
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        (count > 0).then_some(from + count)
    };
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut end = digits(start)?;
    if bytes.get(start) == Some(&b'0') && end > start + 1 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = digits(end + 1 + sign)?;
    }
    text.get(..end)
}
