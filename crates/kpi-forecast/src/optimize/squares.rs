//! Minimising a sum of squares.

use super::Minimum;
use super::gradient::Stop;
use crate::Error;
use crate::linear::solve;

/// Distance over which a derivative is taken.
const STEP: f64 = 1e-5;
/// The longest step; variables are of the order of 1.
const LONGEST: f64 = 2.0;
/// Damping at the start, and where no step is short enough any more.
const DAMPING: f64 = 1e-3;
const MOST_DAMPING: f64 = 1e8;

/// Minimises `n log(sum u_i^2)` over the `n` residuals `u` that `residuals` writes, from `start`: Gauss-Newton steps, damped
/// (Levenberg 1944, *Quarterly of Applied Mathematics* 2:164-168; Marquardt 1963, *Journal of the Society for Industrial and
/// Applied Mathematics* 11:431-441), with derivatives by differences. A likelihood of Gaussian errors has that form, and near
/// its peak some four steps do where a search that knows the gradient only takes three times as many. `residuals` returns false
/// where there are none; its error ends the search.
///
/// ```
/// use kpi_forecast::optimize::{gradient::Stop, squares::minimize};
/// let stop = Stop { steps: 50, tolerance: 1e-9 };
/// let found = minimize(&[-1.2, 1.0], stop, |x, u| {
///     u.clear();
///     u.extend([10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0], 0.1]);
///     Ok(true)
/// })
/// .unwrap();
/// assert!((found.at[0] - 1.0).abs() < 1e-4 && (found.at[1] - 1.0).abs() < 1e-4);
/// ```
pub fn minimize(
    start: &[f64],
    stop: Stop,
    mut residuals: impl FnMut(&[f64], &mut Vec<f64>) -> Result<bool, Error>,
) -> Result<Minimum, Error> {
    let k = start.len();
    let (mut at, mut here, mut there) = (start.to_vec(), Vec::new(), Vec::new());
    let mut evaluations = 1;
    let mut value = if residuals(&at, &mut here)? {
        logarithm(&here)
    } else {
        f64::INFINITY
    };
    let mut columns = vec![Vec::new(); k];
    let mut damping = DAMPING;
    for _ in 0..stop.steps {
        if k == 0 || !value.is_finite() {
            break;
        }
        let mut moved = at.clone();
        for (i, column) in columns.iter_mut().enumerate() {
            moved[i] += STEP;
            evaluations += 1;
            if residuals(&moved, column)? {
                column
                    .iter_mut()
                    .zip(&here)
                    .for_each(|(m, u)| *m = (*m - u) / STEP);
            } else {
                column.clear();
                column.resize(here.len(), 0.0);
            }
            moved[i] = at[i];
        }
        let products: Vec<Vec<f64>> = columns
            .iter()
            .map(|a| columns.iter().map(|b| dot(a, b)).collect())
            .collect();
        let down: Vec<f64> = columns.iter().map(|a| -dot(a, &here)).collect();
        let largest = products
            .iter()
            .zip(0..)
            .fold(0.0_f64, |m, (row, i): (&Vec<f64>, usize)| m.max(row[i]));
        if !(largest.is_finite() && largest > 0.0) {
            break;
        }
        let mut gained = None;
        while damping < MOST_DAMPING {
            let mut damped = products.clone();
            for (i, row) in damped.iter_mut().enumerate() {
                row[i] += damping * row[i].max(1e-6 * largest);
            }
            let Some(step) = solve(damped, down.clone()) else {
                damping *= 10.0;
                continue;
            };
            let length = dot(&step, &step).sqrt();
            let share = (LONGEST / length).min(1.0);
            let next: Vec<f64> = at.iter().zip(&step).map(|(x, s)| x + share * s).collect();
            evaluations += 1;
            let found = if residuals(&next, &mut there)? {
                logarithm(&there)
            } else {
                f64::INFINITY
            };
            if found < value {
                gained = Some(value - found);
                (at, value) = (next, found);
                std::mem::swap(&mut here, &mut there);
                damping = (damping * 0.1).max(1e-9);
                break;
            }
            if length < STEP {
                break;
            }
            damping *= 10.0;
        }
        match gained {
            Some(gained) if gained >= stop.tolerance => {}
            _ => break,
        }
    }
    Ok(Minimum {
        at,
        value,
        evaluations,
    })
}

fn logarithm(residuals: &[f64]) -> f64 {
    let squares = dot(residuals, residuals);
    if squares.is_finite() {
        residuals.len() as f64 * squares.max(f64::MIN_POSITIVE).ln()
    } else {
        f64::INFINITY
    }
}

/// In four sums, which a processor adds up side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (fours_of_a, rest_of_a) = a.as_chunks::<4>();
    let (fours_of_b, rest_of_b) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (x, y) in fours_of_a.iter().zip(fours_of_b) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let rest: f64 = rest_of_a.iter().zip(rest_of_b).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
