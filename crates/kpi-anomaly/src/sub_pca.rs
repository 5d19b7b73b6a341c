//! Subsequence principal component analysis.

use crate::Error;
use crate::detect::Input;
use crate::location::interpolated;
use crate::robust::{median, scale};
use crate::verdict::Verdict;

/// Steps in a window without a season, and at least; at most, as time grows with the cube.
const WINDOW: usize = 24;
const LEAST: usize = 4;
const MOST: usize = 200;
/// Values further out than so many robust standard deviations are cut before the components are found.
const CUT: f64 = 3.0;
/// Windows that the covariances are made of.
const SAMPLE: usize = 20_000;
/// Rounds of rotations, and the share of the largest eigenvalue below which what is left counts as nothing.
const ROUNDS: usize = 30;
const ROUNDING: f64 = 1e-13;

/// Each value's distance from what the principal components of the windows around it make of it: all windows of so many steps, one
/// season by default, are projected to the components that stand out of noise, and a point is expected to be the mean of what they make
/// of it (Golyandina & Zhigljavsky 2013, *Singular Spectrum Analysis for Time Series*; Paparrizos, Kang, Boniol, Tsay, Palpanas & Franklin
/// 2022, *TSB-UAD*, PVLDB 15). Components stand out if their eigenvalue is above what noise alone would have (Marchenko &
/// Pastur 1967), or are as many as the option `components` says.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let n = input.values.len();
    let usual = if input.season >= LEAST {
        input.season
    } else {
        WINDOW
    };
    let window = input
        .request
        .options
        .window(usual.min(n / 4), LEAST, MOST.min(n / 2))?;
    let filled = interpolated(input.values);
    let middle = median(&mut filled.clone()).unwrap_or(0.0);
    let mut around: Vec<f64> = filled.iter().map(|y| y - middle).collect();
    let unit = scale(&mut around);
    if unit <= 0.0 {
        return input.judge(vec![middle; n], false);
    }
    let cut: Vec<f64> = filled
        .iter()
        .map(|y| ((y - middle) / unit).clamp(-CUT, CUT))
        .collect();
    let (means, covariance) = covariances(&cut, window, poll)?;
    let windows = n - window + 1;
    let (values, vectors) = eigen(covariance, poll)?;
    let kept = match input.request.options.components {
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX).min(window),
        None => standing_out(&values, windows),
    };
    let mut sums = vec![0.0; n];
    let mut part = vec![0.0; window];
    for start in 0..windows {
        if start % 1024 == 0 && poll() {
            return Err(Error::Canceled);
        }
        part.copy_from_slice(&means);
        for vector in &vectors[..kept] {
            let weight: f64 = cut[start..start + window]
                .iter()
                .zip(&means)
                .zip(vector)
                .map(|((y, m), v)| (y - m) * v)
                .sum();
            for (slot, v) in part.iter_mut().zip(vector) {
                *slot += weight * v;
            }
        }
        for (sum, value) in sums[start..].iter_mut().zip(&part) {
            *sum += value;
        }
    }
    let expected = sums
        .iter()
        .enumerate()
        .map(|(t, sum)| {
            let covering = window.min(t + 1).min(n - t).min(windows);
            middle + unit * sum / covering as f64
        })
        .collect();
    input.judge(expected, false)
}

/// Means and covariances of the places of a window.
fn covariances(
    values: &[f64],
    window: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Vec<Vec<f64>>), Error> {
    let windows = values.len() - window + 1;
    let stride = windows.div_ceil(SAMPLE);
    let mut means = vec![0.0; window];
    let mut count = 0.0;
    for start in (0..windows).step_by(stride) {
        count += 1.0;
        for (mean, value) in means.iter_mut().zip(&values[start..]) {
            *mean += value;
        }
    }
    means.iter_mut().for_each(|mean| *mean /= count);
    let mut matrix = vec![vec![0.0; window]; window];
    let mut part = vec![0.0; window];
    for (index, start) in (0..windows).step_by(stride).enumerate() {
        if index % 256 == 0 && poll() {
            return Err(Error::Canceled);
        }
        for ((slot, value), mean) in part.iter_mut().zip(&values[start..]).zip(&means) {
            *slot = value - mean;
        }
        for (i, row) in matrix.iter_mut().enumerate() {
            let own = part[i];
            for (slot, value) in row[i..].iter_mut().zip(&part[i..]) {
                *slot += own * value / count;
            }
        }
    }
    for i in 1..window {
        let (above, from) = matrix.split_at_mut(i);
        for (slot, row) in from[0].iter_mut().zip(above) {
            *slot = row[i];
        }
    }
    Ok((means, matrix))
}

/// Eigenvalues, the largest first, and eigenvectors of a symmetric matrix, by Jacobi's rotations (1846).
fn eigen(
    mut matrix: Vec<Vec<f64>>,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Vec<Vec<f64>>), Error> {
    let n = matrix.len();
    let mut vectors: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect())
        .collect();
    for _ in 0..ROUNDS {
        let off: f64 = (0..n)
            .map(|i| matrix[i][i + 1..].iter().map(|x| x * x).sum::<f64>())
            .sum();
        let diagonal: f64 = (0..n).map(|i| matrix[i][i] * matrix[i][i]).sum();
        if off <= ROUNDING * ROUNDING * diagonal {
            break;
        }
        for p in 0..n {
            if poll() {
                return Err(Error::Canceled);
            }
            for q in p + 1..n {
                let apq = matrix[p][q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut matrix {
                    let (a, b) = (row[p], row[q]);
                    row[p] = c * a - s * b;
                    row[q] = s * a + c * b;
                }
                let (low, high) = matrix.split_at_mut(q);
                for (a, b) in low[p].iter_mut().zip(high[0].iter_mut()) {
                    (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
                }
                let (low, high) = vectors.split_at_mut(q);
                for (a, b) in low[p].iter_mut().zip(high[0].iter_mut()) {
                    (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| matrix[*b][*b].total_cmp(&matrix[*a][*a]));
    Ok((
        order.iter().map(|i| matrix[*i][*i]).collect(),
        order.iter().map(|i| vectors[*i].clone()).collect(),
    ))
}

/// How many of the eigenvalues are larger than noise would have them; half of them at most.
fn standing_out(values: &[f64], windows: usize) -> usize {
    // The scatter of the noise is that of the smaller half.
    let noise = values[values.len() / 2..].iter().sum::<f64>() / (values.len() - values.len() / 2) as f64;
    let edge = noise.max(0.0) * (1.0 + (values.len() as f64 / windows as f64).sqrt()).powi(2) * 1.5;
    let most = values.len() / 2;
    values
        .iter()
        .take(most)
        .take_while(|value| **value > edge)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_a_small_matrix() {
        let matrix = vec![vec![2.0, 1.0, 0.0], vec![1.0, 2.0, 1.0], vec![0.0, 1.0, 2.0]];
        let (values, vectors) = eigen(matrix.clone(), &mut || false).unwrap();
        // 2 + sqrt(2), 2 and 2 - sqrt(2).
        for (found, value) in values
            .iter()
            .zip([2.0 + 2.0_f64.sqrt(), 2.0, 2.0 - 2.0_f64.sqrt()])
        {
            assert!((found - value).abs() < 1e-12);
        }
        for (value, vector) in values.iter().zip(&vectors) {
            for row in 0..3 {
                let product: f64 = matrix[row].iter().zip(vector).map(|(a, v)| a * v).sum();
                assert!((product - value * vector[row]).abs() < 1e-12);
            }
        }
    }
}
