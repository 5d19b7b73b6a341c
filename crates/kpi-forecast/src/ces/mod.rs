//! Complex exponential smoothing.

pub(crate) mod recursion;

pub use recursion::{Row, Season, Weights};

use crate::decomposition::{Kind, seasonal_indices_of};
use crate::mean::Flat;
use crate::model::{Step, require, unless_canceled};
use crate::optimize::simplex::minimize;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};
use recursion::States;

/// Complex exponential smoothing: a level with an "information potential" as its imaginary part, which between them can
/// go on level or with a trend without one being chosen (Svetunkov, Kourentzes & Ord 2022, *Naval Research Logistics*
/// 69:1108-1123). Without a season, with a simple, a partial or a full one, whichever has the least corrected Akaike
/// criterion. First states come from a run backwards; standard errors are exact, `sigma sqrt(1 + sum c_j^2)` with
/// `c_j` the response to an error.
///
/// ```
/// use kpi_forecast::{Fit, ces::Ces};
/// let history: Vec<f64> = (0..48).map(|t| [80.0, 100.0, 130.0, 90.0][t % 4] + (t % 5) as f64).collect();
/// let fitted = Ces { season: 4, form: None }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(3) - 132.0).abs() < 3.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ces {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// The seasonal part, or `None` to have it chosen.
    pub form: Option<Season>,
}

const LOW: [f64; 4] = [0.01; 4];
const HIGH: [f64; 4] = [1.8, 1.9, 1.5, 1.5];
/// Evaluations of a search per weight.
const EVALUATIONS: usize = 120;

/// An estimated seasonal part, in the unit of the values that it was estimated from.
#[derive(Debug, Clone)]
pub(crate) struct Estimate {
    pub(crate) season: Season,
    pub(crate) weights: Weights,
    /// The rows before the first value.
    pub(crate) first: Vec<Row>,
    /// The newest rows, one for each place in the season.
    pub(crate) last: Vec<Row>,
    pub(crate) sigma: f64,
    /// n log(sum e^2).
    pub(crate) deviance: f64,
    pub(crate) aicc: f64,
}

impl Fit for Ces {
    fn name(&self) -> &'static str {
        "ces"
    }

    fn needed(&self) -> usize {
        5
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let size = history.iter().map(|y| y.abs()).sum::<f64>() / history.len() as f64;
        let scale = if size > 0.0 && size.is_finite() { size } else { 1.0 };
        let values: Vec<f64> = history.iter().map(|y| y / scale).collect();
        let seasonal = self.season > 1 && values.len() >= 2 * self.season + 2;
        let forms = match self.form {
            Some(form) if seasonal => vec![form],
            None if seasonal => vec![Season::None, Season::Simple, Season::Partial, Season::Full],
            _ => vec![Season::None],
        };
        let mut best: Option<Estimate> = None;
        for form in forms {
            let found = estimate(form, &values, self.season, poll)?;
            best = best
                .into_iter()
                .chain(found)
                .min_by(|a, b| a.aicc.total_cmp(&b.aicc));
        }
        let Some(estimate) = best else {
            return Err(Error::TooShort {
                values: history.len(),
                needed: history.len() + 1,
                model: self.name(),
            });
        };
        Ok(Box::new(Fitted { estimate, scale }))
    }
}

fn estimate(
    season: Season,
    values: &[f64],
    m: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    let Some(first) = first_rows(season, values, m) else {
        return Ok(None);
    };
    let mut states = States::default();
    let full = |x: &[f64]| {
        let mut weights = Weights::default();
        for (i, (w, x)) in weights.iter_mut().zip(x).enumerate() {
            *w = x.clamp(LOW[i], HIGH[i]);
        }
        weights
    };
    let (start, sizes) = match season {
        Season::None | Season::Simple => (vec![1.3, 1.0], vec![-0.3, 0.05]),
        Season::Partial => (vec![1.3, 1.0, 0.1], vec![-0.3, 0.05, 0.1]),
        Season::Full => (vec![1.3, 1.0, 1.3, 1.0], vec![-0.3, 0.05, -0.3, 0.05]),
    };
    let n = values.len() as f64;
    let found = minimize(&start, &sizes, 1e-6, EVALUATIONS * start.len(), |x| {
        unless_canceled(poll)?;
        let squares = states.backcast(season, &full(x), values, &first);
        Ok(n * squares.max(f64::MIN_POSITIVE).ln())
    })?;
    let weights = full(&found.at);
    let squares = states.backcast(season, &weights, values, &first);
    let k = season.components() as f64 + 1.0;
    let deviance = n * squares.max(f64::MIN_POSITIVE).ln();
    let aicc = deviance + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0).max(f64::MIN_POSITIVE);
    let sigma = (squares / (n - k - 1.0).max(1.0)).sqrt();
    let known = n > k + 1.0 && aicc.is_finite();
    Ok(known.then(|| Estimate {
        season,
        weights,
        first: states.first(first.len()),
        last: states.last(first.len()),
        sigma,
        deviance,
        aicc,
    }))
}

/// Where the first run starts.
fn first_rows(season: Season, values: &[f64], m: usize) -> Option<Vec<Row>> {
    const POTENTIAL: f64 = 1.1;
    let mean = |count: usize| {
        let count = count.min(values.len());
        values[..count].iter().sum::<f64>() / count as f64
    };
    let level = |y: f64| [y, y / POTENTIAL, 0.0, 0.0];
    match season {
        Season::None => Some(vec![level(mean(m.max(10)))]),
        Season::Simple => Some(values.get(..m)?.iter().map(|y| level(*y)).collect()),
        Season::Partial | Season::Full => {
            let indices = seasonal_indices_of(values, m, Kind::Additive)?;
            let imaginary = if season == Season::Full {
                1.0 / POTENTIAL
            } else {
                0.0
            };
            let [real, potential, ..] = level(mean(m));
            Some(
                indices
                    .index
                    .iter()
                    .map(|s| [real, potential, *s, s * imaginary])
                    .collect(),
            )
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) estimate: Estimate,
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
        let Estimate {
            season,
            weights,
            last,
            sigma,
            ..
        } = &self.estimate;
        let mut sum = 1.0;
        recursion::means(*season, weights, last, horizon)
            .into_iter()
            .zip(recursion::response(*season, weights, last.len(), horizon))
            .map(|(mean, response)| {
                let step = Step {
                    value: self.scale * mean,
                    standard_error: self.scale * sigma * f64::sqrt(sum),
                };
                sum += response * response;
                step
            })
            .collect()
    }

    fn form(&self) -> String {
        let letter = match self.estimate.season {
            Season::None => "N",
            Season::Simple => "S",
            Season::Partial => "P",
            Season::Full => "F",
        };
        format!("CES({letter})")
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Ces(self.clone())))
    }
}
