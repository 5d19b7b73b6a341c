//! Forecasts with regressors: by a model that has a place for them, or by any others for what they leave.

use crate::arima::{Order, Regression};
use crate::backtest::{Outcome, mean_absolute_error, origins, rolling_origin};
use crate::forecast::{Made, mean_of};
use crate::options::Shape;
use crate::prophet::Prophet;
use crate::prophet::season::harmonics;
use crate::regressors::Regressors;
use crate::state::{Coefficients, Combination, Effects, Family, Planned, State};
use crate::tbats::Tbats;
use crate::{Error, Fit, Model, Naive, Predict, SeasonalNaive, auto};

/// Origins of the backtest of `auto`, and of one whose series is long.
const ORIGINS: usize = 3;
const ORIGINS_OF_LONG: usize = 2;
const LONG: usize = 300;
/// Values that effects are learnt from, the newest ones: so many seasons, and not fewer than these.
const SEASONS: usize = 10;
const VALUES: usize = 1000;
/// A longer season is drawn by waves in the regression, in place of seasonal errors, whose states are as many as its steps.
const LONGEST_STATES: usize = 24;

/// A history without gaps, and what is asked of it.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) history: &'a [f64],
    /// Values of the history that are no filled gaps.
    pub(crate) values: usize,
    /// The seasons in steps, the shortest first.
    pub(crate) seasons: &'a [usize],
    /// The seasons that can be drawn by waves.
    pub(crate) periods: &'a [f64],
    pub(crate) regressors: &'a Regressors,
    /// How prophet draws the history.
    pub(crate) shape: Shape,
    pub(crate) ahead: usize,
}

/// A fitted model, with the name and the backtest that [`Made`] has.
pub(crate) struct Kept {
    pub(crate) state: State,
    pub(crate) name: String,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) chosen_from: Option<usize>,
}

pub(crate) fn state_of(
    model: &dyn Fit,
    history: &[f64],
    poll: &mut dyn FnMut() -> bool,
) -> Result<State, Error> {
    let state = model.fit(history, poll)?.state();
    state.ok_or_else(|| Error::NotKept {
        model: model.name().to_owned(),
    })
}

impl Task<'_> {
    fn season(&self) -> usize {
        self.seasons.first().copied().unwrap_or(1)
    }

    fn prophet(&self) -> Prophet {
        Prophet {
            seasons: self.periods.to_vec(),
            kind: self.shape.kind,
            growth: self.shape.growth,
            regressors: self.regressors.clone(),
        }
    }

    /// The models that have a place for regressors.
    fn candidates(&self, model: Model) -> Result<Vec<Box<dyn Fit>>, Error> {
        match model {
            Model::Mean(members) => {
                let found: Result<Vec<_>, Error> = members.models().map(|m| self.candidates(m)).collect();
                Ok(found?.into_iter().flatten().collect())
            }
            Model::Arima => Ok(vec![Box::new(Regression {
                season: self.season(),
                order: None,
                regressors: self.regressors.clone(),
            })]),
            Model::Prophet => Ok(vec![Box::new(self.prophet())]),
            Model::Tbats if self.regressors.is_empty() => Ok(vec![Box::new(Tbats {
                seasons: self.periods.to_vec(),
            })]),
            other => Err(Error::ModelWithoutRegressors {
                model: other.to_string(),
            }),
        }
    }

    /// What the model says.
    ///
    /// # Errors
    /// Those of [`kept`](Task::kept).
    pub(crate) fn make(&self, model: Model, poll: &mut dyn FnMut() -> bool) -> Result<Made, Error> {
        let kept = self.kept(model, poll)?;
        Ok(Made {
            path: kept.state.path(self.ahead),
            name: kept.name,
            outcomes: kept.outcomes,
            chosen_from: kept.chosen_from,
        })
    }

    /// The fitted model with its backtest.
    ///
    /// # Errors
    /// [`Error::ModelWithoutRegressors`] for one that has no place for them, and those of the models.
    pub(crate) fn kept(&self, model: Model, poll: &mut dyn FnMut() -> bool) -> Result<Kept, Error> {
        if model == Model::Auto {
            return self.choose(poll);
        }
        let candidates = self.candidates(model)?;
        let (mut states, mut outcomes, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for candidate in &candidates {
            self.require(candidate.needed(), candidate.name())?;
            if !model.is_costly() {
                outcomes.push(rolling_origin(
                    candidate.as_ref(),
                    self.history,
                    self.season(),
                    self.ahead,
                    poll,
                )?);
            }
            states.push(state_of(candidate.as_ref(), self.history, poll)?);
            names.push(candidate.name());
        }
        let outcomes: Vec<&[Outcome]> = outcomes.iter().map(Vec::as_slice).collect();
        Ok(Kept {
            state: Combination::mean(states),
            name: self.named(&names.join("+")),
            outcomes: mean_of(&outcomes),
            chosen_from: None,
        })
    }

    fn named(&self, name: &str) -> String {
        if self.regressors.is_empty() {
            name.to_owned()
        } else {
            format!("{name} with regressors")
        }
    }

    fn require(&self, needed: usize, model: &'static str) -> Result<(), Error> {
        let values = self.values;
        if values < needed {
            return Err(Error::TooShort {
                values,
                needed,
                model,
            });
        }
        Ok(())
    }

    /// A regression with ARIMA errors tells the effects; what they leave is forecast as any other series by [`auto::choose`], and the
    /// effects are put back. That, [`Prophet`] and their mean are backtested at past origins, each with what could be known there, and
    /// the best is taken; or the seasonal naive (without a season the naive) if all lose to it.
    fn choose(&self, poll: &mut dyn FnMut() -> bool) -> Result<Kept, Error> {
        let n = self.history.len();
        self.require(5 + self.regressors.len(), "arima")?;
        let mut order = None;
        let mut tried: [(Way, Vec<Outcome>); 4] = Way::ALL.map(|way| (way, Vec::new()));
        let newest: Vec<(usize, usize)> = origins(n, self.season(), self.ahead)
            .into_iter()
            .take(if n > LONG { ORIGINS_OF_LONG } else { ORIGINS })
            .filter(|(origin, _)| *origin >= 2 * (5 + self.regressors.len()))
            .collect();
        // The oldest first: the order of the errors, which takes most of the time to find, is what could be known there.
        for (origin, steps) in newest.into_iter().rev() {
            let (before, came) = self.history.split_at(origin);
            let ways = self.ways(before, steps, &mut order, poll)?;
            for (way, outcomes) in &mut tried {
                let path = ways.of(*way).path(steps);
                for (i, (step, y)) in path.iter().zip(came).enumerate() {
                    outcomes.push(Outcome {
                        step: i + 1,
                        error: y - step.value,
                        standard_error: step.standard_error,
                    });
                }
            }
        }
        let ways = self.ways(self.history, self.ahead, &mut order, poll)?;
        let best = tried
            .into_iter()
            .min_by(|a, b| mean_absolute_error(&a.1).total_cmp(&mean_absolute_error(&b.1)));
        let (way, outcomes) = best.unwrap_or((Way::Effects, Vec::new()));
        Ok(Kept {
            state: ways.of(way),
            name: match way {
                Way::Effects => self.named(ways.model),
                Way::Prophet => self.named("prophet"),
                Way::Both => self.named(&format!("prophet+{}", ways.model)),
                Way::Naive if self.season() > 1 => "seasonal_naive".to_owned(),
                Way::Naive => "naive".to_owned(),
            },
            outcomes,
            chosen_from: Some(self.values),
        })
    }

    fn ways(
        &self,
        history: &[f64],
        ahead: usize,
        order: &mut Option<Order>,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Ways, Error> {
        let n = history.len();
        let season = self.season();
        let (effects, coefficients) = self.effects(history, order, poll)?;
        // The mean effect stays, so that the level is that of the values: some models multiply.
        let mean = effects.iter().take(n).map(|x| x / n as f64).sum::<f64>();
        let mut past: Vec<f64> = effects.iter().map(|x| x - mean).collect();
        let to_come = past.split_off(n.min(past.len()));
        let left: Vec<f64> = history.iter().zip(&past).map(|(y, x)| y - x).collect();
        let longer = self.seasons.get(1).copied();
        let (rest, chosen) = auto::kept(&left, season, longer, ahead, true, poll)?;
        let after = if self.regressors.is_endless() {
            -mean
        } else {
            f64::NAN
        };
        let naive: &dyn Fit = match season > 1 && n > season {
            true => &SeasonalNaive { season },
            false => &Naive,
        };
        Ok(Ways {
            effects: State(Family::Effects(Box::new(Effects {
                coefficients,
                past,
                planned: Planned::new(to_come, after),
                rest,
            }))),
            model: chosen.model,
            prophet: state_of(&self.prophet(), history, poll)?,
            naive: state_of(naive, history, poll)?,
        })
    }

    /// The sum of all effects in each row, learnt from a history, and what 1 of each regressor adds. An `order` of the errors that is given is kept, otherwise it is found and
    /// put there.
    fn effects(
        &self,
        history: &[f64],
        order: &mut Option<Order>,
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<f64>, Coefficients), Error> {
        let season = self.season();
        let start = history.len().saturating_sub((SEASONS * season).max(VALUES));
        let recent = &history[start..];
        let regressors = self.regressors.after(start);
        let rows = regressors.column(0).len();
        let is_long = season > LONGEST_STATES;
        let waves = match is_long {
            // As many waves as fit twice into the values with what is to be told besides.
            true => harmonics(&[season as f64], rows),
            false => Vec::new(),
        };
        let all = regressors.with(waves);
        let fit = |order: Option<Order>, poll: &mut dyn FnMut() -> bool| {
            Regression {
                season: if is_long { 1 } else { season },
                order,
                regressors: all.clone(),
            }
            .fitted(recent, poll)
        };
        let found = match fit(*order, poll) {
            // An order that could be estimated before need not be one that can be now.
            Err(Error::TooShort { .. }) if order.is_some() => fit(None, poll)?,
            found => found?,
        };
        *order = Some(found.order());
        let mut effects = vec![0.0; start];
        let end = regressors.len();
        effects.extend((0..rows).map(|row| found.effect(row, end)));
        Ok((effects, found.coefficients(end)))
    }
}

/// How a forecast is made, the preferred way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Effects,
    Both,
    Prophet,
    Naive,
}

impl Way {
    const ALL: [Self; 4] = [Self::Effects, Self::Both, Self::Prophet, Self::Naive];
}

struct Ways {
    effects: State,
    /// What forecast that which the effects leave.
    model: &'static str,
    prophet: State,
    naive: State,
}

impl Ways {
    fn of(&self, way: Way) -> State {
        match way {
            Way::Effects => self.effects.clone(),
            Way::Both => Combination::mean(vec![self.effects.clone(), self.prophet.clone()]),
            Way::Prophet => self.prophet.clone(),
            Way::Naive => self.naive.clone(),
        }
    }
}
