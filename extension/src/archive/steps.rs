//! The steps of `CALL kpi.archive`: each is called in a transaction of its own, by the session that holds the table's lock.

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::{self, Rows};
use super::lock;
use super::overrides;
use super::owner;
use super::retention::{Retention, of_intent, open_store, owned};
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

const READABLE: &str = "Archived rows and kpi.archive_status can be read here.";

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// `kpi._quiet(quiet)`.
#[pg_extern(sql = false)]
fn archive_quiet(quiet: bool) {
    QUIET.set(quiet);
    if !WATCHING.replace(true) {
        // SAFETY: the callback lives as long as the library, which is never unloaded.
        unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
    }
}

/// `kpi._is_quiet()`.
#[pg_extern(sql = false)]
fn archive_is_quiet() -> bool {
    QUIET.get()
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    if matches!(event, XACT_EVENT_ABORT | XACT_EVENT_COMMIT | XACT_EVENT_PREPARE) {
        QUIET.set(false);
    }
}

/// Takes the lock of a table's archive, in a session that may commit between steps.
fn enter(relation: pg_sys::Oid) -> Result<Retention, Error> {
    check_writable("kpi.archive", READABLE)?;
    let retention = owned(relation)?;
    // SAFETY: asks the state of this session's transaction.
    if unsafe { pg_sys::IsTransactionBlock() } {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            "kpi.archive and kpi.restore cannot run inside a transaction block",
        )
        .detail("They commit between their steps, so that a crash leaves something that the next run clears away.")
        .hint("Call it outside of BEGIN ... COMMIT; psql does so unless AUTOCOMMIT is off."));
    }
    // SAFETY: a global of this session.
    if unsafe { pg_sys::XactIsoLevel } > pg_sys::XACT_READ_COMMITTED as i32 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_TRANSACTION_STATE,
            "kpi.archive and kpi.restore need the isolation level READ COMMITTED",
        )
        .detail("They must see what others have committed while they waited for a lock.")
        .hint("SET default_transaction_isolation = 'read committed';"));
    }
    if !lock::take(retention.id) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            format!("table {} is being archived or restored", retention.name),
        )
        .detail("One session at a time does that to a table.")
        .hint("Wait until it has ended; SELECT * FROM pg_stat_activity shows it."));
    }
    Ok(retention)
}

/// Takes the lock of a table's archive for a job; false when another session is at it, so that there is nothing to do now.
pub fn begin_job(relation: pg_sys::Oid) -> Result<bool, Error> {
    Ok(lock::take(owned(relation)?.id))
}

/// `kpi._archive_enter(relation)`.
#[pg_extern(sql = false)]
fn archive_enter(relation: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let retention = enter(required(relation, "relation")?)?;
    // Committed before an object is written under it: a crash must not leave one that the next run does not know as its own.
    owner::id()?;
    clear(&retention)?;
    Ok(())
}

/// Clears away what interrupted runs have left of a table: their objects first, so that a failure here leaves the intent.
pub fn clear(retention: &Retention) -> Result<(), Error> {
    let left = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT id, partition, prefix FROM kpi.archive_intent WHERE retention_id = $1",
            &[arg(retention.id)],
            |row| {
                Ok((
                    row.get::<pgrx::Uuid>(1),
                    row.get::<pg_sys::Oid>(2).unwrap_or(pg_sys::Oid::INVALID),
                    row.get::<String>(3),
                ))
            },
        )?
    };
    if left.is_empty() {
        return Ok(());
    }
    let opened = open_store(retention.store()?, retention.owner)?;
    let id = owner::id()?;
    for (intent, part, prefix) in left {
        let Some(intent) = intent else { continue };
        // In a copy of the database they are the original's.
        if let Some(prefix) = prefix.filter(|prefix| owner::is_mine(&id, prefix)) {
            opened.delete_below(&format!("{prefix}/"))?;
        }
        let _owner = Identity::extension_owner()?;
        spi::run(
            "SELECT kpi._archive_unwatch($1, $2)",
            &[arg(retention.id), arg(part)],
        )?;
        spi::run("DELETE FROM kpi.archive_intent WHERE id = $1", &[arg(intent)])?;
    }
    Ok(())
}

/// `kpi._archive_next(relation, until)`: the next part that is due, or else the next range with late rows.
#[pg_extern(sql = false)]
fn archive_next(
    relation: Option<pg_sys::Oid>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Option<pgrx::Uuid>, ErrorReport> {
    let relation = required(relation, "relation")?;
    let work = next(relation, until)?;
    if let Some(work) = work {
        note_prefix(relation, work)?;
    }
    Ok(work)
}

/// Notes where an intent's objects will be: whoever clears them away may know the table by another name, or not at all.
fn note_prefix(relation: pg_sys::Oid, work: pgrx::Uuid) -> Result<(), Error> {
    let table = owner::prefix(&owned(relation)?)?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.archive_intent SET prefix = $2 WHERE id = $1",
        &[arg(work), arg(format!("{table}/{}", export::hyphenated(&work)))],
    )?;
    Ok(())
}

fn next(relation: pg_sys::Oid, until: Option<TimestampWithTimeZone>) -> Result<Option<pgrx::Uuid>, Error> {
    let retention = owned(relation)?;
    retention.store()?;
    if until.is_none() && !retention.archive_after {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the retention of table {} does not say what to archive", retention.name),
        )
        .hint(format!(
            "CALL kpi.archive('{0}', until => '...') archives all before a time; SELECT kpi.set_retention('{0}', archive_after => ...) does it from then on.",
            retention.name
        )));
    }
    let found = {
        let _owner = Identity::extension_owner()?;
        let due = spi::first(
            Mode::Write,
            "SELECT kpi._archive_begin(r, coalesce(kpi._unix_us($2), kpi._cutoff(r.archive_after))) FROM kpi.retention r WHERE r.id = $1",
            &[
                arg(retention.id),
                raw_arg(pg_sys::TIMESTAMPTZOID, until.into_datum()),
            ],
            |row| Ok(row.get::<pgrx::Uuid>(1)),
        )?;
        due.flatten()
    };
    let Some(intent) = found else {
        return overrides::next(&retention);
    };
    if retention.before_archive.is_some() {
        hook(&retention, retention.before_archive.as_deref(), range(&intent)?)?;
    }
    Ok(Some(intent))
}

type Range = (Option<TimestampWithTimeZone>, Option<TimestampWithTimeZone>);

/// The range of an intent.
fn range(intent: &pgrx::Uuid) -> Result<Range, Error> {
    let _owner = Identity::extension_owner()?;
    let range = spi::first(
        Mode::Write,
        "SELECT kpi._from_unix_us(since), kpi._from_unix_us(until) FROM kpi.archive_intent WHERE id = $1",
        &[arg(*intent)],
        |row| Ok((row.get(1), row.get(2))),
    )?;
    Ok(range.unwrap_or_default())
}

/// Calls a hook of the user's, as the table's owner. An error of its vetoes.
fn hook(retention: &Retention, function: Option<&str>, (since, until): Range) -> Result<(), Error> {
    let Some(function) = function else {
        return Ok(());
    };
    let name = spi::first(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, p.proname) FROM pg_catalog.pg_proc p \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = pg_catalog.to_regprocedure($1)",
        &[arg(function)],
        |row| Ok(row.text(1)),
    )?
    .ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
            format!("the hook {function} of table {} does not exist", retention.name),
        )
        .hint("Create it again, or call kpi.set_retention without it.")
    })?;
    let _role = Identity::role(retention.owner)?;
    spi::run(
        &format!("SELECT {name}($1::pg_catalog.regclass, $2, $3)"),
        &[
            arg(retention.relation),
            raw_arg(pg_sys::TIMESTAMPTZOID, since.into_datum()),
            raw_arg(pg_sys::TIMESTAMPTZOID, until.into_datum()),
        ],
    )?;
    Ok(())
}

/// `kpi._archive_export(work)`.
#[pg_extern(sql = false)]
fn archive_export(work: Option<pgrx::Uuid>) -> Result<(), ErrorReport> {
    let work = required(work, "work")?;
    Ok(run_export(work)?)
}

fn run_export(work: pgrx::Uuid) -> Result<(), Error> {
    let retention = of_intent(work)?;
    let Some(intent) = export::intent(work)? else {
        return Ok(());
    };
    let rows = match intent.kind.as_str() {
        "archive" => Rows::Part(intent.partition),
        _ => Rows::Late {
            files: intent.files.clone(),
        },
    };
    let files = export::export(&retention, &intent, rows)?;
    let files = pgrx::JsonB(serde_json::Value::Array(files));
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.archive_intent SET files = $2, state = 'written' WHERE id = $1",
        &[arg(work), arg(files)],
    )?;
    if intent.kind != "archive" {
        spi::run(
            "SELECT kpi._archive_merged(r, i) FROM kpi.archive_intent i JOIN kpi.retention r ON r.id = i.retention_id WHERE i.id = $1",
            &[arg(work)],
        )?;
    }
    Ok(())
}

/// `kpi._archive_finish(work)`.
#[pg_extern(sql = false)]
fn archive_finish(work: Option<pgrx::Uuid>) -> Result<String, ErrorReport> {
    let work = required(work, "work")?;
    Ok(finish(work)?)
}

fn finish(work: pgrx::Uuid) -> Result<String, Error> {
    let merged = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT 1 FROM kpi.archive_intent WHERE id = $1",
            &[arg(work)],
            |_| Ok(()),
        )?
        .is_none()
    };
    if merged {
        return Ok("done".to_string());
    }
    let retention = of_intent(work)?;
    let range = range(&work)?;
    let outcome = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT kpi._archive_switch(r, i) FROM kpi.archive_intent i JOIN kpi.retention r ON r.id = i.retention_id WHERE i.id = $1",
            &[arg(work)],
            |row| Ok(row.text(1)),
        )?
        .unwrap_or_default()
    };
    if outcome == "done" {
        hook(&retention, retention.after_archive.as_deref(), range)?;
    }
    Ok(outcome)
}

/// `kpi._archive_leave(relation)`.
#[pg_extern(sql = false)]
fn archive_leave(relation: Option<pg_sys::Oid>) -> Result<(), ErrorReport> {
    let retention = owned(required(relation, "relation")?)?;
    lock::release(retention.id);
    Ok(())
}

/// `kpi._late_rows(late)`: counted as the extension's owner, for those who may read the table.
#[pg_extern(sql = false)]
fn archive_late_rows(late: pg_sys::Oid) -> Result<i64, ErrorReport> {
    let count = || -> Result<i64, Error> {
        let _owner = Identity::extension_owner()?;
        let known = spi::first(
            Mode::Read,
            "SELECT r.late::text FROM kpi.retention r WHERE r.late = $1::oid",
            &[arg(late)],
            |row| Ok(row.text(1)),
        )?;
        let Some(table) = known else { return Ok(0) };
        let count = spi::first(Mode::Read, &format!("SELECT count(*) FROM {table}"), &[], |row| {
            Ok(row.get::<i64>(1).unwrap_or_default())
        })?;
        Ok(count.unwrap_or_default())
    };
    Ok(count()?)
}
