//! What the spectrum of a series says: how hard it is to forecast, and how long it remembers.

use crate::Error;
use crate::autocorrelation::fourier;
use crate::model::unless_canceled;
use std::f64::consts::{PI, TAU};

/// Shannon entropy of the spectral density, 0 (one wave) to 1 (white noise); `None` for a constant or fewer than 4 values.
///
/// The density is that of an autoregression fitted by Burg's method (Burg 1975, thesis, Stanford), its order by AIC up to
/// `10 log10 n`, at `n / 2 + 1` frequencies and their mirror images; one thousandth of it is spread evenly (Goerg 2013, *ICML*
/// 28:64-72; these are the settings of R's tsfeatures).
pub(super) fn entropy(values: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Option<f64>, Error> {
    const EVEN: f64 = 0.001;
    let n = values.len();
    if n < 4 {
        return Ok(None);
    }
    let Some(coefficients) = burg(values, poll)? else {
        return Ok(None);
    };
    let frequencies = n.div_ceil(2) + 1;
    let mut density = Vec::with_capacity(frequencies);
    for k in 0..frequencies {
        if k % 1024 == 0 {
            unless_canceled(poll)?;
        }
        let (sin, cos) = (-PI * k as f64 / (frequencies - 1) as f64).sin_cos();
        // 1 - sum a_j z^j by Horner's rule.
        let (mut real, mut imaginary) = (0.0, 0.0);
        for a in coefficients.iter().rev() {
            let next = real + a;
            (real, imaginary) = (next * cos - imaginary * sin, next * sin + imaginary * cos);
        }
        density.push(1.0 / ((1.0 - real).powi(2) + imaginary.powi(2)).max(f64::MIN_POSITIVE));
    }
    // All but frequency 0 have a mirror image.
    let count = (2 * frequencies - 1) as f64;
    let whole = 2.0 * density.iter().sum::<f64>() - density[0];
    let part = |f: f64| {
        let p = (1.0 - EVEN) * f / whole + EVEN / count;
        -p * p.ln() / count.ln()
    };
    let sum: f64 = 2.0 * density.iter().map(|f| part(*f)).sum::<f64>() - part(density[0]);
    Ok(sum.is_finite().then_some(sum.min(1.0)))
}

/// The coefficients of an autoregression, `None` for a constant.
fn burg(values: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Option<Vec<f64>>, Error> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let mut forward: Vec<f64> = values.iter().map(|y| y - mean).collect();
    let mut backward = forward.clone();
    let mut left = forward.iter().map(|y| y * y).sum::<f64>() / n as f64;
    if left <= 0.0 {
        return Ok(None);
    }
    let most = ((10.0 * (n as f64).log10()) as usize).min(n - 1);
    let mut coefficients: Vec<f64> = Vec::new();
    let mut best = (n as f64 * left.ln(), coefficients.clone());
    for order in 1..=most {
        unless_canceled(poll)?;
        let (mut product, mut squares) = (0.0, 0.0);
        for t in order..n {
            product += forward[t] * backward[t - 1];
            squares += forward[t].powi(2) + backward[t - 1].powi(2);
        }
        let reflection = if squares > 0.0 {
            2.0 * product / squares
        } else {
            0.0
        };
        for t in (order..n).rev() {
            let (f, b) = (forward[t], backward[t - 1]);
            forward[t] = f - reflection * b;
            backward[t] = b - reflection * f;
        }
        let before = coefficients.clone();
        for (a, mirror) in coefficients.iter_mut().zip(before.iter().rev()) {
            *a -= reflection * mirror;
        }
        coefficients.push(reflection);
        left *= 1.0 - reflection * reflection;
        if left <= 0.0 {
            return Ok(Some(coefficients));
        }
        let information = n as f64 * left.ln() + 2.0 * order as f64;
        if information < best.0 {
            best = (information, coefficients.clone());
        }
    }
    Ok(Some(best.1))
}

/// Hurst's coefficient, `d + 1/2` of an ARFIMA(0, d, 0) fitted by Whittle's likelihood (Fox & Taqqu 1986, *Annals of
/// Statistics* 14:517-532) with `d` in (-1/2, 1/2): 0.5 without memory, near 1 with a long one. `None` for a constant or fewer
/// than 8 values.
pub(super) fn hurst(values: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Option<f64>, Error> {
    const EDGE: f64 = 0.4999;
    const ROUNDS: usize = 40;
    let n = values.len();
    if n < 8 {
        return Ok(None);
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let mut spectrum = vec![(0.0, 0.0); n.next_power_of_two()];
    for (slot, y) in spectrum.iter_mut().zip(values) {
        slot.0 = y - mean;
    }
    let length = spectrum.len();
    fourier(&mut spectrum);
    // Power at each frequency, and twice the logarithm of what the frequency counts in the model.
    let points: Vec<(f64, f64)> = spectrum[1..=length / 2]
        .iter()
        .zip(1..)
        .map(|((a, b), k)| {
            (
                a * a + b * b,
                2.0 * (2.0 * (TAU * f64::from(k) / length as f64 / 2.0).sin()).ln(),
            )
        })
        .collect();
    let count = points.len() as f64;
    if points.iter().map(|(power, _)| power).sum::<f64>() <= 0.0 {
        return Ok(None);
    }
    let centre = points.iter().map(|(_, log)| log).sum::<f64>() / count;
    let unlikely = |d: f64| {
        let level: f64 = points.iter().map(|(power, log)| power * (d * log).exp()).sum();
        (level / count).ln() - d * centre
    };
    let (mut low, mut high) = (-EDGE, EDGE);
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..ROUNDS {
        unless_canceled(poll)?;
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if unlikely(a) < unlikely(b) {
            high = b;
        } else {
            low = a;
        }
    }
    Ok(Some((low + high) / 2.0 + 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn noise_has_full_entropy_and_no_memory_and_a_walk_neither() {
        let mut random = Random::new(5);
        let noise: Vec<f64> = (0..2000).map(|_| random.normal()).collect();
        let walk: Vec<f64> = noise
            .iter()
            .scan(0.0, |sum, step| {
                *sum += step;
                Some(*sum)
            })
            .collect();
        let of = |y: &[f64]| {
            (
                entropy(y, &mut || false).unwrap().unwrap(),
                hurst(y, &mut || false).unwrap().unwrap(),
            )
        };
        let (full, none) = of(&noise);
        assert!(full > 0.99 && (none - 0.5).abs() < 0.05, "{full} {none}");
        let (little, long) = of(&walk);
        assert!(little < 0.7 && long > 0.95, "{little} {long}");
    }

    #[test]
    fn memory_is_found_again() {
        // Fractional noise with d = 0.3: psi_j = psi_{j-1} (j - 1 + d) / j (Hosking 1981, Biometrika 68:165-176).
        let mut random = Random::new(11);
        let shocks: Vec<f64> = (0..6000).map(|_| random.normal()).collect();
        let mut psi = vec![1.0];
        for j in 1..4000 {
            psi.push(psi[j - 1] * (j as f64 - 1.0 + 0.3) / j as f64);
        }
        let values: Vec<f64> = (4000..6000)
            .map(|t| psi.iter().enumerate().map(|(j, p)| p * shocks[t - j]).sum())
            .collect();
        let found = hurst(&values, &mut || false).unwrap().unwrap();
        assert!((found - 0.8).abs() < 0.05, "{found}");
    }
}
