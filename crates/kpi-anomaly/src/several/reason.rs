//! A verdict on several series in words.

use super::{Component, SeveralVerdict};

/// Drivers that are described, at most.
const DESCRIBED: usize = 3;

/// A sentence on why a moment is an anomaly, `None` when it is none. `names` and `values` are those of the series, `at` their
/// components at this moment.
///
/// ```
/// use kpi_anomaly::several::{Component, SeveralVerdict, reason};
/// let verdict = SeveralVerdict { score: Some(0.9999), is_anomaly: true, drivers: vec![1] };
/// let at = [Component { expected: 50.0, deviation: 0.2 }, Component { expected: 25.0, deviation: -4.1 }];
/// assert_eq!(
///     reason(&["requests", "orders"], &[51.0, 19.0], &verdict, &at).unwrap(),
///     "orders is 19, expected 25 (4.1 robust deviations below)",
/// );
/// ```
pub fn reason(names: &[&str], values: &[f64], verdict: &SeveralVerdict, at: &[Component]) -> Option<String> {
    if !verdict.is_anomaly {
        return None;
    }
    let describe = |place: &usize| {
        let (name, value, component) = (names.get(*place)?, values.get(*place)?, at.get(*place)?);
        let side = if component.deviation > 0.0 {
            "above"
        } else {
            "below"
        };
        Some(format!(
            "{name} is {}, expected {} ({} robust deviations {side})",
            number(*value, 4),
            number(component.expected, 4),
            number(component.deviation.abs(), 2),
        ))
    };
    let parts: Vec<String> = verdict
        .drivers
        .iter()
        .take(DESCRIBED)
        .filter_map(describe)
        .collect();
    let more = verdict.drivers.len().saturating_sub(DESCRIBED);
    Some(match more {
        0 => parts.join("; "),
        more => format!("{}; and {more} more", parts.join("; ")),
    })
}

/// A number with at least so many significant digits, all of its integer part, and no zeros at the end.
fn number(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}")
            .replace("-0", "0")
            .replace("inf", "infinitely many");
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
