//! A forecast with several bands around it, and with what can be asked of it besides.

use crate::band::{of_slope, width};
use crate::conformal;
use crate::forecast::make;
use crate::options::{Interval, Options, Shape};
use crate::prepared::{Prepared, Seasons, Span, finite, prepare};
use crate::regression::Task;
use crate::{Error, Model, Request};

/// Where a share of outcomes should lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The share.
    pub level: f64,
    /// Lower and upper end for each step, in the unit of the values.
    pub ends: Vec<(f64, f64)>,
}

/// A forecast with a band for each level.
#[derive(Debug, Clone, PartialEq)]
pub struct Fan {
    /// The point forecasts, the step after the last of the history first.
    pub values: Vec<f64>,
    /// One band for each level, in the order in which they were asked for.
    pub bands: Vec<Band>,
    /// Name of the model, as in [`Forecast`](crate::Forecast).
    pub model: String,
    /// Steps in the season that was used, the shortest of several; 1 for none.
    pub season: usize,
}

/// Forecasts `history`, in which a value that is not finite is a gap, like [`forecast`](crate::forecast()), with bands of several
/// levels from one fit: that of a wider level holds that of a narrower one. Of several seasons `mstl`, `tbats` and `prophet` take all, `auto` the two
/// shortest, and the other models the shortest.
///
/// The history is cleaned, then transformed; forecast and bands are transformed back, and cut at the bounds in the end.
///
/// # Errors
/// Those of [`Request::check`], [`Options::check`] and the models; [`Error::Season`], [`Error::NotPositive`], [`Error::Endless`],
/// [`Error::FewErrors`], [`Error::ShapeOfOther`] and [`Error::Overflow`].
///
/// ```
/// use kpi_forecast::{Model, Request, bounds::Bounds, fan, options::Options};
/// let request = Request { horizon: 1, model: Model::Drift, level: 0.95, season: Some(1) };
/// let bounds = Bounds { lower: Some(0.0), upper: None };
/// let options = Options { bounds, levels: vec![0.5, 0.95], ..Options::default() };
/// let made = fan(&[9.0, 6.0, 4.0, 1.0], &request, &options, &[], &mut || false).unwrap();
/// assert_eq!((made.values[0], made.bands[1].ends[0].0), (0.0, 0.0));
/// ```
pub fn fan(
    history: &[f64],
    request: &Request,
    options: &Options,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Fan, Error> {
    request.check()?;
    options.check()?;
    if options.shape != Shape::default() && request.model != Model::Prophet {
        return Err(Error::ShapeOfOther {
            model: request.model.to_string(),
        });
    }
    let levels = options.levels(request);
    let Span { start, last, overdue } = Span::of(history)?;
    let known = &history[start..=last];
    let options = &Options {
        regressors: options.regressors.after(start),
        ..options.clone()
    };
    let asked = match options.seasons.as_slice() {
        [] => request.season.as_slice(),
        several => several,
    };
    let seasons = Seasons::of(known, asked, expected_seasons, poll)?;
    let ahead = overdue + request.horizon as usize;
    let mut made = plain(known, request, options, &seasons, &levels, ahead, poll)?;
    if options.interval == Interval::Conformal {
        made.bands = around(&made.values, known, request, options, &seasons, &levels, poll)?;
    }
    let fan = Fan {
        values: made
            .values
            .iter()
            .skip(overdue)
            .map(|v| options.bounds.cut(*v))
            .collect(),
        bands: made
            .bands
            .into_iter()
            .map(|Band { level, ends }| Band {
                level,
                ends: ends
                    .into_iter()
                    .skip(overdue)
                    .map(|(lower, upper)| (options.bounds.cut(lower), options.bounds.cut(upper)))
                    .collect(),
            })
            .collect(),
        ..made
    };
    let ends = fan.bands.iter().flat_map(|band| &band.ends);
    if fan.values.iter().all(|v| v.is_finite())
        && ends.into_iter().all(|(a, b)| a.is_finite() && b.is_finite())
    {
        return Ok(fan);
    }
    Err(Error::Overflow {
        largest: finite(known).fold(0.0_f64, |m, v| m.max(v.abs())),
    })
}

/// Everything but bounds and conformal bands, for a history that ends with a value.
fn plain(
    known: &[f64],
    request: &Request,
    options: &Options,
    seasons: &Seasons,
    levels: &[f64],
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Fan, Error> {
    let season = seasons.shortest();
    let Prepared {
        filled,
        values,
        scale,
        ..
    } = prepare(known, season, request.model, options, poll)?;
    let made = if options.regressors.is_empty() && !matches!(request.model, Model::Prophet | Model::Tbats) {
        make(request.model, &filled, values, &seasons.steps, ahead, poll)?
    } else {
        let task = Task {
            history: &filled,
            values,
            seasons: &seasons.steps,
            periods: &seasons.periods,
            regressors: &options.regressors,
            shape: options.shape,
            ahead,
        };
        task.make(request.model, poll)?
    };
    let bands = levels.iter().map(|level| {
        let width = width(&made.outcomes, *level, made.chosen_from);
        let ends = made.path.iter().zip(1..).map(|(step, ahead)| {
            let slope = of_slope(ahead, made.chosen_from.filter(|_| season == 1));
            let reach = width * slope * step.standard_error.abs();
            scale.ends((step.value - reach, step.value + reach))
        });
        Ok(Band {
            level: *level,
            ends: ends.collect::<Result<_, Error>>()?,
        })
    });
    let bands = bands.collect::<Result<Vec<Band>, Error>>()?;
    let values = made.path.iter().map(|step| scale.value(step)).collect();
    Ok(Fan {
        values,
        bands,
        model: made.name,
        season,
    })
}

/// Conformal bands around `values`, the forecasts of `known`.
fn around(
    values: &[f64],
    known: &[f64],
    request: &Request,
    options: &Options,
    seasons: &Seasons,
    levels: &[f64],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Band>, Error> {
    let ahead = values.len();
    let widest = levels.iter().copied().fold(0.0, f64::max);
    let longest = seasons.steps.last().copied().unwrap_or(1);
    let least = (2 * longest + 1).max(known.len() / 3).max(3);
    let origins = conformal::origins(known.len(), least, ahead, widest);
    let few = |errors| Error::FewErrors {
        level: widest,
        errors,
    };
    if origins.len() < conformal::needed(widest) {
        return Err(few(origins.len()));
    }
    let mut errors: Vec<Vec<f64>> = vec![Vec::with_capacity(origins.len()); ahead];
    for origin in origins {
        let (before, came) = known.split_at(origin);
        let past = match plain(before, request, options, seasons, &[], ahead, poll) {
            Ok(past) => past,
            Err(Error::TooShort { .. }) => continue,
            Err(error) => return Err(error),
        };
        for ((errors, forecast), y) in errors.iter_mut().zip(past.values).zip(came) {
            if y.is_finite() {
                errors.push((y - options.bounds.cut(forecast)).abs());
            }
        }
    }
    for errors in &mut errors {
        errors.sort_unstable_by(f64::total_cmp);
    }
    levels
        .iter()
        .map(|level| {
            let ends = values.iter().zip(&errors).map(|(value, errors)| {
                let reach = conformal::reach(errors, *level)?;
                let value = options.bounds.cut(*value);
                Ok((value - reach, value + reach))
            });
            Ok(Band {
                level: *level,
                ends: ends.collect::<Result<_, Error>>()?,
            })
        })
        .collect()
}
