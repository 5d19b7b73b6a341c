//! Demand that is 0 most of the time.

use crate::mean::Flat;
use crate::model::{require, unless_canceled};
use crate::{Error, Fit, Predict, ses};

/// How intermittent demand is forecast. All say the mean demand per step, the same for every step ahead.
///
/// ```
/// use kpi_forecast::{Fit, intermittent::Intermittent};
/// let demand = [0.0, 0.0, 6.0, 0.0, 0.0, 6.0, 0.0, 0.0, 6.0];
/// let value = |model: Intermittent| model.fit(&demand, &mut || false).unwrap().value(1);
/// assert_eq!(value(Intermittent::Croston), 2.0);
/// assert_eq!(value(Intermittent::Sba), 1.9);
/// assert_eq!(value(Intermittent::Adida), 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intermittent {
    /// The smoothed size of a demand over the smoothed time between two (Croston 1972, *Operational Research Quarterly*
    /// 23:289-303), both with weight 0.1.
    Croston,
    /// The same without its bias, times `1 - 0.1/2` (Syntetos & Boylan 2005, *International Journal of Forecasting*
    /// 21:303-314).
    Sba,
    /// The smoothed size times the smoothed probability of a demand, which also falls while none comes (Teunter, Syntetos
    /// & Babai 2011, *European Journal of Operational Research* 214:606-615).
    Tsb,
    /// Sums over the mean time between demands, smoothed and shared out again (Nikolopoulos and others 2011, *Journal of
    /// the Operational Research Society* 62:544-554).
    Adida,
    /// The mean of that over all block lengths from 1 to the mean time between demands (Petropoulos & Kourentzes 2015,
    /// same journal, 66:914-924).
    Imapa,
}

/// The usual weight in the literature.
const ALPHA: f64 = 0.1;

impl Intermittent {
    fn mean(self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<f64, Error> {
        Ok(match self {
            Self::Croston => croston(history),
            Self::Sba => (1.0 - ALPHA / 2.0) * croston(history),
            Self::Tsb => tsb(history),
            Self::Adida => blocks(history, mean_interval(history).round() as usize),
            Self::Imapa => {
                let most = (mean_interval(history).round() as usize).max(1);
                let mut sum = 0.0;
                for length in 1..=most {
                    unless_canceled(poll)?;
                    sum += blocks(history, length);
                }
                sum / most as f64
            }
        })
    }
}

/// Sizes of the demands, and for each the steps since the one before it (the first: since the start).
fn demands(history: &[f64]) -> Vec<(f64, f64)> {
    let mut since = 0.0;
    let mut found = Vec::new();
    for y in history {
        since += 1.0;
        if *y != 0.0 {
            found.push((*y, since));
            since = 0.0;
        }
    }
    found
}

fn croston(history: &[f64]) -> f64 {
    let mut all = demands(history).into_iter();
    let Some((mut size, mut interval)) = all.next() else {
        return 0.0;
    };
    for (y, since) in all {
        size += ALPHA * (y - size);
        interval += ALPHA * (since - interval);
    }
    size / interval
}

fn tsb(history: &[f64]) -> f64 {
    let Some(first) = history.iter().position(|y| *y != 0.0) else {
        return 0.0;
    };
    let mut size = history[first];
    let mut chance = 1.0 / (first + 1) as f64;
    for y in &history[first + 1..] {
        if *y == 0.0 {
            chance -= ALPHA * chance;
        } else {
            size += ALPHA * (y - size);
            chance += ALPHA * (1.0 - chance);
        }
    }
    size * chance
}

fn mean_interval(history: &[f64]) -> f64 {
    let all = demands(history);
    if all.is_empty() {
        1.0
    } else {
        all.iter().map(|(_, since)| since).sum::<f64>() / all.len() as f64
    }
}

/// Smoothed sums of blocks, the newest block whole, per step.
fn blocks(history: &[f64], length: usize) -> f64 {
    let length = length.clamp(1, history.len().max(1));
    let over = history.len() % length;
    let sums: Vec<f64> = history[over..]
        .chunks_exact(length)
        .map(|block| block.iter().sum())
        .collect();
    ses::fit(&sums).map_or(0.0, |smoothed| smoothed.level / length as f64)
}

impl Fit for Intermittent {
    fn name(&self) -> &'static str {
        match self {
            Self::Croston => "croston",
            Self::Sba => "sba",
            Self::Tsb => "tsb",
            Self::Adida => "adida",
            Self::Imapa => "imapa",
        }
    }

    fn needed(&self) -> usize {
        2
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let mean = self.mean(history, poll)?;
        let squares: f64 = history.iter().map(|y| (y - mean).powi(2)).sum();
        Ok(Box::new(Flat {
            mean,
            sigma: (squares / (history.len() - 1) as f64).sqrt(),
        }))
    }
}
