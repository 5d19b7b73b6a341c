//! Where a trend changes its slope.

use crate::Error;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Blocks that a stretch is divided into, one division after the other.
const DIVISIONS: [usize; 3] = [16, 32, 64];
/// A stretch that is searched has at least this many values, and a block this many.
const LEAST: usize = 64;
const BLOCK: usize = 4;
/// Steps from block to block on each side of a change.
const SIDE: usize = 4;
/// Places that a bend is looked for at, in each of the narrowing rounds.
const GRID: usize = 16;

/// A change of slope, in the unit of the series per step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bend {
    /// Place of the first value that leaves the old line.
    pub(crate) place: usize,
    /// Slopes before and after.
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// Probability that noise, or a level that wanders, looks like that somewhere here.
    pub(crate) probability: f64,
}

/// The bends of `values`, of which those that are not finite are gaps, in the order of time.
///
/// A slope is the mean step from block to block, and a bend a change of that mean, judged by Student's t. The steps of a level that
/// wanders at random are independent of each other, so for it the test is exact; those of noise around a line cancel each other, so for
/// that it is careful; where steps remember their predecessors, it is made as much harder. What bends least likely by chance is
/// split there, and the parts are searched in turn. A bend counts if the lines part by at least `least` within the shorter
/// part.
pub(crate) fn bends(
    values: &[f64],
    season: usize,
    least: f64,
    threshold: f64,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Bend>, Error> {
    let mut found = Vec::new();
    let mut stretches = vec![(0, values.len())];
    while let Some((from, to)) = stretches.pop() {
        if poll() {
            return Err(Error::Canceled);
        }
        let Some(bend) = bend(&values[from..to], season, threshold) else {
            continue;
        };
        let shorter = bend.place.min(to - from - bend.place) as f64;
        if (bend.after - bend.before).abs() * shorter < least {
            continue;
        }
        let place = from + bend.place;
        found.push(Bend { place, ..bend });
        stretches.extend([(from, place), (place, to)]);
    }
    found.sort_by_key(|bend| bend.place);
    Ok(found)
}

/// The bend of a stretch, or of a half or the middle half of it, that is the least likely by chance, if that is rarer than the
/// threshold: of two bends that undo each other, a half shows one.
fn bend(values: &[f64], season: usize, threshold: f64) -> Option<Bend> {
    let n = values.len();
    let quarter = n / 4;
    let windows = [
        (0, n),
        (0, 2 * quarter),
        (quarter, 3 * quarter),
        (n - 2 * quarter, n),
    ];
    let mut tests = 0;
    let mut best: Option<(f64, usize, usize, usize, usize)> = None;
    for (from, to) in windows.into_iter().filter(|(from, to)| to - from >= LEAST) {
        let window = &values[from..to];
        for blocks in DIVISIONS {
            let size = window.len() / blocks;
            if size < BLOCK.max(season) {
                continue;
            }
            tests += blocks - 2 * SIDE;
            if let Some((at, probability)) = split(&steps(window, size))
                && best.is_none_or(|(least, ..)| probability < least)
            {
                // Step k leads from block k to block k + 1.
                let place = ((at as f64 + 0.5) * size as f64) as usize;
                best = Some((probability, from, to, place, size));
            }
        }
    }
    let (probability, from, to, place, size) = best?;
    let probability = probability * tests as f64;
    if probability >= threshold {
        return None;
    }
    let (place, before, after) = hinge(&values[from..to], place, 2 * size)?;
    Some(Bend {
        place: from + place,
        before,
        after,
        probability,
    })
}

/// The steps between the means of neighbouring blocks; `NaN` beside a block without a value.
fn steps(values: &[f64], size: usize) -> Vec<f64> {
    let means: Vec<f64> = values
        .chunks_exact(size)
        .map(|block| {
            let known = block.iter().filter(|y| y.is_finite());
            let (sum, count) = known.fold((0.0, 0.0), |(sum, count), y| (sum + y, count + 1.0));
            sum / count
        })
        .collect();
    means.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Where the mean of the steps changes most, and how likely that is by chance at that place.
fn split(steps: &[f64]) -> Option<(usize, f64)> {
    let known = |from: usize, to: usize| {
        let own: Vec<f64> = steps[from..to]
            .iter()
            .copied()
            .filter(|s| s.is_finite())
            .collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let squares = own.iter().map(|s| (s - mean).powi(2)).sum::<f64>();
        (own.len() as f64, mean, squares)
    };
    let n = steps.len();
    (SIDE..=n.checked_sub(SIDE)?)
        .filter_map(|at| {
            let ((m, before, left), (k, after, right)) = (known(0, at), known(at, n));
            if m < SIDE as f64 || k < SIDE as f64 {
                return None;
            }
            let freedom = m + k - 2.0;
            let memory = memory(steps, at, before, after);
            let variance = (left + right) / freedom * (1.0 + memory) / (1.0 - memory);
            let t = (after - before).abs() / (variance * (1.0 / m + 1.0 / k)).sqrt();
            // Two lines without any noise: nothing is left to chance.
            let probability = if t.is_nan() {
                1.0
            } else {
                2.0 * StudentsT::new(0.0, 1.0, freedom).ok()?.sf(t)
            };
            Some((at, probability))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// How much a step remembers the one before: the autocorrelation around both means, not below 0.
fn memory(steps: &[f64], at: usize, before: f64, after: f64) -> f64 {
    let off = |k: usize| steps[k] - if k < at { before } else { after };
    let (mut products, mut squares) = (0.0, 0.0);
    for k in 1..steps.len() {
        if off(k).is_finite() && off(k - 1).is_finite() {
            products += off(k) * off(k - 1);
            squares += (off(k).powi(2) + off(k - 1).powi(2)) / 2.0;
        }
    }
    if squares > 0.0 {
        (products / squares).clamp(0.0, 0.95)
    } else {
        0.0
    }
}

/// The place within `reach` of `near` where two lines that meet there fit best, and their slopes.
fn hinge(values: &[f64], near: usize, reach: usize) -> Option<(usize, f64, f64)> {
    let n = values.len();
    let (mut from, mut to) = (near.saturating_sub(reach).max(2), (near + reach).min(n - 3));
    loop {
        let stride = (to.checked_sub(from)? / GRID).max(1);
        let best = (from..=to)
            .step_by(stride)
            .filter_map(|place| {
                meeting(values, place).map(|(error, before, after)| (error, place, before, after))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        if stride == 1 {
            return Some((best.1 + 1, best.2, best.3));
        }
        (from, to) = (best.1.saturating_sub(stride).max(2), (best.1 + stride).min(n - 3));
    }
}

/// Two lines that meet at `place`, by least squares: the squared error and the slopes.
fn meeting(values: &[f64], place: usize) -> Option<(f64, f64, f64)> {
    // Columns 1, x before the place and x after it, both counted from the place, in units of the length.
    let unit = values.len() as f64;
    let (mut normal, mut product, mut squares) = ([[0.0; 3]; 3], [0.0; 3], 0.0);
    let base = values.iter().copied().find(|y| y.is_finite())?;
    for (t, value) in values.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        let x = (t as f64 - place as f64) / unit;
        let row = [1.0, x.min(0.0), x.max(0.0)];
        let y = value - base;
        for i in 0..3 {
            for j in 0..3 {
                normal[i][j] += row[i] * row[j];
            }
            product[i] += row[i] * y;
        }
        squares += y * y;
    }
    let solution = solve(normal, product)?;
    let fitted: f64 = solution.iter().zip(&product).map(|(b, p)| b * p).sum();
    Some((squares - fitted, solution[1] / unit, solution[2] / unit))
}

/// Solves a symmetric positive definite system of three by Cholesky's decomposition.
fn solve(a: [[f64; 3]; 3], b: [f64; 3]) -> Option<[f64; 3]> {
    let mut l = [[0.0; 3]; 3];
    for i in 0..3 {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| l[i][k] * l[j][k]).sum::<f64>();
            l[i][j] = if i == j {
                (sum > 1e-12 * a[i][i]).then(|| sum.sqrt())?
            } else {
                sum / l[j][j]
            };
        }
    }
    let mut z = [0.0; 3];
    for i in 0..3 {
        z[i] = (b[i] - (0..i).map(|k| l[i][k] * z[k]).sum::<f64>()) / l[i][i];
    }
    let mut x = [0.0; 3];
    for i in (0..3).rev() {
        x[i] = (z[i] - (i + 1..3).map(|k| l[k][i] * x[k]).sum::<f64>()) / l[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;

    fn of(values: &[f64], least: f64) -> Vec<Bend> {
        bends(values, 1, least, 0.001, &mut || false).unwrap()
    }

    #[test]
    fn a_change_of_slope_is_found_where_it_is() {
        let mut random = Random::new(1);
        let values: Vec<f64> = (0..600)
            .map(|t| {
                1e6 + 0.02 * f64::from(t.min(350)) + 0.15 * f64::from((t - 350).max(0)) + random.normal()
            })
            .collect();
        let found = of(&values, 4.0);
        assert_eq!(found.len(), 1, "{found:?}");
        let bend = found[0];
        assert!(
            bend.place.abs_diff(351) < 15 && bend.probability < 1e-3,
            "{bend:?}"
        );
        assert!(
            (bend.before - 0.02).abs() < 0.005 && (bend.after - 0.15).abs() < 0.005,
            "{bend:?}"
        );
        // The same with gaps, and two lines without noise.
        let gaps: Vec<f64> = (0..600)
            .map(|t| if t % 7 == 3 { f64::NAN } else { values[t] })
            .collect();
        assert_eq!(of(&gaps, 4.0).len(), 1);
        let exact: Vec<f64> = (0..400).map(|t| f64::from((t - 200).max(0))).collect();
        let found = of(&exact, 4.0);
        assert!(
            found
                .iter()
                .any(|bend| bend.place == 201 && (bend.after - 1.0).abs() < 1e-9),
            "{found:?}"
        );
    }

    #[test]
    fn two_changes_are_two() {
        let mut random = Random::new(2);
        let values: Vec<f64> = (0..900)
            .map(|t| 0.1 * f64::from(t.clamp(300, 600)) + random.normal())
            .collect();
        let found: Vec<usize> = of(&values, 4.0).iter().map(|bend| bend.place).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].abs_diff(300) < 20 && found[1].abs_diff(600) < 20,
            "{found:?}"
        );
    }

    #[test]
    fn lines_noise_and_levels_that_wander_have_none() {
        let mut random = Random::new(3);
        let mut wandering = 0;
        for round in 0..400 {
            let (mut level, mut memory) = (0.0, 0.0);
            let values: Vec<f64> = (0..500)
                .map(|t| {
                    level += random.normal();
                    memory = 0.8 * memory + random.normal();
                    match round % 4 {
                        0 => random.normal(),
                        1 => 0.3 * f64::from(t) + random.normal(),
                        2 => memory,
                        _ => level,
                    }
                })
                .collect();
            let found = of(&values, 4.0);
            if round % 4 == 3 {
                wandering += found.len();
            } else {
                assert_eq!(found, [], "{round}");
            }
        }
        // One in a thousand of 100 series.
        assert!(wandering <= 1, "{wandering}");
    }

    #[test]
    fn short_constant_and_empty_stretches_have_none() {
        for values in [vec![], vec![1.0; 63], vec![5.0; 500], vec![f64::NAN; 500]] {
            assert_eq!(of(&values, 0.0), []);
        }
    }
}
