//! The method `auto`: level, season and memory as the series has them, and the events that change them.

use crate::Error;
use crate::baseline::Baseline;
use crate::bend;
use crate::detect::Input;
use crate::gap;
use crate::robust::scale;
use crate::still;
use crate::verdict::{Cause, Residuals, Verdict};

/// From this autocorrelation of the distances on, a value is also judged by its two neighbours.
const MEMORY: f64 = 0.4;
/// A neighbour's distance counts up to so many standard deviations.
const CUT: f64 = 3.0;
/// A regime scatters this much more or less than the one before.
const RATIO: f64 = 1.5;
/// Share of a standard deviation below which a distance is as good as none.
const FLOOR: f64 = 0.1;
/// Standard deviations by which the lines of a trend change part at least.
const PART: f64 = 4.0;

/// 1. What is usual is a level, which may jump and drift, and a season, both estimated from the *other* values
///    ([`Baseline`]). Season, width of the level, and whether the season changes are chosen by the errors that they leave.
/// 2. Where distances from it remember their predecessors (autocorrelation from 0.4 on), what the two neighbours tell is taken
///    off: the best linear interpolation of an AR(1) process, with neighbours that are far out cut.
/// 3. Distances are divided by their scatter at the place of the season, as far as places differ by more than chance, and in the
///    regime, where the scatter changes.
/// 4. A value is a spike or a dip if its distance is rarer than the threshold. The first value after a jump is a level shift, the
///    first one of a regime a variance change, the first one on a line of another slope a trend change. Gaps and runs of equal values that are long for the series are missing data and flat
///    lines.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let Input {
        values,
        season,
        request,
        ..
    } = *input;
    let baseline = Baseline::of(values, season, true, poll)?;
    let mut expected = baseline.expected;
    let mut residuals = differences(values, &expected);
    let overall = input.unit(&mut known(&residuals));
    remember(&mut expected, &residuals, overall);
    residuals = differences(values, &expected);
    let overall = input.unit(&mut known(&residuals));
    let places = scatter(&residuals, season, overall);
    let mut unit: Vec<f64> = (0..values.len()).map(|t| places[t % season]).collect();
    let bends = bend::bends(&baseline.steady, season, PART * overall, request.threshold, poll)?;
    let regimes = regimes(&residuals, &mut unit, overall, poll)?;
    let threshold = request.threshold;
    let direction = request.direction;
    let residuals = Residuals {
        expected,
        unit,
        sided: false,
        rounding: input.rounding,
    };
    let mut verdicts = residuals.verdicts(values, threshold, direction);
    for jump in baseline
        .jumps
        .iter()
        .filter(|jump| direction.takes(jump.after - jump.before))
    {
        let levels = (jump.before, jump.after);
        if let Some(verdict) = verdicts.get_mut(jump.place) {
            verdict.flag(jump.probability, threshold, Cause::Shift { levels });
        }
    }
    for bend in bends
        .iter()
        .filter(|bend| direction.takes(bend.after - bend.before))
    {
        let slopes = (bend.before, bend.after);
        if let Some(verdict) = verdicts.get_mut(bend.place).filter(|v| !v.is_anomaly) {
            verdict.flag(bend.probability, threshold, Cause::Bend { slopes });
        }
    }
    for regime in &regimes {
        let cause = Cause::Scatter {
            deviations: regime.deviations,
        };
        if let Some(verdict) = verdicts.get_mut(regime.place).filter(|v| !v.is_anomaly) {
            verdict.flag(regime.probability, threshold, cause);
        }
    }
    gap::flag(values, season, &mut verdicts, threshold);
    still::flag(values, &mut verdicts, threshold);
    Ok(verdicts)
}

fn differences(values: &[f64], expected: &[f64]) -> Vec<f64> {
    values.iter().zip(expected).map(|(y, e)| y - e).collect()
}

fn known(residuals: &[f64]) -> Vec<f64> {
    residuals.iter().copied().filter(|r| r.is_finite()).collect()
}

/// Adds to the expected values what the distances of the two neighbours tell, where distances remember.
fn remember(expected: &mut [f64], residuals: &[f64], unit: f64) {
    let reach = CUT * unit;
    let cut: Vec<f64> = residuals.iter().map(|r| r.clamp(-reach, reach)).collect();
    let (mut products, mut squares, mut count) = (0.0, 0.0, 0.0);
    for pair in cut
        .windows(2)
        .filter(|pair| pair[0].is_finite() && pair[1].is_finite())
    {
        products += pair[0] * pair[1];
        squares += (pair[0] * pair[0] + pair[1] * pair[1]) / 2.0;
        count += 1.0;
    }
    let phi: f64 = if squares > 0.0 { products / squares } else { 0.0 };
    // Two standard errors: few values show no memory.
    if phi < MEMORY + 2.0 / f64::max(count, 1.0).sqrt() {
        return;
    }
    let at = |t: Option<usize>| t.and_then(|t| cut.get(t)).copied().filter(|r| r.is_finite());
    for (t, slot) in expected.iter_mut().enumerate() {
        *slot += match (at(t.checked_sub(1)), at(Some(t + 1))) {
            (Some(before), Some(after)) => phi / (1.0 + phi * phi) * (before + after),
            (Some(one), None) | (None, Some(one)) => phi * one,
            (None, None) => 0.0,
        };
    }
}

/// The scatter at each place of the season: drawn towards that of all as far as places differ no more than chance has it
/// (empirical Bayes on the logarithms; Efron & Morris 1975, *Journal of the American Statistical Association* 70:311-319).
fn scatter(residuals: &[f64], season: usize, overall: f64) -> Vec<f64> {
    /// Variance of the logarithm of the mean size of one normal value, cut as here.
    const ONE: f64 = 0.55;
    /// Places with fewer values say nothing.
    const FEW: usize = 4;
    if season < 2 || overall <= 0.0 {
        return vec![overall; season];
    }
    let reach = CUT * overall;
    let mut sums = vec![(0.0, 0_usize); season];
    for (t, residual) in residuals.iter().enumerate().filter(|(_, r)| r.is_finite()) {
        let (sum, count) = &mut sums[t % season];
        *sum += residual.abs().min(reach);
        *count += 1;
    }
    let logs: Vec<Option<f64>> = sums
        .iter()
        .map(|(sum, count)| (*count >= FEW && *sum > 0.0).then(|| (sum / *count as f64).ln()))
        .collect();
    let seen: Vec<f64> = logs.iter().flatten().copied().collect();
    if seen.len() < 2 {
        return vec![overall; season];
    }
    let mean = seen.iter().sum::<f64>() / seen.len() as f64;
    let variance = seen.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (seen.len() - 1) as f64;
    let by_chance = sums
        .iter()
        .filter(|(_, count)| *count >= FEW)
        .map(|(_, count)| ONE / *count as f64)
        .sum::<f64>()
        / seen.len() as f64;
    let share = (1.0 - by_chance / variance.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    logs.iter()
        .map(|log| overall * log.map_or(1.0, |log| (share * (log - mean)).exp().clamp(0.05, 20.0)))
        .collect()
}

/// The start of a stretch that scatters more or less than the one before.
struct Regime {
    place: usize,
    deviations: (f64, f64),
    probability: f64,
}

/// Finds the regimes, and takes their scatter into the units.
fn regimes(
    residuals: &[f64],
    unit: &mut [f64],
    overall: f64,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Regime>, Error> {
    if overall <= 0.0 {
        return Ok(Vec::new());
    }
    // Logarithms of sizes: a change of the scatter is a change of their level, and one wild value is little more than another.
    let logs: Vec<f64> = residuals
        .iter()
        .zip(unit.iter())
        .map(|(r, u)| (r / u).hypot(FLOOR).ln())
        .collect();
    let jumps = crate::changepoint::jumps(&logs, poll)?;
    let mut bounds = vec![0];
    bounds.extend(jumps.iter().map(|j| j.place));
    bounds.push(residuals.len());
    let of = |from: usize, to: usize| {
        let mut own: Vec<f64> = (from..to)
            .map(|t| residuals[t] / unit[t])
            .filter(|r| r.is_finite())
            .collect();
        scale(&mut own)
    };
    let mut kept: Vec<(usize, f64, f64)> = Vec::new();
    let mut start = 0;
    let mut before = of(0, bounds[1]);
    let mut stretches = vec![(0, before)];
    for (index, jump) in jumps.iter().enumerate() {
        let after = of(jump.place, bounds[index + 2]);
        let ratio = after / before;
        if before > 0.0 && after > 0.0 && !(1.0 / RATIO..=RATIO).contains(&ratio) {
            kept.push((jump.place, before, after));
            stretches.push((jump.place, after));
            start = jump.place;
            before = after;
        } else {
            // The stretch goes on.
            before = of(start, bounds[index + 2]);
            if let Some(last) = stretches.last_mut() {
                last.1 = before;
            }
        }
    }
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let found = kept
        .iter()
        .map(|(place, before, after)| Regime {
            place: *place,
            deviations: (before * unit[*place], after * unit[*place]),
            probability: jumps
                .iter()
                .find(|j| j.place == *place)
                .map_or(1.0, |j| j.probability),
        })
        .collect();
    for (index, (from, own)) in stretches.iter().enumerate() {
        let to = stretches.get(index + 1).map_or(unit.len(), |next| next.0);
        for slot in &mut unit[*from..to] {
            *slot *= own;
        }
    }
    Ok(found)
}
