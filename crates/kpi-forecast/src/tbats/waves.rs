//! Seasons as waves with effects.

use crate::Error;
use crate::linear::least_squares;
use crate::model::unless_canceled;
use crate::prophet::season::waves;

/// Pairs of waves per season at most: what a week of hours needs for its days is drawn by the season of a day.
const MOST_WAVES: usize = 12;
/// Values that the errors are learnt from, the newest ones.
const ERRORS: usize = 1_000;
/// Frequencies nearer than this are one.
const SAME: f64 = 1e-9;

/// Waves, each pair a sine and a cosine (a cosine alone at half a wave per step).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Waves {
    /// In waves per step.
    pub(crate) frequencies: Vec<f64>,
    /// In the unit of the values, in the order of [`waves`].
    pub(crate) effects: Vec<f64>,
}

impl Waves {
    /// The waves in values of which the first is that of step `start`.
    pub(super) fn learn(
        values: &[f64],
        start: usize,
        seasons: &[f64],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let changes: Vec<f64> = values
            .iter()
            .zip(values.iter().skip(1))
            .map(|(a, b)| b - a)
            .collect();
        let n = changes.len();
        let mut columns = vec![vec![1.0; n]];
        let Some((_, squares)) = least_squares(&columns, &changes) else {
            return Ok(Self::default());
        };
        let mut best = (criterion(squares, n, 1), Self::default(), 1);
        for season in seasons {
            // From what the shorter seasons took, one pair more at a time.
            let mut frequencies = best.1.frequencies.clone();
            columns.truncate(best.2);
            for wave in 1..=MOST_WAVES {
                let frequency = wave as f64 / season;
                let is_new = frequencies.iter().all(|known| (known - frequency).abs() > SAME);
                if frequency > 0.5 + SAME || !is_new {
                    continue;
                }
                unless_canceled(poll)?;
                frequencies.push(frequency);
                columns.extend(columns_of(frequency, start, n));
                let Some((effects, squares)) = least_squares(&columns, &changes) else {
                    break;
                };
                let here = criterion(squares, n, columns.len());
                if here < best.0 {
                    let found = Self {
                        frequencies: frequencies.clone(),
                        effects: effects.get(1..).unwrap_or_default().to_vec(),
                    };
                    best = (here, found, columns.len());
                }
            }
        }
        Ok(best.1)
    }

    /// What they leave of a history, as much of its end as errors are learnt from.
    pub(crate) fn rest_of(&self, history: &[f64]) -> Vec<f64> {
        let start = history.len().saturating_sub(ERRORS);
        let recent = history.get(start..).unwrap_or_default();
        recent.iter().zip(start..).map(|(y, t)| y - self.at(t)).collect()
    }

    /// Their sum at a step.
    pub(crate) fn at(&self, step: usize) -> f64 {
        waves(&self.frequencies, step as f64)
            .zip(&self.effects)
            .map(|(x, effect)| x * effect)
            .sum()
    }
}

/// The changes of the waves of a frequency.
fn columns_of(frequency: f64, start: usize, n: usize) -> Vec<Vec<f64>> {
    let at = |t: usize| waves(&[frequency], t as f64).collect::<Vec<f64>>();
    let mut before = at(start);
    let mut columns = vec![Vec::with_capacity(n); before.len()];
    for t in start + 1..=start + n {
        let here = at(t);
        for ((column, a), b) in columns.iter_mut().zip(&before).zip(&here) {
            column.push(b - a);
        }
        before = here;
    }
    columns
}

/// Akaike's criterion corrected for few values; infinite where there are too few.
fn criterion(squares: f64, n: usize, columns: usize) -> f64 {
    let (n, k) = (n as f64, columns as f64 + 1.0);
    if n - k - 1.0 <= 0.0 {
        return f64::INFINITY;
    }
    n * (squares / n).max(f64::MIN_POSITIVE).ln() + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
}
