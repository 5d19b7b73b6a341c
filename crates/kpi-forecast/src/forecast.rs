//! From a history with gaps to points with a band.

use crate::auto;
use crate::backtest::{Outcome, rolling_origin};
use crate::{Error, Fit, Model, Step, gaps, season};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

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
/// [`season::detect`]). [`Model::Auto`] is what [`auto::choose`] chooses. Means have equal weights, which is hard to beat
/// (Clemen 1989, *International Journal of Forecasting* 5:559-583). The band is the normal band of the model's standard errors (of `auto` that of Student's
/// distribution), of a mean that of the mean of its members' (the most that the error of a mean can have), widened (never narrowed) so that it would have held the
/// share `level` of what came in the backtest.
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
    request.check()?;
    let Request {
        horizon,
        model,
        level,
        season: asked,
    } = *request;
    let points = history.len();
    let first = history
        .iter()
        .position(|v| v.is_finite())
        .ok_or(Error::Empty { points })?;
    let last = history
        .iter()
        .rposition(|v| v.is_finite())
        .ok_or(Error::Empty { points })?;
    let overdue = points - 1 - last;
    let known = &history[first.max((last + 1).saturating_sub(MAX_HISTORY))..=last];
    let season = match asked {
        Some(season) => usize::try_from(season)
            .ok()
            .filter(|m| *m == 1 || (*m >= 1 && 2 * *m <= known.len()))
            .ok_or(Error::Season {
                season,
                length: known.len(),
            })?,
        None => season::detect(known, expected_seasons, poll),
    };
    let filled = gaps::fill(known, season);
    // A gap that was filled is no value: a model's needs are counted in values.
    let values = known.iter().filter(|v| v.is_finite()).count();
    let ahead = overdue + horizon as usize;
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
            Model::Auto => auto::choose(&filled, season, ahead, poll)?,
            _ => auto::weighted_ensemble(&filled, season, ahead, poll)?,
        };
        (chosen.path, chosen.model.to_owned(), chosen.outcomes)
    } else {
        let (chosen, outcomes) = choose(model, &filled, values, season, ahead, poll)?;
        let fitted = chosen
            .iter()
            .map(|member| Ok(member.fit(&filled, poll)?.path(ahead)))
            .collect::<Result<Vec<_>, Error>>()?;
        let names: Vec<&str> = chosen.iter().map(|member| member.name()).collect();
        (mean_path(&fitted), names.join("+"), outcomes)
    };
    // Who asks for a model by name gets its band, as the textbook has it, unless many outcomes speak against it.
    let width = if is_chosen {
        student_width(level, values) * overconfidence(&outcomes)
    } else {
        normal_width(level)
    };
    let width = width.max(observed_width(&outcomes, level));
    let points: Vec<Point> = path
        .iter()
        .skip(overdue)
        .map(|step| {
            let reach = width * step.standard_error.abs();
            Point {
                value: step.value,
                lower: step.value - reach,
                upper: step.value + reach,
            }
        })
        .collect();
    if points
        .iter()
        .any(|p| !(p.value.is_finite() && p.lower.is_finite() && p.upper.is_finite()))
    {
        let largest = known
            .iter()
            .filter(|v| v.is_finite())
            .fold(0.0_f64, |m, v| m.max(v.abs()));
        return Err(Error::Overflow { largest });
    }
    Ok(Forecast {
        points,
        model: name,
        season,
    })
}

/// The mean of forecasts and of their standard errors.
fn mean_path(fitted: &[Vec<Step>]) -> Vec<Step> {
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
type Models = Vec<Box<dyn Fit>>;

/// The models whose mean is the forecast, with the backtest of that mean: those asked for.
fn choose(
    model: Model,
    filled: &[f64],
    values: usize,
    season: usize,
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Models, Vec<Outcome>), Error> {
    let mut tried = Vec::new();
    for candidate in model.candidates(season) {
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
fn mean_of(outcomes: &[&[Outcome]]) -> Vec<Outcome> {
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

/// Standard errors to each side that hold the share `level` of a normal distribution: 1.96 for 0.95.
fn normal_width(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
}

/// The same of Student's distribution, since the standard error is itself estimated, with a degree of freedom less for the
/// level and one for the trend: 2.23 for 0.95 of 12 values.
fn student_width(level: f64, values: usize) -> f64 {
    let freedom = (values as f64 - 2.0).max(1.0);
    StudentsT::new(0.0, 1.0, freedom).map_or_else(
        |_| normal_width(level),
        |student| student.inverse_cdf(0.5 + level / 2.0),
    )
}

/// By what factor errors were larger than the standard errors stated, at least 1: the root of the mean squared ratio of each
/// origin and of two origins more at which all was as stated, so that one bad origin is not taken for a law.
fn overconfidence(outcomes: &[Outcome]) -> f64 {
    const GIVEN: f64 = 2.0;
    let origins = outcomes.iter().filter(|o| o.step == 1).count() as f64;
    let (mut sum, mut count) = (0.0, 0.0);
    for outcome in outcomes.iter().filter(|o| o.standard_error > 0.0) {
        sum += (outcome.error / outcome.standard_error).powi(2);
        count += 1.0;
    }
    if count == 0.0 {
        return 1.0;
    }
    ((GIVEN + origins * sum / count) / (GIVEN + origins))
        .sqrt()
        .max(1.0)
}

/// Standard errors to each side that held the share `level` of the outcomes, 0 when there are too few to say.
fn observed_width(outcomes: &[Outcome], level: f64) -> f64 {
    const FEW: usize = 10;
    let mut ratios: Vec<f64> = outcomes
        .iter()
        .filter(|o| o.standard_error > 0.0)
        .map(|o| o.error.abs() / o.standard_error)
        .collect();
    if ratios.len() < FEW {
        return 0.0;
    }
    ratios.sort_by(f64::total_cmp);
    let rank = ((ratios.len() + 1) as f64 * level).ceil() as usize;
    ratios[rank.clamp(1, ratios.len()) - 1]
}
