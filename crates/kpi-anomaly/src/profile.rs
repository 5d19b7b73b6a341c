//! The matrix profile: how far each window of a series is from the window that is most like it.

use crate::Error;
use crate::location::interpolated;

/// Diagonals that are worked on together: what they need stays in the processor's cache.
const TILE: usize = 1024;
/// Cells side by side, which a processor handles at once.
const LANES: usize = 8;
/// Cells between polls.
const POLL: usize = 10_000_000;
/// Share of the largest scatter of any window below which one is constant.
const CONSTANT: f64 = 1e-10;
/// A constant and another window are `sqrt(window)` apart, as those that correlate by this much.
const HALF: f64 = 0.5;

/// Distance of each window of `window` values from its nearest neighbour, in the order of their first places: the Euclidean distance
/// of the z-normalised windows, from 0 to `2 sqrt(window)`. Windows that overlap by more than three quarters are no neighbours. `NaN`
/// for a window with a gap, and where there is nothing to compare with. Two constant windows are 0 apart, a constant and another one
/// `sqrt(window)`.
///
/// All pairs are compared, along the diagonals of the matrix of distances (STOMP, Zhu, Zimmerman, Senobari, Yeh, Funning, Mueen, Brisk
/// & Keogh 2016, *ICDM*), by the covariance update of SCAMP (Zimmerman, Kamgar, Senobari, Crites, Funning, Brisk & Keogh 2019,
/// *SoCC*), many diagonals side by side.
///
/// # Errors
/// [`Error::Window`] for fewer than 3 values in a window or windows without two apart, [`Error::Canceled`] when `poll` returns true.
///
/// ```
/// use kpi_anomaly::profile::matrix_profile;
/// let mut values: Vec<f64> = (0..80).map(|t| [0.0, 1.0, 4.0, 2.0, 3.0, -1.0, -2.0, 0.5][t % 8]).collect();
/// values[41] = 9.0;
/// let profile = matrix_profile(&values, 8, &mut || false).unwrap();
/// assert!(profile[10] < 1e-6 && profile[38] > 1.0);
/// ```
pub fn matrix_profile(
    values: &[f64],
    window: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let n = values.len();
    let zone = window.div_ceil(4);
    if window < 3 || window + zone > n {
        return Err(Error::Window {
            window: window as i64,
            least: 3,
            most: n * 4 / 5,
        });
    }
    let Terms {
        count,
        df,
        dg,
        inverse,
        constant,
        centred,
    } = Terms::of(values, window);
    let mut best = vec![f64::NEG_INFINITY; count];
    let mut covariance = [0.0; TILE];
    let mut work = 0;
    for tile in (zone..count).step_by(TILE) {
        let width = TILE.min(count - tile);
        for (k, slot) in covariance[..width].iter_mut().enumerate() {
            *slot = first(&centred, window, tile + k);
        }
        for row in 0..count - tile {
            let cells = width.min(count - tile - row);
            let from = row + tile;
            if row > 0 {
                advance(
                    &mut covariance[..cells],
                    &df[from..],
                    &dg[from..],
                    df[row],
                    dg[row],
                );
            }
            let own = inverse[row];
            if own.is_finite() {
                let highest = compare(&covariance[..cells], &inverse[from..], own, &mut best[from..]);
                if highest > best[row] {
                    best[row] = highest;
                }
            }
            work += cells;
            if work > POLL {
                work = 0;
                if poll() {
                    return Err(Error::Canceled);
                }
            }
        }
    }
    with_constants(&mut best, &constant, &inverse, zone);
    Ok(best
        .iter()
        .map(|r| {
            if *r > f64::NEG_INFINITY {
                (2.0 * window as f64 * (1.0 - r.min(1.0))).sqrt()
            } else {
                f64::NAN
            }
        })
        .collect())
}

/// What is needed of each window.
struct Terms {
    count: usize,
    /// Half the difference of the value that comes in and the one that goes out, and the sum of both around their means.
    df: Vec<f64>,
    dg: Vec<f64>,
    /// 1 over the root of the sum of squares around the mean; `NaN` for windows with a gap and constant ones.
    inverse: Vec<f64>,
    constant: Vec<bool>,
    centred: Vec<f64>,
}

impl Terms {
    fn of(values: &[f64], window: usize) -> Self {
        let count = values.len() - window + 1;
        let filled = interpolated(values);
        let mean = filled.iter().sum::<f64>() / filled.len() as f64;
        let largest = filled.iter().fold(0.0_f64, |m, y| m.max((y - mean).abs()));
        let unit = if largest > 0.0 { largest } else { 1.0 };
        let centred: Vec<f64> = filled.iter().map(|y| (y - mean) / unit).collect();
        let size = window as f64;
        let mut means = Vec::with_capacity(count);
        let mut squares = Vec::with_capacity(count);
        for part in centred.windows(window) {
            let mean = part.iter().sum::<f64>() / size;
            means.push(mean);
            squares.push(part.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>());
        }
        let widest = squares.iter().copied().fold(0.0, f64::max);
        let mut gaps = values[..window].iter().filter(|y| !y.is_finite()).count();
        let mut inverse = Vec::with_capacity(count);
        let mut constant = Vec::with_capacity(count);
        for (i, square) in squares.iter().enumerate() {
            if i > 0 {
                gaps -= usize::from(!values[i - 1].is_finite());
                gaps += usize::from(!values[i + window - 1].is_finite());
            }
            let is_constant = *square <= CONSTANT * CONSTANT * widest;
            constant.push(gaps == 0 && is_constant);
            inverse.push(if gaps > 0 || is_constant {
                f64::NAN
            } else {
                1.0 / square.sqrt()
            });
        }
        let (mut df, mut dg) = (vec![0.0; count], vec![0.0; count]);
        for i in 1..count {
            let (out, comes) = (centred[i - 1], centred[i + window - 1]);
            df[i] = (comes - out) / 2.0;
            dg[i] = comes - means[i] + out - means[i - 1];
        }
        Self {
            count,
            df,
            dg,
            inverse,
            constant,
            centred,
        }
    }
}

/// Sum of products of the first window and that at `place`, around their means.
fn first(values: &[f64], window: usize, place: usize) -> f64 {
    let (a, b) = (&values[..window], &values[place..place + window]);
    let size = window as f64;
    let (of_a, of_b) = (a.iter().sum::<f64>() / size, b.iter().sum::<f64>() / size);
    a.iter().zip(b).map(|(x, y)| (x - of_a) * (y - of_b)).sum()
}

/// The covariances of the next row from those of the row before, one step along each diagonal.
#[inline(never)]
fn advance(covariance: &mut [f64], df: &[f64], dg: &[f64], own_df: f64, own_dg: f64) {
    for ((slot, df), dg) in covariance.iter_mut().zip(df).zip(dg) {
        *slot += own_df * dg + df * own_dg;
    }
}

/// The highest correlation of a row; those of the columns are raised to it.
#[inline(never)]
fn compare(covariance: &[f64], inverse: &[f64], own: f64, best: &mut [f64]) -> f64 {
    let cells = covariance.len();
    let (inverse, best) = (&inverse[..cells], &mut best[..cells]);
    let mut highest = [f64::NEG_INFINITY; LANES];
    let chunks = covariance
        .chunks_exact(LANES)
        .zip(inverse.chunks_exact(LANES))
        .zip(best.chunks_exact_mut(LANES));
    for ((covariance, inverse), best) in chunks {
        for lane in 0..LANES {
            let r = covariance[lane] * inverse[lane] * own;
            best[lane] = if r > best[lane] { r } else { best[lane] };
            highest[lane] = if r > highest[lane] { r } else { highest[lane] };
        }
    }
    let done = cells - cells % LANES;
    let mut top = highest.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for place in done..cells {
        let r = covariance[place] * inverse[place] * own;
        if r > best[place] {
            best[place] = r;
        }
        if r > top {
            top = r;
        }
    }
    top
}

/// What the constant windows are to themselves and to the others.
fn with_constants(best: &mut [f64], constant: &[bool], inverse: &[f64], zone: usize) {
    let (Some(first), Some(last)) = (
        constant.iter().position(|c| *c),
        constant.iter().rposition(|c| *c),
    ) else {
        return;
    };
    // Windows that are neither constant nor have a gap.
    let known: Vec<bool> = inverse.iter().map(|i| i.is_finite()).collect();
    let others = (known.iter().position(|k| *k), known.iter().rposition(|k| *k));
    for (i, r) in best.iter_mut().enumerate() {
        let away = |place: usize| place.abs_diff(i) >= zone;
        if constant[i] {
            let other = others.0.is_some_and(away) || others.1.is_some_and(away);
            if away(first) || away(last) {
                *r = 1.0;
            } else if other {
                *r = HALF;
            }
        } else if known[i] && (away(first) || away(last)) {
            *r = r.max(HALF);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;
    use proptest::prelude::*;

    /// By the definition.
    fn plain(values: &[f64], window: usize) -> Vec<f64> {
        let zone = window.div_ceil(4);
        let normal: Vec<Option<(Vec<f64>, bool)>> = values
            .windows(window)
            .map(|part| {
                let n = window as f64;
                let mean = part.iter().sum::<f64>() / n;
                let sd = (part.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
                part.iter().all(|y| y.is_finite()).then(|| {
                    let flat = sd < 1e-9;
                    (
                        part.iter()
                            .map(|y| if flat { 0.0 } else { (y - mean) / sd })
                            .collect(),
                        flat,
                    )
                })
            })
            .collect();
        (0..normal.len())
            .map(|i| {
                let mut least = f64::NAN;
                for j in (0..normal.len()).filter(|j| j.abs_diff(i) >= zone) {
                    let (Some((a, fa)), Some((b, fb))) = (&normal[i], &normal[j]) else {
                        continue;
                    };
                    let d = if *fa && *fb {
                        0.0
                    } else {
                        a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
                    };
                    least = least.min(d);
                }
                least
            })
            .collect()
    }

    proptest! {
        #[test]
        fn distances_are_those_of_the_definition(
            values in prop::collection::vec(prop_oneof![9 => (-50..50_i32).prop_map(f64::from), 1 => Just(f64::NAN)], 20..90),
            flat in prop::option::of(0..60_usize), window in 3..12_usize,
        ) {
            let mut values = values;
            if let Some(from) = flat.filter(|from| from + 15 < values.len()) {
                values[from..from + 15].fill(3.0);
            }
            let found = matrix_profile(&values, window, &mut || false).unwrap();
            for (found, plain) in found.iter().zip(plain(&values, window)) {
                let same = if plain.is_nan() { found.is_nan() } else { (found - plain).abs() <= 1e-5 };
                prop_assert!(same, "{found} {plain}");
            }
        }
    }

    #[test]
    fn tiles_fit_together() {
        let mut random = Random::new(9);
        let values: Vec<f64> = (0..2700)
            .map(|t| 1e6 + (f64::from(t) / 7.0).sin() + random.normal())
            .collect();
        let found = matrix_profile(&values, 20, &mut || false).unwrap();
        let plain = plain(&values, 20);
        for i in (0..found.len()).step_by(97) {
            assert!(
                (found[i] - plain[i]).abs() < 1e-5,
                "{i} {} {}",
                found[i],
                plain[i]
            );
        }
    }

    #[test]
    fn nothing_to_compare_with() {
        assert!(matches!(
            matrix_profile(&[1.0; 9], 9, &mut || false),
            Err(Error::Window { .. })
        ));
        assert!(matches!(
            matrix_profile(&[1.0; 9], 2, &mut || false),
            Err(Error::Window { .. })
        ));
        assert!(
            matrix_profile(&[f64::NAN; 9], 4, &mut || false)
                .unwrap()
                .iter()
                .all(|d| d.is_nan())
        );
        assert_eq!(matrix_profile(&[1.0; 9], 4, &mut || false).unwrap(), [0.0; 6]);
    }
}
