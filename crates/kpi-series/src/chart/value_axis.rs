//! The axis of values: round tick values, short labels.

/// A range of values with ticks at round numbers; the range starts and ends at a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueAxis {
    low: f64,
    high: f64,
    /// Tick values in increasing order, each with its label.
    pub(super) ticks: Vec<(f64, String)>,
}

/// Where the lowest value is below this share of the highest, the axis starts at zero.
const ZERO_SHARE: f64 = 0.4;

impl ValueAxis {
    /// The axis for values from `low` to `high`, both finite, with about `count` ticks.
    pub(super) fn new(low: f64, high: f64, count: usize) -> Self {
        let (low, high) = padded(low, high);
        let step = round_step(high, low, count.max(1) as f64);
        let first = (low / step).floor();
        let last = (high / step).ceil();
        let values: Vec<f64> = std::iter::successors(Some(first), |&n| (n < last).then_some(n + 1.0))
            .map(|n| (n * step).clamp(f64::MIN, f64::MAX))
            .collect();
        let format = Format::new(step, values.iter().fold(0.0, |most, value| value.abs().max(most)));
        Self {
            low: values.first().copied().unwrap_or(low),
            high: values.last().copied().unwrap_or(high),
            ticks: values.iter().map(|&value| (value, format.label(value))).collect(),
        }
    }

    /// Where a value is on the axis: 0 at the low end, 1 at the high end.
    pub(super) fn position(&self, value: f64) -> f64 {
        // Halves keep the difference of huge values finite.
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }
}

/// The range to show: zero included where it is near, and room around values that are all (nearly) the same.
fn padded(low: f64, high: f64) -> (f64, f64) {
    let most = low.abs().max(high.abs());
    if most < f64::MIN_POSITIVE / f64::EPSILON {
        return (-1.0, 1.0);
    }
    // Closer together than this, labels could not tell the ticks apart.
    if high / 2.0 - low / 2.0 <= most * 1e-9 {
        return (
            (low - most / 10.0).max(f64::MIN),
            (high + most / 10.0).min(f64::MAX),
        );
    }
    if low > 0.0 && low < high * ZERO_SHARE {
        (0.0, high)
    } else if high < 0.0 && high > low * ZERO_SHARE {
        (low, 0.0)
    } else {
        (low, high)
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that needs at most `count` steps (Heckbert's "nice numbers").
fn round_step(high: f64, low: f64, count: f64) -> f64 {
    let raw = high / count - low / count;
    let exponent = raw.log10().floor() as i32;
    // One power of ten less is tried first, because the logarithm may be off by one at the border.
    let candidates = (exponent - 1..=exponent + 1).flat_map(|e| [1.0, 2.0, 2.5, 5.0].map(|m| scale_by(m, e)));
    candidates
        .into_iter()
        .find(|&step| step >= raw && step.is_finite())
        .unwrap_or(raw)
}

/// A number times a power of ten, exactly rounded.
fn scale_by(number: f64, exponent: i32) -> f64 {
    // Division by an exact power gives 0.1, where multiplication by 0.1 gives what 0.1 nearly is.
    match exponent {
        ..-300 => number * 10f64.powi(exponent),
        -300..0 => number / 10f64.powi(-exponent),
        0.. => number * 10f64.powi(exponent),
    }
}

/// One way to write all labels of an axis.
enum Format {
    Scaled {
        divisor: f64,
        suffix: &'static str,
        decimals: usize,
    },
    Scientific {
        decimals: usize,
    },
}

impl Format {
    /// For ticks at multiples of `step`, the greatest of which is `most` in absolute terms.
    fn new(step: f64, most: f64) -> Self {
        if !(1e-4..1e15).contains(&most) {
            // As many digits as tell neighbours apart.
            let decimals = (most.log10().floor() - step.log10().floor()).clamp(0.0, 9.0) as usize;
            return Self::Scientific {
                decimals: decimals + usize::from(has_half(step)),
            };
        }
        let (divisor, suffix) = match most {
            1e12.. => (1e12, "T"),
            1e9.. => (1e9, "B"),
            1e6.. => (1e6, "M"),
            1e4.. => (1e3, "k"),
            _ => (1.0, ""),
        };
        let whole = |decimals: &usize| {
            let scaled = step / divisor * 10f64.powi(*decimals as i32);
            (scaled - scaled.round()).abs() < scaled * 1e-6
        };
        Self::Scaled {
            divisor,
            suffix,
            decimals: (0..12).find(whole).unwrap_or(12),
        }
    }

    fn label(&self, value: f64) -> String {
        if value == 0.0 {
            return "0".to_string();
        }
        let label = match self {
            Self::Scaled {
                divisor,
                suffix,
                decimals,
            } => format!("{:.decimals$}{suffix}", value / divisor),
            // Reading the rounded number back drops the zeros at its end; rounding up must not leave the range.
            Self::Scientific { decimals } => {
                let rounded = format!("{value:.decimals$e}").parse::<f64>().ok();
                format!(
                    "{:e}",
                    rounded.filter(|rounded| rounded.is_finite()).unwrap_or(value)
                )
            }
        };
        label.replace('-', "\u{2212}")
    }
}

/// Whether the step is 2.5 times a power of ten.
fn has_half(step: f64) -> bool {
    let mantissa = step / scale_by(1.0, step.log10().floor() as i32);
    (mantissa - 2.5).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64, count: usize) -> Vec<String> {
        ValueAxis::new(low, high, count)
            .ticks
            .into_iter()
            .map(|tick| tick.1)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(3.0, 97.0, 5), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(0.62, 0.69, 4), ["0.62", "0.64", "0.66", "0.68", "0.70"]);
        assert_eq!(labels(-3.0, 4.0, 4), ["\u{2212}4", "\u{2212}2", "0", "2", "4"]);
        assert_eq!(labels(0.0, 1.0, 4), ["0", "0.25", "0.50", "0.75", "1.00"]);
    }

    #[test]
    fn large_values_have_suffixes() {
        assert_eq!(labels(0.0, 9_000.0, 3), ["0", "5k", "10k"]);
        assert_eq!(labels(0.0, 1_500_000.0, 3), ["0", "0.5M", "1.0M", "1.5M"]);
        assert_eq!(labels(2e9, 9e9, 3), ["0", "5B", "10B"]);
        assert_eq!(labels(0.0, 1e300, 2), ["0", "5e299", "1e300"]);
        assert_eq!(labels(0.0, 1.5e308, 1), ["0", "1.5e308"]);
        assert_eq!(labels(0.0, 2e-7, 2), ["0", "1e\u{2212}7", "2e\u{2212}7"]);
    }

    #[test]
    fn equal_values_get_room() {
        assert_eq!(labels(0.0, 0.0, 2), ["\u{2212}1", "0", "1"]);
        let axis = ValueAxis::new(5.0, 5.0, 4);
        assert!(axis.position(5.0) > 0.2 && axis.position(5.0) < 0.8);
    }

    proptest! {
        #[test]
        fn any_range_has_ticks_around_it(a in any::<f64>(), b in any::<f64>(), count in 1usize..12) {
            prop_assume!(a.is_finite() && b.is_finite());
            let (low, high) = (a.min(b), a.max(b));
            let axis = ValueAxis::new(low, high, count);
            prop_assert!((2..=count + 3).contains(&axis.ticks.len()), "{:?}", axis);
            prop_assert!(axis.ticks.windows(2).all(|w| w[0].0 < w[1].0), "{:?}", axis);
            for value in [low, high] {
                let position = axis.position(value);
                prop_assert!((-1e-6..=1.0 + 1e-6).contains(&position), "{position} {:?}", axis);
            }
        }
    }
}
