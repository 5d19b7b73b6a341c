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
/// Alarms that are remembered.
pub(super) const ALARMS: usize = 16;
/// Values before the first score.
const WARM_UP: u64 = 30;
/// Statistics whose rarity is judged: the deviation, its drift, its spread.
const STATISTICS: usize = 3;
/// A series at rest is taken to move by this share of its size.
const ROUNDING: f64 = 1e-9;
/// The usual deviation is at least this share of the whole scatter of the values.
const LEAST_SHARE: f64 = 0.01;
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
    low: f64,
    high: f64,
    alarms: Vec<(u64, f64)>,
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
            return Err(Error::DetectorSeason { steps: steps as i64 });
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
            low: 0.0,
            high: 0.0,
            alarms: Vec::new(),
        })
    }

    /// What it was asked for.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Values seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether too little has been seen to judge the next value.
    pub fn is_warming_up(&self) -> bool {
        self.seen < WARM_UP
    }

    /// Steps in the season that is known, 1 for none.
    pub fn season(&self) -> usize {
        self.profile.as_ref().map_or(1, |profile| profile.season)
    }

    /// The usual distance between points, in microseconds.
    pub fn step(&self) -> Option<i64> {
        Some(self.clock.step).filter(|step| *step > 0)
    }

    /// The latest time seen, in microseconds.
    pub fn last(&self) -> Option<i64> {
        self.clock.last
    }

    /// A slow mean of the values; `None` before the first.
    pub fn level(&self) -> Option<f64> {
        (self.seen > 0).then_some(self.mean)
    }

    /// The usual distance of a value from its expectation, as a standard deviation; `None` before the second value.
    pub fn deviation(&self) -> Option<f64> {
        (self.seen > 1).then_some(MEAN_TO_SIGMA * self.scale)
    }

    fn numbers(&self) -> [f64; 8] {
        [
            self.scale,
            self.mean,
            self.scatter,
            self.drift,
            self.spread,
            self.reference,
            self.low,
            self.high,
        ]
    }

    fn set_numbers(&mut self, numbers: [f64; 8]) {
        [
            self.scale,
            self.mean,
            self.scatter,
            self.drift,
            self.spread,
            self.reference,
            self.low,
            self.high,
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
        let ra = 0.15_f64;
        let rv = 0.05_f64;
        self.drift += ra * (cut - self.drift);
        self.spread += rv * ((cut.abs() - 0.8) / 0.6 - self.spread);
        let drift = self.drift.abs() / (ra / (2.0 - ra)).sqrt();
        let spread = self.spread.abs() / (rv / (2.0 - rv)).sqrt();
        let s0 = self.rarities[0].surprise(size) - 0.2_f64;
        let s1 = self.rarities[1].surprise(drift) - 2.5_f64;
        let s2 = self.rarities[2].surprise(spread) - 2.5_f64;
        if self.seen <= 1 {
            self.low = value;
            self.high = value;
        }
        let range = self.high - self.low;
        let excess = (value - self.high).max(self.low - value);
        let s3 = if range > 0.0 && excess > 0.0 {
            (self.seen as f64).ln() + 8.0_f64 * excess / range - 2.5_f64
        } else {
            0.0
        };
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        let s3 = s3.min(30.0_f64);
        let mut surprise = s0.max(s1).max(s2).max(s3);
        let kind = if s0.max(s3) >= s1.max(s2) {
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
        if self.seen >= WARM_UP {
            let weight = 1.0;
            self.rarities[0].add(size.min(1e9_f64), weight);
            self.rarities[1].add(drift, weight);
            self.rarities[2].add(spread, weight);
        }
        let scale_cut = if self.seen < 20 {
            f64::INFINITY
        } else {
            4.0_f64 * usual
        };
        let rate = 0.0078_f64.max(1.0 / self.seen as f64);
        self.scale += rate * ((residual.abs() / place).min(scale_cut) - self.scale);
        // memory of alarms
        if surprise > 6.0_f64 && self.seen >= WARM_UP {
            let now = self.step;
            let fresh = self.alarms.last().is_none_or(|(at, _)| now - at > 5.0_f64 as u64);
            {
                let tol = 0.02_f64;
                let hits = |p: f64| {
                    (1..=4)
                        .filter(|j| {
                            let at = now as f64 - f64::from(*j) * p;
                            self.alarms
                                .iter()
                                .any(|(a, _)| (*a as f64 - at).abs() <= (tol * p).max(2.0))
                        })
                        .count()
                };
                let mut most = 0;
                for p in self.clock.calendar() {
                    if p >= 12 {
                        most = most.max(hits(p as f64));
                    }
                }
                for (a, _) in self.alarms.iter().rev().take(4) {
                    let p = (now - a) as f64;
                    if p >= 12.0 {
                        most = most.max(hits(p));
                    }
                }
                if most >= 2.0_f64 as usize {
                    surprise = surprise.min(3.0_f64);
                }
            }
            if fresh {
                self.alarms.push((now, surprise));
                if self.alarms.len() > ALARMS {
                    self.alarms.remove(0);
                }
            }
        }
        // event memory
        let damped = if surprise > 2.0_f64 * self.reference + 1.0_f64 {
            surprise
        } else {
            (surprise * 0.5_f64).min(4.0_f64)
        };
        self.reference *= 1.0 - 1.0 / 100.0_f64;
        if surprise > 6.5_f64 && self.seen >= WARM_UP {
            self.reference = self.reference.max(surprise);
        }
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
