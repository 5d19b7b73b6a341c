//! What the aggregates over points in time have in common: any order, any overlap and any split of the input give the
//! result of the sorted whole, and ordered input needs bounded memory.
//!
//! A quantity such as the rise of a counter depends on which points are neighbours. Two stretches of points can be joined by
//! their summaries when one lies wholly before the other; when they interleave, only their points tell. Nobody knows in
//! advance whether an older point is still to come, or whether another worker holds the rows in between. So:
//!
//! - **While points are aggregated** a state keeps them all, in packed blocks of 64 to 256 (a few bytes a point) beside the summary
//!   of each block. A block that overlaps no other counts by its summary and is never unpacked; those that do overlap are
//!   unpacked, put in order together, and summarised anew. The bytes that pass from a worker to the leader are such a state.
//! - **Bound:** when the blocks of the points that one process took are more than 128 MiB (some 15 to 90 million points, as
//!   they pack), the older half is folded into one summary. Ordered input of any length therefore has one result and a
//!   bounded state. A point that falls into a folded stretch cannot be placed any more: the accessors then give
//!   [`Error::Overlap`], never a number that is not right.
//! - **A finished state**, which users store, is one summary (`finished`): under 200 bytes for a counter. Finished
//!   states are joined in any order while they do not overlap. Those of a few points still know them and may overlap with
//!   anything; touching states that agree on the common point count it once; other overlaps are [`Error::Overlap`].
//! - **A rolled-up state** (`rolled_up`) leaves the largest holes open: up to 7 that are at least as long as the shorter
//!   of the stretches beside them, so that the missing day can still be rolled in later.
//!
//! Of several values at one time the greatest counts (NaN is greater than any number, as in PostgreSQL), in any order, so
//! a row that is delivered twice counts once.

mod codec;
mod disentangle;
pub(crate) mod packed;
mod points;

use std::borrow::Cow;
use std::fmt::Debug;

use self::packed::{BLOCK, pack, unpack};
pub(crate) use self::points::Point;
use self::points::settle;
use crate::Error;
use crate::frame::{Reader, Writer};

/// Beyond this many bytes of blocks the older half is folded.
const MOST_BYTES: usize = 128 << 20;
/// So many blocks are short: where the points of many states come in turns, those of all states must share the processor's
/// cache with the rows that are read. One that has more points has its turn often enough for blocks of full length.
const SHORT_BLOCKS: usize = 512;
const SHORT_BLOCK: usize = 64;
/// A step so many times as long as the mean one ends a block.
const LARGE_HOLE: u64 = 16;
/// Stretches that a rolled-up state leaves apart.
const MOST_STRETCHES: usize = 8;

/// How points in time order are summarised, and how summaries of neighbouring stretches are joined.
pub(crate) trait Fold: Clone + Debug {
    /// What is known of a stretch of at least one point.
    type Summary: Clone + Debug + PartialEq;

    /// The aggregate as one writes it for sorted rows, for messages.
    const SORTED: &'static str;

    /// Summarises points in strict time order, as many times as values; `None` of none.
    fn summarise(&self, times: &[i64], values: &[f64]) -> Option<Self::Summary>;

    /// Appends a later stretch. Where its first time is the last of `left`, both have the same value there, and the point
    /// counts once.
    fn join(left: &mut Self::Summary, right: &Self::Summary);

    fn first(summary: &Self::Summary) -> Point;

    fn last(summary: &Self::Summary) -> Point;

    /// Appends all points of the stretch, if its summary still holds them all.
    fn points(summary: &Self::Summary, points: &mut Vec<Point>) -> bool;

    /// Which of two values at one time counts.
    fn is_greater(&self, value: f64, than: f64) -> bool {
        match (value.is_nan(), than.is_nan()) {
            (true, nan) => !nan,
            (false, true) => false,
            // The total order, since zeros of either sign must not depend on the order either.
            (false, false) => value.total_cmp(&than).is_gt(),
        }
    }

    /// Memory of a summary outside of itself.
    fn heap_bytes(_: &Self::Summary) -> usize {
        0
    }

    fn write(summary: &Self::Summary, writer: &mut Writer);

    fn read(&self, reader: &mut Reader) -> Result<Self::Summary, Error>;
}

/// Microseconds from one time to a later one: all of `timestamptz` is wider than an `i64`.
#[inline]
pub(crate) fn elapsed(from: i64, to: i64) -> u64 {
    to.wrapping_sub(from) as u64
}

/// The same as a double.
#[inline]
pub(crate) fn micros(from: i64, to: i64) -> f64 {
    let elapsed = to.wrapping_sub(from);
    // Processors convert signed integers quickly, and others are longer than history.
    if elapsed >= 0 {
        elapsed as f64
    } else {
        elapsed as u64 as f64
    }
}

/// The same as seconds.
pub(crate) fn seconds(from: i64, to: i64) -> f64 {
    micros(from, to) / 1e6
}

/// Refuses PostgreSQL's infinite timestamps.
#[inline]
pub(crate) fn check_time(time: i64) -> Result<(), Error> {
    match time {
        i64::MIN | i64::MAX => Err(Error::InfiniteTime { positive: time > 0 }),
        _ => Ok(()),
    }
}

/// Points without any gap in knowledge: packed as long as all are known, else only summarised.
#[derive(Debug, Clone, PartialEq)]
struct Stretch<S> {
    summary: S,
    packed: Option<Box<[u8]>>,
}

/// Points in the making of an aggregate, or the summaries that are left of them.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<F: Fold> {
    pub fold: F,
    /// The newest points as they came, at most a block. Time and value side by side: of many states at once, each has but one
    /// end of a list in the processor's cache.
    newest: Vec<Point>,
    /// How many of them make a block.
    block: usize,
    latest: i64,
    disordered: bool,
    stretches: Vec<Stretch<F::Summary>>,
    bytes: usize,
    /// How many bytes of blocks there may be before the older half is folded.
    most_bytes: usize,
    /// A time at which folded stretches were found to overlap: there is no result any more.
    conflict: Option<i64>,
}

impl<F: Fold + Default> Default for Ordered<F> {
    fn default() -> Self {
        Self::new(F::default())
    }
}

impl<F: Fold> Ordered<F> {
    pub fn new(fold: F) -> Self {
        Self {
            fold,
            newest: Vec::new(),
            block: SHORT_BLOCK,
            latest: i64::MIN,
            disordered: false,
            stretches: Vec::new(),
            bytes: 0,
            most_bytes: MOST_BYTES,
            conflict: None,
        }
    }

    /// Takes one point; `time` is finite.
    #[inline]
    pub fn add(&mut self, time: i64, value: f64) {
        if self.newest.len() >= self.block {
            self.seal();
            if self.bytes > self.most_bytes {
                self.fold_older_half();
            }
        }
        self.disordered |= time <= self.latest;
        self.latest = time;
        self.newest.push((time, value));
    }

    /// Takes all points and summaries of another one, whose values mean the same. Nothing is folded here: a leader holds what
    /// its workers held, since the stretches of one are likely to interleave with those of the next.
    pub fn merge(&mut self, other: &Self) {
        self.absorb(other.clone());
    }

    /// The same with one that is not needed any more, so that its blocks need not be copied.
    pub fn absorb(&mut self, other: Self) {
        self.seal();
        let newest = other.newest();
        self.stretches.reserve(other.stretches.len() + newest.len());
        for stretch in other.stretches.into_iter().chain(newest) {
            self.push(stretch);
        }
        self.conflict = self.conflict.into_iter().chain(other.conflict).min();
    }

    /// The same points with other values for the same things: `map` is one-to-one, and `renumber` does the same to a summary.
    pub fn renumbered(&self, fold: F, map: impl Fn(f64) -> f64, renumber: impl Fn(&mut F::Summary)) -> Self {
        let mut renumbered = Self::new(fold);
        renumbered.conflict = self.conflict;
        for stretch in self.stretches.iter().cloned().chain(self.newest()) {
            let mut summary = stretch.summary;
            renumber(&mut summary);
            let packed = stretch.packed.map(|packed| {
                let mut points = Vec::with_capacity(BLOCK);
                // What cannot be read stays as it is, and is an error when it is read for a result.
                let read = unpack(&packed, &mut points);
                let (times, values): (Vec<_>, Vec<_>) = points.iter().map(|(t, v)| (*t, map(*v))).unzip();
                read.map_or(packed, |()| pack(&times, &values))
            });
            renumbered.push(Stretch { summary, packed });
        }
        renumbered
    }

    /// The summary of all points; `None` without any.
    pub fn whole(&self) -> Result<Option<Cow<'_, F::Summary>>, Error> {
        match self.stretches.as_slice() {
            [stretch] if self.newest.is_empty() && self.conflict.is_none() => {
                Ok(Some(Cow::Borrowed(&stretch.summary)))
            }
            _ => {
                let mut joined = self.separate()?.into_iter();
                Ok(joined.next().map(|mut whole| {
                    joined.for_each(|next| F::join(&mut whole, &next));
                    Cow::Owned(whole)
                }))
            }
        }
    }

    /// Only the summary of all points: what is stored.
    pub fn finished(&self) -> Result<Self, Error> {
        let summary = self.whole()?.map(Cow::into_owned);
        Ok(Self::of(self.fold.clone(), summary))
    }

    /// Summaries with only the largest holes left open between them.
    pub fn rolled_up(&self) -> Result<Self, Error> {
        let stretches = self.separate()?;
        let span = |s: &F::Summary| elapsed(F::first(s).0, F::last(s).0);
        let hole = |a: &F::Summary, b: &F::Summary| elapsed(F::last(a).0, F::first(b).0);
        let mut holes: Vec<(u64, usize)> = stretches
            .array_windows()
            .enumerate()
            .filter(|(_, [a, b])| hole(a, b) >= span(a).min(span(b)))
            .map(|(index, [a, b])| (hole(a, b), index + 1))
            .collect();
        holes.sort_unstable_by(|a, b| b.cmp(a));
        holes.truncate(MOST_STRETCHES - 1);
        let mut joined: Vec<F::Summary> = Vec::with_capacity(MOST_STRETCHES);
        for (index, summary) in stretches.into_iter().enumerate() {
            match joined.last_mut() {
                Some(left) if !holes.iter().any(|(_, start)| *start == index) => F::join(left, &summary),
                _ => joined.push(summary),
            }
        }
        Ok(Self::of(self.fold.clone(), joined))
    }

    /// The summaries of all stretches, in no order.
    pub fn summaries(&self) -> impl Iterator<Item = &F::Summary> {
        self.stretches.iter().map(|stretch| &stretch.summary)
    }

    fn of(fold: F, summaries: impl IntoIterator<Item = F::Summary>) -> Self {
        let mut finished = Self::new(fold);
        for summary in summaries {
            finished.push(Stretch {
                summary,
                packed: None,
            });
        }
        finished
    }

    fn push(&mut self, stretch: Stretch<F::Summary>) {
        self.bytes += Self::size(&stretch);
        self.stretches.push(stretch);
    }

    fn size(stretch: &Stretch<F::Summary>) -> usize {
        let packed = stretch.packed.as_ref().map_or(0, |packed| packed.len());
        size_of::<Stretch<F::Summary>>() + F::heap_bytes(&stretch.summary) + packed
    }

    /// Packs the newest points.
    fn seal(&mut self) {
        for stretch in self.newest() {
            self.push(stretch);
        }
        self.newest.clear();
        self.latest = i64::MIN;
        self.disordered = false;
        if self.stretches.len() >= SHORT_BLOCKS {
            self.block = BLOCK;
        }
    }

    /// The newest points as stretches: one, if there are no large holes in it.
    ///
    /// A hole is likely to hold the rows of another worker. A block across it would overlap with all of those, and theirs
    /// with the next of ours, so that nearly all points had to be put in order again.
    fn newest(&self) -> Vec<Stretch<F::Summary>> {
        let mut points = Cow::Borrowed(self.newest.as_slice());
        if self.disordered {
            settle(&self.fold, points.to_mut());
        }
        if points.len() <= SHORT_BLOCK {
            self.in_columns::<SHORT_BLOCK>(&points)
        } else {
            self.in_columns::<BLOCK>(&points)
        }
    }

    /// The stretches of at most `N` points in strict time order.
    fn in_columns<const N: usize>(&self, points: &[Point]) -> Vec<Stretch<F::Summary>> {
        let (mut times, mut values) = ([0; N], [0.0; N]);
        for ((time, value), point) in times.iter_mut().zip(&mut values).zip(points) {
            (*time, *value) = *point;
        }
        match times.get(..points.len()).zip(values.get(..points.len())) {
            Some((times, values)) => self.split_at_holes(times, values),
            None => Vec::new(),
        }
    }

    fn split_at_holes(&self, mut times: &[i64], mut values: &[f64]) -> Vec<Stretch<F::Summary>> {
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Vec::new();
        };
        let mut stretches = Vec::with_capacity(1);
        let least = (elapsed(*first, *last) / times.len() as u64).saturating_mul(LARGE_HOLE);
        let is_hole = |[a, b]: &[i64; 2]| elapsed(*a, *b) > least;
        if times.array_windows().fold(false, |any, pair| any | is_hole(pair)) {
            while let Some(hole) = times.array_windows().position(is_hole) {
                let (before, after) = times.split_at(hole + 1);
                let (values_before, values_after) = values.split_at(hole + 1);
                stretches.extend(self.block(before, values_before));
                (times, values) = (after, values_after);
            }
        }
        stretches.extend(self.block(times, values));
        stretches
    }

    /// Points in strict time order, at most a block.
    fn block(&self, times: &[i64], values: &[f64]) -> Option<Stretch<F::Summary>> {
        Some(Stretch {
            summary: self.fold.summarise(times, values)?,
            packed: Some(pack(times, values)),
        })
    }

    /// Folds the older half of the stretches into one.
    #[cold]
    fn fold_older_half(&mut self) {
        // Once there is no result, nothing is worth keeping.
        let folded = self.disentangled().map(|stretches| {
            let total: usize = stretches.iter().map(Self::size).sum();
            let mut older = 0;
            let mut halved = Self::new(self.fold.clone());
            for stretch in stretches {
                let size = Self::size(&stretch);
                match halved.stretches.last_mut() {
                    Some(whole) if older + size <= total / 2 => F::join(&mut whole.summary, &stretch.summary),
                    None => halved.stretches.push(Stretch {
                        summary: stretch.summary,
                        packed: None,
                    }),
                    _ => halved.stretches.push(stretch),
                }
                older += size;
            }
            halved.stretches
        });
        match folded {
            Ok(stretches) => self.stretches = stretches,
            Err(Error::Overlap { at, .. }) => {
                self.conflict = Some(at);
                self.stretches.clear();
            }
            // Only bytes that were read from outside can be wrong, and they stay wrong until someone asks for a result.
            Err(_) => {}
        }
        self.bytes = self.stretches.iter().map(Self::size).sum();
        if self.bytes > self.most_bytes / 4 * 3 {
            // Summaries that are long themselves, as the timeline of a system that changes with each point, are what was
            // asked for: folding them ever again would not make them shorter.
            self.most_bytes = self.bytes * 2;
        }
    }
}

#[cfg(test)]
mod tests;
