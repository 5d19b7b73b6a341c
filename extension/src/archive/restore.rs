//! Bringing archived rows back: into a local partition of a native table, or into the chunks of a hypertable.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::qualified;
use super::lock;
use super::only::Only;
use super::retention::{Retention, owned};
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::spi::{self, Mode, arg, raw_arg};

/// `kpi._archive_restore(relation, since, until, keep)`.
#[pg_extern(sql = false)]
fn archive_restore(
    relation: Option<pg_sys::Oid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    keep: Option<Interval>,
) -> Result<i64, ErrorReport> {
    let relation = required(relation, "relation")?;
    let since = required(since, "since")?;
    let until = required(until, "until")?;
    Ok(restore(relation, since, until, keep)?)
}

fn restore(
    relation: pg_sys::Oid,
    since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
    keep: Option<Interval>,
) -> Result<i64, Error> {
    let retention = owned(relation)?;
    if !lock::is_mine(retention.id) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this is a step of kpi.restore",
        )
        .hint("CALL kpi.restore(table, since, until) does all steps."));
    }
    if since >= until {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the range to restore is empty",
        )
        .detail(format!("It begins at {since} and ends before {until}."))
        .hint("since comes before until, which is not part of the range."));
    }
    let ranges = ranges(&retention, since, until)?;
    let mut restored = 0;
    for range in &ranges {
        restored += match retention.kind.as_str() {
            "native" => into_partition(&retention, range)?,
            _ => into_chunks(&retention, range)?,
        };
        let _owner = Identity::extension_owner()?;
        spi::run(
            "INSERT INTO kpi.archive_restored VALUES ($1, $2, $3, pg_catalog.clock_timestamp() + coalesce($4, interval '0'))",
            &[
                arg(retention.id),
                arg(range.since),
                arg(range.until),
                raw_arg(pg_sys::INTERVALOID, keep.into_datum()),
            ],
        )?;
    }
    Ok(restored)
}

/// What there is of a range in one foreign table.
struct Range {
    foreign_table: String,
    since: i64,
    until: i64,
    /// The condition on the time column.
    condition: String,
}

fn ranges(
    retention: &Retention,
    since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
) -> Result<Vec<Range>, Error> {
    let column = spi::ident(&retention.time_column);
    let _owner = Identity::extension_owner()?;
    spi::query(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), g.since, g.until, kpi._time_condition($4, r, g.since, g.until) \
         FROM kpi.retention r JOIN kpi.archive_segment s ON s.retention_id = r.id \
         JOIN pg_catalog.pg_class c ON c.oid = s.foreign_table JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, \
         LATERAL (SELECT greatest(s.since, kpi._unix_us($2)) AS since, least(s.until, kpi._unix_us($3)) AS until) g \
         WHERE r.id = $1 AND g.since < g.until ORDER BY g.since",
        &[arg(retention.id), arg(since), arg(until), arg(column)],
        |row| {
            Ok(Range {
                foreign_table: row.text(1),
                since: row.get(2).unwrap_or(i64::MIN),
                until: row.get(3).unwrap_or(i64::MAX),
                condition: row.text(4),
            })
        },
    )
}

/// The columns that can be inserted: all that are not generated.
fn columns(retention: &Retention) -> Result<String, Error> {
    let names = spi::query(
        Mode::Write,
        "SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
        &[arg(retention.relation)],
        |row| Ok(spi::ident(&row.text(1))),
    )?;
    Ok(names.join(", "))
}

fn into_partition(retention: &Retention, range: &Range) -> Result<i64, Error> {
    let part = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT kpi._archive_local(r)::oid FROM kpi.retention r WHERE r.id = $1",
            &[arg(retention.id)],
            |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
        )?
        .unwrap_or(pg_sys::Oid::INVALID)
    };
    let columns = columns(retention)?;
    let table = qualified(part)?;
    let late = retention.late.clone().unwrap_or_default();
    let as_owner = || -> Result<Identity, Error> {
        let role = Identity::assume(retention.owner, "pg_catalog", "UTC")?;
        role.set("row_security", "off")?;
        Ok(role)
    };
    let mut rows = {
        let _role = as_owner()?;
        let _only = Only::archived();
        spi::run(
            &format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM {} WHERE {}",
                range.foreign_table, range.condition
            ),
            &[],
        )?
    };
    // From here on nobody else gets at the table: late rows that are there now are all there will be.
    {
        let _owner = Identity::extension_owner()?;
        spi::run(
            "SELECT kpi._archive_lock(ARRAY[$1::regclass])",
            &[arg(retention.relation)],
        )?;
    }
    {
        let _role = as_owner()?;
        rows += spi::run(
            &format!(
                "WITH late AS (DELETE FROM {late} WHERE {} RETURNING {columns}) INSERT INTO {table} ({columns}) SELECT {columns} FROM late",
                range.condition
            ),
            &[],
        )?;
    }
    let _owner = Identity::extension_owner()?;
    spi::run(
        "SELECT kpi._archive_return(r, $2::regclass, $3, $4) FROM kpi.retention r WHERE r.id = $1",
        &[arg(retention.id), arg(part), arg(range.since), arg(range.until)],
    )?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

fn into_chunks(retention: &Retention, range: &Range) -> Result<i64, Error> {
    let columns = columns(retention)?;
    let table = qualified(retention.relation)?;
    let rows = {
        // The rows are not new to the table: its triggers have seen them.
        let replica = Identity::extension_owner()?;
        replica.set("session_replication_role", "replica")?;
        let role = Identity::assume(retention.owner, "pg_catalog", "UTC")?;
        role.set("row_security", "off")?;
        spi::run(
            &format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM {} WHERE {}",
                range.foreign_table, range.condition
            ),
            &[],
        )?
    };
    let _owner = Identity::extension_owner()?;
    spi::run(
        "SELECT kpi._archive_cut(r, $2, $3, 'restored') FROM kpi.retention r WHERE r.id = $1",
        &[arg(retention.id), arg(range.since), arg(range.until)],
    )?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}
