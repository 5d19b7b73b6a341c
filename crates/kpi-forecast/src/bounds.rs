//! Forecasts of what can only lie within bounds.

/// Ends that neither outcomes nor forecasts go beyond.
///
/// Forecasts and bands are cut at the bounds, rather than made of logarithms or scaled logits (Hyndman & Athanasopoulos, 3rd ed.,
/// section 13.3): the value within the bounds that is nearest to a forecast is never farther from an outcome within the bounds than the
/// forecast was, and the band loses nothing that can come. A transformation can be asked for with
/// [`BoxCox`](crate::box_cox::BoxCox) besides.
///
/// ```
/// let share = kpi_forecast::bounds::Bounds { lower: Some(0.0), upper: Some(1.0) };
/// assert_eq!((share.cut(-0.2), share.cut(0.4), share.cut(1.7)), (0.0, 0.4, 1.0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// The least value that there can be.
    pub lower: Option<f64>,
    /// The largest.
    pub upper: Option<f64>,
}

impl Bounds {
    /// The value within the bounds that is nearest to `value`.
    pub fn cut(&self, value: f64) -> f64 {
        let above = self.lower.map_or(value, |lower| value.max(lower));
        self.upper.map_or(above, |upper| above.min(upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_outcome_within_is_farther_from_what_was_cut(
            lower in -10.0..0.0_f64, upper in 0.0..10.0_f64, share in 0.0..=1.0_f64, value in -30.0..30.0_f64,
        ) {
            let bounds = Bounds { lower: Some(lower), upper: Some(upper) };
            let outcome = lower + share * (upper - lower);
            prop_assert!((bounds.cut(value) - outcome).abs() <= (value - outcome).abs() + 1e-12);
        }
    }
}
