//! The settings of this extension: every one begins with `kpi.` and can be changed by reloading the configuration. All but
//! `kpi.archive_cache_size` and `kpi.progress`, which a session may set for itself, concern the background workers.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, pg_sys};

static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);
static TICK: GucSetting<i32> = GucSetting::<i32>::new(50);
static MAX_PARALLEL_JOBS: GucSetting<i32> = GucSetting::<i32>::new(2);
static JOB_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(3_600_000);
static RUN_HISTORY: GucSetting<i32> = GucSetting::<i32>::new(7 * 86_400);
static CHANGE_HISTORY: GucSetting<i32> = GucSetting::<i32>::new(3_600);
static ANOMALY_HISTORY: GucSetting<i32> = GucSetting::<i32>::new(90 * 86_400);
static PROGRESS: GucSetting<i32> = GucSetting::<i32>::new(0);
static ARCHIVE_CACHE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);

/// Defines the settings; called once, when the library is loaded.
pub fn define() {
    GucRegistry::define_bool_guc(
        c"kpi.worker",
        c"Runs the background workers of pg_kpi.",
        c"Off: no jobs run and nothing is streamed until it is on again.",
        &WORKER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"kpi.tick",
        c"Shortest time between two publications of changes.",
        c"Changes of one bucket within a tick become one change.",
        &TICK,
        1,
        60_000,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"kpi.max_parallel_jobs",
        c"How many jobs of one database run at a time.",
        c"Each takes one of max_worker_processes while it runs.",
        &MAX_PARALLEL_JOBS,
        1,
        64,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"kpi.job_timeout",
        c"How long a job may run that has no time-out of its own; 0 is without end.",
        c"A job that takes longer is cancelled and counts as failed.",
        &JOB_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"kpi.run_history",
        c"How long the runs of jobs are kept in kpi.job_runs.",
        c"The latest 1000 runs of a job are kept at most.",
        &RUN_HISTORY,
        60,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"kpi.change_history",
        c"How long changes are kept at least in kpi.change.",
        c"Longer where a subscriber has not acknowledged them and may still come back.",
        &CHANGE_HISTORY,
        1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"kpi.anomaly_history",
        c"How long the scores of watches are kept in kpi.anomalies.",
        c"Older ones are removed by the worker, or by a job of kind clean.",
        &ANOMALY_HISTORY,
        60,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"kpi.progress",
        c"How often a long forecast, fit or backtest says how far it is; 0 is never.",
        c"A NOTICE of each process that works for the statement.",
        &PROGRESS,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"kpi.archive_cache_size",
        c"Memory in which a session keeps what it has read of archived objects.",
        c"Footers, indexes and, from stores across the network, ranges. 0 keeps nothing from one query to the next.",
        &ARCHIVE_CACHE_SIZE,
        0,
        1024 * 1024,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    // SAFETY: called while the library is loaded, on the main thread.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"kpi".as_ptr()) };
}

/// `kpi.worker`.
pub fn worker() -> bool {
    WORKER.get()
}

/// `kpi.tick`, microseconds.
pub fn tick() -> i64 {
    i64::from(TICK.get()) * 1000
}

/// `kpi.max_parallel_jobs`.
pub fn max_parallel_jobs() -> usize {
    MAX_PARALLEL_JOBS.get() as usize
}

/// `kpi.job_timeout`, milliseconds; 0 is none.
pub fn job_timeout() -> i32 {
    JOB_TIMEOUT.get()
}

/// `kpi.run_history`, seconds.
pub fn run_history() -> i32 {
    RUN_HISTORY.get()
}

/// `kpi.change_history`, seconds.
pub fn change_history() -> i32 {
    CHANGE_HISTORY.get()
}

/// `kpi.anomaly_history`, seconds.
pub fn anomaly_history() -> i32 {
    ANOMALY_HISTORY.get()
}

/// `kpi.progress`, microseconds; 0 is never.
pub fn progress() -> i64 {
    i64::from(PROGRESS.get()) * 1000
}

/// `kpi.archive_cache_size`, bytes.
pub fn archive_cache_size() -> usize {
    ARCHIVE_CACHE_SIZE.get().max(0) as usize * 1024
}
