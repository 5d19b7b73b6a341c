//! Spectral residual: what stands out from the spectrum of its surroundings.

use crate::Error;
use crate::detect::Input;
use crate::location::{adjusted, interpolated};
use crate::verdict::{Cause, Verdict, by_rarity};
use realfft::RealFftPlanner;

/// Values that are transformed at once.
const BLOCK: usize = 2048;
const LEAST: usize = 32;
/// Frequencies on each side that the spectrum is averaged over, and values before a point that its saliency is compared with.
const NEAR: usize = 1;
const BEFORE: usize = 21;
/// Values on each side that an expected value is the mean of.
const SIDE: usize = 5;
/// Spectra below this share of the largest are rounding.
const ROUNDING: f64 = 1e-14;

/// Saliency by the spectral residual (Ren, Xu, Wang, Yi, Huang, Kou, Xing, Yang, Tong & Zhang 2019, *Time-Series Anomaly Detection
/// Service at Microsoft*, KDD; Hou & Zhang 2007, *CVPR*): the logarithm of the spectrum less its local mean, transformed back with the
/// phases, relative to its mean over the 21 points before. Side is that of the value on the mean of its neighbours, which is the expected
/// value; there is no band. The median course of the season is taken out first; gaps are
/// bridged.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let values = input.values;
    let n = values.len();
    let block = input
        .request
        .options
        .window(BLOCK, LEAST, 1 << 20)?
        .next_power_of_two();
    let (left, course) = adjusted(values, input.season);
    let filled = interpolated(&left);
    let mut map = saliency(&filled, block, poll)?;
    // Relative to what comes before, as the first points are to what comes first.
    let mut sums = Vec::with_capacity(n + 1);
    sums.push(0.0);
    let mut sum = 0.0;
    for s in &map {
        sum += s;
        sums.push(sum);
    }
    let whole = sum / n.max(1) as f64;
    let mut expected = neighbours(&filled);
    for (slot, course) in expected.iter_mut().zip(&course) {
        *slot += course;
    }
    for (t, slot) in map.iter_mut().enumerate() {
        let from = t.saturating_sub(BEFORE).min(n.saturating_sub(BEFORE));
        let to = (from + BEFORE).min(n);
        let mean = (sums[to] - sums[from]) / (to - from) as f64;
        let relative = if whole > 0.0 {
            (*slot - mean) / mean.max(1e-3 * whole)
        } else {
            0.0
        };
        // A value that differs by rounding stands out from nothing.
        let off = (values[t] - expected[t]).abs();
        *slot = if off <= input.rounding { 0.0 } else { relative };
    }
    if poll() {
        return Err(Error::Canceled);
    }
    Ok(by_rarity(values, &map, &expected, input.request, Cause::Saliency))
}

/// The mean of the neighbours of each value, without itself.
fn neighbours(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let base = values.first().copied().unwrap_or(0.0);
    let mut sum: f64 = values.iter().take(SIDE).map(|y| y - base).sum();
    let mut count = SIDE.min(n) as f64;
    let mut means = Vec::with_capacity(n);
    for t in 0..n {
        if t + SIDE < n {
            sum += values[t + SIDE] - base;
            count += 1.0;
        }
        if t > SIDE {
            sum -= values[t - SIDE - 1] - base;
            count -= 1.0;
        }
        let own = values[t] - base;
        means.push(if count > 1.0 {
            base + (sum - own) / (count - 1.0)
        } else {
            values[t]
        });
    }
    means
}

/// The saliency map. Blocks overlap by half, and each gives its middle; the ends are mirrored.
fn saliency(values: &[f64], block: usize, poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Error> {
    let n = values.len();
    let block = block.min((2 * n).next_power_of_two()).max(LEAST);
    let margin = block / 4;
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(block);
    let backward = planner.plan_fft_inverse(block);
    let (mut real, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let mut scratch = forward.make_scratch_vec();
    let mut back_scratch = backward.make_scratch_vec();
    let mut logs = vec![0.0; spectrum.len()];
    let mut map = Vec::with_capacity(n);
    let failed = |_| Error::Overflow { largest: f64::NAN };
    let mirrored = |place: i64| {
        let period = 2 * (n as i64 - 1).max(1);
        let folded = place.rem_euclid(period);
        values[folded.min(period - folded).min(n as i64 - 1) as usize]
    };
    let mut start = 0;
    while start < n {
        if poll() {
            return Err(Error::Canceled);
        }
        let first = start as i64 - margin as i64;
        if start >= margin && start - margin + block <= n {
            real.copy_from_slice(&values[start - margin..start - margin + block]);
        } else {
            for (k, slot) in real.iter_mut().enumerate() {
                *slot = mirrored(first + k as i64);
            }
        }
        let mean = real.iter().sum::<f64>() / block as f64;
        for slot in &mut real {
            *slot -= mean;
        }
        forward
            .process_with_scratch(&mut real, &mut spectrum, &mut scratch)
            .map_err(failed)?;
        let mut largest = 0.0_f64;
        for (log, bin) in logs.iter_mut().zip(&spectrum) {
            *log = bin.norm_sqr();
            largest = largest.max(*log);
        }
        if largest > 0.0 {
            for log in &mut logs {
                *log = 0.5 * log.max(ROUNDING * largest).ln();
            }
            // The mean was taken out, and says nothing of its neighbours.
            logs[0] = logs[1];
            let last = logs.len() - 1;
            for (k, bin) in spectrum.iter_mut().enumerate() {
                let near = &logs[k.saturating_sub(NEAR)..=(k + NEAR).min(last)];
                let mean = near.iter().sum::<f64>() / near.len() as f64;
                *bin *= (-mean).exp();
            }
        }
        // The transform of a real series has no imaginary part at both ends.
        if let Some(bin) = spectrum.first_mut() {
            (bin.re, bin.im) = (0.0, 0.0);
        }
        if let Some(bin) = spectrum.last_mut() {
            bin.im = 0.0;
        }
        backward
            .process_with_scratch(&mut spectrum, &mut real, &mut back_scratch)
            .map_err(failed)?;
        let count = (block / 2).min(n - start);
        map.extend(real[margin..margin + count].iter().map(|y| y.abs()));
        start += count;
    }
    Ok(map)
}
