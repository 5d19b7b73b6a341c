//! The standard normal distribution, as confidence intervals and tests need it.

use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::SQRT_2;

use crate::Error;

/// The z for which a standard normal variable lies within ±z with probability `level`: 1.96 for 0.95.
///
/// # Errors
/// [`Error::Argument`] unless `level` is between 0 and 1, both excluded.
pub(crate) fn z_of_level(level: f64) -> Result<f64, Error> {
    if level > 0.0 && level < 1.0 {
        Ok(SQRT_2 * erfc_inv(1.0 - level))
    } else {
        Err(Error::argument(
            "a confidence level must be above 0 and below 1",
            level,
            "Write 95 percent as 0.95.",
        ))
    }
}

/// How likely a standard normal variable is at least as far from zero as `z`.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of scipy.stats.norm (ppf and sf).
    #[test]
    fn quantiles_and_tails_of_the_tables() {
        for (level, z) in [
            (0.5, 0.674_489_750_196_081_7),
            (0.95, 1.959_963_984_540_054),
            (0.999, 3.290_526_731_491_925_5),
        ] {
            assert!((z_of_level(level).unwrap() - z).abs() < 1e-9, "{level}");
            assert!((two_sided_p(z) - (1.0 - level)).abs() < 1e-10, "{level}");
        }
        assert!((two_sided_p(-5.0) - 5.733_031_437_583_878e-7).abs() < 1e-15);
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(z_of_level(level).is_err(), "{level}");
        }
    }
}
