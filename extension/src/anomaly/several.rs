//! `kpi.anomalies` of several series: moments that stand out, and the series that drive them.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

use kpi_anomaly::DEFAULT_THRESHOLD;
use kpi_anomaly::several::{SeveralDetection, detect_several, reason};
use kpi_forecast::Error as GridError;
use kpi_forecast::grid::{Grid, values_at};
use kpi_series::MAX_POINTS;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;
use crate::forecast::{poll, timestamp};
use crate::series::{Series, time_zone};

pgrx::extension_sql_file!(
    "../../../sql/anomaly/several.sql",
    name = "anomaly_several",
    requires = ["anomaly", "forecast"]
);

/// The columns of a moment.
type Row = (
    TimestampWithTimeZone,
    Vec<Option<f64>>,
    Option<f64>,
    bool,
    Option<Vec<String>>,
    Option<String>,
);

/// `zone` is the time zone whose days and months the steps are, that of the session when NULL.
#[pg_extern(sql = false)]
fn anomaly_several(
    series: Option<Vec<Option<Series>>>,
    names: Option<Vec<Option<String>>>,
    method: Option<&str>,
    threshold: Option<f64>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(values, Vec<Option<f64>>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(drivers, Option<Vec<String>>),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let series: Vec<kpi_series::Series> = series
        .into_iter()
        .map(|series| series.map_or_else(empty, |series| Ok(series.0)))
        .collect::<Result<_, Error>>()?;
    let names = named(names, series.len())?;
    let moments = Moments::of(&series, zone)?;
    let found = detect_several(
        &moments.values,
        method.unwrap_or("auto").parse().map_err(Error::from)?,
        threshold.unwrap_or(DEFAULT_THRESHOLD),
        &moments.seasons,
        &mut poll,
    )
    .map_err(Error::from)?;
    // Rows are made as they are read: there may be millions of them.
    Ok(TableIterator::new(
        (0..moments.shown.len()).map(move |row| moments.row(row, &names, &found)),
    ))
}

fn empty() -> Result<kpi_series::Series, Error> {
    Ok(kpi_series::Series::from_points(Vec::new())?)
}

/// The names of the series: those given, or their numbers.
fn named(names: Option<Vec<Option<String>>>, count: usize) -> Result<Vec<String>, Error> {
    let Some(names) = names else {
        return Ok((1..=count).map(|number| number.to_string()).collect());
    };
    let given = names.len();
    let names: Vec<String> = names.into_iter().flatten().collect();
    if names.len() == count && given == count {
        return Ok(names);
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "there must be a name for each series",
    )
    .detail(format!("There are {count} series and {} names.", names.len()))
    .hint("Give as many names as series, in the same order, none of them NULL, or leave names out."))
}

/// Several series on one grid.
struct Moments {
    /// Time and place of each moment at which one of the series has a point.
    shown: Vec<(i64, usize)>,
    values: Vec<Vec<f64>>,
    seasons: Vec<usize>,
}

impl Moments {
    fn of(series: &[kpi_series::Series], zone: Option<&str>) -> Result<Self, Error> {
        let mut times: Vec<i64> = series.iter().flat_map(|series| series.times()).copied().collect();
        times.sort_unstable();
        times.dedup();
        let all = kpi_series::Series::from_points(times.iter().map(|time| (*time, None)).collect())?;
        let zone = time_zone(zone)?;
        let grid = match Grid::align(&all, &zone, MAX_POINTS) {
            Ok(grid) => Some(grid),
            // Without a regular step the order of the moments still says what is usual.
            Err(GridError::NoStep { .. } | GridError::TooShort { .. } | GridError::Empty { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(grid) = grid else {
            return Ok(Self {
                values: series.iter().map(|series| values_at(series, &times)).collect(),
                shown: times
                    .into_iter()
                    .enumerate()
                    .map(|(place, time)| (time, place))
                    .collect(),
                seasons: Vec::new(),
            });
        };
        let steps = grid.times(0, &zone)?;
        let mut places: Vec<usize> = (0..grid.points()).filter_map(|point| grid.place(point)).collect();
        places.dedup();
        let shown = places
            .into_iter()
            .filter_map(|place| Some((*steps.get(place)?, place)));
        Ok(Self {
            shown: shown.collect(),
            values: series.iter().map(|series| values_at(series, &steps)).collect(),
            seasons: grid.expected_seasons(),
        })
    }

    fn row(&self, row: usize, names: &[String], found: &SeveralDetection) -> Row {
        let (time, place) = self.shown.get(row).copied().unwrap_or_default();
        let values: Vec<f64> = self
            .values
            .iter()
            .map(|values| values.get(place).copied().unwrap_or(f64::NAN))
            .collect();
        let shown = values
            .iter()
            .map(|value| value.is_finite().then_some(*value))
            .collect();
        let Some(verdict) = found.verdicts.get(place) else {
            return (timestamp(time), shown, None, false, None, None);
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let components: Vec<_> = found
            .components
            .iter()
            .filter_map(|all| all.get(place).copied())
            .collect();
        let drivers = verdict.is_anomaly.then(|| {
            let named = verdict.drivers.iter().filter_map(|driver| names.get(*driver));
            named.map(|name| (*name).to_owned()).collect()
        });
        (
            timestamp(time),
            shown,
            verdict.score,
            verdict.is_anomaly,
            drivers,
            reason(&names, &values, verdict, &components),
        )
    }
}
