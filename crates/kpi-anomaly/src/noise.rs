//! How values scatter, and for how long they remember: estimated from differences, which shifts of the level do not move.

use crate::robust::median;

/// Differences beyond this many robust standard deviations are cut.
const CUT: f64 = 2.5;
/// Variance of a standard normal distribution that is cut there.
const CUT_VARIANCE: f64 = 0.977_56;
/// Noise that remembers longer than this is a level that wanders.
const MOST: f64 = 0.97;
/// Blocks needed for their means to be compared, and their least length.
const BLOCKS: usize = 12;
const SHORTEST: usize = 8;

/// Noise around a level that moves seldom.
///
/// ```
/// use kpi_anomaly::noise::Noise;
/// let mut random = kpi_forecast::random::Random::new(1);
/// let mut level = 0.0;
/// let values: Vec<f64> = (0..4000).map(|_| { level = 0.6 * level + 0.8 * random.normal(); level }).collect();
/// let noise = Noise::of(&values);
/// assert!((noise.sigma - 1.0).abs() < 0.1 && (noise.phi - 0.6).abs() < 0.08);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Standard deviation, in the unit of the values.
    pub sigma: f64,
    /// Autocorrelation at one step, 0 to 0.97, as of an AR(1) process.
    pub phi: f64,
    /// Square root of the long-run variance: the variance of a mean of `k` values is its square over `k`.
    pub long_run: f64,
}

impl Noise {
    /// The noise of `values`, all of them finite.
    ///
    /// For an AR(1) process the variances of the differences at one and at two steps are `2 sigma^2 (1 - phi)` and
    /// `2 sigma^2 (1 - phi^2)`; both are taken with outlying differences cut. The long-run variance is at least that of the differences of
    /// the means of neighbouring blocks.
    pub fn of(values: &[f64]) -> Self {
        let (one, two) = (variance(values, 1), variance(values, 2));
        if one.is_nan() || one <= 0.0 {
            let sigma = variance(values, values.len() / 3).max(0.0).sqrt() / std::f64::consts::SQRT_2;
            return Self {
                sigma,
                phi: 0.0,
                long_run: sigma,
            };
        }
        let phi = if two.is_finite() {
            (two / one - 1.0).clamp(0.0, MOST)
        } else {
            0.0
        };
        let sigma = (one / (2.0 * (1.0 - phi))).sqrt();
        let of_process = sigma * ((1.0 + phi) / (1.0 - phi)).sqrt();
        let length = ((values.len() as f64).sqrt() as usize).max(SHORTEST);
        let means: Vec<f64> = values
            .chunks_exact(length)
            .map(|block| block.iter().sum::<f64>() / length as f64)
            .collect();
        let of_blocks = if means.len() < BLOCKS {
            0.0
        } else {
            (variance(&means, 1) * length as f64 / 2.0).max(0.0).sqrt()
        };
        Self {
            sigma,
            phi,
            long_run: of_process.max(of_blocks),
        }
    }
}

/// Variance of the differences at a lag around their median, outlying ones cut; NaN where there are none.
fn variance(values: &[f64], lag: usize) -> f64 {
    if lag == 0 || lag >= values.len() {
        return f64::NAN;
    }
    let mut differences: Vec<f64> = values.iter().zip(&values[lag..]).map(|(a, b)| b - a).collect();
    let middle = median(&mut differences).unwrap_or(0.0);
    for difference in &mut differences {
        *difference = (*difference - middle).abs();
    }
    let reach = CUT * crate::robust::scale(&mut differences);
    let squares: f64 = differences.iter().map(|d| d.min(reach).powi(2)).sum();
    squares / differences.len() as f64 / CUT_VARIANCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;

    #[test]
    fn shifts_and_slopes_do_not_move_it() {
        let mut random = Random::new(3);
        let values: Vec<f64> = (0..1500)
            .map(|t| random.normal() + if t > 700 { 40.0 } else { 0.0 } + 0.05 * f64::from(t))
            .collect();
        let noise = Noise::of(&values);
        assert!((noise.sigma - 1.0).abs() < 0.1, "{noise:?}");
        assert!(noise.phi < 0.15 && noise.long_run < 1.5, "{noise:?}");
    }

    #[test]
    fn the_means_of_noise_that_remembers_vary_more() {
        let mut random = Random::new(4);
        let mut state = 0.0;
        let values: Vec<f64> = (0..3000)
            .map(|_| {
                state = 0.8 * state + random.normal();
                state
            })
            .collect();
        // sigma_e / (1 - phi) = 5.
        let noise = Noise::of(&values);
        assert!((noise.long_run - 5.0).abs() < 1.2, "{noise:?}");
    }

    #[test]
    fn few_and_equal_values() {
        assert_eq!(Noise::of(&[1.0; 40]).long_run, 0.0);
        assert!(Noise::of(&[]).sigma == 0.0 && Noise::of(&[1.0]).sigma == 0.0);
        assert!(Noise::of(&[1.0, 2.0]).sigma.is_finite());
    }
}
