//! A way out of long loops: whoever hosts this crate may want to stop a call half way, as a database does at a cancel.

use std::sync::OnceLock;

static POLL: OnceLock<fn()> = OnceLock::new();

/// Has `poll` called now and then during long calls, every 65,536 points or so. It ends the call by panicking; what is then
/// dropped is in a valid state. Only the first `poll` of a process counts.
///
/// ```
/// kpi_series::interrupt::set(|| ());
/// ```
pub fn set(poll: fn()) {
    let _ = POLL.set(poll);
}

/// Polls at every 65,536th index.
#[inline]
pub(crate) fn at(index: usize) {
    if index & 0xFFFF == 0xFFFF {
        now();
    }
}

#[cold]
pub(crate) fn now() {
    if let Some(poll) = POLL.get() {
        poll();
    }
}
