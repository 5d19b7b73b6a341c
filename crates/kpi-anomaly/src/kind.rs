//! What is strange about a point.

use std::fmt;

/// What an anomaly is of.
///
/// ```
/// use kpi_anomaly::Kind;
/// assert_eq!(Kind::LevelShift.to_string(), "level shift");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One value, or a few, far above what they should be.
    Spike,
    /// One value, or a few, far below what they should be.
    Dip,
    /// The values stay higher or lower from here on.
    LevelShift,
    /// The values rise or fall faster or slower from here on.
    TrendChange,
    /// The values scatter more or less from here on.
    VarianceChange,
    /// No values where there should be some.
    MissingData,
    /// Values that always moved stand still.
    FlatLine,
    /// Each value is usual, their course is not.
    UnusualShape,
}

impl Kind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Spike,
        Self::Dip,
        Self::LevelShift,
        Self::TrendChange,
        Self::VarianceChange,
        Self::MissingData,
        Self::FlatLine,
        Self::UnusualShape,
    ];

    /// The name that a user sees.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Dip => "dip",
            Self::LevelShift => "level shift",
            Self::TrendChange => "trend change",
            Self::VarianceChange => "variance change",
            Self::MissingData => "missing data",
            Self::FlatLine => "flat line",
            Self::UnusualShape => "unusual shape",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
