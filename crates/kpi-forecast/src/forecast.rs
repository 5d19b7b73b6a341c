//! From a history with gaps to points with a band.

use crate::auto;
use crate::backtest::{Outcome, rolling_origin};
use crate::options::Options;
use crate::{Error, Fit, Model, Step, fan};

/// Steps that can be asked for at most.
pub const MAX_HORIZON: i64 = 100_000;
/// Values that a model looks at: the newest ones. What is older no longer says what comes, and a bound keeps the time
/// for a forecast of any series bounded too.
pub const MAX_HISTORY: usize = 100_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Steps ahead, 1 to [`MAX_HORIZON`].
    pub horizon: i64,
    /// The model.
    pub model: Model,
    /// Share of outcomes that the band should hold, between 0 and 1.
    pub level: f64,
    /// Steps in a season, 1 for none; found from the data when `None`.
    pub season: Option<i64>,
}

impl Request {
    /// Whether horizon and level are in range, which can be said before there is a history.
    ///
    /// # Errors
    /// [`Error::Horizon`] and [`Error::Level`].
    pub fn check(&self) -> Result<(), Error> {
        let Self { horizon, level, .. } = *self;
        if !(1..=MAX_HORIZON).contains(&horizon) {
            return Err(Error::Horizon { horizon });
        }
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::Level { level });
        }
        Ok(())
    }
}

/// One step ahead, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The point forecast.
    pub value: f64,
    /// Lower end of the band.
    pub lower: f64,
    /// Upper end of the band.
    pub upper: f64,
}

/// A forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// One point per step, the step after the last of the history first.
    pub points: Vec<Point>,
    /// Name of the model that made it; that of a mean is the names of its members with `+` between them.
    pub model: String,
    /// Steps in the season that was used, 1 for none.
    pub season: usize,
}

/// Forecasts `history`, in which a value that is not finite is a gap.
///
/// Leading gaps are left out; trailing gaps are forecast over, so that step 1 always comes after the last point
/// of the history. `expected_seasons` are seasons that the calendar suggests for the step (see
/// [`season::detect`](crate::season::detect)). [`Model::Auto`] is what [`auto::choose`] chooses. Means have equal weights, which is hard to beat
/// (Clemen 1989, *International Journal of Forecasting* 5:559-583). The band is the normal band of the model's standard errors (of `auto` that of
/// Student's distribution), of a mean that of the mean of its members' (the most that the error of a mean can have), widened (never narrowed, but for
/// `auto`) so that it would have held the share `level` of what came in the backtest.
///
/// `poll` is called at every pass through the history; true ends it with [`Error::Canceled`].
///
/// ```
/// use kpi_forecast::{Model, Request, forecast};
/// let request = Request { horizon: 2, model: Model::Auto, level: 0.9, season: None };
/// let flat = forecast(&[7.0, 7.0, 7.0], &request, &[], &mut || false).unwrap();
/// assert_eq!((flat.points[1].lower, flat.points[1].value, flat.points[1].upper), (7.0, 7.0, 7.0));
/// ```
pub fn forecast(
    history: &[f64],
    request: &Request,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Forecast, Error> {
    let fan = fan(history, request, &Options::default(), expected_seasons, poll)?;
    let points = fan
        .values
        .iter()
        .zip(fan.bands.iter().flat_map(|band| &band.ends));
    Ok(Forecast {
        points: points
            .map(|(value, (lower, upper))| Point {
                value: *value,
                lower: *lower,
                upper: *upper,
            })
            .collect(),
        model: fan.model,
        season: fan.season,
    })
}

/// What a model says of a history without gaps.
pub(crate) struct Made {
    pub(crate) path: Vec<Step>,
    /// The models of which it is the mean, with `+` between them.
    pub(crate) name: String,
    /// How it did in its backtest, if there was one.
    pub(crate) outcomes: Vec<Outcome>,
    /// The number of values from which its backtest chose it, if one did.
    pub(crate) chosen_from: Option<usize>,
}

/// Forecasts `filled`, in which `values` are no filled gaps, with the shortest of `seasons`, or with all where a model can.
pub(crate) fn make(
    model: Model,
    filled: &[f64],
    values: usize,
    seasons: &[usize],
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Made, Error> {
    let season = seasons.first().copied().unwrap_or(1);
    let is_chosen = matches!(model, Model::Auto | Model::WeightedEnsemble);
    let (path, name, outcomes) = if is_chosen {
        if values < 2 {
            return Err(Error::TooShort {
                values,
                needed: 2,
                model: "naive",
            });
        }
        let chosen = match model {
            Model::Auto => auto::choose_with(filled, season, seasons.get(1).copied(), ahead, poll)?,
            _ => auto::weighted_ensemble(filled, season, ahead, poll)?,
        };
        (chosen.path, chosen.model.to_owned(), chosen.outcomes)
    } else {
        let (chosen, outcomes) = choose(model, filled, values, seasons, ahead, poll)?;
        let fitted = chosen
            .iter()
            .map(|member| Ok(member.fit(filled, poll)?.path(ahead)))
            .collect::<Result<Vec<_>, Error>>()?;
        let names: Vec<&str> = chosen.iter().map(|member| member.name()).collect();
        (mean_path(&fitted), names.join("+"), outcomes)
    };
    Ok(Made {
        path,
        name,
        outcomes,
        chosen_from: is_chosen.then_some(values),
    })
}

/// The mean of forecasts and of their standard errors.
pub(crate) fn mean_path(fitted: &[Vec<Step>]) -> Vec<Step> {
    let count = fitted.len() as f64;
    let mut mean = vec![
        Step {
            value: 0.0,
            standard_error: 0.0
        };
        fitted.first().map_or(0, Vec::len)
    ];
    for path in fitted {
        for (sum, step) in mean.iter_mut().zip(path) {
            sum.value += step.value / count;
            sum.standard_error += step.standard_error / count;
        }
    }
    mean
}

/// Models of which the mean is taken, or one.
pub(crate) type Models = Vec<Box<dyn Fit>>;

/// The models whose mean is the forecast, with the backtest of that mean: those asked for.
pub(crate) fn choose(
    model: Model,
    filled: &[f64],
    values: usize,
    seasons: &[usize],
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Models, Vec<Outcome>), Error> {
    let season = seasons.first().copied().unwrap_or(1);
    let mut tried = Vec::new();
    for candidate in model.candidates_of(seasons) {
        if values < candidate.needed() {
            let error = Error::TooShort {
                values,
                needed: candidate.needed(),
                model: candidate.name(),
            };
            return Err(error);
        }
        let outcomes = if model.is_costly() {
            Vec::new()
        } else {
            rolling_origin(candidate.as_ref(), filled, season, ahead, poll)?
        };
        tried.push((candidate, outcomes));
    }
    let outcomes: Vec<&[Outcome]> = tried.iter().map(|(_, outcomes)| outcomes.as_slice()).collect();
    let combined = mean_of(&outcomes);
    Ok((
        tried.into_iter().map(|(candidate, _)| candidate).collect(),
        combined,
    ))
}

/// The backtest of the mean of some models. All have been tried from the same origins.
pub(crate) fn mean_of(outcomes: &[&[Outcome]]) -> Vec<Outcome> {
    let weight = 1.0 / outcomes.len() as f64;
    let mut members = outcomes.iter();
    let mut mean = members.next().map_or(Vec::new(), |first| first.to_vec());
    for outcome in &mut mean {
        outcome.error *= weight;
        outcome.standard_error *= weight;
    }
    for other in members {
        for (outcome, more) in mean.iter_mut().zip(*other) {
            outcome.error += weight * more.error;
            outcome.standard_error += weight * more.standard_error;
        }
    }
    mean
}
