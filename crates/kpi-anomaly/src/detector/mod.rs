//! A detector that scores a stream point by point, in constant time and memory.

mod clock;
mod codec;
mod experts;
mod observation;
mod rarity;
mod season;

pub use observation::Observation;

use clock::Clock;
use experts::Experts;
use rarity::Rarity;
use season::{Profile, Search};

use crate::{DEFAULT_THRESHOLD, Direction, Error, Kind};

/// Longest season that can be asked for, in steps.
pub const MAX_SEASON: usize = 100_000;
/// Values before the first score.
const WARM_UP: u64 = 30;
/// Statistics whose rarity is judged: the deviation, its drift, its spread.
const STATISTICS: usize = 3;
/// A series at rest is taken to move by this share of its size.
const ROUNDING: f64 = 1e-9;
/// The usual deviation is at least this share of the whole scatter of the values.
const LEAST_SHARE: f64 = 0.01;
const SCALE_RATE: f64 = 1.0 / 128.0;
const MEAN_TO_SIGMA: f64 = 1.2533;

/// How a detector judges.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Probability of a false alarm per point, between 0 and 1.
    pub threshold: f64,
    /// The side on which values may be anomalies.
    pub direction: Direction,
    /// Steps in the season, 1 for none; `None` when it is to be found.
    pub season: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: DEFAULT_THRESHOLD,
            direction: Direction::Both,
            season: None,
        }
    }
}

/// Scores the points of a stream as they come.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    settings: Settings,
    clock: Clock,
    step: u64,
    seen: u64,
    experts: Experts,
    scale: f64,
    mean: f64,
    scatter: f64,
    search: Search,
    profile: Option<Profile>,
    drift: f64,
    spread: f64,
    rarities: [Rarity; STATISTICS],
    reference: f64,
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if !(settings.threshold > 0.0 && settings.threshold < 1.0) {
            return Err(Error::Threshold {
                threshold: settings.threshold,
            });
        }
        let season = settings.season;
        if let Some(steps) = season.filter(|steps| *steps == 0 || *steps > MAX_SEASON) {
            return Err(Error::Season { steps: steps as i64 });
        }
        Ok(Self {
            settings,
            clock: Clock::default(),
            step: 0,
            seen: 0,
            experts: Experts::new(),
            scale: 0.0,
            mean: 0.0,
            scatter: 0.0,
            search: Search::new(),
            profile: season.filter(|m| *m > 1).map(Profile::new),
            drift: 0.0,
            spread: 0.0,
            rarities: [Rarity::new(), Rarity::new(), Rarity::new()],
            reference: 0.0,
        })
    }

    /// What it was asked for.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn numbers(&self) -> [f64; 6] {
        [
            self.scale,
            self.mean,
            self.scatter,
            self.drift,
            self.spread,
            self.reference,
        ]
    }

    fn set_numbers(&mut self, numbers: [f64; 6]) {
        [
            self.scale,
            self.mean,
            self.scatter,
            self.drift,
            self.spread,
            self.reference,
        ] = numbers;
    }

    /// Takes the next point.
    pub fn observe(&mut self, ts: i64, value: f64) -> Observation {
        let steps = self.clock.advance(ts);
        self.step = self.step.wrapping_add(steps);
        let nothing = Observation {
            expected: None,
            lower: None,
            upper: None,
            score: None,
            is_anomaly: false,
            kind: None,
            warming_up: self.seen < WARM_UP,
            deviation: None,
            season: 1,
        };
        if !value.is_finite() {
            return nothing;
        }
        let seasonal = self.profile.as_ref().map(|p| p.mean(self.step));
        let observation = if self.seen > 0 {
            self.judge(value, seasonal)
        } else {
            nothing
        };
        self.seen += 1;
        self.learn(value, seasonal, steps);
        observation
    }

    fn judge(&mut self, value: f64, seasonal: Option<f64>) -> Observation {
        let expected = self.experts.forecast(seasonal);
        let residual = value - expected;
        let place = self.profile.as_ref().map_or(1.0, |p| p.size(self.step));
        let floor = (LEAST_SHARE * self.scatter)
            .max(ROUNDING * expected.abs())
            .max(f64::MIN_POSITIVE);
        let usual = (MEAN_TO_SIGMA * self.scale).max(floor);
        let sigma = usual * place;
        let deviation = residual / sigma;
        let size = deviation.abs();
        let cut = deviation.clamp(-3.0, 3.0);
        let ra = 0.15;
        let rv = 0.05;
        self.drift += ra * (cut - self.drift);
        self.spread += rv * ((cut.abs() - 0.8) / 0.6 - self.spread);
        let drift = self.drift.abs() / (ra / (2.0 - ra)).sqrt();
        let spread = self.spread.abs() / (rv / (2.0 - rv)).sqrt();
        let s0 = self.rarities[0].surprise(size) - 0.1;
        let s1 = self.rarities[1].surprise(drift) - 3.0;
        let s2 = self.rarities[2].surprise(spread) - 3.0;
        let mut surprise = s0.max(s1).max(s2);
        let kind = if s0 >= s1 && s0 >= s2 {
            if deviation > 0.0 { Kind::Spike } else { Kind::Dip }
        } else if s1 >= s2 {
            Kind::LevelShift
        } else {
            Kind::VarianceChange
        };
        let takes = match kind {
            Kind::LevelShift => self.settings.direction.takes(self.drift),
            Kind::VarianceChange => true,
            _ => self.settings.direction.takes(deviation),
        };
        if !takes {
            surprise = 0.0;
        }
        let weight = 1.0;
        if self.seen >= WARM_UP {
            self.rarities[0].add(size, weight);
            self.rarities[1].add(drift, weight);
            self.rarities[2].add(spread, weight);
        }
        let scale_cut = if self.seen < 20 {
            f64::INFINITY
        } else {
            4.0 * usual
        };
        let rate = SCALE_RATE.max(1.0 / self.seen as f64);
        self.scale += rate * ((residual.abs() / place).min(scale_cut) - self.scale);
        // event memory
        let damped = if surprise > self.reference + 1.0 {
            surprise
        } else {
            (surprise * 0.5).min(5.0)
        };
        self.reference = (self.reference * (1.0 - 1.0 / 100.0)).max(surprise);
        let score = 1.0 - (-damped.max(0.0)).exp();
        let warming_up = self.seen < WARM_UP;
        let alarm = -self.settings.threshold.ln();
        let reach = self.rarities[0].size_at(alarm) * sigma;
        let is_anomaly = !warming_up && score >= 1.0 - self.settings.threshold;
        Observation {
            expected: Some(expected),
            lower: Some(expected - reach),
            upper: Some(expected + reach),
            score: (!warming_up).then_some(score),
            is_anomaly,
            kind: is_anomaly.then_some(kind),
            warming_up,
            deviation: Some(deviation),
            season: self.profile.as_ref().map_or(1, |p| p.season),
        }
    }

    fn learn(&mut self, value: f64, seasonal: Option<f64>, steps: u64) {
        let sigma = MEAN_TO_SIGMA * self.scale;
        if let (Some(part), Some(profile)) = (seasonal, self.profile.as_mut()) {
            let error = self.experts.seasonal_error(value, part);
            let cut = if sigma > 0.0 && self.seen > 20 {
                error.clamp(-4.0 * sigma, 4.0 * sigma)
            } else {
                error
            };
            let ratio = if self.scale > 0.0 {
                (error.abs() / self.scale).min(4.0)
            } else {
                1.0
            };
            profile.learn(self.step, cut, ratio);
        }
        self.experts.learn(value, seasonal, sigma);
        let rate = (1.0 / self.seen as f64).max(1.0 / 1024.0);
        let off = value - self.mean;
        let cut = if self.seen > 20 {
            5.0 * self.scatter.max(self.scale)
        } else {
            f64::INFINITY
        };
        self.mean += rate * if cut > 0.0 { off.clamp(-cut, cut) } else { off };
        if self.seen > 1 {
            self.scatter +=
                rate * (off.abs().min(if cut > 0.0 { cut } else { f64::INFINITY }) - self.scatter);
        }
        if self.settings.season.is_none() && steps > 0 {
            for _ in 1..steps.min(season::HISTORY as u64) {
                self.look(f64::NAN);
            }
            if self.look(value) {
                self.start_season(value);
            }
        }
    }

    fn look(&mut self, value: f64) -> bool {
        self.search.push(value)
    }

    fn start_season(&mut self, last: f64) {
        let Some(season) = self.search.look(&self.clock) else {
            return;
        };
        if self.profile.as_ref().is_some_and(|p| p.season == season) {
            return;
        }
        let profile = self.search.profile(season, self.step);
        self.experts.start_season(profile.mean(self.step), last);
        self.profile = Some(profile);
    }
}
