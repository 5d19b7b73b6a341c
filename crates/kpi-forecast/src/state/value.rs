//! A fitted model with all that a forecast needs: what SQL knows as `kpi.model`.

use super::band::Band;
use super::clock::Clock;
use super::codec::read_count;
use super::prepared::{Prepared, prepare};
use super::residuals::Residuals;
use super::simulation::check;
use super::{Combination, Family, Likelihood, Rule, State};
use crate::cleaning::{Cleaned, Cleaning, clean};
use crate::forecast::{MAX_HORIZON, Point, Request, choose};
use crate::model::{Observe, Predict, unless_canceled};
use crate::{Error, Fit, Model, Naive, auto};
use jiff::tz::TimeZone;
use kpi_stats::frame::{Kind, Reader, Writer, from_hex, to_hex};

/// The SQL type.
const TYPE_NAME: &str = "kpi.model";
/// Bytes of a model's name.
const LONGEST_NAME: usize = 1000;
/// Steps of the backtest when the season is shorter.
const STEPS: usize = 12;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FitRequest {
    /// The model.
    pub model: Model,
    /// Steps in a season, 1 for none; found from the data when `None`.
    pub season: Option<i64>,
    /// The steps ahead that the backtest is about, by which [`Model::Auto`] chooses and bands are widened. One season, at
    /// least 12, when `None`.
    pub horizon: Option<i64>,
    /// What is taken out of the history first; what the model does by itself when `None`.
    pub cleaning: Option<Cleaning>,
}

/// A fitted model as a value.
///
/// ```
/// use jiff::tz::TimeZone;
/// use kpi_forecast::grid::Grid;
/// use kpi_forecast::state::{Clock, FitRequest, FittedModel};
/// use kpi_forecast::Model;
/// use kpi_series::Series;
/// let days = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3]]"#;
/// let grid = Grid::align(&Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
/// let request = FitRequest { model: Model::Drift, season: None, horizon: None, cleaning: None };
/// let clock = Clock::of(&grid, "UTC").unwrap();
/// let mut model = FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap();
/// let next = model.clock().time_after(1, &TimeZone::UTC).unwrap();
/// model.observe(next, Some(5.0), &TimeZone::UTC, &mut || false).unwrap();
/// assert_eq!(model.predict(1, 0.95).unwrap()[0].value, 5.0 + 4.0 / 3.0);
/// assert_eq!(FittedModel::decode(&model.encode()).unwrap().encode(), model.encode());
/// ```
#[derive(Debug, Clone)]
pub struct FittedModel {
    asked: String,
    name: String,
    season: usize,
    horizon: usize,
    values: usize,
    filled: usize,
    observed: usize,
    skipped: usize,
    overdue: usize,
    cleaned: [usize; 2],
    clock: Clock,
    band: Band,
    residuals: Option<Residuals>,
    likelihood: Option<Likelihood>,
    state: State,
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
            season: request.season,
        };
        asked.check()?;
        let Prepared {
            filled,
            values,
            season,
            overdue,
        } = prepare(history, request.season, expected_seasons, poll)?;
        let cleaning = request.cleaning.unwrap_or(request.model.cleaning());
        let Cleaned {
            values: filled,
            outliers,
            shifts,
        } = clean(&filled, season, cleaning, poll)?;
        let horizon = match request.horizon {
            Some(horizon) => horizon as usize,
            None => season.max(STEPS),
        };
        let ahead = overdue + horizon;
        let is_chosen = matches!(request.model, Model::Auto | Model::WeightedEnsemble);
        let (state, name, outcomes) = if is_chosen {
            if values < Naive.needed() {
                return Err(Error::TooShort {
                    values,
                    needed: Naive.needed(),
                    model: Naive.name(),
                });
            }
            let guarded = request.model == Model::Auto;
            let (state, chosen) = auto::kept(&filled, season, None, ahead, guarded, poll)?;
            (state, chosen.model.to_owned(), chosen.outcomes)
        } else {
            let (models, outcomes) = choose(request.model, &filled, values, &[season], ahead, poll)?;
            let names: Vec<&str> = models.iter().map(|model| model.name()).collect();
            let mut members = models
                .iter()
                .map(|model| {
                    model.fit(&filled, poll)?.state().ok_or_else(|| Error::NotKept {
                        model: model.name().to_owned(),
                    })
                })
                .collect::<Result<Vec<State>, Error>>()?;
            let state = match members.len() {
                1 => members.swap_remove(0),
                count => State(Family::Combination(Combination {
                    rule: Rule::Mean,
                    weights: vec![1.0; count],
                    members,
                })),
            };
            (state, names.join("+"), outcomes)
        };
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
            cleaned: [outliers.len(), shifts.len()],
            clock,
            band: Band::of(&outcomes, is_chosen.then_some(values)),
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
        let path = self.state.path(self.overdue + horizon as usize);
        let steps = path.get(self.overdue..).unwrap_or_default();
        let width = self.band.width(level);
        steps
            .iter()
            .zip(self.overdue as i32 + 1..)
            .map(|(step, ahead)| {
                let slope = if self.season == 1 {
                    self.band.of_slope(ahead)
                } else {
                    1.0
                };
                let reach = width * slope * step.standard_error.abs();
                let (value, lower, upper) = (step.value, step.value - reach, step.value + reach);
                let is_finite = value.is_finite() && lower.is_finite() && upper.is_finite();
                is_finite.then_some(Point { value, lower, upper })
            })
            .collect::<Option<Vec<Point>>>()
            .ok_or_else(|| {
                let largest = path.iter().fold(0.0_f64, |m, step| m.max(step.value.abs()));
                Error::Overflow { largest }
            })
    }

    /// Courses that the next steps after the last time seen could take, see [`State::simulate`].
    ///
    /// # Errors
    /// [`Error::Horizon`], [`Error::Paths`], [`Error::NotObserved`] of a model that takes no values, [`Error::Overflow`] when states leave the
    /// range of a double, and [`Error::Canceled`].
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_forecast::{Model, grid::Grid, state::{Clock, FitRequest, FittedModel}};
    /// let days = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3]]"#;
    /// let grid = Grid::align(&kpi_series::Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
    /// let request = FitRequest { model: Model::Drift, season: None, horizon: None, cleaning: None };
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
        let drawn = self.state.simulate(self.overdue + horizon, paths, seed, poll);
        let mut drawn = drawn.map_err(|error| match error {
            Error::NotObserved { .. } => Error::NotObserved {
                model: self.name.clone(),
            },
            other => other,
        })?;
        for path in &mut drawn {
            path.drain(..self.overdue.min(path.len()));
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
    /// [`Error::NotAfter`], [`Error::OffStep`] and [`Error::TooLate`] for the time, [`Error::Unsuited`] for the value, and
    /// [`Error::NotObserved`] of a model that takes none.
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

    /// The bytes that are stored: versioned, with a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::ForecastModel);
        writer.bytes(self.asked.as_bytes());
        writer.bytes(self.name.as_bytes());
        for count in [
            self.season,
            self.horizon,
            self.values,
            self.filled,
            self.observed,
            self.skipped,
            self.overdue,
        ] {
            writer.varint(count as u64);
        }
        self.clock.write(&mut writer);
        self.band.write(&mut writer);
        writer.u8(u8::from(self.residuals.is_some()));
        if let Some(residuals) = &self.residuals {
            residuals.write(&mut writer);
        }
        writer.u8(u8::from(self.likelihood.is_some()));
        if let Some(likelihood) = self.likelihood {
            writer.f64(likelihood.logarithm);
            writer.varint(likelihood.parameters as u64);
            writer.varint(likelihood.values as u64);
        }
        self.state.write(&mut writer);
        // Bytes from before there was cleaning end here, too.
        if self.cleaned != [0, 0] {
            self.cleaned.iter().for_each(|count| writer.varint(*count as u64));
        }
        writer.finish()
    }

    /// Reads what [`encode`](FittedModel::encode) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(TYPE_NAME, Kind::ForecastModel, bytes)?;
        let (asked, name) = (text(&mut reader)?, text(&mut reader)?);
        let mut counts = [0_usize; 7];
        for count in &mut counts {
            *count = read_count(&mut reader)?;
        }
        let [season, horizon, values, filled, observed, skipped, overdue] = counts;
        if overdue as i64 > MAX_HORIZON + 1 {
            return Err(reader
                .corrupt(format!("They claim {overdue} steps without a value."))
                .into());
        }
        let clock = Clock::read(&mut reader)?;
        let band = Band::read(&mut reader)?;
        let residuals = match reader.u8()? {
            0 => None,
            _ => Some(Residuals::read(&mut reader)?),
        };
        let likelihood = match reader.u8()? {
            0 => None,
            _ => Some(Likelihood {
                logarithm: reader.f64()?,
                parameters: read_count(&mut reader)?,
                values: read_count(&mut reader)?,
            }),
        };
        let state = State::read(&mut reader, 0)?;
        let mut cleaned = [0; 2];
        if !reader.is_empty() {
            for count in &mut cleaned {
                *count = read_count(&mut reader)?;
            }
        }
        reader.finish()?;
        Ok(Self {
            asked,
            name,
            season,
            horizon,
            values,
            filled,
            observed,
            skipped,
            overdue,
            cleaned,
            clock,
            band,
            residuals,
            likelihood,
            state,
        })
    }

    /// The text form: the bytes in hexadecimal after `\x`.
    pub fn to_text(&self) -> String {
        to_hex(&self.encode())
    }

    /// Reads what [`to_text`](FittedModel::to_text) wrote.
    ///
    /// # Errors
    /// [`Error::Stored`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::decode(&from_hex(TYPE_NAME, text)?)
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

fn text(reader: &mut Reader) -> Result<String, Error> {
    let bytes = reader.bytes(LONGEST_NAME)?;
    let text = std::str::from_utf8(bytes);
    Ok(text
        .map_err(|_| reader.corrupt("They have a name that is no text.".into()))?
        .to_owned())
}
