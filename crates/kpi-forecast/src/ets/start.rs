//! The first states of exponential smoothing, from which the search for better ones starts.

use super::form::{Form, Part};
use super::recursion::State;
use crate::decomposition::{Kind, seasonal_indices_of};
use crate::linear::{least_squares, line};
use std::f64::consts::TAU;

/// A multiplicative season is at least this at the start.
const LEAST: f64 = 1e-2;

/// Heuristic first states (Hyndman, Koehler, Ord & Snyder 2008, section 2.6.1): the season by classical decomposition,
/// or, in fewer than three seasons, by what a line with a first harmonic leaves; level and trend by a line through
/// the first values without their season (ten, or two seasons). `None` when there is too little for the season.
pub fn first_state(form: Form, values: &[f64], m: usize) -> Option<State> {
    let season = match form.season {
        Part::None => Vec::new(),
        Part::Additive => season_of(values, m, Kind::Additive)?,
        Part::Multiplicative => season_of(values, m, Kind::Multiplicative)?,
    };
    let m = if form.season == Part::None { 1 } else { m };
    let adjusted: Vec<f64> = values
        .iter()
        .take((2 * m).max(10))
        .enumerate()
        .map(|(t, y)| match form.season {
            Part::None => *y,
            Part::Additive => y - season[t % m],
            Part::Multiplicative => y / season[t % m],
        })
        .collect();
    let (intercept, slope) = line(&adjusted);
    let (level, trend) = match form.trend {
        Part::None => (adjusted.iter().sum::<f64>() / adjusted.len() as f64, 0.0),
        // The line is drawn from 0 for the first value; the state is of the step before it.
        Part::Additive => (intercept - slope, slope),
        Part::Multiplicative => {
            let growth = (intercept + slope) / intercept;
            if intercept > 0.0 && growth > 0.5 && growth < 2.0 {
                (intercept / growth, growth)
            } else {
                (adjusted.first().copied()?.max(1e-3), 1.0)
            }
        }
    };
    Some(State { level, trend, season })
}

fn season_of(values: &[f64], m: usize, kind: Kind) -> Option<Vec<f64>> {
    let n = values.len();
    if n < 4 || n <= m {
        return None;
    }
    let mut season = if n < 3 * m {
        let time: Vec<f64> = (0..n).map(|t| t as f64).collect();
        let turn = |t: &f64| TAU * t / m as f64;
        let mut columns = vec![
            vec![1.0; n],
            time.clone(),
            time.iter().map(|t| turn(t).cos()).collect(),
        ];
        if m > 2 {
            columns.push(time.iter().map(|t| turn(t).sin()).collect());
        }
        let (coefficients, _) = least_squares(&columns, values)?;
        let [base, slope, ..] = coefficients[..] else {
            return None;
        };
        values
            .iter()
            .zip(&time)
            .take(m)
            .map(|(y, t)| match kind {
                Kind::Additive => y - base - slope * t,
                Kind::Multiplicative => y / (base + slope * t),
            })
            .collect::<Vec<f64>>()
    } else {
        seasonal_indices_of(values, m, kind)?.index
    };
    if kind == Kind::Multiplicative {
        season.iter_mut().for_each(|s| *s = s.clamp(LEAST, m as f64));
    }
    let mean = season.iter().sum::<f64>() / m as f64;
    for s in &mut season {
        match kind {
            Kind::Additive => *s -= mean,
            Kind::Multiplicative => *s /= mean,
        }
    }
    season.iter().all(|s| s.is_finite()).then_some(season)
}
