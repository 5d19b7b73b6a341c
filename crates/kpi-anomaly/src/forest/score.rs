//! Scores: how short the path of a row is.

use super::complete::{Complete, LANES};
use super::{Forest, Tree};
use crate::FeatureError;

/// Rows that go through a tree while it is near.
const BLOCK: usize = 128;

impl Forest {
    /// 2 to the power of -E(h)/c(n), in [0, 1]: E(h) is the mean path of the row over all trees and c(n) that of a random
    /// tree. Near 1 for a row that is alone after few cuts, about 0.5 where nothing stands out, less in the midst of
    /// others. A feature that is not a number is missing: its cuts lead both ways, weighted by the rows that went there.
    /// NaN for a row of another width (see [`check`](Forest::check)).
    pub fn score(&self, features: &[f64]) -> f64 {
        if features.len() != self.width {
            return f64::NAN;
        }
        self.score_of(self.path(features))
    }

    /// The score of a row whose path is that of the sample's rows on average: what [`contributions`](Forest::contributions)
    /// start from.
    pub fn typical_score(&self) -> f64 {
        let roots = self
            .trees
            .iter()
            .filter_map(|tree| self.masses.get(tree.root as usize));
        self.score_of(roots.map(|mass| mass.path).sum::<f64>() / self.trees.len() as f64)
    }

    /// The scores of rows that lie one after the other. `poll` is called now and then; true ends it.
    ///
    /// # Errors
    /// [`FeatureError::Width`] where the last row is not whole, and [`FeatureError::Canceled`].
    pub fn scores(&self, rows: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, FeatureError> {
        if !rows.len().is_multiple_of(self.width) {
            return Err(FeatureError::Width {
                given: rows.len() % self.width,
                expected: self.width,
            });
        }
        let mut paths = vec![0.0; rows.len() / self.width];
        // Few rows are not worth it.
        let complete = (paths.len() >= BLOCK).then(|| self.complete()).flatten();
        for (block, paths) in rows.chunks(BLOCK * self.width).zip(paths.chunks_mut(BLOCK)) {
            if poll() {
                return Err(FeatureError::Canceled);
            }
            match &complete {
                Some(trees) => self.complete_block(trees, block, paths),
                None => self.block(block, paths),
            }
            self.finish_block(block, paths);
        }
        Ok(paths.into_iter().map(|path| self.score_of(path)).collect())
    }

    pub(super) fn score_of(&self, path: f64) -> f64 {
        (-path / self.usual_path()).exp2()
    }

    /// The mean path of a row.
    pub(super) fn path(&self, features: &[f64]) -> f64 {
        let mut sum = 0.0;
        if features.iter().any(|value| value.is_nan()) {
            for tree in &self.trees {
                sum += self.split_path(tree.root, features);
            }
            return sum / self.trees.len() as f64;
        }
        let (groups, rest) = self.trees.as_chunks::<LANES>();
        for group in groups {
            let depth = group.iter().map(|tree| tree.depth).max().unwrap_or(0);
            let ends = self.walk(group.map(|tree| tree.root), depth, |_, feature| features[feature]);
            ends.iter().for_each(|end| sum += self.masses[*end as usize].path);
        }
        for tree in rest {
            let [end] = self.walk([tree.root], tree.depth, |_, feature| features[feature]);
            sum += self.masses[end as usize].path;
        }
        sum / self.trees.len() as f64
    }

    /// Adds no more than `depth` steps to each lane. In a leaf a step leads nowhere.
    #[inline]
    fn walk<const N: usize>(
        &self,
        mut at: [u32; N],
        depth: u32,
        value: impl Fn(usize, usize) -> f64,
    ) -> [u32; N] {
        let nodes = self.nodes.as_slice();
        for _ in 0..depth {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &nodes[*at as usize];
                *at = node.left + u32::from(value(lane, node.feature as usize) >= node.threshold);
            }
        }
        at
    }

    /// Adds the paths of up to [`BLOCK`] rows.
    fn block(&self, rows: &[f64], paths: &mut [f64]) {
        let width = self.width;
        for tree in &self.trees {
            let (groups, rest) = paths.as_chunks_mut::<LANES>();
            let walked = groups.len() * LANES;
            for (group, paths) in groups.iter_mut().enumerate() {
                let first = &rows[group * LANES * width..(group + 1) * LANES * width];
                let ends = self.walk([tree.root; LANES], tree.depth, |lane, feature| {
                    first[lane * width + feature]
                });
                for (path, end) in paths.iter_mut().zip(ends) {
                    *path += self.masses[end as usize].path;
                }
            }
            for (row, path) in (walked..).zip(rest) {
                let [end] = self.walk([tree.root], tree.depth, |_, feature| rows[row * width + feature]);
                *path += self.masses[end as usize].path;
            }
        }
    }

    /// The same through complete trees.
    fn complete_block(&self, trees: &[Complete], rows: &[f64], paths: &mut [f64]) {
        let width = self.width;
        let mut groups = vec![[0.0; LANES]; paths.len().div_ceil(LANES) * width];
        for (row, features) in rows.chunks_exact(width).enumerate() {
            let columns = &mut groups[row / LANES * width..][..width];
            for (column, value) in columns.iter_mut().zip(features) {
                column[row % LANES] = *value;
            }
        }
        for tree in trees {
            for (columns, paths) in groups.chunks_exact(width).zip(paths.chunks_mut(LANES)) {
                for (path, more) in paths.iter_mut().zip(tree.paths(columns)) {
                    *path += more;
                }
            }
        }
    }

    /// Makes sums of paths their means; rows with missing features are walked one by one.
    fn finish_block(&self, rows: &[f64], paths: &mut [f64]) {
        let trees = self.trees.len() as f64;
        for (row, path) in rows.chunks_exact(self.width).zip(paths) {
            *path = if row.iter().any(|value| value.is_nan()) {
                self.path(row)
            } else {
                *path / trees
            };
        }
    }

    /// The mean path of a row with missing features from `node` on.
    fn split_path(&self, node: u32, features: &[f64]) -> f64 {
        let mut at = node as usize;
        loop {
            let node = self.nodes[at];
            if node.is_leaf() {
                return self.masses[at].path;
            }
            let (left, value) = (node.left as usize, features[node.feature as usize]);
            if value.is_nan() {
                let share = self.share(left);
                return share * self.split_path(node.left, features)
                    + (1.0 - share) * self.split_path(node.left + 1, features);
            }
            at = left + usize::from(value >= node.threshold);
        }
    }

    /// The share of the rows that went left.
    pub(super) fn share(&self, left: usize) -> f64 {
        let (a, b) = (self.masses[left].rows, self.masses[left + 1].rows);
        f64::from(a) / f64::from(a + b)
    }

    /// The trees, for those that walk them one by one.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Tree> {
        self.trees.iter()
    }
}
