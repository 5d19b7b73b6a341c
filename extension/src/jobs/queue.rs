//! Which jobs are due, and what becomes of their runs.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::lock;
use super::process::Failure;
use super::running::{Order, Running};
use super::shared::{Slot, my_database};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};

/// The first pause before a job that has failed is tried again, the longest one, and how far chance moves them, seconds.
const FIRST_PAUSE: f64 = 5.0;
const LONGEST_PAUSE: f64 = 3600.0;
const JITTER: f64 = 0.25;
/// How long a process may take to begin its run.
const STARTING: &str = "30 s";

/// When the next job is due, microseconds; never is `i64::MAX`.
pub fn next_due() -> Result<i64, Error> {
    // The clock was set back behind what has run: without this, a job would wait until the clock has caught up.
    spi::query_kept(
        Mode::Write,
        "UPDATE kpi.job SET due = least(due, clock_timestamp()), next_run = CASE WHEN failures > 0 THEN clock_timestamp() \
         ELSE kpi._next_run(schedule, cron, timezone, clock_timestamp(), clock_timestamp()) END \
         WHERE id IN (SELECT id FROM kpi.job WHERE NOT failed AND CASE WHEN failures > 0 THEN next_run > clock_timestamp() + $1 * interval '2 s' \
         ELSE due > clock_timestamp() + interval '1 minute' END FOR NO KEY UPDATE SKIP LOCKED)",
        &[arg(LONGEST_PAUSE)],
        |_| Ok(()),
    )?;
    let next = spi::first_kept(
        Mode::Write,
        "SELECT min(next_run) FROM kpi.job j WHERE NOT paused AND NOT failed \
         AND NOT EXISTS (SELECT FROM kpi.job_run r WHERE r.job_id = j.id AND r.outcome = 'running')",
        &[],
        |row| Ok(row.datum(1).map(|datum| datum.value() as i64)),
    )?;
    Ok(next.flatten().unwrap_or(i64::MAX))
}

/// Runs that say that they are running and are not: their process, or the whole server, has been killed. They count as
/// failed, and their job is tried again.
pub fn recover() -> Result<(), Error> {
    let open = spi::query_kept(
        Mode::Write,
        "SELECT r.id, r.job_id, r.pid IS NOT NULL OR r.started_at < clock_timestamp() - $1::interval \
         OR r.started_at < pg_catalog.pg_postmaster_start_time() OR pg_catalog.pg_postmaster_start_time() > clock_timestamp() \
         FROM kpi.job_run r WHERE r.outcome = 'running'",
        &[arg(STARTING)],
        |row| {
            Ok((
                row.get::<i64>(1).unwrap_or_default(),
                row.get::<i32>(2).unwrap_or_default(),
                row.get::<bool>(3).unwrap_or(false),
            ))
        },
    )?;
    for (run, job, begun) in open {
        if begun && !lock::is_held(job) {
            crashed(run, job)?;
        }
    }
    Ok(())
}

/// Runs whose processes have ended: those that wrote down no result have crashed.
pub fn close(ended: &[Order]) -> Result<(), Error> {
    for order in ended {
        crashed(order.run, order.job)?;
    }
    Ok(())
}

fn crashed(run: i64, job: i32) -> Result<(), Error> {
    // A job that somebody changes now is looked at again by the next `recover`.
    let free = spi::first_kept(
        Mode::Write,
        "SELECT 1 FROM kpi.job WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED",
        &[arg(job)],
        |_| Ok(()),
    )?;
    if free.is_none() {
        return Ok(());
    }
    // It may have ended well between one look and the other.
    let open = spi::first_kept(
        Mode::Write,
        "SELECT 1 FROM kpi.job_run WHERE id = $1 AND outcome = 'running' FOR UPDATE SKIP LOCKED",
        &[arg(run)],
        |_| Ok(()),
    )?;
    if open.is_none() {
        return Ok(());
    }
    let failure = Failure {
        code: PgSqlErrorCode::ERRCODE_CRASH_SHUTDOWN,
        sqlstate: "57P02".to_string(),
        message: "the process that ran the job ended without a result".to_string(),
        detail: None,
        hint: Some("The log of the server says why.".to_string()),
    };
    failed(run, job, "crashed", &failure)
}

/// Starts the jobs that are due, as far as there is room for them.
pub fn start_due(slot: &Slot, worker_started: i64, running: &mut Running) -> Result<(), Error> {
    let missed = TimestampWithTimeZone::try_from(worker_started).ok();
    // What was due before this worker began was missed, and such a job may not want that.
    spi::run(
        "UPDATE kpi.job SET due = next_run, next_run = kpi._next_run(schedule, cron, timezone, next_run, clock_timestamp()) \
         WHERE id IN (SELECT id FROM kpi.job WHERE catch_up = 'none' AND failures = 0 AND NOT paused AND NOT failed AND next_run < $1 \
                      FOR NO KEY UPDATE SKIP LOCKED)",
        &[spi::raw_arg(pg_sys::TIMESTAMPTZOID, missed.into_datum())],
    )?;
    let due = spi::query(
        Mode::Write,
        "SELECT j.id, j.name, j.owner::oid FROM kpi.job j WHERE NOT paused AND NOT failed \
         AND next_run <= clock_timestamp() \
         AND NOT EXISTS (SELECT FROM kpi.job_run r WHERE r.job_id = j.id AND r.outcome = 'running') \
         ORDER BY next_run, id FOR NO KEY UPDATE SKIP LOCKED",
        &[],
        |row| {
            Ok((
                row.get::<i32>(1).unwrap_or_default(),
                row.text(2),
                row.get::<pg_sys::Oid>(3).unwrap_or(pg_sys::Oid::INVALID),
            ))
        },
    )?;
    for (job, name, owner) in due {
        if running.is_full() {
            break;
        }
        // Until the commit: a process that is up before that waits here, since it would not find its run.
        if !lock::take_for_transaction(job) {
            continue;
        }
        let run = spi::first(
            Mode::Write,
            "INSERT INTO kpi.job_run (job_id, due) SELECT id, next_run FROM kpi.job WHERE id = $1 RETURNING id",
            &[arg(job)],
            |row| Ok(row.get::<i64>(1).unwrap_or_default()),
        )?
        .unwrap_or_default();
        let order = Order {
            database: my_database(),
            owner,
            job,
            run,
        };
        if let Some(failure) = refused_login(owner)? {
            failed(run, job, "failed", &failure)?;
            continue;
        }
        if !running.start(&name, order) {
            slot.refused.store(true, std::sync::atomic::Ordering::Relaxed);
            failed(
                run,
                job,
                "failed",
                &Failure {
                    code: PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                    sqlstate: "53400".to_string(),
                    message: "the server has no free slot for a background worker".to_string(),
                    detail: None,
                    hint: Some("Raise max_worker_processes, or lower kpi.max_parallel_jobs.".to_string()),
                },
            )?;
        }
    }
    Ok(())
}

/// Before PostgreSQL 17 a background process cannot be connected as a role that may not log in.
fn refused_login(owner: pg_sys::Oid) -> Result<Option<Failure>, Error> {
    let login = spi::first_kept(
        Mode::Write,
        "SELECT rolcanlogin, pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = $1",
        &[arg(owner)],
        |row| Ok((row.get::<bool>(1).unwrap_or(false), row.text(2))),
    )?;
    let failure = |message: String, hint: String| Failure {
        code: PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        sqlstate: "28000".to_string(),
        message,
        detail: Some("A job runs in a process that is connected as its owner.".to_string()),
        hint: Some(hint),
    };
    Ok(match login {
        None => Some(failure(
            format!(
                "the job's owner, role {}, does not exist any more",
                owner.to_u32()
            ),
            "Give it another one with kpi.alter_job(name, owner => ...).".to_string(),
        )),
        Some((false, name)) if crate::version::CONNECT_AS_ANY_ROLE == 0 => Some(failure(
            format!("the job's owner {name} is not permitted to log in"),
            format!("ALTER ROLE {name} LOGIN, or give it another owner; from PostgreSQL 17 on it need not."),
        )),
        Some(_) => None,
    })
}

/// Keeps a job from being changed until the commit. Always before its runs: `kpi.drop_job` takes the job and then its runs, and who
/// took them the other way round would wait for it while it waits for them.
fn hold(job: i32) -> Result<(), Error> {
    spi::first(
        Mode::Write,
        "SELECT 1 FROM kpi.job WHERE id = $1 FOR NO KEY UPDATE",
        &[arg(job)],
        |_| Ok(()),
    )?;
    Ok(())
}

/// Writes down that a run has succeeded, and when the job runs next. One that was not on the schedule does not move it.
pub fn succeeded(run: i64, job: i32, rows: Option<i64>, scheduled: bool) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    hold(job)?;
    spi::run(
        "UPDATE kpi.job_run SET outcome = 'succeeded', finished_at = clock_timestamp(), rows = $2 WHERE id = $1",
        &[arg(run), spi::raw_arg(pg_sys::INT8OID, rows.into_datum())],
    )?;
    // A run that had failed before came at a time of its own: the schedule goes on from when it was due.
    spi::run(
        "WITH was AS (SELECT id, CASE WHEN failures = 0 THEN next_run ELSE due END AS due FROM kpi.job \
                      WHERE id = $1 AND ($2 OR failures > 0 OR failed)) \
         UPDATE kpi.job j SET due = was.due, failures = 0, failed = false, \
         next_run = kpi._next_run(schedule, cron, timezone, was.due, \
                                  CASE WHEN catch_up = 'all' THEN was.due ELSE clock_timestamp() END) \
         FROM was WHERE j.id = was.id",
        &[arg(job), arg(scheduled)],
    )?;
    spi::run(
        "UPDATE kpi.alert a SET cleared_at = clock_timestamp() FROM kpi.job j \
         WHERE j.id = $1 AND a.kind = 'job' AND a.subject = j.name AND a.cleared_at IS NULL",
        &[arg(job)],
    )?;
    announce(run)
}

/// Writes down that a run has failed, and when the job is tried again; after too many times it is given up, with an alert.
pub fn failed(run: i64, job: i32, outcome: &str, failure: &Failure) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    hold(job)?;
    spi::run(
        "UPDATE kpi.job_run SET outcome = $2, finished_at = clock_timestamp(), sqlstate = $3, message = $4 WHERE id = $1",
        &[
            arg(run),
            arg(outcome),
            arg(failure.sqlstate.as_str()),
            arg(failure.text()),
        ],
    )?;
    let given_up = spi::first(
        Mode::Write,
        "UPDATE kpi.job SET due = CASE WHEN failures = 0 THEN next_run ELSE due END, failures = failures + 1, \
         failed = failures >= max_retries, \
         next_run = clock_timestamp() + least($2 * power(2, least(failures, 30)), $3) * (1 + $4 * (2 * random() - 1)) * interval '1 s' \
         WHERE id = $1 RETURNING failed, name, max_retries",
        &[arg(job), arg(FIRST_PAUSE), arg(LONGEST_PAUSE), arg(JITTER)],
        |row| {
            Ok((
                row.get::<bool>(1).unwrap_or(false),
                row.text(2),
                row.get::<i32>(3).unwrap_or_default(),
            ))
        },
    )?;
    if let Some((true, name, retries)) = given_up {
        let message = format!(
            "job \"{name}\" has failed {} times and is not tried again: {}: {}",
            retries.saturating_add(1),
            failure.sqlstate,
            failure.message
        );
        super::alert::raise("job", &name, "failed", &message)?;
        pgrx::warning!("{message}");
    }
    announce(run)
}

/// Tells the listeners of `kpi.jobs` what became of a run.
fn announce(run: i64) -> Result<(), Error> {
    spi::run(
        "SELECT pg_catalog.pg_notify('kpi.jobs', pg_catalog.jsonb_build_object('job', left(j.name, 150), 'run', r.id, \
         'outcome', r.outcome, 'sqlstate', r.sqlstate)::text) FROM kpi.job_run r JOIN kpi.job j ON j.id = r.job_id \
         WHERE r.id = $1 AND pg_catalog.pg_notification_queue_usage() < 0.5",
        &[arg(run)],
    )?;
    Ok(())
}
