//! The second thread of a writer: one row group at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arrow_array::ArrayRef;
use nix::sys::signal::{SigSet, SigmaskHow};

use crate::encode::Encoder;
use crate::{Error, interrupt};

/// How long the caller's thread waits between two looks at whether to stop.
const TICK: Duration = Duration::from_millis(20);

/// An encoder that is either at rest or busy with one row group.
#[derive(Debug)]
pub(crate) struct Work {
    encoder: Option<Encoder>,
    busy: Option<Busy>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Busy {
    thread: JoinHandle<()>,
    result: Receiver<(Encoder, Result<(), Error>)>,
}

fn lost() -> Error {
    Error::unsupported("the encoder of a row group ended early".into(), None)
}

impl Work {
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self {
            encoder: Some(encoder),
            busy: None,
            stop: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Bytes of the row groups that are encoded; to be asked at rest.
    pub(crate) fn bytes(&self) -> usize {
        self.encoder.as_ref().map_or(0, Encoder::bytes)
    }

    /// Starts to encode a row group; to be called at rest.
    pub(crate) fn start(&mut self, arrays: Vec<ArrayRef>, rows: usize) -> Result<(), Error> {
        let mut encoder = self.encoder.take().ok_or_else(lost)?;
        let (sender, result) = sync_channel(1);
        let stop = Arc::clone(&self.stop);
        // A thread inherits the mask of the one that starts it: no signal of the host may be handled on it.
        let mut mask = SigSet::empty();
        let masked = SigSet::all()
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .map(|old| mask = old);
        let thread = Builder::new().name("kpi-archive".into()).spawn(move || {
            let result = encoder.encode(arrays, rows, &stop);
            let _ = sender.send((encoder, result));
        });
        if masked.is_ok() {
            let _ = mask.thread_set_mask();
        }
        let thread = thread.map_err(|error| {
            Error::unsupported(
                "no thread can be started to encode rows".into(),
                Some(error.to_string()),
            )
        })?;
        self.busy = Some(Busy { thread, result });
        Ok(())
    }

    /// Waits until at rest.
    pub(crate) fn wait(&mut self) -> Result<(), Error> {
        let Some(busy) = &self.busy else {
            return interrupt::check();
        };
        let result = loop {
            match busy.result.recv_timeout(TICK) {
                Ok((encoder, result)) => {
                    self.encoder = Some(encoder);
                    break result;
                }
                Err(RecvTimeoutError::Disconnected) => break Err(lost()),
                Err(RecvTimeoutError::Timeout) if interrupt::asked() => break Err(Error::Canceled),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.end();
        result.and_then(|()| interrupt::check())
    }

    pub(crate) fn finish(mut self) -> Result<Encoder, Error> {
        self.wait()?;
        self.encoder.take().ok_or_else(lost)
    }

    fn end(&mut self) {
        if let Some(busy) = self.busy.take() {
            self.stop.store(true, Ordering::Relaxed);
            let _ = busy.thread.join();
            self.stop.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.end();
    }
}
