//! What a store must be able to do to be read from, and a store in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::Error;

/// Objects by key: the half of a store that reading needs.
pub trait Objects {
    /// An object whole.
    ///
    /// # Errors
    /// `NotFound`, or what the store says.
    fn get(&self, key: &str) -> Result<Bytes, Error>;

    /// Ranges of an object (bytes from its start, half-open) in the order asked for, each exactly as long as asked for.
    /// Ranges that lie close together are best fetched as one where a request is dear.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` when the object ends before a range; or what the store says.
    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error>;

    /// The size of an object in bytes.
    ///
    /// # Errors
    /// `NotFound`, or what the store says.
    fn size(&self, key: &str) -> Result<u64, Error>;

    /// What tells this store and the rights of its credentials from others in a [`crate::Cache`] that several share.
    fn scope(&self) -> u64 {
        0
    }

    /// Whether a request is so dear that what it brought should be kept. `false` for local files, which the kernel keeps.
    fn is_remote(&self) -> bool {
        true
    }
}

/// Objects in memory, for tests.
///
/// ```
/// use kpi_archive::{MemoryObjects, Objects};
/// let objects = MemoryObjects::default();
/// objects.put("a", vec![1, 2, 3].into());
/// assert_eq!(objects.get_ranges("a", &[1..3]).unwrap()[0].as_ref(), [2, 3]);
/// assert_eq!(objects.size("a").unwrap(), 3);
/// assert_eq!(objects.requests(), 1);
/// ```
#[derive(Debug, Default)]
pub struct MemoryObjects {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, Bytes>,
    requests: u64,
    bytes: u64,
}

impl MemoryObjects {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an object, over one of that key.
    pub fn put(&self, key: &str, bytes: Bytes) {
        self.inner().objects.insert(key.to_owned(), bytes);
    }

    /// How many times bytes were asked for.
    pub fn requests(&self) -> u64 {
        self.inner().requests
    }

    /// How many bytes were handed out.
    pub fn bytes_read(&self) -> u64 {
        self.inner().bytes
    }
}

impl Objects for MemoryObjects {
    fn get(&self, key: &str) -> Result<Bytes, Error> {
        let mut inner = self.inner();
        let bytes = inner
            .objects
            .get(key)
            .cloned()
            .ok_or_else(|| Error::not_found(key, None))?;
        inner.requests += 1;
        inner.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let mut inner = self.inner();
        let object = inner
            .objects
            .get(key)
            .cloned()
            .ok_or_else(|| Error::not_found(key, None))?;
        inner.requests += 1;
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            if range.start > range.end || range.end > object.len() as u64 {
                return Err(Error::corrupt(key, "it ends before a range that was asked for"));
            }
            let part = object.slice(range.start as usize..range.end as usize);
            inner.bytes += part.len() as u64;
            parts.push(part);
        }
        Ok(parts)
    }

    fn size(&self, key: &str) -> Result<u64, Error> {
        let inner = self.inner();
        inner
            .objects
            .get(key)
            .map(|b| b.len() as u64)
            .ok_or_else(|| Error::not_found(key, None))
    }
}
