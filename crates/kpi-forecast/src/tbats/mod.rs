//! Several seasons of any length, drawn by waves, with ARIMA for what they leave.

mod waves;

use crate::arima::Arima;
use crate::mean::Flat;
use crate::model::{Step, require};
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};
pub(crate) use waves::Waves;

/// Values that the waves are learnt from, the newest ones: so many of the longest season, and not fewer than these.
const SEASONS: f64 = 5.0;
const VALUES: usize = 2_000;

/// Trigonometric seasons, ARMA errors, and a trend: dynamic harmonic regression (Hyndman & Athanasopoulos, 3rd ed., section 10.5; Young,
/// Pedregal & Tych 1999, *Journal of Forecasting* 18:369-394), which is for what TBATS (De Livera, Hyndman & Snyder 2011, *Journal of the
/// American Statistical Association* 106:1513-1527) is for: seasons that are long, several, or of no whole number of steps. Unlike there,
/// the seasons stay as they are over the history; its Box-Cox transformation is the option of all models.
///
/// For each season, the shortest first, as many pairs of waves are taken as make the least corrected Akaike criterion of a regression of
/// the changes from step to step, for which a level that wanders is noise. Ordinary least squares loses nothing to generalised ones
/// there: for waves both have the same variance in the limit (Grenander & Rosenblatt 1957, *Statistical Analysis of Stationary Time
/// Series*, section 7.3). What is left without the waves is forecast by [`Arima`] without a season. The standard errors are those of
/// the latter.
///
/// ```
/// use kpi_forecast::{Fit, tbats::Tbats};
/// use std::f64::consts::TAU;
/// let at = |t: usize| 40.0 + 9.0 * (TAU * t as f64 / 7.0).sin() + 5.0 * (TAU * t as f64 / 30.44).cos();
/// let history: Vec<f64> = (0..200).map(|t| at(t) + [0.1, -0.1, 0.0][t % 3]).collect();
/// let fitted = Tbats { seasons: vec![7.0, 30.44] }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(20) - at(219)).abs() < 0.5);
/// ```
#[derive(Debug, Clone)]
pub struct Tbats {
    /// Steps in each season; need not be whole. Those that do not fit twice are left out.
    pub seasons: Vec<f64>,
}

/// The waves, and the model of what they leave.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) waves: Waves,
    /// Values so far.
    pub(crate) count: usize,
    pub(crate) rest: State,
}

impl Fit for Tbats {
    fn name(&self) -> &'static str {
        "tbats"
    }

    fn needed(&self) -> usize {
        5
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let n = history.len();
        let mut seasons: Vec<f64> = self
            .seasons
            .iter()
            .copied()
            .filter(|m| *m > 1.0 && 2.0 * m <= n as f64)
            .collect();
        seasons.sort_by(f64::total_cmp);
        let longest = seasons.last().copied().unwrap_or(1.0);
        let learnt = ((SEASONS * longest).ceil() as usize).max(VALUES);
        let start = n.saturating_sub(learnt);
        let waves = Waves::learn(&history[start..], start, &seasons, poll)?;
        let rest = waves.rest_of(history);
        let errors = Arima {
            season: 1,
            order: None,
        };
        let rest = errors.fit(&rest, poll)?.state().ok_or_else(|| Error::NotKept {
            model: self.name().to_owned(),
        })?;
        Ok(Box::new(Fitted {
            waves,
            count: n,
            rest,
        }))
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
        let mut steps = self.rest.path(horizon);
        for (h, step) in steps.iter_mut().enumerate() {
            step.value += self.waves.at(self.count + h);
        }
        steps
    }

    fn form(&self) -> String {
        format!(
            "{} waves, {} errors",
            self.waves.frequencies.len(),
            self.rest.form()
        )
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Tbats(Box::new(self.clone()))))
    }
}

#[cfg(test)]
mod tests;
