//! The likeliest coefficients of one order.

use super::likelihood::{Filtered, Process, Work};
use super::polynomial::{product, roots_are_beyond, stationary};
use crate::Error;
use crate::linear::least_squares;
use crate::model::unless_canceled;
use crate::optimize::gradient::Stop;
use crate::optimize::squares::minimize;
use std::fmt;

/// The numbers of coefficients and differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Autoregressive coefficients.
    pub p: usize,
    /// Differences.
    pub d: usize,
    /// Moving average coefficients.
    pub q: usize,
    /// Seasonal autoregressive coefficients.
    pub seasonal_p: usize,
    /// Seasonal differences.
    pub seasonal_d: usize,
    /// Seasonal moving average coefficients.
    pub seasonal_q: usize,
    /// Steps in the season, 1 for none.
    pub season: usize,
    /// Whether the differenced series has a mean: after one difference, a drift.
    pub constant: bool,
}

impl Order {
    /// Coefficients that are searched for.
    pub fn coefficients(self) -> usize {
        self.p + self.q + self.seasonal_p + self.seasonal_q
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ARIMA({},{},{})", self.p, self.d, self.q)?;
        if self.season > 1 {
            write!(
                f,
                "({},{},{})[{}]",
                self.seasonal_p, self.seasonal_d, self.seasonal_q, self.season
            )?;
        }
        match (self.constant, self.d + self.seasonal_d) {
            (false, _) => Ok(()),
            (true, 0) => f.write_str(" with mean"),
            (true, _) => f.write_str(" with drift"),
        }
    }
}

/// An estimated order.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The order.
    pub order: Order,
    /// The process, seasonal factors multiplied out.
    pub process: Process,
    /// What the filter leaves.
    pub filtered: Filtered,
    /// Coefficients: p, q, seasonal p, seasonal q.
    pub parts: [Vec<f64>; 4],
    /// The free variables behind the coefficients.
    pub free: Vec<f64>,
    /// Variance of the errors.
    pub variance: f64,
    /// -2 log-likelihood.
    pub deviance: f64,
    /// Corrected Akaike criterion.
    pub aicc: f64,
}

/// The least distance of a root from 0: nearer ones mean a model on the brink.
const BRINK: f64 = 1.01;

/// The coefficients of each part from free variables: stationary, and invertible, whatever these are.
fn parts(order: Order, free: &[f64]) -> [Vec<f64>; 4] {
    let mut left = free;
    [
        (order.p, 1.0),
        (order.q, -1.0),
        (order.seasonal_p, 1.0),
        (order.seasonal_q, -1.0),
    ]
    .map(|(count, sign)| {
        let (mine, rest) = left.split_at(count.min(left.len()));
        left = rest;
        stationary(mine).into_iter().map(|c| sign * c).collect()
    })
}

/// The process with its seasonal factors multiplied out.
pub(crate) fn process(order: Order, [ar, ma, seasonal_ar, seasonal_ma]: &[Vec<f64>; 4]) -> Process {
    let minus = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<f64>>();
    Process {
        ar: minus(&product(&minus(ar), &minus(seasonal_ar), order.season)),
        ma: product(ma, seasonal_ma, order.season),
    }
}

/// Where a search starts, the free variables are no further from 0: beyond, their hyperbolic tangents hardly change.
const MOST_FREE: f64 = 2.0;

/// When a search for coefficients stops: what it leaves is far below what tells two orders apart, or below what is printed.
const ROUGH: Stop = Stop {
    steps: 8,
    tolerance: 1e-2,
};
const FINE: Stop = Stop {
    steps: 20,
    tolerance: 1e-6,
};

/// Estimates `order` for a series that is already differenced: first by conditional sum of squares, which is quick, then
/// from there by exact maximum likelihood. `None` when there is too little, or the result is on the brink of not being
/// stationary or invertible. `poll` is called before each run through the values; true ends it with [`Error::Canceled`].
pub fn estimate(
    order: Order,
    differenced: &[f64],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    from(order, differenced, &[], None, FINE, poll)
}

/// [`estimate`] of the errors of a regression on columns that are differenced as the series is. Their coefficients come after the
/// constant, by generalised least squares: what the filter leaves of them is regressed on (Hyndman & Athanasopoulos, 3rd ed.,
/// section 10.1). `None` too when a column is a combination of others.
pub fn estimate_with(
    order: Order,
    differenced: &[f64],
    columns: &[Vec<f64>],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    from(order, differenced, columns, None, FINE, poll)
}

/// [`estimate`] to the digits that tell two orders apart.
pub(super) fn rough(
    order: Order,
    differenced: &[f64],
    columns: &[Vec<f64>],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    from(order, differenced, columns, None, ROUGH, poll)
}

/// [`estimate`] from the coefficients of an earlier one; that one's order is kept.
pub(super) fn continued(
    earlier: &Estimate,
    differenced: &[f64],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    from(earlier.order, differenced, &[], Some(&earlier.free), FINE, poll)
}

/// [`estimate`] from where a rough one ended; that one when it is lost on the way.
pub(super) fn refined(
    rough: Estimate,
    differenced: &[f64],
    columns: &[Vec<f64>],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Estimate, Error> {
    Ok(from(rough.order, differenced, columns, Some(&rough.free), FINE, poll)?.unwrap_or(rough))
}

fn from(
    order: Order,
    differenced: &[f64],
    columns: &[Vec<f64>],
    start: Option<&[f64]>,
    stop: Stop,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    let n = differenced.len();
    let k = order.coefficients() + usize::from(order.constant) + columns.len() + 1;
    if n <= k + 1 {
        return Ok(None);
    }
    let mut regressors = columns.to_vec();
    if order.constant {
        regressors.insert(0, vec![1.0; n]);
    }
    let centred: Vec<f64> = if columns.is_empty() {
        let mean = if order.constant {
            differenced.iter().sum::<f64>() / n as f64
        } else {
            0.0
        };
        differenced.iter().map(|y| y - mean).collect()
    } else {
        let Some((coefficients, _)) = least_squares(&regressors, differenced) else {
            return Ok(None);
        };
        without(differenced, &regressors, &coefficients)
    };
    let start = match start {
        Some(start) => start.to_vec(),
        None => conditional(order, &centred, poll)?,
    };
    let mut work = Work::default();
    // The deviance is, but for a constant, that of the sum of squares of these.
    let free = minimize(&start, stop, |free, residuals| {
        unless_canceled(poll)?;
        let process = process(order, &parts(order, free));
        let Some(filtered) = process.filter_with(differenced, &regressors, &mut work) else {
            return Ok(false);
        };
        let scale = (filtered.logs / (2.0 * n as f64)).exp();
        residuals.clear();
        residuals.extend(work.innovations().iter().map(|u| scale * u));
        Ok(true)
    })?
    .at;
    let parts = parts(order, &free);
    let process = process(order, &parts);
    let Some(filtered) = process.filter(differenced, &regressors) else {
        return Ok(None);
    };
    let minus = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<f64>>();
    let seasonal = BRINK.powi(i32::try_from(order.season).unwrap_or(i32::MAX));
    let sound = roots_are_beyond(&parts[0], BRINK)
        && roots_are_beyond(&minus(&parts[1]), BRINK)
        && roots_are_beyond(&parts[2], seasonal)
        && roots_are_beyond(&minus(&parts[3]), seasonal);
    let deviance = filtered.deviance(n);
    let (count, k) = (n as f64, k as f64);
    let aicc = deviance + 2.0 * k + 2.0 * k * (k + 1.0) / (count - k - 1.0);
    let variance = filtered.squares / (count - k + 1.0).max(1.0);
    let found = Estimate {
        order,
        process,
        filtered,
        parts,
        free,
        variance,
        deviance,
        aicc,
    };
    Ok((sound && aicc.is_finite()).then_some(found))
}

/// The values less the columns times their coefficients.
pub(super) fn without(values: &[f64], columns: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    let mut left = values.to_vec();
    for (column, coefficient) in columns.iter().zip(coefficients) {
        for (y, x) in left.iter_mut().zip(column) {
            *y -= coefficient * x;
        }
    }
    left
}

/// The free variables with the least conditional sum of squares, moved off the brink.
fn conditional(order: Order, centred: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Error> {
    let stop = Stop {
        steps: 10,
        tolerance: 1e-2,
    };
    let found = minimize(&vec![0.1; order.coefficients()], stop, |free, residuals| {
        unless_canceled(poll)?;
        process(order, &parts(order, free)).conditional_errors(centred, residuals);
        Ok(true)
    })?
    .at;
    Ok(found
        .into_iter()
        .map(|u| u.clamp(-MOST_FREE, MOST_FREE))
        .collect())
}
