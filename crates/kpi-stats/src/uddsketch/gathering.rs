//! A sketch in the making, for many of them at once.

use super::UddSketch;
use crate::{Error, State};

/// So many values wait: 512 bytes, of which the processor touches one line at a time.
const WAITING: usize = 64;

/// A sketch that is still given values. They wait in a short list and are counted together: where values of a thousand groups
/// come in turns, the counts of each are fetched into the processor's cache once for 64 values, not once for each.
///
/// As a [`State`] it is the sketch of all its values, those that wait included.
///
/// ```
/// use kpi_stats::{GatheringSketch, State, UddSketch};
/// let mut gathering = GatheringSketch::from(UddSketch::default());
/// let mut sketch = UddSketch::default();
/// for x in (1..=1000).map(f64::from) {
///     gathering.add(x);
///     sketch.add(x);
/// }
/// assert_eq!(gathering.sketch(), sketch);
/// assert_eq!(gathering.encode(), sketch.encode());
/// ```
#[derive(Debug, Clone)]
// The list comes first: what each value touches.
#[repr(C)]
pub struct GatheringSketch {
    waiting: Vec<f64>,
    sketch: UddSketch,
}

impl From<UddSketch> for GatheringSketch {
    fn from(sketch: UddSketch) -> Self {
        Self {
            waiting: Vec::new(),
            sketch,
        }
    }
}

impl GatheringSketch {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, x: f64) {
        if self.waiting.len() >= WAITING {
            self.count();
        }
        self.waiting.push(x);
    }

    /// The sketch of all values.
    pub fn sketch(&self) -> UddSketch {
        let mut sketch = self.sketch.clone();
        self.waiting.iter().for_each(|x| sketch.add(*x));
        sketch
    }

    /// The settings that it was made with, as [`UddSketch::is_made_with`] says.
    #[inline]
    pub fn is_made_with(&self, size: i64, error: f64) -> bool {
        self.sketch.is_made_with(size, error)
    }

    /// The most buckets that are occupied.
    pub fn size(&self) -> u32 {
        self.sketch.size()
    }

    /// The relative error that it started with.
    pub fn initial_error(&self) -> f64 {
        self.sketch.initial_error()
    }

    #[inline(never)]
    fn count(&mut self) {
        for x in &self.waiting {
            self.sketch.add(*x);
        }
        self.waiting.clear();
    }
}

impl State for GatheringSketch {
    const TYPE_NAME: &'static str = UddSketch::TYPE_NAME;

    fn merge(&mut self, other: &Self) {
        self.count();
        if other.waiting.is_empty() {
            self.sketch.merge(&other.sketch);
        } else {
            self.sketch.merge(&other.sketch());
        }
    }

    fn encode(&self) -> Vec<u8> {
        if self.waiting.is_empty() {
            self.sketch.encode()
        } else {
            self.sketch().encode()
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        UddSketch::decode(bytes).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gathered(values: &[f64]) -> GatheringSketch {
        let mut gathering = GatheringSketch::from(UddSketch::default());
        values.iter().for_each(|x| gathering.add(*x));
        gathering
    }

    proptest! {
        #[test]
        fn values_that_wait_count(values in prop::collection::vec(prop::num::f64::ANY, 0..300), at in 0usize..300) {
            let mut sketch = UddSketch::default();
            values.iter().for_each(|x| sketch.add(*x));
            let gathering = gathered(&values);
            prop_assert_eq!(gathering.encode(), sketch.encode());
            prop_assert_eq!(GatheringSketch::decode(&sketch.encode()).unwrap().sketch().encode(), sketch.encode());
            // A merge of parts, with values that wait on either side, is that of their sketches.
            let (left, right) = values.split_at(at.min(values.len()));
            let (mut merged, mut sketches) = (gathered(left), gathered(left).sketch());
            merged.merge(&gathered(right));
            sketches.merge(&gathered(right).sketch());
            prop_assert_eq!(merged.encode(), sketches.encode());
            // And it goes on after having been read.
            merged.add(1.0);
            prop_assert_eq!(merged.sketch().num_vals(), values.len() as u64 + 1);
        }
    }
}
