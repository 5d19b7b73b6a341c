//! Symmetric positive definite matrices of a few dozen rows.

/// The lower triangle of a symmetric matrix, row after row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Symmetric {
    pub size: usize,
    pub lower: Vec<f64>,
}

/// Where the element of a row and a column no greater lies.
fn place(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

impl Symmetric {
    pub fn zero(size: usize) -> Self {
        Self {
            size,
            lower: vec![0.0; size * (size + 1) / 2],
        }
    }

    pub fn at(&self, row: usize, column: usize) -> f64 {
        let (row, column) = if row < column {
            (column, row)
        } else {
            (row, column)
        };
        self.lower[place(row, column)]
    }

    /// Mean and covariance of the rows (divided by their number less one), `size` values each.
    pub fn moments<'a>(size: usize, rows: impl Iterator<Item = &'a [f64]> + Clone) -> (Vec<f64>, Self) {
        let mut mean = vec![0.0; size];
        let mut count = 0.0;
        for row in rows.clone() {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let mut covariance = Self::zero(size);
        let mut off = vec![0.0; size];
        for row in rows {
            for (off, (value, mean)) in off.iter_mut().zip(row.iter().zip(&mean)) {
                *off = value - mean;
            }
            let mut rest = covariance.lower.as_mut_slice();
            for i in 0..size {
                let (line, after) = rest.split_at_mut(i + 1);
                for (sum, other) in line.iter_mut().zip(&off) {
                    *sum += off[i] * other;
                }
                rest = after;
            }
        }
        let divisor = f64::max(count - 1.0, 1.0);
        covariance.lower.iter_mut().for_each(|sum| *sum /= divisor);
        (mean, covariance)
    }

    pub fn scaled(mut self, factor: f64) -> Self {
        self.lower.iter_mut().for_each(|value| *value *= factor);
        self
    }

    /// The matrix of these rows and columns only, which are in ascending order.
    pub fn part(&self, kept: &[usize]) -> Self {
        let mut part = Self::zero(kept.len());
        for (row, from) in kept.iter().enumerate() {
            for (column, to) in kept.iter().take(row + 1).enumerate() {
                part.lower[place(row, column)] = self.at(*from, *to);
            }
        }
        part
    }

    /// The lower triangle whose product with its transpose is this matrix (Cholesky); else the first row that is next to a
    /// sum of those before it: less than the share `least` of its variance is its own.
    pub fn root(&self, least: f64) -> Result<Root, usize> {
        let mut root = self.clone();
        for row in 0..self.size {
            for column in 0..=row {
                let before: f64 = (0..column)
                    .map(|i| root.lower[place(row, i)] * root.lower[place(column, i)])
                    .sum();
                let left = self.lower[place(row, column)] - before;
                root.lower[place(row, column)] = if column < row {
                    left / root.lower[place(column, column)]
                } else if left > least * self.lower[place(row, row)] && left.is_finite() {
                    left.sqrt()
                } else {
                    return Err(row);
                };
            }
        }
        Ok(Root(root))
    }
}

/// A triangle as [`Symmetric::root`] makes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Root(Symmetric);

impl Root {
    /// Half the logarithm of the determinant.
    pub fn log(&self) -> f64 {
        (0..self.0.size).map(|i| self.0.lower[place(i, i)].ln()).sum()
    }

    /// Solves the triangle for `off`, in place: the squares of the result add up to the squared distance.
    pub fn forward(&self, off: &mut [f64]) {
        let mut rest = self.0.lower.as_slice();
        for row in 0..self.0.size {
            let (line, after) = rest.split_at(row + 1);
            let before: f64 = line.iter().zip(off.iter()).take(row).map(|(a, b)| a * b).sum();
            off[row] = (off[row] - before) / line[row];
            rest = after;
        }
    }

    /// Solves the whole matrix for `off`, in place.
    pub fn solve(&self, off: &mut [f64]) {
        self.forward(off);
        for row in (0..self.0.size).rev() {
            let after: f64 = (row + 1..self.0.size)
                .map(|i| self.0.lower[place(i, row)] * off[i])
                .sum();
            off[row] = (off[row] - after) / self.0.lower[place(row, row)];
        }
    }
}
