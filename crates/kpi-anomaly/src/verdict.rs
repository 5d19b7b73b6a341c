//! The verdict on a point, and how residuals become verdicts.

use crate::calibration::Calibration;
use crate::robust::{median, scale};
use crate::{Direction, Kind};

/// What makes a point an anomaly, with the numbers that say so, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    /// The value is far from what it should be.
    Distance,
    /// The level is another one from here on.
    Shift {
        /// The level before and after.
        levels: (f64, f64),
    },
    /// The level rises or falls at another pace from here on.
    Bend {
        /// Change per step before and after.
        slopes: (f64, f64),
    },
    /// The values scatter more or less from here on.
    Scatter {
        /// Robust standard deviations around the expected values before and after.
        deviations: (f64, f64),
    },
    /// A gap that is long for this series.
    Missing {
        /// Its length in steps.
        steps: usize,
        /// The longest of the other gaps.
        usual: usize,
    },
    /// The value is repeated more often than values of this series are.
    Still {
        /// Equal values in a row.
        steps: usize,
        /// The longest of the other runs of equal values.
        usual: usize,
    },
    /// A control chart left its limits.
    Chart {
        /// Which chart.
        chart: Chart,
    },
    /// The window around the point is unlike all others.
    Shape {
        /// Its length in steps.
        window: usize,
    },
    /// The point sticks out of the spectrum of its surroundings.
    Saliency,
    /// A forest of random cuts isolates the point early.
    Isolation,
}

/// A rule of a control chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// The exponentially weighted moving average.
    Average,
    /// The cumulative sum.
    Sum,
    /// One value far out.
    One,
    /// Two of three values far out on the same side.
    TwoOfThree,
    /// Four of five values out on the same side.
    FourOfFive,
    /// So many values in a row on the same side.
    Run,
}

/// The verdict on one point. Values are in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What the value should have been; `NaN` of a method that expects no value.
    pub expected: f64,
    /// Values below are anomalies; `NaN` of a method that does not judge single values.
    pub lower: f64,
    /// Values above are anomalies; see [`lower`](Verdict::lower).
    pub upper: f64,
    /// Distance from the expected value in robust standard deviations, positive above; `None` over a gap.
    pub deviation: Option<f64>,
    /// 1 less the probability of something at least as unusual, in [0, 1]; `None` over a gap that is not unusual itself.
    pub score: Option<f64>,
    /// Whether the score is above 1 less the threshold.
    pub is_anomaly: bool,
    /// What makes it an anomaly, if it is one.
    pub cause: Option<Cause>,
}

impl Verdict {
    /// What the anomaly is of; `None` when there is none.
    pub fn kind(&self) -> Option<Kind> {
        let side = |up: Kind, down: Kind| {
            if self.deviation.unwrap_or(0.0) < 0.0 {
                down
            } else {
                up
            }
        };
        Some(match self.cause? {
            Cause::Distance | Cause::Saliency | Cause::Isolation => side(Kind::Spike, Kind::Dip),
            Cause::Chart { chart: Chart::One } => side(Kind::Spike, Kind::Dip),
            Cause::Shift { .. } | Cause::Chart { .. } => Kind::LevelShift,
            Cause::Bend { .. } => Kind::TrendChange,
            Cause::Scatter { .. } => Kind::VarianceChange,
            Cause::Missing { .. } => Kind::MissingData,
            Cause::Still { .. } => Kind::FlatLine,
            Cause::Shape { .. } => Kind::UnusualShape,
        })
    }

    /// Nothing unusual, over a gap or where a method cannot say.
    pub(crate) fn unknown(expected: f64) -> Self {
        Self {
            expected,
            lower: f64::NAN,
            upper: f64::NAN,
            deviation: None,
            score: None,
            is_anomaly: false,
            cause: None,
        }
    }

    /// The point is an anomaly with this probability of being none, if that is rarer than what is already known of it.
    pub(crate) fn flag(&mut self, probability: f64, threshold: f64, cause: Cause) {
        let score = 1.0 - probability.clamp(0.0, 1.0);
        if score > 1.0 - threshold {
            self.score = Some(self.score.map_or(score, |own| own.max(score)));
            self.is_anomaly = true;
            self.cause = Some(cause);
        }
    }
}

/// Distances from expected values.
pub(crate) struct Residuals {
    pub(crate) expected: Vec<f64>,
    /// Robust standard deviation of the distance at each place; 0 for none.
    pub(crate) unit: Vec<f64>,
    /// Whether the two sides have tails of their own.
    pub(crate) sided: bool,
    /// Distances below this are none.
    pub(crate) rounding: f64,
}

impl Residuals {
    /// Verdicts on the values by the distribution of their own distances.
    pub(crate) fn verdicts(&self, values: &[f64], threshold: f64, direction: Direction) -> Vec<Verdict> {
        let deviations: Vec<f64> = self.deviations(values);
        let tails = if self.sided && direction == Direction::Both {
            vec![
                (Calibration::of(&deviations, Direction::Up), 2.0),
                (Calibration::of(&deviations, Direction::Down), 2.0),
            ]
        } else {
            vec![(Calibration::of(&deviations, direction), 1.0)]
        };
        // One tail for both sides, or one for each.
        let (up, down) = (&tails[0], &tails[tails.len() - 1]);
        let reach = |side: Direction, (tail, times): &(Calibration, f64)| match side.takes_side(direction) {
            true => tail.reach(threshold / times),
            false => f64::INFINITY,
        };
        let (high, low) = (reach(Direction::Up, up), reach(Direction::Down, down));
        let verdict = |(t, value): (usize, &f64)| {
            let (expected, unit) = (self.expected[t], self.unit[t]);
            // Nothing varies: a band without width, also where it has no end.
            let wide = |reach: f64| {
                if unit > 0.0 || reach.is_infinite() {
                    reach * unit.max(f64::MIN_POSITIVE)
                } else {
                    0.0
                }
            };
            let (lower, upper) = (expected - wide(low), expected + wide(high));
            let deviation = deviations[t];
            if !value.is_finite() || deviation.is_nan() {
                return Verdict {
                    lower,
                    upper,
                    ..Verdict::unknown(expected)
                };
            }
            let (tail, times) = if deviation < 0.0 { down } else { up };
            let score = 1.0 - (times * tail.probability(deviation)).min(1.0);
            let is_anomaly = score > 1.0 - threshold;
            Verdict {
                expected,
                lower,
                upper,
                deviation: Some(deviation),
                score: Some(score),
                is_anomaly,
                cause: is_anomaly.then_some(Cause::Distance),
            }
        };
        values.iter().enumerate().map(verdict).collect()
    }

    /// Distances in units of their scatter, `NaN` at gaps.
    pub(crate) fn deviations(&self, values: &[f64]) -> Vec<f64> {
        values
            .iter()
            .zip(&self.expected)
            .zip(&self.unit)
            .map(|((value, expected), unit)| {
                let residual = value - expected;
                if !residual.is_finite() {
                    f64::NAN
                } else if residual.abs() <= self.rounding {
                    0.0
                } else {
                    residual / unit
                }
            })
            .collect()
    }
}

/// Verdicts by how unusual something is (large where it is), on the side that the value is on, without a band. The unusual is taken to be as
/// often on either side.
pub(crate) fn by_rarity(
    values: &[f64],
    unusual: &[f64],
    expected: &[f64],
    request: &crate::Request,
    cause: Cause,
) -> Vec<Verdict> {
    let mut known: Vec<f64> = unusual.iter().copied().filter(|s| s.is_finite()).collect();
    let middle = median(&mut known).unwrap_or(0.0);
    known.iter_mut().for_each(|s| *s -= middle);
    let unit = scale(&mut known);
    let deviations: Vec<f64> = unusual
        .iter()
        .map(|s| if *s == middle { 0.0 } else { (s - middle) / unit })
        .collect();
    let tail = Calibration::of_rarity(&deviations);
    let share = if request.direction == Direction::Both {
        1.0
    } else {
        0.5
    };
    values
        .iter()
        .zip(deviations)
        .zip(expected)
        .map(|((value, deviation), expected)| {
            let mut verdict = Verdict::unknown(*expected);
            if value.is_finite() && deviation.is_finite() {
                let off = value - expected;
                let probability = if request.direction.takes(off) || (off.is_nan() && share == 1.0) {
                    share * tail.probability(deviation)
                } else {
                    1.0
                };
                let score = 1.0 - probability;
                verdict.deviation = Some(if off.is_nan() {
                    deviation
                } else {
                    deviation.copysign(off)
                });
                verdict.score = Some(score);
                verdict.is_anomaly = score > 1.0 - request.threshold;
                verdict.cause = verdict.is_anomaly.then_some(cause);
            }
            verdict
        })
        .collect()
}
