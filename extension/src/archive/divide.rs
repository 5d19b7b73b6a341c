//! Dividing a partition into one for each period: the steps that run as the table's owner, whose functions indexes and checks call.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::qualified;
use super::lock;
use super::retention::check_owner;
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg};

/// The lock of a partition's table: that of its archive where it has one, else one of the partition's own. Those of archives are
/// positive.
fn lock_of(part: pg_sys::Oid) -> Result<i32, Error> {
    let _owner = Identity::extension_owner()?;
    let retention = spi::first(
        Mode::Write,
        "SELECT r.id FROM kpi.retention r JOIN pg_catalog.pg_inherits i ON i.inhparent = r.relation WHERE i.inhrelid = $1",
        &[arg(part)],
        |row| Ok(row.get::<i32>(1).unwrap_or_default()),
    )?;
    Ok(retention.unwrap_or(!((part.to_u32() & 0x7fff_ffff) as i32)))
}

/// A step of a division that this session has begun; the table's owner.
fn step(part: pg_sys::Oid) -> Result<pg_sys::Oid, Error> {
    let owner = check_owner(part)?;
    if !lock::is_mine(lock_of(part)?) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this is a step of kpi.divide_partition",
        )
        .hint("CALL kpi.divide_partition(partition, every) does all steps."));
    }
    Ok(owner)
}

/// `kpi._divide_begin(part, every)`.
#[pg_extern(sql = false)]
fn divide_begin(part: Option<pg_sys::Oid>, every: Option<Interval>) -> Result<bool, ErrorReport> {
    Ok(begin(required(part, "part")?, required(every, "every")?)?)
}

fn begin(part: pg_sys::Oid, every: Interval) -> Result<bool, Error> {
    check_writable("kpi.divide_partition", "The table can be read here.")?;
    check_owner(part)?;
    // SAFETY: asks the state of this session's transaction.
    if unsafe { pg_sys::IsTransactionBlock() } {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "kpi.divide_partition cannot run inside a transaction block",
        )
        .detail("It commits between its steps, so that the table is locked for a moment only.")
        .hint("Call it outside of BEGIN ... COMMIT; psql does so unless AUTOCOMMIT is off."));
    }
    if every.as_micros() <= 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "every must be a positive interval",
        )
        .hint("For example '1 month'."));
    }
    if !lock::take(lock_of(part)?) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            "the table is being archived, restored or divided",
        )
        .detail("One session at a time does that to a table.")
        .hint("Wait until it has ended, and call it again."));
    }
    let _owner = Identity::extension_owner()?;
    let begun = spi::first(
        Mode::Write,
        "SELECT kpi._division_begin($1::oid, $2)",
        &[arg(part), arg(every)],
        |row| Ok(row.get::<bool>(1).unwrap_or(false)),
    )?;
    Ok(begun.unwrap_or(false))
}

/// A division that was begun.
struct Division {
    original: String,
    copy: String,
    condition: String,
    rows: i64,
}

fn division(part: pg_sys::Oid) -> Result<Division, Error> {
    let original = qualified(part)?;
    let _owner = Identity::extension_owner()?;
    spi::first(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), kpi._division_condition('', o.time_column, o.type, d.since, d.until), coalesce(d.rows, 0) \
         FROM kpi.partition_division d JOIN pg_catalog.pg_class c ON c.oid = d.made JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, \
         kpi._divisible($1::oid) o WHERE d.partition = $1",
        &[arg(part)],
        |row| {
            Ok(Division {
                original: original.clone(),
                copy: row.text(1),
                condition: row.text(2),
                rows: row.get(3).unwrap_or_default(),
            })
        },
    )?
    .ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this partition is not being divided",
        )
        .hint("CALL kpi.divide_partition(partition, every) does all steps.")
    })
}

/// As the owner of a table: rows that change their place are not new to it, so that its triggers do not fire.
fn moving(owner: pg_sys::Oid) -> Result<(Identity, Identity), Error> {
    let replica = Identity::extension_owner()?;
    replica.set("session_replication_role", "replica")?;
    let role = Identity::assume(owner, "pg_catalog", "UTC")?;
    role.set("row_security", "off")?;
    Ok((role, replica))
}

/// `kpi._divide_copy(part)`.
#[pg_extern(sql = false)]
fn divide_copy(part: Option<pg_sys::Oid>) -> Result<i64, ErrorReport> {
    Ok(copy(required(part, "part")?)?)
}

fn copy(part: pg_sys::Oid) -> Result<i64, Error> {
    let owner = step(part)?;
    let division = division(part)?;
    let columns = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
            &[arg(part)],
            |row| Ok(row.text(1)),
        )?
        .join(", ")
    };
    let rows = {
        let _moving = moving(owner)?;
        spi::run(
            &format!(
                "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM ONLY {} WHERE {}",
                division.copy, division.original, division.condition
            ),
            &[],
        )?
    };
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.partition_division SET rows = $2 WHERE partition = $1",
        &[arg(part), arg(rows)],
    )?;
    Ok(rows)
}

/// `kpi._divide_finish(part)`.
#[pg_extern(sql = false)]
fn divide_finish(part: Option<pg_sys::Oid>) -> Result<bool, ErrorReport> {
    Ok(finish(required(part, "part")?)?)
}

fn finish(part: pg_sys::Oid) -> Result<bool, Error> {
    let owner = step(part)?;
    let unchanged = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT kpi._division_lock($1::oid)",
            &[arg(part)],
            |row| Ok(row.get::<bool>(1).unwrap_or(false)),
        )?
    };
    if unchanged != Some(true) {
        return Ok(false);
    }
    let division = division(part)?;
    let deleted = {
        let _moving = moving(owner)?;
        spi::run(
            &format!(
                "DELETE FROM ONLY {} WHERE {}",
                division.original, division.condition
            ),
            &[],
        )?
    };
    if i64::try_from(deleted) != Ok(division.rows) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            format!(
                "{deleted} rows of {} are not the {} that were copied",
                division.original, division.rows
            ),
        )
        .detail("Nothing has changed.")
        .hint("Call kpi.divide_partition again."));
    }
    let _owner = Identity::extension_owner()?;
    spi::run("SELECT kpi._division_switch($1::oid)", &[arg(part)])?;
    Ok(true)
}

/// `kpi._divide_leave(part)`.
#[pg_extern(sql = false)]
fn divide_leave(part: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let part = required(part, "part")?;
    step(part)?;
    {
        let _owner = Identity::extension_owner()?;
        spi::run("SELECT kpi._division_clear($1::oid)", &[arg(part)])?;
    }
    lock::release(lock_of(part)?);
    Ok(())
}
