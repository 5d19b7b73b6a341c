//! Anomalies of several series together: moments at which they do not fit each other, and which of them drive it.

mod judge;
mod reason;
#[cfg(test)]
mod tests;

pub use reason::reason;

use crate::robust::scale;
use crate::{Error, FeatureError, expectation};
use kpi_forecast::season;
use std::str::FromStr;

/// Values that the season of a series is looked for in: the newest ones.
const SEASON_HISTORY: usize = 100_000;
/// Moments at which every series has a value, for each series, that a covariance is made from.
const MOMENTS_PER_SERIES: usize = 10;
/// Share of what makes a moment strange that the series named as its drivers make up.
const NAMED: f64 = 0.9;

/// How several series are judged together.
///
/// ```
/// use kpi_anomaly::several::SeveralMethod;
/// assert_eq!("mahalanobis".parse::<SeveralMethod>().unwrap(), SeveralMethod::Mahalanobis);
/// assert!("robust_zscore".parse::<SeveralMethod>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeveralMethod {
    /// Mahalanobis, where there are ten moments with all values for each series and no series follows from the others;
    /// else the isolation forest.
    #[default]
    Auto,
    /// An isolation forest: any shape, and series that follow from each other.
    IsolationForest,
    /// Robust Mahalanobis distances: series that move together.
    Mahalanobis,
}

impl SeveralMethod {
    const ALL: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("isolation_forest", Self::IsolationForest),
        ("mahalanobis", Self::Mahalanobis),
    ];
}

impl FromStr for SeveralMethod {
    type Err = FeatureError;

    fn from_str(name: &str) -> Result<Self, FeatureError> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, method)| *method)
            .ok_or_else(|| FeatureError::UnknownMethod {
                name: name.to_owned(),
            })
    }
}

/// One series at one moment, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// What the value should have been.
    pub expected: f64,
    /// Distance from that in robust standard deviations, positive above; NaN over a gap.
    pub deviation: f64,
}

/// The verdict on one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SeveralVerdict {
    /// 1 less the probability of a moment at least as strange, in [0, 1]; `None` where no series has a value.
    pub score: Option<f64>,
    /// Whether the score is above 1 less the threshold.
    pub is_anomaly: bool,
    /// Of an anomaly, the series that drive it, the greatest part first: as few as make up nine tenths of it.
    pub drivers: Vec<usize>,
}

/// Verdicts on all moments.
#[derive(Debug, Clone, PartialEq)]
pub struct SeveralDetection {
    /// One per moment.
    pub verdicts: Vec<SeveralVerdict>,
    /// Series after series, one per moment.
    pub components: Vec<Vec<Component>>,
    /// The method that was taken.
    pub method: SeveralMethod,
}

/// Judges every moment of several series of the same moments; a value that is not finite is a gap.
///
/// From each series its trend and its own season are taken out first (see [`expectation::expect`]), and what is left is
/// divided by its robust standard deviation. The moments' rows of these deviations are judged together: by the squared robust Mahalanobis
/// distance, which is chi-squared of normal rows, or by the mean path in an isolation forest of them. Either becomes a
/// deviation as of a single normal value, whose probability comes from the tail of all moments
/// ([`Tail`](crate::tail::Tail)): never lighter than normal.
///
/// `threshold` is the probability of a false alarm per moment. `expected_seasons` are as of
/// [`season::detect`]. `poll` is called now and then; true ends it.
///
/// # Errors
/// [`Error::Threshold`], [`Error::Empty`] where a series has no values, [`Error::Overflow`], [`Error::Canceled`], and [`Error::Features`]
/// for no series or too many, series of different lengths, and what the method cannot learn from.
///
/// ```
/// use kpi_anomaly::several::{SeveralMethod, detect_several};
/// // Two series that rise and fall together, but for one moment.
/// let noise = |t: usize, by: usize| (t * t * by % 17) as f64 / 17.0;
/// let requests: Vec<f64> = (0..120).map(|t| 50.0 + 9.0 * noise(t, 5) + noise(t, 3)).collect();
/// let mut orders: Vec<f64> = (0..120).map(|t| 25.0 + 4.5 * noise(t, 5) + noise(t, 7)).collect();
/// orders[80] -= 6.0;
/// let found = detect_several(&[requests, orders], SeveralMethod::Auto, 0.001, &[], &mut || false).unwrap();
/// let anomalies: Vec<usize> = (0..120).filter(|t| found.verdicts[*t].is_anomaly).collect();
/// assert_eq!(anomalies, [80]);
/// assert_eq!(found.verdicts[80].drivers[0], 1);
/// ```
pub fn detect_several(
    series: &[Vec<f64>],
    method: SeveralMethod,
    threshold: f64,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<SeveralDetection, Error> {
    if !(threshold > 0.0 && threshold < 1.0) {
        return Err(Error::Threshold { threshold });
    }
    let moments = series.first().map_or(0, Vec::len);
    if let Some(other) = series.iter().find(|other| other.len() != moments) {
        return Err(FeatureError::Width {
            given: other.len(),
            expected: moments,
        }
        .into());
    }
    let mut components = Vec::with_capacity(series.len());
    for values in series {
        components.push(taken_apart(values, expected_seasons, poll)?);
    }
    let width = series.len();
    let mut rows = vec![f64::NAN; moments * width];
    for (place, component) in components.iter().enumerate() {
        for (row, at) in rows.chunks_exact_mut(width.max(1)).zip(component) {
            if let Some(cell) = row.get_mut(place) {
                *cell = at.deviation;
            }
        }
    }
    let judged = judge::judge(&rows, width, method, poll)?;
    let verdicts = judged.verdicts(&rows, width, threshold)?;
    Ok(SeveralDetection {
        verdicts,
        components,
        method: judged.method(),
    })
}

/// Expected values and deviations of one series.
fn taken_apart(
    values: &[f64],
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Component>, Error> {
    let finite = |value: &&f64| value.is_finite();
    if !values.iter().any(|value| value.is_finite()) {
        return Err(Error::Empty { points: values.len() });
    }
    let recent = &values[values.len().saturating_sub(SEASON_HISTORY)..];
    let season = season::detect(recent, expected_seasons, poll);
    let expected = expectation::expect(values, season, poll)?;
    let residuals: Vec<f64> = values.iter().zip(&expected).map(|(v, e)| v - e).collect();
    let largest = values.iter().filter(finite).fold(0.0_f64, |m, v| m.max(v.abs()));
    let overflows = |(residual, value): (&f64, &f64)| value.is_finite() && !residual.is_finite();
    if residuals.iter().zip(values).any(overflows) || expected.iter().any(|e| !e.is_finite()) {
        return Err(Error::Overflow { largest });
    }
    let mut known: Vec<f64> = residuals.iter().copied().filter(|r| r.is_finite()).collect();
    let scale = scale(&mut known);
    // What is far below the values themselves is rounding.
    let scale = if scale > 0.0 {
        scale.max(ROUNDING * largest)
    } else {
        0.0
    };
    let deviation = |residual: f64| match residual {
        residual if residual.is_nan() || residual == 0.0 => residual,
        residual if residual.is_infinite() => f64::NAN,
        residual => residual / scale,
    };
    let apart = expected
        .into_iter()
        .zip(residuals)
        .map(|(expected, residual)| Component {
            expected,
            deviation: deviation(residual),
        });
    Ok(apart.collect())
}

/// Residuals below this share of the values are rounding.
const ROUNDING: f64 = 1e-9;
