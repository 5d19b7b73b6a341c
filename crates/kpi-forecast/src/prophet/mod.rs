//! Forecasting at scale: a trend with change points, seasons as waves, holidays and regressors.

pub mod active_set;
mod future;
pub mod posterior;
pub mod season;
pub mod trend;

pub use trend::Growth;

use crate::decomposition::Kind;
use crate::mean::Flat;
use crate::model::{Step, require};
use crate::regressors::Regressors;
use crate::{Error, Fit, Predict};
use posterior::{Parameters, Problem};
use trend::{Trend, change_points};

/// The model of Taylor & Letham (2018, *The American Statistician* 72:37-45): a trend of up to 25 change points in the first 80% of the
/// history, its changes of rate with a Laplace prior of scale 0.05, seasons drawn by sines and cosines, and effects of regressors,
/// with normal priors; the parameters are those of the highest posterior density. Values are in units of the largest, time is 0 at the
/// first value and 1 at the last, and regressors that take other values than 0 and 1 are in standard deviations, so the
/// priors are the same for every series.
///
/// The standard error is made of the noise and of the changes of rate to come, which are taken to be as frequent and as large as
/// those found (section 3.1.4 of the paper).
///
/// ```
/// use kpi_forecast::{Fit, prophet::Prophet};
/// let history: Vec<f64> = (0..70).map(|t| [80.0, 100.0, 130.0, 90.0, 70.0, 60.0, 50.0][t % 7] + t as f64).collect();
/// let fitted = Prophet::new(vec![7.0]).fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(3) - 202.0).abs() < 1.0);
/// ```
#[derive(Debug, Clone)]
pub struct Prophet {
    /// Steps in each season; need not be whole. Those that do not fit twice are left out.
    pub seasons: Vec<f64>,
    /// Whether seasons and effects are added to the trend or are shares of it.
    pub kind: Kind,
    /// The course of the trend.
    pub growth: Growth,
    /// Columns with an effect; their rows start with the history that is fitted.
    pub regressors: Regressors,
}

impl Prophet {
    /// Lines, with seasons that are added, without regressors.
    pub fn new(seasons: Vec<f64>) -> Self {
        Self {
            seasons,
            kind: Kind::Additive,
            growth: Growth::Linear,
            regressors: Regressors::default(),
        }
    }
}

impl Fit for Prophet {
    fn name(&self) -> &'static str {
        "prophet"
    }

    fn needed(&self) -> usize {
        3
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        Ok(Box::new(self.fitted(history, poll)?))
    }
}

impl Prophet {
    fn fitted(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Fitted, Error> {
        let n = history.len();
        let (cap, floor) = match self.growth {
            Growth::Linear => (None, 0.0),
            Growth::Logistic { cap, floor } => (Some(cap), floor),
        };
        let size = history.iter().fold(0.0_f64, |m, y| m.max((y - floor).abs()));
        let scale = if size > 0.0 && size.is_finite() { size } else { 1.0 };
        let values: Vec<f64> = history.iter().map(|y| (y - floor) / scale).collect();
        let cap = cap.map(|cap| (cap - floor) / scale);
        let seasons: Vec<f64> = self
            .seasons
            .iter()
            .copied()
            .filter(|m| 2.0 * m <= n as f64)
            .collect();
        let frequencies = season::frequencies(&seasons);
        let units: Vec<Unit> = self
            .regressors
            .independent(n)
            .into_iter()
            .map(|index| Unit::new(index, self.regressors.column(index), n))
            .collect();
        let mut columns = columns_of_waves(&seasons, n);
        for unit in &units {
            let column = self.regressors.column(unit.index);
            columns.push(column.iter().take(n).map(|x| unit.of(*x)).collect());
        }
        let points = change_points(n);
        let problem = Problem {
            values: &values,
            cap,
            points: &points,
            columns: &columns,
            kind: self.kind,
        };
        let mut start = vec![0.0; 2 + points.len() + columns.len()];
        (start[0], start[1]) = at_start(&values, cap);
        let found = problem.maximize(start, poll)?;
        Ok(Fitted {
            trend: problem.trend(&found.all),
            changes: points.len(),
            parameters: found,
            frequencies,
            units,
            regressors: self.regressors.clone(),
            kind: self.kind,
            history: n,
            scale,
            floor,
        })
    }
}

/// Rate and offset of the trend through the first and the last value.
fn at_start(values: &[f64], cap: Option<f64>) -> (f64, f64) {
    let (first, last) = (
        values.first().copied().unwrap_or(0.0),
        values.last().copied().unwrap_or(0.0),
    );
    let Some(cap) = cap else {
        return (last - first, first);
    };
    let odds = |y: f64| {
        let share = (y / cap).clamp(0.01, 0.99);
        (share / (1.0 - share)).ln()
    };
    let rate = odds(last) - odds(first);
    if rate.abs() < 1e-3 {
        // A curve that stands still is not half way anywhere near.
        return (0.1, -odds(first) / 0.1);
    }
    (rate, -odds(first) / rate)
}

fn columns_of_waves(seasons: &[f64], n: usize) -> Vec<Vec<f64>> {
    season::harmonics(seasons, n)
        .into_iter()
        .map(|column| column.values)
        .collect()
}

/// The unit in which a regressor is measured.
#[derive(Debug, Clone, Copy)]
struct Unit {
    index: usize,
    zero: f64,
    size: f64,
}

impl Unit {
    fn new(index: usize, column: &[f64], n: usize) -> Self {
        let values = column.get(..n).unwrap_or_default();
        if values.iter().all(|x| *x == 0.0 || *x == 1.0) {
            return Self {
                index,
                zero: 0.0,
                size: 1.0,
            };
        }
        let zero = values.iter().map(|x| x / n as f64).sum::<f64>();
        // In units of the largest deviation, so that squares stay within range.
        let largest = values
            .iter()
            .fold(f64::MIN_POSITIVE, |m, x| m.max((x - zero).abs()));
        let squares: f64 = values.iter().map(|x| ((x - zero) / largest).powi(2)).sum();
        Self {
            index,
            zero,
            size: largest * (squares / n as f64).sqrt(),
        }
    }

    fn of(self, x: f64) -> f64 {
        (x - self.zero) / self.size
    }
}

struct Fitted {
    trend: Trend,
    /// Number of change points.
    changes: usize,
    parameters: Parameters,
    frequencies: Vec<f64>,
    units: Vec<Unit>,
    regressors: Regressors,
    kind: Kind,
    history: usize,
    scale: f64,
    floor: f64,
}

impl Fitted {
    /// The changes of the rate.
    fn rates(&self) -> &[f64] {
        self.parameters.all.get(2..2 + self.changes).unwrap_or_default()
    }

    /// The sum of seasons and effects in a row, not a number where a regressor has no value.
    fn effect(&self, row: usize) -> f64 {
        let effects = self.parameters.all.get(2 + self.changes..).unwrap_or_default();
        let regressors = self.units.iter().map(|unit| {
            let column = self.regressors.column(unit.index);
            unit.of(column.get(row).copied().unwrap_or(f64::NAN))
        });
        season::waves(&self.frequencies, row as f64)
            .chain(regressors)
            .zip(effects)
            .map(|(x, effect)| x * effect)
            .sum()
    }

    /// Shares of the history from its first value.
    fn time(&self, row: usize) -> f64 {
        row as f64 / (self.history - 1) as f64
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let times: Vec<f64> = (0..horizon).map(|i| self.time(self.history + i)).collect();
        let spread = future::variances(&self.trend, self.rates(), &times);
        times
            .iter()
            .zip(spread)
            .enumerate()
            .map(|(i, (time, variance))| {
                let (trend, effect) = (self.trend.at(*time), self.effect(self.history + i));
                let (value, share) = match self.kind {
                    Kind::Additive => (trend + effect, 1.0),
                    Kind::Multiplicative => (trend * (1.0 + effect), 1.0 + effect),
                };
                Step {
                    value: self.floor + self.scale * value,
                    standard_error: self.scale
                        * (variance * share * share + self.parameters.noise.powi(2)).sqrt(),
                }
            })
            .collect()
    }

    fn form(&self) -> String {
        let changed = self.rates().iter().filter(|rate| **rate != 0.0).count();
        let growth = if self.trend.cap.is_some() {
            "logistic"
        } else {
            "linear"
        };
        format!("{growth} trend, {changed} of {} change points", self.changes)
    }
}

#[cfg(test)]
mod tests;
