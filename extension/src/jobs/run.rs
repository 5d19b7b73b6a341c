//! One run of a job: in a process of its own, connected as the job's owner, or in the session that calls `kpi.run_job`.

use std::ffi::CString;
use std::sync::atomic::Ordering;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process::{self, Ending, transaction};
use super::running::order;
use super::shared::shared;
use super::{alert, lock, queue};
use crate::error::Error;
use crate::forecast::model;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};
use crate::{anomaly, archive, guc, rollup, stream, version};

unsafe extern "C-unwind" {
    // utils/timeout.h, which pgrx does not bind; the same from PostgreSQL 14 to 18.
    fn enable_timeout_after(id: i32, delay_ms: i32);
    fn disable_timeout(id: i32, keep_indicator: bool);
}

/// The fourth of `enum TimeoutId`.
const STATEMENT_TIMEOUT: i32 = 3;

/// What a run needs to know of its job.
struct Job {
    id: i32,
    name: String,
    kind: String,
    procedure: Option<String>,
    config: String,
    /// Milliseconds; 0 is none.
    timeout: i32,
}

/// The kinds of jobs that the extension brings.
pub const KINDS: [&str; 7] = [
    "refresh",
    "alerts",
    "refit",
    "archive",
    "retention",
    "rotate",
    "clean",
];

fn job(id: i32) -> Result<Option<Job>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::first(
        Mode::Write,
        "SELECT id, name, kind, procedure, config::text, (extract(epoch FROM timeout) * 1000)::int FROM kpi.job WHERE id = $1",
        &[arg(id)],
        |row| {
            Ok(Job {
                id: row.get(1).unwrap_or_default(),
                name: row.text(2),
                kind: row.text(3),
                procedure: row.get(4),
                config: row.text(5),
                timeout: row.get(6).unwrap_or_else(guc::job_timeout),
            })
        },
    )
}

/// Where the process of a run begins.
///
/// # Safety
/// Called by the server in a new process that `Running::start` has registered.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_job_main(_argument: pg_sys::Datum) {
    process::signals(Ending::Interrupted);
    let Some(order) = order() else { return };
    if let Some(slot) = shared().and_then(|shared| shared.slot(order.database)) {
        slot.jobs.fetch_add(1, Ordering::AcqRel);
    }
    // SAFETY: at the start of the process. As the owner, so that nothing in the job can become more than that.
    unsafe {
        pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(order.database));
        pg_sys::BackgroundWorkerInitializeConnectionByOid(
            order.database,
            order.owner,
            version::CONNECT_AS_ANY_ROLE,
        );
    }
    lock::take(order.job);
    run(order.job, order.run);
    lock::release(order.job);
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, database: pg_sys::Datum) {
    let database = pg_sys::Oid::from(database.value() as u32);
    if let Some(slot) = shared().and_then(|shared| shared.slot(database)) {
        slot.jobs.fetch_sub(1, Ordering::AcqRel);
        slot.altered.store(true, Ordering::Release);
        slot.wake();
    }
}

fn run(id: i32, run: i64) {
    let begun = transaction("pg_kpi: beginning a job", || {
        let Some(job) = job(id)? else { return Ok(None) };
        let _owner = Identity::extension_owner()?;
        let mine = spi::run(
            "UPDATE kpi.job_run SET pid = pg_catalog.pg_backend_pid(), started_at = clock_timestamp() WHERE id = $1 AND outcome = 'running'",
            &[arg(run)],
        )?;
        Ok((mine == 1).then_some(job))
    });
    let job = match begun {
        Ok(Some(job)) => job,
        Ok(None) => return,
        Err(failure) => {
            pgrx::warning!("a job of pg_kpi could not begin: {}", failure.text());
            return;
        }
    };
    let done = transaction(&format!("pg_kpi: job {}", job.name), || {
        // SAFETY: the server's own timer, which interrupts whatever statement runs; ended below, or by the error.
        unsafe {
            if job.timeout > 0 {
                enable_timeout_after(STATEMENT_TIMEOUT, job.timeout);
            }
        }
        let rows = execute(&job)?;
        // SAFETY: as above.
        unsafe { disable_timeout(STATEMENT_TIMEOUT, false) };
        // In the transaction of the work, so that both are done or neither.
        queue::succeeded(run, job.id, rows, true)
    });
    if let Err(mut failure) = done {
        // SAFETY: as above.
        unsafe { disable_timeout(STATEMENT_TIMEOUT, false) };
        let cancelled = failure.code == PgSqlErrorCode::ERRCODE_QUERY_CANCELED && job.timeout > 0;
        if cancelled {
            failure.detail = Some(format!("Its time-out is {} ms.", job.timeout));
            failure.hint = Some("kpi.alter_job(name, timeout => ...) gives it more time.".to_string());
        }
        let outcome = if cancelled { "cancelled" } else { "failed" };
        let noted = transaction("pg_kpi: a job has failed", || {
            queue::failed(run, job.id, outcome, &failure)
        });
        if let Err(failure) = noted {
            pgrx::warning!(
                "the failure of a job could not be written down: {}",
                failure.text()
            );
        }
    }
}

/// Does what the job is for; returns the rows that it reports.
fn execute(job: &Job) -> Result<Option<i64>, Error> {
    match job.kind.as_str() {
        "procedure" => call(job),
        "refresh" => Ok(Some(refresh(job)?)),
        "alerts" => {
            let config = config(job)?;
            let codes = config
                .get("codes")
                .and_then(|codes| codes.as_array())
                .map(|codes| {
                    codes
                        .iter()
                        .filter_map(|code| code.as_str().map(str::to_string))
                        .collect()
                });
            let period = config
                .get("period")
                .and_then(|period| period.as_str())
                .unwrap_or("day")
                .to_string();
            // With codes, the job is for them alone.
            let ruled = match &codes {
                None => anomaly::evaluate_alerts(None, None)?,
                Some(_) => 0,
            };
            let held = alert::evaluate(codes, kpi_catalog::period(&period)?.as_str())?;
            Ok(Some(held + ruled))
        }
        "refit" => Ok(Some(refit(job)?)),
        "archive" => archive_table(job).map(|()| None),
        "retention" => retention(job),
        "rotate" => Ok(Some(stream::remove_lapsed()? + stream::rotate()?)),
        "clean" => Ok(Some(stream::clean()?)),
        other => Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
            format!("there is no kind of job \"{other}\""),
        )
        .hint(format!("The kinds are: {}.", KINDS.join(", ")))),
    }
}

fn config(job: &Job) -> Result<serde_json::Value, Error> {
    serde_json::from_str(&job.config).map_err(|error| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("the config of job \"{}\" cannot be read", job.name),
        )
        .detail(error.to_string())
    })
}

/// Refreshes the source that the config names, or all that the job's owner has.
fn refresh(job: &Job) -> Result<i64, Error> {
    let names = match config(job)?.get("source").and_then(|name| name.as_str()) {
        Some(name) => vec![name.to_string()],
        None => {
            let _owner = Identity::extension_owner()?;
            spi::query(
                Mode::Write,
                "SELECT s.name FROM kpi.source s JOIN kpi.job j ON j.id = $1 \
                 JOIN pg_catalog.pg_class v ON v.relname = s.name || '_input' AND v.relnamespace = 'kpi_rollup'::regnamespace \
                 WHERE pg_catalog.pg_has_role(j.owner, v.relowner, 'USAGE') ORDER BY s.name",
                &[arg(job.id)],
                |row| Ok(row.text(1)),
            )?
        }
    };
    let mut written = 0;
    for name in names {
        written += rollup::refresh::refresh(&name, i64::MIN, i64::MAX)?.rows_written;
    }
    Ok(written)
}

/// Fits the models of the KPI that the config names.
fn refit(job: &Job) -> Result<i64, Error> {
    let config = config(job)?;
    let text = |field: &str| config.get(field).and_then(|value| value.as_str());
    let steps = |field: &str| {
        config
            .get(field)
            .and_then(|value| value.as_i64())
            .and_then(|value| i32::try_from(value).ok())
    };
    let by = config.get("by").and_then(|by| by.as_array());
    model::refit_kpi(&model::Refit {
        code: text("code").unwrap_or_default(),
        period: text("period").unwrap_or("day"),
        by: by
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_string))
            .collect(),
        model: text("model").unwrap_or("auto"),
        season: steps("season"),
        horizon: steps("horizon"),
        history: text("history").map(str::to_string),
    })
}

/// The table that the config of an archive's job names.
fn relation(job: &Job) -> Result<pg_sys::Oid, Error> {
    let config = config(job)?;
    let name = config.get("relation").and_then(|name| name.as_str());
    let found = match name {
        Some(name) => spi::first(
            Mode::Write,
            "SELECT pg_catalog.to_regclass($1)::oid",
            &[arg(name)],
            |row| Ok(row.get::<pg_sys::Oid>(1)),
        )?
        .flatten(),
        None => None,
    };
    found.ok_or_else(|| {
        let error = match name {
            Some(name) => Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("table \"{name}\" of job \"{}\" does not exist", job.name),
            ),
            None => Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("the config of job \"{}\" names no table", job.name),
            ),
        };
        error.hint(format!(
            "SELECT kpi.alter_job({}, config => '{{\"relation\": \"schema.table\"}}');",
            spi::literal(&job.name)
        ))
    })
}

/// Drops what is old of a table; nothing while its other job, or somebody, archives or restores it.
fn retention(job: &Job) -> Result<Option<i64>, Error> {
    let relation = relation(job)?;
    if !archive::begin_job(relation)? {
        return Ok(Some(0));
    }
    Ok(Some(archive::apply_retention(relation)?))
}

/// Moves what is due of a table to its store; commits between its steps.
fn archive_table(job: &Job) -> Result<(), Error> {
    if !in_background() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("job \"{}\" cannot run inside of a statement", job.name),
        )
        .detail("Archiving commits between its steps.")
        .hint("CALL kpi.archive(table) does the same."));
    }
    let relation = relation(job)?;
    if !archive::begin_job(relation)? {
        return Ok(());
    }
    let portal = Portal::open();
    perform(
        &format!("CALL kpi.archive({}::pg_catalog.regclass)", relation.to_u32()),
        true,
    )?;
    drop(portal);
    Ok(())
}

/// Calls a procedure or function of the user's, with its config if it takes one.
fn call(job: &Job) -> Result<Option<i64>, Error> {
    let signature = job.procedure.clone().unwrap_or_default();
    let found = spi::first(
        Mode::Write,
        "SELECT p.prokind = 'p', p.pronargs, pg_catalog.format('%I.%I', n.nspname, p.proname) FROM pg_catalog.pg_proc p \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = pg_catalog.to_regprocedure($1)",
        &[arg(signature.as_str())],
        |row| {
            Ok((
                row.get::<bool>(1).unwrap_or(false),
                row.get::<i16>(2).unwrap_or_default(),
                row.text(3),
            ))
        },
    )?;
    let Some((is_procedure, arguments, name)) = found else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
            format!("the procedure of job \"{}\" does not exist", job.name),
        )
        .detail(format!("It was {signature}."))
        .hint("Create it again, or drop the job with kpi.drop_job."));
    };
    let arguments = if arguments == 0 {
        String::new()
    } else {
        format!("{}::jsonb", spi::literal(&job.config))
    };
    if !is_procedure {
        let rows = spi::run(&format!("SELECT {name}({arguments})"), &[])?;
        return Ok(i64::try_from(rows).ok());
    }
    let statement = format!("CALL {name}({arguments})");
    if in_background() {
        let portal = Portal::open();
        perform(&statement, true)?;
        drop(portal);
    } else {
        perform(&statement, false)?;
    }
    Ok(None)
}

fn in_background() -> bool {
    // SAFETY: set by the server in every background worker, and in nothing else.
    unsafe { !pg_sys::MyBgworkerEntry.is_null() }
}

/// What a procedure that commits needs around it: PostgreSQL keeps the snapshots of its statements in the portal that runs it,
/// and a background process has none.
struct Portal(pg_sys::Portal);

impl Portal {
    fn open() -> Self {
        // SAFETY: in a transaction of this process's own. The active snapshot is popped, since none may be left when the
        // procedure commits; a portal that is active outlives that commit.
        unsafe {
            if pg_sys::ActiveSnapshotSet() {
                pg_sys::PopActiveSnapshot();
            }
            let portal = pg_sys::CreateNewPortal();
            (*portal).visible = false;
            (*portal).status = pg_sys::PortalStatus::PORTAL_ACTIVE;
            pg_sys::ActivePortal = portal;
            pg_sys::PortalContext = (*portal).portalContext;
            pg_sys::EnsurePortalSnapshotExists();
            Self(portal)
        }
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        // SAFETY: after an ERROR the transaction's end takes the portal's memory; only the globals must not point to it.
        unsafe {
            pg_sys::ActivePortal = std::ptr::null_mut();
            pg_sys::PortalContext = std::ptr::null_mut();
            if std::thread::panicking() {
                (*self.0).status = pg_sys::PortalStatus::PORTAL_FAILED;
                return;
            }
            if !(*self.0).portalSnapshot.is_null() {
                (*self.0).portalSnapshot = std::ptr::null_mut();
                if pg_sys::ActiveSnapshotSet() {
                    pg_sys::PopActiveSnapshot();
                }
            }
            (*self.0).status = pg_sys::PortalStatus::PORTAL_DONE;
            pg_sys::PortalDrop(self.0, false);
            // What comes after, in whichever transaction this is now, finds what was there before.
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
    }
}

/// Runs a statement; one that is outside of any other may commit.
fn perform(statement: &str, outside: bool) -> Result<(), Error> {
    let text = CString::new(statement)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    // SAFETY: SPI in a transaction, closed here or by the end of the transaction after an ERROR.
    unsafe {
        pg_sys::SPI_connect_ext(if outside {
            pg_sys::SPI_OPT_NONATOMIC as i32
        } else {
            0
        });
        let options = pg_sys::SPIExecuteOptions {
            allow_nonatomic: outside,
            ..Default::default()
        };
        let code = pg_sys::SPI_execute_extended(text.as_ptr(), &options);
        pg_sys::SPI_finish();
        if code < 0 {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                format!("SPI failed with {code}"),
            ));
        }
        Ok(())
    }
}

/// Who looks whether a job is running has its lock for a moment.
const LOCK_TRIES: usize = 5;

/// A moment; false, since it takes no lock.
fn pause() -> bool {
    process::pause(20_000);
    false
}

/// Runs a job in the calling transaction, as its owner.
pub fn in_foreground(id: i32, owner: pg_sys::Oid) -> Result<i64, Error> {
    let Some(job) = job(id)? else {
        return Ok(0);
    };
    if !(0..LOCK_TRIES).any(|_| lock::take_for_transaction(id) || pause()) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            format!("job \"{}\" is running", job.name),
        )
        .detail("A job never runs twice at once.")
        .hint("SELECT * FROM kpi.jobs shows when it has ended."));
    }
    let run = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "INSERT INTO kpi.job_run (job_id, due, pid) VALUES ($1, clock_timestamp(), pg_catalog.pg_backend_pid()) RETURNING id",
            &[arg(id)],
            |row| Ok(row.get::<i64>(1).unwrap_or_default()),
        )?
        .unwrap_or_default()
    };
    let rows = {
        let _owner = Identity::role(owner)?;
        let rows = execute(&job)?;
        // What was put off to the commit runs now, as the owner too.
        spi::run("SET CONSTRAINTS ALL IMMEDIATE", &[])?;
        rows
    };
    queue::succeeded(run, id, rows, false)?;
    Ok(rows.unwrap_or_default())
}
