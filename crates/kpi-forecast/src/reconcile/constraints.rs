//! What has to add up, and how it goes with the errors of the forecasts.

use super::cholesky::dot;
use super::{Covariance, Hierarchy};
use crate::Error;
use crate::model::unless_canceled;

/// The matrix `U`, with a column for each sum, 1 at the sum and -1 at its leaves, and its products with `W`.
pub(super) struct Constraints<'a> {
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) weight: &'a Covariance,
    /// The sums that have to agree with their leaves.
    pub(super) sums: Vec<usize>,
    /// For each leaf, the places in `sums` of those that it is part of, in ascending order.
    pub(super) above: Vec<Vec<usize>>,
    /// For each of the sums, its row of `U'F`.
    pub(super) shared: Vec<Vec<f64>>,
}

impl<'a> Constraints<'a> {
    pub(super) fn new(
        hierarchy: &'a Hierarchy,
        weight: &'a Covariance,
        has_base: &[bool],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let leaves = hierarchy.leaves();
        let mut is_leaf = vec![false; hierarchy.names().len()];
        leaves.iter().for_each(|leaf| is_leaf[*leaf] = true);
        let sums: Vec<usize> = (0..is_leaf.len())
            .filter(|node| !is_leaf[*node] && has_base[*node])
            .collect();
        let mut above = vec![Vec::new(); leaves.len()];
        let mut shared = Vec::with_capacity(sums.len());
        for (place, sum) in sums.iter().enumerate() {
            unless_canceled(poll)?;
            let mut row = weight.shared[*sum].clone();
            for part in hierarchy.parts(*sum) {
                above[*part].push(place);
                for (into, value) in row.iter_mut().zip(&weight.shared[leaves[*part]]) {
                    *into -= value;
                }
            }
            shared.push(row);
        }
        Ok(Self {
            hierarchy,
            weight,
            sums,
            above,
            shared,
        })
    }

    /// `U'ŷ`: by how much each sum differs from its leaves.
    pub(super) fn gaps(&self, base: &[f64]) -> Vec<f64> {
        let leaves = self.hierarchy.leaves();
        let of_leaves = |sum: usize| {
            let parts = self.hierarchy.parts(sum).iter();
            parts.map(|part| base[leaves[*part]]).sum::<f64>()
        };
        self.sums.iter().map(|sum| base[*sum] - of_leaves(*sum)).collect()
    }

    /// The lower triangle of `U'WU`, row after row.
    pub(super) fn products(&self, poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Error> {
        let size = self.sums.len();
        let mut matrix = vec![0.0; size * size];
        for (i, sum) in self.sums.iter().enumerate() {
            unless_canceled(poll)?;
            matrix[i * size + i] += self.weight.own[*sum];
            for j in 0..=i {
                matrix[i * size + j] += dot(&self.shared[i], &self.shared[j]);
            }
        }
        for (leaf, above) in self.hierarchy.leaves().iter().zip(&self.above) {
            unless_canceled(poll)?;
            for (last, i) in above.iter().enumerate() {
                for j in &above[..=last] {
                    matrix[i * size + j] += self.weight.own[*leaf];
                }
            }
        }
        Ok(matrix)
    }

    /// The column of `U'W` of a node, which is at the place `leaf` among the leaves, or a sum.
    pub(super) fn column(&self, node: usize, leaf: Option<usize>) -> Vec<f64> {
        let shared = &self.weight.shared[node];
        let mut column: Vec<f64> = self.shared.iter().map(|row| dot(row, shared)).collect();
        let own = self.weight.own[node];
        match leaf {
            Some(leaf) => self.above[leaf].iter().for_each(|sum| column[*sum] -= own),
            None => {
                if let Ok(place) = self.sums.binary_search(&node) {
                    column[place] += own;
                }
            }
        }
        column
    }
}
