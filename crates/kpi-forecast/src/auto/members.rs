//! The members of what is chosen, fitted.

use super::{Decision, LONGEST_STATES, PARTS};
use crate::arima::{Arima, Continued, Estimate, search};
use crate::ces::Ces;
use crate::ets::Ets;
use crate::mstl::Mstl;
use crate::state::{Combination, Family, Rule, State};
use crate::theta::Theta;
use crate::{Drift, Error, Fit, Model, Naive, Predict, SeasonalMedian, SeasonalNaive, SeasonalSmoothing};

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
    let fitted = fit_members(history, season, decision.longer, &mut None, poll)?;
    for (member, weight) in fitted.into_iter().zip(&decision.weights) {
        if let Some(member) = member {
            members.push(state(member)?);
            weights.push(*weight);
        }
    }
    let own = State(Family::Combination(Combination {
        rule: Rule::Median,
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

/// All members fitted, nothing of one that needs more values. The order of arima is that of the estimate that is `known`;
/// otherwise one is found and put there.
pub(super) fn fit_members(
    history: &[f64],
    season: usize,
    longer: Option<usize>,
    known: &mut Option<Estimate>,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Option<Box<dyn Predict>>>, Error> {
    let recent = &history[history
        .len()
        .saturating_sub((ARIMA_SEASONS * season).max(ARIMA_VALUES))..];
    if known.is_none() && season <= LONGEST_STATES {
        // In units of the largest value, so that the search ends at the same place in every unit.
        let size = recent.iter().fold(f64::MIN_POSITIVE, |m, y| m.max(y.abs()));
        let scaled: Vec<f64> = recent.iter().map(|y| y / size).collect();
        *known = search(&scaled, season, poll)?;
    }
    let mut all = Vec::new();
    for member in members(season, longer, known.as_ref()) {
        let seen = if member.name() == "arima" { recent } else { history };
        all.push(match member.fit(seen, poll) {
            Ok(fitted) => Some(fitted),
            Err(Error::TooShort { .. }) => None,
            Err(error) => return Err(error),
        });
    }
    Ok(all)
}

/// The models of which the weighted median is taken.
pub(super) fn members(season: usize, longer: Option<usize>, known: Option<&Estimate>) -> Vec<Box<dyn Fit>> {
    let mut members = if season > LONGEST_STATES {
        of_long_season(season)
    } else {
        of_short_season(season, known)
    };
    if let Some(longer) = longer {
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

fn of_short_season(season: usize, known: Option<&Estimate>) -> Vec<Box<dyn Fit>> {
    let mut members: Vec<Box<dyn Fit>> = vec![
        Box::new(Theta::dynamic_optimized(season)),
        Box::new(Ets::averaged(season)),
        Box::new(Ces { season, form: None }),
        match known.cloned() {
            Some(earlier) => Box::new(Continued { earlier }),
            None => Box::new(Arima { season, order: None }),
        },
    ];
    if season > 1 {
        members.push(Box::new(SeasonalNaive { season }));
        members.extend(Model::HoltWinters.candidates(season));
    } else {
        members.push(Box::new(Naive));
        members.push(Box::new(Drift));
        members.extend(Model::Damped.candidates(season));
    }
    members
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
