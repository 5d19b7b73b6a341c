//! `apdex`: the state of `apdex_agg(duration, t)`.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::text::{Scanner, push_number};
use crate::{Error, State};

/// How many requests were fast enough, tolerable and too slow: the Apdex of the Apdex Alliance ("Application Performance
/// Index, Technical Specification", version 1.1, 2007).
///
/// A duration of at most `t` satisfies, one of at most `4t` is tolerated, any other frustrates: an infinite one (a request
/// that never ended) too, and NaN, which PostgreSQL holds to be larger than all numbers.
///
/// ```
/// use kpi_stats::Apdex;
/// let mut apdex = Apdex::new(0.5).unwrap();
/// for seconds in [0.1, 0.3, 0.5, 0.6, 2.0, 2.1] {
///     apdex.add(seconds);
/// }
/// assert_eq!((apdex.satisfied(), apdex.tolerating(), apdex.frustrated()), (3, 2, 1));
/// assert_eq!(apdex.score(), Some(4.0 / 6.0));
/// assert_eq!(apdex.rating(), Some("poor"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apdex {
    t: f64,
    satisfied: u64,
    tolerating: u64,
    frustrated: u64,
}

impl Apdex {
    /// An empty state for the threshold `t`, in the unit of the durations.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `t` is above zero and finite.
    pub fn new(t: f64) -> Result<Self, Error> {
        if t > 0.0 && t.is_finite() {
            Ok(Self {
                t,
                satisfied: 0,
                tolerating: 0,
                frustrated: 0,
            })
        } else {
            Err(Error::argument(
                "the threshold of an Apdex must be above zero",
                t,
                "Give the duration up to which users are satisfied, in the unit of the durations: 0.5 for half a second.",
            ))
        }
    }

    /// The threshold.
    pub fn threshold(&self) -> f64 {
        self.t
    }

    /// Says whether both have the same threshold, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.t == other.t
    }

    /// Adds the duration of one request.
    #[inline]
    pub fn add(&mut self, duration: f64) {
        *self.class(duration) += 1;
    }

    /// Takes back what [`Apdex::add`] added, as a moving window does.
    ///
    /// ```
    /// use kpi_stats::Apdex;
    /// let mut apdex = Apdex::new(0.5).unwrap();
    /// apdex.add(9.0);
    /// apdex.add(0.1);
    /// apdex.remove(9.0);
    /// assert_eq!(apdex.score(), Some(1.0));
    /// ```
    #[inline]
    pub fn remove(&mut self, duration: f64) {
        let class = self.class(duration);
        *class = class.saturating_sub(1);
    }

    fn class(&mut self, duration: f64) -> &mut u64 {
        if duration <= self.t {
            &mut self.satisfied
        } else if duration <= 4.0 * self.t && duration.is_finite() {
            &mut self.tolerating
        } else {
            &mut self.frustrated
        }
    }

    /// Requests that took at most `t`.
    pub fn satisfied(&self) -> u64 {
        self.satisfied
    }

    /// Requests that took longer than `t`, and at most `4t`.
    pub fn tolerating(&self) -> u64 {
        self.tolerating
    }

    /// Requests that took longer than `4t`.
    pub fn frustrated(&self) -> u64 {
        self.frustrated
    }

    /// The number of requests.
    pub fn num_vals(&self) -> u64 {
        [self.satisfied, self.tolerating, self.frustrated]
            .iter()
            .fold(0, |sum: u64, count| sum.saturating_add(*count))
            .min(MAX_COUNT)
    }

    /// `(satisfied + tolerating / 2) / all`, from 0 to 1; `None` without requests. Samples of fewer than 100 requests are
    /// small ones for the specification, which then asks for an asterisk.
    pub fn score(&self) -> Option<f64> {
        let all = self.satisfied as f64 + self.tolerating as f64 + self.frustrated as f64;
        (all > 0.0).then(|| (self.satisfied as f64 + self.tolerating as f64 / 2.0) / all)
    }

    /// The specification's word for the score, rounded to two digits: `excellent` from 0.94, `good` from 0.85, `fair` from
    /// 0.70, `poor` from 0.50, else `unacceptable`.
    pub fn rating(&self) -> Option<&'static str> {
        self.score().map(|score| match (score * 100.0).round() as u8 {
            94.. => "excellent",
            85.. => "good",
            70.. => "fair",
            50.. => "poor",
            _ => "unacceptable",
        })
    }
}

impl State for Apdex {
    const TYPE_NAME: &'static str = "kpi.apdex";

    /// Both have to [fit](Apdex::fits): the requests of `other` stay in the class that they were counted in.
    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.satisfied, other.satisfied),
            (&mut self.tolerating, other.tolerating),
            (&mut self.frustrated, other.frustrated),
        ] {
            *ours = ours.saturating_add(theirs).min(MAX_COUNT);
        }
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "Apdex states of different thresholds cannot be merged",
            [self.t, other.t],
            |t| format!("a threshold of {t}"),
            "Make all states with the same threshold, or group by it.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Apdex);
        writer.f64(self.t);
        [self.satisfied, self.tolerating, self.frustrated]
            .iter()
            .for_each(|&count| writer.varint(count));
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Apdex, bytes)?;
        let t = reader.f64()?;
        let mut state = Self::new(t).map_err(|_| reader.corrupt(format!("Their threshold is {t}.")))?;
        state.satisfied = reader.count()?;
        state.tolerating = reader.count()?;
        state.frustrated = reader.count()?;
        reader.finish()?;
        Ok(state)
    }

    fn to_text(&self) -> String {
        let mut text = String::from("{\"t\": ");
        push_number(&mut text, self.t);
        let _ = write!(
            text,
            ", \"satisfied\": {}, \"tolerating\": {}, \"frustrated\": {}}}",
            self.satisfied, self.tolerating, self.frustrated
        );
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        scanner.expect("{")?;
        scanner.key("t")?;
        let t = scanner.number()?;
        let mut state = Self::new(t).map_err(|_| scanner.error("the threshold must be above zero"))?;
        for (name, count) in [
            ("satisfied", &mut state.satisfied),
            ("tolerating", &mut state.tolerating),
            ("frustrated", &mut state.frustrated),
        ] {
            scanner.expect(",")?;
            scanner.key(name)?;
            *count = scanner.count()?;
        }
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(state)
    }
}
