//! The states of a model of what known effects leave: the effects stay as they were learnt, the rest goes on.

use super::State;
use super::codec::{Stored, read_coefficients, write_coefficients};
use super::planned::Planned;
use crate::model::{Observe, Step};
use crate::{Error, Predict};
use kpi_stats::frame::{Reader, Writer};

/// What 1 of each regressor adds, by its name.
pub(crate) type Coefficients = Vec<(String, f64)>;

/// The effects of regressors, and the model of what they leave.
#[derive(Debug, Clone)]
pub(crate) struct Effects {
    pub(crate) coefficients: Coefficients,
    /// The effects in the history that it was just fitted to; not stored.
    pub(crate) past: Vec<f64>,
    pub(crate) planned: Planned,
    pub(crate) rest: State,
}

impl Predict for Effects {
    fn value(&self, step: usize) -> f64 {
        let ahead = step.saturating_sub(1);
        self.rest.value(step) + self.planned.at(ahead)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.rest.standard_error(step)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let mut steps = self.rest.path(horizon);
        for (ahead, step) in steps.iter_mut().enumerate() {
            step.value += self.planned.at(ahead);
        }
        steps
    }

    fn form(&self) -> String {
        format!("effects and {} {}", self.rest.family(), self.rest.form())
            .trim()
            .to_owned()
    }
}

impl Observe for Effects {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        let effect = self.planned.take()?;
        self.rest.observe(value - effect)
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.planned.take()?;
        self.rest.skip()
    }
}

impl Stored for Effects {
    fn write(&self, writer: &mut Writer) {
        write_coefficients(writer, &self.coefficients);
        self.planned.write(writer);
        self.rest.write(writer);
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        Ok(Self {
            coefficients: read_coefficients(reader)?,
            past: Vec::new(),
            planned: Planned::read(reader)?,
            rest: State::read(reader, depth + 1)?,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        if self.past.len() != history.len() {
            return vec![f64::NAN; history.len()];
        }
        let rest: Vec<f64> = history.iter().zip(&self.past).map(|(y, x)| y - x).collect();
        let fitted = self.rest.fitted(&rest);
        fitted.iter().zip(&self.past).map(|(rest, x)| rest + x).collect()
    }

    fn family(&self) -> &'static str {
        "effects"
    }

    fn parameters(&self) -> Vec<(String, f64)> {
        self.coefficients.clone()
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        vec![("next_effect", vec![self.planned.at(0)])]
    }
}
