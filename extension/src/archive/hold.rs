//! Legal holds, and what the next runs of a retention would do.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::retention::{check_owner, owned};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg};

/// `kpi.hold(relation, reason, since, until)`.
#[pg_extern(sql = false)]
fn hold(
    relation: Option<pg_sys::Oid>,
    reason: Option<&str>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<i32, ErrorReport> {
    check_writable("kpi.hold", "kpi.legal_hold can be read here.")?;
    let relation = required(relation, "relation")?;
    let reason = required(reason, "reason")?;
    let since = required(since, "since")?;
    let until = required(until, "until")?;
    check_owner(relation)?;
    if since >= until {
        Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the range to hold is empty",
        )
        .detail(format!("It begins at {since} and ends before {until}."))
        .hint("since comes before until, which is not part of the range."))?;
    }
    let holder = identity::current_role();
    let _owner = Identity::extension_owner()?;
    let id = spi::first(
        Mode::Write,
        "INSERT INTO kpi.legal_hold (relation, reason, since, until, held_by) VALUES ($1::oid, $2, $3, $4, $5::oid) RETURNING id",
        &[arg(relation), arg(reason), arg(since), arg(until), arg(holder)],
        |row| Ok(row.get::<i32>(1).unwrap_or_default()),
    )?;
    Ok(id.unwrap_or_default())
}

/// `kpi.release(hold)`.
#[pg_extern(sql = false)]
fn release(hold: Option<i32>) -> Result<(), ErrorReport> {
    check_writable("kpi.release", "kpi.legal_hold can be read here.")?;
    let hold = required(hold, "hold")?;
    let relation = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT relation::oid FROM kpi.legal_hold WHERE id = $1",
            &[arg(hold)],
            |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
        )?
    };
    let relation = relation.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("there is no hold {hold}"),
        )
        .hint("SELECT * FROM kpi.legal_hold lists the holds.")
    })?;
    // Of a table that is gone nothing is held any more.
    if identity::exists(relation) {
        check_owner(relation)?;
    }
    let _owner = Identity::extension_owner()?;
    spi::run("DELETE FROM kpi.legal_hold WHERE id = $1", &[arg(hold)])?;
    Ok(())
}

/// `kpi.retention_preview(relation, at)`.
#[allow(clippy::type_complexity)]
#[pg_extern(sql = false)]
fn retention_preview(
    relation: Option<pg_sys::Oid>,
    at: Option<TimestampWithTimeZone>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(action, String),
            name!(what, String),
            name!(since, Option<TimestampWithTimeZone>),
            name!(until, Option<TimestampWithTimeZone>),
            name!(rows, Option<i64>),
            name!(bytes, Option<i64>),
            name!(due, Option<TimestampWithTimeZone>),
        ),
    >,
    ErrorReport,
> {
    let retention = owned(required(relation, "relation")?)?;
    let at = required(at, "at")?;
    let _owner = Identity::extension_owner()?;
    let rows = spi::query(
        Mode::Write,
        "SELECT p.* FROM kpi.retention r, kpi._retention_preview(r, $2) p WHERE r.id = $1",
        &[arg(retention.id), arg(at)],
        |row| {
            Ok((
                row.text(1),
                row.text(2),
                row.get(3),
                row.get(4),
                row.get(5),
                row.get(6),
                row.get(7),
            ))
        },
    )?;
    Ok(TableIterator::new(rows))
}
