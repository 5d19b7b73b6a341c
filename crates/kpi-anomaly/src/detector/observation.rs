//! What a detector says of a point.

use crate::Kind;
use crate::reason::number;

/// What a detector says of a point. Values are in the unit of the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// What the value should have been; `None` for the first values.
    pub expected: Option<f64>,
    /// Values below would be anomalies by themselves.
    pub lower: Option<f64>,
    /// Values above would be anomalies by themselves.
    pub upper: Option<f64>,
    /// 1 less the probability of something as unusual, in [0, 1]; `None` in warm-up and for gaps.
    pub score: Option<f64>,
    /// Whether the score is at least 1 less the threshold.
    pub is_anomaly: bool,
    /// What the anomaly is of; `None` when it is none.
    pub kind: Option<Kind>,
    /// Whether too little has been seen to judge.
    pub warming_up: bool,
    /// Distance from the expected value in usual deviations, positive above; `None` without an expectation.
    pub deviation: Option<f64>,
    /// Steps in the season that the expectation knows of, 1 for none.
    pub season: usize,
}

impl Observation {
    /// A sentence on why `value` is an anomaly, `None` when it is none.
    pub fn reason(&self, value: f64) -> Option<String> {
        let kind = self.kind?;
        let (expected, deviation) = (self.expected?, self.deviation?);
        let season = match self.season {
            0 | 1 => String::new(),
            steps => format!(" ({steps}-step season)"),
        };
        let side = if deviation > 0.0 { "above" } else { "below" };
        let (seen, usual) = (number(value, 4), number(expected, 4));
        let distance = number((value - expected).abs(), 3);
        Some(match kind {
            Kind::LevelShift => {
                format!("the last values stay {side} what is expected: {seen} against {usual}{season}")
            }
            Kind::VarianceChange => {
                format!("the last values scatter unlike before: {seen} against the expected {usual}{season}")
            }
            _ => format!(
                "{seen} is {distance} {side} the expected {usual}{season}, {} usual deviations",
                number(deviation.abs(), 2)
            ),
        })
    }
}
