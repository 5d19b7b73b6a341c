//! Refresh: recomputes exactly the touched buckets, in the transaction that takes them off the list.

use std::collections::HashSet;

use kpi_catalog::Period;
use kpi_rollup::{Span, Spans};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::calendar::SourceCalendar;
use super::history;
use super::invalidation;
use super::read::{own_time, whole_days_of_dates};
use super::recompute::recompute;
use super::slices::{self, Way};
use crate::anomaly;
use crate::catalog::lookup::{self, Source};
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::spi::{self, Mode, Reuse, arg};
use crate::stream::Publication;

/// Refreshes of no more than this, an hour, are many and alike.
const SHORT: i64 = 3_600_000_000;

/// What a refresh did.
#[derive(Default, Debug, Clone, Copy)]
pub struct Outcome {
    /// Base buckets that were recomputed and hold data.
    pub buckets: i64,
    /// Raw rows in them.
    pub rows_read: i64,
    /// Rollup rows written, over all levels.
    pub rows_written: i64,
    /// How many slices the minute has that was read from them.
    pub slices: Option<i64>,
}

/// Refreshes the touched buckets of a source between two times (microseconds).
pub fn refresh(name: &str, since: i64, until: i64) -> Result<Outcome, Error> {
    check_isolation()?;
    let source = lookup::source(Mode::Write, name)?;
    lookup::check_owner(&format!("source \"{name}\""), source.owner)?;
    let started = now();
    let source = lookup::lock_source(&source)?;
    let kept = {
        let _owner = Identity::extension_owner()?;
        history::settle(&source)?
    };
    // It may have become a hypertable.
    let source = lookup::source(Mode::Write, name)?;
    let todo = take(&source, Span::new(since, until), &kept)?;
    // After what is to be published was read: whoever subscribed before it was committed is to hear of it.
    let mut publication = Publication::begin(&source)?;
    // The first fill publishes nothing: the log begins with what is there.
    if let Some(publication) = publication.as_mut().filter(|_| !todo.first) {
        publication.read_before(todo.noted.clone(), &kept)?;
    }
    let states = lookup::states(Mode::Write, source.id)?;
    let way = match &publication {
        Some(_) if todo.reuse == Reuse::Soon => {
            slices::way(&source, &states, &todo.touched, todo.seconds, todo.refreshed_at)?
        }
        _ => Way::Raw,
    };
    let outcome = {
        let owner = Identity::assume(source.owner, &source.search_path, &source.timezone)?;
        // Like an index build: one statement at a time, on behalf of all that read later.
        // SAFETY: a setting that the main thread reads.
        let memory = unsafe { pg_sys::maintenance_work_mem };
        owner.set("work_mem", &format!("{memory}kB"))?;
        recompute(&source, &states, &todo, &way)?
    };
    let streamed = publication.is_some();
    if let Some(publication) = publication.filter(|_| !todo.first) {
        publication.publish(&kept)?;
    }
    let _owner = Identity::extension_owner()?;
    history::track(&source)?;
    let refreshed_at = finish(&source, &todo, &outcome, started)?;
    if streamed {
        slices::remember(&source, &states, &todo.touched, &outcome, refreshed_at);
    }
    anomaly::closed(source.id)?;
    Ok(outcome)
}

/// A snapshot from before the lock on the source could overwrite what another refresh has written since.
fn check_isolation() -> Result<(), Error> {
    // SAFETY: a global that the backend's main thread reads.
    let isolation = unsafe { pg_sys::XactIsoLevel };
    if isolation < pg_sys::XACT_REPEATABLE_READ as i32 {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
        "kpi.refresh cannot run in a transaction with isolation level repeatable read or serializable",
    )
    .detail("Every step of a refresh needs to see what was committed before it.")
    .hint("Run it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED; SELECT kpi.refresh(...); COMMIT."))
}

fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// What a refresh recomputes.
pub struct Todo {
    pub touched: Spans,
    /// What was on the list of that, one entry per noted write.
    noted: Vec<Span>,
    /// The seconds of one minute that they touched, one bit each, where all of them say so.
    seconds: Option<u64>,
    /// When the source was last refreshed.
    refreshed_at: Option<i64>,
    /// Nothing is materialised yet: no old rows to delete.
    pub first: bool,
    /// A few buckets only: the same statements come again with the next ones.
    pub reuse: Reuse,
    /// All states will be there for all of time.
    fills: bool,
}

/// Takes the touched stretches of a locked source off the list.
///
/// The order matters: the stretches are deleted in one snapshot and the raw rows are read in a later one, so a writer
/// that commits in between is read now and stays on the list.
fn take(source: &Source, asked: Span, kept: &Spans) -> Result<Todo, Error> {
    let _owner = Identity::extension_owner()?;
    check_triggers(source)?;
    let (unfilled, refreshed_at) = spi::first_kept(
        Mode::Write,
        "SELECT bool_or(NOT filled), (SELECT refreshed_at FROM kpi.source_refresh WHERE source_id = $1) \
         FROM kpi.state WHERE source_id = $1",
        &[arg(source.id)],
        |row| {
            Ok((
                row.get::<bool>(1).unwrap_or(false),
                row.datum(2).map(|datum| datum.value() as i64),
            ))
        },
    )?
    .unwrap_or_default();
    let first = refreshed_at.is_none();
    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    // Whole days: then a bucket is never half taken off the list.
    let asked = Span::new(
        calendar.start(Period::Day, own_time(source, asked.from)),
        calendar.first_start(Period::Day, own_time(source, asked.until)),
    );
    let asked = if unfilled { Span::ALL } else { asked };
    let bounds = super::minutes_of(asked);
    let mut writers = HashSet::new();
    let taken = spi::query_kept(
        Mode::Write,
        "DELETE FROM kpi.touched WHERE source_id = $1 AND first_minute <= $3 AND last_minute >= $2 \
         RETURNING first_minute, last_minute, seconds, xmin",
        &[arg(source.id), arg(bounds.first), arg(bounds.last)],
        |row| {
            writers.extend(row.get::<pg_sys::TransactionId>(4));
            let minutes = kpi_rollup::MinuteRange {
                first: row.get(1).unwrap_or(i64::MIN),
                last: row.get(2).unwrap_or(i64::MAX),
            };
            Ok((super::span_of(minutes), row.get::<i64>(3).map(|bits| bits as u64)))
        },
    )?;
    invalidation::await_sent(&writers);
    let pending = super::capture::pending(source.id)
        .into_iter()
        .map(|minutes| (super::span_of(minutes), None));
    let (taken, seconds): (Vec<Span>, Vec<Option<u64>>) = taken.into_iter().chain(pending).unzip();
    let seconds = seconds
        .into_iter()
        .try_fold(0, |all, seconds| seconds.map(|seconds| all | seconds));
    let all: Spans = taken.iter().copied().collect();
    let window = Spans::of(asked);
    let noted = taken
        .iter()
        .map(|span| Span::new(span.from.max(asked.from), span.until.min(asked.until)))
        .filter(|span| !span.is_empty())
        .collect();
    for rest in all.minus(&window).as_slice() {
        touch_again(source, *rest)?;
    }
    let touched = if unfilled { window } else { all.intersect(&window) };
    let touched = whole_days_of_dates(source, touched);
    let touched = match (touched.as_slice().first(), touched.as_slice().last()) {
        (Some(first), Some(last)) if !source.indexed => Spans::of(Span::new(first.from, last.until)),
        _ => touched,
    };
    let all_of_time = touched.as_slice() == [Span::ALL];
    let touched = touched.minus(kept);
    let length = touched
        .as_slice()
        .iter()
        .fold(0i64, |sum, s| sum.saturating_add(s.until.saturating_sub(s.from)));
    Ok(Todo {
        reuse: if length <= SHORT && !first {
            Reuse::Soon
        } else {
            Reuse::Once
        },
        fills: all_of_time,
        first,
        touched,
        noted,
        seconds,
        refreshed_at,
    })
}

fn touch_again(source: &Source, span: Span) -> Result<(), Error> {
    let range = super::minutes_of(span);
    spi::run(
        "INSERT INTO kpi.touched VALUES ($1, $2, $3)",
        &[arg(source.id), arg(range.first), arg(range.last)],
    )?;
    Ok(())
}

/// A refresh that can't know what was written would make a number stale.
fn check_triggers(source: &Source) -> Result<(), Error> {
    if !source.captured {
        return Ok(());
    }
    let disabled = spi::first_kept(
        Mode::Write,
        "SELECT t.tgrelid::regclass::text, string_agg(pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', \
         t.tgrelid::regclass, t.tgname), ' ' ORDER BY t.tgname) FROM pg_catalog.pg_trigger t \
         WHERE t.tgname LIKE 'kpi\\_capture\\_' || $1 || '\\_%' AND t.tgenabled NOT IN ('A', $2) \
         GROUP BY t.tgrelid, t.tgparentid <> 0 ORDER BY t.tgparentid <> 0, t.tgrelid LIMIT 1",
        // The triggers of a hypertable cannot be ENABLE ALWAYS.
        &[arg(source.id), arg(if source.hypertable { "O" } else { "A" })],
        |row| Ok((row.text(1), row.text(2))),
    )?;
    match disabled {
        None => Ok(()),
        Some((table, enable)) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the capture triggers of source \"{}\" are disabled", source.name),
        )
        .detail(format!(
            "Writes to {table} are not noted, so its buckets cannot be called clean."
        ))
        .hint(format!("{enable} Then refresh again."))),
    }
}

/// Writes down what was done; runs as the extension's owner.
fn finish(source: &Source, todo: &Todo, outcome: &Outcome, started: i64) -> Result<Option<i64>, Error> {
    if todo.fills {
        spi::run(
            "UPDATE kpi.state SET filled = true WHERE source_id = $1 AND NOT filled",
            &[arg(source.id)],
        )?;
    }
    if let Some(window) = &source.refresh_window {
        // What cannot be captured stays on the list as far back as it may still change.
        spi::run(
            "INSERT INTO kpi.touched SELECT $1, \
             floor(extract(epoch FROM now() - $2::interval - timestamptz '2000-01-01 00:00:00+00') / 60)::bigint, \
             9223372036854775807",
            &[arg(source.id), arg(window.as_str())],
        )?;
    }
    let refreshed_at = spi::first_kept(
        Mode::Write,
        "INSERT INTO kpi.source_refresh AS r VALUES \
         ($1, clock_timestamp(), make_interval(secs => $2), $3, $4, $5) \
         ON CONFLICT (source_id) DO UPDATE SET (refreshed_at, duration, buckets, rows_read, rows_written) = \
         (excluded.refreshed_at, excluded.duration, excluded.buckets, excluded.rows_read, excluded.rows_written) \
         RETURNING refreshed_at",
        &[
            arg(source.id),
            arg((now() - started) as f64 / 1e6),
            arg(outcome.buckets),
            arg(outcome.rows_read),
            arg(outcome.rows_written),
        ],
        |row| Ok(row.datum(1).map(|datum| datum.value() as i64)),
    )?;
    Ok(refreshed_at.flatten())
}

/// `kpi.refresh(source, since, until)`.
#[pg_extern(sql = false)]
fn refresh_source(
    source: Option<&str>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(buckets, i64),
            name!(rows_read, i64),
            name!(rows_written, i64),
        ),
    >,
    pgrx::pg_sys::panic::ErrorReport,
> {
    crate::read_only::check_writable("kpi.refresh", "kpi.value is right here without it.")?;
    let outcome = refresh(
        required(source, "source")?,
        since.map_or(i64::MIN, TimestampWithTimeZone::into_inner),
        until.map_or(i64::MAX, TimestampWithTimeZone::into_inner),
    )?;
    Ok(TableIterator::once((
        outcome.buckets,
        outcome.rows_read,
        outcome.rows_written,
    )))
}
