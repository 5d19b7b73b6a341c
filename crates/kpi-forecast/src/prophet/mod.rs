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
use crate::random::Random;
use crate::regressors::Regressors;
use crate::state::{Family, Planned, State};
use crate::{Error, Fit, Predict};
use posterior::Problem;
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
        let (trend, effects) = found.all.split_at(2 + points.len());
        let (waves, own) = effects.split_at(effects.len() - units.len());
        let rows = self.regressors.column(0).len();
        let effect = |row: usize| -> f64 {
            let known = units.iter().zip(own);
            known
                .map(|(unit, effect)| {
                    let x = self.regressors.column(unit.index).get(row);
                    effect * unit.of(x.copied().unwrap_or(f64::NAN))
                })
                .sum()
        };
        let size = match self.kind {
            Kind::Additive => scale,
            Kind::Multiplicative => 1.0,
        };
        let coefficients = units.iter().zip(own);
        let coefficients = coefficients
            .map(|(unit, effect)| (self.regressors.label(unit.index), size * effect / unit.size))
            .collect();
        let after = if self.regressors.is_endless() {
            units
                .iter()
                .zip(own)
                .map(|(unit, effect)| effect * unit.of(0.0))
                .sum()
        } else {
            f64::NAN
        };
        Ok(Fitted {
            trend: problem.trend(&found.all),
            changes: trend.get(2..).unwrap_or_default().to_vec(),
            noise: found.noise,
            frequencies,
            waves: waves.to_vec(),
            past: (0..n.min(rows)).map(effect).collect(),
            planned: Planned::new((n..rows).map(effect), after),
            coefficients,
            kind: self.kind,
            history: n,
            since: 0,
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

/// A fitted curve. It does not follow what comes: a value only moves on the step that is the next one.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) trend: Trend,
    /// The changes of its rate.
    pub(crate) changes: Vec<f64>,
    /// Standard deviation.
    pub(crate) noise: f64,
    /// Of the seasons, in waves per step, and their effects.
    pub(crate) frequencies: Vec<f64>,
    pub(crate) waves: Vec<f64>,
    /// Effects of the regressors in the history that it was just fitted to; not stored.
    pub(crate) past: Vec<f64>,
    pub(crate) planned: Planned,
    /// What 1 of each regressor adds, or with seasons that multiply the share of the trend that it adds, by its name.
    pub(crate) coefficients: Vec<(String, f64)>,
    pub(crate) kind: Kind,
    /// Values that it was fitted to, at least 2.
    pub(crate) history: usize,
    /// Steps since.
    pub(crate) since: usize,
    /// The unit of all of these, in that of the values, and their zero.
    pub(crate) scale: f64,
    pub(crate) floor: f64,
}

impl Fitted {
    /// Shares of the history from its first value.
    pub(crate) fn time(&self, row: usize) -> f64 {
        row as f64 / (self.history - 1) as f64
    }

    /// The curve at a row, where regressors have an effect.
    pub(crate) fn at(&self, row: usize, effect: f64) -> f64 {
        let trend = self.trend.at(self.time(row));
        self.floor + self.scale * (trend + self.share(trend) * self.effects(row, effect))
    }

    /// The sum of all effects.
    fn effects(&self, row: usize, effect: f64) -> f64 {
        let waves = season::waves(&self.frequencies, row as f64).zip(&self.waves);
        effect + waves.map(|(x, effect)| x * effect).sum::<f64>()
    }

    /// What an effect of 1 adds.
    fn share(&self, trend: f64) -> f64 {
        match self.kind {
            Kind::Additive => 1.0,
            Kind::Multiplicative => trend,
        }
    }

    /// A course that the next steps could take: noise around a trend whose rate changes at random, as [`future`] says.
    pub(crate) fn course(&self, horizon: usize, random: &mut Random) -> Vec<f64> {
        let rows = self.history + self.since;
        let times: Vec<f64> = (rows..rows + horizon).map(|row| self.time(row)).collect();
        let trends = future::course(&self.trend, &self.changes, &times, random);
        let steps = (rows..).zip(trends).zip(0..);
        steps
            .map(|((row, trend), ahead)| {
                let effects = self.effects(row, self.planned.at(ahead));
                let value = trend + self.share(trend) * effects + self.noise * random.normal();
                self.floor + self.scale * value
            })
            .collect()
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
        let rows = self.history + self.since;
        let times: Vec<f64> = (rows..rows + horizon).map(|row| self.time(row)).collect();
        let spread = future::variances(&self.trend, &self.changes, &times);
        (rows..)
            .zip(spread)
            .zip(0..)
            .map(|((row, variance), ahead)| {
                let effect = self.planned.at(ahead);
                let share = match self.kind {
                    Kind::Additive => 1.0,
                    Kind::Multiplicative => 1.0 + self.effects(row, effect),
                };
                Step {
                    value: self.at(row, effect),
                    standard_error: self.scale * (variance * share * share + self.noise.powi(2)).sqrt(),
                }
            })
            .collect()
    }

    fn form(&self) -> String {
        let changed = self.changes.iter().filter(|rate| **rate != 0.0).count();
        let growth = if self.trend.cap.is_some() {
            "logistic"
        } else {
            "linear"
        };
        format!(
            "{growth} trend, {changed} of {} change points",
            self.changes.len()
        )
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Prophet(Box::new(self.clone()))))
    }
}

#[cfg(test)]
mod tests;
