//! What a series is made of: trend, seasons and remainder, from values with gaps.

use crate::arima::unit_root::is_constant;
use crate::stl::{Components, Options, decompose_with};
use crate::{Error, gaps, seasonality};

/// Seasons that one decomposition takes at most.
pub const MAX_SEASONS: usize = 10;
/// Values beyond this leave the range of a double when they are squared.
pub(crate) const LARGEST: f64 = 1e150;

/// How a series is to be taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Steps in each season, 1 for none; found from the data when `None`.
    pub seasons: Option<Vec<i64>>,
    /// Whether outliers lose their influence ([`Options::robust`]).
    pub robust: bool,
    /// See [`Options::seasonal_window`]; at least 3, and an even one is made odd.
    pub seasonal_window: Option<i64>,
    /// See [`Options::trend_window`]; at least 3, and an even one is made odd.
    pub trend_window: Option<i64>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            seasons: None,
            robust: true,
            seasonal_window: None,
            trend_window: None,
        }
    }
}

impl Request {
    /// Whether the windows and the number of seasons are in range, which can be said before there is a series.
    ///
    /// # Errors
    /// [`Error::Window`] and [`Error::Seasons`].
    pub fn check(&self) -> Result<(), Error> {
        for (name, window) in [
            ("seasonal_window", self.seasonal_window),
            ("trend_window", self.trend_window),
        ] {
            if let Some(window) = window.filter(|w| *w < 3) {
                return Err(Error::Window { name, window });
            }
        }
        match self.seasons.as_ref().map_or(0, Vec::len) {
            count if count > MAX_SEASONS => Err(Error::Seasons { count }),
            _ => Ok(()),
        }
    }
}

/// A series taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// Steps in each season, the shortest first.
    pub seasons: Vec<usize>,
    /// The parts, as long as the values; the remainder is `NaN` at a gap.
    pub components: Components,
}

/// Takes `values` apart, in which a value that is not finite is a gap.
///
/// Gaps are filled for the decomposition ([`gaps::fill`]) and have no remainder. Seasons that are not given are those of
/// [`seasonality::find`]. `expected` are seasons that the calendar suggests. Values that are all the same are their own
/// trend. Without any value all parts are `NaN`.
///
/// # Errors
/// [`Error::Season`] for one that does not fit twice, [`Error::Overflow`] for values beyond 1e150, those of
/// [`Request::check`], and [`Error::Canceled`] when `poll` returns true.
///
/// ```
/// use kpi_forecast::components::{Request, components};
/// let mut values: Vec<f64> = (0..48).map(|t| t as f64 + [5.0, -5.0, 3.0, -3.0][t % 4]).collect();
/// values[21] = f64::NAN; // would be 16
/// let parts = components(&values, &Request::default(), &[], &mut || false).unwrap();
/// assert_eq!(parts.seasons, [4]);
/// assert!((parts.components.trend[21] + parts.components.seasons[0][21] - 16.0).abs() < 0.5);
/// assert!(parts.components.remainder[21].is_nan());
/// ```
pub fn components(
    values: &[f64],
    request: &Request,
    expected: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Decomposition, Error> {
    request.check()?;
    let n = values.len();
    within_range(values)?;
    let seasons = match &request.seasons {
        Some(asked) => chosen(asked, n)?,
        None => {
            let mut found: Vec<usize> = seasonality::find(values, expected, poll)?
                .iter()
                .map(|season| season.period)
                .collect();
            found.sort_unstable();
            found
        }
    };
    let filled = gaps::fill(values, seasons.first().copied().unwrap_or(1));
    if filled.is_empty() || is_constant(&filled) {
        let trend = filled.first().copied().unwrap_or(f64::NAN);
        let part = if trend.is_nan() { trend } else { 0.0 };
        return Ok(Decomposition {
            components: Components {
                trend: vec![trend; n],
                seasons: vec![vec![part; n]; seasons.len()],
                remainder: values
                    .iter()
                    .map(|y| if y.is_finite() { 0.0 } else { f64::NAN })
                    .collect(),
                weights: vec![1.0; n],
            },
            seasons,
        });
    }
    let window = |asked: Option<i64>| asked.map(|w| usize::try_from(w).unwrap_or(usize::MAX).min(WIDEST));
    let base = if request.robust {
        Options::robust()
    } else {
        Options::default()
    };
    let options = Options {
        seasonal_window: window(request.seasonal_window),
        trend_window: window(request.trend_window),
        ..base
    };
    let mut components = decompose_with(&filled, &seasons, &options, poll)?;
    for (left, value) in components.remainder.iter_mut().zip(values) {
        if !value.is_finite() {
            *left = f64::NAN;
        }
    }
    Ok(Decomposition { seasons, components })
}

/// A window this wide is the same as one without end, whatever the series.
const WIDEST: usize = 1 << 40;

/// The seasons asked for, the shortest first, without those of one step.
fn chosen(asked: &[i64], length: usize) -> Result<Vec<usize>, Error> {
    let mut seasons = Vec::with_capacity(asked.len());
    for season in asked {
        let fits = usize::try_from(*season)
            .ok()
            .filter(|m| *m == 1 || (*m > 1 && m.checked_mul(2).is_some_and(|twice| twice <= length)));
        seasons.push(fits.ok_or(Error::Season {
            season: *season,
            length,
        })?);
    }
    seasons.retain(|m| *m > 1);
    seasons.sort_unstable();
    seasons.dedup();
    Ok(seasons)
}

/// Fails where squares would leave the range of a double.
pub(crate) fn within_range(values: &[f64]) -> Result<(), Error> {
    let largest = values
        .iter()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest > LARGEST {
        return Err(Error::Overflow { largest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64], seasons: Option<&[i64]>) -> Result<Decomposition, Error> {
        let request = Request {
            seasons: seasons.map(<[i64]>::to_vec),
            ..Request::default()
        };
        components(values, &request, &[], &mut || false)
    }

    #[test]
    fn few_values_and_none_have_an_answer() {
        assert!(of(&[], None).unwrap().components.trend.is_empty());
        let none = of(&[f64::NAN; 3], None).unwrap().components;
        assert!(none.trend.iter().chain(&none.remainder).all(|v| v.is_nan()));
        let one = of(&[f64::INFINITY, 5.0], None).unwrap().components;
        assert_eq!(one.trend, [5.0, 5.0]);
        assert!(one.remainder[0].is_nan() && one.remainder[1] == 0.0);
        let two = of(&[1.0, 3.0], None).unwrap().components;
        assert!((two.trend[0] - 1.0).abs() < 1e-9 && (two.trend[1] - 3.0).abs() < 1e-9);
        let flat = of(&[4.0; 20], Some(&[7])).unwrap();
        assert_eq!(
            (
                flat.components.trend[3],
                flat.components.seasons[0][3],
                flat.components.remainder[3]
            ),
            (4.0, 0.0, 0.0)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let values: Vec<f64> = (0..20).map(|t| f64::from(t * t % 7)).collect();
        for season in [0, -7, 11, i64::MAX, i64::MIN] {
            assert_eq!(
                of(&values, Some(&[7, season])),
                Err(Error::Season { season, length: 20 })
            );
        }
        assert_eq!(of(&values, Some(&[2; 11])), Err(Error::Seasons { count: 11 }));
        assert_eq!(of(&values, Some(&[7, 1, 7])).unwrap().seasons, [7]);
        assert!(of(&values, Some(&[])).unwrap().seasons.is_empty());
        assert_eq!(of(&[1.0, 1e200], None), Err(Error::Overflow { largest: 1e200 }));
        let narrow = Request {
            trend_window: Some(2),
            ..Request::default()
        };
        let error = Error::Window {
            name: "trend_window",
            window: 2,
        };
        assert_eq!(components(&values, &narrow, &[], &mut || false), Err(error));
        assert_eq!(
            components(&values, &Request::default(), &[], &mut || true),
            Err(Error::Canceled)
        );
    }

    proptest! {
            #[test]
            fn the_parts_add_up_to_the_values(
                values in prop::collection::vec(prop_oneof![4 => -1e3..1e3_f64, 1 => Just(f64::NAN)], 1..70),
                a in 1..9_i64, b in 1..30_i64, robust: bool, width in 3..1000_i64,
            ) {
                let fits = |m: &i64| 2 * *m as usize <= values.len();
                let seasons: Vec<i64> = [a, b].into_iter().filter(fits).collect();
                let request = Request { seasons: Some(seasons), robust, seasonal_window: Some(width), trend_window: None };
                let found = components(&values, &request, &[], &mut || false).unwrap();
                for (t, y) in values.iter().enumerate() {
                    let seasonal: f64 = found.components.seasons.iter().map(|part| part[t]).sum();
                    let whole = found.components.trend[t] + seasonal + found.components.remainder[t];
    let adds_up = if y.is_nan() { whole.is_nan() } else { (whole - y).abs() < 1e-8 * 1e3 };
                    prop_assert!(adds_up);
                    let weight = found.components.weights[t];
                    prop_assert!((0.0..=1.0).contains(&weight));
                }
            }
        }
}
