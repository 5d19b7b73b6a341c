//! What a forest is made from while rows still come in.

use super::{Forest, ForestRequest};
use crate::FeatureError;
use crate::reservoir::Reservoir;
use kpi_stats::frame::{Kind, Reader, Writer};
use kpi_stats::{Error, State};

/// The rows that a forest is to be made from, in bounded memory: a uniform sample of as many as all trees take together,
/// at most 32 MB. Each tree then takes its own sample of these. With no more rows than places the forest is
/// that of all rows. With more, the rows of a tree are still a uniform sample without replacement of all rows, a sample of
/// a sample being one; two trees share a row a little more often than trees that choose from all rows.
///
/// ```
/// use kpi_anomaly::forest::{Forest, ForestRequest, ForestSample};
/// let request = ForestRequest::default();
/// let rows: Vec<f64> = (0..500).map(|i| f64::from(i * i % 97)).collect();
/// let mut sample = ForestSample::new(&request, 1).unwrap();
/// rows.iter().for_each(|row| sample.add(&[*row]).unwrap());
/// let forest = Forest::fit(&rows, 1, &request, &mut || false).unwrap();
/// assert_eq!(sample.fit(&mut || false).unwrap(), forest);
/// ```
#[derive(Debug, Clone)]
pub struct ForestSample {
    request: ForestRequest,
    pub(super) rows: Reservoir,
}

impl ForestSample {
    /// No rows yet, of `width` features.
    ///
    /// # Errors
    /// As of [`ForestRequest::check`].
    pub fn new(request: &ForestRequest, width: usize) -> Result<Self, FeatureError> {
        request.check(width)?;
        let places = request.trees as usize * request.sample as usize;
        Ok(Self {
            request: *request,
            rows: Reservoir::new(width, places, request.seed as u64)?,
        })
    }

    /// What was asked for.
    pub fn request(&self) -> &ForestRequest {
        &self.request
    }

    /// Takes a row into account.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    pub fn add(&mut self, features: &[f64]) -> Result<(), FeatureError> {
        self.rows.add(features)
    }

    /// The forest.
    ///
    /// # Errors
    /// As of [`Forest::fit`].
    pub fn fit(&self, poll: &mut dyn FnMut() -> bool) -> Result<Forest, FeatureError> {
        Forest::fit(self.rows.rows(), self.rows.width(), &self.request, poll)
    }
}

impl State for ForestSample {
    const TYPE_NAME: &'static str = "forest";

    fn merge(&mut self, other: &Self) {
        self.rows.merge(&other.rows);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        let settings = |of: &Self| {
            let ForestRequest { trees, sample, seed } = of.request;
            (trees, sample, seed, of.rows.width())
        };
        let mut have = [settings(self), settings(other)];
        if have[0] == have[1] {
            return Ok(());
        }
        have.sort_unstable();
        Err(Error::Different {
            message: "rows for different forests cannot be put together",
            have: have.map(|(trees, sample, seed, width)| {
                format!("{trees} trees of {sample} rows of {width} features with seed {seed}")
            }),
            hint: "Give the same features, trees, sample and seed in every row, or GROUP BY what they depend on.",
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::ForestSample);
        writer.varint(self.request.trees as u64);
        writer.varint(self.request.sample as u64);
        writer.i64(self.request.seed);
        self.rows.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::ForestSample, bytes)?;
        let request = ForestRequest {
            trees: reader.varint()?.min(i64::MAX as u64) as i64,
            sample: reader.varint()?.min(i64::MAX as u64) as i64,
            seed: reader.i64()?,
        };
        let rows = Reservoir::read(&mut reader)?;
        if request.check(rows.width()).is_err() {
            return Err(reader.corrupt("Their settings are out of range.".into()));
        }
        reader.finish()?;
        Ok(Self { request, rows })
    }
}
