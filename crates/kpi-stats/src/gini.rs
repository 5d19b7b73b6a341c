//! `gini`: the state of `gini_agg(x)`.

use std::collections::BTreeMap;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::{Error, State, UddSketch};

/// The most distinct values that are kept as they are.
const MAX_DISTINCT: usize = 2048;

/// How unevenly something is spread: revenue over customers, load over servers. The Gini coefficient (C. Gini, 1912) is half
/// of the mean difference of all pairs, in units of the mean: 0 where all have the same, towards 1 where one has all.
///
/// Up to 2048 distinct values it is exact. More are kept in the buckets of a [`UddSketch`]: every value is then known with the
/// relative error α of the sketch, 0.1% for values within seven orders of magnitude, and the coefficient is off by
/// less than 2α / (1 - α) (each value moves by at most α of itself, and no two change places). Which form is in use depends
/// only on the set of values, and the coefficient of merged parts is the very one of the whole.
///
/// Values below zero, NaN and infinities are refused: the coefficient has no meaning for them.
///
/// ```
/// use kpi_stats::Gini;
/// let mut revenue = Gini::default();
/// for x in [1.0, 2.0, 3.0, 4.0, 10.0] {
///     revenue.add(x).unwrap();
/// }
/// assert_eq!(revenue.coefficient(), Some(0.4));
/// assert_eq!(revenue.error(), 0.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Gini {
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// The bits of values, whose order is that of values that are not negative, and how many there are of each.
    Exact(BTreeMap<u64, u64>),
    Sketch(UddSketch),
}

impl Default for Gini {
    fn default() -> Self {
        Self {
            values: Values::Exact(BTreeMap::new()),
        }
    }
}

impl Gini {
    /// Adds one value.
    ///
    /// # Errors
    /// [`Error::Argument`] for a value below zero, NaN and infinities.
    pub fn add(&mut self, x: f64) -> Result<(), Error> {
        if !(x >= 0.0 && x.is_finite()) {
            return Err(Error::argument(
                "a Gini coefficient is of finite values from zero",
                x,
                "Leave such rows out: gini_agg(x) FILTER (WHERE x >= 0 AND x < 'Infinity').",
            ));
        }
        self.add_times(x, 1);
        Ok(())
    }

    fn add_times(&mut self, x: f64, times: u64) {
        match &mut self.values {
            Values::Sketch(sketch) => sketch.add_times(x, times),
            Values::Exact(values) => {
                // Both zeros are one.
                let count = values.entry((x + 0.0).to_bits()).or_insert(0);
                *count = count.saturating_add(times).min(MAX_COUNT);
                if values.len() > MAX_DISTINCT {
                    self.sketch();
                }
            }
        }
    }

    fn sketch(&mut self) {
        if let Values::Exact(values) = &self.values {
            let mut sketch = UddSketch::default();
            for (bits, count) in values {
                sketch.add_times(f64::from_bits(*bits), *count);
            }
            self.values = Values::Sketch(sketch);
        }
    }

    /// The number of values.
    pub fn num_vals(&self) -> u64 {
        match &self.values {
            Values::Exact(values) => values
                .values()
                .fold(0, |sum: u64, count| sum.saturating_add(*count))
                .min(MAX_COUNT),
            Values::Sketch(sketch) => sketch.num_vals(),
        }
    }

    /// The Gini coefficient of these values as all there are: `Σ(2i - n - 1)·x(i) / (n·Σx)` over the values in ascending
    /// order. `None` without values and where all are zero.
    pub fn coefficient(&self) -> Option<f64> {
        let values = self.weighted_values();
        // Only ratios count, so values may be scaled to what cannot overflow.
        let largest = values.last().map(|(x, _)| *x).filter(|x| *x > 0.0)?;
        let n: f64 = values.iter().map(|(_, count)| *count as f64).sum();
        let (mut before, mut sum, mut ranked) = (0.0, 0.0, 0.0);
        for (x, count) in values {
            let (x, count) = (x / largest, count as f64);
            sum += count * x;
            ranked += count * (2.0 * before + count - n) * x;
            before += count;
        }
        (sum > 0.0).then(|| (ranked / (n * sum)).clamp(0.0, 1.0))
    }

    /// The coefficient of all, of whom these are a sample: times `n / (n - 1)`. `None` with fewer than two values and where
    /// all are zero.
    pub fn sample_coefficient(&self) -> Option<f64> {
        let n = self.num_vals() as f64;
        (n >= 2.0)
            .then(|| Some(self.coefficient()? * n / (n - 1.0)))
            .flatten()
    }

    /// By how much the coefficient may be off: 0 where it is exact.
    pub fn error(&self) -> f64 {
        match &self.values {
            Values::Exact(_) => 0.0,
            Values::Sketch(sketch) => 2.0 * sketch.error() / (1.0 - sketch.error()),
        }
    }

    fn weighted_values(&self) -> Vec<(f64, u64)> {
        match &self.values {
            Values::Exact(values) => values
                .iter()
                .map(|(bits, count)| (f64::from_bits(*bits), *count))
                .collect(),
            Values::Sketch(sketch) => sketch.weighted_values(),
        }
    }
}

const EXACT: u8 = 0;
const SKETCH: u8 = 1;

impl State for Gini {
    const TYPE_NAME: &'static str = "kpi.gini";

    fn merge(&mut self, other: &Self) {
        match &other.values {
            Values::Exact(values) => {
                for (bits, count) in values {
                    self.add_times(f64::from_bits(*bits), *count);
                }
            }
            Values::Sketch(theirs) => {
                self.sketch();
                if let Values::Sketch(ours) = &mut self.values {
                    ours.merge(theirs);
                }
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Gini);
        match &self.values {
            Values::Exact(values) => {
                writer.u8(EXACT);
                writer.varint(values.len() as u64);
                for (bits, count) in values {
                    writer.f64(f64::from_bits(*bits));
                    writer.varint(*count);
                }
            }
            Values::Sketch(sketch) => {
                writer.u8(SKETCH);
                writer.raw(&sketch.encode());
            }
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Gini, bytes)?;
        let values = match reader.u8()? {
            EXACT => {
                let mut values = BTreeMap::new();
                for _ in 0..reader.items(9, MAX_DISTINCT)? {
                    let (x, count) = (reader.f64()?, reader.count()?);
                    let in_order = values
                        .last_key_value()
                        .is_none_or(|(last, _)| x.to_bits() > *last);
                    if !(x.is_sign_positive() && x.is_finite() && in_order && count > 0) {
                        return Err(reader.corrupt("Their values are not in order.".into()));
                    }
                    values.insert(x.to_bits(), count);
                }
                Values::Exact(values)
            }
            SKETCH => {
                let sketch = UddSketch::decode(reader.remaining())
                    .map_err(|_| reader.corrupt("The sketch in them cannot be read.".into()))?;
                let least = sketch.min_val().unwrap_or(0.0);
                let most = sketch.max_val().unwrap_or(0.0);
                if !(least >= 0.0 && most.is_finite()) {
                    return Err(reader.corrupt("They hold values that are not finite or below zero.".into()));
                }
                Values::Sketch(sketch)
            }
            form => return Err(reader.corrupt(format!("They have the unknown form {form}."))),
        };
        reader.finish()?;
        Ok(Self { values })
    }
}
