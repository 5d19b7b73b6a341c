//! Exact reads: clean buckets from the rollup, touched ones from the raw rows, in the caller's snapshot.

use std::fmt::Write as _;

use kpi_catalog::Period;
use kpi_rollup::{Coverage, Span, Spans};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::calendar::{SourceCalendar, is_utc};
use super::sql::{Arguments, Selection, level_of};
use crate::catalog::lookup::{self, Kpi, Source, StateColumn, TimeType};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, Row, ident, literal};

/// A chain of derived KPIs deeper than this is a definition gone wrong, not a KPI.
pub const MAX_DEPTH: usize = 32;

/// A stretch of raw rows longer than this, two days, may be worth several workers.
const LONG_STRETCH: i64 = 2 * 86_400_000_000;

/// What a reader asks for.
pub struct Request<'a> {
    pub period: Period,
    /// First and last bucket start, microseconds; buckets with `since <= start < until`.
    pub since: i64,
    pub until: i64,
    pub by: By<'a>,
    pub filter: Option<&'a str>,
}

/// How the rows are broken down.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// By these dimensions, in one jsonb column.
    Json(&'a [String]),
    /// By all dimensions, in one jsonb column.
    AllJson,
    /// By all dimensions, each in a column of its own: those of the KPI's typed view.
    Columns(&'a [(String, String)]),
}

/// A statement ready to run as the KPI's owner; its rows are `ts, dimensions..., value`.
pub struct Plan {
    pub sql: String,
    pub args: Arguments,
    owner: pg_sys::Oid,
    search_path: String,
    timezone: String,
    /// Whether a long stretch of raw rows is read, so that parallel workers pay.
    scans_raw: bool,
}

impl Plan {
    /// Runs the statement in the caller's snapshot.
    pub fn run(self, each: impl FnMut(&Row) -> Result<(), Error>) -> Result<u64, Error> {
        let _owner = self.assume()?;
        spi::scan(Mode::Read, &self.sql, &self.args.0, each)
    }

    /// Runs the statement in the caller's snapshot, into a tuplestore.
    ///
    /// # Safety
    /// `store` is alive and takes rows `(timestamptz, jsonb, float8)`.
    pub unsafe fn run_into(self, store: *mut pg_sys::Tuplestorestate) -> Result<u64, Error> {
        let _owner = self.assume()?;
        // SAFETY: as this function's contract says.
        unsafe { spi::into_store(Mode::Read, &self.sql, &self.args.0, store) }
    }

    fn assume(&self) -> Result<Identity, Error> {
        let owner = Identity::assume(self.owner, &self.search_path, &self.timezone)?;
        if !self.scans_raw {
            // The planner takes many short stretches for a large part of the table and would start workers for them.
            owner.set("max_parallel_workers_per_gather", "0")?;
        }
        Ok(owner)
    }
}

/// Plans the read of a KPI.
pub fn plan(kpi: &Kpi, request: &Request) -> Result<Plan, Error> {
    let mut args = Arguments::default();
    let mut frame = Frame {
        search_path: Vec::new(),
        timezone: String::new(),
        scans_raw: false,
    };
    let sql = match request.by {
        By::Columns(columns) if kpi.source.is_none() => {
            let inner = Request {
                by: By::AllJson,
                ..*request
            };
            let inner = select(kpi, &inner, &mut args, &mut frame, 0)?;
            let columns: String = columns
                .iter()
                .map(|(name, ty)| format!("(v.dimensions ->> {})::{ty} AS {}, ", literal(name), ident(name)))
                .collect();
            format!("SELECT v.ts, {columns}v.value FROM ({inner}) v")
        }
        _ => select(kpi, request, &mut args, &mut frame, 0)?,
    };
    Ok(Plan {
        sql,
        args,
        owner: kpi.owner,
        search_path: frame.search_path.join(", "),
        timezone: frame.timezone,
        scans_raw: frame.scans_raw,
    })
}

/// What the statement's expressions are resolved under.
struct Frame {
    search_path: Vec<String>,
    timezone: String,
    scans_raw: bool,
}

fn select(
    kpi: &Kpi,
    request: &Request,
    args: &mut Arguments,
    frame: &mut Frame,
    depth: usize,
) -> Result<String, Error> {
    match kpi.source {
        Some(id) => {
            let source = lookup::source_by_id(Mode::Read, id)?;
            if !frame.search_path.contains(&source.search_path) {
                frame.search_path.push(source.search_path.clone());
            }
            frame.timezone.clone_from(&source.timezone);
            select_base(kpi, &source, request, args, frame)
        }
        None => select_derived(kpi, request, args, frame, depth),
    }
}

/// A KPI over others: their values joined on bucket and dimensions.
fn select_derived(
    kpi: &Kpi,
    request: &Request,
    args: &mut Arguments,
    frame: &mut Frame,
    depth: usize,
) -> Result<String, Error> {
    if depth >= MAX_DEPTH {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_STATEMENT_TOO_COMPLEX,
            format!(
                "KPI \"{}\" is derived through more than {MAX_DEPTH} others",
                kpi.code
            ),
        ));
    }
    let shared;
    let by = match request.by {
        By::Json(list) => list,
        _ => {
            shared = dimensions(kpi, depth)?;
            &shared
        }
    };
    let mut joined = String::new();
    for (i, code) in kpi.requires.iter().enumerate() {
        let part = lookup::kpi(Mode::Read, code)?;
        let part = select(
            &part,
            &Request {
                by: By::Json(by),
                ..*request
            },
            args,
            frame,
            depth + 1,
        )?;
        let v = ident(&format!("kpi v{}", i + 1));
        let _ = match i {
            0 => write!(joined, "(SELECT ts, dimensions, value AS {v} FROM ({part}) k) k1"),
            _ => write!(
                joined,
                "\nFULL JOIN (SELECT ts, dimensions, value AS {v} FROM ({part}) k) k{} USING (ts, dimensions)",
                i + 1
            ),
        };
    }
    Ok(format!(
        "SELECT ts, dimensions, {} AS value FROM {joined} ORDER BY ts, dimensions",
        kpi.value_sql
    ))
}

/// The dimensions of a KPI: its source's, or those that all parts of a derived one have.
pub fn dimensions(kpi: &Kpi, depth: usize) -> Result<Vec<String>, Error> {
    if let Some(id) = kpi.source {
        return Ok(lookup::source_by_id(Mode::Read, id)?.dimensions);
    }
    let mut shared: Option<Vec<String>> = None;
    for code in kpi.requires.iter().filter(|_| depth < MAX_DEPTH) {
        let part = dimensions(&lookup::kpi(Mode::Read, code)?, depth + 1)?;
        shared = Some(match shared {
            None => part,
            Some(so_far) => so_far.into_iter().filter(|d| part.contains(d)).collect(),
        });
    }
    Ok(shared.unwrap_or_default())
}

fn select_base(
    kpi: &Kpi,
    source: &Source,
    request: &Request,
    args: &mut Arguments,
    frame: &mut Frame,
) -> Result<String, Error> {
    if source.time_type == TimeType::Date && matches!(request.period, Period::Minute | Period::Hour) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "KPI \"{}\" has no values by {}",
                kpi.code,
                request.period.as_str()
            ),
        )
        .detail(format!(
            "The time column \"{}\" of source \"{}\" is a date.",
            source.time_column, source.name
        ))
        .hint("Ask for day, week, month, quarter or year."));
    }
    let by: &[String] = match request.by {
        By::Json(list) => list,
        _ => &source.dimensions,
    };
    let filter = request
        .filter
        .map(|text| kpi_catalog::filter(text, &source.dimensions))
        .transpose()?;
    let needed: Vec<usize> = positions(source, by, filter.as_ref().map_or(&[], |f| &f.dimensions))?;
    let all_states = lookup::states(Mode::Read, source.id)?;
    let states: Vec<&StateColumn> = all_states
        .iter()
        .filter(|s| kpi.states.contains(&s.position))
        .collect();

    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    let window = window(source, request, &calendar);
    let touched = if states.iter().any(|s| !s.filled) {
        Spans::of(Span::ALL)
    } else {
        readable(source, super::touched(source, Mode::Read)?, window)
    };
    let coverage = Coverage::plan(window, level_of(source, request.period), &touched, &calendar);
    frame.scans_raw |= coverage
        .raw
        .as_slice()
        .iter()
        .any(|s| s.until.saturating_sub(s.from) > LONG_STRETCH);

    let selection = Selection {
        source,
        states: &states,
        period: request.period,
        dimensions: &needed,
    };
    let branches = selection.branches(&coverage, &calendar, args);
    let ts = match source.time_type {
        TimeType::Timestamptz => "\"kpi label\"".to_string(),
        _ => format!("(\"kpi label\" AT TIME ZONE {})", literal(&source.timezone)),
    };
    // Where clocks go forward, two local times that do not both exist are one instant: one bucket.
    let bucket = match request.period {
        Period::Minute | Period::Hour => ts.as_str(),
        _ => "\"kpi label\"",
    };
    let mut dimensions_out = String::new();
    match request.by {
        By::Columns(_) => by.iter().for_each(|d| {
            let _ = write!(dimensions_out, "{}, ", ident(d));
        }),
        _ if by.is_empty() => dimensions_out.push_str("'{}'::jsonb AS dimensions, "),
        _ => {
            let pairs: Vec<String> = by
                .iter()
                .map(|d| format!("{}, {}", literal(d), ident(d)))
                .collect();
            let _ = write!(
                dimensions_out,
                "jsonb_build_object({}) AS dimensions, ",
                pairs.join(", ")
            );
        }
    }
    let keys: String = by.iter().map(|d| format!(", {}", ident(d))).collect();
    let mut conditions: Vec<String> = filter.map(|f| format!("({})", f.sql)).into_iter().collect();
    if clocks_change(source) {
        for (bound, compare) in [(request.since, ">="), (request.until, "<")] {
            if bound != i64::MIN && bound != i64::MAX {
                conditions.push(format!("{ts} {compare} {}", args.instant(bound)));
            }
        }
    }
    let condition = match conditions.as_slice() {
        [] => String::new(),
        all => format!(" WHERE {}", all.join(" AND ")),
    };
    let single = if by.len() == needed.len() && selection.is_single(&coverage) {
        super::sql::value_of_single(&kpi.value_sql, &states)
    } else {
        None
    };
    let grouping = match single {
        Some(_) => String::new(),
        None => format!(" GROUP BY {bucket}{keys}"),
    };
    Ok(format!(
        "SELECT {ts} AS ts, {dimensions_out}{} AS value FROM (\n{branches}\n) q({}){condition}\n\
         {grouping} ORDER BY {bucket}{keys}",
        single.as_deref().unwrap_or(&kpi.value_sql),
        selection.aliases(),
    ))
}

/// What of the touched stretches a read must take from raw.
fn readable(source: &Source, touched: Spans, window: Span) -> Spans {
    let touched = whole_days_of_dates(source, touched);
    let inside = touched.intersect(&Spans::of(window));
    match (inside.as_slice().first(), inside.as_slice().last()) {
        // Without an index on the time column every stretch would cost a scan of the whole relation: one scan then.
        (Some(first), Some(last)) if !source.indexed => Spans::of(Span::new(first.from, last.until)),
        _ => touched,
    }
}

/// A date is touched as a whole: its minutes mean nothing.
pub fn whole_days_of_dates(source: &Source, touched: Spans) -> Spans {
    const DAY: i64 = 86_400_000_000;
    if source.time_type != TimeType::Date {
        return touched;
    }
    let border = |t: i64, up: bool| match t {
        i64::MIN | i64::MAX => t,
        _ if up => t.saturating_add(DAY - 1).div_euclid(DAY) * DAY,
        _ => t.div_euclid(DAY) * DAY,
    };
    touched
        .as_slice()
        .iter()
        .map(|s| Span::new(border(s.from, false), border(s.until, true)))
        .collect()
}

/// The asked window on bucket borders, in the source's own time.
///
/// Around a clock change the order of local times is not that of instants, so there the window is a day wider, and the
/// buckets in it are chosen by their instants.
fn window(source: &Source, request: &Request, calendar: &SourceCalendar) -> Span {
    const DAY: i64 = 86_400_000_000;
    let margin = |t: i64| match t {
        i64::MIN | i64::MAX => 0,
        _ if clocks_change(source) => DAY,
        _ => 0,
    };
    let (since, until) = (own_time(source, request.since), own_time(source, request.until));
    Span::new(
        calendar.first_start(request.period, since - margin(since)),
        calendar.first_start(request.period, until + margin(until)),
    )
}

/// Whether the source's times are local ones of a zone that may change its clocks.
fn clocks_change(source: &Source) -> bool {
    source.time_type != TimeType::Timestamptz && !is_utc(&source.timezone)
}

/// An instant in the source's own time: itself, or the local time of the source's zone.
pub fn own_time(source: &Source, t: i64) -> i64 {
    if source.time_type == TimeType::Timestamptz || t == i64::MIN || t == i64::MAX {
        return t;
    }
    // SAFETY: the server's AT TIME ZONE on a zone name that kpi.create_source has checked.
    let local = unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::timestamptz_zone,
            &[source.timezone.clone().into_datum(), Some(pg_sys::Datum::from(t))],
        )
    };
    local.map_or(t, |d| d.value() as i64)
}

fn positions(source: &Source, by: &[String], filtered: &[String]) -> Result<Vec<usize>, Error> {
    let mut positions = Vec::new();
    for name in by.iter().chain(filtered) {
        let Some(at) = source.dimensions.iter().position(|d| d == name) else {
            let list = source.dimensions.join(", ");
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("source \"{}\" has no dimension \"{name}\"", source.name),
            )
            .hint(if list.is_empty() {
                "It has no dimensions; they are named in kpi.create_source(..., dimensions => '{...}')."
                    .to_string()
            } else {
                format!("Its dimensions are: {list}.")
            }));
        };
        if !positions.contains(&at) {
            positions.push(at);
        }
    }
    positions.sort_unstable();
    Ok(positions)
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_value() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `kpi.value(code, period, since, until, by, filter)`.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_value(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: declared as (text, text, timestamptz, timestamptz, text[], text); timestamps are taken as they are.
    let (code, period, since, until, by, filter) = unsafe {
        let time = |n: usize| {
            let arg = &(*fcinfo).args.as_slice(6)[n];
            (!arg.isnull).then_some(arg.value.value() as i64)
        };
        (
            pgrx::fcinfo::pg_getarg::<String>(fcinfo, 0),
            pgrx::fcinfo::pg_getarg::<String>(fcinfo, 1),
            time(2),
            time(3),
            pgrx::fcinfo::pg_getarg::<Vec<Option<String>>>(fcinfo, 4),
            pgrx::fcinfo::pg_getarg::<String>(fcinfo, 5),
        )
    };
    // SAFETY: the function is declared RETURNS TABLE, so the executor passed a ReturnSetInfo.
    let store = unsafe {
        pg_sys::InitMaterializedSRF(fcinfo, 0);
        let result = (*fcinfo).resultinfo as *mut pg_sys::ReturnSetInfo;
        (*result).setResult
    };
    let by: Vec<String> = by.unwrap_or_default().into_iter().flatten().collect();
    let read = || -> Result<(), Error> {
        let missing = |what: &str, hint: &str| {
            Error::new(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("{what} must not be null"),
            )
            .hint(hint)
        };
        let code = code.ok_or_else(|| missing("code", "SELECT code FROM kpi.catalog lists the KPIs."))?;
        let period = period
            .ok_or_else(|| missing("period", "Use minute, hour, day, week, month, quarter or year."))?;
        let kpi = lookup::kpi(Mode::Read, &code)?;
        lookup::check_readable(&kpi)?;
        let request = Request {
            period: kpi_catalog::period(&period)?,
            since: since.unwrap_or(i64::MIN),
            until: until.unwrap_or(i64::MAX),
            by: By::Json(&by),
            filter: filter.as_deref(),
        };
        // SAFETY: the store was made for the declared columns, and by is Json: the plan selects just those types.
        unsafe { plan(&kpi, &request)?.run_into(store)? };
        Ok(())
    };
    if let Err(error) = read() {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0)
}
