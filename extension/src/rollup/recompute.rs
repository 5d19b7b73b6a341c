//! The buckets of a refresh: deleted and written anew, finest level first.

use kpi_catalog::Period;
use kpi_rollup::{Coverage, Level, Span, Spans};

use super::calendar::SourceCalendar;
use super::refresh::{Outcome, Todo};
use super::slices::{self, Way};
use super::sql::{Arguments, finite_start, merged, quarter_hour, raw_time, truncated, within};
use crate::catalog::lookup::{Source, StateColumn, TimeType};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, Reuse, arg, ident};

/// Buckets up to this many have their labels worked out here, and not once more for every raw row.
const LABELLED: usize = 64;

/// Deletes and writes the buckets of the touched stretches, finest level first; runs as the source's owner.
pub fn recompute(source: &Source, states: &[StateColumn], todo: &Todo, way: &Way) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    if todo.touched.is_empty() {
        return Ok(outcome);
    }
    let calendar = SourceCalendar::new(source.time_type, &source.timezone);
    let plan = Coverage::plan(Span::ALL, Level::Day, &todo.touched, &calendar);
    let dates = source.time_type == TimeType::Date;
    let base = if dates { "day" } else { "minute" };
    let base_spans = if dates { &plan.touched_days } else { &plan.raw };

    outcome.rows_written += match way {
        Way::Raw => from_raw(source, states, base, base_spans, todo)?,
        Way::AllSlices(minute) => {
            delete(source, slices::LEVEL, &Spans::of(Span::ALL), todo.reuse)?;
            from_slices(source, states, base_spans, &minute.seconds(u64::MAX), todo)?
        }
        Way::SomeSlices(minute, seconds) => {
            let seconds = minute.seconds(*seconds);
            let some: Spans = seconds.iter().copied().collect();
            delete(source, slices::LEVEL, &some, todo.reuse)?;
            from_slices(source, states, base_spans, &seconds, todo)?
        }
    } as i64;
    if !matches!(way, Way::Raw) {
        index(source, slices::LEVEL)?;
        outcome.slices = Some(slices::count(source)?);
    }
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

/// A level of buckets from the raw rows in some stretches.
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
    let period = if level == "day" {
        Period::Day
    } else {
        Period::Minute
    };
    let pieces = labelled(source, period, spans);
    if !pieces.is_empty() {
        return from_raw_pieces(source, states, level, &pieces, todo);
    }
    let mut args = Arguments::default();
    let input = source.object("input");
    let (from, condition) = match spans.as_slice() {
        [span] => {
            let from = args.time(source, finite_start(span.from));
            let until = args.time(source, span.until);
            (input, within(source, &from, &until))
        }
        _ => (
            format!(
                "{} CROSS JOIN {input}",
                stretches(source, spans.as_slice(), &mut args)
            ),
            within(source, "g.\"kpi from\"", "g.\"kpi until\""),
        ),
    };
    let label = truncated(source, period, &raw_time(source));
    insert_raw(source, states, level, (&label, &from, &condition), &args, todo)
}

/// A level of buckets, each from the raw rows of one stretch, which begins with its label.
fn from_raw_pieces(
    source: &Source,
    states: &[StateColumn],
    level: &str,
    pieces: &[Span],
    todo: &Todo,
) -> Result<u64, Error> {
    let mut args = Arguments::default();
    let input = source.object("input");
    let (from, condition, label) = match pieces {
        [piece] => {
            let from = args.time(source, finite_start(piece.from));
            let until = args.time(source, piece.until);
            let condition = within(source, &from, &until);
            (input, condition, from)
        }
        pieces => (
            format!("{} CROSS JOIN {input}", stretches(source, pieces, &mut args)),
            within(source, "g.\"kpi from\"", "g.\"kpi until\""),
            "g.\"kpi from\"".to_string(),
        ),
    };
    insert_raw(source, states, level, (&label, &from, &condition), &args, todo)
}

fn insert_raw(
    source: &Source,
    states: &[StateColumn],
    level: &str,
    (label, from, condition): (&str, &str, &str),
    args: &Arguments,
    todo: &Todo,
) -> Result<u64, Error> {
    let mut columns = vec![label.to_string(), "count(*)".to_string()];
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
        args,
    )
}

/// The minute from its slices, some of which are read anew from the raw rows; returns how many rows of the rollup it wrote.
fn from_slices(
    source: &Source,
    states: &[StateColumn],
    minute: &Spans,
    seconds: &[Span],
    todo: &Todo,
) -> Result<u64, Error> {
    from_raw_pieces(source, states, slices::LEVEL, seconds, todo)?;
    let bucket = Bucket::Period(Period::Minute);
    from_finer(source, states, ("minute", slices::LEVEL), bucket, minute, todo)
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
