//! A fitted model with all that a forecast needs: what SQL knows as `kpi.model`.

use super::band::Band;
use super::clock::Clock;
use super::residuals::Residuals;
use super::simulation::check;
use super::{Combination, Family, Likelihood, State};
use crate::bounds::Bounds;
use crate::forecast::{MAX_HORIZON, Point, Request, choose};
use crate::model::{Observe, Predict, Step, unless_canceled};
use crate::options::{Options, Shape};
use crate::prepared::{Prepared, Scale, Seasons, Span, prepare};
use crate::regression::{Kept, Task, state_of};
use crate::{Error, Fit, Model, Naive, auto};
use jiff::tz::TimeZone;

/// Steps of the backtest when the season is shorter.
const STEPS: usize = 12;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FitRequest {
    /// The model.
    pub model: Model,
    /// The steps ahead that the backtest is about, by which [`Model::Auto`] chooses and bands are widened. One season, at
    /// least 12, when `None`.
    pub horizon: Option<i64>,
    /// What can be asked besides; its levels and its interval say nothing here. Regressors have rows for the history and for
    /// as many steps after it as there are known.
    pub options: Options,
}

/// A fitted model as a value.
///
/// ```
/// use jiff::tz::TimeZone;
/// use kpi_forecast::grid::Grid;
/// use kpi_forecast::state::{Clock, FitRequest, FittedModel};
/// use kpi_forecast::{Model, options::Options};
/// use kpi_series::Series;
/// let days = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3]]"#;
/// let grid = Grid::align(&Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
/// let request = FitRequest { model: Model::Drift, horizon: None, options: Options::default() };
/// let clock = Clock::of(&grid, "UTC").unwrap();
/// let mut model = FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap();
/// let next = model.clock().time_after(1, &TimeZone::UTC).unwrap();
/// model.observe(next, Some(5.0), &TimeZone::UTC, &mut || false).unwrap();
/// assert_eq!(model.predict(1, 0.95).unwrap()[0].value, 5.0 + 4.0 / 3.0);
/// assert_eq!(FittedModel::decode(&model.encode()).unwrap().encode(), model.encode());
/// ```
#[derive(Debug, Clone)]
pub struct FittedModel {
    pub(super) asked: String,
    pub(super) name: String,
    pub(super) season: usize,
    pub(super) horizon: usize,
    pub(super) values: usize,
    pub(super) filled: usize,
    pub(super) observed: usize,
    pub(super) skipped: usize,
    pub(super) overdue: usize,
    pub(super) cleaned: [usize; 2],
    pub(super) scale: Scale,
    pub(super) clock: Clock,
    pub(super) band: Band,
    pub(super) residuals: Option<Residuals>,
    pub(super) likelihood: Option<Likelihood>,
    pub(super) state: State,
}

impl FittedModel {
    /// Fits a model to `history`, in which a value that is not finite is a gap, as [`forecast`](crate::forecast()) does: with the
    /// same horizon its forecasts are the same.
    ///
    /// # Errors
    /// Those of [`forecast`](crate::forecast()), and [`Error::NotKept`] of a model without states.
    pub fn fit(
        history: &[f64],
        clock: Clock,
        request: &FitRequest,
        expected_seasons: &[usize],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let asked = Request {
            horizon: request.horizon.unwrap_or(1),
            model: request.model,
            level: 0.5,
            season: None,
        };
        asked.check()?;
        request.options.check()?;
        if request.options.shape != Shape::default() && request.model != Model::Prophet {
            return Err(Error::ShapeOfOther {
                model: request.model.to_string(),
            });
        }
        let Span { start, last, overdue } = Span::of(history)?;
        let known = &history[start..=last];
        let options = &Options {
            regressors: request.options.regressors.after(start),
            ..request.options.clone()
        };
        let seasons = Seasons::of(known, &options.seasons, expected_seasons, poll)?;
        let season = seasons.shortest();
        let prepared = prepare(known, season, request.model, options, poll)?;
        let horizon = match request.horizon {
            Some(horizon) => horizon as usize,
            None => season.max(STEPS),
        };
        let ahead = overdue + horizon;
        let Kept {
            state,
            name,
            outcomes,
            chosen_from,
        } = keep(request.model, &prepared, &seasons, options, ahead, poll)?;
        let Prepared {
            filled,
            values,
            scale,
            cleaned,
        } = prepared;
        unless_canceled(poll)?;
        let errors: Vec<f64> = filled
            .iter()
            .zip(state.fitted(&filled))
            .map(|(y, fitted)| y - fitted)
            .collect();
        let coefficients = match &state.0 {
            Family::Arima(arima) => arima.estimate.order.coefficients(),
            _ => 0,
        };
        let fitted = Self {
            asked: request.model.to_string(),
            name,
            season,
            horizon,
            values,
            filled: filled.len() - values,
            observed: 0,
            skipped: 0,
            overdue,
            cleaned,
            scale,
            clock,
            band: Band::of(&outcomes, chosen_from),
            residuals: Residuals::of(&errors, season, coefficients),
            likelihood: state.likelihood(),
            state,
        };
        fitted.predict(1, 0.5)?;
        Ok(fitted)
    }

    /// The next steps after the last time seen, with a band that holds the share `level` of outcomes.
    ///
    /// # Errors
    /// [`Error::Horizon`], [`Error::Level`], and [`Error::Overflow`] when the states have left the range of a double.
    pub fn predict(&self, horizon: i64, level: f64) -> Result<Vec<Point>, Error> {
        let request = Request {
            horizon,
            model: Model::Auto,
            level,
            season: None,
        };
        request.check()?;
        let horizon = horizon as usize;
        self.require_known(horizon)?;
        let path = self.state.path(self.overdue + horizon);
        let steps = path.get(self.overdue..).unwrap_or_default();
        let width = self.band.width(level);
        let bounds = self.scale.bounds;
        let points = steps.iter().zip(self.overdue as i32 + 1..).map(|(step, ahead)| {
            let slope = if self.season == 1 {
                self.band.of_slope(ahead)
            } else {
                1.0
            };
            let reach = width * slope * step.standard_error.abs();
            let (lower, upper) = self.scale.ends((step.value - reach, step.value + reach))?;
            Ok(Point {
                value: bounds.cut(self.scale.value(step)),
                lower: bounds.cut(lower),
                upper: bounds.cut(upper),
            })
        });
        let points = points.collect::<Result<Vec<Point>, Error>>()?;
        let mut ends = points
            .iter()
            .flat_map(|point| [point.value, point.lower, point.upper]);
        if ends.all(f64::is_finite) {
            return Ok(points);
        }
        Err(Error::Overflow {
            largest: path.iter().fold(0.0_f64, |m, step| m.max(step.value.abs())),
        })
    }

    /// Fails unless all is known that a forecast of so many steps needs.
    fn require_known(&self, horizon: usize) -> Result<(), Error> {
        match self.state.known().map(|known| known.saturating_sub(self.overdue)) {
            Some(known) if known < horizon => Err(Error::RegressorsEnd { known }),
            _ => Ok(()),
        }
    }

    /// Courses that the next steps after the last time seen could take, see [`State::simulate`].
    ///
    /// # Errors
    /// [`Error::Horizon`], [`Error::Paths`], [`Error::NotObserved`] of a model that takes no values, [`Error::Overflow`] when states leave the
    /// range of a double, and [`Error::Canceled`].
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_forecast::{Model, grid::Grid, options::Options, state::{Clock, FitRequest, FittedModel}};
    /// let days = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3]]"#;
    /// let grid = Grid::align(&kpi_series::Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
    /// let request = FitRequest { model: Model::Drift, horizon: None, options: Options::default() };
    /// let clock = Clock::of(&grid, "UTC").unwrap();
    /// let model = FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap();
    /// assert_eq!(model.simulate(2, 1, 7, &mut || false).unwrap(), [[4.0, 5.0]]); // a line leaves no error
    /// ```
    pub fn simulate(
        &self,
        horizon: i64,
        paths: i64,
        seed: u64,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Vec<f64>>, Error> {
        let (horizon, paths) = check(horizon, paths)?;
        self.require_known(horizon)?;
        let drawn = self.state.simulate(self.overdue + horizon, paths, seed, poll);
        let mut drawn = drawn.map_err(|error| match error {
            Error::NotObserved { .. } => Error::NotObserved {
                model: self.name.clone(),
            },
            other => other,
        })?;
        for path in &mut drawn {
            path.drain(..self.overdue.min(path.len()));
            for value in path {
                let step = Step {
                    value: *value,
                    standard_error: 0.0,
                };
                *value = self.scale.bounds.cut(self.scale.value(&step));
            }
        }
        if drawn.iter().flatten().all(|value| value.is_finite()) {
            return Ok(drawn);
        }
        let path = self.state.path(1);
        Err(Error::Overflow {
            largest: path.iter().fold(0.0_f64, |m, step| m.max(step.value.abs())),
        })
    }

    /// The value of a time after the last one. Steps between are gaps, and so is a value that is `None` or not finite: a gap is
    /// taken for what was forecast as soon as a value comes after it. On an error nothing has changed.
    ///
    /// # Errors
    /// [`Error::NotAfter`], [`Error::OffStep`] and [`Error::TooLate`] for the time, [`Error::Unsuited`] and [`Error::NotPositive`] for the
    /// value, [`Error::RegressorsEnd`] after the last step of which regressors are known, and [`Error::NotObserved`] of a model that takes no
    /// values.
    pub fn observe(
        &mut self,
        time: i64,
        value: Option<f64>,
        zone: &TimeZone,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<(), Error> {
        let steps = self.clock.steps_to(time, zone)?;
        let gaps = self.overdue + steps - 1;
        match value.filter(|value| value.is_finite()) {
            None if gaps as i64 >= MAX_HORIZON => {
                return Err(Error::TooLate {
                    time: kpi_series::timestamp::format(time),
                    last: kpi_series::timestamp::format(self.clock.time_after(0, zone)?),
                });
            }
            None => {
                self.overdue = gaps + 1;
                self.skipped += steps;
            }
            Some(value) => {
                let value = self.scale.to_model(value)?;
                if let Some(known) = self.state.known().filter(|known| *known <= gaps) {
                    let known = known.saturating_sub(self.overdue);
                    return Err(Error::RegressorsEnd { known });
                }
                let mut state = self.state.clone();
                let taken = (0..gaps)
                    .try_for_each(|_| {
                        unless_canceled(poll)?;
                        state.skip()
                    })
                    .and_then(|()| state.observe(value));
                taken.map_err(|error| match error {
                    Error::NotObserved { .. } => Error::NotObserved {
                        model: self.name.clone(),
                    },
                    other => other,
                })?;
                self.state = state;
                self.overdue = 0;
                self.observed += 1;
                self.skipped += steps - 1;
            }
        }
        self.clock.advance(steps);
        Ok(())
    }

    /// The name of the model as it was asked for.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// The name of the model that forecasts, as [`forecast`](crate::forecast()) gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Steps in the season, 1 for none.
    pub fn season(&self) -> usize {
        self.season
    }

    /// Steps of the forecasts of the backtest.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// Values that it was fitted to, gaps between them that were filled, values observed since, steps without a value since,
    /// and of the latter those that are the last.
    pub fn counts(&self) -> [usize; 5] {
        [
            self.values,
            self.filled,
            self.observed,
            self.skipped,
            self.overdue,
        ]
    }

    /// Outliers and level shifts that were taken out of the history that it was fitted to.
    pub fn cleaned(&self) -> [usize; 2] {
        self.cleaned
    }

    /// The exponent of its Box-Cox transformation, where it has one.
    pub fn box_cox(&self) -> Option<f64> {
        self.scale.box_cox.map(|scale| scale.lambda())
    }

    /// What its forecasts do not go beyond.
    pub fn bounds(&self) -> Bounds {
        self.scale.bounds
    }

    /// When its steps are.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What it leaves of the history that it was fitted to.
    pub fn residuals(&self) -> Option<&Residuals> {
        self.residuals.as_ref()
    }

    /// The likelihood of that history, where the model has one.
    pub fn likelihood(&self) -> Option<Likelihood> {
        self.likelihood
    }

    /// Its states.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// Fits a model as [`fan`](crate::fan()) does.
fn keep(
    model: Model,
    prepared: &Prepared,
    seasons: &Seasons,
    options: &Options,
    ahead: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Kept, Error> {
    let Prepared { filled, values, .. } = prepared;
    if !options.regressors.is_empty() || matches!(model, Model::Prophet | Model::Tbats) {
        let task = Task {
            history: filled,
            values: *values,
            seasons: &seasons.steps,
            periods: &seasons.periods,
            regressors: &options.regressors,
            shape: options.shape,
            ahead,
        };
        return task.kept(model, poll);
    }
    if matches!(model, Model::Auto | Model::WeightedEnsemble) {
        if *values < Naive.needed() {
            return Err(Error::TooShort {
                values: *values,
                needed: Naive.needed(),
                model: Naive.name(),
            });
        }
        let guarded = model == Model::Auto;
        let longer = seasons.steps.get(1).copied().filter(|_| guarded);
        let (state, chosen) = auto::kept(filled, seasons.shortest(), longer, ahead, guarded, poll)?;
        return Ok(Kept {
            state,
            name: chosen.model.to_owned(),
            outcomes: chosen.outcomes,
            chosen_from: Some(*values),
        });
    }
    let (models, outcomes) = choose(model, filled, *values, &seasons.steps, ahead, poll)?;
    let names: Vec<&str> = models.iter().map(|model| model.name()).collect();
    let members = models.iter().map(|model| state_of(model.as_ref(), filled, poll));
    Ok(Kept {
        state: Combination::mean(members.collect::<Result<_, Error>>()?),
        name: names.join("+"),
        outcomes,
        chosen_from: None,
    })
}
