//! The worker of a database: publishes what changes, starts the jobs that are due, and keeps house.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process::{self, Ending, Failure, elapsed, now, transaction};
use super::running::{Order, Running};
use super::shared::{Slot, shared};
use crate::guc;
use crate::spi::{self, Mode, arg};
use crate::{rollup, stream};

const SECOND: i64 = 1_000_000;
/// How often the worker looks whether the extension is still there, without being woken.
const BEAT: i64 = 2 * SECOND;
/// Commits of prepared transactions wake nobody: while something is streamed they are looked for this often.
const UNNOTICED: i64 = SECOND;
/// A source over a view always waits for a refresh: this is how often it gets one while it is streamed.
const VIEW: i64 = 10 * SECOND;
/// How often the log is rotated and old runs are removed.
const UPKEEP: i64 = 15 * SECOND;
/// The longest rest after a publication.
const LONGEST_REST: i64 = 2 * SECOND;
/// The longest pause before a source that cannot be refreshed is tried again.
const LONGEST_PAUSE: i64 = 60 * SECOND;

/// Where a worker begins.
///
/// # Safety
/// Called by the server in a new process, with the oid of a database.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_worker_main(argument: pg_sys::Datum) {
    process::signals(Ending::Interrupted);
    let database = pg_sys::Oid::from(argument.value() as u32);
    let Some(slot) = shared().and_then(|shared| shared.slot(database)) else {
        return;
    };
    // SAFETY: at the start of the process; the callback leaves the slot whichever way the process ends.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database, pg_sys::Oid::INVALID, 0);
        pg_sys::before_shmem_exit(Some(at_exit), pg_sys::Datum::from(0));
    }
    slot.enter();
    // A lock that somebody holds for long must not hold up all the rest.
    let _ = crate::identity::set("lock_timeout", "1s");
    // What is read is short, and compiled anew each time it would take longer than all the rest.
    let _ = crate::identity::set("jit", "off");
    let mut worker = Worker {
        slot,
        started: now(),
        running: Running,
        streamed: Vec::new(),
        paused: HashMap::new(),
        next_job: i64::MAX,
        warned: false,
        logged: Default::default(),
    };
    worker.work();
}

#[pg_guard]
unsafe extern "C-unwind" fn at_exit(_code: i32, _argument: pg_sys::Datum) {
    super::running::stop_all();
    if let Some(slot) = shared().and_then(|shared| shared.slot(super::shared::my_database())) {
        slot.leave();
    }
}

/// A source that is streamed.
struct Streamed {
    id: i32,
    name: String,
    captured: bool,
    /// When it was last refreshed, by [`elapsed`].
    refreshed: i64,
}

/// A source whose refresh failed.
struct Paused {
    until: i64,
    failures: u32,
}

struct Worker {
    slot: &'static Slot,
    started: i64,
    running: Running,
    streamed: Vec<Streamed>,
    paused: HashMap<i32, Paused>,
    /// When the next job is due.
    next_job: i64,
    /// The database has objects of another version, and the log says so.
    warned: bool,
    /// The last error in the log, and when.
    logged: (String, i64),
}

impl Worker {
    fn work(&mut self) {
        let (mut beat, mut upkeep, mut published, mut unnoticed) = (0, elapsed() + SECOND, 0, 0);
        let mut usable = false;
        let mut lasted = 0;
        loop {
            if self.slot.held_for().is_some() || !guc::worker() {
                return;
            }
            if elapsed() >= beat || self.slot.altered.swap(false, AcqRel) {
                beat = elapsed() + BEAT;
                // Of a clock that was put back, what is due from now on was not missed.
                self.started = self.started.min(now());
                match self.look() {
                    Look::Gone => return,
                    Look::Unusable => usable = false,
                    Look::Ready => usable = true,
                }
                self.slot
                    .streaming
                    .store(usable && !self.streamed.is_empty(), Release);
            }
            let mut until = beat;
            if usable {
                if !self.streamed.is_empty() {
                    let due = published + guc::tick().max(lasted + rest(lasted)).max(crowd());
                    let dirty = self.slot.dirty.load(Acquire) || elapsed() >= unnoticed;
                    if dirty && elapsed() >= due {
                        self.slot.dirty.store(false, Release);
                        published = elapsed();
                        unnoticed = published + UNNOTICED;
                        self.publish();
                        lasted = elapsed() - published;
                        until = until.min(unnoticed);
                    } else {
                        until = until.min(if dirty { due } else { unnoticed });
                    }
                }
                if elapsed() >= upkeep {
                    upkeep = elapsed() + UPKEEP;
                    for (activity, work) in stream::UPKEEP {
                        match transaction(activity, work) {
                            // Somebody reads the segment that would be emptied: next time.
                            Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE => (),
                            done => self.report(done.map(|_| ())),
                        }
                    }
                }
                let ended = self.running.ended();
                if now() >= self.next_job || !ended.is_empty() {
                    self.start_jobs(&ended);
                }
                // At the limit of jobs that run at a time, the end of one of them is what wakes the worker.
                if !self.running.is_full() {
                    until = until.min(elapsed().saturating_add(self.next_job.saturating_sub(now())));
                }
            }
            process::wait(until - elapsed());
        }
    }

    /// Whether the extension is there and of this library's version, what is streamed, and when jobs are due.
    fn look(&mut self) -> Look {
        self.slot.wanted.store(false, Release);
        let objects = transaction("", || {
            spi::first(
                Mode::Write,
                "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_kpi'",
                &[],
                |row| Ok(row.text(1)),
            )
        });
        let Ok(objects) = objects else {
            self.slot.wanted.store(true, Release);
            self.report(objects.map(|_| ()));
            return Look::Unusable;
        };
        let Some(objects) = objects else {
            return Look::Gone;
        };
        self.slot.wanted.store(true, Release);
        if objects != crate::installed::LIBRARY {
            if !std::mem::replace(&mut self.warned, true) {
                pgrx::warning!(
                    "the worker of pg_kpi waits: the library is {}, the objects in this database are {objects}; \
                     ALTER EXTENSION pg_kpi UPDATE, or restart the server where the library is the older one",
                    crate::installed::LIBRARY
                );
            }
            return Look::Unusable;
        }
        self.warned = false;
        let known = std::mem::take(&mut self.streamed);
        let seen = transaction("", || {
            super::queue::recover()?;
            let streamed = stream::sources()?;
            let next = super::queue::next_due()?;
            Ok((streamed, next))
        });
        match seen {
            Ok((streamed, next)) => {
                self.streamed = streamed
                    .into_iter()
                    .map(|(id, name, captured)| Streamed {
                        id,
                        name,
                        captured,
                        refreshed: known.iter().find(|k| k.id == id).map_or(-VIEW, |k| k.refreshed),
                    })
                    .collect();
                self.next_job = next;
                Look::Ready
            }
            Err(failure) => {
                self.report(Err(failure));
                Look::Unusable
            }
        }
    }

    /// Refreshes the streamed sources that something has touched; each refresh publishes what it changes.
    fn publish(&mut self) {
        for streamed in &mut self.streamed {
            let now = elapsed();
            if self
                .paused
                .get(&streamed.id)
                .is_some_and(|paused| now < paused.until)
                || (!streamed.captured && now < streamed.refreshed + VIEW)
            {
                continue;
            }
            let name = &streamed.name;
            let id = streamed.id;
            let done = transaction("pg_kpi: publishing", || {
                let touched = spi::first_kept(
                    Mode::Write,
                    "SELECT EXISTS (SELECT FROM kpi.touched WHERE source_id = $1)",
                    &[arg(id)],
                    |row| Ok(row.get::<bool>(1).unwrap_or(false)),
                )?;
                if touched == Some(true) {
                    rollup::refresh::refresh(name, i64::MIN, i64::MAX)?;
                }
                Ok(())
            });
            streamed.refreshed = now;
            match done {
                Ok(()) => {
                    if self.paused.remove(&id).is_some() {
                        let cleared = transaction("", || stream::succeeded(id));
                        log_failure(cleared);
                    }
                }
                // Somebody else refreshes it, and publishes too: the next tick sees.
                Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE => {
                    self.slot.dirty.store(true, Release);
                }
                Err(failure) => {
                    let paused = self.paused.entry(id).or_insert(Paused {
                        until: 0,
                        failures: 0,
                    });
                    let pause = (SECOND << paused.failures.min(6)).min(LONGEST_PAUSE);
                    paused.failures += 1;
                    paused.until = elapsed() + pause;
                    if paused.failures == 1 {
                        pgrx::warning!(
                            "pg_kpi cannot refresh source \"{name}\", which is streamed: {}",
                            failure.text()
                        );
                    }
                    let noted = transaction("", || stream::failed(id, &failure));
                    log_failure(noted);
                }
            }
        }
    }

    fn start_jobs(&mut self, ended: &[Order]) {
        let (slot, started) = (self.slot, self.started);
        let running = &mut self.running;
        let next = transaction("pg_kpi: starting jobs", || {
            super::queue::close(ended)?;
            super::queue::start_due(slot, started, running)?;
            super::queue::next_due()
        });
        self.next_job = match next {
            Ok(next) => next,
            Err(failure) => {
                self.report(Err(failure));
                now() + SECOND
            }
        };
    }

    /// Logs an error, but one that comes again and again only once a minute.
    fn report(&mut self, result: Result<(), Failure>) {
        let Err(failure) = &result else { return };
        let text = failure.text();
        if self.logged.0 != text || elapsed() > self.logged.1 + LONGEST_PAUSE {
            log_failure(result);
            self.logged = (text, elapsed());
        }
    }
}

fn log_failure(result: Result<(), Failure>) {
    if let Err(failure) = result {
        pgrx::warning!("the worker of pg_kpi goes on after an error: {}", failure.text());
    }
}

/// How long the worker rests after a publication that took so long, so that what it takes from the writers stays in
/// proportion: six times as long with the default tick of 50 ms, less with a shorter one.
fn rest(lasted: i64) -> i64 {
    const TICK_THAT_RESTS_AS_LONG: i64 = 8_333;
    (lasted.saturating_mul(guc::tick()) / TICK_THAT_RESTS_AS_LONG).min(LONGEST_REST)
}

/// How long the worker rests when many sessions are there: a NOTIFY wakes all that listen, whatever they listen to, and they
/// take turns with the writers.
fn crowd() -> i64 {
    const PER_SESSION: i64 = 200;
    // SAFETY: looks into the list of processes, under its lock.
    let sessions = unsafe { pg_sys::CountDBBackends(pg_sys::MyDatabaseId) };
    (i64::from(sessions) * PER_SESSION).min(LONGEST_REST)
}

enum Look {
    Ready,
    Unusable,
    Gone,
}
