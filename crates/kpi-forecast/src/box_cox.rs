//! The transformation that makes the size of a season, and of the errors, the same at every level.

use crate::Error;

/// Exponents that can be asked for.
const WIDEST: f64 = 2.0;
/// Exponents among which [`guerrero`] looks, and how finely before it looks closer.
const SEARCHED: (f64, f64) = (-1.0, 2.0);
const GRID: usize = 60;
/// An exponent below this is a logarithm.
const ZERO: f64 = 1e-10;

/// `(y^lambda - 1) / lambda`, the logarithm for `lambda` 0 (Box & Cox 1964, *Journal of the Royal Statistical Society B*
/// 26:211-252). Only for values above 0.
///
/// ```
/// use kpi_forecast::box_cox::BoxCox;
/// let root = BoxCox::new(0.5).unwrap();
/// assert_eq!(root.transform(9.0), 4.0);
/// assert!((root.inverse(4.0) - 9.0).abs() < 1e-12);
/// assert!((root.inverse_mean(4.0, 2.0) - 10.0).abs() < 1e-12); // 3^2 + 2^2 / 4
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxCox {
    lambda: f64,
}

impl BoxCox {
    /// The transformation with this exponent.
    ///
    /// # Errors
    /// [`Error::Lambda`] beyond -2 to 2.
    pub fn new(lambda: f64) -> Result<Self, Error> {
        if lambda.abs() <= WIDEST {
            Ok(Self { lambda })
        } else {
            Err(Error::Lambda { lambda })
        }
    }

    /// The exponent.
    pub fn lambda(&self) -> f64 {
        self.lambda
    }

    /// The value on the scale of the model.
    pub fn transform(&self, value: f64) -> f64 {
        if self.lambda.abs() < ZERO {
            value.ln()
        } else {
            (self.lambda * value.ln()).exp_m1() / self.lambda
        }
    }

    /// What [`transform`](Self::transform) had. What no value is transformed to becomes 0, or infinite for exponents below 0. Of a
    /// symmetric distribution on the scale of the model this is the median.
    pub fn inverse(&self, transformed: f64) -> f64 {
        if self.lambda.abs() < ZERO {
            return transformed.exp();
        }
        let scaled = self.lambda * transformed;
        if scaled > -1.0 {
            (scaled.ln_1p() / self.lambda).exp()
        } else if self.lambda > 0.0 {
            0.0
        } else {
            f64::INFINITY
        }
    }

    /// The mean of what comes, to the second order of the standard error on the scale of the model (Hyndman & Athanasopoulos, 3rd
    /// ed., section 5.6).
    pub fn inverse_mean(&self, transformed: f64, standard_error: f64) -> f64 {
        let median = self.inverse(transformed);
        let variance = standard_error * standard_error;
        if self.lambda.abs() < ZERO {
            return median * (1.0 + variance / 2.0);
        }
        let power = self.lambda * transformed + 1.0;
        if power > 0.0 {
            median * (1.0 + variance * (1.0 - self.lambda) / (2.0 * power * power))
        } else {
            median
        }
    }
}

/// Fails unless every value is above 0.
pub(crate) fn require_positive(values: &[f64]) -> Result<(), Error> {
    match values.iter().copied().find(|value| *value <= 0.0) {
        Some(value) => Err(Error::NotPositive { value }),
        None => Ok(()),
    }
}

/// The exponent between -1 and 2 at which the spread of each season varies least from season to season: that of the least coefficient
/// of variation of `s / m^(1 - lambda)`, with the mean `m` and standard deviation `s` of each whole season, the newest ones (Guerrero
/// 1993, *Journal of Forecasting* 12:37-48). Without a season pairs of values are taken; 1 where there is nothing to tell by.
///
/// # Errors
/// [`Error::NotPositive`] unless all values are above 0.
///
/// ```
/// use kpi_forecast::box_cox::guerrero;
/// let growing: Vec<f64> = (0..48).map(|t| [0.8, 1.0, 1.3, 0.9][t % 4] * 1.2_f64.powi(t as i32 / 4)).collect();
/// assert!(guerrero(&growing, 4).unwrap().abs() < 1e-6);
/// ```
pub fn guerrero(values: &[f64], season: usize) -> Result<f64, Error> {
    require_positive(values)?;
    let season = season.max(2);
    // Logarithms of means and spreads in units of the largest value, so that no power of them overflows.
    let size = values.iter().fold(f64::MIN_POSITIVE, |m, y| m.max(*y));
    let seasons: Vec<(f64, f64)> = values
        .rchunks_exact(season)
        .map(|own| {
            let n = own.len() as f64;
            let mean = own.iter().map(|y| y / size).sum::<f64>() / n;
            let squares: f64 = own.iter().map(|y| (y / size - mean).powi(2)).sum();
            (mean.ln(), (squares / (n - 1.0)).sqrt().ln())
        })
        .collect();
    let variation = |lambda: f64| {
        let ratios: Vec<f64> = seasons
            .iter()
            .map(|(mean, spread)| (spread - (1.0 - lambda) * mean).exp())
            .collect();
        let n = ratios.len() as f64;
        let mean = ratios.iter().sum::<f64>() / n;
        let squares: f64 = ratios.iter().map(|r| (r - mean).powi(2)).sum();
        (squares / (n - 1.0)).sqrt() / mean
    };
    let at = |i: usize| SEARCHED.0 + (SEARCHED.1 - SEARCHED.0) * i as f64 / GRID as f64;
    let best = (0..=GRID)
        .map(|i| (i, variation(at(i))))
        .filter(|(_, variation)| variation.is_finite())
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((best, _)) = best else { return Ok(1.0) };
    Ok(golden(
        at(best.saturating_sub(1)),
        at((best + 1).min(GRID)),
        variation,
    ))
}

/// Where a function that falls and then rises is least, by golden section.
fn golden(mut low: f64, mut high: f64, of: impl Fn(f64) -> f64) -> f64 {
    const SECTION: f64 = 0.618_033_988_749_894_9;
    const CLOSE: f64 = 1e-9;
    while high - low > CLOSE {
        let (a, b) = (high - SECTION * (high - low), low + SECTION * (high - low));
        if of(a) < of(b) {
            high = b;
        } else {
            low = a;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_exponent_or_not_positive_is_refused() {
        assert!(BoxCox::new(2.5).is_err() && BoxCox::new(f64::NAN).is_err());
        assert_eq!(guerrero(&[1.0, 0.0], 1), Err(Error::NotPositive { value: 0.0 }));
    }

    #[test]
    fn without_anything_to_tell_by_nothing_is_transformed() {
        assert_eq!(guerrero(&[3.0; 24], 12), Ok(1.0));
        assert_eq!(guerrero(&[3.0], 12), Ok(1.0));
        assert_eq!(guerrero(&[], 1), Ok(1.0));
    }

    #[test]
    fn what_lies_beyond_the_scale_ends_at_its_end() {
        assert_eq!(BoxCox::new(0.5).unwrap().inverse(-3.0), 0.0);
        assert_eq!(BoxCox::new(-0.5).unwrap().inverse(3.0), f64::INFINITY);
    }

    proptest! {
        #[test]
        fn the_inverse_brings_back(lambda in -2.0..2.0_f64, value in 1e-3..1e3_f64, more in 0.0..1.0_f64) {
            let scale = BoxCox::new(lambda).unwrap();
            let back = scale.inverse(scale.transform(value));
            prop_assert!((back / value - 1.0).abs() < 1e-6, "{back} {value}");
            prop_assert!(scale.transform(value) <= scale.transform(value + more));
        }
    }
}
