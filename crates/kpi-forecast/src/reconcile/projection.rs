//! The projection of base forecasts onto those that add up.

use super::cholesky::{Cholesky, dot};
use super::constraints::Constraints;
use super::{Covariance, Hierarchy};
use crate::Error;
use crate::model::unless_canceled;

/// The coherent forecasts that are nearest to the base forecasts in the metric of `W`: `S (S'W⁻¹S)⁻¹ S'W⁻¹ ŷ`, the minimum trace
/// reconciliation of Wickramasuriya, Athanasopoulos & Hyndman (2019, *Journal of the American Statistical Association*
/// 114:804-819), in the equal form that inverts no `W`: `ŷ - W U (U'WU)⁻¹ U'ŷ`, with a column of `U` for each sum, 1 at the sum and
/// -1 at its leaves. So there is one equation for each sum.
///
/// ```
/// use kpi_forecast::reconcile::{Covariance, Hierarchy, Projection};
/// let tree = Hierarchy::from_paths(&["all".into(), "all/a".into(), "all/b".into()]).unwrap();
/// // Total 13 against 4 + 6: with equal variances each of the three gives way by a third of the 3 that is missing.
/// let weight = Covariance::diagonal(&[1.0, 1.0, 1.0]);
/// let projection = Projection::new(&tree, &weight, &[true; 3], &mut || false).unwrap();
/// let leaves = projection.leaves(&[13.0, 4.0, 6.0]);
/// assert!((leaves[0] - 5.0).abs() < 1e-12 && (leaves[1] - 7.0).abs() < 1e-12);
/// ```
pub struct Projection<'a> {
    constraints: Constraints<'a>,
    solver: Cholesky,
}

impl<'a> Projection<'a> {
    /// `has_base` says for each node whether it has a base forecast; a sum without is what its leaves come to. `weight` is
    /// the covariance of the errors of base forecasts, up to a factor.
    ///
    /// # Errors
    /// [`Error::Canceled`] when `poll` says to stop.
    pub fn new(
        hierarchy: &'a Hierarchy,
        weight: &'a Covariance,
        has_base: &[bool],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let constraints = Constraints::new(hierarchy, weight, has_base, poll)?;
        let matrix = constraints.products(poll)?;
        let solver = Cholesky::new(matrix, constraints.sums.len(), poll)?;
        Ok(Self { constraints, solver })
    }

    /// The reconciled forecasts of the leaves, in their order, from a base forecast of each node. That of a sum without is not
    /// looked at.
    pub fn leaves(&self, base: &[f64]) -> Vec<f64> {
        let Constraints {
            hierarchy,
            weight,
            above,
            shared,
            ..
        } = &self.constraints;
        let mut pull = self.constraints.gaps(base);
        self.solver.solve(&mut pull);
        let mut common = vec![0.0; weight.shared.first().map_or(0, Vec::len)];
        for (row, pull) in shared.iter().zip(&pull) {
            for (into, value) in common.iter_mut().zip(row) {
                *into += pull * value;
            }
        }
        hierarchy
            .leaves()
            .iter()
            .zip(above)
            .map(|(leaf, above)| {
                let from_above: f64 = above.iter().map(|sum| pull[*sum]).sum();
                base[*leaf] + weight.own[*leaf] * from_above - dot(&weight.shared[*leaf], &common)
            })
            .collect()
    }

    /// For each node the variance of the error of its reconciled forecast over that of its base forecast, when the covariance of
    /// the errors of the base forecasts is `truth`: the diagonal of `M W M'` over that of `W`, with `M` the projection (Hyndman &
    /// Athanasopoulos, *Forecasting: principles and practice*, 3rd ed., section 11.3).
    ///
    /// # Errors
    /// [`Error::Canceled`] when `poll` says to stop.
    pub fn variance_ratios(
        &self,
        truth: &Covariance,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<f64>, Error> {
        let hierarchy = self.constraints.hierarchy;
        let mut has_base = vec![false; hierarchy.names().len()];
        self.constraints.sums.iter().for_each(|sum| has_base[*sum] = true);
        let of_truth = Constraints::new(hierarchy, truth, &has_base, poll)?;
        let matrix = of_truth.products(poll)?;
        let mut places = vec![None; hierarchy.names().len()];
        for (place, leaf) in hierarchy.leaves().iter().enumerate() {
            places[*leaf] = Some(place);
        }
        let mut ratios = Vec::with_capacity(places.len());
        for (node, leaf) in places.iter().enumerate() {
            unless_canceled(poll)?;
            // The node's row of W U (U'WU)⁻¹.
            let mut pull = self.constraints.column(node, *leaf);
            self.solver.solve(&mut pull);
            let before = truth.variance(node);
            let mut after = before - 2.0 * dot(&pull, &of_truth.column(node, *leaf));
            let rows = matrix.chunks_exact(pull.len().max(1));
            for (i, (p, row)) in pull.iter().zip(rows).enumerate() {
                after += p * (2.0 * dot(&row[..i], &pull[..i]) + row[i] * p);
            }
            ratios.push((after / before).max(0.0));
        }
        Ok(ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Hierarchy {
        Hierarchy::from_paths(&paths.iter().map(|p| p.to_string()).collect::<Vec<_>>()).unwrap()
    }

    fn projected(hierarchy: &Hierarchy, weight: &Covariance, base: &[f64]) -> Vec<f64> {
        let projection = Projection::new(hierarchy, weight, &vec![true; base.len()], &mut || false).unwrap();
        hierarchy.sums(&projection.leaves(base))
    }

    fn assert_near(got: &[f64], want: &[f64]) {
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() < 1e-9, "{got:?} is not {want:?}");
        }
    }

    #[test]
    fn two_leaves_by_hand() {
        let tree = tree(&["all", "all/a", "all/b"]);
        let base = [13.0, 4.0, 6.0];
        // The missing 3 is shared in proportion to the variances 2, 1, 1 of the total and the leaves.
        assert_near(
            &projected(&tree, &Covariance::diagonal(&[2.0, 1.0, 1.0]), &base),
            &[11.5, 4.75, 6.75],
        );
        // W = [[4,1,2],[1,2,1],[2,1,3]]; U = (1,-1,-1)'; WU = (1,-2,-2)'; U'WU = 5; z = 3/5.
        // So the total gives way by 0.6, and each leaf by -1.2.
        let shared = vec![vec![1.0, 1.0], vec![1.0, 0.0], vec![1.0, 1.0]];
        let weight = Covariance {
            own: vec![2.0, 1.0, 1.0],
            shared,
            shrinkage: 0.5,
        };
        // F F' = [[2,1,2],[1,1,1],[2,1,2]], with the diagonal W as above.
        assert_near(&projected(&tree, &weight, &base), &[12.4, 5.2, 7.2]);
        let projection = Projection::new(&tree, &weight, &[true; 3], &mut || false).unwrap();
        // M W M' = W - W U U'W / 5: 4 - 1/5, 2 - 4/5, 3 - 4/5.
        let ratios = projection.variance_ratios(&weight, &mut || false).unwrap();
        assert_near(&ratios, &[3.8 / 4.0, 1.2 / 2.0, 2.2 / 3.0]);
    }

    #[test]
    fn a_sum_without_a_forecast_has_no_say() {
        let tree = tree(&["all", "all/a", "all/b"]);
        let weight = Covariance::diagonal(&[1.0; 3]);
        let projection = Projection::new(&tree, &weight, &[false, true, true], &mut || false).unwrap();
        assert_eq!(projection.leaves(&[f64::NAN, 4.0, 6.0]), [4.0, 6.0]);
    }

    #[test]
    fn a_wrong_weight_makes_a_larger_variance_than_the_right_one() {
        let tree = tree(&["all", "all/a", "all/b"]);
        let truth = Covariance::diagonal(&[1.0, 4.0, 9.0]);
        let ratios = |weight: &Covariance| {
            let projection = Projection::new(&tree, weight, &[true; 3], &mut || false).unwrap();
            projection.variance_ratios(&truth, &mut || false).unwrap()
        };
        let (right, wrong) = (ratios(&truth), ratios(&Covariance::diagonal(&[1.0; 3])));
        let trace = |ratios: &[f64]| ratios[0] + 4.0 * ratios[1] + 9.0 * ratios[2];
        assert!(trace(&right) < trace(&wrong) && right.iter().all(|r| *r < 1.0));
    }
}
