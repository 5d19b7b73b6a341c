//! The model of whoever does not want to choose one.

mod members;

use crate::arima::unit_root::is_constant;
use crate::backtest::{Outcome, mean_absolute_error, origins};
use crate::ensemble::pooled;
use crate::model::Step;
use crate::state::State;
use crate::stl::decompose;
use crate::{Error, Predict, season};
use members::{Known, Pool, fit, fit_members, fit_naive};

/// Origins of the backtest. Fewer would often turn the choice by chance; but where a series or its season is long each is dear, and its
/// outcomes are many.
const ORIGINS: usize = 10;
const ORIGINS_OF_LONG_SEASON: usize = 5;
const ORIGINS_OF_LONG: usize = 2;
const LONG: usize = 300;
/// Values below which a series has no arima: the least that Box & Jenkins (1970, section 1.1) ask for.
const FEW_FOR_ARIMA: usize = 50;
/// Seasons longer than this have too many states for their number of values to tell: exponential smoothing, complex
/// exponential smoothing and arima are left out (`ets` in Hyndman's forecast package stops at the same length).
const LONGEST_STATES: usize = 24;
/// Parts in which weight is moved from a forecast that loses to the seasonal naive.
const PARTS: usize = 50;
/// Powers to which the weights are raised, in turn, while the whole loses to the seasonal naive.
const SHARPER: [f64; 8] = [1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0];
/// Below this many values there is nothing to choose by.
const FEW: usize = 8;
/// No error is taken as smaller than this share of the worst: one member without any does not stand for all.
const PERFECT: f64 = 1e-6;

/// What was chosen, and how it and the seasonal naive did in the backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The forecast.
    pub path: Vec<Step>,
    /// The models of which it is the mean, with `+` between them.
    pub model: &'static str,
    /// The errors of what was chosen in the backtest.
    pub outcomes: Vec<Outcome>,
    /// Mean absolute error of what was chosen in the backtest, and of the seasonal naive; infinite without one.
    pub errors: (f64, f64),
}

/// What the members say, and the naive.
struct Paths {
    /// Nothing of a member that needs more values.
    members: Vec<Option<Vec<Step>>>,
    naive: Vec<Step>,
}

impl Paths {
    fn combined(&self, weights: &[f64]) -> Vec<Step> {
        let (paths, weights): (Vec<&[Step]>, Vec<f64>) = self
            .members
            .iter()
            .zip(weights)
            .filter_map(|(path, weight)| Some((path.as_deref()?, *weight)))
            .unzip();
        pooled(&paths, &weights)
    }
}

/// The name of the weighted pool with `parts` of the naive.
fn name(parts: usize, season: usize) -> &'static str {
    match (parts, season > 1) {
        (0, _) => "weighted_ensemble",
        (PARTS, true) => "seasonal_naive",
        (PARTS, false) => "naive",
        (_, true) => "seasonal_naive+weighted_ensemble",
        (_, false) => "naive+weighted_ensemble",
    }
}

/// Weights inversely proportional to the mean absolute error in the backtest (Pawlikowski & Chorowska 2020, *International Journal of
/// Forecasting* 36:93-97, of such weights in the M4 competition). All the same without a backtest.
fn weights(backtest: &[(Paths, &[f64])], members: usize) -> Vec<f64> {
    let errors: Vec<f64> = (0..members)
        .map(|member| {
            let (mut sum, mut count) = (0.0, 0.0);
            for (paths, came) in backtest {
                let path = paths.members.get(member).and_then(|path| path.as_deref());
                for (step, y) in path.unwrap_or_default().iter().zip(*came) {
                    sum += (y - step.value).abs();
                    count += 1.0;
                }
            }
            sum / count
        })
        .collect();
    let known = || errors.iter().copied().filter(|error| error.is_finite());
    let worst = known().fold(0.0, f64::max);
    if worst == 0.0 {
        return vec![1.0; members];
    }
    // A member that could not be tried is taken as the worst of those that could.
    let relative = |error: f64| {
        if error.is_finite() {
            (error / worst).max(PERFECT)
        } else {
            1.0
        }
    };
    errors.iter().map(|error| relative(*error).recip()).collect()
}

/// The weighted mean of two forecasts, and of their standard errors.
pub(crate) fn mixed(a: &[Step], b: &[Step], share_of_b: f64) -> Vec<Step> {
    let mix = |a: f64, b: f64| a + share_of_b * (b - a);
    a.iter()
        .zip(b)
        .map(|(a, b)| Step {
            value: mix(a.value, b.value),
            standard_error: mix(a.standard_error, b.standard_error),
        })
        .collect()
}

/// Forecasts with the weighted pool (see [`pooled`](crate::ensemble::pooled)) of several models, each with a weight by its errors in a
/// backtest on the series itself:
///
/// - with a season `dynamic_optimized_theta`, `ets`, `arima`, `arima` and `ces` of the logarithms where all values are above 0,
///   [`SesDrift`](crate::SesDrift) of the seasonally adjusted values, the seasonal naive and Holt-Winters' method;
/// - without one `dynamic_optimized_theta`, `ets`, `arima`, the damped trend and [`SesDrift`](crate::SesDrift); of fewer than 50 values
///   models of fewer parameters: `optimized_theta`, `ces` and both kinds of the latter;
/// - with a season longer than 24 steps theta, the seasonal naive, seasonal smoothing and the seasonal median. A second, longer season in
///   what the first leaves adds these, and, where it is no multiple of the first, [`Mstl`](crate::mstl::Mstl) of both.
///
/// What loses to the seasonal naive in the backtest (without a season, to the naive) gets sharper weights, up to
/// their 16th power; what still loses is averaged with it, with as small a share of the naive as it takes not to lose.
///
/// ```
/// let history: Vec<f64> = (0..48).map(|t| [80.0, 100.0, 130.0, 90.0][t % 4] + t as f64).collect();
/// let chosen = kpi_forecast::auto::choose(&history, 4, 4, &mut || false).unwrap();
/// assert!(chosen.errors.0 <= chosen.errors.1 && (chosen.path[2].value - 180.0).abs() < 5.0);
/// ```
pub fn choose(
    history: &[f64],
    season: usize,
    horizon: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Chosen, Error> {
    choose_with(history, season, None, horizon, poll)
}

/// The same with a second, longer season that is known rather than looked for; of no effect where it does not fit twice.
///
/// ```
/// let history: Vec<f64> = (0..60).map(|t| [1.0, 5.0][t % 2] + [0.0, 9.0, 3.0, 0.0, 6.0][t % 5]).collect();
/// let chosen = kpi_forecast::auto::choose_with(&history, 2, Some(5), 4, &mut || false).unwrap();
/// assert!((chosen.path[0].value - 1.0).abs() < 0.5 && (chosen.path[1].value - 14.0).abs() < 0.5);
/// ```
pub fn choose_with(
    history: &[f64],
    season: usize,
    longer: Option<usize>,
    horizon: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Chosen, Error> {
    judged(history, season, longer, horizon, true, poll)
}

/// The weighted pool alone, whatever the backtest says of it.
///
/// ```
/// let history: Vec<f64> = (0..48).map(|t| [80.0, 100.0, 130.0, 90.0][t % 4] + t as f64).collect();
/// let combined = kpi_forecast::auto::weighted_ensemble(&history, 4, 4, &mut || false).unwrap();
/// assert!(combined.model == "weighted_ensemble" && (combined.path[2].value - 180.0).abs() < 5.0);
/// ```
pub fn weighted_ensemble(
    history: &[f64],
    season: usize,
    horizon: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Chosen, Error> {
    judged(history, season, None, horizon, false, poll)
}

/// What is chosen before it is fitted to the whole history.
struct Decision {
    /// Tenths of the weight that the naive has.
    parts: usize,
    /// Of the members.
    weights: Vec<f64>,
    pool: Pool,
    model: &'static str,
    outcomes: Vec<Outcome>,
    errors: (f64, f64),
}

/// `guarded` is whether the naive has a say, `given` a longer season that is not looked for.
fn judged(
    history: &[f64],
    season: usize,
    given: Option<usize>,
    horizon: usize,
    guarded: bool,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Chosen, Error> {
    let (state, chosen) = kept(history, season, given, horizon, guarded, poll)?;
    Ok(Chosen {
        path: state.path(horizon),
        ..chosen
    })
}

/// The fitted models of [`choose_with`], or unless `guarded` of [`weighted_ensemble`], as states with their weights. The path of
/// what was chosen is left empty.
pub(crate) fn kept(
    history: &[f64],
    season: usize,
    given: Option<usize>,
    horizon: usize,
    guarded: bool,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(State, Chosen), Error> {
    let decision = decide(history, season, given, horizon, guarded, poll)?;
    let state = fit(history, season, &decision, poll)?;
    let chosen = Chosen {
        path: Vec::new(),
        model: decision.model,
        outcomes: decision.outcomes,
        errors: decision.errors,
    };
    Ok((state, chosen))
}

fn decide(
    history: &[f64],
    season: usize,
    given: Option<usize>,
    horizon: usize,
    guarded: bool,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Decision, Error> {
    let n = history.len();
    if n < FEW || is_constant(history) {
        return Ok(Decision {
            parts: PARTS,
            weights: Vec::new(),
            pool: Pool::of(n, season, None),
            model: name(PARTS, if n > season { season } else { 1 }),
            outcomes: Vec::new(),
            errors: (f64::INFINITY, f64::INFINITY),
        });
    }
    let longer = match given.filter(|longer| *longer > season && 2 * longer <= n) {
        None => longer_season(history, season, poll)?,
        given => given,
    };
    let pool = Pool::of(n, season, longer);
    let backtest = backtest(history, pool, horizon, poll)?;
    let naive_outcomes = outcomes(&backtest, |paths| paths.naive.clone());
    let naive_error = mean_absolute_error(&naive_outcomes);
    let combined = |weights: &[f64]| outcomes(&backtest, |paths| paths.combined(weights));
    let broad = weights(&backtest, pool.size());
    let own = combined(&broad);
    let (parts, weights, outcomes) = if guarded {
        guard(broad, own, &naive_outcomes, &combined)
    } else {
        (0, broad, own)
    };
    let errors = (mean_absolute_error(&outcomes), naive_error);
    Ok(Decision {
        parts,
        weights,
        pool,
        model: name(parts, season),
        outcomes,
        errors,
    })
}

/// Weights and parts of the naive with which the outcomes do not lose to those of the naive: the broadest weights that will do, or as
/// they are with the least share of the naive that will do.
fn guard(
    broad: Vec<f64>,
    own: Vec<Outcome>,
    naive: &[Outcome],
    combined: &dyn Fn(&[f64]) -> Vec<Outcome>,
) -> (usize, Vec<f64>, Vec<Outcome>) {
    let most = mean_absolute_error(naive);
    let holds = |outcomes: &[Outcome]| mean_absolute_error(outcomes) <= most;
    if holds(&own) {
        return (0, broad, own);
    }
    let sharper = SHARPER
        .iter()
        .map(|power| {
            broad
                .iter()
                .map(|weight| weight.powf(*power))
                .collect::<Vec<f64>>()
        })
        .map(|weights| (combined(&weights), weights))
        .find(|(outcomes, _)| holds(outcomes));
    if let Some((outcomes, weights)) = sharper {
        return (0, weights, outcomes);
    }
    // At all of the weight the error is that of the naive itself, so there always is an answer.
    let (parts, mixed) = (1..PARTS)
        .map(|parts| (parts, averaged(&own, naive, parts)))
        .find(|(_, outcomes)| holds(outcomes))
        .unwrap_or_else(|| (PARTS, naive.to_vec()));
    (parts, broad, mixed)
}

/// What the members would have said at past origins, and what came.
fn backtest<'a>(
    history: &'a [f64],
    pool: Pool,
    horizon: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<(Paths, &'a [f64])>, Error> {
    let n = history.len();
    let count = match pool.season {
        season if season > LONGEST_STATES => ORIGINS_OF_LONG_SEASON,
        _ if n > LONG => ORIGINS_OF_LONG,
        _ => ORIGINS,
    };
    // From less than half of the values a model would be judged that is not the one of all.
    let newest: Vec<(usize, usize)> = origins(n, pool.season, horizon)
        .into_iter()
        .take(count)
        .filter(|(origin, _)| *origin >= FEW && 2 * origin >= n)
        .collect();
    // The oldest first: the order of arima, which takes most of the time to find, is what could be known there.
    let mut known = Known::default();
    let mut backtest = Vec::new();
    for (origin, steps) in newest.into_iter().rev() {
        let (before, came) = history.split_at(origin);
        backtest.push((paths(before, pool, steps, &mut known, poll)?, came));
    }
    Ok(backtest)
}

/// The errors of one way to make a forecast of what the members say.
fn outcomes(backtest: &[(Paths, &[f64])], way: impl Fn(&Paths) -> Vec<Step>) -> Vec<Outcome> {
    backtest
        .iter()
        .flat_map(|(paths, came)| {
            let came = way(paths).into_iter().zip(*came).zip(1..);
            came.map(|((step, y), i)| Outcome {
                step: i,
                error: y - step.value,
                standard_error: step.standard_error,
            })
            .collect::<Vec<Outcome>>()
        })
        .collect()
}

/// The backtest of the mean with some parts of the naive.
fn averaged(own: &[Outcome], naive: &[Outcome], parts: usize) -> Vec<Outcome> {
    let share = parts as f64 / PARTS as f64;
    own.iter()
        .zip(naive)
        .map(|(own, naive)| Outcome {
            step: own.step,
            error: own.error + share * (naive.error - own.error),
            standard_error: own.standard_error + share * (naive.standard_error - own.standard_error),
        })
        .collect()
}

/// A season in what the given one leaves, longer than it, that fits three times.
fn longer_season(history: &[f64], m: usize, poll: &mut dyn FnMut() -> bool) -> Result<Option<usize>, Error> {
    if m < 2 || history.len() < 6 * m {
        return Ok(None);
    }
    let parts = decompose(history, &[m], poll)?;
    let found = season::detect(&parts.remainder, &[], poll);
    Ok((found > m && 3 * found <= history.len()).then_some(found))
}

/// The forecasts of all members.
fn paths(
    history: &[f64],
    pool: Pool,
    horizon: usize,
    known: &mut Known,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Paths, Error> {
    let members = fit_members(history, pool, known, poll)?;
    Ok(Paths {
        members: members
            .into_iter()
            .map(|member| Some(member?.path(horizon)))
            .collect(),
        naive: fit_naive(history, pool.season, poll)?.path(horizon),
    })
}
