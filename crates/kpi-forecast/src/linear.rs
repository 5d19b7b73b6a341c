//! Least squares.

/// The coefficients that bring the columns nearest to `target`, by Householder reflections (Golub 1965, *Numerische
/// Mathematik* 7:206-216), and the sum of squares that is left. `None` when a column is, to the last digits, a
/// combination of others, or there are fewer rows than columns.
///
/// ```
/// use kpi_forecast::linear::least_squares;
/// let (coefficients, left) = least_squares(&[vec![1.0; 3], vec![0.0, 1.0, 2.0]], &[1.0, 3.0, 5.0]).unwrap();
/// assert!((coefficients[0] - 1.0).abs() < 1e-12 && (coefficients[1] - 2.0).abs() < 1e-12 && left < 1e-20);
/// ```
pub fn least_squares(columns: &[Vec<f64>], target: &[f64]) -> Option<(Vec<f64>, f64)> {
    let (rows, width) = (target.len(), columns.len());
    if rows < width || columns.iter().any(|column| column.len() != rows) {
        return None;
    }
    let mut matrix = columns.to_vec();
    let mut right = target.to_vec();
    let mut diagonal = vec![0.0; width];
    for k in 0..width {
        let whole = dot(&columns[k], &columns[k]).sqrt();
        let norm = dot(&matrix[k][k..], &matrix[k][k..]).sqrt();
        if !norm.is_finite() || norm <= 1e-10 * whole || norm == 0.0 {
            return None;
        }
        let turned = if matrix[k][k] > 0.0 { -norm } else { norm };
        diagonal[k] = turned;
        let mut mirror = matrix[k][k..].to_vec();
        mirror[0] -= turned;
        let half = dot(&mirror, &mirror) / 2.0;
        for other in matrix[k + 1..]
            .iter_mut()
            .map(|c| &mut c[k..])
            .chain([&mut right[k..]])
        {
            let share = dot(&mirror, other) / half;
            for (x, v) in other.iter_mut().zip(&mirror) {
                *x -= share * v;
            }
        }
    }
    let mut coefficients = vec![0.0; width];
    for k in (0..width).rev() {
        let known: f64 = (k + 1..width).map(|j| matrix[j][k] * coefficients[j]).sum();
        coefficients[k] = (right[k] - known) / diagonal[k];
    }
    let left = dot(&right[width..], &right[width..]);
    coefficients
        .iter()
        .all(|c| c.is_finite())
        .then_some((coefficients, left))
}

/// The solution of a square system, given by rows, by elimination with row exchange. `None` when it has none.
///
/// ```
/// use kpi_forecast::linear::solve;
/// assert_eq!(solve(vec![vec![0.0, 2.0], vec![1.0, 1.0]], vec![4.0, 5.0]).unwrap(), [3.0, 2.0]);
/// ```
pub fn solve(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|a, b| rows[*a][k].abs().total_cmp(&rows[*b][k].abs()))?;
        if rows[pivot][k].abs() < 1e-300 {
            return None;
        }
        rows.swap(k, pivot);
        right.swap(k, pivot);
        let (upper, lower) = rows.split_at_mut(k + 1);
        let from = &upper[k];
        for (row, i) in lower.iter_mut().zip(k + 1..) {
            let share = row[k] / from[k];
            if share != 0.0 {
                for (x, y) in row[k..].iter_mut().zip(&from[k..]) {
                    *x -= share * y;
                }
                right[i] -= share * right[k];
            }
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| rows[k][j] * right[j]).sum();
        right[k] = (right[k] - known) / rows[k][k];
    }
    right.iter().all(|x| x.is_finite()).then_some(right)
}

/// Intercept and slope of the least-squares line through values at 0, 1, 2, ...
///
/// ```
/// assert_eq!(kpi_forecast::linear::line(&[1.0, 3.0, 5.0]), (1.0, 2.0));
/// ```
pub fn line(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let centre = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (t, value) in values.iter().enumerate() {
        let x = t as f64 - centre;
        covariance += x * (value - mean);
        variance += x * x;
    }
    let slope = if variance > 0.0 {
        covariance / variance
    } else {
        0.0
    };
    (mean - slope * centre, slope)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
