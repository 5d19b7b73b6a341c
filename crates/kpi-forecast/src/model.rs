//! The two traits of a model, and the names by which a user asks for one.

use crate::arima::Arima;
use crate::ces::Ces;
use crate::cleaning::Cleaning;
use crate::ensemble::Ensemble;
use crate::ets::{Ets, Part};
use crate::grid::exact_season;
use crate::intermittent::Intermittent;
use crate::mstl::Mstl;
use crate::prophet::Prophet;
use crate::state::State;
use crate::tbats::Tbats;
use crate::theta::Theta;
use crate::{Drift, Error, Naive, SeasonalNaive, SeasonalSmoothing};
use std::fmt;
use std::str::FromStr;

/// A model that can be fitted to a history. The values must be finite (see [`crate::gaps::fill`]).
pub trait Fit {
    /// The name a user types.
    fn name(&self) -> &'static str;
    /// The least number of values that the model can be fitted to.
    fn needed(&self) -> usize;
    /// Fits the model. Fails with [`Error::TooShort`] below [`needed`](Fit::needed) values.
    /// `poll` is called at every pass through the history or oftener, so that a fit of any length ends within a second
    /// of when it returns true, with [`Error::Canceled`].
    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error>;
}

/// A point forecast and the standard deviation of its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The point forecast, in the unit of the values.
    pub value: f64,
    /// The standard deviation of its error, 0 for a perfect fit.
    pub standard_error: f64,
}

/// A fitted model.
pub trait Predict {
    /// The point forecast of `step` steps after the history (1 is the next one), in the unit of the values.
    fn value(&self, step: usize) -> f64;
    /// The standard deviation of the error of that forecast, in the unit of the values, 0 for a perfect fit.
    fn standard_error(&self, step: usize) -> f64;
    /// Both for steps 1 to `horizon`.
    fn path(&self, horizon: usize) -> Vec<Step> {
        (1..=horizon)
            .map(|step| Step {
                value: self.value(step),
                standard_error: self.standard_error(step),
            })
            .collect()
    }
    /// What the fit chose, in the notation of the model's literature, e.g. `ETS(M,Ad,M)`; empty when there was nothing
    /// to choose.
    fn form(&self) -> String {
        String::new()
    }
    /// The model as a value that can be stored and that takes new values; `None` of a model that has no such form.
    fn state(&self) -> Option<State> {
        None
    }
}

/// A fitted model that goes on with what comes next, in a time that does not depend on the length of its history.
///
/// The parameters stay what they were; the states become those of the same recursion over the longer history.
pub trait Observe: Predict {
    /// The next value.
    ///
    /// # Errors
    /// [`Error::Unsuited`] for a value that the model's form has no place for, and [`Error::NotObserved`] of a model that takes
    /// no values at all.
    fn observe(&mut self, value: f64) -> Result<(), Error>;

    /// A step without a value: it is taken for what was forecast.
    ///
    /// # Errors
    /// As of [`observe`](Observe::observe).
    fn skip(&mut self) -> Result<(), Error> {
        let next = self.value(1);
        self.observe(next)
    }
}

/// A model by name.
///
/// ```
/// use kpi_forecast::Model;
/// assert_eq!("seasonal_naive".parse::<Model>().unwrap(), Model::SeasonalNaive);
/// assert!("sesonal".parse::<Model>().is_err());
/// assert_eq!("theta+naive".parse::<Model>().unwrap().to_string(), "naive+theta");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// What [`crate::auto::choose`] chooses.
    Auto,
    /// The mean of the forecasts of several models.
    Mean(Members),
    /// [`Naive`].
    Naive,
    /// [`SeasonalNaive`].
    SeasonalNaive,
    /// [`SeasonalSmoothing`].
    SeasonalSmoothing,
    /// [`Drift`].
    Drift,
    /// [`Theta::standard`].
    Theta,
    /// [`Theta::optimized`].
    OptimizedTheta,
    /// [`Theta::dynamic`].
    DynamicTheta,
    /// [`Theta::dynamic_optimized`].
    DynamicOptimizedTheta,
    /// [`Ets::averaged`].
    Ets,
    /// [`Ces`], the season chosen.
    Ces,
    /// [`Arima`], the order found.
    Arima,
    /// [`Mstl`].
    Mstl,
    /// [`Mean`](crate::Mean) of all values.
    MeanValue,
    /// [`Ets`] of the form (A,N,N): simple exponential smoothing.
    Ses,
    /// [`Ets`] of the form (A,A,N).
    Holt,
    /// [`Ets`] of the form (A,Ad,N).
    Damped,
    /// [`Ets`] of the form (A,A,A).
    HoltWinters,
    /// [`Intermittent::Croston`].
    Croston,
    /// [`Intermittent::Sba`].
    Sba,
    /// [`Intermittent::Tsb`].
    Tsb,
    /// [`Intermittent::Adida`].
    Adida,
    /// [`Intermittent::Imapa`].
    Imapa,
    /// [`Prophet`].
    Prophet,
    /// [`Tbats`].
    Tbats,
    /// [`Ensemble`].
    Ensemble,
    /// [`weighted_ensemble`](crate::auto::weighted_ensemble).
    WeightedEnsemble,
}

/// Two or more different models, of which the mean is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Members {
    // One bit for each of the single models, in the order of `Model::SINGLE`.
    bits: u32,
}

impl Members {
    pub(crate) fn models(self) -> impl Iterator<Item = Model> {
        Model::SINGLE
            .into_iter()
            .enumerate()
            .filter(move |(place, _)| self.bits >> place & 1 == 1)
            .map(|(_, model)| model)
    }
}

impl Model {
    /// What the model takes out of a history where nobody says what to take: `auto` obvious outliers, the others nothing.
    ///
    /// ```
    /// use kpi_forecast::Model;
    /// assert!(Model::Auto.cleaning().outliers && !Model::Ets.cleaning().outliers);
    /// ```
    pub fn cleaning(self) -> Cleaning {
        Cleaning {
            outliers: self == Self::Auto,
            level_shifts: false,
            obvious: true,
        }
    }

    /// The models that forecast by themselves, the simplest first.
    const SINGLE: [Self; 25] = [
        Self::SeasonalNaive,
        Self::Naive,
        Self::Drift,
        Self::SeasonalSmoothing,
        Self::Theta,
        Self::OptimizedTheta,
        Self::DynamicTheta,
        Self::DynamicOptimizedTheta,
        Self::Ets,
        Self::Ces,
        Self::Arima,
        Self::Mstl,
        Self::Ensemble,
        Self::MeanValue,
        Self::Ses,
        Self::Holt,
        Self::Damped,
        Self::HoltWinters,
        Self::Croston,
        Self::Sba,
        Self::Tsb,
        Self::Adida,
        Self::Imapa,
        Self::Prophet,
        Self::Tbats,
    ];
    const ALL: [(&'static str, Self); 27] = [
        ("auto", Self::Auto),
        ("naive", Self::Naive),
        ("seasonal_naive", Self::SeasonalNaive),
        ("seasonal_smoothing", Self::SeasonalSmoothing),
        ("drift", Self::Drift),
        ("theta", Self::Theta),
        ("optimized_theta", Self::OptimizedTheta),
        ("dynamic_theta", Self::DynamicTheta),
        ("dynamic_optimized_theta", Self::DynamicOptimizedTheta),
        ("ets", Self::Ets),
        ("ces", Self::Ces),
        ("arima", Self::Arima),
        ("mstl", Self::Mstl),
        ("tbats", Self::Tbats),
        ("prophet", Self::Prophet),
        ("ensemble", Self::Ensemble),
        ("weighted_ensemble", Self::WeightedEnsemble),
        ("mean", Self::MeanValue),
        ("ses", Self::Ses),
        ("holt", Self::Holt),
        ("damped", Self::Damped),
        ("holt_winters", Self::HoltWinters),
        ("croston", Self::Croston),
        ("sba", Self::Sba),
        ("tsb", Self::Tsb),
        ("adida", Self::Adida),
        ("imapa", Self::Imapa),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }

    /// The mean of several models: `None` for fewer than two, for one named twice, and for `auto` or a mean among
    /// them.
    pub fn mean(models: &[Self]) -> Option<Self> {
        let mut bits = 0_u32;
        for model in models {
            let bit = 1 << Self::SINGLE.iter().position(|single| single == model)?;
            if bits & bit != 0 {
                return None;
            }
            bits |= bit;
        }
        (models.len() > 1).then_some(Self::Mean(Members { bits }))
    }

    /// Whether a fit takes so long that there is a backtest only where it decides something.
    pub(crate) fn is_costly(self) -> bool {
        match self {
            Self::Mean(members) => members.models().any(Self::is_costly),
            other => matches!(
                other,
                Self::Ets
                    | Self::Ces
                    | Self::Arima
                    | Self::Mstl
                    | Self::Tbats
                    | Self::Ensemble
                    | Self::WeightedEnsemble
                    | Self::Ses
                    | Self::Holt
                    | Self::Damped
                    | Self::HoltWinters
            ),
        }
    }

    /// The models that answer to this name for a series with this season: one, or the members of a mean;
    /// for `auto` the one it starts from.
    pub fn candidates(self, season: usize) -> Vec<Box<dyn Fit>> {
        self.candidates_of(&[season])
    }

    /// The same for a series with several seasons, the shortest first: `mstl`, `tbats` and `prophet` take them all, the others the shortest.
    pub fn candidates_of(self, seasons: &[usize]) -> Vec<Box<dyn Fit>> {
        let season = seasons.first().copied().unwrap_or(1);
        match self {
            Self::Mean(members) => members.models().flat_map(|m| m.candidates_of(seasons)).collect(),
            Self::Naive => vec![Box::new(Naive)],
            Self::SeasonalNaive => vec![Box::new(SeasonalNaive { season })],
            Self::SeasonalSmoothing => vec![Box::new(SeasonalSmoothing { season })],
            Self::Drift => vec![Box::new(Drift)],
            Self::Theta => vec![Box::new(Theta::standard(season))],
            Self::OptimizedTheta => vec![Box::new(Theta::optimized(season))],
            Self::DynamicTheta => vec![Box::new(Theta::dynamic(season))],
            Self::DynamicOptimizedTheta => vec![Box::new(Theta::dynamic_optimized(season))],
            Self::Ces => vec![Box::new(Ces { season, form: None })],
            Self::Arima => vec![Box::new(Arima { season, order: None })],
            Self::Mstl => vec![Box::new(Mstl {
                seasons: seasons.to_vec(),
            })],
            Self::Prophet => vec![Box::new(Prophet::new(
                seasons.iter().map(|m| *m as f64).collect(),
            ))],
            Self::Tbats => vec![Box::new(Tbats {
                seasons: seasons.iter().map(|m| exact_season(*m)).collect(),
            })],
            Self::Ensemble => vec![Box::new(Ensemble { season })],
            Self::Ets => vec![Box::new(Ets::averaged(season))],
            Self::MeanValue => vec![Box::new(crate::Mean)],
            Self::Ses => vec![Box::new(Ets::of(Part::None, false, 1))],
            Self::Holt => vec![Box::new(Ets::of(Part::Additive, false, 1))],
            Self::Damped => vec![Box::new(Ets::of(Part::Additive, true, 1))],
            Self::HoltWinters => vec![Box::new(Ets::of(Part::Additive, false, season))],
            Self::Croston => vec![Box::new(Intermittent::Croston)],
            Self::Sba => vec![Box::new(Intermittent::Sba)],
            Self::Tsb => vec![Box::new(Intermittent::Tsb)],
            Self::Adida => vec![Box::new(Intermittent::Adida)],
            Self::Imapa => vec![Box::new(Intermittent::Imapa)],
            Self::Auto | Self::WeightedEnsemble => vec![Box::new(Ensemble { season })],
        }
    }
}

/// The name that a user types; a mean is the names of its members with `+` between them.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Mean(members) = self {
            let names: Vec<String> = members.models().map(|model| model.to_string()).collect();
            return f.write_str(&names.join("+"));
        }
        let known = Self::ALL.iter().find(|(_, model)| model == self);
        f.write_str(known.map_or("auto", |(name, _)| name))
    }
}

impl FromStr for Model {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let single = |name: &str| {
            let known = Self::ALL.iter().find(|(known, _)| *known == name);
            known.map(|(_, model)| *model)
        };
        let mean = || Self::mean(&name.split('+').map(single).collect::<Option<Vec<Self>>>()?);
        single(name).or_else(mean).ok_or_else(|| Error::UnknownModel {
            name: name.to_owned(),
        })
    }
}

/// Fails with [`Error::Canceled`] when `poll` says to stop.
pub(crate) fn unless_canceled(poll: &mut dyn FnMut() -> bool) -> Result<(), Error> {
    if poll() { Err(Error::Canceled) } else { Ok(()) }
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
