//! From how far a value is off to how rare that is in this series.

use crate::Direction;
use crate::robust::{quantile, scale};
use kpi_forecast::optimize::simplex::minimize;
use statrs::distribution::{ContinuousCDF, Normal};

/// Share of the deviations that the tail is fitted to.
const TAIL: f64 = 0.1;
/// Share at the very end whose number counts but not their sizes: there the anomalies are.
const CENSORED: f64 = 0.012;
/// Fewer deviations than this do not show their own tail.
const FEW: usize = 50;
/// Deviations that are looked at: these many, spread over the series.
const SAMPLE: usize = 100_000;
/// Excesses that the fit looks at, and deviations that the inner nine tenths are kept as.
const EXCESSES: usize = 200;
const BODY: usize = 18;
/// A deviation rarer than this share of one in the series is an anomaly, and does not shape the tail.
const CLEAR: f64 = 0.02;
/// The prior of the tail, from which few excesses cannot move it far. What the inner values say of the outer ones: mean and slope of the
/// logarithm of the tail's scale (in robust standard deviations) and of its shape, by how much further out the outer twentieth starts,
/// relative to the median, than in a normal distribution. Chosen so that the normal distribution, the Laplace distribution and Student's t
/// with 5 degrees of freedom are near their own tails; the last number is the standard deviation.
const LOG_SCALE: [f64; 3] = [-0.777, 1.9, 0.15];
const SHAPE: [f64; 3] = [-0.12, 1.25, 0.08];
/// The shape does not rise further from there on, and the scale on one side starts further in.
const HEAVIEST: f64 = 0.15;
const LIGHTEST: f64 = -0.1;
/// By how much it falls again: inner values that wide are those of an exponential tail.
const EXPONENTIAL: f64 = 0.3;
/// Standard deviations of a prior that says little.
const WEAK: (f64, f64) = (0.5, 0.25);
const ONE_SIDED: f64 = 0.13;
/// Logarithm of the ratio of these two quantiles of a normal distribution.
const NORMAL_RATIO: f64 = 1.067;
/// Below this probability a tail that would end goes on exponentially.
const FAR: f64 = 1e-4;
/// Where the outer tenth of a normal distribution starts, and its mean excess where the tail is not known.
const NORMAL_START: f64 = 1.6449;
const UNKNOWN_EXCESS: f64 = 0.7;

/// The distribution of the deviations of one series.
///
/// The inner nine tenths are as they are. The outer tenth is a generalised Pareto distribution (peaks over threshold; Pickands
/// 1975, *Annals of Statistics* 3:119-131; Siffer, Fouque, Termier & Largouet 2017, *KDD*), fitted by likelihood with a prior from the inner values.
/// The largest 1.2% are censored, and what is rarer than one value in fifty such series is left out, so that anomalies do not hide
/// themselves. Below 50 deviations it is a normal distribution with an exponential tail.
///
/// ```
/// use kpi_anomaly::{Direction, calibration::Calibration};
/// let mut random = kpi_forecast::random::Random::new(1);
/// let deviations: Vec<f64> = (0..2000).map(|_| random.normal()).collect();
/// let calibration = Calibration::of(&deviations, Direction::Both);
/// assert!((calibration.reach(0.001) - 3.29).abs() < 0.35); // the quantile of the normal distribution
/// assert!((calibration.probability(calibration.reach(0.001)) - 0.001).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    direction: Direction,
    /// Deviations that are exceeded by 0.95, 0.90, ... 0.10 of all; empty below [`FEW`].
    body: Vec<f64>,
    /// Robust standard deviation of the deviations.
    unit: f64,
    start: f64,
    spread: f64,
    shape: f64,
    /// Where the tail goes on exponentially, and its mean excess there.
    far: f64,
    far_spread: f64,
}

impl Calibration {
    /// The distribution of these deviations (positive above); those that are not finite are left out.
    pub fn of(deviations: &[f64], direction: Direction) -> Self {
        Self::fitted(deviations, direction, true)
    }

    /// The distribution of what is unusual where it is large, and which need not be like noise: scores that end somewhere, distances. The
    /// outer tenth shapes its own tail, with little of a prior.
    pub fn of_rarity(deviations: &[f64]) -> Self {
        Self::fitted(deviations, Direction::Up, false)
    }

    fn fitted(deviations: &[f64], direction: Direction, is_noise: bool) -> Self {
        let stride = deviations.len() as f64 / SAMPLE as f64;
        let mut own: Vec<f64> = if stride <= 1.0 {
            deviations.iter().copied().filter(|d| d.is_finite()).collect()
        } else {
            // Places that no season meets: the fractions of multiples of the golden ratio.
            (0..SAMPLE)
                .map(|k| ((k as f64 + (k as f64 * 0.618_033_988_749_895).fract()) * stride) as usize)
                .filter_map(|t| deviations.get(t).copied())
                .filter(|d| d.is_finite())
                .collect()
        };
        let mut sizes: Vec<f64> = own.iter().map(|d| d.abs()).collect();
        let unit = scale(&mut sizes);
        let middle = quantile(&mut sizes, 0.5).unwrap_or(0.0);
        let outer = quantile(&mut sizes, 0.95).unwrap_or(0.0);
        for d in &mut own {
            *d = size(*d, direction);
        }
        let share = if direction == Direction::Both { 1.0 } else { 0.5 };
        let unknown = Self {
            direction,
            body: Vec::new(),
            unit,
            start: NORMAL_START * unit,
            spread: UNKNOWN_EXCESS * unit,
            shape: 0.0,
            far: f64::INFINITY,
            far_spread: UNKNOWN_EXCESS * unit,
        };
        let top = quantile(&mut own, 1.0 - TAIL).unwrap_or(0.0);
        if own.len() < FEW || unit <= 0.0 || top < 0.5 * unit * share {
            return unknown;
        }
        own.sort_unstable_by(f64::total_cmp);
        let own = without_clear(&own, unit);
        let n = own.len();
        let at = |share: f64| own[((n as f64 * share) as usize).min(n - 1)];
        let start = at(1.0 - TAIL);
        let ratio = if middle > 0.0 {
            (outer / middle).ln() - NORMAL_RATIO
        } else {
            0.0
        };
        let prior = if is_noise {
            let side = if direction == Direction::Both {
                0.0
            } else {
                ONE_SIDED
            };
            let falling = EXPONENTIAL * (ratio - HEAVIEST).clamp(0.0, 0.5);
            Prior {
                log_scale: LOG_SCALE[0] + LOG_SCALE[1] * ratio.clamp(LIGHTEST, 1.0) + side,
                shape: SHAPE[0] + SHAPE[1] * ratio.clamp(LIGHTEST, HEAVIEST) - falling,
                deviations: (LOG_SCALE[2], SHAPE[2]),
            }
        } else {
            let excess = (at(1.0 - TAIL / 2.0) - start) / std::f64::consts::LN_2;
            Prior {
                log_scale: (excess / unit).max(1e-3).ln(),
                shape: 0.0,
                deviations: WEAK,
            }
        };
        let (spread, shape) = fit(own, start, unit, &prior);
        let reach_of = |p: f64| start + excess(p / TAIL, spread, shape);
        let far = if shape < 0.0 { reach_of(FAR) } else { f64::INFINITY };
        Self {
            body: (1..=BODY).map(|k| at(k as f64 * 0.05)).collect(),
            start,
            spread,
            shape,
            far,
            far_spread: if shape < 0.0 {
                spread + shape * (far - start)
            } else {
                spread
            },
            ..unknown
        }
    }

    /// Probability that a deviation is at least this far on the side that counts; 1 on the other side.
    pub fn probability(&self, deviation: f64) -> f64 {
        let size = size(deviation, self.direction);
        if size <= 0.0 {
            return 1.0;
        }
        if self.body.is_empty() {
            let sides = if self.direction == Direction::Both {
                1.0
            } else {
                0.5
            };
            if self.unit <= 0.0 {
                return 0.0;
            }
            return sides
                * if size <= self.start {
                    2.0 * Normal::standard().sf(size / self.unit)
                } else {
                    TAIL * (-(size - self.start) / self.spread).exp()
                };
        }
        if size >= self.start {
            return if size > self.far {
                FAR * (-(size - self.far) / self.far_spread).exp()
            } else {
                TAIL * survival(size - self.start, self.spread, self.shape)
            };
        }
        let above = self.body.partition_point(|knot| *knot <= size);
        let knot = |k: usize| match k.checked_sub(1) {
            None => (0.0, 1.0),
            Some(k) => (
                self.body.get(k).copied().unwrap_or(self.start),
                0.95 - 0.05 * k as f64,
            ),
        };
        let ((low, more), (high, less)) = (knot(above), knot(above + 1));
        if high <= low {
            return less;
        }
        more + (less - more) * (size - low) / (high - low)
    }

    /// The deviation that is reached with this probability: the inverse of [`probability`](Self::probability).
    pub fn reach(&self, probability: f64) -> f64 {
        if self.body.is_empty() {
            let sides = if self.direction == Direction::Both {
                1.0
            } else {
                0.5
            };
            let both = (probability / sides).min(1.0);
            return if both >= TAIL {
                Normal::standard().inverse_cdf(1.0 - both / 2.0) * self.unit
            } else {
                self.start + self.spread * (TAIL / both).ln()
            };
        }
        if probability <= TAIL {
            return if probability < FAR && self.far.is_finite() {
                self.far + self.far_spread * (FAR / probability).ln()
            } else {
                self.start + excess(probability / TAIL, self.spread, self.shape)
            };
        }
        let place = (1.0 - probability) / 0.05;
        let low = place.floor().max(0.0);
        let knot = |k: usize| match k {
            0 => 0.0,
            k => self.body.get(k - 1).copied().unwrap_or(self.start),
        };
        let (from, to) = (knot(low as usize), knot(low as usize + 1));
        from + (to - from) * (place - low)
    }
}

/// How far a deviation is on the side that counts.
fn size(deviation: f64, direction: Direction) -> f64 {
    match direction {
        Direction::Both => deviation.abs(),
        Direction::Up => deviation.max(0.0),
        Direction::Down => (-deviation).max(0.0),
    }
}

/// The sizes, in order, without those that are clearly anomalies by an exponential tail through the outer tenth and twentieth.
fn without_clear(sorted: &[f64], unit: f64) -> &[f64] {
    let mut own = sorted;
    for _ in 0..4 {
        let n = own.len();
        let (start, middle) = (own[n * 9 / 10], own[n * 19 / 20]);
        let spread = ((middle - start) / std::f64::consts::LN_2).max(0.4 * unit);
        let limit = start + spread * (TAIL * n as f64 / CLEAR).ln();
        let kept = own.partition_point(|size| *size <= limit);
        if kept == n {
            break;
        }
        own = &own[..kept];
    }
    own
}

/// What a tail is taken to be like before its excesses are looked at.
struct Prior {
    log_scale: f64,
    shape: f64,
    /// Standard deviations of both.
    deviations: (f64, f64),
}

/// Scale and shape of the excesses over `start`, in the unit of the sizes.
fn fit(sorted: &[f64], start: f64, unit: f64, usual: &Prior) -> (f64, f64) {
    let n = sorted.len();
    let from = sorted.partition_point(|size| *size <= start);
    let censored = ((n as f64 * CENSORED).ceil() as usize).min(n - from);
    let seen = &sorted[from..n - censored];
    let bound = sorted.get(n - censored).map_or(0.0, |size| (size - start) / unit);
    // At most so many of them, each for as many as it stands for.
    let bins = seen.len().min(EXCESSES);
    let weight = seen.len() as f64 / bins.max(1) as f64;
    let excesses: Vec<f64> = (0..bins)
        .map(|k| (seen[((k as f64 + 0.5) * weight) as usize] - start) / unit)
        .collect();
    let against = |at: &[f64]| {
        let (log_spread, shape) = (at[0], at[1]);
        let spread = log_spread.exp();
        let mut sum = 0.0;
        for y in &excesses {
            let inner = 1.0 + shape * y / spread;
            if inner <= 0.0 {
                return Ok(f64::INFINITY);
            }
            sum += log_spread
                + if shape.abs() < 1e-6 {
                    y / spread
                } else {
                    (1.0 + 1.0 / shape) * inner.ln()
                };
        }
        let last = survival(bound, spread, shape);
        let prior = ((log_spread - usual.log_scale) / usual.deviations.0).powi(2)
            + ((shape - usual.shape) / usual.deviations.1).powi(2);
        Ok(weight * sum - censored as f64 * last.max(f64::MIN_POSITIVE).ln() + prior / 2.0)
    };
    let found = minimize(&[usual.log_scale, usual.shape], &[0.3, 0.1], 1e-6, 200, against);
    match found.map(|minimum| minimum.at) {
        Ok(at) if at.iter().all(|x| x.is_finite()) => (at[0].exp() * unit, at[1].clamp(-0.5, 0.9)),
        _ => (usual.log_scale.exp() * unit, usual.shape),
    }
}

/// Probability that an excess is at least this large.
fn survival(excess: f64, spread: f64, shape: f64) -> f64 {
    if shape.abs() < 1e-6 {
        (-excess / spread).exp()
    } else {
        (1.0 + shape * excess / spread).max(0.0).powf(-1.0 / shape)
    }
}

/// The excess that is reached with this probability.
fn excess(probability: f64, spread: f64, shape: f64) -> f64 {
    if shape.abs() < 1e-6 {
        -spread * probability.ln()
    } else {
        spread / shape * (probability.powf(-shape) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_forecast::random::Random;
    use proptest::prelude::*;

    fn student(random: &mut Random) -> f64 {
        let chi: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
        random.normal() / (chi / 5.0).sqrt()
    }

    fn laplace(random: &mut Random) -> f64 {
        let u = random.uniform() - 0.5;
        -u.signum() * (1.0 - 2.0 * u.abs()).max(f64::MIN_POSITIVE).ln()
    }

    #[test]
    fn the_tail_of_several_noises() {
        for (name, noise) in [
            ("normal", Random::normal as fn(&mut Random) -> f64),
            ("student", student),
            ("laplace", laplace),
        ] {
            for n in [400, 1500] {
                for direction in [Direction::Both, Direction::Up] {
                    for threshold in [0.2, 0.01, 0.001] {
                        let mut random = Random::new(7);
                        let mut alarms = 0;
                        for _ in 0..120_000 / n {
                            let deviations: Vec<f64> = (0..n).map(|_| noise(&mut random)).collect();
                            let calibration = Calibration::of(&deviations, direction);
                            let far = |d: &&f64| calibration.probability(**d) < threshold;
                            alarms += deviations.iter().filter(far).count();
                        }
                        let rate = alarms as f64 / 120_000.0 / threshold;
                        // With 400 values the outer tenth is 40, and a prior decides.
                        let within = if n < 1000 { 5.0 } else { 2.0 };
                        assert!(
                            (1.0 / within..within).contains(&rate),
                            "{name} {n} {direction:?} {threshold} {rate}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn anomalies_do_not_hide_themselves() {
        let mut random = Random::new(8);
        let mut values: Vec<f64> = (0..1000).map(|_| random.normal()).collect();
        values[..40].fill(12.0);
        let calibration = Calibration::of(&values, Direction::Both);
        assert!(calibration.reach(0.001) < 6.0, "{calibration:?}");
    }

    proptest! {
        #[test]
        fn probabilities_fall_and_reaches_are_their_inverse(
            deviations in prop::collection::vec(prop_oneof![-9.0..9.0_f64, Just(0.0), Just(2.0)], 0..300),
            a in 0.0..20.0_f64, b in 0.0..20.0_f64, p in 1e-6..0.99_f64,
        ) {
            for direction in [Direction::Both, Direction::Up, Direction::Down] {
                let c = Calibration::of(&deviations, direction);
                let (low, high) = (a.min(b), a.max(b));
                prop_assert!(c.probability(low) >= c.probability(high) - 1e-12);
                prop_assert!((0.0..=1.0).contains(&c.probability(low)) && c.reach(p) >= 0.0);
            }
        }
    }
}
