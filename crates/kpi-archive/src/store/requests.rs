//! What a store has done so far.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::Method;

/// Requests that a store has sent since it was opened, every repetition counted, and the bytes of their bodies. Of a folder
/// they are the operations on its files.
///
/// ```
/// use kpi_archive::Requests;
/// let before = Requests { gets: 1, bytes_read: 10, ..Requests::default() };
/// let after = Requests { gets: 4, bytes_read: 25, ..Requests::default() };
/// assert_eq!(after.since(&before).gets, 3);
/// assert_eq!(after.since(&before).bytes_read, 15);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Objects or ranges of them read, and sizes asked for; also the requests for temporary credentials.
    pub gets: u64,
    /// Objects written.
    pub puts: u64,
    /// Pages of lists.
    pub lists: u64,
    /// Objects deleted.
    pub deletes: u64,
    /// Bytes received.
    pub bytes_read: u64,
    /// Bytes sent.
    pub bytes_written: u64,
    /// How many of the requests were repetitions.
    pub retries: u64,
}

impl Requests {
    /// What came to be since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            gets: self.gets.saturating_sub(before.gets),
            puts: self.puts.saturating_sub(before.puts),
            lists: self.lists.saturating_sub(before.lists),
            deletes: self.deletes.saturating_sub(before.deletes),
            bytes_read: self.bytes_read.saturating_sub(before.bytes_read),
            bytes_written: self.bytes_written.saturating_sub(before.bytes_written),
            retries: self.retries.saturating_sub(before.retries),
        }
    }
}

/// Counts while requests are under way.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) gets: AtomicU64,
    pub(crate) puts: AtomicU64,
    pub(crate) lists: AtomicU64,
    pub(crate) deletes: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    pub(crate) retries: AtomicU64,
}

impl Counters {
    /// Counts an HTTP request by what it is to the store.
    pub(crate) fn request(&self, method: &Method, query: &str) {
        let has = |wanted: &str| query.split('&').any(|part| part == wanted);
        let counter = match *method {
            Method::PUT => &self.puts,
            Method::DELETE => &self.deletes,
            // Azure deletes by a batch of one.
            Method::POST if has("comp=batch") => &self.deletes,
            Method::GET if has("list-type=2") || has("comp=list") => &self.lists,
            _ => &self.gets,
        };
        Self::one(counter);
    }

    pub(crate) fn one(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn bytes(counter: &AtomicU64, bytes: usize) {
        counter.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn read(&self) -> Requests {
        Requests {
            gets: self.gets.load(Relaxed),
            puts: self.puts.load(Relaxed),
            lists: self.lists.load(Relaxed),
            deletes: self.deletes.load(Relaxed),
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
            retries: self.retries.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_counts_as_what_it_is() {
        let counters = Counters::default();
        counters.request(&Method::PUT, "");
        counters.request(&Method::GET, "");
        counters.request(&Method::HEAD, "");
        counters.request(&Method::GET, "list-type=2&prefix=a");
        counters.request(&Method::GET, "restype=container&comp=list");
        counters.request(&Method::DELETE, "");
        counters.request(&Method::POST, "restype=container&comp=batch");
        let Requests {
            gets,
            puts,
            lists,
            deletes,
            ..
        } = counters.read();
        assert_eq!((gets, puts, lists, deletes), (2, 1, 2, 2));
    }
}
