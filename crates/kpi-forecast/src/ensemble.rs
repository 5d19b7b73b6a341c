//! The median of several models.

use crate::arima::Arima;
use crate::ces::Ces;
use crate::ets::Ets;
use crate::model::{Step, require};
use crate::state::{Combination, Family, Rule, State};
use crate::theta::Theta;
use crate::{Error, Fit, Predict};

/// The median, step by step, of exponential smoothing, complex exponential smoothing, ARIMA and the dynamic optimised
/// theta model: "simple combination of univariate models" (Petropoulos & Svetunkov 2020, *International Journal of
/// Forecasting* 36:110-115), of the best in the M4 competition. A model that needs more values than there are is left out. The
/// standard error is the mean of the members', for their errors go together.
///
/// ```
/// use kpi_forecast::{Fit, ensemble::Ensemble};
/// let history: Vec<f64> = (0..48).map(|t| [80.0, 100.0, 130.0, 90.0][t % 4] + t as f64).collect();
/// let fitted = Ensemble { season: 4 }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(3) - 180.0).abs() < 5.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ensemble {
    /// Steps in a season, 1 for none.
    pub season: usize,
}

impl Ensemble {
    fn members(self) -> Vec<Box<dyn Fit>> {
        let season = self.season;
        vec![
            Box::new(Theta::dynamic_optimized(season)),
            Box::new(Ets::averaged(season)),
            Box::new(Ces { season, form: None }),
            Box::new(Arima { season, order: None }),
        ]
    }
}

impl Fit for Ensemble {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn needed(&self) -> usize {
        3
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let mut fitted = Vec::new();
        for member in self.members() {
            match member.fit(history, poll) {
                Ok(model) => fitted.push((member.name(), model)),
                Err(Error::TooShort { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if fitted.is_empty() {
            return Err(Error::TooShort {
                values: history.len(),
                needed: self.needed(),
                model: self.name(),
            });
        }
        Ok(Box::new(Fitted { members: fitted }))
    }
}

struct Fitted {
    members: Vec<(&'static str, Box<dyn Predict>)>,
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let paths: Vec<Vec<Step>> = self
            .members
            .iter()
            .map(|(_, member)| member.path(horizon))
            .collect();
        median(&paths)
    }

    fn form(&self) -> String {
        let forms: Vec<String> = self
            .members
            .iter()
            .map(|(name, member)| format!("{name} {}", member.form()))
            .collect();
        forms.join("; ")
    }

    fn state(&self) -> Option<State> {
        let members = self.members.iter().map(|(_, member)| member.state());
        let members: Vec<State> = members.collect::<Option<_>>()?;
        Some(State(Family::Combination(Combination {
            rule: Rule::Median,
            weights: vec![1.0; members.len()],
            members,
        })))
    }
}

/// The median of the values and the mean of the standard errors, step by step.
///
/// ```
/// use kpi_forecast::{Step, ensemble::median};
/// let flat = |value| vec![Step { value, standard_error: value }];
/// assert_eq!(median(&[flat(1.0), flat(9.0), flat(2.0)]), [Step { value: 2.0, standard_error: 4.0 }]);
/// ```
pub fn median(paths: &[Vec<Step>]) -> Vec<Step> {
    let paths: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
    weighted_median(&paths, &vec![1.0; paths.len()])
}

/// The median of the values and the mean of the standard errors, step by step, each forecast with its weight above zero. The median is
/// where half of the weight lies below, on the line through the middles of the weights of neighbouring values; of equal
/// weights it is the usual one.
///
/// ```
/// use kpi_forecast::{Step, ensemble::weighted_median};
/// let flat = |value| [Step { value, standard_error: 1.0 }];
/// let paths = [&flat(1.0)[..], &flat(3.0), &flat(7.0)];
/// assert_eq!(weighted_median(&paths, &[1.0, 1.0, 1.0])[0].value, 3.0);
/// assert_eq!(weighted_median(&paths, &[1.0, 1.0, 2.0])[0].value, 3.0 + 4.0 / 3.0);
/// ```
pub fn weighted_median(paths: &[&[Step]], weights: &[f64]) -> Vec<Step> {
    let steps = paths.iter().map(|path| path.len()).min().unwrap_or(0);
    (0..steps)
        .map(|i| {
            let step = paths
                .iter()
                .zip(weights)
                .filter_map(|(path, weight)| Some((path.get(i)?, *weight)))
                .filter(|(step, _)| step.value.is_finite() && step.standard_error.is_finite());
            let whole: f64 = step.clone().map(|(_, weight)| weight).sum();
            let standard_error = step
                .clone()
                .map(|(step, weight)| step.standard_error * weight)
                .sum::<f64>()
                / whole;
            let mut values: Vec<(f64, f64)> = step.map(|(step, weight)| (step.value, weight)).collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            Step {
                value: middle(&values),
                standard_error,
            }
        })
        .collect()
}

/// In median distances from the median: more than forecasts differ by unless one has run away.
const FARTHEST: f64 = 10.0;

/// The middle between the [weighted median](weighted_median) and the weighted mean: the mean takes the errors of all to a small one where
/// they are independent, the median is not led away by the one that is far off (Jose & Winkler 2008, *International Journal of
/// Forecasting* 24:163-169, on such averages between the two). In the mean
/// no forecast counts as farther from the median than ten times the median distance, and what is not finite counts for neither.
///
/// ```
/// use kpi_forecast::{Step, ensemble::pooled};
/// let flat = |value| [Step { value, standard_error: 1.0 }];
/// let paths = [&flat(1.0)[..], &flat(3.0), &flat(8.0)];
/// assert_eq!(pooled(&paths, &[1.0, 1.0, 1.0])[0].value, 3.5);
/// ```
pub fn pooled(paths: &[&[Step]], weights: &[f64]) -> Vec<Step> {
    let mut steps = weighted_median(paths, weights);
    for (i, step) in steps.iter_mut().enumerate() {
        let values: Vec<(f64, f64)> = paths
            .iter()
            .zip(weights)
            .filter_map(|(path, weight)| Some((path.get(i)?.value, *weight)))
            .filter(|(value, _)| value.is_finite())
            .collect();
        let mut distances: Vec<(f64, f64)> = values
            .iter()
            .map(|(value, _)| ((value - step.value).abs(), 1.0))
            .collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let reach = FARTHEST * middle(&distances);
        let (mut sum, mut whole) = (0.0, 0.0);
        for (value, weight) in values {
            sum += weight * (value - step.value).max(-reach).min(reach);
            whole += weight;
        }
        if whole > 0.0 {
            step.value += sum / whole / 2.0;
        }
    }
    steps
}

/// The weighted median of values in order, each with its weight; NaN of none.
fn middle(values: &[(f64, f64)]) -> f64 {
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for (value, weight) in values {
        let place = below + weight / 2.0;
        if place >= half {
            return match last {
                Some((left, from)) => left + (value - left) * ((half - from) / (place - from)),
                None => *value,
            };
        }
        last = Some((*value, place));
        below += weight;
    }
    last.map_or(f64::NAN, |(value, _)| value)
}
