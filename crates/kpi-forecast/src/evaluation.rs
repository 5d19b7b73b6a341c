//! How models would have done at past points of a series, in the measures by which people compare forecasts.

use crate::options::Options;
use crate::{Error, Point, Request, fan};
use std::str::FromStr;

/// A measure of forecasts, of which less is better.
///
/// ```
/// use kpi_forecast::evaluation::Metric;
/// assert_eq!("mase".parse::<Metric>().unwrap(), Metric::Mase);
/// assert!("mas".parse::<Metric>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// [`Fold::smape`].
    Smape,
    /// [`Fold::mase`].
    Mase,
    /// [`Fold::rmse`].
    Rmse,
    /// [`Fold::mae`].
    Mae,
    /// [`Fold::bias`], without its sign.
    Bias,
}

impl Metric {
    const ALL: [(&'static str, Self); 5] = [
        ("smape", Self::Smape),
        ("mase", Self::Mase),
        ("rmse", Self::Rmse),
        ("mae", Self::Mae),
        ("bias", Self::Bias),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }

    /// The mean over folds that have the measure, infinite where none has.
    pub fn mean(self, folds: &[Fold]) -> f64 {
        let of = |fold: &Fold| match self {
            Self::Smape => fold.smape,
            Self::Mase => fold.mase,
            Self::Rmse => fold.rmse,
            Self::Mae => fold.mae,
            Self::Bias => fold.bias.map(f64::abs),
        };
        let known: Vec<f64> = folds.iter().filter_map(of).collect();
        match known.len() {
            0 => f64::INFINITY,
            count => known.iter().sum::<f64>() / count as f64,
        }
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known
            .map(|(_, metric)| *metric)
            .ok_or_else(|| Error::UnknownMetric {
                name: name.to_owned(),
            })
    }
}

/// One forecast from a past point, and how far it was off. Measures that need a value are `None` where all that came is gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// The model that made the forecast: what `auto` took.
    pub model: String,
    /// Mean of `200 |y - f| / (|y| + |f|)`, percent; 0 where both are 0.
    pub smape: Option<f64>,
    /// Mean absolute error in mean absolute errors of the seasonal naive within the history (Hyndman & Koehler 2006,
    /// *International Journal of Forecasting* 22:679-688); `None` too where that makes none.
    pub mase: Option<f64>,
    /// Root of the mean squared error.
    pub rmse: Option<f64>,
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Mean of forecast less what came.
    pub bias: Option<f64>,
    /// Share of what came that was within the band.
    pub coverage: Option<f64>,
}

/// Where the histories of `folds` forecasts of `horizon` steps end, the oldest first: what is forecast is the end of `n` steps, cut
/// into pieces that do not overlap.
///
/// # Errors
/// [`Error::NoFolds`] unless there is at least one, and [`Error::Folds`] unless there are at least two values before the first.
///
/// ```
/// assert_eq!(kpi_forecast::evaluation::origins(30, 5, 3).unwrap(), [15, 20, 25]);
/// assert!(kpi_forecast::evaluation::origins(30, 10, 3).is_err());
/// ```
pub fn origins(n: usize, horizon: i64, folds: i64) -> Result<Vec<usize>, Error> {
    if folds < 1 {
        return Err(Error::NoFolds { folds });
    }
    let first = folds
        .checked_mul(horizon)
        .and_then(|ahead| i64::try_from(n).ok()?.checked_sub(ahead));
    match first {
        Some(first) if horizon >= 1 && first >= 2 => Ok((0..folds)
            .filter_map(|fold| usize::try_from(first + fold * horizon).ok())
            .collect()),
        _ => Err(Error::Folds {
            folds,
            horizon,
            length: n,
        }),
    }
}

/// Forecasts the values from `origin` on from those before it only, and compares. Values that are not finite are gaps: none is
/// compared.
///
/// # Errors
/// Those of [`forecast`](crate::forecast()).
///
/// ```
/// use kpi_forecast::{Model, Request, evaluation::fold};
/// let request = Request { horizon: 2, model: Model::Naive, level: 0.95, season: Some(1) };
/// let fold = fold(&[1.0, 2.0, 3.0, 4.0, 6.0, 8.0], 4, &request, &[], &mut || false).unwrap();
/// assert_eq!((fold.mae, fold.bias, fold.mase), (Some(3.0), Some(-3.0), Some(3.0)));
/// ```
pub fn fold(
    values: &[f64],
    origin: usize,
    request: &Request,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Fold, Error> {
    fold_with(
        values,
        origin,
        request,
        &Options::default(),
        expected_seasons,
        poll,
    )
}

/// The same with options. The coverage is that of the first level.
///
/// # Errors
/// Those of [`fan`](crate::fan()).
///
/// ```
/// use kpi_forecast::{Model, Request, bounds::Bounds, evaluation::fold_with, options::Options};
/// let request = Request { horizon: 2, model: Model::Drift, level: 0.95, season: Some(1) };
/// let bounds = Bounds { lower: Some(0.0), upper: None };
/// let options = Options { bounds, ..Options::default() };
/// let fold = fold_with(&[5.0, 3.0, 1.0, 0.0, 0.0], 3, &request, &options, &[], &mut || false).unwrap();
/// assert_eq!(fold.mae, Some(0.0));
/// ```
pub fn fold_with(
    values: &[f64],
    origin: usize,
    request: &Request,
    options: &Options,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Fold, Error> {
    let (history, came) = values.split_at(origin.min(values.len()));
    let made = fan(history, request, options, expected_seasons, poll)?;
    let ends = made.bands.iter().flat_map(|band| &band.ends);
    let compared: Vec<(f64, Point)> = came
        .iter()
        .zip(made.values.iter().zip(ends))
        .filter(|(y, _)| y.is_finite())
        .map(|(y, (value, (lower, upper)))| {
            let point = Point {
                value: *value,
                lower: *lower,
                upper: *upper,
            };
            (*y, point)
        })
        .collect();
    let mean = |of: &dyn Fn(f64, &Point) -> f64| {
        let sum: f64 = compared.iter().map(|(y, point)| of(*y, point)).sum();
        (!compared.is_empty()).then(|| sum / compared.len() as f64)
    };
    let mae = mean(&|y, point| (y - point.value).abs());
    let scale = naive_error(history, made.season);
    Ok(Fold {
        model: made.model,
        smape: mean(&|y, point| {
            let size = y.abs() + point.value.abs();
            if size > 0.0 {
                200.0 * (y - point.value).abs() / size
            } else {
                0.0
            }
        }),
        mase: mae.zip(scale).map(|(mae, scale)| mae / scale),
        rmse: mean(&|y, point| (y - point.value).powi(2)).map(f64::sqrt),
        mae,
        bias: mean(&|y, point| point.value - y),
        coverage: mean(&|y, point| f64::from(u8::from((point.lower..=point.upper).contains(&y)))),
    })
}

/// Mean absolute error of the seasonal naive within a history; `None` where there is none.
fn naive_error(history: &[f64], season: usize) -> Option<f64> {
    let later = history.get(season.max(1)..).unwrap_or_default();
    let errors: Vec<f64> = history
        .iter()
        .zip(later)
        .map(|(a, b)| (b - a).abs())
        .filter(|error| error.is_finite())
        .collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    (mean > 0.0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    const NAIVE: Request = Request {
        horizon: 3,
        model: Model::Naive,
        level: 0.95,
        season: Some(1),
    };

    #[test]
    fn gaps_are_not_compared() {
        let values = [5.0, 7.0, 6.0, f64::NAN, 8.0, f64::INFINITY];
        let found = fold(&values, 3, &NAIVE, &[], &mut || false).unwrap();
        assert_eq!((found.mae, found.bias), (Some(2.0), Some(-2.0)));
        let found = fold(&[5.0, 7.0, 6.0, f64::NAN], 3, &NAIVE, &[], &mut || false).unwrap();
        assert_eq!((found.mae, found.smape, found.coverage), (None, None, None));
    }

    #[test]
    fn a_constant_has_no_scale() {
        let found = fold(&[4.0; 9], 6, &NAIVE, &[], &mut || false).unwrap();
        assert_eq!(
            (found.mae, found.mase, found.coverage),
            (Some(0.0), None, Some(1.0))
        );
        let found = fold(&[0.0; 9], 6, &NAIVE, &[], &mut || false).unwrap();
        assert_eq!(found.smape, Some(0.0));
    }

    #[test]
    fn folds_that_cannot_be_are_refused() {
        for (n, horizon, folds) in [
            (10, 5, 2),
            (10, 1, 0),
            (10, 0, 1),
            (10, -1, 1),
            (0, 1, 1),
            (10, i64::MAX, 2),
        ] {
            assert!(origins(n, horizon, folds).is_err(), "{n} {horizon} {folds}");
        }
        assert_eq!(origins(10, 4, 2).unwrap(), [2, 6]);
    }
}
