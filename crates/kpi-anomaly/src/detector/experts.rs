//! Cheap forecasts of the next value, and their mean weighted by how well each has done.

use super::season::Profile;

/// Smoothing of the level: the last value, a fast and a slow mean; each without and with the season, and the slow one with a season
/// that is smoothed over its places.
const RATES: [f64; 7] = [1.0, 0.25, SLOW, 1.0, 0.25, SLOW, SLOW];
const SLOW: f64 = 0.02;
pub(super) const EXPERTS: usize = RATES.len();
/// The first that has a season, the one whose errors teach it, and the one that smooths it.
const SEASONAL: usize = 3;
pub(super) const TEACHER: usize = 5;
pub(super) const SMOOTHED: usize = 6;

/// The season's part in the next value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) mean: f64,
    /// From the neighbours too, where the season is long enough.
    pub(super) smooth: Option<f64>,
}

impl Part {
    pub(super) fn of(profile: &Profile, step: u64) -> Self {
        Self {
            mean: profile.mean(step),
            smooth: profile.smooth(step),
        }
    }
}
/// Weight of the newest error in an expert's mean error.
const LOSS_RATE: f64 = 1.0 / 128.0;
/// Errors are cut at so many scales.
const CUT: f64 = 3.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Experts {
    pub(super) levels: [f64; EXPERTS],
    pub(super) losses: [f64; EXPERTS],
    pub(super) count: u64,
}

impl Experts {
    pub(super) fn new() -> Self {
        Self {
            levels: [0.0; EXPERTS],
            losses: [0.0; EXPERTS],
            count: 0,
        }
    }

    /// Experts stored before there was one with a smoothed season: it starts like the one that it is smoothed from.
    pub(super) fn without_smoothed(count: u64, levels: [f64; SMOOTHED], losses: [f64; SMOOTHED]) -> Self {
        let mut new = Self::new();
        new.count = count;
        for (all, stored) in [(&mut new.levels, levels), (&mut new.losses, losses)] {
            all[..SMOOTHED].copy_from_slice(&stored);
            all[SMOOTHED] = stored[TEACHER];
        }
        new
    }

    /// The forecast, with `seasonal` the season's part of the next value where there is a season. An expert weighs as much as
    /// its mean error is small, to the 24th power: half as good is out, a hundredth worse still has a say.
    pub(super) fn forecast(&self, seasonal: Option<Part>) -> f64 {
        let used = match seasonal {
            Some(Part { smooth: Some(_), .. }) => EXPERTS,
            Some(_) => SMOOTHED,
            None => SEASONAL,
        };
        let losses = self.losses.iter().take(used);
        let best = losses.clone().copied().fold(f64::INFINITY, f64::min);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, (loss, level)) in losses.zip(&self.levels).enumerate() {
            let weight = if *loss > best {
                let square = (best / loss) * (best / loss);
                let eighth = (square * square) * (square * square);
                eighth * eighth * eighth
            } else {
                1.0
            };
            sum += weight * (level + part(i, seasonal));
            weights += weight;
        }
        sum / weights
    }

    /// The error of the slowest seasonal expert: what the profile learns from.
    pub(super) fn seasonal_error(&self, value: f64, seasonal: f64) -> f64 {
        value - seasonal - self.levels[TEACHER]
    }

    /// Takes the value, with `sigma` its usual deviation.
    pub(super) fn learn(&mut self, value: f64, seasonal: Option<Part>, sigma: f64) {
        let known = self.count;
        self.count = known.saturating_add(1);
        let cut = if sigma > 0.0 { CUT * sigma } else { f64::INFINITY };
        for (i, (level, loss)) in self.levels.iter_mut().zip(&mut self.losses).enumerate() {
            let error = value - part(i, seasonal) - *level;
            let rate = RATES[i];
            if rate == 1.0 {
                *level += error;
            } else {
                *level += rate.max(1.0 / self.count as f64) * error.clamp(-cut, cut);
            }
            if known > 0 {
                *loss += LOSS_RATE.max(1.0 / known as f64) * (error.abs().min(cut) - *loss);
            }
        }
    }

    /// A season has been found that leaves errors of a mean `size`: its experts start from what is known without.
    pub(super) fn start_season(&mut self, seasonal: f64, last: f64, size: f64) {
        let slow = self.levels[SEASONAL - 1];
        for (i, rate) in RATES.into_iter().enumerate().skip(SEASONAL) {
            let without = self.losses[(i - SEASONAL).min(SEASONAL - 1)];
            self.levels[i] = if rate == 1.0 { last - seasonal } else { slow };
            self.losses[i] = if size > 0.0 { size.min(without) } else { without };
        }
    }
}

/// The season's part in what expert `i` forecasts.
fn part(i: usize, seasonal: Option<Part>) -> f64 {
    match seasonal {
        Some(part) if i == SMOOTHED => part.smooth.unwrap_or(part.mean),
        Some(part) if i >= SEASONAL => part.mean,
        _ => 0.0,
    }
}
