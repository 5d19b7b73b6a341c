//! Sharp jumps of a level that may also drift.

use super::cost::{Change, Cost};
use super::pelt;
use crate::Error;
use crate::noise::Noise;
use crate::robust::median;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// A segment between jumps is at least this long: what is shorter is an event, and its points are anomalies of their own.
const LEAST: usize = 16;
/// Values on each side that a jump is tested on.
const SIDE: usize = 120;
/// Values that are searched; a longer series is searched by means of blocks first.
const MOST: usize = 4_000;

/// A jump of the level, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Jump {
    /// Place of the first value on the new level.
    pub(crate) place: usize,
    /// Levels just before and just after.
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// Probability that noise alone looks like that here.
    pub(crate) probability: f64,
}

/// The jumps of `values`, of which those that are not finite are gaps.
///
/// Candidates are the changes of the mean that PELT finds. One counts if a line with a step there fits the values around it
/// better than a line by the penalty of PELT, `3 ln n`; so a slope, which PELT approximates by steps, has no jumps.
pub(crate) fn jumps(values: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Vec<Jump>, Error> {
    let places: Vec<usize> = (0..values.len()).filter(|t| values[*t].is_finite()).collect();
    let known: Vec<f64> = places.iter().map(|t| values[*t]).collect();
    let n = known.len();
    let noise = Noise::of(&known);
    if n < 2 * LEAST || noise.sigma.is_nan() || noise.sigma <= 0.0 {
        return Ok(Vec::new());
    }
    let middle = median(&mut known.clone()).unwrap_or(0.0);
    let standard: Vec<f64> = known.iter().map(|y| (y - middle) / noise.long_run).collect();
    let penalty = 3.0 * (n as f64).ln();
    let block = n.div_ceil(MOST);
    let candidates = if block == 1 {
        pelt::pelt(&Cost::new(&standard, Change::Mean, 1.0), penalty, LEAST, poll)?
    } else {
        let root = (block as f64).sqrt();
        let means: Vec<f64> = standard
            .chunks(block)
            .map(|values| values.iter().sum::<f64>() / values.len() as f64 * root)
            .collect();
        let coarse = pelt::pelt(
            &Cost::new(&means, Change::Mean, 1.0),
            penalty,
            LEAST.div_ceil(block),
            poll,
        )?;
        let fine = Cost::new(&standard, Change::Mean, 1.0);
        coarse
            .iter()
            .filter_map(|place| {
                let centre = place * block;
                let (from, to) = (
                    centre.saturating_sub(SIDE + block),
                    (centre + SIDE + block).min(n),
                );
                let whole = fine.of(from, to);
                (from + LEAST..to.saturating_sub(LEAST))
                    .map(|at| (at, whole - fine.of(from, at) - fine.of(at, to)))
                    .max_by(|a, b| a.1.total_cmp(&b.1))
                    .map(|(at, _)| at)
            })
            .collect()
    };
    let chi = ChiSquared::new(1.0);
    let mut found: Vec<Jump> = Vec::new();
    for (index, place) in candidates.iter().enumerate() {
        // The neighbours that were no jumps do not bound what the jump is tested on.
        let start = found
            .last()
            .map_or(0, |jump| places.partition_point(|t| *t < jump.place));
        let end = candidates.get(index + 1).copied().unwrap_or(n);
        let (from, to) = (start.max(place.saturating_sub(SIDE)), end.min(place + SIDE));
        if let Some((gain, before, after)) = step_on_a_line(&standard[from..to], place - from)
            && gain > penalty
        {
            found.push(Jump {
                place: places[*place],
                before: middle + noise.long_run * before,
                after: middle + noise.long_run * after,
                probability: chi.as_ref().map_or(1.0, |chi| chi.sf(gain)),
            });
        }
    }
    Ok(found)
}

/// What a step at `place` gains in squared error over a line, and the levels on both sides of it.
fn step_on_a_line(values: &[f64], place: usize) -> Option<(f64, f64, f64)> {
    let n = values.len() as f64;
    if place < 3 || place + 3 > values.len() {
        return None;
    }
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let mean_s = (values.len() - place) as f64 / n;
    let (mut xx, mut xs, mut ss, mut xy, mut sy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (t, value) in values.iter().enumerate() {
        let x = t as f64 - mean_x;
        let s = f64::from(u8::from(t >= place)) - mean_s;
        let y = value - mean_y;
        xx += x * x;
        xs += x * s;
        ss += s * s;
        xy += x * y;
        sy += s * y;
    }
    // The step without what of it is a line.
    let left = ss - xs * xs / xx;
    let product = sy - xs * xy / xx;
    if left <= 1e-9 {
        return None;
    }
    let step = product / left;
    let slope = (xy - step * xs) / xx;
    let at = |s: f64| mean_y + slope * (place as f64 - 0.5 - mean_x) + step * (s - mean_s);
    Some((product * step, at(0.0), at(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;

    #[test]
    fn a_jump_is_found_on_a_slope_and_a_slope_has_none() {
        let mut random = Random::new(2);
        let mut values: Vec<f64> = (0..800).map(|t| 0.05 * f64::from(t) + random.normal()).collect();
        assert_eq!(jumps(&values, &mut || false).unwrap(), []);
        for value in &mut values[500..] {
            *value += 4.0;
        }
        let found = jumps(&values, &mut || false).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].place.abs_diff(500) <= 1 && found[0].probability < 1e-6);
        assert!((found[0].after - found[0].before - 4.0).abs() < 1.0);
    }

    #[test]
    fn a_long_series_is_searched_by_blocks() {
        let mut random = Random::new(3);
        let values: Vec<f64> = (0..150_000)
            .map(|t| random.normal() + if t >= 70_001 { 4.0 } else { 0.0 })
            .collect();
        let found = jumps(&values, &mut || false).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].place.abs_diff(70_001) <= 1);
    }
}
