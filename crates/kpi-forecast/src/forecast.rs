//! From a history with gaps to points with a band.

use crate::backtest::{Outcome, mean_absolute_error, rolling_origin};
use crate::{Error, Fit, Model, gaps, season};
use statrs::distribution::{ContinuousCDF, Normal};

/// Steps that can be asked for at most.
pub const MAX_HORIZON: i64 = 100_000;
/// Values that a model looks at: the newest ones. What is older no longer says what comes, and a bound keeps a
/// forecast of any series well under a second.
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
    /// Name of the model that made it.
    pub model: &'static str,
    /// Steps in the season that was used, 1 for none.
    pub season: usize,
}

/// Forecasts `history`, in which a value that is not finite is a gap.
///
/// Leading gaps are left out; trailing gaps are forecast over, so that step 1 always comes after the last point of the history.
/// `expected_seasons` are seasons that the calendar suggests for the step (see [`season::detect`]). With
/// [`Model::Auto`] the model with the least mean absolute error in a backtest on this series is taken, so never one that
/// loses to the seasonal naive there; on a tie the simpler one. The band is the normal band of the model's standard errors, widened
/// (never narrowed) so that it would have held the share `level` of what came in the backtest.
///
/// `poll` is called between fits; true ends it with [`Error::Canceled`].
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
    let (chosen, outcomes) = choose(model, &filled, values, season, ahead, poll)?;
    let fitted = chosen.fit(&filled)?;
    let width = normal_width(level).max(observed_width(&outcomes, level));
    let points: Vec<Point> = (overdue + 1..=ahead)
        .map(|step| {
            let (value, reach) = (fitted.value(step), width * fitted.standard_error(step).abs());
            Point {
                value,
                lower: value - reach,
                upper: value + reach,
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
        model: chosen.name(),
        season,
    })
}

/// The candidate with the least backtest error, with that backtest.
fn choose(
    model: Model,
    filled: &[f64],
    values: usize,
    season: usize,
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Box<dyn Fit>, Vec<Outcome>), Error> {
    let mut best: Option<(f64, Box<dyn Fit>, Vec<Outcome>)> = None;
    let mut short = None;
    for candidate in model.candidates(season) {
        if values < candidate.needed() {
            short = short.or(Some(Error::TooShort {
                values,
                needed: candidate.needed(),
                model: candidate.name(),
            }));
            continue;
        }
        let outcomes = rolling_origin(candidate.as_ref(), filled, season, ahead, poll)?;
        let error = mean_absolute_error(&outcomes);
        if best.as_ref().is_none_or(|(least, _, _)| error < *least) {
            best = Some((error, candidate, outcomes));
        }
    }
    match (best, short) {
        (Some((_, candidate, outcomes)), _) => Ok((candidate, outcomes)),
        (None, Some(error)) => Err(error),
        (None, None) => Err(Error::TooShort {
            values,
            needed: 2,
            model: "auto",
        }),
    }
}

/// Standard errors to each side that hold the share `level` of a normal distribution: 1.96 for 0.95.
fn normal_width(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
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
