//! A history as models want it, and the way back from their scale.

use crate::bounds::Bounds;
use crate::box_cox::{BoxCox, guerrero, require_positive};
use crate::cleaning::{Cleaned, Cleaning, clean};
use crate::forecast::MAX_HISTORY;
use crate::grid::exact_season;
use crate::model::Step;
use crate::options::{Lambda, Options};
use crate::{Error, Model, gaps, season};

/// Where the values of a history are.
pub(crate) struct Span {
    /// The first one, or the first of the newest that are looked at.
    pub(crate) start: usize,
    /// The last one.
    pub(crate) last: usize,
    /// Steps after it.
    pub(crate) overdue: usize,
}

impl Span {
    /// # Errors
    /// [`Error::Empty`] where there is no value.
    pub(crate) fn of(history: &[f64]) -> Result<Self, Error> {
        let points = history.len();
        let finite = |v: &f64| v.is_finite();
        let first = history.iter().position(finite).ok_or(Error::Empty { points })?;
        let last = history.iter().rposition(finite).ok_or(Error::Empty { points })?;
        Ok(Self {
            start: first.max((last + 1).saturating_sub(MAX_HISTORY)),
            last,
            overdue: points - 1 - last,
        })
    }
}

/// The values that are no gaps.
pub(crate) fn finite(values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().copied().filter(|v| v.is_finite())
}

/// The seasons of a history.
pub(crate) struct Seasons {
    /// In ascending order, at least one; 1 is none.
    pub(crate) steps: Vec<usize>,
    /// Those that a model may draw by waves: what was asked for, or all that the calendar suggests and the one found. They need
    /// not be whole, nor fit.
    pub(crate) periods: Vec<f64>,
}

impl Seasons {
    /// Those `asked` for, or where none are, the one that is found and those that were `expected`.
    ///
    /// # Errors
    /// [`Error::Season`] for one that does not fit twice.
    pub(crate) fn of(
        known: &[f64],
        asked: &[i64],
        expected: &[usize],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
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
            return Ok(Self {
                periods: seasons.iter().map(|m| *m as f64).collect(),
                steps: seasons,
            });
        }
        let found = season::detect(known, expected, poll);
        let mut periods: Vec<f64> = expected.iter().map(|m| exact_season(*m)).collect();
        if !expected.contains(&found) {
            periods.push(found as f64);
        }
        Ok(Self {
            steps: vec![found],
            periods,
        })
    }

    /// The shortest.
    pub(crate) fn shortest(&self) -> usize {
        self.steps.first().copied().unwrap_or(1)
    }
}

/// The scale that a model sees values on, and the bounds of what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Scale {
    pub(crate) box_cox: Option<BoxCox>,
    /// Whether the mean of what comes is wanted rather than the median.
    pub(crate) bias_adjust: bool,
    pub(crate) bounds: Bounds,
}

impl Scale {
    /// The value as the model sees it.
    ///
    /// # Errors
    /// [`Error::NotPositive`] where it has to be above 0.
    pub(crate) fn to_model(self, value: f64) -> Result<f64, Error> {
        match self.box_cox {
            None => Ok(value),
            Some(_) if value <= 0.0 => Err(Error::NotPositive { value }),
            Some(scale) => Ok(scale.transform(value)),
        }
    }

    /// The forecast in the unit of the values, not cut at the bounds yet.
    pub(crate) fn value(self, step: &Step) -> f64 {
        match self.box_cox {
            None => step.value,
            Some(scale) if self.bias_adjust => scale.inverse_mean(step.value, step.standard_error),
            Some(scale) => scale.inverse(step.value),
        }
    }

    /// The ends of a band in the unit of the values, not cut at the bounds yet.
    ///
    /// # Errors
    /// [`Error::Endless`] for an upper end that no value is transformed to.
    pub(crate) fn ends(self, (lower, upper): (f64, f64)) -> Result<(f64, f64), Error> {
        let Some(scale) = self.box_cox else {
            return Ok((lower, upper));
        };
        let back = (scale.inverse(lower), scale.inverse(upper));
        if upper.is_finite() && back.1.is_infinite() && scale.lambda() < 0.0 {
            return Err(Error::Endless {
                lambda: scale.lambda(),
            });
        }
        Ok(back)
    }
}

/// Values on the scale of the model.
pub(crate) struct Prepared {
    /// Gaps filled, cleaned, transformed.
    pub(crate) filled: Vec<f64>,
    /// Values that are there. A gap that was filled is no value: a model's needs are counted in values.
    pub(crate) values: usize,
    pub(crate) scale: Scale,
    /// Outliers and level shifts that were taken out.
    pub(crate) cleaned: [usize; 2],
}

/// Fills gaps, cleans and transforms, in this order, a history that begins and ends with a value.
///
/// # Errors
/// [`Error::NotPositive`] of a transformation, and [`Error::Canceled`].
pub(crate) fn prepare(
    known: &[f64],
    season: usize,
    model: Model,
    options: &Options,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Prepared, Error> {
    if options.box_cox.is_some() {
        require_positive(&finite(known).collect::<Vec<f64>>())?;
    }
    let mut filled = gaps::fill(known, season);
    let cleaning = match options.cleaning {
        Some(asked) => asked,
        // What regressors explain is no outlier.
        None if options.regressors.is_empty() => model.cleaning(),
        None => Cleaning::default(),
    };
    let mut cleaned = [0, 0];
    if cleaning.outliers || cleaning.level_shifts {
        let Cleaned {
            values,
            outliers,
            shifts,
        } = clean(&filled, season, cleaning, poll)?;
        (filled, cleaned) = (values, [outliers.len(), shifts.len()]);
    }
    let box_cox = match options.box_cox {
        None => None,
        Some(Lambda::Given(lambda)) => Some(BoxCox::new(lambda)?),
        Some(Lambda::Auto) => Some(BoxCox::new(guerrero(&filled, season)?)?),
    };
    if let Some(scale) = box_cox {
        for value in &mut filled {
            // Filling and cleaning can only just miss what the values are, but a logarithm needs to be sure.
            *value = scale.transform(value.max(f64::MIN_POSITIVE));
        }
    }
    Ok(Prepared {
        filled,
        values: finite(known).count(),
        scale: Scale {
            box_cox,
            bias_adjust: options.bias_adjust,
            bounds: options.bounds,
        },
        cleaned,
    })
}
