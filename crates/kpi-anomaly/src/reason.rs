//! A verdict in words.

use crate::changepoint::ChangePoint;
use crate::verdict::{Cause, Chart};
use crate::{Kind, Verdict};

/// A sentence on why `value` is an anomaly, `None` when it is none.
///
/// ```
/// use kpi_anomaly::{Cause, Verdict, reason::reason};
/// let verdict = Verdict {
///     expected: 1690.0, lower: 1300.0, upper: 2080.0, deviation: Some(-6.2), score: Some(0.9999), is_anomaly: true,
///     cause: Some(Cause::Distance),
/// };
/// assert_eq!(
///     reason(1043.0, &verdict, 7).unwrap(),
///     "1043 is 38% below the expected 1690 (7-step season), 6.2 robust deviations",
/// );
/// ```
pub fn reason(value: f64, verdict: &Verdict, season: usize) -> Option<String> {
    let cause = verdict.cause.filter(|_| verdict.is_anomaly)?;
    let deviation = verdict.deviation.unwrap_or(0.0);
    let side = if deviation < 0.0 { "below" } else { "above" };
    let text = match cause {
        Cause::Distance => {
            let deviations = number(deviation.abs(), 2);
            format!(
                "{}, {deviations} robust deviations",
                distance(value, verdict.expected, season)
            )
        }
        Cause::Shift {
            levels: (before, after),
        } => {
            let verb = if after > before { "rises" } else { "falls" };
            format!(
                "the level {verb} from {} to {} and stays there",
                number(before, 4),
                number(after, 4)
            )
        }
        Cause::Bend {
            slopes: (before, after),
        } => format!(
            "the slope changes from {} to {} per step",
            number(before, 3),
            number(after, 3)
        ),
        Cause::Scatter {
            deviations: (before, after),
        } => {
            let times = if after > before {
                after / before
            } else {
                before / after
            };
            let more = if after > before { "more" } else { "less" };
            format!(
                "from here on the values scatter {} times {more}: a standard deviation of {} after {}",
                number(times, 2),
                number(after, 3),
                number(before, 3)
            )
        }
        Cause::Missing { steps, usual: 0 } => {
            format!(
                "{} without a value, in a series that has no other gaps",
                count(steps)
            )
        }
        Cause::Missing { steps, usual } => {
            format!(
                "{} without a value, the longest gap elsewhere is {}",
                count(steps),
                count(usual)
            )
        }
        Cause::Still { steps, usual } => format!(
            "{} is repeated for {}, the longest run of equal values elsewhere is {usual}",
            number(value, 4),
            count(steps)
        ),
        Cause::Chart { chart } => {
            let what = match chart {
                Chart::Average => "the moving average leaves its limits",
                Chart::Sum => "the cumulative sum leaves its limits",
                Chart::One => "one value far out",
                Chart::TwoOfThree => "two of three values far out",
                Chart::FourOfFive => "four of five values out",
                Chart::Run => "a long run of values",
            };
            format!(
                "{what} on the side {side} the centre line at {}{}",
                number(verdict.expected, 4),
                of_season(season)
            )
        }
        Cause::Shape { window } => {
            format!(
                "the course of the {window} steps around {} has no like in this series",
                number(value, 4)
            )
        }
        Cause::Saliency => format!(
            "{}, and stands out from the spectrum of its surroundings",
            distance(value, verdict.expected, 1)
        ),
        Cause::Isolation => format!(
            "{}, and few cuts isolate it from the other values by its place and the values before it",
            distance(value, verdict.expected, season)
        ),
    };
    Some(text)
}

/// By how much a value is above or below what it should be.
fn distance(value: f64, expected: f64, season: usize) -> String {
    let side = if value < expected { "below" } else { "above" };
    let share = ((value - expected) / expected).abs();
    // A share says something only of an expected value that is not next to nothing.
    let distance = if expected != 0.0 && share < 10.0 {
        format!("{}%", number(100.0 * share, 2))
    } else {
        number((value - expected).abs(), 4)
    };
    format!(
        "{} is {distance} {side} the expected {}{}",
        number(value, 4),
        number(expected, 4),
        of_season(season)
    )
}

fn of_season(season: usize) -> String {
    if season > 1 {
        format!(" ({season}-step season)")
    } else {
        String::new()
    }
}

fn count(steps: usize) -> String {
    if steps == 1 {
        "1 step".into()
    } else {
        format!("{steps} steps")
    }
}

/// A number with at least so many significant digits, all of its integer part, and no zeros at the end.
pub fn number(value: f64, digits: i32) -> String {
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

/// A change point in words.
///
/// ```
/// use kpi_anomaly::changepoint::{Request, changepoints};
/// let values: Vec<f64> = (0..60).map(|t| f64::from(t % 2) + if t < 35 { 10.0 } else { 20.0 }).collect();
/// let found = changepoints(&values, &Request::default(), &mut || false).unwrap();
/// assert_eq!(
///     kpi_anomaly::reason::of_change(&found[0]),
///     "the mean rises from 10.49 over 35 values to 20.52 over 25",
/// );
/// ```
pub fn of_change(change: &ChangePoint) -> String {
    let (before, after) = (&change.before, &change.after);
    let verb = |from: f64, to: f64| if to > from { "rises" } else { "falls" };
    let over = |from: f64, to: f64| {
        let (from, to) = (number(from, 4), number(to, 4));
        format!(
            "from {from} over {} values to {to} over {}",
            before.count, after.count
        )
    };
    match change.kind {
        Kind::VarianceChange => {
            let verb = verb(before.sd, after.sd);
            format!("the standard deviation {verb} {}", over(before.sd, after.sd))
        }
        Kind::TrendChange => format!("the slope changes {} per step", over(before.slope, after.slope)),
        _ => {
            let verb = verb(before.mean, after.mean);
            format!("the mean {verb} {}", over(before.mean, after.mean))
        }
    }
}
