//! Several seasons at once: decomposition, and a model for what is without season.

use crate::ets::Ets;
use crate::mean::Flat;
use crate::model::{Step, require};
use crate::state::{Family, State};
use crate::stl::decompose;
use crate::{Error, Fit, Predict};

/// Every season repeats its last course ([`decompose`]); what is left without seasons is forecast by exponential smoothing,
/// which also gives the standard errors.
///
/// ```
/// use kpi_forecast::{Fit, mstl::Mstl};
/// let history: Vec<f64> = (0..84).map(|t| [1.0, 4.0, 2.0][t % 3] + [0.0, 7.0, 0.0, 2.0][t % 4]).collect();
/// let fitted = Mstl { seasons: vec![3, 4] }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(2) - 11.0).abs() < 0.7); // 4 + 7
/// ```
#[derive(Debug, Clone)]
pub struct Mstl {
    /// The seasons, the shortest first; those that do not fit twice are left out.
    pub seasons: Vec<usize>,
}

/// The last course of each season, and the model of the rest.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) rest: State,
    pub(crate) courses: Vec<Vec<f64>>,
    /// What the rest was fitted to.
    pub(crate) adjusted: Vec<f64>,
}

impl Fit for Mstl {
    fn name(&self) -> &'static str {
        "mstl"
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
        let seasons: Vec<usize> = self
            .seasons
            .iter()
            .copied()
            .filter(|m| *m >= 2 && 2 * m <= n)
            .collect();
        let parts = decompose(history, &seasons, poll)?;
        let rest: Vec<f64> = parts
            .trend
            .iter()
            .zip(&parts.remainder)
            .map(|(t, r)| t + r)
            .collect();
        let courses = seasons
            .iter()
            .zip(&parts.seasons)
            .map(|(m, part)| part[n - m..].to_vec())
            .collect();
        let fitted = Ets::averaged(1).fit(&rest, poll)?.state();
        Ok(Box::new(Fitted {
            rest: fitted.ok_or_else(|| Error::NotKept {
                model: self.name().to_owned(),
            })?,
            courses,
            adjusted: rest,
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
        for course in &self.courses {
            for (step, index) in steps.iter_mut().zip(course.iter().cycle()) {
                step.value += index;
            }
        }
        steps
    }

    fn form(&self) -> String {
        self.rest.form()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Mstl(Box::new(self.clone()))))
    }
}
