//! Robust Mahalanobis distances: how far a row is from the bulk of the rows, in the units in which that varies.
//!
//! Location and covariance are those of the minimum covariance determinant (see [`RobustCovariance::fit`]): up to nearly
//! half of the rows may be outliers and do not move them.

mod codec;
mod matrix;
mod mcd;
mod sample;
#[cfg(test)]
mod tests;

pub use sample::CovarianceSample;

use crate::FeatureError;
use crate::contribution::settle;
use crate::robust::median;
use matrix::{Root, Symmetric};
use mcd::{DEPENDENT, Rows, search};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Features of a row, at most.
pub const MOST_FEATURES: usize = 100;
/// Scales beyond which squares leave the range of a double.
const LARGEST_SCALE: f64 = 1e150;

/// The centre and the covariance of the bulk of the rows.
///
/// ```
/// use kpi_anomaly::mahalanobis::RobustCovariance;
/// // A line with a little noise, and a third of the rows far away.
/// let mut rows: Vec<f64> = (0..60).flat_map(|i| [f64::from(i), f64::from(2 * i + i * i % 7)]).collect();
/// rows.extend([1e6; 60]);
/// let bulk = RobustCovariance::fit(&rows, 2, &mut || false).unwrap();
/// assert!(bulk.distance(&[30.0, 63.0]).unwrap() < Some(2.0));
/// assert!(bulk.distance(&[30.0, 90.0]).unwrap() > Some(5.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RobustCovariance {
    centre: Vec<f64>,
    covariance: Symmetric,
    root: Root,
    /// Rows without a gap, and those of them that centre and covariance are made from.
    rows: u64,
    used: u64,
}

impl RobustCovariance {
    /// The centre and covariance of rows that lie one after the other, `width` features each: FastMCD (Rousseeuw & Van
    /// Driessen 1999), the median of the distances made that of a chi-squared distribution, and one step of reweighting with
    /// the rows within its 97.5% quantile, made consistent for normal rows (Croux & Haesbroeck 1999). A row with a feature that is
    /// not finite is left out. `poll` is called now and then; true ends it.
    ///
    /// # Errors
    /// [`FeatureError`] for rows of another width, fewer than twice as many rows as features and two more, and features that
    /// depend on each other in most rows, such as a constant.
    pub fn fit(rows: &[f64], width: usize, poll: &mut dyn FnMut() -> bool) -> Result<Self, FeatureError> {
        if !(1..=MOST_FEATURES).contains(&width) {
            return Err(FeatureError::Features {
                given: width,
                most: MOST_FEATURES,
            });
        }
        if !rows.len().is_multiple_of(width) {
            return Err(FeatureError::Width {
                given: rows.len() % width,
                expected: width,
            });
        }
        let whole = rows
            .chunks_exact(width)
            .filter(|row| row.iter().all(|value| value.is_finite()));
        let mut values: Vec<f64> = whole.flatten().copied().collect();
        let count = values.len() / width;
        let needed = 2 * width + 2;
        if count < needed {
            return Err(FeatureError::TooFew { rows: count, needed });
        }
        let units = standardise(&mut values, width)?;
        let (mut centre, mut covariance, used) = search(
            Rows {
                values: &values,
                width,
            },
            poll,
        )?;
        let mut place = 0;
        for (row, (middle, scale)) in units.iter().enumerate() {
            centre[row] = middle + scale * centre[row];
            for (_, other) in units.iter().take(row + 1) {
                covariance.lower[place] *= scale * other;
                place += 1;
            }
        }
        Self::new(centre, covariance, count as u64, used as u64)
    }

    fn new(centre: Vec<f64>, covariance: Symmetric, rows: u64, used: u64) -> Result<Self, FeatureError> {
        let root = covariance
            .root(DEPENDENT)
            .map_err(|row| FeatureError::Dependent { feature: row + 1 })?;
        Ok(Self {
            centre,
            covariance,
            root,
            rows,
            used,
        })
    }

    /// Features of a row.
    pub fn width(&self) -> usize {
        self.centre.len()
    }

    /// The centre, in the units of the features.
    pub fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// The covariance of two features, from 0; `None` where there is no such feature.
    pub fn covariance(&self, row: usize, column: usize) -> Option<f64> {
        let known = row.max(column) < self.width();
        known.then(|| self.covariance.at(row, column))
    }

    /// The rows that were learnt from, and those of them that were taken for the bulk.
    pub fn rows(&self) -> (u64, u64) {
        (self.rows, self.used)
    }

    /// How far a row is from the centre, in standard deviations of the bulk. A feature that is NaN is missing: the
    /// distance is that of the others. `None` where all are missing, infinity where one is infinite.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    pub fn distance(&self, features: &[f64]) -> Result<Option<f64>, FeatureError> {
        Ok(self.squared(features)?.map(|(squared, _)| squared.sqrt()))
    }

    /// The probability that a normal row is nearer, in [0, 1]: of a chi-squared distribution with as many degrees of freedom as
    /// features are known.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    pub fn score(&self, features: &[f64]) -> Result<Option<f64>, FeatureError> {
        let found = self.squared(features)?;
        Ok(found.and_then(|(squared, known)| Some(ChiSquared::new(known as f64).ok()?.cdf(squared))))
    }

    /// What each feature adds to the squared distance: its distance from the centre times the weight that all distances give it
    /// in the inverse of the covariance, which is its Shapley value (Mayrhofer & Filzmoser 2023, *Multivariate Outlier
    /// Explanations Using Shapley Values and Mahalanobis Distances*). They add up to the squared distance in their order, to the
    /// last bit wherever doubles can. One that is negative brings the row nearer: it fits the others. A missing feature adds
    /// nothing; of an infinite distance the infinite features have all.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    ///
    /// ```
    /// use kpi_anomaly::mahalanobis::RobustCovariance;
    /// let rows: Vec<f64> = (0..60).flat_map(|i| [f64::from(i * 7 % 11), f64::from(i * 5 % 13)]).collect();
    /// let bulk = RobustCovariance::fit(&rows, 2, &mut || false).unwrap();
    /// let parts = bulk.contributions(&[40.0, 6.0]).unwrap();
    /// assert!(parts[0] > 20.0 * parts[1].abs());
    /// let distance = bulk.distance(&[40.0, 6.0]).unwrap().unwrap();
    /// assert!((parts[0] + parts[1] - distance * distance).abs() < 1e-9);
    /// ```
    pub fn contributions(&self, features: &[f64]) -> Result<Vec<f64>, FeatureError> {
        let mut parts = vec![0.0; self.width()];
        let Some((squared, _)) = self.squared(features)? else {
            return Ok(parts);
        };
        if features.iter().any(|value| value.is_infinite()) || squared.is_infinite() {
            for (part, value) in parts.iter_mut().zip(features) {
                *part = if value.is_infinite() { f64::INFINITY } else { 0.0 };
            }
            return Ok(parts);
        }
        let known: Vec<usize> = (0..self.width()).filter(|at| !features[*at].is_nan()).collect();
        let off: Vec<f64> = known.iter().map(|at| features[*at] - self.centre[*at]).collect();
        let mut weights = off.clone();
        match self.root_of(&known)? {
            Some(root) => root.solve(&mut weights),
            None => self.root.solve(&mut weights),
        }
        let mut all: Vec<f64> = off
            .iter()
            .zip(weights)
            .map(|(off, weight)| off * weight)
            .collect();
        settle(&mut all, squared);
        for (at, part) in known.into_iter().zip(all) {
            parts[at] = part;
        }
        Ok(parts)
    }

    /// The squared distance, and of how many features.
    fn squared(&self, features: &[f64]) -> Result<Option<(f64, usize)>, FeatureError> {
        if features.len() != self.width() {
            return Err(FeatureError::Width {
                given: features.len(),
                expected: self.width(),
            });
        }
        let known: Vec<usize> = (0..self.width()).filter(|at| !features[*at].is_nan()).collect();
        if known.is_empty() {
            return Ok(None);
        }
        if features.iter().any(|value| value.is_infinite()) {
            return Ok(Some((f64::INFINITY, known.len())));
        }
        let mut off: Vec<f64> = known.iter().map(|at| features[*at] - self.centre[*at]).collect();
        match self.root_of(&known)? {
            Some(root) => root.forward(&mut off),
            None => self.root.forward(&mut off),
        }
        let squared: f64 = off.iter().map(|part| part * part).sum();
        // Beyond the range of a double it is as good as infinite.
        let squared = if squared.is_nan() { f64::INFINITY } else { squared };
        Ok(Some((squared, known.len())))
    }

    /// The root of the covariance of some features only; `None` of all.
    fn root_of(&self, known: &[usize]) -> Result<Option<Root>, FeatureError> {
        if known.len() == self.width() {
            return Ok(None);
        }
        let root = self.covariance.part(known).root(0.0);
        root.map(Some)
            .map_err(|row| FeatureError::Dependent { feature: row + 1 })
    }
}

/// Moves each feature to its median and divides it by its mean distance from there, and returns both.
fn standardise(values: &mut [f64], width: usize) -> Result<Vec<(f64, f64)>, FeatureError> {
    let mut units = Vec::with_capacity(width);
    for feature in 0..width {
        let mut column: Vec<f64> = values.iter().skip(feature).step_by(width).copied().collect();
        let count = column.len() as f64;
        let middle = median(&mut column).unwrap_or(0.0);
        let scale = column
            .iter()
            .map(|value| (value - middle).abs() / count)
            .sum::<f64>();
        if scale == 0.0 {
            return Err(FeatureError::Dependent { feature: feature + 1 });
        }
        if !(1.0 / LARGEST_SCALE..=LARGEST_SCALE).contains(&scale) {
            return Err(FeatureError::Overflow { feature: feature + 1 });
        }
        for value in values.iter_mut().skip(feature).step_by(width) {
            *value = (*value - middle) / scale;
        }
        units.push((middle, scale));
    }
    Ok(units)
}
