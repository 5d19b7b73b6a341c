//! The straight line between two points.

use std::cmp::Ordering;

/// A point: its time in any unit, and its value.
pub type Point<V> = (i64, V);

/// The value at a time on the straight line through two points; that of the first where both are at the same time.
///
/// ```
/// use kpi_series::interpolation::between;
///
/// assert_eq!(between((0, 1.0), (4, 3.0), 1), 1.5);
/// assert_eq!(between((4, 3.0), (0, 1.0), 1), 1.5);
/// assert_eq!(between((0, -1e308), (2, 1e308), 1), 0.0);
/// ```
pub fn between((start, a): Point<f64>, (end, b): Point<f64>, time: i64) -> f64 {
    if start == end {
        return a;
    }
    let share = distance(start, time) as f64 / distance(start, end) as f64;
    // Weighs both ends, for their difference may overflow.
    a * (1.0 - share) + b * share
}

/// The same in whole numbers, rounded half away from zero; `None` beyond the range of an `i64`, which only a time
/// outside of the two points can lead to.
///
/// ```
/// use kpi_series::interpolation::between_integers;
///
/// assert_eq!(between_integers((0, 0), (10, -1), 5), Some(-1));
/// assert_eq!(between_integers((0, i64::MIN), (2, i64::MAX), 1), Some(-1));
/// ```
pub fn between_integers((start, a): Point<i64>, (end, b): Point<i64>, time: i64) -> Option<i64> {
    if start == end {
        return Some(a);
    }
    let (rise, span, run) = (
        i128::from(b) - i128::from(a),
        distance(start, end),
        distance(start, time),
    );
    let part = rise.unsigned_abs().checked_mul(run.unsigned_abs())?;
    let (quotient, rest) = (part / span.unsigned_abs(), part % span.unsigned_abs());
    let up = rise.signum() * run.signum() * span.signum();
    // The value lies at `whole`, or within one from it in the direction of `up`.
    let whole = i128::from(a) + up * i128::try_from(quotient).ok()?;
    // The value itself is rounded, not its distance from the first point: -0.5 is -1 from either end.
    let away = match (rest * 2).cmp(&span.unsigned_abs()) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => whole == 0 || whole.signum() == up,
    };
    i64::try_from(whole + if away { up } else { 0 }).ok()
}

fn distance(from: i64, to: i64) -> i128 {
    i128::from(to) - i128::from(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A value between two points is between their values, whichever point comes first.
        #[test]
        fn stays_between(start in any::<i32>(), length in 1i32..1_000_000, at in 0.0..=1.0f64, a in -1e6..1e6f64, b in -1e6..1e6f64) {
            let (start, end) = (i64::from(start), i64::from(start) + i64::from(length));
            let time = start + (f64::from(length) * at) as i64;
            let value = between((start, a), (end, b), time);
            prop_assert!(value >= a.min(b) - 1e-6 && value <= a.max(b) + 1e-6);
            prop_assert!((value - between((end, b), (start, a), time)).abs() < 1e-6);
            let (a, b) = (a as i64, b as i64);
            let whole = between_integers((start, a), (end, b), time).unwrap();
            prop_assert_eq!(Some(whole), between_integers((end, b), (start, a), time));
            prop_assert!((whole as f64 - between((start, a as f64), (end, b as f64), time)).abs() <= 0.5 + 1e-6);
        }
    }

    #[test]
    fn the_widest_line() {
        assert_eq!(
            between_integers((i64::MIN, i64::MIN), (i64::MAX, i64::MAX), 5),
            Some(5)
        );
    }
}
