//! Cheap forecasts of the next value, and their mean weighted by how well each has done.

/// Smoothing of the level: the last value, a fast and a slow mean; each with and without the season.
pub(super) const RATES: [f64; 3] = [1.0, 0.25, 0.04];
pub(super) const EXPERTS: usize = 2 * RATES.len();
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

    /// The forecast, with `seasonal` the season's part of the next value where there is a season.
    pub(super) fn forecast(&self, seasonal: Option<f64>) -> f64 {
        let used = if seasonal.is_some() { EXPERTS } else { RATES.len() };
        let best = self.losses[..used].iter().copied().fold(f64::INFINITY, f64::min);
        let (mut sum, mut weights) = (0.0, 0.0);
        for i in 0..used {
            let ratio = if best > 0.0 {
                best / self.losses[i]
            } else {
                f64::from(u8::from(self.losses[i] == 0.0))
            };
            let weight = ratio.powf(24.0_f64);
            let part = if i < RATES.len() {
                0.0
            } else {
                seasonal.unwrap_or(0.0)
            };
            sum += weight * (self.levels[i] + part);
            weights += weight;
        }
        sum / weights
    }

    /// The error of the slowest seasonal expert: what the profile learns from.
    pub(super) fn seasonal_error(&self, value: f64, seasonal: f64) -> f64 {
        value - seasonal - self.levels[EXPERTS - 1]
    }

    pub(super) fn learn(&mut self, value: f64, seasonal: Option<f64>, scale: f64) {
        self.count += 1;
        let start = 1.0 / self.count as f64;
        let cut = if scale > 0.0 { CUT * scale } else { f64::INFINITY };
        for i in 0..EXPERTS {
            let part = if i < RATES.len() {
                0.0
            } else {
                seasonal.unwrap_or(0.0)
            };
            let error = value - part - self.levels[i];
            let rate = if i % 3 == 2 {
                0.02_f64
            } else {
                RATES[i % RATES.len()]
            };
            if rate == 1.0 {
                self.levels[i] = value - part;
            } else {
                self.levels[i] += rate.max(start) * error.clamp(-cut, cut);
            }
            if self.count > 1 {
                let size = error.abs().min(cut);
                self.losses[i] += 0.0078_f64.max(1.0 / (self.count - 1) as f64) * (size - self.losses[i]);
            }
        }
    }

    /// A season has been found: its experts start from what is known without.
    pub(super) fn start_season(&mut self, seasonal: f64, last: f64) {
        for (i, rate) in RATES.into_iter().enumerate() {
            self.levels[i + RATES.len()] = if rate == 1.0 {
                last - seasonal
            } else {
                self.levels[RATES.len() - 1]
            };
            self.losses[i + RATES.len()] = self.losses[i];
        }
    }
}
