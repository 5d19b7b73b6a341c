//! Exponential smoothing in all its forms, chosen by likelihood.

mod estimate;
mod form;
pub(crate) mod recursion;
mod spread;
mod start;

pub(crate) use estimate::finish;
pub use estimate::{Estimate, Work, estimate};
pub use form::{Form, Part, UnknownForm};
pub use recursion::{State, Weights};

use crate::mean::Flat;
use crate::model::{Step, require};
use crate::state::{Family, State as Kept};
use crate::{Error, Fit, Predict};

/// Exponential smoothing with the form of error, trend and season that has the least corrected Akaike criterion.
///
/// Every form is estimated by maximum likelihood over its weights and first states (Hyndman, Koehler, Snyder & Grose
/// 2002, *International Journal of Forecasting* 18:439-454). The gradient is exact, from one run backwards through
/// the recursion, so that a search takes some dozens of runs also with 24 seasonal states. As in R's `forecast::ets`
/// and in statsforecast a multiplicative trend is tried only when asked for, and forms with an infinite forecast
/// variance never.
///
/// ```
/// use kpi_forecast::{Fit, ets::Ets};
/// let history: Vec<f64> = (0..48).map(|t| (100.0 + t as f64) * [0.8, 1.0, 1.3, 0.9][t % 4]).collect();
/// let fitted = Ets::automatic(4).fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(3) - 150.0 * 1.3).abs() < 1.0);
/// assert!(fitted.form().contains(",M)"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ets {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// The form, or `None` to have it chosen.
    pub form: Option<Form>,
    /// Whether a multiplicative trend is among the forms to choose from.
    pub multiplicative_trend: bool,
    /// Whether the forecast is the mean of all forms with Akaike weights, `exp(-AICc / 2)`, rather than that of the best
    /// (Kolassa 2011, *International Journal of Forecasting* 27:238-251).
    pub averaged: bool,
}

impl Ets {
    /// The form is chosen, without multiplicative trends.
    pub fn automatic(season: usize) -> Self {
        Self {
            season,
            form: None,
            multiplicative_trend: false,
            averaged: false,
        }
    }

    /// One form with additive errors, and an additive season if there is one to have.
    pub fn of(trend: Part, damped: bool, season: usize) -> Self {
        let seasonal = if season > 1 { Part::Additive } else { Part::None };
        let form = Form {
            multiplicative_error: false,
            trend,
            damped,
            season: seasonal,
        };
        Self {
            form: Some(form),
            ..Self::automatic(season)
        }
    }

    /// All forms, averaged with Akaike weights.
    pub fn averaged(season: usize) -> Self {
        Self {
            averaged: true,
            ..Self::automatic(season)
        }
    }

    fn forms(&self, values: &[f64]) -> Vec<Form> {
        let positive = values.iter().all(|y| *y > 0.0);
        let seasonal = self.season > 1 && values.len() > self.season;
        let fits = |form: &Form| {
            form.is_stable()
                && (positive || !form.needs_positive())
                && (seasonal || form.season == Part::None)
                && (self.multiplicative_trend || form.trend != Part::Multiplicative)
        };
        match self.form {
            Some(form) => vec![form],
            None => Form::all().into_iter().filter(fits).collect(),
        }
    }

    /// The estimates of all forms that can be estimated, the best first, in units of the returned scale.
    pub fn estimates(
        &self,
        history: &[f64],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<Estimate>, f64), Error> {
        let size = history.iter().map(|y| y.abs()).sum::<f64>() / history.len().max(1) as f64;
        let scale = if size > 0.0 && size.is_finite() { size } else { 1.0 };
        let values: Vec<f64> = history.iter().map(|y| y / scale).collect();
        let mut work = Work::default();
        let mut found = Vec::new();
        for form in self.forms(&values) {
            found.extend(estimate(form, &values, self.season.max(1), &mut work, poll)?);
        }
        found.sort_by(|a, b| a.aicc.total_cmp(&b.aicc));
        Ok((found, scale))
    }
}

impl Fit for Ets {
    fn name(&self) -> &'static str {
        let Some(form) = self.form.filter(|form| !form.multiplicative_error) else {
            return "ets";
        };
        match (form.trend, form.damped, form.season) {
            (Part::None, false, Part::None) => "ses",
            (Part::Additive, false, Part::None) => "holt",
            (Part::Additive, true, Part::None) => "damped",
            (Part::Additive, false, Part::Additive) => "holt_winters",
            _ => "ets",
        }
    }

    fn needed(&self) -> usize {
        5
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let (found, scale) = self.estimates(history, poll)?;
        let mut found = found.into_iter();
        let Some(estimate) = found.next() else {
            let needed = self
                .form
                .map_or(self.needed(), |form| form.parameters(self.season) + 2);
            return Err(Error::TooShort {
                values: history.len(),
                needed: needed.max(history.len() + 1),
                model: self.name(),
            });
        };
        let least = estimate.aicc;
        let mut weighted = vec![(1.0, estimate)];
        if self.averaged {
            weighted.extend(
                found
                    .map(|other| ((0.5 * (least - other.aicc)).exp(), other))
                    .take_while(|(w, _)| *w > LEAST_WEIGHT),
            );
            let whole: f64 = weighted.iter().map(|(weight, _)| weight).sum();
            weighted.iter_mut().for_each(|(weight, _)| *weight /= whole);
        }
        Ok(Box::new(Fitted { weighted, scale }))
    }
}

/// An estimate with less than this share of the best one's weight is left out of an average.
const LEAST_WEIGHT: f64 = 0.01;

/// Fitted forms of exponential smoothing with weights that sum to 1, the best first.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) weighted: Vec<(f64, Estimate)>,
    pub(crate) scale: f64,
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        if let [(_, only)] = self.weighted.as_slice() {
            return scaled(spread::path(only, horizon), self.scale);
        }
        // The variance of a mixture: the mean of the variances, and of the squared distances from the mean.
        let mut mixed = vec![(0.0, 0.0); horizon];
        for (weight, estimate) in &self.weighted {
            for ((mean, square), step) in mixed.iter_mut().zip(spread::path(estimate, horizon)) {
                *mean += weight * step.value;
                *square += weight * (step.standard_error.powi(2) + step.value.powi(2));
            }
        }
        let steps = mixed.into_iter().map(|(mean, square)| Step {
            value: mean,
            standard_error: (square - mean * mean).max(0.0).sqrt(),
        });
        scaled(steps.collect(), self.scale)
    }

    fn form(&self) -> String {
        let forms: Vec<String> = self
            .weighted
            .iter()
            .map(|(_, estimate)| estimate.form.to_string())
            .collect();
        forms.join("+")
    }

    fn state(&self) -> Option<Kept> {
        Some(Kept(Family::Ets(self.clone())))
    }
}

fn scaled(mut steps: Vec<Step>, scale: f64) -> Vec<Step> {
    for step in &mut steps {
        step.value *= scale;
        step.standard_error *= scale;
    }
    steps
}
