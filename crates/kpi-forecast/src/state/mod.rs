//! Fitted models as values: states that can be stored, that forecast, and that take the values that come next.

mod adjusted;
mod arima;
mod band;
mod bytes;
mod ces;
mod clock;
mod codec;
mod combination;
mod effects;
mod ets;
mod intermittent;
mod logarithm;
mod mstl;
mod planned;
mod prophet;
mod residuals;
mod scale;
mod seasonal;
mod simple;
mod simulation;
mod tbats;
mod theta;
mod value;

pub use clock::Clock;
pub use residuals::Residuals;
pub use simulation::MAX_POINTS;
pub use value::{FitRequest, FittedModel};

pub(crate) use combination::{Combination, Rule};
pub(crate) use effects::{Coefficients, Effects};
pub(crate) use planned::Planned;

use crate::model::{Observe, Predict, Step};
use crate::{Error, mean, naive};
use codec::Stored;
use kpi_stats::frame::{Reader, Writer};

/// How likely a history is with the parameters that make it likeliest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likelihood {
    /// Its natural logarithm.
    pub logarithm: f64,
    /// Parameters that were estimated, first states and the variance among them.
    pub parameters: usize,
    /// Values, after differences where there are any.
    pub values: usize,
}

impl Likelihood {
    /// The criterion of Akaike (1974), that corrected for few values (Hurvich & Tsai 1989) and that of Schwarz (1978).
    pub fn criteria(&self) -> [f64; 3] {
        let (n, k) = (self.values as f64, self.parameters as f64);
        let aic = 2.0 * k - 2.0 * self.logarithm;
        let aicc = aic + 2.0 * k * (k + 1.0) / (n - k - 1.0);
        [aic, aicc, k * n.ln() - 2.0 * self.logarithm]
    }
}

/// The states of a fitted model with its parameters.
///
/// ```
/// use kpi_forecast::{Fit, Naive, Observe, Predict};
/// let mut state = Naive.fit(&[3.0, 5.0], &mut || false).unwrap().state().unwrap();
/// state.observe(4.0).unwrap();
/// assert_eq!(state.value(1), 4.0);
/// assert_eq!(state.standard_error(1), 2.5_f64.sqrt()); // of the changes 2 and -1
/// ```
#[derive(Debug, Clone)]
pub struct State(pub(crate) Family);

/// Which model the states are of.
#[derive(Debug, Clone)]
pub(crate) enum Family {
    Mean(mean::Fitted),
    Flat(mean::Flat),
    Naive(naive::Fitted),
    SeasonalNaive(crate::seasonal_naive::Fitted),
    SeasonalSmoothing(crate::seasonal_smoothing::Fitted),
    SeasonalMedian(crate::seasonal_median::Fitted),
    Drift(crate::drift::Fitted),
    Intermittent(crate::intermittent::Fitted),
    Ets(crate::ets::Fitted),
    Theta(crate::theta::Seasoned),
    Ces(crate::ces::Fitted),
    Arima(Box<crate::arima::Fitted>),
    Mstl(Box<crate::mstl::Fitted>),
    Combination(Combination),
    Logarithm(Box<crate::logarithm::Fitted>),
    Adjusted(Box<crate::adjusted::Fitted>),
    Tbats(Box<crate::tbats::Fitted>),
    Prophet(Box<crate::prophet::Fitted>),
    Effects(Box<Effects>),
}

/// Runs the same on the states of whichever model.
macro_rules! of_each {
    ($state:expr, $states:ident => $body:expr) => {
        match $state {
            Family::Mean($states) => $body,
            Family::Flat($states) => $body,
            Family::Naive($states) => $body,
            Family::SeasonalNaive($states) => $body,
            Family::SeasonalSmoothing($states) => $body,
            Family::SeasonalMedian($states) => $body,
            Family::Drift($states) => $body,
            Family::Intermittent($states) => $body,
            Family::Ets($states) => $body,
            Family::Theta($states) => $body,
            Family::Ces($states) => $body,
            Family::Arima($states) => $body,
            Family::Mstl($states) => $body,
            Family::Combination($states) => $body,
            Family::Logarithm($states) => $body,
            Family::Adjusted($states) => $body,
            Family::Tbats($states) => $body,
            Family::Prophet($states) => $body,
            Family::Effects($states) => $body,
        }
    };
}

/// States within states within states: a mean of prophet and of effects with a pool, averaged with the naive, of which a member is a
/// decomposition, of which the rest has several forms.
const DEEPEST: usize = 8;

impl State {
    fn write(&self, writer: &mut Writer) {
        let number = match &self.0 {
            Family::Mean(_) => 1,
            Family::Flat(_) => 2,
            Family::Naive(_) => 3,
            Family::SeasonalNaive(_) => 4,
            Family::SeasonalSmoothing(_) => 5,
            Family::SeasonalMedian(_) => 6,
            Family::Drift(_) => 7,
            Family::Intermittent(_) => 8,
            Family::Ets(_) => 9,
            Family::Theta(_) => 10,
            Family::Ces(_) => 11,
            Family::Arima(_) => 12,
            Family::Mstl(_) => 13,
            Family::Combination(_) => 14,
            Family::Logarithm(_) => 15,
            Family::Adjusted(_) => 16,
            Family::Tbats(_) => 17,
            Family::Prophet(_) => 18,
            Family::Effects(_) => 19,
        };
        writer.u8(number);
        of_each!(&self.0, states => states.write(writer));
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        if depth > DEEPEST {
            return Err(reader.corrupt("Their models are nested too deep.".into()));
        }
        Ok(Self(match reader.u8()? {
            1 => Family::Mean(Stored::read(reader, depth)?),
            2 => Family::Flat(Stored::read(reader, depth)?),
            3 => Family::Naive(Stored::read(reader, depth)?),
            4 => Family::SeasonalNaive(Stored::read(reader, depth)?),
            5 => Family::SeasonalSmoothing(Stored::read(reader, depth)?),
            6 => Family::SeasonalMedian(Stored::read(reader, depth)?),
            7 => Family::Drift(Stored::read(reader, depth)?),
            8 => Family::Intermittent(Stored::read(reader, depth)?),
            9 => Family::Ets(Stored::read(reader, depth)?),
            10 => Family::Theta(Stored::read(reader, depth)?),
            11 => Family::Ces(Stored::read(reader, depth)?),
            12 => Family::Arima(Box::new(Stored::read(reader, depth)?)),
            13 => Family::Mstl(Box::new(Stored::read(reader, depth)?)),
            14 => Family::Combination(Stored::read(reader, depth)?),
            15 => Family::Logarithm(Box::new(Stored::read(reader, depth)?)),
            16 => Family::Adjusted(Box::new(Stored::read(reader, depth)?)),
            17 => Family::Tbats(Box::new(Stored::read(reader, depth)?)),
            18 => Family::Prophet(Box::new(Stored::read(reader, depth)?)),
            19 => Family::Effects(Box::new(Stored::read(reader, depth)?)),
            number => {
                return Err(reader.corrupt(format!(
                    "They name a model that is not known here (number {number})."
                )));
            }
        }))
    }

    /// The forecast of each value of the history that it was just fitted to, from the values before it; NaN where there is
    /// none. States that were stored do not know their start any more: all NaN.
    pub fn fitted(&self, history: &[f64]) -> Vec<f64> {
        of_each!(&self.0, states => states.fitted(history))
    }

    /// The family's name.
    pub fn family(&self) -> &'static str {
        of_each!(&self.0, states => states.family())
    }

    /// The parameters by name: they stay as they are while values come.
    pub fn parameters(&self) -> Vec<(String, f64)> {
        of_each!(&self.0, states => states.parameters())
    }

    /// The states by name.
    pub fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        of_each!(&self.0, states => states.components())
    }

    /// The models that these are a combination of, each with its weight.
    pub fn members(&self) -> Vec<(f64, &Self)> {
        match &self.0 {
            Family::Combination(combination) => combination.weighted(),
            Family::Mstl(mstl) => vec![(1.0, &mstl.rest)],
            Family::Logarithm(logarithm) => vec![(1.0, &logarithm.of)],
            Family::Adjusted(adjusted) => vec![(1.0, &adjusted.of)],
            Family::Tbats(tbats) => vec![(1.0, &tbats.rest)],
            Family::Effects(effects) => vec![(1.0, &effects.rest)],
            _ => Vec::new(),
        }
    }

    /// The likelihood of the history that it was just fitted to, where the model has one.
    pub fn likelihood(&self) -> Option<Likelihood> {
        match &self.0 {
            Family::Ets(states) => states.likelihood(),
            Family::Arima(states) => states.likelihood(),
            _ => None,
        }
    }

    /// Steps ahead of which all is known that the forecast needs; `None` when there is no end.
    pub fn known(&self) -> Option<usize> {
        let own = match &self.0 {
            Family::Prophet(states) => states.planned.known(),
            Family::Effects(states) => states.planned.known(),
            _ => None,
        };
        let members = self
            .members()
            .into_iter()
            .filter_map(|(_, member)| member.known());
        own.into_iter().chain(members).min()
    }
}

impl Predict for State {
    fn value(&self, step: usize) -> f64 {
        of_each!(&self.0, states => states.value(step))
    }

    fn standard_error(&self, step: usize) -> f64 {
        of_each!(&self.0, states => states.standard_error(step))
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        of_each!(&self.0, states => states.path(horizon))
    }

    fn form(&self) -> String {
        of_each!(&self.0, states => states.form())
    }

    fn state(&self) -> Option<State> {
        Some(self.clone())
    }
}

impl Observe for State {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        of_each!(&mut self.0, states => states.observe(value))
    }

    fn skip(&mut self) -> Result<(), Error> {
        of_each!(&mut self.0, states => states.skip())
    }
}

#[cfg(test)]
mod tests;
