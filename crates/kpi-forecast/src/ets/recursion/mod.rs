//! The states through a history, the likelihood, and its gradient.

mod backward;
mod forward;

use super::form::{Form, Part};
use backward::backward;
use forward::forward;

/// The smoothing weights. `rho` is `beta / alpha`, the weight of the trend in the change of the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Weight of the level.
    pub alpha: f64,
    /// Weight of the trend over that of the level.
    pub rho: f64,
    /// Weight of the season.
    pub gamma: f64,
    /// Damping of the trend, 1 for none.
    pub phi: f64,
}

/// Level, trend, and one value per place in the season.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// The level.
    pub level: f64,
    /// The trend: per step added (0 when there is none) or multiplied.
    pub trend: f64,
    /// The season, by the position of a value modulo its length; empty when there is none.
    pub season: Vec<f64>,
}

/// What the likelihood is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitness {
    /// The sum of squared (relative, when multiplicative) errors.
    pub squares: f64,
    /// The sum of logarithms of the one-step means; 0 with additive errors.
    pub logs: f64,
}

impl Fitness {
    /// `n log(sum e^2) + 2 sum log |mu|`, which is -2 times the log-likelihood but for a constant (Ord, Koehler &
    /// Snyder 1997, *Journal of the American Statistical Association* 92:1621-1629).
    pub fn deviance(self, n: usize) -> f64 {
        n as f64 * self.squares.max(f64::MIN_POSITIVE).ln() + 2.0 * self.logs
    }
}

/// What a step began with, kept for the way back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step {
    level: f64,
    trend: f64,
    season: f64,
    damped: f64,
    base: f64,
    mean: f64,
}

impl Step {
    /// What was expected of the value.
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

/// The gradient of the deviance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slope {
    /// By alpha, rho, gamma and phi.
    pub weights: [f64; 4],
    /// By the first level.
    pub level: f64,
    /// By the first trend.
    pub trend: f64,
    /// By each first season.
    pub season: Vec<f64>,
}

/// Calls a pass with the parts of a form as constants, so that each pair becomes a loop without a branch on the form.
macro_rules! with_parts {
    ($pass:ident, $form:ident, $($argument:expr),+) => {{
        use Part::{Additive as A, Multiplicative as M, None as N};
        let relative = $form.multiplicative_error;
        match ($form.trend, $form.season) {
            (N, N) => $pass(relative, N, N, $($argument),+),
            (N, A) => $pass(relative, N, A, $($argument),+),
            (N, M) => $pass(relative, N, M, $($argument),+),
            (A, N) => $pass(relative, A, N, $($argument),+),
            (A, A) => $pass(relative, A, A, $($argument),+),
            (A, M) => $pass(relative, A, M, $($argument),+),
            (M, N) => $pass(relative, M, N, $($argument),+),
            (M, A) => $pass(relative, M, A, $($argument),+),
            (M, M) => $pass(relative, M, M, $($argument),+),
        }
    }};
}

/// Carries `state` through `values`; `None` when a multiplicative part leaves the range in which it means something.
/// `position` is that of the first value. The steps are written to `tape`.
pub fn run(
    form: Form,
    weights: Weights,
    values: &[f64],
    position: usize,
    state: &mut State,
    tape: &mut Vec<Step>,
) -> Option<Fitness> {
    tape.clear();
    tape.reserve(values.len());
    with_parts!(forward, form, weights, values, position, state, tape)
}

/// The gradient of the deviance by weights and first states, from the tape of [`run`]: the steps backwards, each
/// derivative by the chain rule (adjoint or reverse differentiation), at the cost of two runs however many states.
pub fn slope(
    form: Form,
    weights: Weights,
    values: &[f64],
    tape: &[Step],
    fitness: Fitness,
    m: usize,
    slope: &mut Slope,
) {
    with_parts!(backward, form, weights, values, tape, fitness, m, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviance(
        form: Form,
        x: &[f64],
        values: &[f64],
        m: usize,
        tape: &mut Vec<Step>,
    ) -> (f64, Fitness, Weights) {
        let season = if form.season == Part::None {
            Vec::new()
        } else {
            x[6..6 + m].to_vec()
        };
        let trend = if form.trend == Part::None { 0.0 } else { x[5] };
        let weights = Weights {
            alpha: x[0],
            rho: x[1],
            gamma: x[2],
            phi: x[3],
        };
        let mut state = State {
            level: x[4],
            trend,
            season,
        };
        let fitness = run(form, weights, values, 0, &mut state, tape).unwrap();
        (fitness.deviance(values.len()), fitness, weights)
    }

    #[test]
    fn the_gradient_is_that_of_differences_for_all_forms() {
        let values: Vec<f64> = (0..25)
            .map(|t| 10.0 + 0.1 * t as f64 + [1.0, -0.5, 0.2][t % 3] + ((t * 7919) % 13) as f64 * 0.1)
            .collect();
        for form in Form::all() {
            let phi = if form.damped { 0.93 } else { 1.0 };
            let trend = if form.trend == Part::Multiplicative {
                1.02
            } else {
                0.15
            };
            let seasons = if form.season == Part::Multiplicative {
                [1.1, 0.9, 1.05]
            } else {
                [0.8, -0.4, 0.1]
            };
            let mut x = vec![0.3, 0.2, 0.15, phi, 10.0, trend];
            x.extend(seasons);
            let mut tape = Vec::new();
            let (_, fitness, weights) = deviance(form, &x, &values, 3, &mut tape);
            let mut found = Slope::default();
            slope(form, weights, &values, &tape, fitness, 3, &mut found);
            let mut exact = found.weights.to_vec();
            exact.extend([found.level, found.trend]);
            exact.extend(&found.season);
            for (i, exact) in exact.iter().enumerate().filter(|(i, _)| *i != 3 || form.damped) {
                let step = 1e-6;
                let at = |by: f64| {
                    let mut moved = x.clone();
                    if let Some(slot) = moved.get_mut(i) {
                        *slot += by;
                    }
                    deviance(form, &moved, &values, 3, &mut Vec::new()).0
                };
                let numeric = (at(step) - at(-step)) / (2.0 * step);
                let unused = numeric == 0.0;
                assert!(
                    unused || (exact - numeric).abs() < 1e-4 * (1.0 + numeric.abs()),
                    "{form} {i}: {exact} {numeric}"
                );
            }
        }
    }
}
