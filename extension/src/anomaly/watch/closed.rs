//! Buckets of watched KPIs, scored in the refresh after they close.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::batch::{self, Group, Purpose};
use super::{Watch, watch_of};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, Row, arg, raw_arg};

/// A watch of a KPI with buckets that have closed.
struct Due {
    watch: Watch,
    code: String,
    period: String,
    by: Vec<String>,
    filter: Option<String>,
    owner: pg_sys::Oid,
    /// Buckets that begin in here are to be observed.
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
}

/// Which watches are looked at.
enum Which {
    /// Those of a source's KPIs, and of KPIs derived from others, with buckets that have closed since they were last looked at.
    Closed { source: i32 },
    /// A new one, from this long ago on; from the beginning where it is not said.
    New { id: i32, learn: Option<Interval> },
}

/// Observes the buckets of a source's KPIs, and of those derived from others, that have closed since they were last looked at. A
/// watch that cannot be read leaves a warning, and the refresh goes on.
pub fn closed(source: i32) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    // What is watched at all is known without a lock; whoever finds nothing due does nothing.
    spi::query_kept(
        Mode::Write,
        "SELECT kpi._observe_closed($1) WHERE EXISTS (SELECT FROM kpi.watch w JOIN kpi.kpi k ON k.code = w.code \
                                                      WHERE k.source_id = $1 OR k.source_id IS NULL)",
        &[arg(source)],
        |_| Ok(()),
    )?;
    Ok(())
}

/// `kpi._closed(source)`: the work itself, within the subtransaction of `kpi._observe_closed`.
#[pg_extern(sql = false)]
fn observe_closed(source: i32) -> Result<(), ErrorReport> {
    for due in due(Which::Closed { source })? {
        observe(&due, Purpose::Score)?;
    }
    Ok(())
}

fn due(which: Which) -> Result<Vec<Due>, Error> {
    let (source, id, learn) = match which {
        Which::Closed { source } => (Some(source), None, None),
        Which::New { id, learn } => (None, Some(id), learn),
    };
    spi::query_kept(
        Mode::Write,
        "SELECT w.id, w.name, w.threshold, w.direction, w.season, w.min_score, w.code, w.period, w.key, w.filter, w.owner::oid, \
                coalesce(c.until - $3, w.observed_until), c.until \
         FROM kpi.watch w JOIN kpi.kpi k ON k.code = w.code LEFT JOIN kpi.source s ON s.id = k.source_id, \
         LATERAL (SELECT pg_catalog.date_trunc(w.period, now() - w.delay, coalesce(s.timezone, 'UTC'))) c (until) \
         WHERE CASE WHEN $2 IS NULL THEN (k.source_id = $1 OR k.source_id IS NULL) AND (w.observed_until IS NULL OR c.until > w.observed_until) \
                    ELSE w.id = $2 END \
         ORDER BY w.id FOR NO KEY UPDATE OF w",
        &[
            raw_arg(pg_sys::INT4OID, source.into_datum()),
            raw_arg(pg_sys::INT4OID, id.into_datum()),
            raw_arg(pg_sys::INTERVALOID, learn.into_datum()),
        ],
        due_of,
    )
}

fn due_of(row: &Row) -> Result<Due, Error> {
    Ok(Due {
        watch: watch_of(row, 1)?,
        code: row.text(7),
        period: row.text(8),
        by: row.get(9).unwrap_or_default(),
        filter: row.get(10),
        owner: row.get(11).unwrap_or(pg_sys::Oid::INVALID),
        since: row.get(12),
        until: row.get(13),
    })
}

/// Learns from the buckets of a new watch that have closed within `learn`.
pub fn learn(id: i32, learn: Option<Interval>) -> Result<(), Error> {
    let due = {
        let _owner = Identity::extension_owner()?;
        due(Which::New { id, learn })?
    };
    due.iter().try_for_each(|due| observe(due, Purpose::Learn))
}

/// Reads as the owner of the watch, and writes down as the owner of the extension.
fn observe(due: &Due, purpose: Purpose) -> Result<(), Error> {
    let mut groups: Vec<Group> = Vec::new();
    {
        let _reader = Identity::role(due.owner)?;
        spi::scan(
            Mode::Write,
            "SELECT v.dimensions::text, v.ts, v.value FROM kpi.value($1, $2, $3, $4, $5, $6) v ORDER BY v.dimensions, v.ts",
            &[
                arg(due.code.as_str()),
                arg(due.period.as_str()),
                raw_arg(pg_sys::TIMESTAMPTZOID, due.since.into_datum()),
                raw_arg(pg_sys::TIMESTAMPTZOID, due.until.into_datum()),
                arg(due.by.clone()),
                raw_arg(pg_sys::TEXTOID, due.filter.as_deref().into_datum()),
            ],
            |row| {
                let key = row.get::<String>(1).unwrap_or_else(|| "{}".to_string());
                let time = row.datum(2).map_or(0, |datum| datum.value() as i64);
                let value = row.get::<f64>(3).unwrap_or(f64::NAN);
                match groups.last_mut() {
                    Some(group) if group.key == key => group.points.push((time, value)),
                    _ => groups.push(Group {
                        key,
                        points: vec![(time, value)],
                    }),
                }
                Ok(())
            },
        )?;
    }
    let _owner = Identity::extension_owner()?;
    batch::observe(&due.watch, groups, purpose)?;
    spi::run(
        "UPDATE kpi.watch SET observed_until = $2 WHERE id = $1",
        &[
            arg(due.watch.id),
            raw_arg(pg_sys::TIMESTAMPTZOID, due.until.into_datum()),
        ],
    )?;
    Ok(())
}
