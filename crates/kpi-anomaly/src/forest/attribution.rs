//! Which features a score is made of.

use super::Forest;
use crate::FeatureError;

impl Forest {
    /// How much each feature added to the score of a row, in the unit of the score: they add up to
    /// [`score`](Forest::score) less [`typical_score`](Forest::typical_score), but for rounding.
    ///
    /// Every node knows how long the path of its rows is on average. A cut that leads into a branch of shorter paths than
    /// its own adds the difference to its feature (the path attribution of Palczewska et al. 2014, *Interpreting Random
    /// Forest Classification Models Using a Feature Contribution Method*). From the root to the leaf these add up to the
    /// mean path of the sample less that of the row. Being paths, they are exponents of the score, and are taken to its
    /// unit by one common factor, (s - t) / (log2 s - log2 t) over c(n) for the score s and the typical score t. A missing
    /// feature adds nothing.
    ///
    /// # Errors
    /// [`FeatureError::Width`] for a row of another width.
    ///
    /// ```
    /// use kpi_anomaly::forest::{Forest, ForestRequest};
    /// let mut rows: Vec<f64> = (0..400).flat_map(|i| [f64::from(i % 20), f64::from(i / 20)]).collect();
    /// rows.extend([60.0, 10.0]);
    /// let forest = Forest::fit(&rows, 2, &ForestRequest::default(), &mut || false).unwrap();
    /// let parts = forest.contributions(&[60.0, 10.0]).unwrap();
    /// assert!(parts[0] > 0.2 && parts[0] > 5.0 * parts[1].abs());
    /// let sum = forest.typical_score() + parts[0] + parts[1];
    /// assert!((sum - forest.score(&[60.0, 10.0])).abs() < 1e-12);
    /// ```
    pub fn contributions(&self, features: &[f64]) -> Result<Vec<f64>, FeatureError> {
        self.check(features)?;
        let mut parts = vec![0.0; self.width];
        for tree in self.roots() {
            self.add_parts(tree.root as usize, 1.0, features, &mut parts);
        }
        let trees = self.trees.len() as f64;
        let shorter = parts.iter().sum::<f64>() / trees;
        let (score, typical) = (self.score(features), self.typical_score());
        let exponent = shorter / self.usual_path();
        // Towards no difference the factor goes to the slope of the power.
        let slope = if exponent.abs() < 1e-9 {
            typical * std::f64::consts::LN_2
        } else {
            (score - typical) / exponent
        };
        let factor = slope / self.usual_path() / trees;
        parts.iter_mut().for_each(|part| *part *= factor);
        Ok(parts)
    }

    /// Adds what the cuts below `node` shorten the path by, times `weight`.
    fn add_parts(&self, node: usize, weight: f64, features: &[f64], parts: &mut [f64]) {
        let mut at = node;
        loop {
            let node = self.nodes[at];
            if node.is_leaf() {
                return;
            }
            let (left, feature) = (node.left as usize, node.feature as usize);
            let value = features[feature];
            if value.is_nan() {
                let share = self.share(left);
                self.add_parts(left, weight * share, features, parts);
                self.add_parts(left + 1, weight * (1.0 - share), features, parts);
                return;
            }
            let next = left + usize::from(value >= node.threshold);
            parts[feature] += weight * (self.masses[at].path - self.masses[next].path);
            at = next;
        }
    }
}
