//! Minimising with a gradient.

use super::Minimum;
use crate::Error;
use std::collections::VecDeque;

/// Steps whose curvature is remembered.
const MEMORY: usize = 8;
/// Share of the decrease that the gradient promises, which a step must bring (Armijo).
const DECREASE: f64 = 1e-4;
/// Halvings of a step at most.
const HALVINGS: usize = 20;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stop {
    /// Steps at most.
    pub steps: usize,
    /// A step that lowers the function by less than this share of `1 + |value|` is the last but one.
    pub tolerance: f64,
}

/// A function whose gradient costs something beyond its value.
pub trait Slope {
    /// The value, infinite where there is none.
    fn value(&mut self, at: &[f64]) -> Result<f64, Error>;
    /// The gradient at the place that the value was last asked of.
    fn gradient(&mut self, at: &[f64], gradient: &mut [f64]) -> Result<(), Error>;
}

/// A function that writes its gradient along with its value.
struct Both<F> {
    function: F,
    gradient: Vec<f64>,
}

impl<F: FnMut(&[f64], &mut [f64]) -> Result<f64, Error>> Slope for Both<F> {
    fn value(&mut self, at: &[f64]) -> Result<f64, Error> {
        (self.function)(at, &mut self.gradient)
    }

    fn gradient(&mut self, _: &[f64], gradient: &mut [f64]) -> Result<(), Error> {
        gradient.copy_from_slice(&self.gradient);
        Ok(())
    }
}

/// Minimises `function`, which returns its value and writes its gradient, from `start`: [`descend`] for functions of which both
/// cost what one does.
///
/// ```
/// use kpi_forecast::optimize::gradient::{Stop, minimize};
/// let stop = Stop { steps: 100, tolerance: 1e-12 };
/// let found = minimize(&[-1.2, 1.0], stop, |x, g| {
///     let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
///     (g[0], g[1]) = (-2.0 * a - 400.0 * x[0] * b, 200.0 * b);
///     Ok(a * a + 100.0 * b * b)
/// })
/// .unwrap();
/// assert!((found.at[0] - 1.0).abs() < 1e-4 && (found.at[1] - 1.0).abs() < 1e-4);
/// ```
pub fn minimize(
    start: &[f64],
    stop: Stop,
    function: impl FnMut(&[f64], &mut [f64]) -> Result<f64, Error>,
) -> Result<Minimum, Error> {
    let gradient = vec![0.0; start.len()];
    descend(start, stop, &mut Both { function, gradient })
}

/// Minimises `function` from `start`: limited-memory BFGS (Liu & Nocedal 1989, *Mathematical Programming* 45:503-528) with
/// backtracking. The gradient is asked for only where a step ends. The function may be infinite where it has no value, but not
/// at the start; its error ends the search.
pub fn descend(start: &[f64], stop: Stop, function: &mut impl Slope) -> Result<Minimum, Error> {
    let n = start.len();
    let mut at = start.to_vec();
    let mut gradient = vec![0.0; n];
    let mut value = function.value(&at)?;
    if value.is_finite() {
        function.gradient(&at, &mut gradient)?;
    }
    let mut evaluations = 1;
    let (mut next, mut next_gradient, mut direction) = (at.clone(), vec![0.0; n], vec![0.0; n]);
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY);
    let mut small_steps = 0;
    for _ in 0..stop.steps {
        if !value.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            break;
        }
        downhill(&gradient, &pairs, &mut direction);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            pairs.clear();
            downhill(&gradient, &pairs, &mut direction);
            slope = dot(&direction, &gradient);
        }
        let norm = dot(&direction, &direction).sqrt();
        if norm < 1e-12 || slope == 0.0 {
            break;
        }
        // Without any curvature seen yet a step of length 1 is as long as it makes sense in scaled variables.
        let mut length = if pairs.is_empty() {
            (0.2 / norm).min(1.0)
        } else {
            (3.0 / norm).min(1.0)
        };
        let mut better = None;
        for _ in 0..HALVINGS {
            for ((x, from), d) in next.iter_mut().zip(&at).zip(&direction) {
                *x = from + length * d;
            }
            let there = function.value(&next)?;
            evaluations += 1;
            if there <= value + DECREASE * length * slope {
                better = Some(there);
                break;
            }
            // The minimum of the parabola through what is known, within reason.
            let curve = there - value - length * slope;
            let ideal = -slope * length / (2.0 * curve);
            length *= if curve.is_finite() && ideal.is_finite() {
                ideal.clamp(0.1, 0.5)
            } else {
                0.25
            };
        }
        let Some(there) = better else {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        };
        function.gradient(&next, &mut next_gradient)?;
        let moved: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 * dot(&turned, &turned).sqrt() * dot(&moved, &moved).sqrt() {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back(Pair {
                moved,
                turned,
                curvature,
            });
        }
        let gained = value - there;
        std::mem::swap(&mut at, &mut next);
        std::mem::swap(&mut gradient, &mut next_gradient);
        value = there;
        small_steps = if gained < stop.tolerance * (1.0 + value.abs()) {
            small_steps + 1
        } else {
            0
        };
        if small_steps == 2 {
            break;
        }
    }
    Ok(Minimum {
        at,
        value,
        evaluations,
    })
}

/// A step, and how the gradient changed over it.
struct Pair {
    moved: Vec<f64>,
    turned: Vec<f64>,
    curvature: f64,
}

/// Minus the gradient times the inverse of the curvature (the two-loop recursion).
fn downhill(gradient: &[f64], pairs: &VecDeque<Pair>, direction: &mut [f64]) {
    direction.copy_from_slice(gradient);
    let mut shares = [0.0; MEMORY];
    for (share, pair) in shares.iter_mut().zip(pairs.iter().rev()) {
        *share = dot(&pair.moved, direction) / pair.curvature;
        for (d, t) in direction.iter_mut().zip(&pair.turned) {
            *d -= *share * t;
        }
    }
    if let Some(last) = pairs.back() {
        let scale = last.curvature / dot(&last.turned, &last.turned);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (share, pair) in shares[..pairs.len()].iter().rev().zip(pairs) {
        let back = dot(&pair.turned, direction) / pair.curvature;
        for (d, m) in direction.iter_mut().zip(&pair.moved) {
            *d += (share - back) * m;
        }
    }
    direction.iter_mut().for_each(|d| *d = -*d);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
