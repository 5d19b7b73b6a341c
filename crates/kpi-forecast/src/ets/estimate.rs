//! The likeliest weights and first states of one form.

use super::form::{Form, Part};
use super::recursion::{self, Fitness, Slope, State, Step, Weights};
use super::start::first_state;
use crate::Error;
use crate::model::unless_canceled;
use crate::optimize;
use crate::optimize::bounds::Interval;
use crate::optimize::gradient::{Stop, descend};

const ALPHA: Interval = Interval {
    low: 1e-4,
    high: 0.9999,
};
/// Of beta over its most, and of gamma / (1 - alpha): beta and gamma within the bounds that make all weights of averages
/// positive (Hyndman, Koehler, Ord & Snyder 2008, section 2.5.2), "usual" in R's `ets`. The most for beta is alpha, and
/// not more than a fifth of a season's share, 0.2 / m, as in statsforecast: a trend that turns within a season is none.
const SHARE: Interval = Interval {
    low: 1e-4,
    high: 0.9999,
};
const PHI: Interval = Interval { low: 0.8, high: 0.98 };
const STOP: Stop = Stop {
    steps: 200,
    tolerance: 1e-7,
};

/// An estimated form, in the unit of the values that it was estimated from.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The form.
    pub form: Form,
    /// The weights.
    pub weights: Weights,
    /// The states before the first value.
    pub first: State,
    /// The states after the last.
    pub last: State,
    /// Values that it was estimated from.
    pub values: usize,
    /// Variance of the (relative, when multiplicative) errors.
    pub variance: f64,
    /// -2 log-likelihood but for a constant.
    pub deviance: f64,
    /// Akaike's criterion corrected for few values (Hurvich & Tsai 1989, *Biometrika* 76:297-307).
    pub aicc: f64,
}

/// Memory that is used again from form to form.
#[derive(Debug, Default)]
pub struct Work {
    tape: Vec<Step>,
    slope: Slope,
    state: State,
}

/// Estimates `form` by maximum likelihood. `None` when there are too few values for its parameters or the form does
/// not suit them. `poll` is called before each run through the values; true ends it with [`Error::Canceled`].
pub fn estimate(
    form: Form,
    values: &[f64],
    m: usize,
    work: &mut Work,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<Estimate>, Error> {
    let n = values.len();
    let parameters = form.parameters(m);
    if parameters + 1 >= n || (form.needs_positive() && values.iter().any(|y| *y <= 0.0)) {
        return Ok(None);
    }
    let Some(first) = first_state(form, values, m) else {
        return Ok(None);
    };
    let Some((start, spread)) = starts(form, values, &first, work, poll)? else {
        return Ok(None);
    };
    let layout = Layout::new(form, first, spread, m);
    let mut weights_of_start = layout.free(start);
    weights_of_start.resize(layout.size(), 0.0);
    let mut deviance = Deviance {
        layout: &layout,
        values,
        m,
        work,
        last: None,
        poll,
    };
    let found = descend(&weights_of_start, STOP, &mut deviance)?;
    let (weights, first) = layout.read(&found.at);
    Ok(finish(form, weights, first, values, m, work))
}

/// The deviance as a function of the free variables.
struct Deviance<'a> {
    layout: &'a Layout,
    values: &'a [f64],
    m: usize,
    work: &'a mut Work,
    /// Weights and fitness of the run that is on the tape.
    last: Option<(Weights, Fitness)>,
    poll: &'a mut dyn FnMut() -> bool,
}

impl optimize::gradient::Slope for Deviance<'_> {
    fn value(&mut self, at: &[f64]) -> Result<f64, Error> {
        unless_canceled(self.poll)?;
        let weights = self.layout.read_into(at, &mut self.work.state);
        let (form, work) = (self.layout.form, &mut *self.work);
        let fitness = recursion::run(form, weights, self.values, 0, &mut work.state, &mut work.tape);
        self.last = fitness.map(|fitness| (weights, fitness));
        Ok(fitness.map_or(f64::INFINITY, |fitness| fitness.deviance(self.values.len())))
    }

    fn gradient(&mut self, at: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        if let Some((weights, fitness)) = self.last {
            let Work { tape, slope, .. } = &mut *self.work;
            recursion::slope(
                self.layout.form,
                weights,
                self.values,
                tape,
                fitness,
                self.m,
                slope,
            );
            self.layout.chain(at, weights, slope, gradient);
        }
        Ok(())
    }
}

/// The estimate that given weights and first states are.
pub fn finish(
    form: Form,
    weights: Weights,
    first: State,
    values: &[f64],
    m: usize,
    work: &mut Work,
) -> Option<Estimate> {
    let mut last = first.clone();
    let fitness = recursion::run(form, weights, values, 0, &mut last, &mut work.tape)?;
    let (n, k) = (values.len() as f64, form.parameters(m) as f64);
    let deviance = fitness.deviance(values.len());
    let aicc = deviance + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0);
    let variance = fitness.squares / (n - k - 1.0).max(1.0);
    aicc.is_finite().then_some(Estimate {
        form,
        weights,
        first,
        last,
        values: values.len(),
        variance,
        deviance,
        aicc,
    })
}

/// The best of a few weights with the heuristic first states, and the size of an error with them.
fn starts(
    form: Form,
    values: &[f64],
    first: &State,
    work: &mut Work,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Option<(Weights, f64)>, Error> {
    let gammas: &[f64] = if form.season == Part::None {
        &[0.0]
    } else {
        &[0.05, 0.3]
    };
    let rhos: &[f64] = if form.trend == Part::None {
        &[0.0]
    } else {
        &[0.05, 0.3]
    };
    let phi = if form.damped { 0.97 } else { 1.0 };
    let mut best: Option<(f64, Weights, Fitness)> = None;
    for alpha in [0.05, 0.3, 0.7] {
        for rho in rhos {
            for gamma in gammas {
                unless_canceled(poll)?;
                let weights = Weights {
                    alpha,
                    rho: *rho,
                    gamma: gamma * (1.0 - alpha),
                    phi,
                };
                let mut state = first.clone();
                let Some(fitness) = recursion::run(form, weights, values, 0, &mut state, &mut work.tape)
                else {
                    continue;
                };
                let deviance = fitness.deviance(values.len());
                if best.is_none_or(|(least, ..)| deviance < least) {
                    best = Some((deviance, weights, fitness));
                }
            }
        }
    }
    let Some((_, weights, fitness)) = best else {
        return Ok(None);
    };
    let error = (fitness.squares / values.len() as f64).sqrt();
    let size = values.iter().map(|y| y.abs()).sum::<f64>() / values.len() as f64;
    let spread = if form.multiplicative_error {
        error * size
    } else {
        error
    };
    Ok(Some((weights, spread.max(1e-6 * size))))
}

/// Where in the vector of free variables each parameter is. First states are counted in sizes of an error from the
/// heuristic ones, so that all variables are of the order of 1.
struct Layout {
    form: Form,
    first: State,
    spread: f64,
    trend_spread: f64,
    season_spread: f64,
    most_beta: f64,
}

impl Layout {
    fn new(form: Form, first: State, spread: f64, m: usize) -> Self {
        let relative = spread / first.level.abs().max(spread);
        Self {
            form,
            trend_spread: 0.1
                * if form.trend == Part::Multiplicative {
                    relative
                } else {
                    spread
                },
            season_spread: if form.season == Part::Multiplicative {
                relative
            } else {
                spread
            },
            first,
            spread,
            most_beta: 0.2 / m.max(1) as f64,
        }
    }

    /// The most that beta may be over alpha.
    fn most_rho(&self, alpha: f64) -> f64 {
        (self.most_beta / alpha).min(1.0)
    }

    fn size(&self) -> usize {
        self.form.weights() + 1 + usize::from(self.has_trend()) + self.first.season.len().saturating_sub(1)
    }

    fn has_trend(&self) -> bool {
        self.form.trend != Part::None
    }

    fn free(&self, weights: Weights) -> Vec<f64> {
        let mut x = vec![ALPHA.free(weights.alpha)];
        if self.has_trend() {
            x.push(SHARE.free(weights.rho / self.most_rho(weights.alpha)));
        }
        if self.form.season != Part::None {
            x.push(SHARE.free(weights.gamma / (1.0 - weights.alpha)));
        }
        if self.form.damped {
            x.push(PHI.free(weights.phi));
        }
        x
    }

    fn read(&self, x: &[f64]) -> (Weights, State) {
        let mut state = State::default();
        (self.read_into(x, &mut state), state)
    }

    fn read_into(&self, x: &[f64], state: &mut State) -> Weights {
        let mut x = x.iter().copied();
        let mut next = || x.next().unwrap_or(0.0);
        let alpha = ALPHA.value(next());
        let rho = if self.has_trend() {
            SHARE.value(next()) * self.most_rho(alpha)
        } else {
            0.0
        };
        let gamma = if self.form.season == Part::None {
            0.0
        } else {
            SHARE.value(next()) * (1.0 - alpha)
        };
        let phi = if self.form.damped { PHI.value(next()) } else { 1.0 };
        state.level = self.first.level + self.spread * next();
        state.trend = self.first.trend;
        state.season.clone_from(&self.first.season);
        if self.has_trend() {
            state.trend += self.trend_spread * next();
        }
        // What the other seasons gain the first loses, so that the sum stays.
        let mut moved = 0.0;
        for s in state.season.iter_mut().skip(1) {
            let by = self.season_spread * next();
            *s += by;
            moved += by;
        }
        if let Some(s) = state.season.first_mut() {
            *s -= moved;
        }
        Weights {
            alpha,
            rho,
            gamma,
            phi,
        }
    }

    fn chain(&self, x: &[f64], weights: Weights, slope: &Slope, gradient: &mut [f64]) {
        let [mut by_alpha, by_rho, by_gamma, by_phi] = slope.weights;
        let mut pairs = gradient.iter_mut().zip(x);
        let first = pairs.next();
        let mut put = |value: &dyn Fn(f64) -> f64| {
            if let Some((g, x)) = pairs.next() {
                *g = value(*x);
            }
        };
        if self.has_trend() {
            put(&|x| by_rho * SHARE.slope(x) * self.most_rho(weights.alpha));
            if self.most_beta < weights.alpha {
                by_alpha -= by_rho * weights.rho / weights.alpha;
            }
        }
        if self.form.season != Part::None {
            put(&|x| by_gamma * SHARE.slope(x) * (1.0 - weights.alpha));
            by_alpha -= by_gamma * weights.gamma / (1.0 - weights.alpha);
        }
        if self.form.damped {
            put(&|x| by_phi * PHI.slope(x));
        }
        put(&|_| slope.level * self.spread);
        if self.has_trend() {
            put(&|_| slope.trend * self.trend_spread);
        }
        if let Some((reference, others)) = slope.season.split_first()
            && self.form.season != Part::None
        {
            for s in others {
                put(&|_| (s - reference) * self.season_spread);
            }
        }
        if let Some((g, x)) = first {
            *g = by_alpha * ALPHA.slope(*x);
        }
    }
}
