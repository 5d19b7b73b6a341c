//! The ways to reconcile, by name.

use super::HierarchyError;
use std::fmt;
use std::str::FromStr;

/// How base forecasts are made to add up.
///
/// ```
/// use kpi_forecast::reconcile::Method;
/// assert_eq!("mint_shrink".parse::<Method>().unwrap(), Method::MintShrink);
/// assert!("mint".parse::<Method>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The leaves' forecasts are kept, sums are their sums.
    BottomUp,
    /// The root's forecast is kept, and handed down in the proportions of the base forecasts of each parent's children
    /// (Athanasopoulos, Ahmed & Hyndman 2009, *International Journal of Forecasting* 25:146-166).
    TopDown,
    /// Minimum trace with W = I: ordinary least squares (Hyndman, Ahmed, Athanasopoulos & Shang 2011, *Computational
    /// Statistics & Data Analysis* 55:2579-2589).
    Ols,
    /// Minimum trace with the number of leaves of a node as the variance of its error.
    WlsStruct,
    /// Minimum trace with the variances of the errors, as if errors of different nodes had nothing to do with each other.
    WlsVar,
    /// Minimum trace with the covariances of the errors, shrunk towards [`WlsVar`](Method::WlsVar).
    MintShrink,
}

impl Method {
    const ALL: [(&'static str, Self); 6] = [
        ("bottom_up", Self::BottomUp),
        ("top_down", Self::TopDown),
        ("ols", Self::Ols),
        ("wls_struct", Self::WlsStruct),
        ("wls_var", Self::WlsVar),
        ("mint_shrink", Self::MintShrink),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::ALL.iter().find(|(_, method)| method == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

impl FromStr for Method {
    type Err = HierarchyError;

    fn from_str(name: &str) -> Result<Self, HierarchyError> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, method)| *method)
            .ok_or_else(|| HierarchyError::UnknownMethod {
                name: name.to_owned(),
            })
    }
}
