//! The likeliest parameters, given the values and the priors.

use super::active_set::{self, Penalty};
use super::trend::Trend;
use crate::Error;
use crate::decomposition::Kind;
use crate::model::unless_canceled;

/// Standard deviations of the priors: of rate and offset of the trend, of an effect (for values of about 1), of the noise; and the
/// scale of the Laplace prior of a change of the rate. They are the defaults of the paper's software.
const TREND: f64 = 5.0;
const EFFECT: f64 = 10.0;
const NOISE: f64 = 0.5;
const CHANGE: f64 = 0.05;
/// The noise is not taken as smaller: the likelihood of a perfect fit has no end.
const LEAST_NOISE: f64 = 1e-6;
/// Rounds at most, and the share of the criterion by which the last one lowers it less.
const ROUNDS: usize = 200;
const SETTLED: f64 = 1e-10;

/// What the parameters are fitted to. Values and columns are in units of about 1.
pub struct Problem<'a> {
    /// The values.
    pub values: &'a [f64],
    /// The capacity of logistic curves, `None` for lines.
    pub cap: Option<f64>,
    /// Change points in shares of the history.
    pub points: &'a [f64],
    /// Columns of effects, each as long as the values.
    pub columns: &'a [Vec<f64>],
    /// Whether effects are added to the trend or are shares of it.
    pub kind: Kind,
}

/// The likeliest parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Rate and offset of the trend, its changes, then the effects.
    pub all: Vec<f64>,
    /// Standard deviation of the noise.
    pub noise: f64,
    /// Minus the logarithm of the posterior density, but for a constant.
    pub criterion: f64,
}

impl Problem<'_> {
    /// Parameters of the trend.
    fn trend_size(&self) -> usize {
        2 + self.points.len()
    }

    /// The trend that some parameters make.
    pub fn trend(&self, all: &[f64]) -> Trend {
        let at = |i: usize| all.get(i).copied().unwrap_or(0.0);
        let changes = all.get(2..self.trend_size()).unwrap_or_default();
        Trend::new(self.cap, at(0), at(1), self.points, changes)
    }

    fn time(&self, step: usize) -> f64 {
        step as f64 / self.values.len().saturating_sub(1).max(1) as f64
    }

    fn trend_values(&self, all: &[f64]) -> Vec<f64> {
        let trend = self.trend(all);
        (0..self.values.len()).map(|t| trend.at(self.time(t))).collect()
    }

    /// The sum of all effects at each step.
    fn effects(&self, all: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.values.len()];
        for (column, effect) in self
            .columns
            .iter()
            .zip(all.get(self.trend_size()..).unwrap_or_default())
        {
            if *effect != 0.0 {
                for (sum, x) in sums.iter_mut().zip(column) {
                    *sum += effect * x;
                }
            }
        }
        sums
    }

    fn together(&self, trend: &[f64], effects: &[f64]) -> Vec<f64> {
        let both = trend.iter().zip(effects);
        match self.kind {
            Kind::Additive => both.map(|(g, s)| g + s).collect(),
            Kind::Multiplicative => both.map(|(g, s)| g * (1.0 + s)).collect(),
        }
    }

    /// The sum of squared errors of a curve.
    fn squares(&self, curve: &[f64]) -> f64 {
        self.values.iter().zip(curve).map(|(y, f)| (y - f).powi(2)).sum()
    }

    /// Minus the logarithms of the priors of all but the noise.
    fn prior(&self, all: &[f64]) -> f64 {
        let size = self.trend_size();
        all.iter()
            .enumerate()
            .map(|(j, x)| match j {
                0 | 1 => x * x / (2.0 * TREND * TREND),
                j if j < size => x.abs() / CHANGE,
                _ => x * x / (2.0 * EFFECT * EFFECT),
            })
            .sum()
    }

    fn criterion(&self, all: &[f64], squares: f64, noise: f64) -> f64 {
        let n = self.values.len() as f64;
        n * noise.ln()
            + squares / (2.0 * noise * noise)
            + noise * noise / (2.0 * NOISE * NOISE)
            + self.prior(all)
    }

    /// The noise that is the likeliest for a sum of squared errors: where the derivative of the criterion is 0.
    fn likeliest_noise(&self, squares: f64) -> f64 {
        let n = self.values.len() as f64;
        let precision = 1.0 / (NOISE * NOISE);
        let square = ((n * n + 4.0 * precision * squares).sqrt() - n) / (2.0 * precision);
        square.sqrt().max(LEAST_NOISE)
    }

    /// How the curve changes with each parameter, one column for each.
    fn slopes(&self, all: &[f64], trend: &[f64], effects: &[f64]) -> Vec<Vec<f64>> {
        let n = self.values.len();
        let share = |t: usize| match self.kind {
            Kind::Additive => 1.0,
            Kind::Multiplicative => 1.0 + effects[t],
        };
        let mut slopes: Vec<Vec<f64>> = Vec::with_capacity(all.len());
        if self.cap.is_none() {
            slopes.push((0..n).map(|t| self.time(t) * share(t)).collect());
            slopes.push((0..n).map(share).collect());
            for point in self.points {
                slopes.push(
                    (0..n)
                        .map(|t| (self.time(t) - point).max(0.0) * share(t))
                        .collect(),
                );
            }
        } else {
            const STEP: f64 = 1e-6;
            let mut moved = all.to_vec();
            for j in 0..self.trend_size() {
                moved[j] += STEP;
                let there = self.trend_values(&moved);
                moved[j] -= 2.0 * STEP;
                let back = self.trend_values(&moved);
                moved[j] = all[j];
                slopes.push(
                    (0..n)
                        .map(|t| (there[t] - back[t]) / (2.0 * STEP) * share(t))
                        .collect(),
                );
            }
        }
        for column in self.columns {
            slopes.push(match self.kind {
                Kind::Additive => column.clone(),
                Kind::Multiplicative => column.iter().zip(trend).map(|(x, g)| x * g).collect(),
            });
        }
        slopes
    }

    /// Steps of Gauss and Newton, each to the minimum of the criterion with the curve made linear in the parameters, absolute values and
    /// all, and as far along as lowers the criterion; with them the noise, at its likeliest. Where the curve is linear (lines and
    /// added effects) each step ends at the minimum for its noise.
    ///
    /// # Errors
    /// [`Error::Canceled`] when `poll` returns true.
    pub fn maximize(&self, start: Vec<f64>, poll: &mut dyn FnMut() -> bool) -> Result<Parameters, Error> {
        let size = self.trend_size();
        let penalty = Penalty {
            first: 2,
            last: size,
            weight: 1.0 / CHANGE,
        };
        let is_linear = self.cap.is_none() && self.kind == Kind::Additive;
        let mut all = start;
        let (mut trend, mut effects) = (self.trend_values(&all), self.effects(&all));
        let mut squares = self.squares(&self.together(&trend, &effects));
        // From the noisiest on, so that of two minima the one with the fewer change points is found.
        let mut noise = 1.0;
        let mut criterion = self.criterion(&all, squares, noise);
        let mut slopes = self.slopes(&all, &trend, &effects);
        let mut known = products(&slopes, poll)?;
        for _ in 0..ROUNDS {
            unless_canceled(poll)?;
            let precision = 1.0 / (noise * noise);
            let mut hessian: Vec<Vec<f64>> = known.iter().map(|row| scaled(row, precision)).collect();
            for (j, row) in hessian.iter_mut().enumerate() {
                row[j] += match j {
                    0 | 1 => 1.0 / (TREND * TREND),
                    j if j < size => 0.0,
                    _ => 1.0 / (EFFECT * EFFECT),
                };
            }
            let curve = self.together(&trend, &effects);
            let left: Vec<f64> = self.values.iter().zip(&curve).map(|(y, f)| y - f).collect();
            let linear: Vec<f64> = known
                .iter()
                .zip(&slopes)
                .map(|(row, slope)| (dot(row, &all) + dot(slope, &left)) * precision)
                .collect();
            let Some(there) = active_set::minimize(&hessian, &linear, penalty, &all) else {
                break;
            };
            let before = criterion;
            let mut length = 1.0;
            for _ in 0..30 {
                let next: Vec<f64> = all
                    .iter()
                    .zip(&there)
                    .map(|(a, b)| a + length * (b - a))
                    .collect();
                let (g, s) = (self.trend_values(&next), self.effects(&next));
                let left = self.squares(&self.together(&g, &s));
                let found = self.criterion(&next, left, noise);
                if found <= criterion {
                    (all, trend, effects, squares) = (next, g, s, left);
                    break;
                }
                length *= 0.5;
            }
            noise = self.likeliest_noise(squares);
            criterion = self.criterion(&all, squares, noise);
            if before - criterion <= SETTLED * (1.0 + criterion.abs()) {
                break;
            }
            if !is_linear {
                slopes = self.slopes(&all, &trend, &effects);
                known = products(&slopes, poll)?;
            }
        }
        Ok(Parameters {
            all,
            noise,
            criterion,
        })
    }
}

/// The products of columns with each other.
fn products(columns: &[Vec<f64>], poll: &mut dyn FnMut() -> bool) -> Result<Vec<Vec<f64>>, Error> {
    let width = columns.len();
    let mut products = vec![vec![0.0; width]; width];
    for i in 0..width {
        unless_canceled(poll)?;
        for j in 0..=i {
            let product = dot(&columns[i], &columns[j]);
            (products[i][j], products[j][i]) = (product, product);
        }
    }
    Ok(products)
}

fn scaled(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|x| x * factor).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
