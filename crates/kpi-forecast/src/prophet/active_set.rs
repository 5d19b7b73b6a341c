//! Quadratic functions with absolute values.

/// The least `x' H x / 2 - g' x + w sum |x_j|`, the sum over the variables from `first` to before `last`, from `start`: an
/// active-set search over the signs of these variables, which ends at the minimum itself and not near it (feature-sign search;
/// Lee, Battle, Raina & Ng 2007, *Advances in Neural Information Processing Systems* 19:801-808). `hessian` is given by rows and
/// positive definite. `None` when it is not, to the digits that there are.
///
/// ```
/// use kpi_forecast::prophet::active_set::{Penalty, minimize};
/// let penalty = Penalty { first: 0, last: 2, weight: 1.0 };
/// let identity = [vec![1.0, 0.0], vec![0.0, 1.0]];
/// assert_eq!(minimize(&identity, &[3.0, -0.5], penalty, &[0.0, 0.0]).unwrap(), [2.0, 0.0]);
/// ```
pub fn minimize(hessian: &[Vec<f64>], linear: &[f64], penalty: Penalty, start: &[f64]) -> Option<Vec<f64>> {
    let n = linear.len();
    let mut at = start.to_vec();
    let mut sign: Vec<f64> = (0..n)
        .map(|j| match at[j] {
            x if !penalty.holds(j) || x == 0.0 => 0.0,
            x => x.signum(),
        })
        .collect();
    // Far more than it ever takes; a search that goes round in rounding errors ends.
    for _ in 0..20 * (n + 1) {
        let active: Vec<usize> = (0..n).filter(|j| !penalty.holds(*j) || sign[*j] != 0.0).collect();
        let right = active
            .iter()
            .map(|j| linear[*j] - penalty.weight * sign[*j])
            .collect();
        let there = solve(hessian, &active, right)?;
        // As far as the first variable that would change its sign.
        let mut length = 1.0;
        let mut stopped = None;
        for (j, to) in active.iter().zip(&there) {
            if sign[*j] != 0.0 && to * sign[*j] < 0.0 {
                let share = at[*j] / (at[*j] - to);
                if share < length {
                    (length, stopped) = (share, Some(*j));
                }
            }
        }
        for (j, to) in active.iter().zip(&there) {
            at[*j] += length * (to - at[*j]);
        }
        if let Some(j) = stopped {
            (at[j], sign[j]) = (0.0, 0.0);
            continue;
        }
        let slope =
            |j: usize| -> f64 { hessian[j].iter().zip(&at).map(|(h, x)| h * x).sum::<f64>() - linear[j] };
        let steepest = (penalty.first..penalty.last)
            .filter(|j| sign[*j] == 0.0)
            .map(|j| (j, slope(j)))
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        match steepest {
            Some((j, slope)) if slope.abs() > penalty.weight * (1.0 + 1e-9) => sign[j] = -slope.signum(),
            _ => break,
        }
    }
    Some(at)
}

/// The variables whose absolute values are added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Penalty {
    /// The first of them.
    pub first: usize,
    /// One after the last of them.
    pub last: usize,
    /// What their absolute values are multiplied by.
    pub weight: f64,
}

impl Penalty {
    fn holds(self, j: usize) -> bool {
        (self.first..self.last).contains(&j)
    }
}

/// Solves the rows and columns `active` of a positive definite system by Cholesky's decomposition.
fn solve(hessian: &[Vec<f64>], active: &[usize], mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = active.len();
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
    for (i, row) in active.iter().enumerate() {
        let mut mine: Vec<f64> = Vec::with_capacity(i + 1);
        for (k, column) in active[..i].iter().enumerate() {
            let known: f64 = mine.iter().zip(&lower[k]).map(|(a, b)| a * b).sum();
            mine.push((hessian[*row][*column] - known) / lower[k][k]);
        }
        let known: f64 = mine.iter().map(|a| a * a).sum();
        let whole = hessian[*row][*row];
        // What rounding may take from a pivot is put back, so that a column that is all but a combination of others gets no share.
        let pivot = (whole - known).max(whole * 1e-14);
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        mine.push(pivot.sqrt());
        lower.push(mine);
    }
    for i in 0..n {
        let known: f64 = lower[i].iter().zip(&right[..i]).map(|(l, x)| l * x).sum();
        right[i] = (right[i] - known) / lower[i][i];
    }
    for i in (0..n).rev() {
        right[i] /= lower[i][i];
        let (before, rest) = right.split_at_mut(i);
        for (x, l) in before.iter_mut().zip(&lower[i]) {
            *x -= l * rest[0];
        }
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Of a convex function a point is the minimum when and only when 0 is one of its subgradients there.
        #[test]
        fn it_ends_at_the_minimum(
            columns in prop::collection::vec(prop::collection::vec(-2.0..2.0_f64, 12), 6),
            linear in prop::collection::vec(-5.0..5.0_f64, 6), weight in 0.01..5.0_f64,
            start in prop::collection::vec(-1.0..1.0_f64, 6),
        ) {
            let hessian: Vec<Vec<f64>> = (0..6).map(|i| (0..6).map(|j| {
                let dot: f64 = columns[i].iter().zip(&columns[j]).map(|(a, b)| a * b).sum();
                dot + if i == j { 0.1 } else { 0.0 }
            }).collect()).collect();
            let penalty = Penalty { first: 1, last: 5, weight };
            let found = minimize(&hessian, &linear, penalty, &start).unwrap();
            for j in 0..6 {
                let slope = hessian[j].iter().zip(&found).map(|(h, x)| h * x).sum::<f64>() - linear[j];
                match (penalty.holds(j), found[j]) {
                    (false, _) => prop_assert!(slope.abs() < 1e-6),
                    (true, 0.0) => prop_assert!(slope.abs() < weight + 1e-6),
                    (true, x) => prop_assert!((slope + weight * x.signum()).abs() < 1e-6, "{slope} {x}"),
                }
            }
        }
    }

    #[test]
    fn what_is_not_definite_is_refused() {
        let penalty = Penalty {
            first: 0,
            last: 0,
            weight: 1.0,
        };
        assert_eq!(minimize(&[vec![-1.0]], &[1.0], penalty, &[0.0]), None);
        assert_eq!(minimize(&[vec![f64::NAN]], &[1.0], penalty, &[0.0]), None);
    }
}
