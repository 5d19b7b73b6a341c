//! Isolation forests: how few random cuts set a row apart from the others.
//!
//! Liu, Ting & Zhou 2008, *Isolation Forest* (ICDM). Each tree takes a sample of the rows and cuts it at a random place
//! between the least and the greatest value of a random feature, again and again, until every row is alone or the tree is
//! as deep as a balanced one would be. A row that differs from the others is alone after few cuts.

mod attribution;
mod build;
mod codec;
mod complete;
mod sample;
mod score;

pub use sample::ForestSample;

use crate::FeatureError;
use crate::reservoir::{MAX_CELLS, MAX_WIDTH};

/// Trees of a forest, at most.
pub const MAX_TREES: i64 = 1000;
/// Rows that each tree takes, at most.
pub const MAX_SAMPLE: i64 = 65_536;
/// Rows that all trees take together, at most: a forest of so many leaves takes about 20 MB, and 130 MB at work.
pub const MAX_LEAVES: i64 = 1 << 21;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForestRequest {
    /// Trees, from 1 to [`MAX_TREES`].
    pub trees: i64,
    /// Rows that each tree takes, without replacement, from 2 to [`MAX_SAMPLE`]; all rows where there are fewer.
    pub sample: i64,
    /// The same seed and the same rows in the same order make the same forest.
    pub seed: i64,
}

impl Default for ForestRequest {
    /// 100 trees of 256 rows, as the paper has it.
    fn default() -> Self {
        Self {
            trees: 100,
            sample: 256,
            seed: 0,
        }
    }
}

impl ForestRequest {
    /// Whether such a forest of rows of `width` features can be made.
    ///
    /// # Errors
    /// [`FeatureError::Trees`], [`FeatureError::Sample`], [`FeatureError::Features`] and [`FeatureError::SampleTooLarge`] for
    /// what is out of range.
    pub fn check(&self, width: usize) -> Result<(), FeatureError> {
        let (trees, sample) = (self.trees, self.sample);
        if !(1..=MAX_TREES).contains(&trees) {
            return Err(FeatureError::Trees { trees });
        }
        if !(2..=MAX_SAMPLE).contains(&sample) {
            return Err(FeatureError::Sample { sample });
        }
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(FeatureError::Features {
                given: width,
                most: MAX_WIDTH,
            });
        }
        if (sample as usize).saturating_mul(width) > MAX_CELLS {
            return Err(FeatureError::SampleTooLarge { sample, width });
        }
        if trees * sample > MAX_LEAVES {
            return Err(FeatureError::ForestTooLarge { trees, sample });
        }
        Ok(())
    }
}

/// A cut, or a leaf.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// A row goes left where its feature is below. NaN in a leaf, below which nothing is and at or above which nothing is.
    threshold: f64,
    feature: u32,
    /// The left branch; the right one is the next. A leaf's is itself.
    left: u32,
}

/// The thresholds of two leaves are the same.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        (self.threshold.to_bits(), self.feature, self.left)
            == (other.threshold.to_bits(), other.feature, other.left)
    }
}

impl Node {
    fn is_leaf(&self) -> bool {
        self.threshold.is_nan()
    }
}

/// What is known of a node besides its cut.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mass {
    /// Rows of the sample that came here.
    rows: u32,
    /// Cuts from the root that such a row needs on average until it is alone.
    path: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Tree {
    root: u32,
    /// Cuts to the deepest leaf.
    depth: u32,
}

/// A fitted isolation forest.
///
/// ```
/// use kpi_anomaly::forest::{Forest, ForestRequest};
/// let mut rows: Vec<f64> = (0..400).flat_map(|i| [f64::from(i % 20), f64::from(i / 20)]).collect();
/// rows.extend([60.0, 10.0]);
/// let forest = Forest::fit(&rows, 2, &ForestRequest::default(), &mut || false).unwrap();
/// assert!(forest.score(&[60.0, 10.0]) > 0.7);
/// assert!(forest.score(&[10.0, 10.0]) < 0.5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    width: usize,
    /// Rows that each tree was made from.
    sample: u32,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// Of each node.
    masses: Vec<Mass>,
}

impl Forest {
    /// Features of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Rows that each tree was made from.
    pub fn sample(&self) -> usize {
        self.sample as usize
    }

    /// The mean path of so many rows: what a path is measured against.
    fn usual_path(&self) -> f64 {
        mean_path(self.sample)
    }

    /// Fails where a row has another width.
    ///
    /// # Errors
    /// [`FeatureError::Width`].
    pub fn check(&self, features: &[f64]) -> Result<(), FeatureError> {
        if features.len() == self.width {
            return Ok(());
        }
        Err(FeatureError::Width {
            given: features.len(),
            expected: self.width,
        })
    }
}

/// Cuts that a row of a random tree of so many rows needs until it is alone, on average: c(n) of the paper, with its
/// approximation of the harmonic numbers.
pub(crate) fn mean_path(rows: u32) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let others = f64::from(rows - 1);
            2.0 * (others.ln() + EULER) - 2.0 * others / f64::from(rows)
        }
    }
}

/// The Euler-Mascheroni constant.
const EULER: f64 = 0.577_215_664_901_532_9;

#[cfg(test)]
mod tests;
