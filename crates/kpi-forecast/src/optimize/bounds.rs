//! A variable between two bounds as a function of one without.

/// An open interval that a free variable is folded into by `low + (high - low) * (1 + sin u) / 2`. Unlike with a
/// logistic curve the bounds themselves are at a finite `u`, so that a search that ends at one does end.
///
/// ```
/// use kpi_forecast::optimize::bounds::Interval;
/// let weight = Interval { low: 0.0, high: 1.0 };
/// assert_eq!(weight.value(0.0), 0.5);
/// assert!((weight.value(weight.free(0.3)) - 0.3).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
}

impl Interval {
    /// The value of a free variable.
    pub fn value(self, free: f64) -> f64 {
        self.low + (self.high - self.low) * 0.5 * (1.0 + free.sin())
    }

    /// How fast the value grows with the free variable.
    pub fn slope(self, free: f64) -> f64 {
        (self.high - self.low) * 0.5 * free.cos()
    }

    /// The free variable of a value, which is moved inside the bounds by a thousandth of their distance, where the
    /// slope is not 0.
    pub fn free(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(1e-3, 1.0 - 1e-3);
        (2.0 * share - 1.0).asin()
    }
}
