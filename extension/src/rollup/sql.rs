//! The SQL of reads: one statement that takes each stretch of time from the level that may answer it.

use kpi_catalog::Period;
use kpi_rollup::{Coverage, Level, Span, Spans};
use pgrx::pg_sys;

use super::calendar::{SourceCalendar, is_utc};
use crate::catalog::lookup::{Source, StateColumn, TimeType};
use crate::spi::{self, Arg, ident};

/// The earliest time that PostgreSQL knows: rows at `-infinity` are in no bucket.
const BEGINNING: i64 = -211_813_488_000_000_000;

/// The level that answers a period.
pub fn level_of(source: &Source, period: Period) -> Level {
    match (source.time_type, period) {
        (TimeType::Date, _) => Level::Day,
        (_, Period::Minute) => Level::Minute,
        (_, Period::Hour) => Level::Hour,
        _ => Level::Day,
    }
}

/// SQL for the start of the period that holds `time`.
pub fn truncated(source: &Source, period: Period, time: &str) -> String {
    let zoned = source.time_type == TimeType::Timestamptz;
    let step = match period {
        Period::Minute => Some("1 minute"),
        Period::Hour => Some("1 hour"),
        Period::Day => Some("1 day"),
        _ => None,
    };
    let ty = source.time_type.bucket_type();
    match (step, zoned) {
        (Some(step), false) => format!("date_bin('{step}', {time}, {ty} '2000-01-01')"),
        (Some(step), true) if period == Period::Minute || is_utc(&source.timezone) => {
            format!("date_bin('{step}', {time}, {ty} '2000-01-01 00:00:00+00')")
        }
        (_, true) => {
            format!(
                "date_trunc('{}', {time}, {})",
                period.as_str(),
                spi::literal(&source.timezone)
            )
        }
        (None, false) => format!("date_trunc('{}', {time})", period.as_str()),
    }
}

/// SQL for the start of the quarter of an hour that holds `time`, whatever the zone.
pub fn quarter_hour(source: &Source, time: &str) -> String {
    let origin = if source.time_type == TimeType::Timestamptz {
        "2000-01-01 00:00:00+00"
    } else {
        "2000-01-01"
    };
    format!(
        "date_bin('15 minutes', {time}, {} '{origin}')",
        source.time_type.bucket_type()
    )
}

/// SQL that merges a state's column.
pub fn merged(merge: &str, column: &str) -> String {
    match merge {
        "count" => format!("coalesce(sum({column}), 0)::bigint"),
        "min" => format!("min({column})"),
        "max" => format!("max({column})"),
        "bool_and" => format!("bool_and({column})"),
        "bool_or" => format!("bool_or({column})"),
        "rollup" => format!("kpi.rollup({column})"),
        // A sum of sums has a wider type than the sum; the column's own type is put back by `merge`'s suffix.
        other => match other.strip_prefix("sum ") {
            Some(ty) => format!("sum({column})::{ty}"),
            None => format!("sum({column})"),
        },
    }
}

/// A KPI's value over states of which each group has one row, without the aggregates that would merge them; `None`
/// where a state is not merged in the way that [`merged`] writes.
pub fn value_of_single(value_sql: &str, states: &[&StateColumn]) -> Option<String> {
    let mut value = value_sql.to_string();
    for state in states {
        let column = ident(&format!("kpi s{}", state.position));
        let merging = merged(&state.merge, &column);
        let single = match state.merge.as_str() {
            "count" => format!("coalesce({column}, 0)"),
            "min" | "max" | "bool_and" | "bool_or" | "rollup" => column,
            other => format!("{column}::{}", other.strip_prefix("sum ")?),
        };
        if !value.contains(&merging) {
            return None;
        }
        value = value.replace(&merging, &single);
    }
    Some(value)
}

/// Collects the arguments of a statement while its text is written.
#[derive(Default)]
pub struct Arguments(pub Vec<Arg>);

impl Arguments {
    fn push(&mut self, arg: Arg) -> String {
        self.0.push(arg);
        format!("${}", self.0.len())
    }

    /// A time of the source's bucket type.
    pub fn time(&mut self, source: &Source, t: i64) -> String {
        let (element, _) = source.time_type.bucket_array();
        self.push(spi::raw_arg(element, Some(pg_sys::Datum::from(t))))
    }

    /// An instant, whatever the source's bucket type.
    pub fn instant(&mut self, t: i64) -> String {
        self.push(spi::raw_arg(pg_sys::TIMESTAMPTZOID, Some(pg_sys::Datum::from(t))))
    }

    /// An array of times of the source's bucket type.
    pub fn times(&mut self, source: &Source, times: impl Iterator<Item = i64>) -> String {
        let (element, array) = source.time_type.bucket_array();
        let mut datums: Vec<pg_sys::Datum> = times.map(pg_sys::Datum::from).collect();
        // SAFETY: elements are 8-byte by-value timestamps, aligned as double; the array lives in the caller's context.
        let built = unsafe {
            pg_sys::construct_array(
                datums.as_mut_ptr(),
                datums.len() as i32,
                element,
                8,
                true,
                pg_sys::TYPALIGN_DOUBLE as std::ffi::c_char,
            )
        };
        self.push(spi::raw_arg(array, Some(pg_sys::Datum::from(built))))
    }
}

/// A finite start for a comparison with `>=`.
pub fn finite_start(t: i64) -> i64 {
    t.max(BEGINNING)
}

/// What a read selects.
pub struct Selection<'a> {
    pub source: &'a Source,
    pub states: &'a [&'a StateColumn],
    pub period: Period,
    /// Positions, in the source's list, of the dimensions that the read groups or filters by.
    pub dimensions: &'a [usize],
}

/// Where the rows of a branch come from.
enum Origin {
    Raw,
    /// A rollup table, and the period whose buckets it holds; a quarter of an hour is none.
    Table(&'static str, Option<Period>),
}

impl Selection<'_> {
    /// Whether every row of [`Self::branches`] is a group of its own: buckets of the asked period, all from their table,
    /// in all dimensions.
    pub fn is_single(&self, coverage: &Coverage) -> bool {
        let own = level_of(self.source, self.period);
        let only_own = [
            (Level::Day, &coverage.day),
            (Level::Hour, &coverage.hour),
            (Level::Minute, &coverage.minute),
        ]
        .iter()
        .all(|(level, spans)| *level == own || spans.as_slice().is_empty());
        // Local times may name one bucket twice where clocks change.
        let one_row_a_bucket =
            self.source.time_type == TimeType::Timestamptz || is_utc(&self.source.timezone);
        only_own
            && one_row_a_bucket
            && matches!(self.period, Period::Minute | Period::Hour | Period::Day)
            && coverage.quarter_hour.as_slice().is_empty()
            && coverage.raw.as_slice().is_empty()
            && self.dimensions.len() == self.source.dimensions.len()
    }

    /// The states of the coverage, as rows `(label, dimensions..., states...)` still to be merged.
    pub fn branches(&self, coverage: &Coverage, calendar: &SourceCalendar, args: &mut Arguments) -> String {
        let origins = [
            (Origin::Table("day", Some(Period::Day)), &coverage.day),
            (Origin::Table("hour", Some(Period::Hour)), &coverage.hour),
            (Origin::Table("quarter_hour", None), &coverage.quarter_hour),
            (Origin::Table("minute", Some(Period::Minute)), &coverage.minute),
            (Origin::Raw, &coverage.raw),
        ];
        let mut branches = Vec::new();
        for (origin, spans) in origins {
            self.branch(&origin, spans, calendar, args, &mut branches);
        }
        if branches.is_empty() {
            // An empty window still needs the columns.
            let from = args.time(self.source, 0);
            branches.push(self.table_rows("day", Some(Period::Day), &format!("t.bucket < {from} AND false")));
        }
        branches.join("\nUNION ALL\n")
    }

    fn branch(
        &self,
        origin: &Origin,
        spans: &Spans,
        calendar: &SourceCalendar,
        args: &mut Arguments,
        branches: &mut Vec<String>,
    ) {
        // Hours are found by their labels, and in an irregular hour the label is not where the hour begins.
        let labels: Spans;
        let spans = match origin {
            Origin::Table("hour", _) => {
                let label = |t| calendar.start(Period::Hour, t);
                labels = spans
                    .as_slice()
                    .iter()
                    .map(|s| Span::new(label(s.from), label(s.until)))
                    .collect();
                &labels
            }
            _ => spans,
        };
        // One long stretch is a plain range; many short ones are joined, and those that lie in one bucket bring its
        // label along, which spares a date_trunc per row.
        if let [span] = spans.as_slice() {
            branches.push(self.range(origin, *span, args));
            return;
        }
        let (mut labelled, mut open) = (Vec::new(), Vec::new());
        for span in spans.as_slice() {
            self.split(*span, origin, calendar, &mut labelled, &mut open);
        }
        for span in open {
            branches.push(self.range(origin, span, args));
        }
        if !labelled.is_empty() {
            branches.push(self.joined(origin, &labelled, args));
        }
    }

    /// Cuts a stretch at the borders of the period, while the pieces stay few.
    fn split(
        &self,
        span: Span,
        origin: &Origin,
        calendar: &SourceCalendar,
        labelled: &mut Vec<(Span, i64)>,
        open: &mut Vec<Span>,
    ) {
        const PIECES: usize = 50;
        let before = labelled.len();
        let mut from = span.from;
        while from < span.until {
            let label = calendar.start(self.period, from);
            let border = calendar.next(self.period, from);
            let until = match origin {
                Origin::Raw => whole_minute(border),
                Origin::Table(..) => border,
            }
            .min(span.until);
            if label == i64::MIN || until <= from || labelled.len() - before >= PIECES {
                labelled.truncate(before);
                open.push(span);
                return;
            }
            labelled.push((Span::new(from, until), label));
            from = until;
        }
    }

    fn range(&self, origin: &Origin, span: Span, args: &mut Arguments) -> String {
        let from = args.time(self.source, finite_start(span.from));
        let until = args.time(self.source, span.until);
        match origin {
            Origin::Table(name, own) => {
                self.table_rows(name, *own, &format!("t.bucket >= {from} AND t.bucket < {until}"))
            }
            Origin::Raw => {
                let label = truncated(self.source, self.period, &minute_of_raw(self.source));
                self.raw_rows(&label, &self.input(), &within(self.source, &from, &until))
            }
        }
    }

    fn table_rows(&self, name: &str, own: Option<Period>, condition: &str) -> String {
        let label = if own == Some(self.period) {
            "t.bucket".to_string()
        } else {
            truncated(self.source, self.period, "t.bucket")
        };
        format!(
            "SELECT {} FROM {} t WHERE {condition}",
            self.columns(&label, "t."),
            self.source.object(name)
        )
    }

    fn joined(&self, origin: &Origin, labelled: &[(Span, i64)], args: &mut Arguments) -> String {
        let spans = stretches(self.source, labelled, args);
        match origin {
            Origin::Table(name, own) => format!(
                "SELECT {} FROM {spans} JOIN {} t ON t.bucket >= g.\"kpi from\" AND t.bucket < g.\"kpi until\"",
                // A bucket's own label, because truncating it again gives another one in an irregular hour.
                self.columns(
                    if *own == Some(self.period) {
                        "t.bucket"
                    } else {
                        "g.\"kpi label\""
                    },
                    "t."
                ),
                self.source.object(name)
            ),
            Origin::Raw => self.raw_rows(
                "g.\"kpi label\"",
                &format!("{spans} CROSS JOIN {}", self.input()),
                &within(self.source, "g.\"kpi from\"", "g.\"kpi until\""),
            ),
        }
    }

    fn columns(&self, label: &str, prefix: &str) -> String {
        std::iter::once(label.to_string())
            .chain(self.dimensions.iter().map(|d| format!("{prefix}d{}", d + 1)))
            .chain(self.states.iter().map(|s| format!("{prefix}{}", s.name())))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn input(&self) -> String {
        self.source.object("input")
    }

    fn raw_rows(&self, label: &str, from: &str, condition: &str) -> String {
        let columns: Vec<String> = std::iter::once(label.to_string())
            .chain(self.dimensions.iter().map(|d| format!("\"kpi d{}\"", d + 1)))
            .chain(self.states.iter().map(|s| s.partial.clone()))
            .collect();
        let keys: Vec<String> = (1..=self.dimensions.len() + 1).map(|i| i.to_string()).collect();
        format!(
            "SELECT {} FROM {from} WHERE {condition} GROUP BY {}",
            columns.join(", "),
            keys.join(", ")
        )
    }

    /// Names of the columns of [`Self::branches`]: the label, dimensions by their own names, states.
    pub fn aliases(&self) -> String {
        std::iter::once(ident("kpi label"))
            .chain(
                self.dimensions
                    .iter()
                    .filter_map(|d| self.source.dimensions.get(*d))
                    .map(|d| ident(d)),
            )
            .chain(self.states.iter().map(|s| ident(&format!("kpi s{}", s.position))))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// `unnest` of stretches with their labels, as relation `g`.
fn stretches(source: &Source, labelled: &[(Span, i64)], args: &mut Arguments) -> String {
    let from = args.times(source, labelled.iter().map(|(s, _)| finite_start(s.from)));
    let until = args.times(source, labelled.iter().map(|(s, _)| s.until));
    let label = args.times(source, labelled.iter().map(|(_, label)| *label));
    format!("unnest({from}, {until}, {label}) AS g(\"kpi from\", \"kpi until\", \"kpi label\")")
}

/// The first whole minute that is not before a border. The offsets of long ago have seconds in them: there a minute lies
/// in two days, and belongs to the one that it begins in, as its bucket does.
fn whole_minute(border: i64) -> i64 {
    match border.checked_add(kpi_rollup::MINUTE - 1) {
        Some(t) if border != i64::MIN => t.div_euclid(kpi_rollup::MINUTE) * kpi_rollup::MINUTE,
        _ => border,
    }
}

/// The start of a raw row's minute, or its time where that is in the same period anyway.
fn minute_of_raw(source: &Source) -> String {
    let time = raw_time(source);
    if source.time_type == TimeType::Timestamptz && !is_utc(&source.timezone) {
        truncated(source, Period::Minute, &time)
    } else {
        time
    }
}

/// The raw time as a bucket's type.
pub fn raw_time(source: &Source) -> String {
    if source.time_type == TimeType::Date {
        "\"kpi time\"::timestamp".into()
    } else {
        "\"kpi time\"".into()
    }
}

/// A condition on the raw time that an index on the time column can answer.
pub fn within(source: &Source, from: &str, until: &str) -> String {
    if source.time_type == TimeType::Date {
        format!("\"kpi time\" >= {from}::date AND \"kpi time\" < {until}::date")
    } else {
        format!("\"kpi time\" >= {from} AND \"kpi time\" < {until}")
    }
}
