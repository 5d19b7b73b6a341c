//! A verdict in words.

use crate::Verdict;

/// A sentence on why `value` is an anomaly, `None` when it is none.
///
/// ```
/// use kpi_anomaly::{Verdict, reason::reason};
/// let verdict = Verdict {
///     expected: 1690.0, lower: 1300.0, upper: 2080.0, deviation: Some(-6.2), score: Some(0.9999), is_anomaly: true,
/// };
/// assert_eq!(
///     reason(1043.0, &verdict, 7).unwrap(),
///     "1043 is 38% below the expected 1690 (7-step season), 6.2 robust deviations",
/// );
/// ```
pub fn reason(value: f64, verdict: &Verdict, season: usize) -> Option<String> {
    let deviation = verdict.deviation.filter(|_| verdict.is_anomaly)?;
    let expected = verdict.expected;
    let side = if deviation > 0.0 { "above" } else { "below" };
    let share = ((value - expected) / expected).abs();
    // A share says something only of an expected value that is not next to nothing.
    let distance = if expected != 0.0 && share < 10.0 {
        format!("{}%", number(100.0 * share, 2))
    } else {
        number((value - expected).abs(), 4)
    };
    let season = if season > 1 {
        format!(" ({season}-step season)")
    } else {
        String::new()
    };
    let (value, expected) = (number(value, 4), number(expected, 4));
    let deviations = number(deviation.abs(), 2);
    Some(format!(
        "{value} is {distance} {side} the expected {expected}{season}, {deviations} robust deviations"
    ))
}

/// A number with at least so many significant digits, all of its integer part, and no zeros at the end.
pub(crate) fn number(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-6..=15).contains(&magnitude) {
        return format!("{value:.*e}", (digits - 1).max(0) as usize);
    }
    let decimals = (digits - 1 - magnitude).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
