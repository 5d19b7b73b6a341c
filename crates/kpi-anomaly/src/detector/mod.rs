//! A detector that scores a stream point by point, in constant time and memory.
//!
//! Two layers, as in the anomaly likelihood of Lavin & Ahmad (2015, *Evaluating Real-time Anomaly Detection Algorithms*): how far
//! a value is from what cheap forecasts expect, and how rare that distance is among those that the same series had before.

mod alarms;
mod clock;
mod codec;
mod evidence;
mod experts;
mod observation;
mod rarity;
mod season;
#[cfg(test)]
mod tests;

pub use codec::MAX_BYTES;
pub use observation::Observation;

use alarms::Alarms;
use clock::Clock;
use evidence::Evidence;
use experts::{Experts, Part};
use season::{Profile, Search};

use crate::{DEFAULT_THRESHOLD, Direction, Error, Kind};

/// Longest season that can be asked for, in steps.
pub const MAX_SEASON: usize = 100_000;
/// Larger values are gaps: their differences would not fit the stored profile.
pub const LARGEST: f64 = 1e30;
/// Values before the first score.
const WARM_UP: u64 = 30;
/// Values of which none is an outlier yet.
const FIRST: u64 = 20;
/// Surprise of something that is not surprising at all.
const MEMORY_OF_NONE: f64 = 0.0;
/// Deviations larger than this differ in nothing that matters.
const MOST_DEVIATION: f64 = 1e6;
/// A series at rest is taken to move by this share of its size.
const ROUNDING: f64 = 1e-9;
/// The usual deviation is at least this share of the whole scatter of the values.
const LEAST_SHARE: f64 = 0.01;
/// ... and this share of the mean residual where it is not cut: 1% of points that move, or of noise that is ten times as wide, are
/// compared among each other.
const LEAST_SHARE_OF_MOVES: f64 = 0.1;
/// Weight of the newest residual in the usual one, and of the newest value in level and scatter.
const SCALE_RATE: f64 = 1.0 / 256.0;
const LEVEL_RATE: f64 = 1.0 / 1024.0;
/// Times the mean absolute deviation of a normal distribution gives its standard deviation.
const MEAN_TO_SIGMA: f64 = 1.2533;
/// Residuals are cut at so many usual sizes before anything is learnt from them.
const CUT: f64 = 4.0;
/// Values, and moves, are cut at so many scatters: a single one adds a tenth to them at most, and they do not vanish where only one
/// value in a hundred moves.
const CUT_OF_VALUES: f64 = 100.0;

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
///
/// ```
/// use kpi_anomaly::{Detector, Kind, Settings};
/// let mut detector = Detector::new(Settings::default()).unwrap();
/// for minute in 0..200 {
///     assert!(!detector.observe(minute * 60_000_000, (minute * 7 % 11) as f64).is_anomaly);
/// }
/// let seen = detector.observe(200 * 60_000_000, 40.0);
/// assert_eq!(seen.kind, Some(Kind::Spike));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    settings: Settings,
    clock: Clock,
    /// Steps since the start, those that were left out included.
    step: u64,
    /// Values seen.
    seen: u64,
    experts: Experts,
    /// Mean size of the residuals.
    scale: f64,
    /// Mean of the values, and of their distances from it.
    level: f64,
    scatter: f64,
    /// Mean size of the residuals, rare large ones included.
    moves: f64,
    search: Search,
    profile: Option<Profile>,
    evidence: Evidence,
    alarms: Alarms,
    /// Usual deviations that a value is an anomaly beyond, by itself.
    reach: f64,
}

/// Values from which the profile of a season that is given is made: three seasons, or two where three are more than is kept; `None`
/// where not even two are.
fn history_of(season: usize) -> Option<usize> {
    [3, 2]
        .map(|seasons| season.saturating_mul(seasons))
        .into_iter()
        .find(|values| *values <= season::HISTORY)
}

impl Detector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Threshold`] and [`Error::DetectorSeason`] for settings out of range.
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
        let evidence = Evidence::new();
        Ok(Self {
            reach: evidence.rarities[0].reach(settings.threshold),
            settings,
            clock: Clock::default(),
            step: 0,
            seen: 0,
            experts: Experts::new(),
            scale: 0.0,
            level: 0.0,
            scatter: 0.0,
            moves: 0.0,
            search: Search::new(),
            // A shorter one is learned from the history first: a profile that knows nothing would take every place for an anomaly.
            profile: season
                .filter(|steps| *steps > 1 && history_of(*steps).is_none())
                .map(Profile::new),
            evidence,
            alarms: Alarms::default(),
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
        (self.seen > 0).then_some(self.level)
    }

    /// The usual distance of a value from its expectation, as a standard deviation; `None` before the second value.
    pub fn deviation(&self) -> Option<f64> {
        (self.seen > 1).then_some(MEAN_TO_SIGMA * self.scale)
    }

    /// Scores the next point, at `ts` microseconds since any moment, and learns from it. A value that is not finite, or beyond
    /// [`LARGEST`], is a gap. A time that is not later than the last one leaves the clock where it is.
    pub fn observe(&mut self, ts: i64, value: f64) -> Observation {
        let steps = self.clock.advance(ts);
        self.step = self.step.saturating_add(steps);
        let mut observation = Observation {
            expected: None,
            lower: None,
            upper: None,
            score: None,
            is_anomaly: false,
            kind: None,
            warming_up: self.is_warming_up(),
            deviation: None,
            season: self.season(),
        };
        if value.is_nan() || value.abs() > LARGEST {
            return observation;
        }
        let seasonal = self.profile.as_ref().map(|profile| Part::of(profile, self.step));
        if self.seen > 0 {
            self.judge(value, seasonal, &mut observation);
        }
        self.seen = self.seen.saturating_add(1);
        self.learn(value, seasonal, steps);
        observation
    }

    /// The usual distance from an expected value, as a standard deviation. A series that mostly rests, or whose season repeats to
    /// the digit, would have none: then every movement were as far out as any other. It is at least a share of what such movements
    /// have been, of the scatter of the values, and of what rounding leaves.
    fn usual(&self, expected: f64) -> f64 {
        (MEAN_TO_SIGMA * self.scale)
            .max(LEAST_SHARE_OF_MOVES * self.moves)
            .max(LEAST_SHARE * self.scatter)
            .max(ROUNDING * expected.abs())
            .max(f64::MIN_POSITIVE)
    }

    fn judge(&mut self, value: f64, seasonal: Option<Part>, observation: &mut Observation) {
        let expected = self.experts.forecast(seasonal);
        let residual = value - expected;
        let place = self
            .profile
            .as_ref()
            .map_or(1.0, |profile| profile.size(self.step));
        let usual = self.usual(expected);
        let sigma = usual * place;
        let deviation = (residual / sigma).clamp(-MOST_DEVIATION, MOST_DEVIATION);
        let reach = self.reach * sigma;
        let (mut surprise, kind) = self.evidence.weigh(value, deviation, self.seen);
        if self.evidence.rarities[0].is_refitted() {
            self.reach = self.evidence.rarities[0].reach(self.settings.threshold);
        }
        let side = match kind {
            Kind::LevelShift => self.evidence.drift,
            _ => deviation,
        };
        if kind != Kind::VarianceChange && !self.settings.direction.takes(side) {
            surprise = MEMORY_OF_NONE;
        }
        let size = if self.seen < FIRST {
            residual.abs() / place
        } else {
            (residual.abs() / place).min(CUT * usual)
        };
        let move_cut = if self.seen < FIRST {
            f64::INFINITY
        } else {
            CUT_OF_VALUES * self.moves.max(usual)
        };
        let move_rate = LEVEL_RATE.max(1.0 / self.seen as f64);
        self.moves += move_rate * (residual.abs().min(move_cut) - self.moves);
        self.scale += SCALE_RATE.max(1.0 / self.seen as f64) * (size - self.scale);
        observation.expected = Some(expected);
        observation.lower = Some(expected - reach);
        observation.upper = Some(expected + reach);
        observation.deviation = Some(deviation);
        if !observation.warming_up {
            let alarm = -self.settings.threshold.ln();
            let calendar = self.clock.calendar();
            let left = self.alarms.hear(surprise, alarm, self.step, calendar);
            let score = 1.0 - (-left).exp();
            observation.score = Some(score);
            observation.is_anomaly = score >= 1.0 - self.settings.threshold;
            observation.kind = observation.is_anomaly.then_some(kind);
        }
    }

    fn learn(&mut self, value: f64, seasonal: Option<Part>, steps: u64) {
        let sigma = if self.seen > 1 { self.usual(value) } else { 0.0 };
        let is_first = self.seen <= FIRST;
        if let (Some(part), Some(profile)) = (seasonal, self.profile.as_mut()) {
            let error = self.experts.seasonal_error(value, part.mean);
            let cut = if is_first || sigma <= 0.0 {
                f64::INFINITY
            } else {
                CUT * sigma
            };
            let ratio = if self.scale > 0.0 {
                (error.abs() / self.scale).min(CUT)
            } else {
                1.0
            };
            profile.learn(self.step, error.clamp(-cut, cut), ratio);
        }
        self.experts.learn(value, seasonal, sigma);
        let cut = if is_first {
            f64::INFINITY
        } else {
            // From rest it grows as fast as a series does that moves from now on, and not by a single wild value.
            CUT_OF_VALUES * self.scatter.max(ROUNDING * value.abs().max(self.level.abs()))
        };
        let rate = (1.0 / self.seen as f64).max(LEVEL_RATE);
        let off = (value - self.level).clamp(-cut, cut);
        self.level += rate * off;
        if self.seen > 1 {
            self.scatter += rate * (off.abs() - self.scatter);
        }
        let given = self.settings.season;
        let looking = match given {
            None => true,
            Some(season) => season > 1 && self.profile.is_none(),
        };
        if looking && steps > 0 {
            for _ in 1..steps.min(season::HISTORY as u64) {
                self.search.push(f64::NAN);
            }
            let is_time = self.search.push(value);
            match given {
                None if is_time => self.find_season(value),
                Some(season)
                    if history_of(season).is_some_and(|values| self.search.values.len() >= values) =>
                {
                    self.start_season(season, value);
                    self.search = Search::new();
                }
                _ => {}
            }
        }
    }

    /// Looks for a season, and starts anew with its profile when it is another one than before.
    fn find_season(&mut self, last: f64) {
        if let Some(season) = self
            .search
            .look(&self.clock)
            .filter(|season| *season != self.season())
        {
            self.start_season(season, last);
        }
    }

    fn start_season(&mut self, season: usize, last: f64) {
        let (profile, size) = self.search.profile(season, self.step);
        // What is left beside a season is less than what was left without.
        if size > 0.0 {
            self.scale = self.scale.min(size);
        }
        self.experts.start_season(profile.mean(self.step), last, size);
        self.profile = Some(profile);
    }
}
