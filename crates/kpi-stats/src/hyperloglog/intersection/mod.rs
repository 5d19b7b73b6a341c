//! How many values two states have in common: the joint maximum-likelihood estimate of Ertl (arXiv:1702.01284, section 4),
//! whose error is well below that of adding and subtracting three estimates.

mod likelihood;
mod simplex;

use self::likelihood::JointRegisters;
use super::sparse::SPARSE_PRECISION;
use super::{HyperLogLog, Registers};
use crate::State;

/// The estimated number of values that two states have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intersection {
    /// How many values both have.
    pub count: u64,
    /// The standard error of that number, as a number of values.
    pub standard_error: f64,
}

impl HyperLogLog {
    /// How many distinct values are in both.
    ///
    /// For dense states the numbers of values only here, only there and in both are the ones that make the pairs of
    /// registers most likely, and the standard error is that of the likelihood: it is at most 1.04 / √registers of the
    /// values in either, and far less where one set is small or little is in common. Sparse states compare 25 bits of each
    /// hash, and are nearly exact. The result has the lower precision of the two.
    ///
    /// ```
    /// use kpi_stats::HyperLogLog;
    /// let of = |ids: std::ops::Range<u64>| {
    ///     let mut state = HyperLogLog::default();
    ///     ids.for_each(|id| state.add_hash(HyperLogLog::mix(id)));
    ///     state
    /// };
    /// assert_eq!(of(0..1000).intersection(&of(600..1600)).count, 400);
    /// let many = of(0..100_000).intersection(&of(70_000..170_000));
    /// assert!(many.standard_error < 1000.0);
    /// assert!((many.count as f64 - 30_000.0).abs() < 3.0 * many.standard_error);
    /// ```
    pub fn intersection(&self, other: &Self) -> Intersection {
        let (mut ours, mut theirs) = (self.clone(), other.clone());
        let mut union = self.clone();
        union.merge(other);
        let precision = ours.precision.min(theirs.precision);
        ours.lower_precision(precision);
        theirs.lower_precision(precision);
        if let (Registers::Sparse(a), Registers::Sparse(b)) = (&ours.registers, &theirs.registers) {
            let mut both = a.clone();
            b.iter().for_each(|entry| both.insert(entry));
            let (a, b, both) = (a.estimate(), b.estimate(), both.estimate());
            // Coincidences of prefixes within and between the two are what may be wrong: a Poisson number.
            let error = (a + b) / (2.0 * f64::from(1u32 << SPARSE_PRECISION)).sqrt();
            return intersection(a + b - both, a.min(b), error);
        }
        ours.make_dense();
        theirs.make_dense();
        let (Registers::Dense(a), Registers::Dense(b)) = (&ours.registers, &theirs.registers) else {
            return intersection(0.0, 0.0, 0.0);
        };
        let [a_count, b_count, either] = [&ours, &theirs, &union].map(|state| state.distinct_count() as f64);
        let start = [either - b_count, either - a_count, a_count + b_count - either];
        let ([.., shared], error) = JointRegisters::of(a, b, precision).most_likely(start);
        let most = either * ours.standard_error();
        intersection(
            shared,
            a_count.min(b_count),
            error.map_or(most, |error| error.min(most)),
        )
    }
}

fn intersection(count: f64, most: f64, standard_error: f64) -> Intersection {
    Intersection {
        // The cast saturates, and makes zero of NaN.
        count: count.clamp(0.0, most.max(0.0)).round() as u64,
        standard_error,
    }
}
