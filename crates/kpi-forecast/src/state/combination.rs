//! Several models as one.

use super::codec::{Stored, read_choice, read_numbers, write_choice, write_numbers};
use super::{Family, State};
use crate::auto::mixed;
use crate::ensemble::{pooled, weighted_median};
use crate::forecast::mean_path;
use crate::model::{Observe, Step};
use crate::{Error, Predict};
use kpi_stats::frame::{Reader, Writer};

/// How the forecasts become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Their mean.
    Mean,
    /// Their weighted median, and the weighted mean of their standard errors.
    Median,
    /// The weighted mean of two.
    Mixed,
    /// The middle between weighted mean and weighted median.
    Pooled,
}

const RULES: [Rule; 4] = [Rule::Mean, Rule::Median, Rule::Mixed, Rule::Pooled];

/// Models and their weights.
#[derive(Debug, Clone)]
pub(crate) struct Combination {
    pub(crate) rule: Rule,
    /// One for each member.
    pub(crate) weights: Vec<f64>,
    pub(crate) members: Vec<State>,
}

impl Combination {
    /// The mean of some models, or the only one.
    pub(crate) fn mean(mut members: Vec<State>) -> State {
        match members.len() {
            1 => members.swap_remove(0),
            count => State(Family::Combination(Self {
                rule: Rule::Mean,
                weights: vec![1.0; count],
                members,
            })),
        }
    }

    /// Two forecasts, of which the second has the given share.
    pub(crate) fn mixed(own: State, other: State, share: f64) -> Self {
        Self {
            rule: Rule::Mixed,
            weights: vec![1.0 - share, share],
            members: vec![own, other],
        }
    }

    /// The members with weights that sum to 1.
    pub(super) fn weighted(&self) -> Vec<(f64, &State)> {
        let whole: f64 = self.weights.iter().sum();
        let weights = self.weights.iter().map(|weight| weight / whole);
        weights.zip(&self.members).collect()
    }

    fn combined(&self, paths: &[Vec<Step>]) -> Vec<Step> {
        match (self.rule, paths, &self.weights[..]) {
            (Rule::Mean, _, _) => mean_path(paths),
            (Rule::Mixed, [own, other], [_, share]) => mixed(own, other, *share),
            _ => {
                let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
                match self.rule {
                    Rule::Pooled => pooled(&paths, &self.weights),
                    _ => weighted_median(&paths, &self.weights),
                }
            }
        }
    }
}

impl Predict for Combination {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let paths: Vec<Vec<Step>> = self.members.iter().map(|member| member.path(horizon)).collect();
        self.combined(&paths)
    }

    fn form(&self) -> String {
        let forms: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("{} {}", member.family(), member.form()).trim().to_owned())
            .collect();
        forms.join("; ")
    }
}

impl Observe for Combination {
    fn observe(&mut self, value: f64) -> Result<(), Error> {
        self.members
            .iter_mut()
            .try_for_each(|member| member.observe(value))
    }

    /// Each member by its own forecast.
    fn skip(&mut self) -> Result<(), Error> {
        self.members.iter_mut().try_for_each(State::skip)
    }
}

impl Stored for Combination {
    fn write(&self, writer: &mut Writer) {
        write_choice(writer, &RULES, &self.rule);
        write_numbers(writer, &self.weights);
        self.members.iter().for_each(|member| member.write(writer));
    }

    fn read(reader: &mut Reader, depth: usize) -> Result<Self, kpi_stats::Error> {
        let rule = read_choice(reader, &RULES)?;
        let weights = read_numbers(reader, 1)?;
        let members = weights
            .iter()
            .map(|_| State::read(reader, depth + 1))
            .collect::<Result<Vec<State>, _>>()?;
        if rule == Rule::Mixed && members.len() != 2 {
            return Err(reader.corrupt("They mix other than two models.".into()));
        }
        Ok(Self {
            rule,
            weights,
            members,
        })
    }

    fn fitted(&self, history: &[f64]) -> Vec<f64> {
        let fitted: Vec<Vec<f64>> = self.members.iter().map(|member| member.fitted(history)).collect();
        (0..history.len())
            .map(|t| {
                let at = |values: &Vec<f64>| Step {
                    value: values.get(t).copied().unwrap_or(f64::NAN),
                    standard_error: 0.0,
                };
                let steps: Vec<Vec<Step>> = fitted.iter().map(|values| vec![at(values)]).collect();
                // A member that has no forecast yet leaves all without one.
                if steps.iter().flatten().any(|step| step.value.is_nan()) {
                    return f64::NAN;
                }
                self.combined(&steps).first().map_or(f64::NAN, |step| step.value)
            })
            .collect()
    }

    fn family(&self) -> &'static str {
        match self.rule {
            Rule::Median => "median",
            Rule::Mean | Rule::Mixed => "mean",
            Rule::Pooled => "pool",
        }
    }

    fn components(&self) -> Vec<(&'static str, Vec<f64>)> {
        Vec::new()
    }
}
