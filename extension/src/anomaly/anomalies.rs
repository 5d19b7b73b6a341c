//! `kpi.anomalies`: every point of a series with its verdict.

use crate::error::Error;
use crate::forecast::{poll, timestamp};
use crate::series::{Series, time_zone};
use kpi_anomaly::reason::reason;
use kpi_anomaly::{Cause, DEFAULT_THRESHOLD, Detection, Request, Verdict, detect};
use kpi_forecast::grid::Grid;
use pgrx::AnyElement;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{align, options};

/// The columns of kpi.anomaly_point.
pub(super) type Row = (
    TimestampWithTimeZone,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    bool,
    Option<String>,
    Option<String>,
);

/// `zone` is the time zone whose days and months the steps are, the session's when NULL.
#[pg_extern(sql = false)]
fn anomalies_series(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
    direction: Option<&str>,
    season: Option<i32>,
    json: Option<AnyElement>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(expected, Option<f64>),
            name!(lower, Option<f64>),
            name!(upper, Option<f64>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(kind, Option<String>),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let request = Request {
        method: method.unwrap_or("auto").parse().map_err(Error::from)?,
        threshold: threshold.unwrap_or(DEFAULT_THRESHOLD),
        direction: direction.unwrap_or("both").parse().map_err(Error::from)?,
        season: season.map(i64::from),
        options: options::options(json)?,
    };
    Ok(TableIterator::new(judge(series, &request, zone)?.rows()))
}

/// A series with its verdicts.
pub(super) struct Judged {
    series: Series,
    grid: Grid,
    detection: Detection,
    /// The first steps of long gaps without any point, each with its time and the point before which it is.
    holes: Vec<Hole>,
}

#[derive(Clone, Copy)]
struct Hole {
    before: usize,
    time: i64,
    place: usize,
}

pub(super) fn judge(series: Series, request: &Request, zone: Option<&str>) -> Result<Judged, Error> {
    request.check()?;
    let zone = time_zone(zone)?;
    let grid = align(&series, &zone)?;
    let detection = detect(&grid.values, request, &grid.expected_seasons(), &mut poll)?;
    let mut judged = Judged {
        series,
        grid,
        detection,
        holes: Vec::new(),
    };
    judged.holes = judged.missing(&zone)?;
    Ok(judged)
}

impl Judged {
    /// A gap that is missing data has no row where the series has no points: it gets one at its first step.
    fn missing(&self, zone: &jiff::tz::TimeZone) -> Result<Vec<Hole>, Error> {
        let verdicts = &self.detection.verdicts;
        let is_missing = |place: usize| {
            let cause = verdicts.get(place).and_then(|v| v.cause);
            matches!(cause, Some(Cause::Missing { .. }))
        };
        let first = self.series.len() - self.grid.points();
        let mut holes = Vec::new();
        let mut next = 0;
        for point in 0..self.grid.points() {
            let Some(place) = self.grid.place(point) else {
                continue;
            };
            if place > next && is_missing(next) && (next == 0 || !is_missing(next - 1)) {
                holes.push(Hole {
                    before: first + point,
                    time: self.grid.time_at(next, zone)?,
                    place: next,
                });
            }
            next = place + 1;
        }
        Ok(holes)
    }

    /// A row for each point and each hole, in time order. Rows are made as they are read: a series may have millions of points.
    fn rows(mut self) -> impl Iterator<Item = Row> + 'static {
        let holes = std::mem::take(&mut self.holes);
        let mut waiting = holes.into_iter().peekable();
        let mut point = 0;
        std::iter::from_fn(move || {
            if let Some(hole) = waiting.next_if(|hole| hole.before == point) {
                return self.hole(hole);
            }
            (point < self.series.len()).then(|| {
                point += 1;
                self.point(point - 1)
            })
        })
    }

    /// A row for each point.
    pub(super) fn points(self) -> impl Iterator<Item = Row> + 'static {
        (0..self.series.len()).map(move |point| self.point(point))
    }

    fn hole(&self, hole: Hole) -> Option<Row> {
        let verdict = self.detection.verdicts.get(hole.place)?;
        Some(self.row(hole.time, None, verdict))
    }

    fn point(&self, point: usize) -> Row {
        let time = self.series.times().get(point).copied().unwrap_or_default();
        let value = self.series.value(point);
        let on_grid = point
            .checked_sub(self.series.len() - self.grid.points())
            .and_then(|index| self.grid.place(index))
            .and_then(|place| Some((self.grid.values.get(place)?, self.detection.verdicts.get(place)?)));
        let Some((judged, verdict)) = on_grid else {
            return (timestamp(time), value, None, None, None, None, false, None, None);
        };
        // Of two points at one place of the grid only the one that the grid holds was judged; a gap is judged as a gap.
        let is_gap = !value.is_some_and(f64::is_finite) && !judged.is_finite();
        if is_gap || value == Some(*judged) {
            return self.row(time, value, verdict);
        }
        self.row(
            time,
            value,
            &Verdict {
                score: None,
                is_anomaly: false,
                cause: None,
                ..*verdict
            },
        )
    }

    fn row(&self, time: i64, value: Option<f64>, verdict: &Verdict) -> Row {
        // A method that expects no value has none, and no band.
        let known = |number: f64| (!number.is_nan()).then_some(number);
        (
            timestamp(time),
            value,
            known(verdict.expected),
            known(verdict.lower),
            known(verdict.upper),
            verdict.score,
            verdict.is_anomaly,
            verdict.kind().map(|kind| kind.to_string()),
            reason(value.unwrap_or(f64::NAN), verdict, self.detection.season),
        )
    }
}
