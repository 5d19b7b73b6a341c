//! What a refresh publishes: the values that it changes, appended to the log in its own transaction.

use std::collections::{BTreeMap, BTreeSet};

use kpi_catalog::Period;
use kpi_rollup::{Calendar, Span, Spans};
use pgrx::prelude::*;

use super::channel;
use super::materialised::{self, Cell, Group, Key};
use crate::catalog::lookup::Source;
use crate::error::Error;
use crate::identity::Identity;
use crate::jobs::shared;
use crate::rollup::calendar::SourceCalendar;
use crate::spi::{self, Mode, Reuse, arg};

/// Above this share of the server's notification queue nobody is notified: some listener sleeps in a transaction, and
/// an overfull queue would make the refresh fail. The log has everything.
const QUEUE_LIMIT: f64 = 0.5;

/// A refresh that publishes.
pub struct Publication {
    source: Source,
    calendar: SourceCalendar,
    groups: Vec<Group>,
    touched: Vec<Span>,
    before: Vec<BTreeMap<Key, Cell>>,
    last_number: i64,
    segment: i32,
}

/// One change of one KPI.
struct Change<'a> {
    code: &'a str,
    period: Period,
    by: &'a [String],
    key: Key,
    value: Option<f64>,
    previous: Option<f64>,
    data_points: i64,
    changes: i64,
}

impl Publication {
    /// Begins one for a locked source; `None` when nothing of it is published. From here to the end of the transaction
    /// no other refresh publishes.
    pub fn begin(source: &Source) -> Result<Option<Self>, Error> {
        let _owner = Identity::extension_owner()?;
        let groups = materialised::groups(source)?;
        if groups.is_empty() {
            return Ok(None);
        }
        let head = spi::first_kept(
            Mode::Write,
            "SELECT segment, base FROM kpi.change_head FOR NO KEY UPDATE",
            &[],
            |row| {
                Ok((
                    row.get::<i32>(1).unwrap_or_default(),
                    row.get::<i64>(2).unwrap_or_default(),
                ))
            },
        )?;
        let (segment, base) = head.unwrap_or_default();
        let table = super::log::segment(segment);
        let mut last = None;
        spi::scan_reusing(
            Reuse::Soon,
            Mode::Write,
            &format!("SELECT max(number) FROM {table}"),
            &[],
            |row| {
                last = row.get::<i64>(1);
                Ok(())
            },
        )?;
        Ok(Some(Self {
            calendar: SourceCalendar::new(source.time_type, &source.timezone),
            source: source.clone(),
            groups,
            touched: Vec::new(),
            before: Vec::new(),
            last_number: last.unwrap_or(base),
            segment,
        }))
    }

    /// Reads the buckets that are about to be recomputed, as they were published. `touched` has one entry per noted
    /// write: its length is the number of writes.
    pub fn read_before(&mut self, touched: Vec<Span>, kept: &Spans) -> Result<(), Error> {
        let recomputed: Spans = touched.iter().copied().collect::<Spans>().minus(kept);
        self.touched = touched;
        self.before.clear();
        for group in &self.groups {
            let labels = self.labels(group.period, &recomputed);
            self.before.push(materialised::read(group, &labels)?);
        }
        Ok(())
    }

    /// Reads the same buckets again, appends what differs to the log and notifies the listeners.
    pub fn publish(self, kept: &Spans) -> Result<(), Error> {
        let recomputed: Spans = self.touched.iter().copied().collect::<Spans>().minus(kept);
        let (mut starts, mut ends): (Vec<i64>, Vec<i64>) =
            self.touched.iter().map(|s| (s.from, s.until)).unzip();
        starts.sort_unstable();
        ends.sort_unstable();
        let mut changes = Vec::new();
        for (group, before) in self.groups.iter().zip(&self.before) {
            let after = materialised::read(group, &self.labels(group.period, &recomputed))?;
            let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let (old, new) = (before.get(key), after.get(key));
                let writes = || {
                    let from = crate::rollup::read::own_time(&self.source, key.0);
                    let until = self.calendar.next(group.period, from);
                    let begun = starts.partition_point(|s| *s < until);
                    let over = ends.partition_point(|e| *e <= from);
                    (begun - over.min(begun)) as i64
                };
                for (place, kpi) in group.kpis.iter().enumerate() {
                    let of = |cell: Option<&Cell>| {
                        cell.and_then(|(_, values)| values.get(place).copied().flatten())
                    };
                    let (previous, value) = (of(old), of(new));
                    if same(previous, value) {
                        continue;
                    }
                    changes.push(Change {
                        code: &kpi.code,
                        period: group.period,
                        by: &group.by,
                        key: key.clone(),
                        value,
                        previous,
                        data_points: new.map_or(0, |(n, _)| *n),
                        changes: writes().max(1),
                    });
                }
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        // Time first: who replays the log sees days after the minutes that made them only because they come later.
        changes
            .sort_by(|a, b| (a.key.0, a.code, a.period.as_str()).cmp(&(b.key.0, b.code, b.period.as_str())));
        let _owner = Identity::extension_owner()?;
        append(self.segment, self.last_number, &changes)?;
        notify(self.last_number, &changes)?;
        let last = self.last_number + changes.len() as i64;
        shared::at_commit(|noted| noted.published = Some(last));
        Ok(())
    }

    /// Starts of the buckets that hold recomputed stretches, as closed stretches of instants.
    fn labels(&self, period: Period, recomputed: &Spans) -> Vec<(i64, i64)> {
        recomputed
            .as_slice()
            .iter()
            .map(|span| {
                let first = match period {
                    Period::Day => self.calendar.day(span.from),
                    _ => self.calendar.start(period, span.from),
                };
                let last = match span.until {
                    i64::MAX => i64::MAX,
                    until => self.calendar.start(period, until - 1),
                };
                (
                    materialised::instant(&self.source, first),
                    materialised::instant(&self.source, last),
                )
            })
            .collect()
    }
}

/// NaN is equal to itself here: a value that stays NaN has not changed.
fn same(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
        _ => false,
    }
}

fn append(segment: i32, last: i64, changes: &[Change]) -> Result<(), Error> {
    let table = super::log::segment(segment);
    let times: Result<Vec<TimestampWithTimeZone>, Error> = changes
        .iter()
        .map(|c| {
            TimestampWithTimeZone::try_from(c.key.0).map_err(|_| {
                Error::new(
                    PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
                    "a bucket's start is out of range",
                )
            })
        })
        .collect();
    let texts = |of: &dyn Fn(&Change) -> String| arg(changes.iter().map(of).collect::<Vec<String>>());
    spi::scan_reusing(
        Reuse::Soon,
        Mode::Write,
        &format!(
            "INSERT INTO {table} (number, committed, code, period, by, bucket, dimensions, value, previous, status, data_points, changes) \
             SELECT $1 + u.ord, clock_timestamp(), u.code, u.period, \
             ARRAY(SELECT pg_catalog.jsonb_array_elements_text(u.by::jsonb)), u.bucket, u.dimensions::jsonb, \
             u.value, u.previous, kpi.status(u.value, k.direction, k.target, k.warn), u.data_points, u.changes \
             FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) \
             WITH ORDINALITY AS u(code, period, by, bucket, dimensions, value, previous, data_points, changes, ord) \
             LEFT JOIN kpi.kpi k ON k.code = u.code ORDER BY u.ord"
        ),
        &[
            arg(last),
            texts(&|c| c.code.to_string()),
            texts(&|c| c.period.as_str().to_string()),
            texts(&|c| serde_json::Value::from(c.by).to_string()),
            arg(times?),
            texts(&|c| c.key.1.clone()),
            arg(changes.iter().map(|c| c.value).collect::<Vec<_>>()),
            arg(changes.iter().map(|c| c.previous).collect::<Vec<_>>()),
            arg(changes.iter().map(|c| c.data_points).collect::<Vec<_>>()),
            arg(changes.iter().map(|c| c.changes).collect::<Vec<_>>()),
        ],
        |_| Ok(()),
    )?;
    Ok(())
}

/// One notification per channel, of at most a few hundred bytes: the last number, its bucket, how many changes, and the
/// value where the KPI is published as a whole.
fn notify(last: i64, changes: &[Change]) -> Result<(), Error> {
    struct Notice {
        number: i64,
        bucket: i64,
        changes: i64,
        value: Option<Option<f64>>,
    }
    let mut notices: BTreeMap<(&str, &str), Notice> = BTreeMap::new();
    for (change, number) in changes.iter().zip(last + 1..) {
        let notice = notices
            .entry((change.code, change.period.as_str()))
            .or_insert(Notice {
                number,
                bucket: change.key.0,
                changes: 0,
                value: None,
            });
        notice.number = number;
        notice.bucket = change.key.0;
        notice.changes += 1;
        if change.by.is_empty() {
            notice.value = Some(change.value);
        }
    }
    let mut channels = vec![channel::ALL.to_string()];
    let mut payloads = vec![
        serde_json::json!({"number": last + changes.len() as i64, "changes": changes.len()}).to_string(),
    ];
    for ((code, period), notice) in notices {
        let mut payload = serde_json::json!({
            "number": notice.number,
            "bucket": kpi_series::timestamp::format(notice.bucket),
            "changes": notice.changes,
        });
        if let (Some(value), Some(fields)) = (notice.value, payload.as_object_mut()) {
            // JSON has no NaN and no infinity: they are texts, as PostgreSQL writes them.
            let value = match value {
                Some(v) if !v.is_finite() => serde_json::Value::from(if v.is_nan() {
                    "NaN"
                } else if v > 0.0 {
                    "Infinity"
                } else {
                    "-Infinity"
                }),
                other => serde_json::Value::from(other),
            };
            fields.insert("value".to_string(), value);
        }
        channels.push(channel::channel(code, period));
        payloads.push(payload.to_string());
    }
    let sent = spi::scan_reusing(
        Reuse::Soon,
        Mode::Write,
        "SELECT pg_catalog.pg_notify(n.channel, n.payload) FROM unnest($1, $2) n(channel, payload) \
         WHERE pg_catalog.pg_notification_queue_usage() < $3",
        &[arg(channels), arg(payloads), arg(QUEUE_LIMIT)],
        |_| Ok(()),
    )?;
    if sent == 0 {
        pgrx::warning!(
            "changes are logged but not announced: the notification queue is more than half full, \
             since a listener sleeps in a transaction"
        );
    }
    Ok(())
}
