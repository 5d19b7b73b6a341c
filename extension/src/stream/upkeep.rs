//! What the worker does for streams besides publishing: which sources are streamed, rotation of the log, subscribers that
//! have not come back.

use super::log::segment;
use crate::error::Error;
use crate::identity::Identity;
use crate::jobs::process::Failure;
use crate::spi::{self, Mode, arg};
use crate::{anomaly, guc};

/// Streamed sources: number, name, whether their writes are captured.
pub fn sources() -> Result<Vec<(i32, String, bool)>, Error> {
    spi::query_kept(
        Mode::Write,
        "SELECT s.id, s.name, s.captured FROM kpi.source s WHERE s.id IN ( \
         SELECT i FROM (SELECT DISTINCT kpi_id FROM kpi._published) p, LATERAL kpi._sources(p.kpi_id) i) ORDER BY s.id",
        &[],
        |row| {
            Ok((
                row.get(1).unwrap_or_default(),
                row.text(2),
                row.get(3).unwrap_or(false),
            ))
        },
    )
}

/// Writes down that a streamed source could not be refreshed.
pub fn failed(source: i32, failure: &Failure) -> Result<(), Error> {
    spi::run(
        "INSERT INTO kpi.stream_failure AS f VALUES ($1, clock_timestamp(), 1, $2, $3) ON CONFLICT (source_id) DO UPDATE \
         SET failed_at = excluded.failed_at, failures = f.failures + 1, sqlstate = excluded.sqlstate, message = excluded.message",
        &[arg(source), arg(failure.sqlstate.as_str()), arg(failure.text())],
    )?;
    Ok(())
}

/// Writes down that it could again.
pub fn succeeded(source: i32) -> Result<(), Error> {
    spi::run(
        "DELETE FROM kpi.stream_failure WHERE source_id = $1",
        &[arg(source)],
    )?;
    Ok(())
}

/// Something to be done; how much there was of it.
type Chore = fn() -> Result<i64, Error>;

/// What is done now and then, each in a transaction of its own.
pub const UPKEEP: [(&str, Chore); 3] = [
    ("pg_kpi: removing lapsed subscribers", remove_lapsed),
    ("pg_kpi: rotating the log of changes", rotate),
    ("pg_kpi: removing old runs", clean),
];

/// Subscribers that have not come back within their keep.
pub fn remove_lapsed() -> Result<i64, Error> {
    let _owner = Identity::extension_owner()?;
    let lapsed = spi::query(
        Mode::Write,
        "DELETE FROM kpi.subscriber WHERE clock_timestamp() > seen_at + keep RETURNING name, keep::text, acked",
        &[],
        |row| Ok((row.text(1), row.text(2), row.get::<i64>(3).unwrap_or_default())),
    )?;
    spi::run(
        "DELETE FROM kpi.stream s WHERE NOT EXISTS (SELECT FROM kpi.kpi k WHERE k.id = s.kpi_id)",
        &[],
    )?;
    for (name, keep, acked) in &lapsed {
        pgrx::warning!(
            "subscriber \"{name}\" of the log of changes has not come back within {keep} and is removed; it had acknowledged {acked}"
        );
    }
    Ok(lapsed.len() as i64)
}

/// Writes on in the next segment once the present one is old enough, if nobody needs what is in that any more.
///
/// A segment is left after half of kpi.change_history, so that the two others hold at least that much together.
pub fn rotate() -> Result<i64, Error> {
    let owner = Identity::extension_owner()?;
    // Who waits for the lock holds up nobody: another transaction that publishes may take long.
    let head = spi::first(
        Mode::Write,
        "SELECT segment, base, clock_timestamp() NOT BETWEEN opened_at AND opened_at + $1 * interval '500 ms' FROM kpi.change_head FOR NO KEY UPDATE SKIP LOCKED",
        &[arg(guc::change_history())],
        |row| {
            Ok((
                row.get::<i32>(1).unwrap_or_default(),
                row.get::<i64>(2).unwrap_or_default(),
                row.get::<bool>(3).unwrap_or(false),
            ))
        },
    )?;
    let Some((present, base, true)) = head else {
        return Ok(0);
    };
    let (next, table) = ((present + 1) % 3, segment((present + 1) % 3));
    let last = spi::first(
        Mode::Write,
        &format!("SELECT max(number) FROM {}", segment(present)),
        &[],
        |row| Ok(row.get::<i64>(1)),
    )?
    .flatten();
    let Some(last) = last else {
        // Nothing to leave; the segment counts as new.
        spi::run("UPDATE kpi.change_head SET opened_at = clock_timestamp()", &[])?;
        return Ok(0);
    };
    let free = spi::first(
        Mode::Write,
        &format!(
            "SELECT NOT EXISTS (SELECT FROM {table} t WHERE t.number > (SELECT coalesce(min(acked), t.number) FROM kpi.subscriber)), \
             NOT EXISTS (SELECT FROM {table})"
        ),
        &[],
        |row| Ok((row.get::<bool>(1).unwrap_or(false), row.get::<bool>(2).unwrap_or(false))),
    )?
    .unwrap_or_default();
    if !free.0 || last < base {
        return Ok(0);
    }
    if !free.1 {
        // A reader of the old segment keeps it for now; the next round tries again.
        owner.set("lock_timeout", "200ms")?;
        spi::run(&format!("TRUNCATE {table}"), &[])?;
    }
    spi::run(
        "UPDATE kpi.change_head SET segment = $1, base = $2, opened_at = clock_timestamp()",
        &[arg(next), arg(last)],
    )?;
    Ok(1)
}

/// Removes runs of jobs that are older than kpi.run_history, or not among the latest 1000 of their job.
pub fn clean() -> Result<i64, Error> {
    let _owner = Identity::extension_owner()?;
    // What kpi.drop_job deletes now is not waited for: it may wait for the job that this is.
    let old = spi::run(
        "DELETE FROM kpi.job_run WHERE id IN (SELECT r.id FROM kpi.job_run r \
         WHERE r.outcome <> 'running' AND (r.finished_at < clock_timestamp() - $1 * interval '1 s' \
         OR r.job_id NOT IN (SELECT id FROM kpi.job)) FOR UPDATE SKIP LOCKED)",
        &[arg(guc::run_history())],
    )?;
    // The oldest to keep is looked for once per job: counting back costs as much as what is kept.
    let many = spi::run(
        "WITH kept AS MATERIALIZED (SELECT j.id, (SELECT o.id FROM kpi.job_run o WHERE o.job_id = j.id ORDER BY o.id DESC \
                                                 OFFSET 999 LIMIT 1) AS oldest FROM kpi.job j) \
         DELETE FROM kpi.job_run WHERE id IN (SELECT r.id FROM kpi.job_run r JOIN kept k ON r.job_id = k.id \
         WHERE r.id < k.oldest AND r.outcome <> 'running' FOR UPDATE OF r SKIP LOCKED)",
        &[],
    )?;
    spi::run(
        "DELETE FROM kpi.alert WHERE cleared_at < clock_timestamp() - $1 * interval '1 s'",
        &[arg(guc::run_history())],
    )?;
    let scores = anomaly::clean()?;
    Ok((old + many) as i64 + scores)
}
