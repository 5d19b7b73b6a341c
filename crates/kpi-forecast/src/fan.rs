//! A forecast with several bands around it, and with what can be asked of it besides.

use crate::band::{of_slope, width};
use crate::box_cox::{BoxCox, guerrero, require_positive};
use crate::cleaning::{Cleaning, clean};
use crate::conformal;
use crate::forecast::make;
use crate::grid::exact_season;
use crate::options::{Interval, Lambda, Options, Shape};
use crate::regression::Task;
use crate::{Error, MAX_HISTORY, Model, Request, gaps, season};

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
    let start = first.max((last + 1).saturating_sub(MAX_HISTORY));
    let known = &history[start..=last];
    let options = &Options {
        regressors: options.regressors.after(start),
        ..options.clone()
    };
    let seasons = seasons(known, request, options, expected_seasons, poll)?;
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

fn finite(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().copied().filter(|v| v.is_finite())
}

/// The seasons in ascending order, at least one.
fn seasons(
    known: &[f64],
    request: &Request,
    options: &Options,
    expected: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Seasons, Error> {
    let asked = match options.seasons.as_slice() {
        [] => request.season.as_slice(),
        several => several,
    };
    let length = known.len();
    let mut seasons = asked
        .iter()
        .map(|season| {
            usize::try_from(*season)
                .ok()
                .filter(|m| *m == 1 || (*m >= 1 && *m <= length / 2))
                .ok_or(Error::Season {
                    season: *season,
                    length,
                })
        })
        .collect::<Result<Vec<usize>, Error>>()?;
    seasons.sort_unstable();
    seasons.dedup();
    if seasons.len() > 1 {
        seasons.retain(|m| *m > 1);
    }
    if !seasons.is_empty() {
        return Ok(Seasons {
            periods: seasons.iter().map(|m| *m as f64).collect(),
            steps: seasons,
        });
    }
    let found = season::detect(known, expected, poll);
    let mut periods: Vec<f64> = expected.iter().map(|m| exact_season(*m)).collect();
    if !expected.contains(&found) {
        periods.push(found as f64);
    }
    Ok(Seasons {
        steps: vec![found],
        periods,
    })
}

/// The seasons of a history.
struct Seasons {
    /// In ascending order, at least one; 1 is none.
    steps: Vec<usize>,
    /// Those that a model may draw by waves: what was asked for, or all that the calendar suggests and the one found. They need
    /// not be whole, nor fit.
    periods: Vec<f64>,
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
    let season = seasons.steps.first().copied().unwrap_or(1);
    // A gap that was filled is no value: a model's needs are counted in values.
    let values = finite(known).count();
    let scale = match options.box_cox {
        None => None,
        Some(lambda) => {
            require_positive(&finite(known).collect::<Vec<f64>>())?;
            Some(lambda)
        }
    };
    let mut filled = gaps::fill(known, season);
    let cleaning = match options.cleaning {
        Some(asked) => asked,
        // What regressors explain is no outlier.
        None if options.regressors.is_empty() => request.model.cleaning(),
        None => Cleaning::default(),
    };
    if cleaning.outliers || cleaning.level_shifts {
        filled = clean(&filled, season, cleaning, poll)?.values;
    }
    let scale = match scale {
        None => None,
        Some(Lambda::Given(lambda)) => Some(BoxCox::new(lambda)?),
        Some(Lambda::Auto) => Some(BoxCox::new(guerrero(&filled, season)?)?),
    };
    if let Some(scale) = scale {
        for value in &mut filled {
            // Filling and cleaning can only just miss what the values are, but a logarithm needs to be sure.
            *value = scale.transform(value.max(f64::MIN_POSITIVE));
        }
    }
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
    let mut bands: Vec<Band> = levels
        .iter()
        .map(|level| {
            let width = width(&made.outcomes, *level, made.chosen_from);
            let ends = made.path.iter().zip(1..).map(|(step, ahead)| {
                let reach = width
                    * of_slope(ahead, made.chosen_from.filter(|_| season == 1))
                    * step.standard_error.abs();
                (step.value - reach, step.value + reach)
            });
            Band {
                level: *level,
                ends: ends.collect(),
            }
        })
        .collect();
    let mut values: Vec<f64> = made.path.iter().map(|step| step.value).collect();
    if let Some(scale) = scale {
        for (value, step) in values.iter_mut().zip(&made.path) {
            *value = if options.bias_adjust {
                scale.inverse_mean(step.value, step.standard_error)
            } else {
                scale.inverse(step.value)
            };
        }
        for end in bands.iter_mut().flat_map(|band| &mut band.ends) {
            let back = (scale.inverse(end.0), scale.inverse(end.1));
            if end.1.is_finite() && back.1.is_infinite() && scale.lambda() < 0.0 {
                return Err(Error::Endless {
                    lambda: scale.lambda(),
                });
            }
            *end = back;
        }
    }
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
