//! What a robust covariance is made from while rows still come in.

use super::{MOST_FEATURES, RobustCovariance};
use crate::FeatureError;
use crate::reservoir::Reservoir;
use kpi_stats::frame::{Kind, Reader, Writer};
use kpi_stats::{Error, State};

/// Rows that are kept, at most: 8 MB of 100 features. What so many leave open of a covariance is far below what matters.
const PLACES: usize = 10_000;

/// A uniform sample of the rows without a gap, in bounded memory: all of them up to 10,000.
///
/// ```
/// use kpi_anomaly::mahalanobis::CovarianceSample;
/// let mut sample = CovarianceSample::new(1).unwrap();
/// (0..100).for_each(|i| sample.add(&[f64::from(i)]).unwrap());
/// sample.add(&[f64::NAN]).unwrap();
/// assert_eq!(sample.fit(&mut || false).unwrap().centre(), [49.5]);
/// ```
#[derive(Debug, Clone)]
pub struct CovarianceSample {
    pub(super) rows: Reservoir,
}

impl CovarianceSample {
    /// No rows yet, of `width` features.
    ///
    /// # Errors
    /// [`FeatureError::Features`] for no features or more than [`MOST_FEATURES`].
    pub fn new(width: usize) -> Result<Self, FeatureError> {
        if !(1..=MOST_FEATURES).contains(&width) {
            return Err(FeatureError::Features {
                given: width,
                most: MOST_FEATURES,
            });
        }
        let rows = Reservoir::new(width, PLACES, 0)?;
        Ok(Self { rows })
    }

    /// Takes a row into account, unless a feature of it is not finite.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    pub fn add(&mut self, features: &[f64]) -> Result<(), FeatureError> {
        if features.len() == self.rows.width() && features.iter().any(|value| !value.is_finite()) {
            return Ok(());
        }
        self.rows.add(features)
    }

    /// The covariance.
    ///
    /// # Errors
    /// As of [`RobustCovariance::fit`].
    pub fn fit(&self, poll: &mut dyn FnMut() -> bool) -> Result<RobustCovariance, FeatureError> {
        RobustCovariance::fit(self.rows.rows(), self.rows.width(), poll)
    }
}

impl State for CovarianceSample {
    const TYPE_NAME: &'static str = "robust_covariance";

    fn merge(&mut self, other: &Self) {
        self.rows.merge(&other.rows);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        let mut have = [self.rows.width(), other.rows.width()];
        if have[0] == have[1] {
            return Ok(());
        }
        have.sort_unstable();
        Err(Error::Different {
            message: "rows of different numbers of features cannot be put together",
            have: have.map(|width| format!("{width} features")),
            hint: "Give the same features in every row, or GROUP BY what they depend on.",
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::CovarianceSample);
        self.rows.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::CovarianceSample, bytes)?;
        let rows = Reservoir::read(&mut reader)?;
        if rows.width() > MOST_FEATURES {
            return Err(reader.corrupt(format!("They claim {} features.", rows.width())));
        }
        reader.finish()?;
        Ok(Self { rows })
    }
}
