//! The side on which values may be anomalies.

use crate::Error;
use std::str::FromStr;

/// The side of the expected value on which a value may be an anomaly.
///
/// ```
/// use kpi_anomaly::Direction;
/// assert_eq!("down".parse::<Direction>().unwrap(), Direction::Down);
/// assert!(Direction::Up.takes(1.0) && !Direction::Up.takes(-1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Above and below.
    #[default]
    Both,
    /// Only above.
    Up,
    /// Only below.
    Down,
}

impl Direction {
    const ALL: [(&'static str, Self); 3] = [("both", Self::Both), ("up", Self::Up), ("down", Self::Down)];

    /// The name that a user types.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// Whether a value that is off by `deviation` (positive above) is on this side.
    pub fn takes(self, deviation: f64) -> bool {
        match self {
            Self::Both => true,
            Self::Up => deviation > 0.0,
            Self::Down => deviation < 0.0,
        }
    }

    /// Whether this side, up or down, is one that `asked` looks at.
    pub(crate) fn takes_side(self, asked: Self) -> bool {
        asked == Self::Both || asked == self
    }
}

impl FromStr for Direction {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, direction)| *direction)
            .ok_or_else(|| Error::UnknownDirection {
                name: name.to_owned(),
            })
    }
}
