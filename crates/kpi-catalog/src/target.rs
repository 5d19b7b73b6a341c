//! A value held against its target.

use std::fmt;

/// Which values of a KPI are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
    /// Near the target is better.
    Range,
}

impl Direction {
    /// Reads `up`, `down` or `range`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "up" => Some(Self::Up),
            "down" => Some(Self::Down),
            "range" => Some(Self::Range),
            _ => None,
        }
    }
}

/// How a value stands to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The target is met.
    Ok,
    /// The target is missed, but not by more than the warning level allows.
    Warn,
    /// The target is missed.
    Bad,
}

impl Status {
    /// `ok`, `warn` or `bad`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Holds a value against its target.
///
/// For `Up` and `Down`, `warn` is the worst value that is only a warning. For `Range`, `warn` is the distance from the
/// target that is still met, and twice that distance is a warning. Without a target, or for NaN, there is no status.
///
/// ```
/// use kpi_catalog::{Direction, Status, status};
/// assert_eq!(status(97.0, Direction::Up, Some(95.0), Some(90.0)), Some(Status::Ok));
/// assert_eq!(status(0.8, Direction::Down, Some(0.5), Some(1.0)), Some(Status::Warn));
/// assert_eq!(status(40.0, Direction::Range, Some(20.0), Some(5.0)), Some(Status::Bad));
/// assert_eq!(status(40.0, Direction::Up, None, None), None);
/// ```
pub fn status(value: f64, direction: Direction, target: Option<f64>, warn: Option<f64>) -> Option<Status> {
    let target = target?;
    if value.is_nan() {
        return None;
    }
    let (met, nearly) = match direction {
        Direction::Up => (value >= target, warn.is_some_and(|w| value >= w)),
        Direction::Down => (value <= target, warn.is_some_and(|w| value <= w)),
        Direction::Range => {
            let distance = (value - target).abs();
            let allowed = warn.unwrap_or(0.0).abs();
            (distance <= allowed, distance <= 2.0 * allowed)
        }
    };
    Some(match (met, nearly) {
        (true, _) => Status::Ok,
        (false, true) => Status::Warn,
        (false, false) => Status::Bad,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_the_edge_meets_the_target() {
        for direction in [Direction::Up, Direction::Down, Direction::Range] {
            assert_eq!(status(5.0, direction, Some(5.0), None), Some(Status::Ok));
        }
    }

    #[test]
    fn nan_and_infinities() {
        assert_eq!(status(f64::NAN, Direction::Up, Some(1.0), None), None);
        assert_eq!(
            status(f64::INFINITY, Direction::Up, Some(1.0), None),
            Some(Status::Ok)
        );
        assert_eq!(
            status(f64::INFINITY, Direction::Range, Some(1.0), Some(1.0)),
            Some(Status::Bad)
        );
    }
}
