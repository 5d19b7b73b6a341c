//! The engine that drives requests: a single-threaded runtime whose waiting can be cancelled, and whose threads never see a
//! signal.
//!
//! The host is a process whose signal handlers may run on its main thread only. Name resolution needs threads, and a thread
//! inherits the signal mask of the one that starts it. So the whole of a wait runs with signals blocked, whoever starts a
//! thread in it, and every [`POLL`] the host's mask is restored for a moment: what is pending is delivered there and then, on
//! the host's thread, and the host is asked whether to go on.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use tokio::runtime::{Builder, Runtime};

use super::words::unavailable;
use crate::Error;

/// How often a wait looks up.
const POLL: Duration = Duration::from_millis(20);
/// Name resolution at the same time; more of it queues.
const THREADS: usize = 4;
/// A thread with nothing to do ends after this.
const IDLE: Duration = Duration::from_secs(1);

/// Drives requests on the calling thread.
pub(crate) struct Engine {
    /// Always there until the drop, which needs to take it.
    runtime: Option<Runtime>,
}

impl Engine {
    /// Starts no thread yet.
    pub(crate) fn new() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(THREADS)
            .thread_keep_alive(IDLE)
            .thread_name("kpi-archive")
            .on_thread_start(|| {
                let _ = asynchronous().thread_block();
            })
            .build()
            .map_err(|e| {
                unavailable(
                    "the process cannot wait for a network".into(),
                    Some(format!("The cause: {e}.")),
                    None,
                )
            })?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Waits for `work`, and drops it with [`Error::Canceled`] as soon as `stop` says so. It must not be called from within
    /// another runtime.
    pub(crate) fn wait<T>(
        &self,
        stop: impl Fn() -> bool,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(runtime) = &self.runtime else {
            return Err(Error::Canceled);
        };
        if stop() {
            return Err(Error::Canceled);
        }
        let signals = Held::new();
        runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                if let Ok(result) = tokio::time::timeout(POLL, &mut work).await {
                    return result;
                }
                signals.deliver();
                if stop() {
                    return Err(Error::Canceled);
                }
            }
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A name resolution that hangs is left behind: its thread takes no signal, touches nothing and ends by itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// All signals that come from outside; the ones that a fault of the thread itself raises stay open.
fn asynchronous() -> SigSet {
    let mut set = SigSet::all();
    for own in [
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGTRAP,
        Signal::SIGABRT,
    ] {
        set.remove(own);
    }
    set
}

/// Blocks signals on this thread until it is dropped.
struct Held {
    before: Option<SigSet>,
}

impl Held {
    fn new() -> Self {
        Self {
            before: asynchronous().thread_swap_mask(SigmaskHow::SIG_BLOCK).ok(),
        }
    }

    /// Lets the pending ones be handled.
    fn deliver(&self) {
        if let Some(before) = &self.before {
            let _ = before.thread_set_mask();
            let _ = asynchronous().thread_block();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = before.thread_set_mask();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn blocked_signals_of_threads(name: &str) -> Vec<u64> {
        let mut masks = Vec::new();
        for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
            let Ok(status) = std::fs::read_to_string(task.path().join("status")) else {
                continue;
            };
            let field = |key: &str| {
                status
                    .lines()
                    .find_map(|l| l.strip_prefix(key))
                    .map(|v| v.trim().to_owned())
            };
            if field("Name:").as_deref() == Some(name) {
                masks.push(u64::from_str_radix(&field("SigBlk:").unwrap(), 16).unwrap());
            }
        }
        masks
    }

    #[test]
    fn a_thread_of_the_runtime_takes_no_signal_and_the_caller_has_its_mask_back() {
        let before = SigSet::thread_get_mask().unwrap();
        let engine = Engine::new().unwrap();
        let masks = engine
            .wait(|| false, async {
                Ok(
                    tokio::task::spawn_blocking(|| blocked_signals_of_threads("kpi-archive"))
                        .await
                        .unwrap(),
                )
            })
            .unwrap();
        assert!(!masks.is_empty());
        for mask in masks {
            for signal in [
                Signal::SIGINT,
                Signal::SIGTERM,
                Signal::SIGUSR1,
                Signal::SIGALRM,
                Signal::SIGCHLD,
            ] {
                assert_ne!(mask & (1 << (signal as u64 - 1)), 0, "{signal}");
            }
        }
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
    }

    #[test]
    fn a_wait_ends_soon_after_it_is_told_to() {
        let engine = Engine::new().unwrap();
        let started = Instant::now();
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        let result: Result<(), Error> = engine.wait(stop, std::future::pending());
        assert!(matches!(result, Err(Error::Canceled)));
        assert_eq!(asked.get(), 4);
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_wait_that_is_told_to_stop_beforehand_does_not_begin() {
        let engine = Engine::new().unwrap();
        let result: Result<(), Error> = engine.wait(|| true, async { panic!("begun") });
        assert!(matches!(result, Err(Error::Canceled)));
    }

    #[test]
    fn an_engine_with_a_hanging_thread_is_dropped_at_once_and_an_idle_thread_ends() {
        let engine = Engine::new().unwrap();
        let (release, hang) = std::sync::mpsc::channel::<()>();
        let result: Result<(), Error> = engine.wait(|| true, async {
            let _ = tokio::task::spawn_blocking(move || hang.recv()).await;
            Ok(())
        });
        assert!(result.is_err());
        drop(engine);
        drop(release);
    }
}
