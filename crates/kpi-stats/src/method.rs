//! Sample or population: which divisor a statistic uses.

use crate::Error;

/// The divisor of variances, covariances and what is built on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Divides by n - 1: the values are a sample of more.
    #[default]
    Sample,
    /// Divides by n: the values are all there are.
    Population,
}

impl Method {
    /// Reads `sample`, `samp`, `population` or `pop`, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownMethod`] for any other word.
    ///
    /// ```
    /// use kpi_stats::Method;
    /// assert_eq!(Method::parse("pop").unwrap(), Method::Population);
    /// assert!(Method::parse("unbiased").is_err());
    /// ```
    pub fn parse(word: &str) -> Result<Self, Error> {
        if ["sample", "samp"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name))
        {
            Ok(Self::Sample)
        } else if ["population", "pop"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name))
        {
            Ok(Self::Population)
        } else {
            Err(Error::UnknownMethod(word.to_owned()))
        }
    }

    /// The divisor for `n` values, or `None` where the statistic is undefined.
    pub(crate) fn divisor(self, n: u64) -> Option<f64> {
        match self {
            Self::Sample if n >= 2 => Some((n - 1) as f64),
            Self::Population if n >= 1 => Some(n as f64),
            _ => None,
        }
    }
}
