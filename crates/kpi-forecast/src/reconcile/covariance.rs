//! The covariance matrix of the errors of base forecasts, up to a factor, which changes nothing.

/// No variance is taken as smaller than this share of the largest: a node without error keeps its forecast.
const LEAST_VARIANCE: f64 = 1e-12;
/// The least share of the diagonal matrix, so that the whole is positive definite.
const LEAST_SHRINKAGE: f64 = 1e-6;

/// `W = diag(own) + F F'`, without the memory that `W` itself would need.
///
/// ```
/// use kpi_forecast::reconcile::Covariance;
/// let errors = vec![vec![1.0, -2.0, 3.0, -2.0], vec![2.0, 1.0, -1.0, -2.0]];
/// let shrunk = Covariance::shrunk(&errors, &[1.0, 1.0]);
/// assert!((shrunk.variance(0) - 4.5).abs() < 1e-12); // variances are those of the errors, only covariances are shrunk
/// assert!((shrunk.variance(1) - 2.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// For each node, the variance of the part of its error that it shares with no other.
    pub own: Vec<f64>,
    /// For each node its row of `F`; all have the same length.
    pub shared: Vec<Vec<f64>>,
    /// The weight of the diagonal matrix, 1 where nothing is shared.
    pub shrinkage: f64,
}

impl Covariance {
    /// A diagonal matrix. What is not above 0 is taken as a very small variance.
    pub fn diagonal(variances: &[f64]) -> Self {
        Self {
            own: floored(variances),
            shared: vec![Vec::new(); variances.len()],
            shrinkage: 1.0,
        }
    }

    /// The mean products of errors, with the correlations shrunk towards none by the weight of Schäfer & Strimmer (2005,
    /// *Statistical Applications in Genetics and Molecular Biology* 4:32): the sum of the variances of the correlations
    /// over the sum of their squares. That is "MinT(shrink)" of Wickramasuriya, Athanasopoulos & Hyndman (2019, *Journal of the
    /// American Statistical Association* 114:804-819).
    ///
    /// `errors` has a row for each node, all of the same length and for the same times, `NaN` where there is none; what is
    /// missing says nothing of a correlation. A node with fewer than two errors has the standard error given for it.
    pub fn shrunk(errors: &[Vec<f64>], standard_errors: &[f64]) -> Self {
        let mean_square = |(row, standard_error): (&Vec<f64>, &f64)| {
            let known = || row.iter().filter(|e| e.is_finite());
            match known().count() {
                0 | 1 => standard_error * standard_error,
                count => known().map(|e| e * e).sum::<f64>() / count as f64,
            }
        };
        let variances = floored(
            &errors
                .iter()
                .zip(standard_errors)
                .map(mean_square)
                .collect::<Vec<f64>>(),
        );
        let standardised: Vec<Vec<f64>> = errors
            .iter()
            .zip(&variances)
            .map(|(row, variance)| standardised(row, *variance))
            .collect();
        let times = errors.first().map_or(0, Vec::len);
        let shrinkage = shrinkage(&standardised, times).max(LEAST_SHRINKAGE);
        let share = ((1.0 - shrinkage) / times.max(1) as f64).sqrt();
        let mut own = Vec::with_capacity(variances.len());
        let mut shared = Vec::with_capacity(variances.len());
        for (mut row, variance) in standardised.into_iter().zip(&variances) {
            row.iter_mut().for_each(|x| *x *= share * variance.sqrt());
            let common: f64 = row.iter().map(|x| x * x).sum();
            own.push((variance - common).max(LEAST_SHRINKAGE * variance));
            shared.push(row);
        }
        Self {
            own,
            shared,
            shrinkage,
        }
    }

    /// The variance of the error of a node.
    pub fn variance(&self, node: usize) -> f64 {
        self.own[node] + self.shared[node].iter().map(|x| x * x).sum::<f64>()
    }
}

/// Errors in units of their standard deviation; 0, which says nothing, where there is none.
fn standardised(row: &[f64], variance: f64) -> Vec<f64> {
    let known = row.iter().filter(|e| e.is_finite()).count();
    let scale = if known < 2 { 0.0 } else { 1.0 / variance.sqrt() };
    row.iter()
        .map(|e| if e.is_finite() { e * scale } else { 0.0 })
        .collect()
}

fn floored(variances: &[f64]) -> Vec<f64> {
    let largest = variances.iter().copied().fold(0.0, f64::max);
    let least = if largest > 0.0 {
        largest * LEAST_VARIANCE
    } else {
        1.0
    };
    variances.iter().map(|v| v.max(least)).collect()
}

/// The sums over all pairs of nodes without looking at each pair: with `x` standardised, the sum over i and j of
/// `(x_ti x_tj)^2` is the square of the sum of `x_ti^2`, and that of `(sum_t x_ti x_tj)^2` is that of the squared products of the
/// rows of two times.
fn shrinkage(standardised: &[Vec<f64>], times: usize) -> f64 {
    if times < 2 {
        return 1.0;
    }
    let mut products = vec![0.0; times * times];
    let (mut fourth, mut squared) = (0.0, 0.0);
    for row in standardised {
        fourth += row.iter().map(|x| x.powi(4)).sum::<f64>();
        squared += row.iter().map(|x| x * x).sum::<f64>().powi(2);
        for (x, into) in row.iter().zip(products.chunks_exact_mut(times)) {
            for (sum, y) in into.iter_mut().zip(row) {
                *sum += x * y;
            }
        }
    }
    let of_time: f64 = (0..times).map(|t| products[t * times + t].powi(2)).sum();
    let of_pairs: f64 = products.iter().map(|p| p * p).sum();
    let (of_squares, of_correlations) = (of_time - fourth, of_pairs - squared);
    let n = times as f64;
    let variances = (of_squares - of_correlations / n) / (n * (n - 1.0));
    let squares = of_correlations / (n * n);
    // What is left of sums that cancel out is no correlation.
    if squares <= 1e-12 * of_pairs / (n * n) {
        return 1.0;
    }
    (variances / squares).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, pair by pair.
    fn plain(errors: &[Vec<f64>]) -> f64 {
        let n = errors[0].len() as f64;
        let scaled: Vec<Vec<f64>> = errors
            .iter()
            .map(|row| {
                let size = (row.iter().map(|e| e * e).sum::<f64>() / n).sqrt();
                row.iter().map(|e| e / size).collect()
            })
            .collect();
        let (mut variances, mut squares) = (0.0, 0.0);
        for i in 0..errors.len() {
            for j in (0..errors.len()).filter(|j| *j != i) {
                let w: Vec<f64> = scaled[i].iter().zip(&scaled[j]).map(|(a, b)| a * b).collect();
                let mean = w.iter().sum::<f64>() / n;
                variances += w.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n * (n - 1.0));
                squares += mean * mean;
            }
        }
        (variances / squares).clamp(0.0, 1.0)
    }

    #[test]
    fn the_weight_is_that_of_the_definition() {
        let random = |seed: i64| {
            (0..25)
                .map(|t| {
                    ((t * 7919 + seed * 104_729) % 1009 - 504) as f64 / 100.0 + ((t * 31) % 17) as f64 / 4.0
                })
                .collect::<Vec<f64>>()
        };
        let errors: Vec<Vec<f64>> = (1..7).map(random).collect();
        let found = Covariance::shrunk(&errors, &[1.0; 6]);
        assert!((0.01..0.99).contains(&plain(&errors)));
        assert!(
            (found.shrinkage - plain(&errors)).abs() < 1e-10,
            "{} {}",
            found.shrinkage,
            plain(&errors)
        );
    }

    #[test]
    fn too_few_errors_are_no_covariance() {
        let few = Covariance::shrunk(&[vec![3.0], vec![f64::NAN]], &[2.0, 5.0]);
        assert_eq!(
            (few.shrinkage, few.variance(0), few.variance(1)),
            (1.0, 4.0, 25.0)
        );
        let none = Covariance::shrunk(&[vec![], vec![]], &[0.0, 0.0]);
        assert_eq!((none.variance(0), none.variance(1)), (1.0, 1.0));
    }

    #[test]
    fn a_gap_leaves_the_variance_alone() {
        let nan = f64::NAN;
        let errors = [vec![1.0, -1.0, 1.0, nan, -1.0], vec![2.0, -2.0, nan, 2.0, -2.0]];
        let shrunk = Covariance::shrunk(&errors, &[9.0, 9.0]);
        assert!((shrunk.variance(0) - 1.0).abs() < 1e-12 && (shrunk.variance(1) - 4.0).abs() < 1e-12);
    }
}
