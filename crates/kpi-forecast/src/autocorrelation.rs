//! The autocorrelation function, by Fourier transform.

use std::f64::consts::TAU;

/// Autocorrelations at lags 0 to `lags` of values around their mean, all 0 for a constant. `r_k` is the usual
/// (biased) estimate `sum (y_t - m)(y_{t+k} - m) / sum (y_t - m)^2`; `O(n log n)`. Values must be finite.
///
/// ```
/// let r = kpi_forecast::autocorrelation::autocorrelations(&[1.0, -1.0, 1.0, -1.0], 2);
/// assert!((r[1] + 0.75).abs() < 1e-12 && (r[2] - 0.5).abs() < 1e-12);
/// ```
pub fn autocorrelations(values: &[f64], lags: usize) -> Vec<f64> {
    let n = values.len();
    let mut result = vec![0.0; lags + 1];
    if n == 0 {
        return result;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    // Twice the length, so that the circular correlation does not wrap around.
    let mut spectrum = vec![(0.0, 0.0); (2 * n).next_power_of_two()];
    for (slot, value) in spectrum.iter_mut().zip(values) {
        slot.0 = value - mean;
    }
    fourier(&mut spectrum);
    for slot in &mut spectrum {
        *slot = (slot.0 * slot.0 + slot.1 * slot.1, 0.0);
    }
    fourier(&mut spectrum);
    let whole = spectrum[0].0;
    if whole > 0.0 && whole.is_finite() {
        for (r, slot) in result.iter_mut().zip(&spectrum[..n]) {
            *r = slot.0 / whole;
        }
    }
    result
}

/// In-place radix-2 transform (Cooley & Tukey 1965); the length is a power of two. Not normalised.
pub(crate) fn fourier(data: &mut [(f64, f64)]) {
    let n = data.len();
    let mut swapped = 0;
    for i in 1..n {
        let mut bit = n >> 1;
        while swapped & bit != 0 {
            swapped ^= bit;
            bit >>= 1;
        }
        swapped |= bit;
        if i < swapped {
            data.swap(i, swapped);
        }
    }
    let roots: Vec<(f64, f64)> = (0..n / 2)
        .map(|k| {
            let (sin, cos) = (-TAU * k as f64 / n as f64).sin_cos();
            (cos, sin)
        })
        .collect();
    let mut width = 2;
    while width <= n {
        let half = width / 2;
        for block in data.chunks_exact_mut(width) {
            let (even, odd) = block.split_at_mut(half);
            for (k, (a, b)) in even.iter_mut().zip(odd).enumerate() {
                let root = roots[k * (n / width)];
                let turned = (b.0 * root.0 - b.1 * root.1, b.0 * root.1 + b.1 * root.0);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        width *= 2;
    }
}
