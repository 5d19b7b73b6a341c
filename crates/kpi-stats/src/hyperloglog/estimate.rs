//! Ertl's improved estimator (arXiv:1702.01284, algorithms 4 to 6): one formula from the first register to the last. Its
//! constant is the limit for many registers; the bias of few ones is taken out with the factor that Flajolet and others
//! (2007) give.

/// The estimate for registers of 2^precision ranks between 0 and 64 - precision + 1.
pub(super) fn improved(registers: &[u8], precision: u8) -> f64 {
    let q = usize::from(64 - precision);
    let mut multiplicities = [0u32; 64];
    for rank in registers {
        if let Some(count) = multiplicities.get_mut(usize::from(*rank).min(q + 1)) {
            *count += 1;
        }
    }
    let m = registers.len() as f64;
    let count = |rank: usize| f64::from(multiplicities.get(rank).copied().unwrap_or(0));
    let mut z = m * tau(1.0 - count(q + 1) / m);
    for rank in (1..=q).rev() {
        z = 0.5 * (z + count(rank));
    }
    z += m * sigma(count(0) / m);
    m * m / (2.0 * std::f64::consts::LN_2) / (1.0 + 1.079 / m) / z
}

/// σ(x) = x + Σ x^(2^k) · 2^(k - 1): what registers that are still zero contribute.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let previous = sum;
        sum += power * weight;
        weight += weight;
        if sum == previous {
            return sum;
        }
    }
}

/// τ(x) = (1 - x - Σ (1 - x^(2^-k))² · 2^-k) / 3: what saturated registers contribute.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = root.sqrt();
        let previous = sum;
        weight *= 0.5;
        sum -= (1.0 - root).powi(2) * weight;
        if sum == previous {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_register_set_is_zero_and_all_saturated_is_infinite() {
        assert_eq!(improved(&[0; 16], 4), 0.0);
        assert_eq!(improved(&[61; 16], 4), f64::INFINITY);
    }

    /// With x = 1/2: 1/2 + 1/4 + 2/16 + 4/256 + 8/65536 + ...
    #[test]
    fn sigma_is_its_series() {
        assert!((sigma(0.5) - 0.890_747_074_037_790_3).abs() < 1e-9);
    }
}
