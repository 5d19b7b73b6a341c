//! Progress of long statements: a NOTICE every `kpi.progress` says what this process has done of its statement.

use std::cell::Cell;

use pgrx::pg_sys;

use crate::guc;

#[derive(Clone, Copy, Default)]
struct Progress {
    /// When the statement began that is counted.
    statement: i64,
    /// What was begun.
    begun: u64,
    what: &'static str,
    /// When the last notice was sent.
    told: i64,
}

thread_local! {
    static PROGRESS: Cell<Progress> = Cell::new(Progress::default());
}

/// Counts one more piece of work of the running statement: a series, or a fold of a backtest.
pub fn begin(what: &'static str) {
    // SAFETY: reads a global of the backend.
    let statement = unsafe { pg_sys::GetCurrentStatementStartTimestamp() };
    let mut progress = PROGRESS.get();
    if progress.statement != statement || progress.what != what {
        progress = Progress {
            statement,
            begun: 0,
            what,
            told: statement,
        };
    }
    progress.begun += 1;
    PROGRESS.set(progress);
    tell();
}

/// Sends a notice when one is due.
pub fn tell() {
    let every = guc::progress();
    if every == 0 {
        return;
    }
    let mut progress = PROGRESS.get();
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    if progress.begun == 0 || now - progress.told < every {
        return;
    }
    progress.told = now;
    PROGRESS.set(progress);
    let seconds = (now - progress.statement) as f64 / 1e6;
    pgrx::notice!("{} {} after {seconds:.1} s", progress.what, progress.begun);
}
