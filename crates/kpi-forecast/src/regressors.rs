//! Explanatory variables: columns whose values are known for the history and for the steps to come.

use crate::Error;
use std::sync::Arc;

/// Regressors at most: the time for a fit grows with the square of their number.
pub const MAX_REGRESSORS: usize = 50;
/// A column of which others explain all but this share of its size says nothing of its own.
const OWN: f64 = 1e-8;

/// One explanatory variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor {
    /// What errors call it.
    pub name: String,
    /// One value per step of the history and then of the horizon, in any unit.
    pub values: Vec<f64>,
}

/// Columns of equal length, the rows of the history first. A copy shares them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regressors {
    columns: Arc<Vec<Regressor>>,
    /// Rows left out in front.
    skipped: usize,
    /// Whether all are 0 in the rows after the last one.
    endless: bool,
}

impl Regressors {
    /// Takes columns with a row for every step of `history` and for `horizon` steps more. Rows before the first value of the history (a
    /// value that is not finite is a gap) are not looked at.
    ///
    /// # Errors
    /// [`Error::RegressorMissing`] where a value is missing or not finite, [`Error::RegressorDependent`] for a column that is
    /// constant over the history or a linear combination of those before it, and [`Error::Regressors`] for more than
    /// [`MAX_REGRESSORS`].
    ///
    /// ```
    /// use kpi_forecast::{Error, regressors::{Regressor, Regressors}};
    /// let price = Regressor { name: "price".into(), values: vec![1.0, 2.0, 1.0, 2.0, f64::NAN] };
    /// let error = Regressors::new(vec![price], &[5.0, 4.0, 6.0, 4.0], 1).unwrap_err();
    /// assert_eq!(error, Error::RegressorMissing { name: "price".into(), step: 1 });
    /// ```
    pub fn new(columns: Vec<Regressor>, history: &[f64], horizon: usize) -> Result<Self, Error> {
        if columns.len() > MAX_REGRESSORS {
            return Err(Error::Regressors { count: columns.len() });
        }
        let rows = history.len();
        let first = history.iter().position(|y| y.is_finite()).unwrap_or(rows);
        for column in &columns {
            let known = |row: &usize| column.values.get(*row).is_some_and(|x| x.is_finite());
            if let Some(row) = (first..rows + horizon).find(|row| !known(row)) {
                return Err(Error::RegressorMissing {
                    name: column.name.clone(),
                    step: row as i64 + 1 - rows as i64,
                });
            }
        }
        let all = Self::unchecked(columns);
        let own = all.after(first).independent(rows - first);
        if let Some((_, dependent)) = all.columns.iter().enumerate().find(|(i, _)| !own.contains(i)) {
            let values = dependent.values.get(first..rows).unwrap_or_default();
            return Err(Error::RegressorDependent {
                name: dependent.name.clone(),
                is_constant: crate::arima::unit_root::is_constant(values),
            });
        }
        Ok(all)
    }

    /// Takes columns as they are: those that say nothing of their own have no effect.
    pub(crate) fn unchecked(columns: Vec<Regressor>) -> Self {
        Self {
            columns: Arc::new(columns),
            skipped: 0,
            endless: false,
        }
    }

    /// The same, where all are 0 in the rows after the last one: days that are not marked are like others.
    ///
    /// ```
    /// use kpi_forecast::regressors::{Regressor, Regressors};
    /// let holiday = Regressor { name: "0".into(), values: vec![0.0, 1.0, 0.0, 0.0] };
    /// assert!(Regressors::new(vec![holiday], &[3.0, 9.0, 4.0], 1).unwrap().endless().is_endless());
    /// ```
    pub fn endless(self) -> Self {
        Self {
            endless: true,
            ..self
        }
    }

    /// Whether they are known for every row after the last one.
    pub fn is_endless(&self) -> bool {
        self.endless || self.is_empty()
    }

    /// These and others behind them, whose rows start where theirs do now.
    pub(crate) fn with(&self, others: Vec<Regressor>) -> Self {
        let own = self.columns.iter().enumerate().map(|(index, column)| Regressor {
            name: column.name.clone(),
            values: self.column(index).to_vec(),
        });
        Self {
            endless: self.endless,
            ..Self::unchecked(own.chain(others).collect())
        }
    }

    /// Without the first `rows` rows.
    pub(crate) fn after(&self, rows: usize) -> Self {
        Self {
            columns: Arc::clone(&self.columns),
            skipped: self.skipped + rows,
            endless: self.endless,
        }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// What a kept model calls a column: `regressor_` before the number of one that has no other name.
    pub(crate) fn label(&self, index: usize) -> String {
        let name = self.columns.get(index).map_or("", |column| column.name.as_str());
        match name.parse::<usize>() {
            Ok(place) => format!("regressor_{place}"),
            Err(_) => name.to_owned(),
        }
    }

    /// The rows of a column; empty when there is none.
    pub fn column(&self, index: usize) -> &[f64] {
        let values = self.columns.get(index).map_or(&[][..], |c| c.values.as_slice());
        values.get(self.skipped..).unwrap_or_default()
    }

    /// The columns that are, over the first `rows` rows, no linear combination of a constant and the columns before them, by
    /// orthogonalisation (modified Gram-Schmidt; Bjorck 1967, *BIT* 7:1-21), each twice so that rounding does not count.
    ///
    /// ```
    /// use kpi_forecast::regressors::{Regressor, Regressors};
    /// let column = |values: &[f64]| Regressor { name: String::new(), values: values.to_vec() };
    /// let columns = vec![column(&[1.0, 2.0, 3.0, 5.0]), column(&[0.0, 1.0, 0.0, 0.0])];
    /// assert_eq!(Regressors::new(columns, &[7.0; 4], 0).unwrap().independent(1), [0; 0]);
    /// ```
    pub fn independent(&self, rows: usize) -> Vec<usize> {
        let ones = vec![1.0 / (rows as f64).sqrt(); rows];
        let mut basis = vec![ones];
        let mut own = Vec::new();
        for index in 0..self.len() {
            let Some(values) = self.column(index).get(..rows) else {
                continue;
            };
            // In units of the largest, so that squares stay within range.
            let size = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            let mut left: Vec<f64> = values.iter().map(|x| x / size.max(f64::MIN_POSITIVE)).collect();
            let whole = norm(&left);
            for _ in 0..2 {
                for known in &basis {
                    let share: f64 = left.iter().zip(known).map(|(a, b)| a * b).sum();
                    for (x, b) in left.iter_mut().zip(known) {
                        *x -= share * b;
                    }
                }
            }
            let rest = norm(&left);
            if rest > OWN * whole && basis.len() < rows {
                basis.push(left.iter().map(|x| x / rest).collect());
                own.push(index);
            }
        }
        own
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: &[f64]) -> Regressor {
        Regressor {
            name: name.into(),
            values: values.to_vec(),
        }
    }

    #[test]
    fn what_says_nothing_of_its_own_is_refused() {
        let zeros = column("zeros", &[0.0; 6]);
        let a = column("a", &[1.0, 4.0, 2.0, 8.0, 5.0, 7.0]);
        let twice = column("twice", &[5.0, 11.0, 7.0, 19.0, 13.0, 17.0]);
        let refused = |columns: Vec<Regressor>| Regressors::new(columns, &[7.0; 5], 1).unwrap_err();
        assert_eq!(
            refused(vec![zeros]),
            Error::RegressorDependent {
                name: "zeros".into(),
                is_constant: true
            }
        );
        assert_eq!(
            refused(vec![a, twice]),
            Error::RegressorDependent {
                name: "twice".into(),
                is_constant: false
            }
        );
        let many = vec![column("x", &[1.0; 6]); MAX_REGRESSORS + 1];
        assert_eq!(refused(many), Error::Regressors { count: 51 });
    }

    #[test]
    fn a_missing_value_is_told_by_its_step() {
        let missing = |values: &[f64]| Regressors::new(vec![column("x", values)], &[7.0; 3], 2).unwrap_err();
        let at = |step| Error::RegressorMissing {
            name: "x".into(),
            step,
        };
        assert_eq!(missing(&[1.0, 2.0, 3.0, 4.0]), at(2));
        assert_eq!(missing(&[1.0, 2.0, 3.0, f64::NAN, 4.0]), at(1));
        assert_eq!(missing(&[1.0, 2.0, f64::INFINITY, 3.0, 4.0]), at(0));
        assert_eq!(missing(&[]), at(-2));
        let after_a_gap = [f64::NAN, 1.0, 2.0];
        assert!(Regressors::new(vec![column("x", &after_a_gap)], &[f64::NAN, 7.0, 8.0], 0).is_ok());
    }

    #[test]
    fn sizes_do_not_matter() {
        let columns = vec![
            column("large", &[1e300, 2e300, 1e300, 4e300]),
            column("small", &[1e-300, 0.0, 3e-300, 0.0]),
        ];
        assert_eq!(
            Regressors::new(columns, &[7.0; 4], 0).unwrap().independent(4),
            [0, 1]
        );
    }
}
