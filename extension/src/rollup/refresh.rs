//! Refresh: recomputes exactly the touched buckets, in the transaction that takes them off the list.

use kpi_catalog::Period;
use kpi_rollup::{Coverage, Level, Span, Spans};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::calendar::SourceCalendar;
use super::history;
use super::read::{own_time, whole_days_of_dates};
use super::sql::{Arguments, finite_start, merged, quarter_hour, raw_time, truncated, within};
use crate::catalog::lookup::{self, Source, StateColumn, TimeType};
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::spi::{self, Mode, Reuse, arg, ident};
use crate::stream::Publication;

/// Refreshes of no more than this, an hour, are many and alike.
const SHORT: i64 = 3_600_000_000;

/// Buckets up to this many have their labels worked out here, and not once more for every raw row.
const LABELLED: usize = 64;

/// What a refresh did.
#[derive(Default, Debug, Clone, Copy)]
pub struct Outcome {
    /// Base buckets that were recomputed and hold data.
    pub buckets: i64,
    /// Raw rows in them.
    pub rows_read: i64,
    /// Rollup rows written, over all levels.
    pub rows_written: i64,
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
    let mut publication = Publication::begin(&source)?;
    let todo = take(&source, Span::new(since, until), &kept)?;
    // The first fill publishes nothing: the log begins with what is there.
    if let Some(publication) = publication.as_mut().filter(|_| !todo.first) {
        publication.read_before(todo.noted.clone(), &kept)?;
    }
    let states = lookup::states(Mode::Write, source.id)?;
    let outcome = {
        let owner = Identity::assume(source.owner, &source.search_path, &source.timezone)?;
        // Like an index build: one statement at a time, on behalf of all that read later.
        // SAFETY: a setting that the main thread reads.
        let memory = unsafe { pg_sys::maintenance_work_mem };
        owner.set("work_mem", &format!("{memory}kB"))?;
        recompute(&source, &states, &todo)?
    };
    if let Some(publication) = publication.filter(|_| !todo.first) {
        publication.publish(&kept)?;
    }
    let _owner = Identity::extension_owner()?;
    history::track(&source)?;
    finish(&source, &todo, &outcome, started)?;
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
struct Todo {
    touched: Spans,
    /// What was on the list of that, one entry per noted write.
    noted: Vec<Span>,
    /// Nothing is materialised yet: no old rows to delete.
    first: bool,
    /// A few buckets only: the same statements come again with the next ones.
    reuse: Reuse,
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
    let unfilled = spi::first_kept(
        Mode::Write,
        "SELECT bool_or(NOT filled), NOT EXISTS (SELECT FROM kpi.source_refresh WHERE source_id = $1) \
         FROM kpi.state WHERE source_id = $1",
        &[arg(source.id)],
        |row| {
            Ok((
                row.get::<bool>(1).unwrap_or(false),
                row.get::<bool>(2).unwrap_or(true),
            ))
        },
    )?
    .unwrap_or_default();
    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    // Whole days: then a bucket is never half taken off the list.
    let asked = Span::new(
        calendar.start(Period::Day, own_time(source, asked.from)),
        calendar.first_start(Period::Day, own_time(source, asked.until)),
    );
    let asked = if unfilled.0 { Span::ALL } else { asked };
    let bounds = super::minutes_of(asked);
    let taken = spi::query_kept(
        Mode::Write,
        "DELETE FROM kpi.touched WHERE source_id = $1 AND first_minute <= $3 AND last_minute >= $2 \
         RETURNING first_minute, last_minute",
        &[arg(source.id), arg(bounds.first), arg(bounds.last)],
        |row| {
            Ok(super::span_of(kpi_rollup::MinuteRange {
                first: row.get(1).unwrap_or(i64::MIN),
                last: row.get(2).unwrap_or(i64::MAX),
            }))
        },
    )?;
    let pending = super::capture::pending(source.id).into_iter().map(super::span_of);
    let taken: Vec<Span> = taken.into_iter().chain(pending).collect();
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
    let touched = if unfilled.0 {
        window
    } else {
        all.intersect(&window)
    };
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
        reuse: if length <= SHORT && !unfilled.1 {
            Reuse::Soon
        } else {
            Reuse::Once
        },
        fills: all_of_time,
        first: unfilled.1,
        touched,
        noted,
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

/// Deletes and writes the buckets of the touched stretches, finest level first; runs as the source's owner.
fn recompute(source: &Source, states: &[StateColumn], todo: &Todo) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    if todo.touched.is_empty() {
        return Ok(outcome);
    }
    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    let plan = Coverage::plan(Span::ALL, Level::Day, &todo.touched, &calendar);
    let dates = source.time_type == TimeType::Date;
    let base = if dates { "day" } else { "minute" };
    let base_spans = if dates { &plan.touched_days } else { &plan.raw };

    outcome.rows_written += from_raw(source, states, base, base_spans, todo)? as i64;
    index(source, base)?;
    let (buckets, rows_read) = count(source, base, base_spans, todo.reuse)?;
    outcome.buckets = buckets;
    outcome.rows_read = rows_read;
    if !dates {
        let steps = [
            (
                "quarter_hour",
                "minute",
                Bucket::QuarterHour,
                &plan.touched_quarters,
            ),
            (
                "hour",
                "minute",
                Bucket::Period(Period::Hour),
                &plan.touched_hours,
            ),
            ("day", "hour", Bucket::Period(Period::Day), &plan.touched_days),
        ];
        for (level, finer, bucket, spans) in steps {
            outcome.rows_written += from_finer(source, states, (level, finer), bucket, spans, todo)? as i64;
            index(source, level)?;
        }
    }
    Ok(outcome)
}

/// `unnest` of the stretches as relation `g`.
fn stretches(source: &Source, spans: &[Span], args: &mut Arguments) -> String {
    let from = args.times(source, spans.iter().map(|s| finite_start(s.from)));
    let until = args.times(source, spans.iter().map(|s| s.until));
    format!("unnest({from}, {until}) AS g(\"kpi from\", \"kpi until\")")
}

fn delete(source: &Source, level: &str, spans: &Spans, reuse: Reuse) -> Result<(), Error> {
    let mut args = Arguments::default();
    let spans = stretches(source, spans.as_slice(), &mut args);
    let table = source.object(level);
    write(
        reuse,
        &format!(
            "DELETE FROM {table} t USING {spans} WHERE t.bucket >= g.\"kpi from\" AND t.bucket < g.\"kpi until\""
        ),
        &args,
    )?;
    Ok(())
}

fn write(reuse: Reuse, sql: &str, args: &Arguments) -> Result<u64, Error> {
    spi::scan_reusing(reuse, Mode::Write, sql, &args.0, |_| Ok(()))
}

fn names(source: &Source, states: &[StateColumn]) -> Vec<String> {
    let dimensions = (1..=source.dimensions.len()).map(|d| format!("d{d}"));
    dimensions.chain(states.iter().map(StateColumn::name)).collect()
}

fn from_raw(
    source: &Source,
    states: &[StateColumn],
    level: &str,
    spans: &Spans,
    todo: &Todo,
) -> Result<u64, Error> {
    if !todo.first {
        delete(source, level, spans, todo.reuse)?;
    }
    let mut args = Arguments::default();
    let input = source.object("input");
    let period = if level == "day" {
        Period::Day
    } else {
        Period::Minute
    };
    let computed = truncated(source, period, &raw_time(source));
    let (from, condition, label) = match labelled(source, period, spans).as_slice() {
        [] => match spans.as_slice() {
            [span] => {
                let from = args.time(source, finite_start(span.from));
                let until = args.time(source, span.until);
                (input, within(source, &from, &until), computed)
            }
            _ => (
                format!(
                    "{} CROSS JOIN {input}",
                    stretches(source, spans.as_slice(), &mut args)
                ),
                within(source, "g.\"kpi from\"", "g.\"kpi until\""),
                computed,
            ),
        },
        [span] => {
            let from = args.time(source, finite_start(span.from));
            let until = args.time(source, span.until);
            let condition = within(source, &from, &until);
            (input, condition, from)
        }
        pieces => (
            format!("{} CROSS JOIN {input}", stretches(source, pieces, &mut args)),
            within(source, "g.\"kpi from\"", "g.\"kpi until\""),
            "g.\"kpi from\"".to_string(),
        ),
    };
    let mut columns = vec![label, "count(*)".to_string()];
    columns.extend((1..=source.dimensions.len()).map(|d| format!("\"kpi d{d}\"")));
    columns.extend(states.iter().map(|s| s.partial.clone()));
    let keys: String = (1..=source.dimensions.len())
        .map(|d| format!(", \"kpi d{d}\""))
        .collect();
    write(
        todo.reuse,
        &format!(
            "INSERT INTO {} (bucket, n{}) SELECT {} FROM {from} WHERE {condition} GROUP BY 1{keys} ORDER BY 1",
            source.object(level),
            listed(&names(source, states)),
            columns.join(", "),
        ),
        &args,
    )
}

/// The buckets in some stretches, each as a stretch that begins with its label; none where they are too many, or do not
/// begin and end as buckets do.
fn labelled(source: &Source, period: Period, spans: &Spans) -> Vec<Span> {
    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    let mut buckets = Vec::new();
    for span in spans.as_slice() {
        let mut from = span.from;
        while from < span.until {
            let until = calendar.next(period, from);
            if calendar.start(period, from) != from
                || until <= from
                || until > span.until
                || buckets.len() >= LABELLED
            {
                return Vec::new();
            }
            buckets.push(Span::new(from, until));
            from = until;
        }
    }
    buckets
}

fn listed(names: &[String]) -> String {
    names.iter().map(|n| format!(", {}", ident(n))).collect()
}

/// What a coarser level groups by.
enum Bucket {
    QuarterHour,
    Period(Period),
}

fn from_finer(
    source: &Source,
    states: &[StateColumn],
    (level, finer): (&str, &str),
    bucket: Bucket,
    spans: &Spans,
    todo: &Todo,
) -> Result<u64, Error> {
    if !todo.first {
        delete(source, level, spans, todo.reuse)?;
    }
    let mut args = Arguments::default();
    let finer = source.object(finer);
    let (from, condition) = match spans.as_slice() {
        [span] => {
            let from = args.time(source, finite_start(span.from));
            let until = args.time(source, span.until);
            (
                format!("{finer} t"),
                format!("t.bucket >= {from} AND t.bucket < {until}"),
            )
        }
        _ => (
            format!(
                "{} CROSS JOIN {finer} t",
                stretches(source, spans.as_slice(), &mut args)
            ),
            "t.bucket >= g.\"kpi from\" AND t.bucket < g.\"kpi until\"".to_string(),
        ),
    };
    let dimensions: Vec<String> = (1..=source.dimensions.len()).map(|d| format!("t.d{d}")).collect();
    let mut columns = vec![
        match bucket {
            Bucket::Period(period) => truncated(source, period, "t.bucket"),
            Bucket::QuarterHour => quarter_hour(source, "t.bucket"),
        },
        "sum(t.n)::bigint".to_string(),
    ];
    columns.extend(dimensions.iter().cloned());
    columns.extend(
        states
            .iter()
            .map(|s| merged(&s.merge, &format!("t.{}", s.name()))),
    );
    let keys: String = dimensions.iter().map(|d| format!(", {d}")).collect();
    write(
        todo.reuse,
        &format!(
            "INSERT INTO {} (bucket, n{}) SELECT {} FROM {from} WHERE {condition} GROUP BY 1{keys} ORDER BY 1",
            source.object(level),
            listed(&names(source, states)),
            columns.join(", "),
        ),
        &args,
    )
}

/// The first fill comes before the index: building it over sorted rows is several times cheaper than keeping it.
fn index(source: &Source, level: &str) -> Result<(), Error> {
    let name = format!("{}_{level}_bucket", source.name);
    let there = spi::first_kept(
        Mode::Write,
        "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
        &[arg(format!("kpi_rollup.{}", ident(&name)))],
        |row| Ok(row.get::<bool>(1).unwrap_or(false)),
    )?;
    if there == Some(true) {
        return Ok(());
    }
    // The owner of a source may not create anything in our schema.
    let _owner = Identity::extension_owner()?;
    spi::run(
        &format!(
            "CREATE INDEX {} ON {} (bucket)",
            ident(&name),
            source.object(level)
        ),
        &[],
    )?;
    // The first reads come before autovacuum has looked at the table.
    spi::run(&format!("ANALYZE {}", source.object(level)), &[])?;
    Ok(())
}

fn count(source: &Source, level: &str, spans: &Spans, reuse: Reuse) -> Result<(i64, i64), Error> {
    let mut args = Arguments::default();
    let table = source.object(level);
    let from = match spans.as_slice() {
        [Span::ALL] => format!("{table} t"),
        _ => format!(
            "{} JOIN {table} t ON t.bucket >= g.\"kpi from\" AND t.bucket < g.\"kpi until\"",
            stretches(source, spans.as_slice(), &mut args)
        ),
    };
    let mut counted = (0, 0);
    spi::scan_reusing(
        reuse,
        Mode::Write,
        &format!(
            "SELECT count(*), coalesce(sum(n), 0)::bigint FROM (SELECT t.bucket, sum(t.n) AS n FROM {from} GROUP BY 1) b"
        ),
        &args.0,
        |row| {
            counted = (row.get(1).unwrap_or_default(), row.get(2).unwrap_or_default());
            Ok(())
        },
    )?;
    Ok(counted)
}

/// Writes down what was done; runs as the extension's owner.
fn finish(source: &Source, todo: &Todo, outcome: &Outcome, started: i64) -> Result<(), Error> {
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
    spi::run(
        "INSERT INTO kpi.source_refresh AS r VALUES \
         ($1, clock_timestamp(), make_interval(secs => $2), $3, $4, $5) \
         ON CONFLICT (source_id) DO UPDATE SET (refreshed_at, duration, buckets, rows_read, rows_written) = \
         (excluded.refreshed_at, excluded.duration, excluded.buckets, excluded.rows_read, excluded.rows_written)",
        &[
            arg(source.id),
            arg((now() - started) as f64 / 1e6),
            arg(outcome.buckets),
            arg(outcome.rows_read),
            arg(outcome.rows_written),
        ],
    )?;
    Ok(())
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
