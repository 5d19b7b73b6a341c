//! The value of one season ago.

use crate::model::require;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// Every forecast is the last value seen at the same place in the season. With season 1 it is [`crate::Naive`].
///
/// `sigma_h = sigma * sqrt(k + 1)`, `k` the number of whole seasons before step `h`, and `sigma` the root mean
/// square of the differences at one season's distance (Hyndman & Athanasopoulos, 3rd ed., section 5.5).
///
/// ```
/// use kpi_forecast::{Fit, SeasonalNaive};
/// let fitted = SeasonalNaive { season: 2 }.fit(&[1.0, 10.0, 2.0, 11.0], &mut || false).unwrap();
/// assert_eq!((fitted.value(1), fitted.value(2), fitted.value(3)), (2.0, 11.0, 2.0));
/// assert_eq!((fitted.standard_error(2), fitted.standard_error(3)), (1.0, 2.0_f64.sqrt()));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SeasonalNaive {
    /// Steps in a season, at least 1.
    pub season: usize,
}

/// The last season, and the sum of squares of so many changes from season to season.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) last_season: Vec<f64>,
    pub(crate) squares: f64,
    pub(crate) changes: f64,
}

impl Fit for SeasonalNaive {
    fn name(&self) -> &'static str {
        "seasonal_naive"
    }

    fn needed(&self) -> usize {
        self.season.max(1) + 1
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let season = self.season.max(1);
        let compared = history.len() - season;
        let squares = history
            .iter()
            .zip(&history[season..])
            .map(|(a, b)| (b - a).powi(2))
            .sum::<f64>();
        Ok(Box::new(Fitted {
            last_season: history[compared..].to_vec(),
            squares,
            changes: compared as f64,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.last_season[(step.max(1) - 1) % self.last_season.len()]
    }

    fn standard_error(&self, step: usize) -> f64 {
        let seasons = (step.max(1) - 1) / self.last_season.len();
        (self.squares / self.changes).sqrt() * ((seasons + 1) as f64).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::SeasonalNaive(self.clone())))
    }
}
