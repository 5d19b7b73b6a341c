//! Seasons as waves.

use crate::regressors::Regressor;
use std::f64::consts::TAU;

/// Pairs of waves per season at most, what Taylor & Letham use for a year.
const MOST_WAVES: usize = 10;
/// Frequencies nearer than this are one.
const SAME: f64 = 1e-9;

/// The frequencies, in waves per step, by which seasons of these lengths in steps are drawn: for each season its first ten
/// harmonics, as far as there are values enough to see them (no more than half a wave per step), and none twice: the seventh of
/// a week is the first of a day.
///
/// ```
/// use kpi_forecast::prophet::season::frequencies;
/// assert_eq!(frequencies(&[4.0]), [0.25, 0.5]);
/// assert_eq!(frequencies(&[7.0, 365.25]).len(), 3 + 10);
/// ```
pub fn frequencies(periods: &[f64]) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::new();
    let mut periods: Vec<f64> = periods
        .iter()
        .copied()
        .filter(|p| *p > 1.0 && p.is_finite())
        .collect();
    periods.sort_by(f64::total_cmp);
    for period in periods {
        for wave in 1..=MOST_WAVES {
            let frequency = wave as f64 / period;
            if frequency <= 0.5 + SAME && found.iter().all(|known| (known - frequency).abs() > SAME) {
                found.push(frequency);
            }
        }
    }
    found
}

/// The sines and cosines of these frequencies at one step.
pub fn waves(frequencies: &[f64], step: f64) -> impl Iterator<Item = f64> {
    frequencies.iter().flat_map(move |frequency| {
        // The sine of half a wave per step is 0 at every step.
        let is_flat = (frequency - 0.5).abs() <= SAME;
        let (sine, cosine) = (TAU * (frequency * step).fract()).sin_cos();
        (!is_flat).then_some(sine).into_iter().chain([cosine])
    })
}

/// The waves of seasons as regressors of `rows` rows.
pub(crate) fn harmonics(periods: &[f64], rows: usize) -> Vec<Regressor> {
    let frequencies = frequencies(periods);
    let mut columns: Vec<Regressor> = waves(&frequencies, 0.0)
        .map(|_| Regressor {
            name: String::new(),
            values: Vec::with_capacity(rows),
        })
        .collect();
    for t in 0..rows {
        for (column, x) in columns.iter_mut().zip(waves(&frequencies, t as f64)) {
            column.values.push(x);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_is_drawn_exactly_by_all_its_waves() {
        let columns: Vec<Vec<f64>> = (0..8)
            .map(|t| waves(&frequencies(&[4.0]), f64::from(t)).collect())
            .collect();
        assert_eq!(columns[0].len(), 3);
        for (a, b) in columns[1].iter().zip(&columns[5]) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn a_wave_of_two_seasons_is_drawn_once() {
        let both = frequencies(&[24.0, 168.0]);
        assert_eq!(both.len(), 10 + 9);
        assert!(frequencies(&[1.0, 0.0, f64::NAN]).is_empty());
    }
}
