//! Local regression (Cleveland 1979, *Journal of the American Statistical Association* 74:829-836).

use crate::Error;
use crate::model::unless_canceled;

/// How a curve is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Curve {
    /// Values that a place looks at: the nearest ones.
    pub window: usize,
    /// Whether it is locally a line, or a constant.
    pub line: bool,
    /// It is worked out at each so many places, and is straight between them.
    pub stride: usize,
}

/// Local regression on the nearest values with tricube weights, at `count` places from `before` places before the first value
/// on. `robustness` holds a further weight for each value, or is empty for none.
pub(crate) fn loess(
    values: &[f64],
    robustness: &[f64],
    curve: Curve,
    before: usize,
    count: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let mut smooth = vec![0.0; count];
    let mut known: Option<(usize, f64)> = None;
    // What lies outside of the values is worked out at each place.
    let inside = before..count.saturating_sub(before);
    let ends = (0..before).chain(inside.end..count);
    let mut places: Vec<usize> = inside.clone().step_by(curve.stride.max(1)).chain(ends).collect();
    places.extend(inside.last());
    places.sort_unstable();
    places.dedup();
    for i in places {
        unless_canceled(poll)?;
        let here = regression(values, robustness, curve, i as f64 - before as f64);
        if let Some((from, there)) = known {
            let slope = if i > from {
                (here - there) / (i - from) as f64
            } else {
                0.0
            };
            for (step, slot) in smooth[from..i].iter_mut().enumerate() {
                *slot = there + slope * step as f64;
            }
        }
        if let Some(slot) = smooth.get_mut(i) {
            *slot = here;
        }
        known = Some((i, here));
    }
    Ok(smooth)
}

/// The value at `x` of the local line or constant there.
fn regression(values: &[f64], robustness: &[f64], curve: Curve, x: f64) -> f64 {
    let Curve { window, line, .. } = curve;
    let n = values.len();
    if n < 2 {
        return values.first().copied().unwrap_or(0.0);
    }
    let reach = window.min(n);
    let left = (x - (reach as f64 - 1.0) / 2.0)
        .round()
        .clamp(0.0, (n - reach) as f64) as usize;
    let near = &values[left..left + reach];
    let trust = robustness.get(left..left + reach);
    let mut far = (x - left as f64).max((left + reach - 1) as f64 - x);
    if window > n {
        far += ((window - n) / 2) as f64;
    }
    let weight = |j: usize| {
        let distance = (((left + j) as f64 - x).abs() / far.max(f64::MIN_POSITIVE)).min(1.0);
        let off = 1.0 - distance * distance * distance;
        off * off * off * trust.map_or(1.0, |trust| trust[j])
    };
    // Moments around x, from which those around the weighted centre follow.
    let [mut sum, mut first, mut second, mut level, mut tilt] = [0.0; 5];
    for (j, y) in near.iter().enumerate() {
        let (w, off) = (weight(j), (left + j) as f64 - x);
        sum += w;
        first += w * off;
        second += w * off * off;
        level += w * y;
        tilt += w * off * y;
    }
    if sum <= 0.0 {
        // All that is near was an outlier: the value there stands for itself.
        return values[x.round().clamp(0.0, (n - 1) as f64) as usize];
    }
    let centre = first / sum;
    let mean = level / sum;
    let spread = second / sum - centre * centre;
    if line && spread.max(0.0).sqrt() > 1e-3 * reach as f64 {
        mean - centre * (tilt / sum - centre * mean) / spread
    } else {
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: Curve = Curve {
        window: 3,
        line: true,
        stride: 1,
    };

    #[test]
    fn a_line_is_kept_and_an_outlier_without_weight_is_not_seen() {
        let mut values: Vec<f64> = (0..30).map(f64::from).collect();
        values[12] = 500.0;
        let mut trust = vec![1.0; 30];
        trust[12] = 0.0;
        let smooth = loess(&values, &trust, Curve { window: 11, ..CURVE }, 0, 30, &mut || {
            false
        })
        .unwrap();
        for (t, level) in smooth.iter().enumerate() {
            assert!((level - t as f64).abs() < 1e-9);
        }
    }

    #[test]
    fn where_nothing_is_trusted_values_stand_for_themselves() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(
            loess(&values, &[0.0; 4], CURVE, 0, 4, &mut || false).unwrap(),
            values
        );
    }
}
