//! `min_n`, `max_n`, `min_n_by`, `max_n_by`: the n smallest or largest of many values.

mod element;

pub use self::element::{By, Element, Float};

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::frame::{Reader, Writer};
use crate::{Error, State};

/// What a state of so many values of an end keeps.
fn describe(n: u32, end: End) -> String {
    let which = match end {
        End::Smallest => "smallest",
        End::Largest => "largest",
    };
    match n {
        1 => format!("the {which} value"),
        n => format!("the {n} {which} values"),
    }
}

/// The largest n.
const MAX_VALUES: u32 = 65_536;

/// Which end is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The smallest values.
    Smallest,
    /// The largest values.
    Largest,
}

/// The n smallest or n largest of the values, with duplicates.
///
/// A heap with the worst of them on top: most values cost one comparison. What is kept is the same for any order and split.
/// The state holds n values at most; how long bytes and data may be is for the caller to say.
/// With [`By`] each value brings data along (`min_n_by`, `max_n_by`): of equal values those with the smaller data
/// are kept by [`End::Smallest`], those with the larger by [`End::Largest`], so that even then the order does not matter.
///
/// ```
/// use kpi_stats::{End, Extremes, State};
/// let mut fastest: Extremes<i64> = Extremes::new(End::Smallest, 2).unwrap();
/// [40, 10, 30, 20].iter().for_each(|&x| fastest.add(x));
/// let mut more = Extremes::new(End::Smallest, 2).unwrap();
/// more.add(15);
/// fastest.merge(&more);
/// assert_eq!(fastest.values(), [10, 15]);
/// ```
#[derive(Debug, Clone)]
pub struct Extremes<E: Element> {
    n: u32,
    heap: Heap<E>,
}

#[derive(Debug, Clone)]
enum Heap<E: Element> {
    Smallest(BinaryHeap<E>),
    Largest(BinaryHeap<Reverse<E>>),
}

impl<E: Element> Extremes<E> {
    /// An empty state for the `n` values at one end.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `n` is between 1 and 65536.
    pub fn new(end: End, n: i64) -> Result<Self, Error> {
        match u32::try_from(n) {
            Ok(n @ 1..=MAX_VALUES) => Ok(Self {
                n,
                heap: match end {
                    End::Smallest => Heap::Smallest(BinaryHeap::new()),
                    End::Largest => Heap::Largest(BinaryHeap::new()),
                },
            }),
            _ => Err(Error::argument(
                "the number of extreme values must be between 1 and 65536",
                n,
                "Give a small number, such as max_n(value, 10).",
            )),
        }
    }

    /// Which end is kept.
    pub fn end(&self) -> End {
        match self.heap {
            Heap::Smallest(_) => End::Smallest,
            Heap::Largest(_) => End::Largest,
        }
    }

    /// How many values are kept at most.
    pub fn capacity(&self) -> u32 {
        self.n
    }

    /// Says whether both keep as many values of the same end, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.n == other.n && self.end() == other.end()
    }

    /// Adds one value.
    #[inline]
    pub fn add(&mut self, value: E) {
        match &mut self.heap {
            Heap::Smallest(heap) => offer(heap, self.n, value),
            Heap::Largest(heap) => offer(heap, self.n, Reverse(value)),
        }
    }

    /// Says whether [`Extremes::add`] would keep a value: saves making those that it would not.
    #[inline]
    pub fn keeps(&self, value: &E) -> bool {
        match &self.heap {
            Heap::Smallest(heap) => {
                heap.len() < self.n as usize || heap.peek().is_some_and(|worst| value < worst)
            }
            Heap::Largest(heap) => {
                heap.len() < self.n as usize || heap.peek().is_some_and(|Reverse(worst)| value > worst)
            }
        }
    }

    /// The values kept, the most extreme first: ascending for the smallest, descending for the largest.
    pub fn values(&self) -> Vec<E> {
        match self.heap.clone() {
            Heap::Smallest(heap) => heap.into_sorted_vec(),
            Heap::Largest(heap) => heap.into_sorted_vec().into_iter().map(|Reverse(v)| v).collect(),
        }
    }

    /// How many values are kept.
    pub fn len(&self) -> usize {
        match &self.heap {
            Heap::Smallest(heap) => heap.len(),
            Heap::Largest(heap) => heap.len(),
        }
    }

    /// Says whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline]
fn offer<T: Ord>(heap: &mut BinaryHeap<T>, n: u32, value: T) {
    if heap.len() < n as usize {
        heap.push(value);
    } else if let Some(mut worst) = heap.peek_mut()
        && value < *worst
    {
        *worst = value;
    }
}

impl<E: Element> PartialEq for Extremes<E> {
    fn eq(&self, other: &Self) -> bool {
        self.fits(other) && self.len() == other.len() && self.values() == other.values()
    }
}

const SMALLEST: u8 = 0;
const LARGEST: u8 = 1;

impl<E: Element> State for Extremes<E> {
    const TYPE_NAME: &'static str = E::TYPE_NAME;

    /// Both have to [fit](Extremes::fits): number and end are kept as they are in `self`.
    fn merge(&mut self, other: &Self) {
        let mut take = |value: &E| {
            if self.keeps(value) {
                self.add(value.clone());
            }
        };
        match &other.heap {
            Heap::Smallest(heap) => heap.iter().for_each(&mut take),
            Heap::Largest(heap) => heap.iter().for_each(|Reverse(value)| take(value)),
        }
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "states of different extreme values cannot be merged",
            [self, other].map(|state| (state.n, state.end())),
            |(n, end)| describe(n, end),
            "Make all states with the same function and number of values, or group by them.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(E::KIND);
        writer.u8(match self.end() {
            End::Smallest => SMALLEST,
            End::Largest => LARGEST,
        });
        writer.varint(self.n.into());
        let values = self.values();
        writer.varint(values.len() as u64);
        values.iter().for_each(|value| value.write(&mut writer));
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, E::KIND, bytes)?;
        let end = match reader.u8()? {
            SMALLEST => End::Smallest,
            LARGEST => End::Largest,
            end => return Err(reader.corrupt(format!("They keep values of the unknown end {end}."))),
        };
        let n = reader.count()? as i64;
        let mut state = Self::new(end, n).map_err(|_| reader.corrupt(format!("They keep {n} values.")))?;
        for _ in 0..reader.items(1, state.n as usize)? {
            state.add(E::read(&mut reader)?);
        }
        reader.finish()?;
        Ok(state)
    }
}
