//! The bytes of a sketch. Buckets come in runs of neighbours, and a count is near those before it: run lengths, gaps and
//! the differences to a moving average are Golomb–Rice coded, about five bits a bucket for a million smooth values.

use super::buckets::{Buckets, INDICES, Index, collapse};
use super::{DEFAULT_SIZE, MAX_COLLAPSES, SIZES, UddSketch};
use crate::bits::{BitReader, BitWriter, RiceCode};
use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::summation::CompensatedSum;
use crate::{Error, State};

/// Marks, in the byte with the number of collapses, that size and first collapse follow: the default's bytes need neither.
const SIZED: u8 = 0x80;

pub(super) fn encode(sketch: &UddSketch) -> Vec<u8> {
    let mut writer = Writer::new(Kind::UddSketch);
    if (sketch.size, sketch.base) == (DEFAULT_SIZE, 0) {
        writer.u8(sketch.collapses);
    } else {
        writer.u8(sketch.collapses | SIZED);
        writer.varint(sketch.size.into());
        writer.u8(sketch.base);
    }
    for count in [
        sketch.finite,
        sketch.zeros,
        sketch.negative_infinities,
        sketch.positive_infinities,
        sketch.nans,
    ] {
        writer.varint(count);
    }
    if sketch.finite > 0 {
        for value in [sketch.min, sketch.max, sketch.sum.hi, sketch.sum.lo] {
            writer.f64(value);
        }
        let mut bits = BitWriter::default();
        for buckets in [&sketch.negative, &sketch.positive] {
            let buckets = buckets.sorted();
            writer.varint(buckets.len() as u64);
            write_buckets(&mut bits, &buckets);
        }
        writer.raw(&bits.finish());
    }
    writer.finish()
}

pub(super) fn decode(bytes: &[u8]) -> Result<UddSketch, Error> {
    let mut reader = Reader::new(UddSketch::TYPE_NAME, Kind::UddSketch, bytes)?;
    let form = reader.u8()?;
    let collapses = form & !SIZED;
    let (size, base) = if form & SIZED == 0 {
        (DEFAULT_SIZE, 0)
    } else {
        let size = u32::try_from(reader.varint()?).unwrap_or(0);
        if !SIZES.contains(&size) {
            return Err(reader.corrupt(format!("They say that there are at most {size} buckets.")));
        }
        (size, reader.u8()?)
    };
    if collapses > MAX_COLLAPSES || base > collapses {
        return Err(reader.corrupt(format!("They say that buckets were collapsed {collapses} times.")));
    }
    let mut sketch = UddSketch {
        size,
        base,
        collapses,
        finite: reader.count()?,
        zeros: reader.count()?,
        negative_infinities: reader.count()?,
        positive_infinities: reader.count()?,
        nans: reader.count()?,
        ..UddSketch::default()
    };
    if sketch.finite > 0 {
        sketch.min = reader.f64()?;
        sketch.max = reader.f64()?;
        sketch.sum = CompensatedSum {
            hi: reader.f64()?,
            lo: reader.f64()?,
        };
        let sizes = [reader.varint()?, reader.varint()?];
        if sizes
            .iter()
            .fold(0, |total: u64, size| total.saturating_add(*size))
            > u64::from(size)
        {
            return Err(reader.corrupt("They claim more buckets than a sketch can have.".into()));
        }
        let mut bits = BitReader::new(reader.remaining());
        for (buckets, size) in [&mut sketch.negative, &mut sketch.positive]
            .into_iter()
            .zip(sizes)
        {
            read_buckets(&mut bits, buckets, size, collapses)
                .ok_or_else(|| reader.corrupt("Their buckets cannot be read.".into()))?;
        }
        if !bits.finished() {
            return Err(reader.corrupt("They do not end where the buckets end.".into()));
        }
        check(&sketch).map_err(|reason| reader.corrupt(reason.into()))?;
    } else if sketch.zeros > 0 || collapses > base {
        return Err(reader.corrupt("They describe finite values and count none.".into()));
    }
    reader.finish()?;
    Ok(sketch)
}

fn check(sketch: &UddSketch) -> Result<(), &'static str> {
    let buckets = sketch.negative.iter().chain(sketch.positive.iter());
    let counted = buckets.fold(u128::from(sketch.zeros), |total, (_, count)| {
        total + u128::from(count)
    });
    if counted.min(u128::from(MAX_COUNT)) != u128::from(sketch.finite) {
        Err("The counts of the buckets do not add up to the number of values.")
    } else if !(sketch.min.is_finite() && sketch.max.is_finite() && sketch.min <= sketch.max) {
        Err("The smallest and the largest value are not in order.")
    } else {
        Ok(())
    }
}

/// The codes of one sign's buckets.
struct Codes {
    run: RiceCode,
    gap: RiceCode,
    difference: RiceCode,
    /// The moving average of the counts: only sums and powers of two, so every machine finds the same.
    average: f64,
}

impl Codes {
    fn new() -> Self {
        Self {
            run: RiceCode::expecting(1),
            gap: RiceCode::expecting(1),
            difference: RiceCode::expecting(0),
            average: 1.0,
        }
    }

    fn expected(&self) -> u64 {
        (self.average + 0.5) as u64
    }

    fn learn(&mut self, count: u64) {
        self.average += (count as f64 - self.average) * 0.125;
    }
}

/// The first index, then for each run its length, its counts, and the gap before the next.
fn write_buckets(bits: &mut BitWriter, buckets: &[(Index, u64)]) {
    let mut codes = Codes::new();
    let mut previous: Option<Index> = None;
    for run in buckets.chunk_by(|(left, _), (right, _)| right - left == 1) {
        let Some((first, _)) = run.first() else { continue };
        match previous {
            None => RiceCode::expecting(1024).write(bits, zigzag(i64::from(*first))),
            Some(last) => codes.gap.write(bits, (first - last) as u64 - 2),
        }
        codes.run.write(bits, run.len() as u64 - 1);
        for (index, count) in run {
            codes
                .difference
                .write(bits, zigzag(count.wrapping_sub(codes.expected()) as i64));
            codes.learn(*count);
            previous = Some(*index);
        }
    }
}

fn read_buckets(bits: &mut BitReader, buckets: &mut Buckets, size: u64, collapses: u8) -> Option<()> {
    let mut codes = Codes::new();
    *buckets = Buckets::default();
    let mut left = size;
    let mut next: Option<i64> = None;
    while left > 0 {
        let mut index = match next {
            None => unzigzag(RiceCode::expecting(1024).read(bits)?),
            Some(next) => next
                .checked_add(i64::try_from(codes.gap.read(bits)?).ok()?)?
                .checked_add(1)?,
        };
        let length = codes
            .run
            .read(bits)?
            .checked_add(1)
            .filter(|length| *length <= left)?;
        for _ in 0..length {
            let count = codes
                .expected()
                .wrapping_add(unzigzag(codes.difference.read(bits)?) as u64);
            let valid = Index::try_from(index).ok().filter(|index| {
                (collapse(*INDICES.start(), collapses)..=collapse(*INDICES.end(), collapses)).contains(index)
            })?;
            if count == 0 || count > MAX_COUNT {
                return None;
            }
            buckets.add(valid, count);
            codes.learn(count);
            index += 1;
        }
        next = Some(index);
        left -= length;
    }
    Some(())
}

/// Small numbers of either sign as small numbers: 0, -1, 1, -2, ...
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
