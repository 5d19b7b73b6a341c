//! The members of what is chosen, fitted.

use super::{Decision, FEW_FOR_ARIMA, LONGEST_STATES, PARTS};
use crate::arima::{Arima, Continued, Estimate, search};
use crate::ces::Ces;
use crate::ets::{Ets, Part};
use crate::logarithm::logarithms;
use crate::mstl::Mstl;
use crate::state::{Combination, Family, Rule, State};
use crate::theta::Theta;
use crate::{
    Adjusted, Error, Fit, Logarithm, Naive, Predict, SeasonalMedian, SeasonalNaive, SeasonalSmoothing,
    SesDrift,
};

/// Values that arima looks at, the newest ones: so many seasons, and not fewer than these.
const ARIMA_SEASONS: usize = 10;
const ARIMA_VALUES: usize = 200;

/// Fits what was decided.
pub(super) fn fit(
    history: &[f64],
    season: usize,
    decision: &Decision,
    poll: &mut dyn FnMut() -> bool,
) -> Result<State, Error> {
    let state = |fitted: Box<dyn Predict>| {
        fitted.state().ok_or_else(|| Error::NotKept {
            model: decision.model.to_owned(),
        })
    };
    if decision.parts == PARTS {
        return state(fit_naive(history, season, poll)?);
    }
    let (mut weights, mut members) = (Vec::new(), Vec::new());
    let fitted = fit_members(history, decision.pool, &mut Known::default(), poll)?;
    for (member, weight) in fitted.into_iter().zip(&decision.weights) {
        if let Some(member) = member {
            members.push(state(member)?);
            weights.push(*weight);
        }
    }
    let own = State(Family::Combination(Combination {
        rule: Rule::Pooled,
        weights,
        members,
    }));
    if decision.parts == 0 {
        return Ok(own);
    }
    let naive = state(fit_naive(history, season, poll)?)?;
    let share = decision.parts as f64 / PARTS as f64;
    Ok(State(Family::Combination(Combination::mixed(own, naive, share))))
}

/// Which models there are to pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    pub(super) season: usize,
    longer: Option<usize>,
    /// Whether there are too few values for arima, and no season.
    is_short: bool,
}

/// The orders of arima that were found from nearly the same values, and from their logarithms.
#[derive(Default)]
pub(super) struct Known {
    plain: Option<Estimate>,
    logarithms: Option<Estimate>,
}

impl Pool {
    /// Of so many values with a season, and perhaps with a longer one.
    pub(super) fn of(values: usize, season: usize, longer: Option<usize>) -> Self {
        Self {
            season,
            longer,
            is_short: season < 2 && values < FEW_FOR_ARIMA,
        }
    }

    pub(super) fn size(self) -> usize {
        self.members(&Known::default()).len()
    }

    fn has_arima(self) -> bool {
        self.season <= LONGEST_STATES && !self.is_short && self.longer.is_none()
    }

    /// The models of which the weighted pool is made.
    fn members(self, known: &Known) -> Vec<Box<dyn Fit>> {
        let season = self.season;
        let mut members = match season {
            _ if self.longer.is_some() => Vec::new(),
            _ if self.is_short => of_few_values(),
            0..=1 => of_no_season(known),
            _ if season > LONGEST_STATES => of_long_season(season),
            _ => of_short_season(season, known),
        };
        if let Some(longer) = self.longer {
            members.extend(of_long_season(longer));
            // A week of hours has its days within; of seasons that do not nest only a decomposition carries both.
            if longer % season != 0 {
                members.push(Box::new(Mstl {
                    seasons: vec![season, longer],
                }));
            }
        }
        members
    }
}

/// All members fitted, nothing of one that needs more values or other ones. The orders of arima are those of the estimates that are
/// `known`; otherwise they are found and put there.
pub(super) fn fit_members(
    history: &[f64],
    pool: Pool,
    known: &mut Known,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Option<Box<dyn Predict>>>, Error> {
    let season = pool.season;
    let recent = &history[history
        .len()
        .saturating_sub((ARIMA_SEASONS * season).max(ARIMA_VALUES))..];
    if pool.has_arima() {
        if known.plain.is_none() {
            // In units of the largest value, so that the search ends at the same place in every unit.
            let size = recent.iter().fold(f64::MIN_POSITIVE, |m, y| m.max(y.abs()));
            let scaled: Vec<f64> = recent.iter().map(|y| y / size).collect();
            known.plain = search(&scaled, season, poll)?;
        }
        if season > 1 && known.logarithms.is_none() && recent.iter().all(|y| *y > 0.0) {
            let (logarithms, _) = logarithms(recent);
            let size = logarithms.iter().fold(f64::MIN_POSITIVE, |m, y| m.max(y.abs()));
            let scaled: Vec<f64> = logarithms.iter().map(|y| y / size).collect();
            known.logarithms = search(&scaled, season, poll)?;
        }
    }
    let mut all = Vec::new();
    for member in pool.members(known) {
        let seen = if member.name() == "arima" { recent } else { history };
        all.push(match member.fit(seen, poll) {
            Ok(fitted) => Some(fitted),
            Err(Error::TooShort { .. } | Error::NotPositive { .. }) => None,
            Err(error) => return Err(error),
        });
    }
    Ok(all)
}

fn arima(season: usize, known: Option<&Estimate>) -> Box<dyn Fit> {
    match known.cloned() {
        Some(earlier) => Box::new(Continued { earlier }),
        None => Box::new(Arima { season, order: None }),
    }
}

fn of_few_values() -> Vec<Box<dyn Fit>> {
    vec![
        Box::new(Theta::optimized(1)),
        Box::new(Ces {
            season: 1,
            form: None,
        }),
        Box::new(SesDrift::LeastSquares),
        Box::new(SesDrift::MedianChange),
    ]
}

fn of_no_season(known: &Known) -> Vec<Box<dyn Fit>> {
    vec![
        Box::new(Theta::dynamic_optimized(1)),
        Box::new(Ets::averaged(1)),
        arima(1, known.plain.as_ref()),
        Box::new(Ets::of(Part::Additive, true, 1)),
        Box::new(SesDrift::MedianChange),
    ]
}

fn of_short_season(season: usize, known: &Known) -> Vec<Box<dyn Fit>> {
    vec![
        Box::new(Theta::dynamic_optimized(season)),
        Box::new(Ets::averaged(season)),
        arima(season, known.plain.as_ref()),
        Box::new(SeasonalNaive { season }),
        Box::new(Ets::of(Part::Additive, false, season)),
        Box::new(Adjusted {
            season,
            of: Box::new(SesDrift::MedianChange),
        }),
        Box::new(Logarithm {
            of: Box::new(Ces { season, form: None }),
        }),
        Box::new(Logarithm {
            of: arima(season, known.logarithms.as_ref()),
        }),
    ]
}

/// Models that take one number a place in the season, and little more.
fn of_long_season(season: usize) -> Vec<Box<dyn Fit>> {
    vec![
        Box::new(Theta::dynamic_optimized(season)),
        Box::new(SeasonalNaive { season }),
        Box::new(SeasonalSmoothing { season }),
        Box::new(SeasonalMedian { season }),
    ]
}

pub(super) fn fit_naive(
    history: &[f64],
    season: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Box<dyn Predict>, Error> {
    if season > 1 && history.len() > season {
        SeasonalNaive { season }.fit(history, poll)
    } else {
        Naive.fit(history, poll)
    }
}
