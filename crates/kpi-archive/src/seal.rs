//! A seal over every byte of an object that is ever read.
//!
//! Parquet protects its pages at most by a checksum of their bodies, and its footer by nothing. So the writer puts a seal between
//! the last index and the footer, where other readers, which go by offsets, do not look:
//!
//! ```text
//! pages and bloom filters | page indexes | seal | footer | length of footer | PAR1
//!
//! seal = (offset u64, length u32, hash u64) of every page and bloom filter, by offset
//!        start of the page indexes u64, number of pieces u32, hash u64, "kpiseal1"
//! ```
//!
//! All is little-endian. A piece's hash is XXH3 with the piece's offset as its seed. The seal's own hash covers the page indexes,
//! the seal, the footer and the size of the object; it is XXH3 of what lies behind the seal, with the hash of what lies before as
//! its seed, which has the size as its seed. Of an encrypted object it covers the bytes as they are stored.

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;
use twox_hash::XxHash3_64;

use crate::Error;

const MAGIC: &[u8; 8] = b"kpiseal1";
const PIECE: usize = 20;
/// Bytes of the seal behind the pieces: start of the indexes, number of pieces, hash, magic.
const TRAILER: usize = 28;
/// Bytes of a Parquet object behind its footer: length of the footer, magic.
const TAIL: usize = 8;

/// What the seal says of the parts of an object.
#[derive(Debug)]
pub(crate) struct Seal {
    /// Ordered by offset.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    offset: u64,
    length: u32,
    hash: u64,
}

/// What to do with the end of an object, of which so many bytes are at hand.
#[derive(Debug)]
pub(crate) enum Opened {
    /// At least so many of the last bytes are needed.
    Needs(u64),
    /// The seal holds. The indexes start so many bytes before the object's end.
    Intact(Seal, u64),
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn hash_of(offset: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(offset, bytes)
}

fn seal_hash(size: u64, before: &[u8], behind: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot_with_seed(size, before), behind)
}

impl Seal {
    /// Whether these bytes of the object are one of the pieces that were sealed, and unchanged.
    pub(crate) fn holds(&self, offset: u64, bytes: &[u8]) -> bool {
        let found = self.pieces.binary_search_by_key(&offset, |piece| piece.offset);
        found
            .ok()
            .and_then(|at| self.pieces.get(at))
            .is_some_and(|piece| piece.length as usize == bytes.len() && piece.hash == hash_of(offset, bytes))
    }

    /// Bytes in memory.
    pub(crate) fn memory_size(&self) -> usize {
        self.pieces.capacity() * size_of::<Piece>()
    }
}

/// Seals an object that was written with this metadata.
pub(crate) fn close(mut object: Vec<u8>, metadata: &ParquetMetaData) -> Result<Vec<u8>, Error> {
    let wrong = || Error::unsupported("a written object cannot be sealed".into(), None);
    let footer_length = number(&object, object.len().wrapping_sub(TAIL))
        .map(u32::from_le_bytes)
        .ok_or_else(wrong)?;
    let footer = object
        .len()
        .checked_sub(TAIL + footer_length as usize)
        .ok_or_else(wrong)?;

    let mut ranges = Vec::new();
    let mut indexes = footer as u64;
    for (g, group) in metadata.row_groups().iter().enumerate() {
        for (c, chunk) in group.columns().iter().enumerate() {
            let pages = metadata
                .page_index()
                .and_then(|index| index.page_locations(g, c))
                .ok_or_else(wrong)?;
            for page in pages {
                ranges.push((page.offset, i64::from(page.compressed_page_size)));
            }
            if let (Some(dictionary), Some(first)) = (chunk.dictionary_page_offset(), pages.first()) {
                ranges.push((dictionary, first.offset - dictionary));
            }
            if let Some(filter) = chunk.bloom_filter_offset() {
                ranges.push((filter, i64::from(chunk.bloom_filter_length().ok_or_else(wrong)?)));
            }
            for range in [chunk.column_index_range(), chunk.offset_index_range()]
                .into_iter()
                .flatten()
            {
                indexes = indexes.min(range.start);
            }
        }
    }
    let mut pieces = Vec::with_capacity(ranges.len());
    for (offset, length) in ranges {
        let (offset, length) = (
            u64::try_from(offset).map_err(|_| wrong())?,
            u32::try_from(length).map_err(|_| wrong())?,
        );
        let bytes = object
            .get(offset as usize..offset as usize + length as usize)
            .ok_or_else(wrong)?;
        pieces.push(Piece {
            offset,
            length,
            hash: hash_of(offset, bytes),
        });
    }
    pieces.sort_unstable();

    let size = (object.len() + pieces.len() * PIECE + TRAILER) as u64;
    let mut seal = Vec::with_capacity(pieces.len() * PIECE + TRAILER);
    for piece in &pieces {
        seal.extend_from_slice(&piece.offset.to_le_bytes());
        seal.extend_from_slice(&piece.length.to_le_bytes());
        seal.extend_from_slice(&piece.hash.to_le_bytes());
    }
    seal.extend_from_slice(&indexes.to_le_bytes());
    seal.extend_from_slice(&(pieces.len() as u32).to_le_bytes());
    let tail = object.split_off(footer);
    object.extend_from_slice(&seal);
    let hash = seal_hash(size, object.get(indexes as usize..).ok_or_else(wrong)?, &tail);
    object.extend_from_slice(&hash.to_le_bytes());
    object.extend_from_slice(MAGIC);
    object.extend_from_slice(&tail);
    Ok(object)
}

/// Checks the seal of an object of `size` bytes, of which `end` are the last ones. The error says what is wrong.
pub(crate) fn open(end: &Bytes, size: u64) -> Result<Opened, &'static str> {
    let magic: [u8; 4] = number(end, end.len().wrapping_sub(4)).ok_or("it is too short")?;
    if !matches!(&magic, b"PAR1" | b"PARE") {
        return Err("it does not end as a Parquet file does");
    }
    let footer = number(end, end.len().wrapping_sub(TAIL))
        .map(u32::from_le_bytes)
        .ok_or("it is too short")?;
    let to_footer = u64::from(footer) + TAIL as u64;
    let needs = |bytes: u64| {
        if bytes > size {
            Err("its footer is longer than it")
        } else {
            Ok(Opened::Needs(bytes))
        }
    };
    if to_footer + TRAILER as u64 > end.len() as u64 {
        return needs(to_footer + TRAILER as u64);
    }
    let footer_at = end.len() - to_footer as usize;
    let trailer = footer_at - TRAILER;
    if number(end, footer_at - MAGIC.len()).as_ref() != Some(MAGIC) {
        return Err("it has no seal before its footer");
    }
    let short = "its seal is cut short";
    let indexes = number(end, trailer).map(u64::from_le_bytes).ok_or(short)?;
    let count = number(end, trailer + 8).map(u32::from_le_bytes).ok_or(short)? as usize;
    let hash = number(end, trailer + 12).map(u64::from_le_bytes).ok_or(short)?;
    let from_end = size.checked_sub(indexes).ok_or("its seal is damaged")?;
    let pieces_from_end = to_footer + TRAILER as u64 + count as u64 * PIECE as u64;
    if from_end < pieces_from_end {
        return Err("its seal is damaged");
    }
    if from_end > end.len() as u64 {
        return needs(from_end);
    }
    let start = end.len() - from_end as usize;
    let (Some(before), Some(behind)) = (end.get(start..trailer + 12), end.get(footer_at..)) else {
        return Err(short);
    };
    if seal_hash(size, before, behind) != hash {
        return Err("its footer or an index is not what was written");
    }
    let first = end.len() - pieces_from_end as usize;
    let mut pieces = Vec::with_capacity(count);
    for piece in end.get(first..trailer).ok_or(short)?.chunks_exact(PIECE) {
        pieces.push(Piece {
            offset: number(piece, 0).map(u64::from_le_bytes).ok_or(short)?,
            length: number(piece, 8).map(u32::from_le_bytes).ok_or(short)?,
            hash: number(piece, 12).map(u64::from_le_bytes).ok_or(short)?,
        });
    }
    Ok(Opened::Intact(Seal { pieces }, from_end))
}
