//! From a plain table to a partitioned one, in three steps of which only the first and the last lock it, for a moment.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::qualified;
use super::retention::check_owner;
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg};

/// Locks are asked for in vain for so long at most; who waits holds up all that come after.
const PATIENCE: &str = "5s";

/// `kpi._partition_prepare(relation, time_column, every, ahead)`: returns where the present period ends.
#[pg_extern(sql = false)]
fn partition_prepare(
    relation: Option<pg_sys::Oid>,
    time_column: Option<&str>,
    every: Option<Interval>,
    ahead: Option<i32>,
) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
    let relation = required(relation, "relation")?;
    let time_column = required(time_column, "time_column")?;
    let every = required(every, "every")?;
    let ahead = required(ahead, "ahead")?;
    Ok(prepare(relation, time_column, every, ahead)?)
}

fn prepare(
    relation: pg_sys::Oid,
    time_column: &str,
    every: Interval,
    ahead: i32,
) -> Result<Option<TimestampWithTimeZone>, Error> {
    check_writable("kpi.partition_table", "The table can be read here.")?;
    check_owner(relation)?;
    // SAFETY: asks the state of this session's transaction.
    if unsafe { pg_sys::IsTransactionBlock() } {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "kpi.partition_table cannot run inside a transaction block",
        )
        .detail("It commits between its steps, so that the table is locked for a moment only.")
        .hint("Call it outside of BEGIN ... COMMIT; psql does so unless AUTOCOMMIT is off."));
    }
    if every.as_micros() <= 0 || !(0..=1000).contains(&ahead) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "every must be a positive interval, and ahead a number from 0 to 1000",
        )
        .hint("CALL kpi.partition_table('measurements', 'ts', '1 month', ahead => 12);"));
    }
    let table = qualified(relation)?;
    let identity = Identity::extension_owner()?;
    identity.set("lock_timeout", PATIENCE)?;
    // That there is no constraint to drop is nothing to tell.
    identity.set("client_min_messages", "warning")?;
    spi::run(
        "SELECT kpi._check_partitionable($1::oid, $2)",
        &[arg(relation), arg(time_column)],
    )?;
    let column = spi::ident(time_column);
    // Periods are counted from the beginning of a year.
    let boundary = spi::first(
        Mode::Write,
        &format!(
            "WITH RECURSIVE last AS (SELECT greatest(coalesce((SELECT max({column}) FILTER (WHERE isfinite({column}::timestamp)) FROM {table})::timestamptz, now()), now()) AS t), \
             edge AS (SELECT date_trunc('year', last.t, 'UTC') AS at, last.t FROM last UNION ALL SELECT at + $1, t FROM edge WHERE at <= t) \
             SELECT max(at) FROM edge"
        ),
        &[arg(every)],
        |row| Ok(row.get::<TimestampWithTimeZone>(1)),
    )?
    .flatten();
    let bound = spi::first(
        Mode::Write,
        "SELECT pg_catalog.quote_literal($1 AT TIME ZONE 'UTC')",
        &[spi::raw_arg(pg_sys::TIMESTAMPTZOID, boundary.into_datum())],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    let literal = spi::first(
        Mode::Write,
        "SELECT CASE a.atttypid WHEN 'timestamptz'::regtype THEN $2 || '::timestamp AT TIME ZONE ''UTC''' ELSE $2 || '::timestamp' END \
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND a.attname = $3",
        &[arg(relation), arg(bound), arg(time_column)],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    spi::run(
        &format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS kpi_before"),
        &[],
    )?;
    let upper = spi::first(
        Mode::Write,
        &format!("SELECT quote_literal(({literal})::text)"),
        &[],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    spi::run(
        &format!(
            "ALTER TABLE {table} ADD CONSTRAINT kpi_before CHECK ({column} IS NOT NULL AND {column} < {upper}) NOT VALID"
        ),
        &[],
    )?;
    Ok(boundary)
}

/// `kpi._partition_validate(relation)`.
#[pg_extern(sql = false)]
fn partition_validate(relation: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let relation = required(relation, "relation")?;
    let owner = check_owner(relation)?;
    let table = qualified(relation)?;
    // The table's own constraint, of built-in operators, as its owner.
    let _role = Identity::assume(owner, "pg_catalog", "UTC")?;
    spi::run(
        &format!("ALTER TABLE {table} VALIDATE CONSTRAINT kpi_before"),
        &[],
    )?;
    Ok(())
}

/// `kpi._partition_finish(relation, time_column, boundary, every, ahead)`.
#[pg_extern(sql = false)]
fn partition_finish(
    relation: Option<pg_sys::Oid>,
    time_column: Option<&str>,
    boundary: Option<TimestampWithTimeZone>,
    every: Option<Interval>,
    ahead: Option<i32>,
) -> Result<(), ErrorReport> {
    let relation = required(relation, "relation")?;
    check_owner(relation)?;
    let arguments = [
        arg(relation),
        arg(required(time_column, "time_column")?),
        arg(required(boundary, "boundary")?),
        arg(required(every, "every")?),
        arg(required(ahead, "ahead")?),
    ];
    let _owner = Identity::extension_owner()?;
    spi::run(
        "SELECT kpi._partition_switch($1::oid, $2::name, $3, $4, $5)",
        &arguments,
    )?;
    Ok(())
}
