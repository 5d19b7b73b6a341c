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
/// Share of the statistics in the tail, and in its outer part.
const TAIL: f64 = 0.1;
const OUTER: (f64, f64) = (0.004, 0.02);
const NORMAL_START: f64 = 1.644_853_6;
/// Points between two fits of the tail.
const REFIT: u32 = 16;
/// The tail may be so heavy and so light: the exponent of a Weibull distribution (2 for a normal one, 1 for an exponential one).
const SHAPES: (f64, f64) = (0.25, 1.1);

/// A decaying histogram over the logarithm of the size, and a Weibull tail through two of its quantiles.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rarity {
    pub(super) bins: [f32; BINS],
    pub(super) total: f64,
    pub(super) gain: f64,
    pub(super) since_fit: u32,
    tail: Tail,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Tail {
    start: f64,
    outer: f64,
    shape: f64,
    normal: f64,
}

fn lower_edge(bin: usize) -> f64 {
    (bin as f64 / RESOLUTION + LOWEST).exp2()
}

fn bin_of(size: f64) -> usize {
    let place = (size.log2() - LOWEST) * RESOLUTION;
    (place.max(0.0) as usize).min(BINS - 1)
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
            since_fit: 0,
            tail: Tail::default(),
        };
        new.fit();
        new
    }

    /// A distribution as it was stored.
    pub(super) fn restored(bins: [f32; BINS], total: f64, gain: f64, since_fit: u32) -> Self {
        let mut restored = Self {
            bins,
            total,
            gain,
            since_fit,
            tail: Tail::default(),
        };
        restored.fit();
        restored
    }

    /// Counts a statistic.
    pub(super) fn add(&mut self, size: f64, weight: f64) {
        self.gain *= 1.0 + 1.0 / MEMORY;
        self.bins[bin_of(size)] += (self.gain * weight) as f32;
        self.total += self.gain * weight;
        self.since_fit += 1;
        if self.since_fit >= REFIT {
            self.since_fit = 0;
            if self.gain > 1e6 {
                let shrink = 1.0 / self.gain;
                self.bins.iter_mut().for_each(|bin| *bin *= shrink as f32);
                self.total *= shrink;
                self.gain = 1.0;
            }
            self.fit();
        }
    }

    pub(super) fn fit(&mut self) {
        let share = (20.0 / (self.total / self.gain)).clamp(OUTER.0, OUTER.1);
        let start = self.quantile(TAIL);
        let outer = self.quantile(share).max(start * 1.0001);
        let normal = normal_deviation(share);
        let shape = ((normal / NORMAL_START).ln() / (outer / start).ln()).clamp(SHAPES.0, SHAPES.1);
        self.tail = Tail {
            start,
            outer,
            shape,
            normal,
        };
    }

    /// The size that a share of the statistics reaches.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.total;
        let mut above = 0.0;
        for bin in (0..BINS).rev() {
            let here = f64::from(self.bins[bin]);
            if above + here >= wanted {
                let part = if here > 0.0 {
                    (above + here - wanted) / here
                } else {
                    0.0
                };
                return ((bin as f64 + part) / RESOLUTION + LOWEST).exp2();
            }
            above += here;
        }
        lower_edge(0)
    }

    /// Share of the statistics that are as large.
    fn seen(&self, size: f64) -> f64 {
        let bin = bin_of(size);
        let above: f32 = self.bins[bin + 1..].iter().sum();
        let place = ((size.log2() - LOWEST) * RESOLUTION - bin as f64).clamp(0.0, 1.0);
        (f64::from(above) + (1.0 - place) * f64::from(self.bins[bin])) / self.total
    }

    /// Minus the logarithm of the probability of a statistic of this size.
    pub(super) fn surprise(&self, size: f64) -> f64 {
        if size <= self.tail.start {
            return -self.seen(size).clamp(1e-9, 1.0).ln();
        }
        normal_surprise(self.tail.normal * (size / self.tail.outer).powf(self.tail.shape))
    }

    /// The size whose surprise this is.
    pub(super) fn size_at(&self, surprise: f64) -> f64 {
        self.tail.outer * (normal_deviation((-surprise).exp()) / self.tail.normal).powf(1.0 / self.tail.shape)
    }
}

fn normal_deviation(share: f64) -> f64 {
    // solve surprise(n) = -ln share by Newton from sqrt
    let s = -share.ln();
    let mut n = (2.0 * s).sqrt();
    for _ in 0..4 {
        let d = n + 1.0 / n.max(0.5);
        n -= (normal_surprise(n) - s) / d;
        n = n.max(0.05);
    }
    n
}

/// Minus the logarithm of the two-sided tail of a normal distribution.
fn normal_surprise(n: f64) -> f64 {
    // Mills' ratio between its bounds
    let mills = 4.0 / (3.0 * n + (n * n + 8.0).sqrt());
    n * n / 2.0 + 0.225_791_352_644_727_4 - mills.ln()
}
