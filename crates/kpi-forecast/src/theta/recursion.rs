//! The theta models as one recursion.

/// A forecast is `level + w * (A (1 - alpha)^t + B (1 - (1 - alpha)^(t+1)) / alpha)` with `w = 1 - 1/theta` and the line
/// `A + B t`, that of all values, or in the dynamic models that of the values so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// Weight of the newest value in the level.
    pub alpha: f64,
    /// `1 - 1/theta`: 0 leaves out the line, 1/2 is theta = 2.
    pub line_weight: f64,
    /// The level before the first value.
    pub first: f64,
    /// The level after the last value.
    pub level: f64,
    /// The line after the last value.
    pub line: Line,
    /// Sum of squared one-step errors from the fourth value on.
    pub squares: f64,
}

/// A least-squares line through the values at 1, 2, ..., kept up one value at a time: `B_t = ((t-2) B_{t-1} + 6 (y_t -
/// mean_{t-1}) / t) / (t+1)` and `A_t = mean_t - B_t (t+1)/2` (Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler
/// 2016, *International Journal of Forecasting* 32:1151-1161, equations 12 to 14).
///
/// ```
/// use kpi_forecast::theta::Line;
/// let mut line = Line::default();
/// [3.0, 5.0, 7.0].iter().for_each(|y| line.add(*y));
/// assert!((line.intercept - 1.0).abs() < 1e-12 && (line.slope - 2.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Line {
    /// Values so far.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// A.
    pub intercept: f64,
    /// B.
    pub slope: f64,
}

impl Line {
    /// One more value.
    pub fn add(&mut self, y: f64) {
        self.count += 1.0;
        let t = self.count;
        if t > 1.0 {
            self.slope = ((t - 2.0) * self.slope + 6.0 * (y - self.mean) / t) / (t + 1.0);
        }
        self.mean += (y - self.mean) / t;
        self.intercept = self.mean - self.slope * (t + 1.0) / 2.0;
    }
}

/// Values whose errors do not count, for they say more about the start than about the model.
const WARM_UP: usize = 3;

/// The model with weight `alpha`, the first level and, unless given, the weight of the line at their least-squares
/// values. Both enter every forecast linearly, so they are found without a search.
pub fn fit(values: &[f64], dynamic: bool, alpha: f64, line_weight: Option<f64>) -> Fitted {
    let mut whole = Line::default();
    values.iter().for_each(|y| whole.add(*y));
    let keep = 1.0 - alpha;
    // What is left without line and first level is `rest`; `shape` is what the line adds per weight, `decay` what the
    // first level does. Normal equations of rest = weight * shape + first * decay.
    let (mut level, mut decay, mut line) = (0.0, 1.0, Line::default());
    let [mut ss, mut sd, mut dd, mut sr, mut dr, mut rr] = [0.0; 6];
    for (t, y) in values.iter().enumerate() {
        let shown = if dynamic { &line } else { &whole };
        let shape = shown.intercept * decay + shown.slope * (1.0 - decay * keep) / alpha;
        let rest = y - level;
        if t >= WARM_UP {
            ss += shape * shape;
            sd += shape * decay;
            dd += decay * decay;
            sr += shape * rest;
            dr += decay * rest;
            rr += rest * rest;
        }
        level += alpha * (y - level);
        decay *= keep;
        line.add(*y);
    }
    let first_of = |weight: f64| if dd > 1e-12 { (dr - weight * sd) / dd } else { 0.0 };
    let determinant = ss * dd - sd * sd;
    let weight = line_weight.unwrap_or_else(|| {
        let free = if determinant > 1e-10 * ss * dd {
            (sr * dd - dr * sd) / determinant
        } else {
            0.5
        };
        free.clamp(0.0, 1.0)
    });
    let first = first_of(weight);
    let squares = rr - 2.0 * weight * sr - 2.0 * first * dr
        + weight * weight * ss
        + 2.0 * weight * first * sd
        + first * first * dd;
    Fitted {
        alpha,
        line_weight: weight,
        first,
        level: level + first * decay,
        line: if dynamic { line } else { whole },
        squares: squares.max(0.0),
    }
}

/// The point forecasts: what is forecast is taken for what came.
pub fn means(fitted: &Fitted, dynamic: bool, horizon: usize) -> Vec<f64> {
    let Fitted {
        alpha,
        line_weight,
        mut level,
        mut line,
        ..
    } = *fitted;
    let keep = 1.0 - alpha;
    let mut decay = keep.powf(line.count);
    (0..horizon)
        .map(|_| {
            let mean =
                level + line_weight * (line.intercept * decay + line.slope * (1.0 - decay * keep) / alpha);
            level += alpha * (mean - level);
            decay *= keep;
            if dynamic {
                line.add(mean);
            }
            mean
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::line;
    use proptest::prelude::*;

    /// The one-step errors by the recursion as the paper has it.
    fn squares(values: &[f64], dynamic: bool, alpha: f64, weight: f64, first: f64) -> f64 {
        let mut whole = Line::default();
        values.iter().for_each(|y| whole.add(*y));
        let (mut level, mut line, mut sum) = (first, Line::default(), 0.0);
        for (t, y) in values.iter().enumerate() {
            let used = if dynamic { line } else { whole };
            let keep: f64 = 1.0 - alpha;
            let mean = level
                + weight
                    * (used.intercept * keep.powi(t as i32)
                        + used.slope * (1.0 - keep.powi(t as i32 + 1)) / alpha);
            if t >= WARM_UP {
                sum += (y - mean).powi(2);
            }
            level = alpha * y + keep * level;
            line.add(*y);
        }
        sum
    }

    proptest! {
        #[test]
        fn the_line_is_that_of_least_squares(values in prop::collection::vec(-100.0..100.0_f64, 2..50)) {
            let mut found = Line::default();
            values.iter().for_each(|y| found.add(*y));
            let (at_zero, slope) = line(&values);
            prop_assert!((found.slope - slope).abs() < 1e-8 && (found.intercept - (at_zero - slope)).abs() < 1e-6);
        }

        #[test]
        fn no_other_first_level_or_line_weight_has_less_squares(
            values in prop::collection::vec(-100.0..100.0_f64, 8..40), alpha in 0.1..0.99_f64, dynamic: bool,
            first in -100.0..100.0_f64, weight in 0.0..1.0_f64,
        ) {
            let found = fit(&values, dynamic, alpha, None);
            prop_assert!(found.squares <= squares(&values, dynamic, alpha, weight, first) * (1.0 + 1e-6) + 1e-6);
            let given = fit(&values, dynamic, alpha, Some(0.5));
            prop_assert!(given.squares <= squares(&values, dynamic, alpha, 0.5, first) * (1.0 + 1e-6) + 1e-6);
        }
    }
}
