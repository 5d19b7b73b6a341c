//! `retentionagg`: the state of `retention_agg(ts, actor, period)`.

use std::collections::BTreeMap;

use crate::actors::{Actors, Record};
use crate::frame::{Kind, Reader, Writer};
use crate::interval::{interval_text, micros_text};
use crate::{Error, State};

/// How many periods from its first one on are remembered of an actor.
const MAX_PERIODS: u64 = 128;

/// How many actors are kept: at most about a megabyte.
const MAX_ACTORS: usize = 32_768;

const DAY: i64 = 86_400_000_000;

/// The unit of retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// So many microseconds, counted from Monday 2000-01-03: seven days are a week from Monday.
    Micros(i64),
    /// So many calendar months, counted from January 2000.
    Months(i32),
}

impl Period {
    fn check(self) -> Result<Self, Error> {
        match self {
            Self::Micros(1..) | Self::Months(1..) => Ok(self),
            _ => Err(Error::argument(
                "the period of a retention must be longer than no time",
                self.describe(),
                "Give '1 day', '1 week' or '1 month'.",
            )),
        }
    }

    /// The period as an interval.
    ///
    /// ```
    /// assert_eq!(kpi_stats::Period::Months(1).describe(), "1 month");
    /// ```
    pub fn describe(self) -> String {
        match self {
            Self::Micros(micros) => micros_text(micros),
            Self::Months(months) => interval_text(months, 0, 0),
        }
    }

    /// The number of the period that a time is in.
    fn number(self, time: i64) -> i64 {
        match self {
            Self::Micros(micros) => {
                let since = i128::from(time) - i128::from(2 * DAY);
                // A quotient is never further from zero than the time, give or take two days.
                i64::try_from(since.div_euclid(micros.into())).unwrap_or(i64::MIN)
            }
            Self::Months(months) => {
                let (year, month) = year_and_month(time.div_euclid(DAY));
                ((year - 2000) * 12 + month - 1).div_euclid(months.into())
            }
        }
    }

    /// Where a period starts; at an end of time, for one that reaches beyond it.
    fn start(self, number: i64) -> i64 {
        let start = match self {
            Self::Micros(micros) => i128::from(number) * i128::from(micros) + i128::from(2 * DAY),
            Self::Months(months) => {
                first_of_month(i128::from(number) * i128::from(months)).saturating_mul(DAY.into())
            }
        };
        start.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// Year and month of a day counted from 2000-01-01, in the proleptic Gregorian calendar (the method of H. Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", 2013: years are taken to start in March, eras have 400 years).
fn year_and_month(day: i64) -> (i64, i64) {
    // Days since 1 March of the year 2000 - 400, where an era starts.
    let day = day + 146_097 - 60;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_based = (5 * of_year + 2) / 153;
    let month = if march_based < 10 {
        march_based + 3
    } else {
        march_based - 9
    };
    (1600 + era * 400 + year + i64::from(month <= 2), month)
}

/// The day, counted from 2000-01-01, on which the month starts that is so many after January 2000.
fn first_of_month(months: i128) -> i128 {
    // Months since March 1600.
    let since = months + 400 * 12 - 2;
    let (years, month) = (since.div_euclid(12), since.rem_euclid(12));
    let (era, year) = (years.div_euclid(400), years.rem_euclid(400));
    era * 146_097 + 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5 - (146_097 - 60)
}

/// Which actors came back how many periods after their first one.
///
/// An actor belongs to the cohort of the period in which it was first seen, and is retained in the k-th period after that if
/// it was seen in it (classic, or n-th period, retention). 128 periods are remembered from an actor's first one on. Of at most
/// 32768 actors all are kept; where there are more, the state goes over to a random half of them, then a quarter and so
/// on, each with its whole history, and the counts are multiplied by what that leaves out: the standard error of a rate is at
/// most `0.5 / √n` with n actors in its cohorts' sample. Order and split of the events do not matter: a merge of parts is
/// the very state of the whole.
///
/// Times are microseconds since 2000-01-01 on the clock by which periods start; actors come as hashes, as in
/// [`Funnel`](crate::Funnel).
///
/// ```
/// use kpi_stats::{HyperLogLog, Period, Retention};
/// let day = 86_400_000_000;
/// let mut visits = Retention::new(Period::Micros(7 * day)).unwrap();
/// let (ann, bob) = (HyperLogLog::mix(1), HyperLogLog::mix(2));
/// for (week, actor) in [(0, ann), (1, ann), (2, ann), (0, bob), (2, bob)] {
///     visits.add((2 + 7 * week) * day, actor);
/// }
/// let cohorts = visits.cohorts();
/// assert_eq!((cohorts[0].start, cohorts[0].size), (2 * day, 2));
/// assert_eq!(cohorts[0].retained, [2, 1, 2]);
/// assert_eq!(visits.rate(1), Some(0.5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    period: Period,
    /// The number of the last period in which any actor was seen.
    last: Option<i64>,
    actors: Actors<Visits>,
}

/// The actors first seen in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The start of the period, in microseconds.
    pub start: i64,
    /// How many actors were first seen in it.
    pub size: u64,
    /// How many of them were seen in it (all), in the next period, and so on up to the last period with any actor.
    pub retained: Vec<u64>,
}

impl Retention {
    /// An empty state.
    ///
    /// # Errors
    /// [`Error::Argument`] for a period that is not longer than no time.
    pub fn new(period: Period) -> Result<Self, Error> {
        Ok(Self {
            period: period.check()?,
            last: None,
            actors: Actors::new(MAX_ACTORS),
        })
    }

    /// The unit of retention.
    pub fn period(&self) -> Period {
        self.period
    }

    /// Says whether both have the same period, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.period == other.period
    }

    /// Adds that an actor was seen at a time in microseconds.
    pub fn add(&mut self, time: i64, actor: u64) {
        let seen = Visits {
            first: self.period.number(time),
            later: 1,
        };
        self.last = self.last.max(Some(seen.first));
        self.actors.update(actor, || seen, |visits| visits.merge(&seen));
    }

    /// The number of actors; exact while [`Retention::sampled`] is 1.
    pub fn num_actors(&self) -> u64 {
        self.actors.estimate(self.actors.records().count() as u64)
    }

    /// The cohorts in order of time; exact while [`Retention::sampled`] is 1.
    pub fn cohorts(&self) -> Vec<Cohort> {
        let mut cohorts: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        for visits in self.actors.records() {
            let retained = cohorts
                .entry(visits.first)
                .or_insert_with(|| vec![0; self.periods_since(visits.first)]);
            for (after, count) in retained.iter_mut().enumerate() {
                *count += u64::from(visits.seen(after as u32));
            }
        }
        let estimate = |count: u64| self.actors.estimate(count);
        cohorts
            .into_iter()
            .map(|(first, retained)| Cohort {
                start: self.period.start(first),
                size: estimate(retained.first().copied().unwrap_or(0)),
                retained: retained.into_iter().map(estimate).collect(),
            })
            .collect()
    }

    /// The share of the actors that were seen again in the k-th period after their first one, of all cohorts for which that
    /// period has come: `None` where there are none, and beyond the 127th.
    pub fn rate(&self, after: u32) -> Option<f64> {
        let old_enough = |visits: &&Visits| (after as usize) < self.periods_since(visits.first);
        let (mut all, mut retained) = (0u64, 0u64);
        for visits in self.actors.records().filter(old_enough) {
            all += 1;
            retained += u64::from(visits.seen(after));
        }
        (all > 0).then(|| retained as f64 / all as f64)
    }

    /// The share of the actors that is kept: 1 while all are.
    pub fn sampled(&self) -> f64 {
        1.0 / self.actors.factor() as f64
    }

    /// How many periods there are from one to the last, both included, as far as they are remembered.
    fn periods_since(&self, first: i64) -> usize {
        let later = self.last.unwrap_or(first).abs_diff(first);
        later.saturating_add(1).min(MAX_PERIODS) as usize
    }
}

/// When an actor was first seen, and a bit for each period from there in which it was seen: bit 0 for the first.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Visits {
    first: i64,
    later: u128,
}

impl Visits {
    fn seen(&self, after: u32) -> bool {
        self.later.checked_shr(after).unwrap_or(0) & 1 == 1
    }
}

impl Record for Visits {
    const LEAST_BYTES: usize = 3;

    fn weight(&self) -> usize {
        1
    }

    /// A period too long after the first one is dropped: it is too long after any earlier one too.
    fn merge(&mut self, other: &Self) {
        let (mut earlier, later) = if self.first <= other.first {
            (*self, *other)
        } else {
            (*other, *self)
        };
        let distance = u32::try_from(later.first.abs_diff(earlier.first)).unwrap_or(u32::MAX);
        earlier.later |= later.later.checked_shl(distance).unwrap_or(0);
        *self = earlier;
    }

    fn write(&self, writer: &mut Writer) {
        writer.signed(self.first);
        writer.varint(self.later as u64);
        writer.varint((self.later >> 64) as u64);
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        let first = reader.signed()?;
        let (low, high) = (reader.varint()?, reader.varint()?);
        if low & 1 == 0 {
            return Err(reader.corrupt("An actor was not seen in its first period.".into()));
        }
        Ok(Self {
            first,
            later: u128::from(low) | u128::from(high) << 64,
        })
    }
}

const MICROS: u8 = 0;
const MONTHS: u8 = 1;

impl State for Retention {
    const TYPE_NAME: &'static str = "kpi.retentionagg";

    /// Both have to [fit](Retention::fits): the period of `self` is kept.
    fn merge(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
        self.actors.merge(&other.actors);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "retentions of different periods cannot be merged",
            [self.period, other.period],
            |period| format!("a period of {}", period.describe()),
            "Make all states with the same period, or group by it.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Retention);
        match self.period {
            Period::Micros(micros) => {
                writer.u8(MICROS);
                writer.signed(micros);
            }
            Period::Months(months) => {
                writer.u8(MONTHS);
                writer.signed(months.into());
            }
        }
        writer.u8(self.last.is_some().into());
        writer.signed(self.last.unwrap_or(0));
        self.actors.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Retention, bytes)?;
        let period = match (reader.u8()?, reader.signed()?) {
            (MICROS, micros) => Some(Period::Micros(micros)),
            (MONTHS, months) => i32::try_from(months).ok().map(Period::Months),
            _ => None,
        };
        let mut state = period
            .and_then(|period| Self::new(period).ok())
            .ok_or_else(|| reader.corrupt("Their period is none that is known.".into()))?;
        let (seen, last) = (reader.u8()?, reader.signed()?);
        state.last = (seen == 1).then_some(last);
        state.actors = Actors::read(MAX_ACTORS, &mut reader)?;
        let first = state.actors.records().map(|visits| visits.first).max();
        if seen > 1 || first > state.last {
            return Err(reader.corrupt("An actor was seen after the last period.".into()));
        }
        reader.finish()?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days counted by hand from 2000-01-01: 366 to 2001, leap days in 2000 and 2004, none in 1900.
    #[test]
    fn months_of_the_calendar() {
        for (day, expected) in [
            (0, (2000, 1)),
            (30, (2000, 1)),
            (31, (2000, 2)),
            (59, (2000, 2)),
            (60, (2000, 3)),
            (365, (2000, 12)),
            (366, (2001, 1)),
            (-1, (1999, 12)),
            (-36_524, (1900, 1)),
            (-36_524 + 58, (1900, 2)),
            (-36_524 + 59, (1900, 3)),
            (9_496, (2025, 12)),
            (9_497, (2026, 1)),
        ] {
            assert_eq!(year_and_month(day), expected, "{day}");
        }
    }

    #[test]
    fn months_start_where_they_say() {
        for months in (-5000..5000).chain([-3_500_000, 3_500_000]) {
            let first = first_of_month(months.into()) as i64;
            let number = |day| Period::Months(1).number(day * DAY);
            assert_eq!((number(first), number(first - 1)), (months, months - 1));
            assert_eq!(Period::Months(1).start(months), first * DAY);
        }
        assert_eq!(Period::Months(i32::MAX).start(i64::MAX), i64::MAX);
        assert_eq!(Period::Micros(i64::MAX).start(i64::MIN), i64::MIN);
        let quarter = Period::Months(3);
        assert_eq!(quarter.start(quarter.number(100 * DAY)), 91 * DAY);
    }
}
