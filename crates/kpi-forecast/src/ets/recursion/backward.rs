//! The way back, which collects the gradient.

use super::{Fitness, Slope, Step, Weights};
use crate::ets::form::Part;

#[inline(always)]
#[allow(clippy::too_many_arguments)] // Inlined nine times, with the parts as constants.
pub(super) fn backward(
    relative: bool,
    trend: Part,
    season: Part,
    weights: Weights,
    values: &[f64],
    tape: &[Step],
    fitness: Fitness,
    m: usize,
    slope: &mut Slope,
) {
    let Weights {
        alpha,
        rho,
        gamma,
        phi,
    } = weights;
    let m = if season == Part::None { 1 } else { m.max(1) };
    let mut by_season = std::mem::take(&mut slope.season);
    by_season.clear();
    by_season.resize(m, 0.0);
    let (mut by_level, mut by_trend) = (0.0, 0.0);
    let (mut by_alpha, mut by_rho, mut by_gamma, mut by_phi) = (0.0, 0.0, 0.0, 0.0);
    let factor = 2.0 * values.len() as f64 / fitness.squares.max(f64::MIN_POSITIVE);
    let mut place = values.len() % m;
    for (y, step) in values.iter().copied().zip(tape).rev() {
        place = if place == 0 { m - 1 } else { place - 1 };
        let Step {
            level,
            trend: old,
            season: index,
            damped,
            base,
            mean,
        } = *step;
        // Derivatives by what the step began with are collected from those by what it ended with.
        let mut to_mean = if relative {
            let ratio = y / mean;
            (2.0 - factor * (ratio - 1.0) * ratio) / mean
        } else {
            -factor * (y - mean)
        };
        if !to_mean.is_finite() {
            to_mean = 0.0;
        }
        let (mut to_base, mut to_index, mut to_damped, mut to_level) = (0.0, 0.0, 0.0, 0.0);
        match season {
            Part::None => {}
            Part::Additive => {
                let given = by_season[place];
                to_index += given * (1.0 - gamma);
                by_gamma += given * (y - base - index);
                to_base -= given * gamma;
            }
            Part::Multiplicative => {
                let given = by_season[place];
                let ratio = y / base;
                to_index += given * (1.0 - gamma);
                by_gamma += given * (ratio - index);
                to_base -= given * gamma * ratio / base;
            }
        }
        let adjusted = match season {
            Part::None => y,
            Part::Additive => y - index,
            Part::Multiplicative => y / index,
        };
        let mut to_next = by_level;
        match trend {
            Part::None => {}
            Part::Additive => {
                let next = base + alpha * (adjusted - base);
                by_rho += by_trend * (next - level - damped);
                to_damped += by_trend * (1.0 - rho);
                to_next += by_trend * rho;
                to_level -= by_trend * rho;
            }
            Part::Multiplicative => {
                let ratio = (base + alpha * (adjusted - base)) / level;
                by_rho += by_trend * (ratio - damped);
                to_damped += by_trend * (1.0 - rho);
                to_next += by_trend * rho / level;
                to_level -= by_trend * rho * ratio / level;
            }
        }
        to_base += to_next * (1.0 - alpha);
        by_alpha += to_next * (adjusted - base);
        match season {
            Part::None => to_base += to_mean,
            Part::Additive => {
                to_index += to_mean - to_next * alpha;
                to_base += to_mean;
            }
            Part::Multiplicative => {
                to_index += to_mean * base - to_next * alpha * adjusted / index;
                to_base += to_mean * index;
            }
        }
        match trend {
            Part::None => to_level += to_base,
            Part::Additive => {
                to_level += to_base;
                to_damped += to_base;
                by_trend = to_damped * phi;
                by_phi += to_damped * old;
            }
            Part::Multiplicative => {
                to_level += to_base * damped;
                to_damped += to_base * level;
                by_trend = to_damped * phi * damped / old;
                if phi != 1.0 {
                    by_phi += to_damped * damped * old.ln();
                }
            }
        }
        by_level = to_level;
        if season != Part::None {
            by_season[place] = to_index;
        }
    }
    *slope = Slope {
        weights: [by_alpha, by_rho, by_gamma, by_phi],
        level: by_level,
        trend: by_trend,
        season: by_season,
    };
}
