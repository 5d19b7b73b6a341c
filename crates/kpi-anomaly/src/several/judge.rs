//! How strange each row of deviations is.

use super::{MOMENTS_PER_SERIES, NAMED, SeveralMethod, SeveralVerdict};
use crate::FeatureError;
use crate::forest::{Forest, ForestRequest};
use crate::mahalanobis::RobustCovariance;
use crate::robust::{MAD_TO_SIGMA, median};
use crate::tail::Tail;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// Rows of a tree. The rows that are judged are those that were learnt from: one that stands out should be in most trees.
const SAMPLE: i64 = 2048;
/// Below this a probability is too small for its quantile.
const LEAST: f64 = 1e-290;

/// What was learnt from the rows, with the deviation of each: that of a normal value as rare.
pub(super) enum Judged {
    Mahalanobis(RobustCovariance, Vec<f64>),
    Forest(Box<Forest>, Vec<f64>),
}

pub(super) fn judge(
    rows: &[f64],
    width: usize,
    method: SeveralMethod,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Judged, FeatureError> {
    if method == SeveralMethod::IsolationForest {
        return forest(rows, width, poll);
    }
    let whole = rows
        .chunks_exact(width.max(1))
        .filter(|row| row.iter().all(|value| value.is_finite()));
    if method == SeveralMethod::Auto && whole.count() < MOMENTS_PER_SERIES * width {
        return forest(rows, width, poll);
    }
    match RobustCovariance::fit(rows, width, poll) {
        Ok(bulk) => distances(rows, width, bulk, poll),
        Err(FeatureError::Dependent { .. } | FeatureError::Features { .. })
            if method == SeveralMethod::Auto =>
        {
            forest(rows, width, poll)
        }
        Err(error) => Err(error),
    }
}

/// The deviation of a normal value, of either sign, that is at least as great with this probability.
fn as_normal(probability: f64) -> f64 {
    -Normal::standard().inverse_cdf(probability.clamp(LEAST, 1.0) / 2.0)
}

fn distances(
    rows: &[f64],
    width: usize,
    bulk: RobustCovariance,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Judged, FeatureError> {
    let mut deviations = Vec::with_capacity(rows.len() / width);
    for (at, row) in rows.chunks_exact(width).enumerate() {
        if at.is_multiple_of(POLL) && poll() {
            return Err(FeatureError::Canceled);
        }
        let known = row.iter().filter(|value| !value.is_nan()).count();
        let deviation = match (bulk.distance(row)?, ChiSquared::new(known as f64)) {
            (Some(distance), Ok(chi)) => match chi.sf(distance * distance) {
                // Far out the distance itself is the deviation, as near as makes no difference.
                probability if probability < LEAST => distance,
                probability => as_normal(probability),
            },
            _ => f64::NAN,
        };
        deviations.push(deviation);
    }
    Ok(Judged::Mahalanobis(bulk, deviations))
}

fn forest(rows: &[f64], width: usize, poll: &mut dyn FnMut() -> bool) -> Result<Judged, FeatureError> {
    let request = ForestRequest {
        sample: SAMPLE,
        ..ForestRequest::default()
    };
    let forest = Forest::fit(rows, width, &request, poll)?;
    // The logarithm of a score is its path, which is near normal in the bulk, as a mean over many trees.
    let mut deviations: Vec<f64> = forest.scores(rows, poll)?.into_iter().map(f64::ln).collect();
    for (deviation, row) in deviations.iter_mut().zip(rows.chunks_exact(width)) {
        if row.iter().all(|value| value.is_nan()) {
            *deviation = f64::NAN;
        }
    }
    let mut known: Vec<f64> = deviations
        .iter()
        .copied()
        .filter(|score| !score.is_nan())
        .collect();
    let middle = median(&mut known).unwrap_or(0.0);
    known
        .iter_mut()
        .for_each(|score| *score = (*score - middle).abs());
    let spread = MAD_TO_SIGMA * median(&mut known).unwrap_or(0.0);
    for deviation in &mut deviations {
        let above = *deviation - middle;
        // Only what is easier to set apart than the rest is strange.
        *deviation = match above {
            above if above.is_nan() => f64::NAN,
            above if above <= 0.0 => 0.0,
            // All moments but a few are alike.
            _ if spread == 0.0 => f64::INFINITY,
            above => match Normal::standard().sf(above / spread) {
                probability if probability < LEAST => above / spread,
                probability => as_normal(probability),
            },
        };
    }
    Ok(Judged::Forest(Box::new(forest), deviations))
}

/// Rows between polls.
const POLL: usize = 4096;

impl Judged {
    pub fn method(&self) -> SeveralMethod {
        match self {
            Self::Mahalanobis(..) => SeveralMethod::Mahalanobis,
            Self::Forest(..) => SeveralMethod::IsolationForest,
        }
    }

    pub fn verdicts(
        &self,
        rows: &[f64],
        width: usize,
        threshold: f64,
    ) -> Result<Vec<SeveralVerdict>, FeatureError> {
        let (Self::Mahalanobis(_, deviations) | Self::Forest(_, deviations)) = self;
        let mut known: Vec<f64> = deviations.iter().copied().filter(|d| d.is_finite()).collect();
        let tail = Tail::of(&mut known);
        let mut verdicts = Vec::with_capacity(deviations.len());
        for (deviation, row) in deviations.iter().zip(rows.chunks_exact(width)) {
            let probability = match deviation {
                deviation if deviation.is_nan() => None,
                deviation if deviation.is_infinite() => Some(0.0),
                deviation => Some(tail.probability(*deviation)),
            };
            let is_anomaly = probability.is_some_and(|probability| probability < threshold);
            let drivers = if is_anomaly {
                self.drivers(row)?
            } else {
                Vec::new()
            };
            verdicts.push(SeveralVerdict {
                score: probability.map(|probability| 1.0 - probability),
                is_anomaly,
                drivers,
            });
        }
        Ok(verdicts)
    }

    fn drivers(&self, row: &[f64]) -> Result<Vec<usize>, FeatureError> {
        let parts = match self {
            Self::Mahalanobis(bulk, _) => bulk.contributions(row)?,
            Self::Forest(forest, _) => forest.contributions(row)?,
        };
        let mut order: Vec<usize> = (0..parts.len()).filter(|place| parts[*place] > 0.0).collect();
        order.sort_by(|a, b| parts[*b].total_cmp(&parts[*a]));
        let all: f64 = order.iter().map(|place| parts[*place]).sum();
        let mut named = 0.0;
        let mut drivers = Vec::new();
        for place in order {
            if named >= NAMED * all && !drivers.is_empty() {
                break;
            }
            named += parts[place];
            drivers.push(place);
        }
        Ok(drivers)
    }
}
