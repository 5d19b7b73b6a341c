//! Solving with a symmetric positive definite matrix.

use crate::Error;
use crate::model::unless_canceled;

/// A pivot below this, of a matrix whose diagonal is 1, is taken as this: rows that say the same thing twice.
const LEAST_PIVOT: f64 = 1e-14;

/// `A = D L L' D` with `L` lower triangular and `D` the roots of the diagonal of `A`.
pub(super) struct Cholesky {
    size: usize,
    /// The rows of `L`, one after the other, each of full length.
    lower: Vec<f64>,
    scale: Vec<f64>,
}

impl Cholesky {
    /// Of the lower triangle of a matrix of `size` rows, one after the other.
    pub(super) fn new(
        mut matrix: Vec<f64>,
        size: usize,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let scale: Vec<f64> = (0..size)
            .map(|i| matrix[i * size + i])
            .map(|d| if d > 0.0 { d.sqrt() } else { 1.0 })
            .collect();
        for i in 0..size {
            unless_canceled(poll)?;
            for j in 0..=i {
                let (above, row) = matrix.split_at_mut(i * size);
                let other = if j < i {
                    &above[j * size..j * size + j]
                } else {
                    &[][..]
                };
                let scaled = row[j] / (scale[i] * scale[j]);
                if j < i {
                    row[j] = (scaled - dot(&row[..j], other)) / above[j * size + j];
                } else {
                    let pivot = scaled - row[..i].iter().map(|v| v * v).sum::<f64>();
                    row[i] = pivot.max(LEAST_PIVOT).sqrt();
                }
            }
        }
        Ok(Self {
            size,
            lower: matrix,
            scale,
        })
    }

    /// Puts the solution of `A x = b` in the place of `b`.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.size;
        for i in 0..n {
            let row = &self.lower[i * n..=i * n + i];
            b[i] = (b[i] / self.scale[i] - dot(&row[..i], &b[..i])) / row[i];
        }
        for i in (0..n).rev() {
            let row = &self.lower[i * n..=i * n + i];
            let solved = b[i] / row[i];
            b[i] = solved / self.scale[i];
            for (below, l) in b[..i].iter_mut().zip(row) {
                *below -= l * solved;
            }
        }
    }
}

/// The sum of products, in four parts that do not wait for each other.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4
        .remainder()
        .iter()
        .zip(b4.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a4.zip(b4) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system() {
        // [4 2 0; 2 5 1; 0 1 3] x = [2 1 4] by hand: x = [0.5, 0, 4/3] less what the last row says.
        let matrix = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.0, 1.0, 3.0];
        let solver = Cholesky::new(matrix, 3, &mut || false).unwrap();
        let mut x = [2.0, 1.0, 4.0];
        solver.solve(&mut x);
        let back = [
            4.0 * x[0] + 2.0 * x[1],
            2.0 * x[0] + 5.0 * x[1] + x[2],
            x[1] + 3.0 * x[2],
        ];
        for (got, want) in back.iter().zip([2.0, 1.0, 4.0]) {
            assert!((got - want).abs() < 1e-12, "{back:?}");
        }
    }

    #[test]
    fn a_row_twice_and_a_cancel() {
        let solver = Cholesky::new(vec![1.0, 0.0, 1.0, 1.0], 2, &mut || false).unwrap();
        let mut x = [1.0, 1.0];
        solver.solve(&mut x);
        assert!((x[0] + x[1] - 1.0).abs() < 1e-6, "{x:?}");
        assert!(matches!(
            Cholesky::new(vec![1.0], 1, &mut || true),
            Err(Error::Canceled)
        ));
    }
}
