//! `kpi.features`: a series in one row of numbers.

use kpi_forecast::MAX_HISTORY;
use kpi_forecast::features::features;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::decompose::align;
use super::poll;
use crate::error::Error;
use crate::series::{Series, time_zone};

/// `zone` is the time zone whose days and months the steps are, the session's when NULL.
#[pg_extern(sql = false)]
fn features_series(
    series: Option<Series>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(length, i32),
            name!(gaps, i32),
            name!(mean, Option<f64>),
            name!(variance, Option<f64>),
            name!(season, Vec<i32>),
            name!(trend_strength, Option<f64>),
            name!(seasonal_strength, Vec<f64>),
            name!(spikiness, Option<f64>),
            name!(linearity, Option<f64>),
            name!(curvature, Option<f64>),
            name!(acf1, Option<f64>),
            name!(acf10, Option<f64>),
            name!(diff1_acf1, Option<f64>),
            name!(seasonal_acf1, Option<f64>),
            name!(pacf5, Option<f64>),
            name!(spectral_entropy, Option<f64>),
            name!(hurst, Option<f64>),
            name!(lumpiness, Option<f64>),
            name!(stability, Option<f64>),
            name!(crossing_points, i32),
            name!(flat_spots, i32),
            name!(kpss, Option<f64>),
            name!(differences, i32),
            name!(seasonal_differences, i32),
            name!(adi, Option<f64>),
            name!(cv2, Option<f64>),
            name!(demand, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let grid = align(&series, &time_zone(zone)?, MAX_HISTORY)?;
    let f = features(&grid.values, &grid.expected_seasons(), &mut poll).map_err(Error::from)?;
    let demand = f.demand().map(str::to_owned);
    Ok(TableIterator::once((
        f.length as i32,
        f.gaps as i32,
        f.mean,
        f.variance,
        f.seasons.iter().map(|m| *m as i32).collect(),
        f.trend_strength,
        f.seasonal_strength,
        f.spikiness,
        f.linearity,
        f.curvature,
        f.acf1,
        f.acf10,
        f.diff1_acf1,
        f.seasonal_acf1,
        f.pacf5,
        f.spectral_entropy,
        f.hurst,
        f.lumpiness,
        f.stability,
        f.crossing_points as i32,
        f.flat_spots as i32,
        f.kpss,
        f.differences as i32,
        f.seasonal_differences as i32,
        f.adi,
        f.cv2,
        demand,
    )))
}
