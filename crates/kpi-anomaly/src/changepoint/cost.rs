//! What a segment costs: how badly one level, one variance or one line fits it.

/// What may change at a change point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change {
    /// The mean; the variance is that of the noise and stays.
    #[default]
    Mean,
    /// The variance around a mean that stays.
    Variance,
    /// Mean and variance.
    MeanVariance,
    /// Level and slope of a line.
    Trend,
}

impl Change {
    const ALL: [(&'static str, Self); 4] = [
        ("mean", Self::Mean),
        ("variance", Self::Variance),
        ("mean_variance", Self::MeanVariance),
        ("trend", Self::Trend),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }

    /// The change of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, c)| *c)
    }

    /// Parameters that each segment has of its own.
    pub fn parameters(self) -> usize {
        match self {
            Self::Mean | Self::Variance => 1,
            Self::MeanVariance | Self::Trend => 2,
        }
    }

    /// The fewest values that a segment can be fitted to.
    pub fn least(self) -> usize {
        match self {
            Self::Mean => 1,
            Self::Variance | Self::MeanVariance => 2,
            Self::Trend => 3,
        }
    }
}

/// The cost of any segment in constant time, from sums over all values before a place.
pub(super) struct Cost {
    what: Change,
    /// Sums of the values, of their squares, and of place times value. Values are centred and in units of their noise.
    sum: Vec<f64>,
    squares: Vec<f64>,
    moments: Vec<f64>,
    /// 1 over how much likelihoods are overrated because the values remember.
    share: f64,
}

/// Variances below this share of that of the noise are rounding.
const LEAST_VARIANCE: f64 = 1e-8;

impl Cost {
    /// `values` are centred and in units in which the noise has variance 1.
    pub(super) fn new(values: &[f64], what: Change, inflation: f64) -> Self {
        let sums = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            let mut total = 0.0;
            let mut all = Vec::with_capacity(values.len() + 1);
            all.push(0.0);
            for (t, value) in values.iter().enumerate() {
                total += of(t, *value);
                all.push(total);
            }
            all
        };
        Self {
            what,
            sum: sums(&|_, y| y),
            squares: sums(&|_, y| y * y),
            moments: if what == Change::Trend {
                sums(&|t, y| t as f64 * y)
            } else {
                Vec::new()
            },
            share: 1.0 / inflation,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sum.len() - 1
    }

    /// Twice the negative logarithm of the likelihood of the values `from..to`, less what is the same for all segmentations.
    #[inline(always)]
    pub(super) fn of(&self, from: usize, to: usize) -> f64 {
        let n = (to - from) as f64;
        let sum = self.sum[to] - self.sum[from];
        let squares = self.squares[to] - self.squares[from];
        let cost = match self.what {
            Change::Mean => squares - sum * sum / n,
            Change::Variance => n * ((squares / n).max(LEAST_VARIANCE)).ln(),
            Change::MeanVariance => n * (((squares - sum * sum / n) / n).max(LEAST_VARIANCE)).ln(),
            Change::Trend => {
                let middle = (from + to - 1) as f64 / 2.0;
                let product = self.moments[to] - self.moments[from] - middle * sum;
                let spread = n * (n * n - 1.0) / 12.0;
                let line = if spread > 0.0 {
                    product * product / spread
                } else {
                    0.0
                };
                squares - sum * sum / n - line
            }
        };
        cost * self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn costs_are_those_of_the_segment(
            values in prop::collection::vec(-5.0..5.0_f64, 6..40), a in 0..20_usize, length in 3..20_usize,
        ) {
            let (from, to) = (a.min(values.len() - 3), (a + length).min(values.len()));
            prop_assume!(to >= from + 3);
            let part = &values[from..to];
            let n = part.len() as f64;
            let mean = part.iter().sum::<f64>() / n;
            let rss: f64 = part.iter().map(|y| (y - mean).powi(2)).sum();
            let square = part.iter().map(|y| y * y).sum::<f64>() / n;
            let middle = (n - 1.0) / 2.0;
            let sxy: f64 = part.iter().enumerate().map(|(t, y)| (t as f64 - middle) * y).sum();
            let sxx: f64 = (0..part.len()).map(|t| (t as f64 - middle).powi(2)).sum();
            let of = |what| Cost::new(&values, what, 1.0).of(from, to);
            prop_assert!((of(Change::Mean) - rss).abs() < 1e-8);
            prop_assert!((of(Change::Trend) - (rss - sxy * sxy / sxx)).abs() < 1e-7);
            prop_assert!((of(Change::Variance) - n * square.max(LEAST_VARIANCE).ln()).abs() < 1e-6);
            if rss > 1e-3 {
                prop_assert!((of(Change::MeanVariance) - n * (rss / n).ln()).abs() < 1e-6);
            }
        }
    }
}
