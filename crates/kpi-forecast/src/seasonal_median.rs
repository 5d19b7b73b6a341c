//! The usual value at each place in the season.

use crate::model::require;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// Seasons of which the median is taken, the newest ones: odd, so that it is a value that was; and one holiday, or two,
/// does not come back.
pub(crate) const SEASONS: usize = 5;

/// Every forecast is the median of the last five values (of fewer at the start of a series) seen at the same place in the
/// season. It forgets a holiday or an outage that [`crate::SeasonalNaive`] repeats as a whole and
/// [`crate::SeasonalSmoothing`] in part, and takes two seasons longer than they do to follow a new level.
///
/// `sigma` is the root mean square of the errors one season ahead, from the second season on; `sigma_h = sigma * sqrt(k + 1)`
/// with `k` whole seasons before step `h`, as of the seasonal naive (Hyndman & Athanasopoulos, 3rd ed., section 5.5): what the
/// median averages out of one season's noise it does not know of the next seasons' level.
///
/// ```
/// use kpi_forecast::{Fit, SeasonalMedian};
/// let history = [1.0, 5.0, 1.0, 5.0, 90.0, 5.0, 1.0, 5.0];
/// let fitted = SeasonalMedian { season: 2 }.fit(&history, &mut || false).unwrap();
/// assert_eq!((fitted.value(1), fitted.value(2), fitted.value(3)), (1.0, 5.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SeasonalMedian {
    /// Steps in a season, at least 1.
    pub season: usize,
}

/// What the median is taken of, the newest seasons; and the sum of so many squared errors.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) recent: Vec<f64>,
    pub(crate) season: usize,
    pub(crate) squares: f64,
    pub(crate) errors: f64,
}

impl Fit for SeasonalMedian {
    fn name(&self) -> &'static str {
        "seasonal_median"
    }

    fn needed(&self) -> usize {
        self.season.max(1) + 1
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let season = self.season.max(1);
        let squares: f64 = history
            .iter()
            .enumerate()
            .skip(season)
            .map(|(t, y)| (y - median_before(history, t, season)).powi(2))
            .sum();
        let n = history.len();
        Ok(Box::new(Fitted {
            recent: history[n.saturating_sub(SEASONS * season)..].to_vec(),
            season,
            squares,
            errors: (n - season) as f64,
        }))
    }
}

/// The median of the values one season before `t`, two seasons before, and so on.
pub(crate) fn median_before(history: &[f64], t: usize, season: usize) -> f64 {
    let mut seen = [0.0; SEASONS];
    let mut count = 0;
    for (back, place) in (1..).zip(&mut seen) {
        let value = t.checked_sub(back * season).and_then(|at| history.get(at));
        let Some(value) = value else { break };
        *place = *value;
        count = back;
    }
    let seen = &mut seen[..count];
    seen.sort_unstable_by(f64::total_cmp);
    match seen {
        [] => f64::NAN,
        seen if count % 2 == 1 => seen[count / 2],
        seen => seen[count / 2 - 1] / 2.0 + seen[count / 2] / 2.0,
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        let place = (step.max(1) - 1) % self.season;
        median_before(&self.recent, self.recent.len() + place, self.season)
    }

    fn standard_error(&self, step: usize) -> f64 {
        let seasons = (step.max(1) - 1) / self.season;
        (self.squares / self.errors).sqrt() * ((seasons + 1) as f64).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::SeasonalMedian(self.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_of_fewer_seasons_is_judged_by_what_there_is() {
        let fitted = SeasonalMedian { season: 2 }
            .fit(&[1.0, 2.0, 3.0], &mut || false)
            .unwrap();
        assert_eq!((fitted.value(1), fitted.value(2)), (2.0, 2.0));
        assert_eq!(
            (fitted.standard_error(2), fitted.standard_error(3)),
            (2.0, 2.0 * 2.0_f64.sqrt())
        );
    }

    #[test]
    fn only_the_last_five_seasons_count() {
        let values = [100.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let fitted = SeasonalMedian { season: 1 }.fit(&values, &mut || false).unwrap();
        assert_eq!(fitted.value(7), 3.0);
    }
}
