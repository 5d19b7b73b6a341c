//! Cancels and shutdowns in the middle of requests and of encoding: the crate asks whether there is one, ends what it does, and PostgreSQL
//! raises it afterwards.

use pgrx::pg_sys;

/// Whether PostgreSQL wants the statement or the session to end. It only looks: nothing is raised here.
pub fn is_canceled() -> bool {
    // SAFETY: flags that signal handlers of this process set; read on its main thread.
    unsafe {
        std::ptr::read_volatile(&raw const pg_sys::InterruptPending) != 0
            && (std::ptr::read_volatile(&raw const pg_sys::QueryCancelPending) != 0
                || std::ptr::read_volatile(&raw const pg_sys::ProcDiePending) != 0)
    }
}

/// Raises what made the crate give up, in PostgreSQL's words: which of a cancel, a time-out and a shutdown it was, only it knows.
/// Returns where it is held back for now.
pub fn raise_cancel() {
    pgrx::check_for_interrupts!();
}
