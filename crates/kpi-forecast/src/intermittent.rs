//! Demand that is 0 most of the time.

use crate::mean::Flat;
use crate::model::{require, unless_canceled};
use crate::state::{Family, State};
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
    /// The mean demand of the models that smooth blocks.
    fn mean_of_blocks(self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<f64, Error> {
        let most = (mean_interval(history).round() as usize).max(1);
        if self == Self::Adida {
            return Ok(blocks(history, most));
        }
        let mut sum = 0.0;
        for length in 1..=most {
            unless_canceled(poll)?;
            sum += blocks(history, length);
        }
        Ok(sum / most as f64)
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

/// What is smoothed of the demands: their size, and the time between two or in `Tsb` the chance of one.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) model: Intermittent,
    pub(crate) size: f64,
    pub(crate) rhythm: f64,
    /// Steps since the last demand.
    pub(crate) since: f64,
    pub(crate) sigma: f64,
}

impl Fitted {
    pub(crate) fn of(model: Intermittent, history: &[f64]) -> Option<Self> {
        let first = history.iter().position(|y| *y != 0.0)?;
        let (before, after) = history.split_at(first + 1);
        let interval = before.len() as f64;
        let mut fitted = Self {
            model,
            size: *before.last()?,
            rhythm: if model == Intermittent::Tsb {
                1.0 / interval
            } else {
                interval
            },
            since: 0.0,
            sigma: 0.0,
        };
        after.iter().for_each(|y| fitted.add(*y));
        Some(fitted)
    }

    /// One more value.
    pub(crate) fn add(&mut self, y: f64) {
        self.since += 1.0;
        let came = y != 0.0;
        if came {
            self.size += ALPHA * (y - self.size);
        }
        if self.model == Intermittent::Tsb {
            self.rhythm += ALPHA * (f64::from(u8::from(came)) - self.rhythm);
        } else if came {
            self.rhythm += ALPHA * (self.since - self.rhythm);
        }
        if came {
            self.since = 0.0;
        }
    }
}

impl Predict for Fitted {
    fn value(&self, _step: usize) -> f64 {
        match self.model {
            Intermittent::Tsb => self.size * self.rhythm,
            Intermittent::Sba => (1.0 - ALPHA / 2.0) * (self.size / self.rhythm),
            _ => self.size / self.rhythm,
        }
    }

    fn standard_error(&self, _step: usize) -> f64 {
        self.sigma
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Intermittent(self.clone())))
    }
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
        let sigma = |mean: f64| {
            let squares: f64 = history.iter().map(|y| (y - mean).powi(2)).sum();
            (squares / (history.len() - 1) as f64).sqrt()
        };
        if matches!(self, Self::Adida | Self::Imapa) {
            let mean = self.mean_of_blocks(history, poll)?;
            return Ok(Box::new(Flat {
                mean,
                sigma: sigma(mean),
            }));
        }
        // Without any demand the history is constant, and has had its answer.
        let Some(fitted) = Fitted::of(*self, history) else {
            return Ok(Box::new(Flat {
                mean: 0.0,
                sigma: 0.0,
            }));
        };
        Ok(Box::new(Fitted {
            sigma: sigma(fitted.value(1)),
            ..fitted
        }))
    }
}
