//! What was read of objects, kept within a bound of bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::Error;
use crate::footer::Footer;

/// What an entry costs beside what it holds.
const OVERHEAD: usize = 200;

/// Footers and ranges of objects, the least recently used dropped first. Cheap to clone: clones share what is kept.
///
/// One entry takes at most a quarter of the bound; what is larger is not kept.
///
/// ```
/// use kpi_archive::Cache;
/// let cache = Cache::new(64 << 20);
/// assert_eq!(cache.bytes(), 0);
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    inner: Arc<Mutex<Inner>>,
}

/// Which object of which store, read with which key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) scope: u64,
    pub(crate) object: Arc<str>,
    pub(crate) size: u64,
    pub(crate) key: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Footer(Origin),
    Range(Origin, u64),
}

#[derive(Debug, Clone)]
enum Held {
    Footer(Arc<Footer>),
    Range(Bytes),
}

#[derive(Debug)]
struct Entry {
    held: Held,
    bytes: usize,
    used: u64,
}

#[derive(Debug, Default)]
struct Inner {
    limit: usize,
    bytes: usize,
    clock: u64,
    entries: HashMap<Place, Entry>,
    by_use: BTreeMap<u64, Place>,
}

impl Inner {
    fn get(&mut self, place: &Place) -> Option<Held> {
        self.clock += 1;
        let entry = self.entries.get_mut(place)?;
        let place = self.by_use.remove(&entry.used)?;
        entry.used = self.clock;
        self.by_use.insert(self.clock, place);
        Some(entry.held.clone())
    }

    fn put(&mut self, place: Place, held: Held, bytes: usize) {
        if bytes > self.limit / 4 {
            return;
        }
        self.remove(&place);
        self.clock += 1;
        self.bytes += bytes;
        self.by_use.insert(self.clock, place.clone());
        self.entries.insert(
            place,
            Entry {
                held,
                bytes,
                used: self.clock,
            },
        );
        self.shrink();
    }

    fn remove(&mut self, place: &Place) {
        if let Some(entry) = self.entries.remove(place) {
            self.bytes -= entry.bytes;
            self.by_use.remove(&entry.used);
        }
    }

    fn shrink(&mut self) {
        while self.bytes > self.limit
            && let Some((_, place)) = self.by_use.pop_first()
        {
            self.remove(&place);
        }
    }
}

impl Cache {
    /// A cache of at most `limit` bytes. With 0 nothing is kept.
    pub fn new(limit: usize) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                limit,
                ..Inner::default()
            })),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the bound; what no longer fits is dropped.
    pub fn set_limit(&self, limit: usize) {
        let mut inner = self.inner();
        inner.limit = limit;
        inner.shrink();
    }

    /// Bytes kept.
    pub fn bytes(&self) -> usize {
        self.inner().bytes
    }

    /// Drops everything.
    pub fn clear(&self) {
        let mut inner = self.inner();
        *inner = Inner {
            limit: inner.limit,
            ..Inner::default()
        };
    }

    pub(crate) fn footer(
        &self,
        origin: &Origin,
        read: impl FnOnce() -> Result<Footer, Error>,
    ) -> Result<Arc<Footer>, Error> {
        let place = Place::Footer(origin.clone());
        if let Some(Held::Footer(footer)) = self.inner().get(&place) {
            return Ok(footer);
        }
        let footer = Arc::new(read()?);
        let bytes = footer.memory_size() + OVERHEAD;
        self.inner().put(place, Held::Footer(Arc::clone(&footer)), bytes);
        Ok(footer)
    }

    pub(crate) fn range(&self, origin: &Origin, offset: u64) -> Option<Bytes> {
        match self.inner().get(&Place::Range(origin.clone(), offset)) {
            Some(Held::Range(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Keeps a copy, since the bytes may be part of something larger.
    pub(crate) fn keep(&self, origin: &Origin, offset: u64, bytes: &Bytes) {
        let mut inner = self.inner();
        if bytes.len() + OVERHEAD <= inner.limit / 4 {
            let place = Place::Range(origin.clone(), offset);
            inner.put(
                place,
                Held::Range(Bytes::copy_from_slice(bytes)),
                bytes.len() + OVERHEAD,
            );
        }
    }
}
