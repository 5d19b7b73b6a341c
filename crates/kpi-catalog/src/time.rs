//! Fields of times, and intervals.

use sqlparser::ast::{DateTimeField, Expr, Interval};

use crate::error::Error;
use crate::literal;
use crate::write::unsupported;

/// A field of a date or an interval, such as `epoch` or `month`.
pub(crate) fn field(what: &'static str, field: &DateTimeField) -> Result<String, Error> {
    let name = field.to_string().trim_matches(['\'', '"']).to_ascii_lowercase();
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        Ok(name)
    } else {
        Err(unsupported(what, "this field of a time"))
    }
}

/// `INTERVAL '1 day'`, `INTERVAL '1' DAY TO HOUR`.
pub(crate) fn interval(what: &'static str, interval: &Interval) -> Result<String, Error> {
    let Interval {
        value,
        leading_field,
        leading_precision,
        last_field,
        fractional_seconds_precision,
    } = interval;
    let Expr::Value(value) = value.as_ref() else {
        return Err(unsupported(what, "an interval whose value is not a string"));
    };
    if !literal::is_string(&value.value)
        || leading_precision.is_some()
        || fractional_seconds_precision.is_some()
    {
        return Err(unsupported(
            what,
            "an interval in this form; type INTERVAL '1 day'",
        ));
    }
    let mut text = format!("INTERVAL {}", literal::value(what, &value.value)?);
    if let Some(field) = leading_field {
        text.push_str(&format!(" {}", self::field(what, field)?));
    }
    if let Some(field) = last_field {
        text.push_str(&format!(" TO {}", self::field(what, field)?));
    }
    Ok(text)
}
