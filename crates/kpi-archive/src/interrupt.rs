//! A way out of long calls: whoever hosts this crate may want to stop one half way, as a database does at a cancel.

use std::sync::OnceLock;

static ASK: OnceLock<fn() -> bool> = OnceLock::new();

/// Has `ask` called now and then during long calls, on the thread that made the call: at least every 50 ms while waiting, about
/// every 10 ms while encoding or decoding. When it answers `true`, the call cleans up and returns [`crate::Error::Canceled`].
/// Only the first `ask` of a process counts.
///
/// ```
/// kpi_archive::interrupt::set(|| false);
/// ```
pub fn set(ask: fn() -> bool) {
    let _ = ASK.set(ask);
}

/// Whether the host wants the call to end.
pub(crate) fn asked() -> bool {
    ASK.get().is_some_and(|ask| ask())
}

/// [`crate::Error::Canceled`] when the host wants the call to end.
pub(crate) fn check() -> Result<(), crate::Error> {
    if asked() {
        Err(crate::Error::Canceled)
    } else {
        Ok(())
    }
}
