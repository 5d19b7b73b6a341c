//! Overrides: rows that a condition of the user's names are dropped at a time of their own. The condition is read as the table's
//! owner, under the search path of whoever wrote it.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::export::{self, qualified};
use super::only::Only;
use super::retention::{Retention, owned};
use crate::catalog::{prepare, source};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg, raw_arg};

/// Enters an override, once its condition has been read.
pub fn set(relation: pg_sys::Oid, condition: &str, drop_after: Option<Interval>) -> Result<(), Error> {
    let path = source::search_path()?;
    let table = qualified(relation)?;
    let owner = super::retention::check_owner(relation)?;
    {
        let _role = Identity::assume(owner, &path, "UTC")?;
        let columns = prepare::columns(
            &format!("SELECT ({condition}\n) FROM {table}"),
            "the condition of an override",
        )?;
        if columns.first().map(|column| column.type_oid) != Some(pg_sys::BOOLOID) {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                "the condition of an override is not true or false",
            )
            .detail(format!("It is \"{condition}\"."))
            .hint("Write what could stand behind WHERE, for example \"where\" => 'tenant_id = 7'."));
        }
        // An aggregate may stand in a list of columns, and not where the condition will.
        prepare::columns(
            &format!("SELECT FROM {table} WHERE ({condition}\n)"),
            "the condition of an override",
        )?;
    }
    let _owner = Identity::extension_owner()?;
    spi::run(
        "SELECT kpi._set_override($1, $2, $3, $4)",
        &[
            arg(relation),
            arg(condition),
            arg(path),
            raw_arg(pg_sys::INTERVALOID, drop_after.into_datum()),
        ],
    )?;
    Ok(())
}

/// Ends an override.
pub fn remove(relation: pg_sys::Oid, condition: &str) -> Result<(), Error> {
    let retention = owned(relation)?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "SELECT kpi._drop_override(r, $2) FROM kpi.retention r WHERE r.id = $1",
        &[arg(retention.id), arg(condition)],
    )?;
    Ok(())
}

/// The path under which the conditions of a table are read; `None` where it has none.
fn search_path(retention: &Retention) -> Result<Option<String>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::first(
        Mode::Write,
        "SELECT search_path FROM kpi.retention_override WHERE retention_id = $1 ORDER BY condition LIMIT 1",
        &[arg(retention.id)],
        |row| Ok(row.text(1)),
    )
}

fn as_owner(retention: &Retention, path: &str) -> Result<Identity, Error> {
    let role = Identity::assume(retention.owner, path, "UTC")?;
    role.set("row_security", "off")?;
    Ok(role)
}

/// A local part of which some rows are to be dropped.
struct Part {
    oid: pg_sys::Oid,
    since: i64,
    until: i64,
    due: String,
}

/// Drops the local rows that overrides say are to be dropped, and of late ones those that none of them keeps.
pub fn drop_local(retention: &Retention) -> Result<i64, Error> {
    let Some(path) = search_path(retention)? else {
        return Ok(0);
    };
    let parts = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT p.part::oid, p.since, p.until, p.due FROM kpi.retention r, kpi._override_parts(r) p WHERE r.id = $1",
            &[arg(retention.id)],
            |row| {
                Ok(Part {
                    oid: row.get(1).unwrap_or(pg_sys::Oid::INVALID),
                    since: row.get(2).unwrap_or(i64::MIN),
                    until: row.get(3).unwrap_or(i64::MAX),
                    due: row.text(4),
                })
            },
        )?
    };
    let mut dropped = 0;
    for part in parts {
        let table = qualified(part.oid)?;
        let rows = {
            let _role = as_owner(retention, &path)?;
            spi::run(&format!("DELETE FROM {table} WHERE {}", part.due), &[])?
        };
        if rows > 0 {
            let _owner = Identity::extension_owner()?;
            spi::run(
                "SELECT kpi._retention_dropped(r, $2, $3 - 1) FROM kpi.retention r WHERE r.id = $1",
                &[arg(retention.id), arg(part.since), arg(part.until)],
            )?;
        }
        dropped += rows;
    }
    if let Some(late) = &retention.late {
        let due = {
            let _owner = Identity::extension_owner()?;
            spi::first(
                Mode::Write,
                "SELECT kpi._time_condition($2, r, $3, c.cutoff), kpi._retention_due(r, c.cutoff) \
                 FROM kpi.retention r, LATERAL (SELECT kpi._cutoff(r.drop_after)) c(cutoff) \
                 WHERE r.id = $1 AND NOT kpi._held(r.relation, $3, c.cutoff)",
                &[
                    arg(retention.id),
                    arg(spi::ident(&retention.time_column)),
                    arg(i64::MIN),
                ],
                |row| Ok((row.get::<String>(1), row.get::<String>(2))),
            )?
        };
        if let Some((Some(range), Some(due))) = due {
            let _role = as_owner(retention, &path)?;
            dropped += spi::run(&format!("DELETE FROM {late} WHERE {range} AND ({due})"), &[])?;
        }
    }
    Ok(i64::try_from(dropped).unwrap_or(i64::MAX))
}

/// The intent to write the next objects anew of which rows are to be dropped. Objects that have none of them are only noted.
pub fn next(retention: &Retention) -> Result<Option<pgrx::Uuid>, Error> {
    let Some(path) = search_path(retention)? else {
        return Ok(None);
    };
    loop {
        let found = {
            let _owner = Identity::extension_owner()?;
            spi::first(
                Mode::Write,
                "SELECT f.since, f.until, f.files, f.due FROM kpi.retention r, kpi._override_files(r) f WHERE r.id = $1",
                &[arg(retention.id)],
                |row| {
                    Ok((
                        row.get::<i64>(1).unwrap_or(i64::MIN),
                        row.get::<i64>(2).unwrap_or(i64::MAX),
                        row.get::<Vec<i64>>(3).unwrap_or_default(),
                        row.text(4),
                    ))
                },
            )?
        };
        let Some((since, until, files, due)) = found else {
            return Ok(None);
        };
        let range = export::time_condition(retention, since, until)?;
        let mut any = false;
        for part in export::segments(retention, since, until)? {
            let _role = as_owner(retention, &path)?;
            let _only = Only::files(files.clone());
            any |= spi::first(
                Mode::Write,
                &format!("SELECT 1 FROM {part} WHERE {range} AND ({due}) LIMIT 1"),
                &[],
                |_| Ok(()),
            )?
            .is_some();
        }
        let _owner = Identity::extension_owner()?;
        if any {
            let work = spi::first(
                Mode::Write,
                "SELECT kpi._override_begin(r, $2, $3, $4, $5) FROM kpi.retention r WHERE r.id = $1",
                &[arg(retention.id), arg(since), arg(until), arg(files), arg(due)],
                |row| Ok(row.get::<pgrx::Uuid>(1)),
            )?;
            return Ok(work.flatten());
        }
        spi::run(
            "UPDATE kpi.archive_file SET overridden = $2 WHERE id = ANY ($1)",
            &[arg(files), arg(due)],
        )?;
    }
}

/// The path under which the condition of an intent is read.
pub fn path(retention: &Retention) -> Result<String, Error> {
    Ok(search_path(retention)?.unwrap_or_else(|| "pg_catalog".to_string()))
}
