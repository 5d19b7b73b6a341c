//! `frequent`: the state of `freq_agg(min_freq, value)` and `mcv_agg(n, skew, value)`.

use std::collections::HashMap;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::{Error, State};

/// The longest value, in bytes.
const MAX_KEY_BYTES: usize = 2048;

/// Most counters that are kept when counters are dropped; twice as many are there at most.
const MAX_COUNTERS: usize = 65_536;

/// The values that are frequent among many, with bounds that are certain.
///
/// A summary of Misra and Gries ("Finding Repeated Elements", 1982) with m counters: where there are more than 2m values,
/// the (m + 1)-th largest counter is taken from all of them, and what falls to zero is dropped. What was taken is the most
/// by which a counter is too low, and at most `n / (m + 1)` of n values; that holds for merged summaries too (Agarwal,
/// Cormode, Huang, Phillips, Wei and Yi, "Mergeable Summaries", 2012). With at most 2m distinct values all counts
/// are exact, and a merge of parts is the very state of the whole; beyond that the bounds of parts, merged in any order, hold
/// for the whole.
///
/// Values are bytes: the caller turns its type into bytes that are equal where the values are.
///
/// ```
/// use kpi_stats::Frequent;
/// let mut pages = Frequent::most_common(2, 1.1).unwrap();
/// for page in ["/", "/", "/cart", "/", "/help", "/cart"] {
///     pages.add(page.as_bytes()).unwrap();
/// }
/// let top: Vec<_> = pages.values().iter().map(|item| (item.value, item.min_count)).collect();
/// assert_eq!(top, [(b"/".as_slice(), 3), (b"/cart".as_slice(), 2)]);
/// assert_eq!(pages.min_frequency(b"/"), Some(0.5));
/// assert_eq!(pages.max_frequency(b"/elsewhere"), Some(0.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frequent {
    wanted: Wanted,
    /// m above.
    capacity: usize,
    counters: HashMap<Box<[u8]>, u64>,
    /// By how much a counter may be too low.
    error: u64,
    n: u64,
}

/// Which values are asked for.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Wanted {
    /// Those with at least this share of all.
    Share(f64),
    /// So many of the most common ones, of a distribution with this skew.
    Most { n: u32, skew: f64 },
}

/// A value, and bounds of how often it occurred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrequentItem<'a> {
    /// The value's bytes.
    pub value: &'a [u8],
    /// It occurred at least so often.
    pub min_count: u64,
    /// It occurred at most so often.
    pub max_count: u64,
    /// `min_count` as a share of all values.
    pub min_frequency: f64,
    /// `max_count` as a share of all values.
    pub max_frequency: f64,
}

impl Wanted {
    fn describe(self) -> String {
        match self {
            Self::Share(share) => format!("values of a frequency of {share} or more"),
            Self::Most { n: 1, skew } => format!("the most common value of skew {skew}"),
            Self::Most { n, skew } => format!("the {n} most common values of skew {skew}"),
        }
    }

    fn check(self) -> Result<usize, Error> {
        let capacity = match self {
            // The error is then at most a quarter of the share.
            Self::Share(share) if share > 0.0 && share < 1.0 => (4.0 / share).ceil(),
            Self::Share(share) => {
                return Err(Error::argument(
                    "a minimal frequency must be above 0 and below 1",
                    share,
                    "Write 5 percent as 0.05.",
                ));
            }
            // The n-th of a zeta distribution has the share n^-s / ζ(s), where ζ(s) ≤ 1 + 1 / (s - 1): half of that as error.
            Self::Most { n: 1.., skew } if skew > 1.0 && skew.is_finite() => {
                let Self::Most { n, .. } = self else { return Ok(0) };
                2.0 * f64::from(n).powf(skew) * (1.0 + 1.0 / (skew - 1.0))
            }
            Self::Most { n: 0, .. } => {
                return Err(Error::argument(
                    "at least one most common value must be asked for",
                    0,
                    "Give their number first: mcv_agg(10, value).",
                ));
            }
            Self::Most { skew, .. } => {
                return Err(Error::argument(
                    "the skew of the distribution must be above 1",
                    skew,
                    "Leave it out for the default of 1.1, or give the exponent of the zeta distribution.",
                ));
            }
        };
        if capacity <= MAX_COUNTERS as f64 {
            Ok((capacity as usize).max(16))
        } else {
            Err(Error::argument(
                "so many frequent values need more than 65536 counters",
                capacity,
                "Ask for fewer values, for more frequent ones, or say that the data are more skewed.",
            ))
        }
    }
}

impl Frequent {
    /// An empty state for the values that make up at least the share `min_frequency` of all: with `4 / min_frequency` counters.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the share is above 0 and below 1, and not so small that more than 65536 counters are needed.
    pub fn at_least(min_frequency: f64) -> Result<Self, Error> {
        Self::of(Wanted::Share(min_frequency))
    }

    /// An empty state for the `n` most common values of data whose k-th value has a share of about `k^-skew` (a zeta
    /// distribution): with `2 · n^skew · (1 + 1 / (skew - 1))` counters, which separates the n-th value from noise. Data that
    /// are less skewed have wider bounds, and no wrong ones.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `n` is at least 1 and the skew above 1, and where more than 65536 counters are needed.
    pub fn most_common(n: i32, skew: f64) -> Result<Self, Error> {
        let n = u32::try_from(n).unwrap_or(0);
        Self::of(Wanted::Most { n, skew })
    }

    fn of(wanted: Wanted) -> Result<Self, Error> {
        Ok(Self {
            wanted,
            capacity: wanted.check()?,
            counters: HashMap::new(),
            error: 0,
            n: 0,
        })
    }

    /// Says whether both were made for the same values, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.wanted == other.wanted
    }

    /// Adds one value.
    ///
    /// # Errors
    /// [`Error::Argument`] for more than 2048 bytes, since the size of a state is bounded.
    pub fn add(&mut self, value: &[u8]) -> Result<(), Error> {
        if let Some(counter) = self.counters.get_mut(value) {
            *counter += 1;
        } else if value.len() > MAX_KEY_BYTES {
            return Err(Error::argument(
                "a value whose frequency is counted has at most 2048 bytes",
                format!("{} bytes long", value.len()),
                "Count a part of it or a digest: left(value, 500) or md5(value).",
            ));
        } else {
            self.counters.insert(value.into(), 1);
            self.settle();
        }
        self.n += 1;
        Ok(())
    }

    fn settle(&mut self) {
        if self.counters.len() <= 2 * self.capacity {
            return;
        }
        let mut counts: Vec<u64> = self.counters.values().copied().collect();
        let (_, taken, _) = counts.select_nth_unstable_by(self.capacity, |a, b| b.cmp(a));
        let taken = *taken;
        self.counters.retain(|_, counter| {
            *counter = counter.saturating_sub(taken);
            *counter > 0
        });
        self.error = self.error.saturating_add(taken).min(MAX_COUNT);
    }

    /// The number of values added.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// By how much a lower bound may be too low, as a share of all values: zero while all counts are exact.
    pub fn max_error(&self) -> Option<f64> {
        (self.n > 0).then(|| self.error as f64 / self.n as f64)
    }

    /// The share of all values that `value` has at least; `None` without values.
    pub fn min_frequency(&self, value: &[u8]) -> Option<f64> {
        let count = self.counters.get(value).copied().unwrap_or(0);
        (self.n > 0).then(|| count as f64 / self.n as f64)
    }

    /// The share of all values that `value` has at most; `None` without values.
    pub fn max_frequency(&self, value: &[u8]) -> Option<f64> {
        let count = self.counters.get(value).copied().unwrap_or(0);
        (self.n > 0).then(|| (count.saturating_add(self.error)).min(self.n) as f64 / self.n as f64)
    }

    /// What was asked for, the most frequent first: all values that may have the minimal share (none that has it is missing),
    /// or the n most common ones.
    pub fn values(&self) -> Vec<FrequentItem<'_>> {
        let mut items = self.items();
        match self.wanted {
            Wanted::Share(share) => items.retain(|item| item.max_frequency >= share),
            Wanted::Most { n, .. } => items.truncate(n as usize),
        }
        items
    }

    /// The `n` most frequent of all values that are counted, of equally frequent ones those with the smaller bytes.
    pub fn top(&self, n: usize) -> Vec<FrequentItem<'_>> {
        let mut items = self.items();
        items.truncate(n);
        items
    }

    fn items(&self) -> Vec<FrequentItem<'_>> {
        let all = self.n as f64;
        let mut items: Vec<_> = self
            .counters
            .iter()
            .map(|(value, &min_count)| {
                let max_count = min_count.saturating_add(self.error).min(self.n);
                FrequentItem {
                    value,
                    min_count,
                    max_count,
                    min_frequency: min_count as f64 / all,
                    max_frequency: max_count as f64 / all,
                }
            })
            .collect();
        items.sort_unstable_by(|a, b| b.min_count.cmp(&a.min_count).then(a.value.cmp(b.value)));
        items
    }
}

const SHARE: u8 = 0;
const MOST: u8 = 1;

impl State for Frequent {
    const TYPE_NAME: &'static str = "kpi.frequent";

    /// Both have to [fit](Frequent::fits): what is asked for is kept as it is in `self`.
    fn merge(&mut self, other: &Self) {
        for (value, count) in &other.counters {
            match self.counters.get_mut(value) {
                Some(counter) => *counter = counter.saturating_add(*count).min(MAX_COUNT),
                None => {
                    self.counters.insert(value.clone(), *count);
                }
            }
        }
        self.error = self.error.saturating_add(other.error).min(MAX_COUNT);
        self.n = self.n.saturating_add(other.n).min(MAX_COUNT);
        self.settle();
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "states made for different frequent values cannot be merged",
            [self.wanted, other.wanted],
            Wanted::describe,
            "Make all states with the same arguments, or group by them.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Frequent);
        match self.wanted {
            Wanted::Share(share) => {
                writer.u8(SHARE);
                writer.f64(share);
            }
            Wanted::Most { n, skew } => {
                writer.u8(MOST);
                writer.varint(n.into());
                writer.f64(skew);
            }
        }
        writer.varint(self.n);
        writer.varint(self.error);
        writer.varint(self.counters.len() as u64);
        // In order, so that equal states have equal bytes.
        let mut counters: Vec<_> = self.counters.iter().collect();
        counters.sort_unstable();
        for (value, count) in counters {
            writer.bytes(value);
            writer.varint(*count);
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Frequent, bytes)?;
        let wanted = match reader.u8()? {
            SHARE => Wanted::Share(reader.f64()?),
            MOST => Wanted::Most {
                n: reader.varint()?.min(u32::MAX.into()) as u32,
                skew: reader.f64()?,
            },
            form => return Err(reader.corrupt(format!("They have the unknown form {form}."))),
        };
        let mut state = Self::of(wanted).map_err(|error| reader.corrupt(format!("In them, {error}.")))?;
        state.n = reader.count()?;
        state.error = reader.count()?;
        let items = reader.items(2, 2 * state.capacity)?;
        state.counters.reserve(items);
        let (mut previous, mut counted) = (None, 0u64);
        for _ in 0..items {
            let value = reader.bytes(MAX_KEY_BYTES)?;
            if previous.is_some_and(|previous| previous >= value) {
                return Err(reader.corrupt("Their values are not in order.".into()));
            }
            previous = Some(value);
            let count = reader.count()?;
            counted = counted.saturating_add(count);
            if count == 0 || counted > state.n {
                return Err(reader.corrupt("Their counts do not add up.".into()));
            }
            state.counters.insert(value.into(), count);
        }
        reader.finish()?;
        Ok(state)
    }
}
