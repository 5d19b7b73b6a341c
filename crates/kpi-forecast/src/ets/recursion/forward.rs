//! The states through a history.

use super::{Fitness, State, Step, Weights};
use crate::ets::form::Part;

/// A state of a multiplicative part below this has lost its meaning.
const LEAST: f64 = 1e-8;

#[inline(always)]
#[allow(clippy::too_many_arguments)] // Inlined nine times, with the parts as constants.
pub(super) fn forward(
    relative: bool,
    trend: Part,
    season: Part,
    weights: Weights,
    values: &[f64],
    position: usize,
    state: &mut State,
    tape: &mut Vec<Step>,
) -> Option<Fitness> {
    let Weights {
        alpha,
        rho,
        gamma,
        phi,
    } = weights;
    let (mut level, mut slope) = (state.level, state.trend);
    let m = state.season.len().max(1);
    let mut place = position % m;
    let (mut squares, mut logs, mut product) = (0.0, 0.0, 1.0_f64);
    for y in values.iter().copied() {
        let index = if season == Part::None {
            0.0
        } else {
            state.season[place]
        };
        let damped = match trend {
            Part::None => 0.0,
            Part::Additive => phi * slope,
            Part::Multiplicative if phi == 1.0 => slope,
            Part::Multiplicative => slope.powf(phi),
        };
        let base = match trend {
            Part::None => level,
            Part::Additive => level + damped,
            Part::Multiplicative => level * damped,
        };
        let mean = match season {
            Part::None => base,
            Part::Additive => base + index,
            Part::Multiplicative => base * index,
        };
        tape.push(Step {
            level,
            trend: slope,
            season: index,
            damped,
            base,
            mean,
        });
        let error = if relative { y / mean - 1.0 } else { y - mean };
        squares += error * error;
        if relative {
            if mean < LEAST {
                return None;
            }
            // One logarithm for many factors.
            product *= mean;
            if !(1e-100..1e100).contains(&product) {
                logs += product.ln();
                product = 1.0;
            }
        }
        let adjusted = match season {
            Part::None => y,
            Part::Additive => y - index,
            Part::Multiplicative => y / index,
        };
        let next = base + alpha * (adjusted - base);
        match trend {
            Part::None => {}
            Part::Additive => slope = damped + rho * (next - level - damped),
            Part::Multiplicative => slope = damped + rho * (next / level - damped),
        }
        match season {
            Part::None => {}
            Part::Additive => state.season[place] = index + gamma * (y - base - index),
            Part::Multiplicative => {
                let updated = index + gamma * (y / base - index);
                if updated < LEAST || base < LEAST {
                    return None;
                }
                state.season[place] = updated;
            }
        }
        if trend == Part::Multiplicative && (next < LEAST || slope < LEAST) {
            return None;
        }
        level = next;
        place += 1;
        if place == m {
            place = 0;
        }
    }
    state.level = level;
    state.trend = slope;
    (squares.is_finite() && level.is_finite()).then_some(Fitness {
        squares,
        logs: logs + product.ln(),
    })
}
