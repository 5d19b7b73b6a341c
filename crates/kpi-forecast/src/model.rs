//! The two traits of a model, and the names by which a user asks for one.

use crate::{Drift, Error, Naive, SeasonalNaive, SeasonalSmoothing, Theta};
use std::str::FromStr;

/// A model that can be fitted to a history. The values must be finite (see [`crate::gaps::fill`]).
pub trait Fit {
    /// The name a user types.
    fn name(&self) -> &'static str;
    /// The least number of values that the model can be fitted to.
    fn needed(&self) -> usize;
    /// Fits the model. Fails with [`Error::TooShort`] below [`needed`](Fit::needed) values.
    fn fit(&self, history: &[f64]) -> Result<Box<dyn Predict>, Error>;
}

/// A fitted model.
pub trait Predict {
    /// The point forecast of `step` steps after the history (1 is the next one), in the unit of the values.
    fn value(&self, step: usize) -> f64;
    /// The standard deviation of the error of that forecast, in the unit of the values, 0 for a perfect fit.
    fn standard_error(&self, step: usize) -> f64;
}

/// A model by name.
///
/// ```
/// use kpi_forecast::Model;
/// assert_eq!("seasonal_naive".parse::<Model>().unwrap(), Model::SeasonalNaive);
/// assert!("sesonal".parse::<Model>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// The candidate that wins a backtest on the series itself.
    Auto,
    /// [`Naive`].
    Naive,
    /// [`SeasonalNaive`].
    SeasonalNaive,
    /// [`SeasonalSmoothing`].
    SeasonalSmoothing,
    /// [`Drift`].
    Drift,
    /// [`Theta`].
    Theta,
}

impl Model {
    const ALL: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("naive", Self::Naive),
        ("seasonal_naive", Self::SeasonalNaive),
        ("seasonal_smoothing", Self::SeasonalSmoothing),
        ("drift", Self::Drift),
        ("theta", Self::Theta),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }

    /// The models that answer to this name for a series with this season: one, or all candidates for `auto`,
    /// the simplest first.
    pub fn candidates(self, season: usize) -> Vec<Box<dyn Fit>> {
        match self {
            Self::Naive => vec![Box::new(Naive)],
            Self::SeasonalNaive => vec![Box::new(SeasonalNaive { season })],
            Self::SeasonalSmoothing => vec![Box::new(SeasonalSmoothing { season })],
            Self::Drift => vec![Box::new(Drift)],
            Self::Theta => vec![Box::new(Theta { season })],
            Self::Auto if season > 1 => vec![
                Box::new(SeasonalNaive { season }),
                Box::new(Naive),
                Box::new(Drift),
                Box::new(SeasonalSmoothing { season }),
                Box::new(Theta { season }),
            ],
            Self::Auto => vec![Box::new(Naive), Box::new(Drift), Box::new(Theta { season: 1 })],
        }
    }
}

impl FromStr for Model {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, model)| *model)
            .ok_or_else(|| Error::UnknownModel {
                name: name.to_owned(),
            })
    }
}

/// Fails unless `history` has the values that `model` needs.
pub(crate) fn require(model: &dyn Fit, history: &[f64]) -> Result<(), Error> {
    if history.len() < model.needed() {
        return Err(Error::TooShort {
            values: history.len(),
            needed: model.needed(),
            model: model.name(),
        });
    }
    Ok(())
}
