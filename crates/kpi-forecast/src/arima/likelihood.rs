//! The exact likelihood of an autoregressive moving average.

use super::polynomial::{terms, weights};
use crate::linear::solve;

/// `x_t = sum ar_i x_(t-i) + e_t + sum ma_j e_(t-j)`, seasonal factors multiplied out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Process {
    /// Autoregressive coefficients.
    pub ar: Vec<f64>,
    /// Moving average coefficients.
    pub ma: Vec<f64>,
}

/// What the likelihood of a series is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// Sum of squared innovations, each divided by its variance factor.
    pub squares: f64,
    /// Sum of logarithms of the variance factors.
    pub logs: f64,
    /// Coefficients of the regressors, by generalised least squares.
    pub coefficients: Vec<f64>,
    /// The state after the last value: what is known of the next values without their regressors.
    pub state: Vec<f64>,
}

/// Memory that is used again from run to run.
#[derive(Debug, Default)]
pub(super) struct Work {
    change: Vec<f64>,
    /// Of the values, then of each regressor.
    states: Vec<Vec<f64>>,
    /// Divided by the roots of their variance factors, of the values, then of each regressor.
    innovations: Vec<Vec<f64>>,
}

impl Work {
    /// The innovations of the values less their regressors, divided by the roots of their variance factors.
    pub(super) fn innovations(&self) -> &[f64] {
        self.innovations.first().map_or(&[], Vec::as_slice)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The filter has settled when what a step still changes the variance factor by is below this.
const SETTLED: f64 = 1e-14;
/// Steps from one look at that to the next.
const SETTLING: usize = 4;

impl Filtered {
    /// -2 log-likelihood with the variance at its likeliest value.
    pub fn deviance(&self, n: usize) -> f64 {
        let n = n as f64;
        let variance = (self.squares / n).max(f64::MIN_POSITIVE);
        n * (variance.ln() + 1.0 + std::f64::consts::TAU.ln()) + self.logs
    }
}

impl Process {
    /// Autocovariances at lags 0 to the number of autoregressive coefficients, errors of variance 1. `None` when the
    /// process is not stationary.
    ///
    /// Those of the autoregression alone come from the Durbin-Levinson recursion backwards, which gives the coefficients
    /// of all shorter ones, and then forwards (Brockwell & Davis 1991, *Time Series*, section 5.2); that takes a square of
    /// the lags where McLeod's equations (1975, *Applied Statistics* 24:255-256) take a cube. The moving average of these
    /// is a sum over pairs of its coefficients.
    ///
    /// ```
    /// use kpi_forecast::arima::likelihood::Process;
    /// let ar = Process { ar: vec![0.5], ma: vec![] };
    /// let gamma = ar.autocovariances().unwrap();
    /// assert!((gamma[0] - 4.0 / 3.0).abs() < 1e-12 && (gamma[1] - 2.0 / 3.0).abs() < 1e-12);
    /// ```
    pub fn autocovariances(&self) -> Option<Vec<f64>> {
        let (p, q) = (self.ar.len(), self.ma.len());
        let mut shorter: Vec<Vec<f64>> = Vec::with_capacity(p);
        let mut left = self.ar.clone();
        let mut share = 1.0_f64;
        while let Some(partial) = left.last().copied() {
            let divisor = 1.0 - partial * partial;
            if partial.is_nan() || divisor <= 0.0 {
                return None;
            }
            share *= divisor;
            let inner = &left[..left.len() - 1];
            let next = inner
                .iter()
                .zip(inner.iter().rev())
                .map(|(c, mirrored)| (c + partial * mirrored) / divisor);
            let next = next.collect();
            shorter.push(std::mem::replace(&mut left, next));
        }
        let mut gamma: Vec<f64> = Vec::with_capacity(p + q + 1);
        gamma.push(1.0 / share);
        for coefficients in shorter.iter().rev() {
            let next = coefficients
                .iter()
                .zip(gamma.iter().rev())
                .map(|(c, g)| c * g)
                .sum();
            gamma.push(next);
        }
        let ar = terms(&self.ar);
        for k in p + 1..=p + q {
            let next = ar.iter().map(|(lag, a)| a * gamma[k - lag]).sum();
            gamma.push(next);
        }
        let mut ma = vec![(0, 1.0)];
        ma.extend(terms(&self.ma));
        let mut whole = vec![0.0; p + 1];
        for (i, a) in &ma {
            for (j, b) in &ma {
                for (k, sum) in whole.iter_mut().enumerate() {
                    *sum += a * b * gamma[(k + j).abs_diff(*i)];
                }
            }
        }
        (whole[0].is_finite() && whole[0] > 0.0).then_some(whole)
    }

    /// Runs the Kalman filter over `values` with `regressors` (columns as long as they are). The process must be stationary
    /// and invertible: of another the gain may seem to have settled when it has not.
    ///
    /// The gain and the variance factor come from the recursions of Morf, Sidhu & Kailath (1974, *IEEE Transactions on
    /// Automatic Control* 19:315-323), which need one vector where the covariance matrix needs a square: with 12 steps to
    /// the season some thirty times less. Where they have converged they stop. The regressors go through the same filter,
    /// so that their coefficients need no search.
    pub fn filter(&self, values: &[f64], regressors: &[Vec<f64>]) -> Option<Filtered> {
        self.filter_with(values, regressors, &mut Work::default())
    }

    /// [`filter`](Self::filter), whose innovations stay in `work`.
    pub(super) fn filter_with(
        &self,
        values: &[f64],
        regressors: &[Vec<f64>],
        work: &mut Work,
    ) -> Option<Filtered> {
        let (p, q) = (self.ar.len(), self.ma.len());
        let (size, n) = (p.max(q + 1), values.len());
        let gamma = self.autocovariances()?;
        let psi = weights(&self.ar, &self.ma, q + 1);
        let (ar, ma) = (terms(&self.ar), terms(&self.ma));
        let mut gain = vec![0.0; size];
        for (lag, a) in &ar {
            gain.iter_mut()
                .zip(gamma[..*lag].iter().rev())
                .for_each(|(k, g)| *k += a * g);
        }
        for (lag, m) in &ma {
            gain.iter_mut()
                .zip(psi[..*lag].iter().rev())
                .for_each(|(k, w)| *k += m * w);
        }
        let mut factor = gamma[0];
        let mut sign = -1.0 / factor;
        // Where the others shift their vectors at each step, these stay and the step moves on: that of step t starts at t.
        let Work {
            change,
            states,
            innovations,
        } = work;
        change.clear();
        change.extend(&gain);
        change.resize(n + size, 0.0);
        let width = regressors.len() + 1;
        states.resize(width, Vec::new());
        innovations.resize(width, Vec::new());
        for (state, innovations) in states.iter_mut().zip(innovations.iter_mut()) {
            state.clear();
            state.resize(n + size, 0.0);
            innovations.clear();
        }
        let mut root = factor.sqrt();
        let (mut logs, mut scale, mut settled) = (0.0, 1.0_f64, false);
        for (t, y) in values.iter().enumerate() {
            for (k, (innovations, state)) in innovations.iter_mut().zip(states.iter_mut()).enumerate() {
                let x = if k == 0 { *y } else { regressors[k - 1][t] };
                let (first, ahead) = state[t..].split_first_mut()?;
                let innovation = x - *first;
                innovations.push(innovation / root);
                if settled {
                    // The gain is that of the coefficients themselves, most of which are 0.
                    for (lag, a) in &ar {
                        ahead[lag - 1] += a * x;
                    }
                    for (lag, m) in &ma {
                        ahead[lag - 1] += m * innovation;
                    }
                    continue;
                }
                for (lag, a) in &ar {
                    ahead[lag - 1] += a * *first;
                }
                let share = innovation / factor;
                ahead.iter_mut().zip(&gain).for_each(|(s, k)| *s += k * share);
            }
            if settled {
                continue;
            }
            scale *= factor;
            if !(1e-100..1e100).contains(&scale) {
                logs += scale.ln();
                scale = 1.0;
            }
            let (z, ahead) = change[t..].split_first_mut()?;
            let z = *z;
            let next_factor = factor + z * z * sign;
            if !(next_factor.is_finite() && next_factor > 0.0) {
                return None;
            }
            let (ratio, turn) = (z / factor, sign * z);
            for (lag, a) in &ar {
                ahead[lag - 1] += a * z;
            }
            for (moved, k) in ahead.iter_mut().zip(&mut gain) {
                let before = *moved;
                *moved = before - *k * ratio;
                *k += before * turn;
            }
            sign *= factor / next_factor;
            factor = next_factor;
            root = factor.sqrt();
            if t % SETTLING == 0 {
                let largest = ahead.iter().take(size).fold(0.0_f64, |m, c| m.max(c.abs()));
                settled = largest * largest * sign.abs() < SETTLED;
            }
        }
        logs += scale.ln();
        // Normal equations of the innovations of the values on those of the regressors.
        let (own, others) = innovations.split_first_mut()?;
        let coefficients = if others.is_empty() {
            Vec::new()
        } else {
            let rows = others
                .iter()
                .map(|a| others.iter().map(|b| dot(a, b)).collect())
                .collect();
            solve(rows, others.iter().map(|a| dot(a, own)).collect())?
        };
        let mut states = states.iter().map(|state| &state[n..]);
        let mut state = states.next()?.to_vec();
        for ((c, innovations), other) in coefficients.iter().zip(others).zip(states) {
            own.iter_mut().zip(innovations).for_each(|(u, v)| *u -= c * *v);
            state.iter_mut().zip(other).for_each(|(s, o)| *s -= c * o);
        }
        let squares = dot(own, own);
        squares.is_finite().then_some(Filtered {
            squares,
            logs,
            coefficients,
            state,
        })
    }

    /// The errors when all before the first value was 0 (of which the sum of squares is the conditional one).
    pub fn conditional_errors(&self, values: &[f64], errors: &mut Vec<f64>) {
        errors.clear();
        errors.extend(values);
        for (lag, c) in terms(&self.ar) {
            let late = errors.iter_mut().skip(lag);
            late.zip(values).for_each(|(e, y)| *e -= c * y);
        }
        let ma = terms(&self.ma);
        for t in 0..errors.len() {
            let known = ma.iter().take_while(|(lag, _)| *lag <= t);
            let past: f64 = known.map(|(lag, c)| c * errors[t - lag]).sum();
            errors[t] -= past;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arima::polynomial::{product, stationary};
    use proptest::prelude::*;

    /// The quadratic form and the logarithm of the determinant by elimination on the whole covariance matrix.
    fn by_covariance(process: &Process, values: &[f64]) -> (f64, f64) {
        let n = values.len();
        let mut gamma = process.autocovariances().unwrap();
        let psi = weights(&process.ar, &process.ma, process.ma.len() + 1);
        for k in gamma.len()..n {
            let past: f64 = process
                .ar
                .iter()
                .enumerate()
                .map(|(i, a)| a * gamma[k - i - 1])
                .sum();
            let theta = |j: usize| if j == 0 { 1.0 } else { process.ma[j - 1] };
            let errors: f64 = (k..=process.ma.len()).map(|j| theta(j) * psi[j - k]).sum();
            gamma.push(past + errors);
        }
        let mut rows: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n).map(|j| gamma[i.abs_diff(j)]).collect())
            .collect();
        let mut right = values.to_vec();
        let (mut squares, mut logs) = (0.0, 0.0);
        for k in 0..n {
            let pivot = rows[k].clone();
            squares += right[k] * right[k] / pivot[k];
            logs += pivot[k].ln();
            for i in k + 1..n {
                let share = rows[i][k] / pivot[k];
                for j in k..n {
                    rows[i][j] -= share * pivot[j];
                }
                right[i] -= share * right[k];
            }
        }
        (squares, logs)
    }

    /// The autocovariances by McLeod's equations.
    fn by_equations(process: &Process) -> Vec<f64> {
        let (p, q) = (process.ar.len(), process.ma.len());
        let psi = weights(&process.ar, &process.ma, q + 1);
        let theta = |j: usize| if j == 0 { 1.0 } else { process.ma[j - 1] };
        let right = (0..=p)
            .map(|k| (k..=q).map(|j| theta(j) * psi[j - k]).sum())
            .collect();
        let rows = (0..=p).map(|k| {
            let mut row = vec![0.0; p + 1];
            row[k] += 1.0;
            for (i, a) in process.ar.iter().enumerate() {
                row[k.abs_diff(i + 1)] -= a;
            }
            row
        });
        solve(rows.collect(), right).unwrap()
    }

    proptest! {
        #[test]
        fn the_autocovariances_solve_their_equations(
            ar in prop::collection::vec(-1.5..1.5_f64, 0..4), ma in prop::collection::vec(-1.5..1.5_f64, 0..4),
            seasonal_ar in prop::collection::vec(-1.0..1.0_f64, 0..2), seasonal_ma in prop::collection::vec(-1.0..1.0_f64, 0..2),
        ) {
            let minus = |c: Vec<f64>| c.into_iter().map(|c| -c).collect::<Vec<f64>>();
            let process = Process {
                ar: minus(product(&minus(stationary(&ar)), &minus(stationary(&seasonal_ar)), 5)),
                ma: product(&minus(stationary(&ma)), &minus(stationary(&seasonal_ma)), 5),
            };
            let found = process.autocovariances().unwrap();
            for (found, solved) in found.iter().zip(by_equations(&process)) {
                prop_assert!((found - solved).abs() < 1e-7 * (1.0 + solved.abs()), "{found} {solved}");
            }
        }

        #[test]
        fn the_filter_says_what_the_covariance_matrix_says(
            ar in prop::collection::vec(-1.5..1.5_f64, 0..3), ma in prop::collection::vec(-1.5..1.5_f64, 0..3),
            seasonal_ar in prop::collection::vec(-1.0..1.0_f64, 0..2), seasonal_ma in prop::collection::vec(-1.0..1.0_f64, 0..2),
            values in prop::collection::vec(-10.0..10.0_f64, 12..30),
        ) {
            let minus = |c: Vec<f64>| c.into_iter().map(|c| -c).collect::<Vec<f64>>();
            let process = Process {
                ar: minus(product(&minus(stationary(&ar)), &minus(stationary(&seasonal_ar)), 4)),
                ma: product(&minus(stationary(&ma)), &minus(stationary(&seasonal_ma)), 4),
            };
            let found = process.filter(&values, &[]).unwrap();
            let (squares, logs) = by_covariance(&process, &values);
            prop_assert!((found.squares - squares).abs() < 1e-6 * (1.0 + squares), "{} {squares}", found.squares);
            prop_assert!((found.logs - logs).abs() < 1e-6 * (1.0 + logs.abs()), "{} {logs}", found.logs);
        }

        #[test]
        fn a_constant_is_found_by_least_squares(
            ar in prop::collection::vec(-1.0..1.0_f64, 1..3), values in prop::collection::vec(-10.0..10.0_f64, 12..30),
        ) {
            let process = Process { ar: stationary(&ar), ma: vec![] };
            let found = process.filter(&values, &[vec![1.0; values.len()]]).unwrap();
            let at = |mean: f64| {
                let left: Vec<f64> = values.iter().map(|y| y - mean).collect();
                process.filter(&left, &[]).unwrap().squares
            };
            let best = found.coefficients[0];
            prop_assert!((at(best) - found.squares).abs() < 1e-6 * (1.0 + found.squares));
            prop_assert!(at(best + 0.1) > found.squares && at(best - 0.1) > found.squares);
        }
    }
}
