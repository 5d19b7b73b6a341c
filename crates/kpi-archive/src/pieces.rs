//! Pages of an object: fetched from the cache or the store, checked against the seal, handed to the decoder.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::cache::Origin;
use crate::footer::Footer;
use crate::{Cache, Error, Objects};

/// Where the pieces of an object come from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) footer: Arc<Footer>,
    pub(crate) origin: Origin,
    pub(crate) cache: Cache,
}

impl Source {
    pub(crate) fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::corrupt(&self.origin.object, what)
    }

    /// Pieces of the object, in the order asked for, each as it was sealed. Ascending pieces without a gap are one range to the
    /// store.
    pub(crate) fn fetch(&self, objects: &dyn Objects, pieces: Vec<Range<u64>>) -> Result<Vec<Bytes>, Error> {
        let remote = objects.is_remote();
        let mut found: Vec<Option<Bytes>> = Vec::with_capacity(pieces.len());
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for piece in &pieces {
            let length = piece.end.saturating_sub(piece.start);
            let kept = if remote {
                self.cache.range(&self.origin, piece.start)
            } else {
                None
            };
            let kept = kept.filter(|bytes| bytes.len() as u64 == length);
            if kept.is_none() {
                if piece.end > self.footer.size {
                    return Err(self.corrupt("a page lies behind its end"));
                }
                match ranges.last_mut() {
                    Some(last) if last.end == piece.start => last.end = piece.end,
                    _ => ranges.push(piece.clone()),
                }
            }
            found.push(kept);
        }
        let fetched = if ranges.is_empty() {
            Vec::new()
        } else {
            objects.get_ranges(&self.origin.object, &ranges)?
        };
        let mut parts = ranges.into_iter().zip(fetched).peekable();
        let mut whole = Vec::with_capacity(pieces.len());
        for (piece, kept) in pieces.into_iter().zip(found) {
            if let Some(bytes) = kept {
                whole.push(bytes);
                continue;
            }
            while parts.next_if(|(range, _)| !contains(range, &piece)).is_some() {}
            let part = parts.peek().and_then(|(range, bytes)| {
                let from = (piece.start - range.start) as usize;
                let to = (piece.end - range.start) as usize;
                (to <= bytes.len()).then(|| bytes.slice(from..to))
            });
            let bytes = part.ok_or_else(|| self.corrupt("it ends before a range that was asked for"))?;
            if !self.footer.seal.holds(piece.start, &bytes) {
                return Err(self.corrupt(format!(
                    "The {} bytes at {} are not what was written.",
                    piece.end - piece.start,
                    piece.start
                )));
            }
            if remote {
                self.cache.keep(&self.origin, piece.start, &bytes);
            }
            whole.push(bytes);
        }
        Ok(whole)
    }
}

fn contains(range: &Range<u64>, piece: &Range<u64>) -> bool {
    range.start <= piece.start && piece.end <= range.end
}

/// The pieces of an object that are at hand, by offset, as the decoder wants them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces {
    pub(crate) by_offset: Arc<BTreeMap<u64, Bytes>>,
    pub(crate) size: u64,
}

impl Pieces {
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let piece = self.by_offset.range(..=start).next_back();
        let rest = piece.and_then(|(offset, bytes)| {
            let skip = usize::try_from(start - offset).ok()?;
            (skip <= bytes.len()).then(|| bytes.slice(skip..))
        });
        rest.ok_or_else(|| ParquetError::EOF(format!("the page at {start} was not fetched")))
    }
}

impl Length for Pieces {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Pieces {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.from(start).map(Cursor::new)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let rest = self.from(start)?;
        if length > rest.len() {
            return Err(ParquetError::EOF(format!("the page at {start} ends early")));
        }
        Ok(rest.slice(..length))
    }
}
