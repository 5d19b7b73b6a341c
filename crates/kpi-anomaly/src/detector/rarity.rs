//! How rare a statistic is among those that the same series has had.

/// Bins per doubling.
const RESOLUTION: f64 = 8.0;
/// The lower end of the first bin is 2^-3.
const LOWEST: f64 = -3.0;
/// Twelve doublings.
pub(super) const BINS: usize = 96;
/// Points that the distribution supposed at first is worth.
const PRIOR: f64 = 60.0;
/// Rate of its exponential: the mean size of a standard normal deviation is 0.8.
const PRIOR_RATE: f64 = 1.25;
/// Points after which what was seen has lost 63% of its weight.
const MEMORY: f64 = 5000.0;
/// Share of the statistics in the tail.
const TAIL: f64 = 0.25;
/// The size of a normal deviation that this share reaches, on either side.
const NORMAL_TAIL: f64 = 1.150_349_4;
/// The outer part of the tail: as many points as say something, but between these shares.
const OUTER_POINTS: f64 = 20.0;
const OUTER: (f64, f64) = (0.004, 0.02);
/// Points between two fits of the tail.
const REFIT: u64 = 16;
/// The tail is that of a power of a normal deviation, from its fourth power to what is as good as bounded: uniform noise has 2 to 3.
const EXPONENTS: (f64, f64) = (0.25, 2.5);
/// A tail that is heavier than normal is heavier still further out: by this share of the excess of its power.
const CURVATURE: f64 = 0.25;
const MOST_POWER: f64 = 2.0;

/// A decaying histogram over the logarithm of the size, and a tail through two of its quantiles.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rarity {
    pub(super) bins: [f32; BINS],
    pub(super) total: f64,
    /// The weight of the newest point; it grows, so that the older ones need not be touched.
    pub(super) gain: f64,
    pub(super) count: u64,
    pub(super) tail: Tail,
}

/// `outer` is reached as seldom as `normal` by a normal deviation; sizes are compared with it to the power `exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Tail {
    pub(super) start: f64,
    pub(super) outer: f64,
    pub(super) exponent: f64,
    pub(super) normal: f64,
}

fn lower_edge(bin: usize) -> f64 {
    (bin as f64 / RESOLUTION + LOWEST).exp2()
}

fn place_of(size: f64) -> f64 {
    ((size.log2() - LOWEST) * RESOLUTION).clamp(0.0, BINS as f64 - 1e-9)
}

impl Rarity {
    pub(super) fn new() -> Self {
        let mut bins = [0.0; BINS];
        for (bin, weight) in bins.iter_mut().enumerate() {
            let from = if bin == 0 { 0.0 } else { lower_edge(bin) };
            let mass = (-PRIOR_RATE * from).exp() - (-PRIOR_RATE * lower_edge(bin + 1)).exp();
            *weight = (PRIOR * mass) as f32;
        }
        let mut new = Self {
            bins,
            total: PRIOR,
            gain: 1.0,
            count: 0,
            tail: Tail::default(),
        };
        new.fit();
        new
    }

    /// Counts a statistic.
    pub(super) fn add(&mut self, size: f64) {
        self.gain *= 1.0 + 1.0 / MEMORY;
        self.bins[place_of(size) as usize] += self.gain as f32;
        self.total += self.gain;
        self.count = self.count.wrapping_add(1);
        if self.is_refitted() {
            if self.gain > 1e6 {
                let shrink = 1.0 / self.gain;
                self.bins.iter_mut().for_each(|bin| *bin *= shrink as f32);
                self.total *= shrink;
                self.gain = 1.0;
            }
            self.fit();
        }
    }

    fn fit(&mut self) {
        let share = (OUTER_POINTS * self.gain / self.total).clamp(OUTER.0, OUTER.1);
        let start = self.quantile(TAIL);
        let outer = self.quantile(share).max(start * 1.0001);
        let normal = normal_deviation(share);
        let exponent = (normal / NORMAL_TAIL).ln() / (outer / start).ln();
        self.tail = Tail {
            start,
            outer,
            exponent: exponent.clamp(EXPONENTS.0, EXPONENTS.1),
            normal,
        };
    }

    /// The size that a share of the statistics reaches.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.total;
        let mut above = 0.0;
        for (bin, here) in self.bins.iter().enumerate().rev() {
            let here = f64::from(*here);
            if here > 0.0 && above + here >= wanted {
                let part = (above + here - wanted) / here;
                return ((bin as f64 + part) / RESOLUTION + LOWEST).exp2();
            }
            above += here;
        }
        lower_edge(0)
    }

    /// Whether the tail has just been fitted anew.
    pub(super) fn is_refitted(&self) -> bool {
        self.count.is_multiple_of(REFIT)
    }

    /// Share of what a tail heavier than normal adds to the surprise beyond the outer quantile.
    fn slope(&self) -> f64 {
        1.0 - CURVATURE * (1.0 / self.tail.exponent - 1.0).clamp(0.0, MOST_POWER)
    }

    /// Minus the logarithm of the probability of a statistic of this size or more.
    pub(super) fn surprise(&self, size: f64) -> f64 {
        if size <= self.tail.start {
            // Nobody is told of what is usual: as if all sizes up to the tail were as frequent.
            return -(1.0 - (1.0 - TAIL) * size / self.tail.start).ln();
        }
        let known = normal_surprise(self.tail.normal);
        let deviation = self.tail.normal * (size / self.tail.outer).powf(self.tail.exponent);
        let beyond = normal_surprise(deviation) - known;
        known
            + if beyond > 0.0 {
                beyond * self.slope()
            } else {
                beyond
            }
    }

    /// The size that is reached with this probability, within the tail.
    pub(super) fn reach(&self, probability: f64) -> f64 {
        let known = normal_surprise(self.tail.normal);
        let beyond = -probability.ln() - known;
        let surprise = known
            + if beyond > 0.0 {
                beyond / self.slope()
            } else {
                beyond
            };
        let deviation = normal_deviation((-surprise).exp());
        self.tail.outer * (deviation / self.tail.normal).powf(1.0 / self.tail.exponent)
    }
}

/// The size that a standard normal deviation reaches with this probability: Newton's steps from the square root.
fn normal_deviation(probability: f64) -> f64 {
    let surprise = -probability.max(f64::MIN_POSITIVE).ln();
    let mut size = (2.0 * surprise).sqrt();
    for _ in 0..4 {
        size -= (normal_surprise(size) - surprise) / (size + 1.0 / size.max(0.5));
        size = size.max(0.05);
    }
    size
}

/// Minus the logarithm of the probability that a standard normal deviation is of this size or more, on either side, by the
/// upper bound of Mills' ratio `4 / (3x + sqrt(x^2 + 8))` (Sampford 1953).
fn normal_surprise(size: f64) -> f64 {
    let mills = 4.0 / (3.0 * size + (size * size + 8.0).sqrt());
    // The logarithm of sqrt(pi / 2).
    size * size / 2.0 + 0.225_791_352_644_727_4 - mills.ln()
}
