//! `ewma`: the state of `ewma(ts, x, half_life)`.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::interval::micros_text;
use crate::moments::MAX_COUNT;
use crate::text::Scanner;
use crate::total::Total;
use crate::{Error, State};

/// A mean in which the weight of a value halves with every `half_life` of its age:
/// `Σ w·x / Σ w` with `w = 2^(-(T - t) / half_life)`, T being the latest time.
///
/// This is the exponentially weighted mean of irregularly spaced values that pandas computes with
/// `ewm(halflife = ..., times = ...)`, and the forward decay of Cormode, Shkapenyuk, Srivastava and Xu ("Forward Decay: A
/// Practical Time Decay Model for Streaming Systems", 2009). The weights depend on the times alone, so values may come in any
/// order and states that overlap in time merge: the result is that of the whole up to rounding. (The recursive form, in which
/// the first value counts as if it had gone on for ever, depends on what came before what, and cannot be merged so.)
///
/// Values of the same time count alike. NaN and infinities have the effect that they have on a weighted sum, at any age.
///
/// ```
/// use kpi_stats::Ewma;
/// let hour = 3_600_000_000;
/// let mut load = Ewma::new(hour).unwrap();
/// load.add(0, 8.0);
/// load.add(hour, 2.0);
/// // The first value has half of the weight of the second.
/// assert_eq!(load.average().unwrap(), Some((0.5 * 8.0 + 2.0) / 1.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    half_life: i64,
    n: u64,
    /// The latest time, in microseconds; zero without values.
    last: i64,
    /// The sums at that time.
    weights: Total,
    weighted: Total,
}

impl Ewma {
    /// An empty state whose weights halve in `half_life` microseconds.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the half-life is above zero.
    pub fn new(half_life: i64) -> Result<Self, Error> {
        if half_life > 0 {
            Ok(Self {
                half_life,
                n: 0,
                last: 0,
                weights: Total::default(),
                weighted: Total::default(),
            })
        } else {
            Err(Error::argument(
                "a half-life must be longer than no time",
                micros_text(half_life),
                "Give the time in which a value loses half of its weight, such as interval '1 hour'.",
            ))
        }
    }

    /// The half-life in microseconds.
    pub fn half_life(&self) -> i64 {
        self.half_life
    }

    /// Says whether both have the same half-life, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.half_life == other.half_life
    }

    /// Adds a value at a time in microseconds.
    #[inline]
    pub fn add(&mut self, time: i64, x: f64) {
        let weight = self.advance(time);
        self.n += 1;
        self.weights.add(weight);
        self.weighted.add(if x.is_finite() { x * weight } else { x });
    }

    /// Brings the sums to `time` if it is later than all before, and returns the weight of what is of that time.
    fn advance(&mut self, time: i64) -> f64 {
        if self.n == 0 {
            self.last = time;
        }
        let micros = match self.last.checked_sub(time) {
            Some(micros) => micros as f64,
            None => self.last as f64 - time as f64,
        };
        let age = micros / self.half_life as f64;
        if age >= 0.0 {
            return (-age).exp2();
        }
        let decay = age.exp2();
        self.weights.scale(decay);
        self.weighted.scale(decay);
        self.last = time;
        1.0
    }

    /// The weighted mean; `None` without values. It is the same at any later time, since all weights shrink alike.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double.
    pub fn average(&self) -> Result<Option<f64>, Error> {
        if self.n == 0 {
            return Ok(None);
        }
        let weighted = self.weighted.value("the weighted sum")?;
        Ok(Some(weighted / self.weights.value("the sum of the weights")?))
    }

    /// How many values of the latest time would weigh as much; zero without values.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn weight(&self) -> Result<f64, Error> {
        self.weights.value("the sum of the weights")
    }

    /// The number of values.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// The latest time, in microseconds; `None` without values.
    pub fn last_time(&self) -> Option<i64> {
        (self.n > 0).then_some(self.last)
    }
}

impl State for Ewma {
    const TYPE_NAME: &'static str = "kpi.ewma";

    /// Both have to [fit](Ewma::fits): the half-life of `self` is kept.
    fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let weight = self.advance(other.last);
        let mut theirs = *other;
        theirs.weights.scale(weight);
        theirs.weighted.scale(weight);
        self.weights.merge(&theirs.weights);
        self.weighted.merge(&theirs.weighted);
        self.n = self.n.saturating_add(other.n).min(MAX_COUNT);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "weighted means of different half-lives cannot be merged",
            [self.half_life, other.half_life],
            |half_life| format!("a half-life of {}", micros_text(half_life)),
            "Make all states with the same half-life, or group by it.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Ewma);
        writer.signed(self.half_life);
        writer.varint(self.n);
        writer.signed(self.last);
        self.weights.write(&mut writer);
        self.weighted.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Ewma, bytes)?;
        let half_life = reader.signed()?;
        let mut state =
            Self::new(half_life).map_err(|_| reader.corrupt(format!("Their half-life is {half_life}.")))?;
        state.n = reader.count()?;
        state.last = reader.signed()?;
        state.weights = Total::read(&mut reader)?;
        state.weighted = Total::read(&mut reader)?;
        reader.finish()?;
        Ok(state)
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "{{\"half_life\": {}, \"n\": {}, \"last\": {}, \"weights\": ",
            self.half_life, self.n, self.last
        );
        self.weights.push(&mut text);
        let _ = write!(text, ", \"weighted\": ");
        self.weighted.push(&mut text);
        text.push('}');
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        scanner.expect("{")?;
        scanner.key("half_life")?;
        let half_life = scanner.integer()?;
        let mut state =
            Self::new(half_life).map_err(|_| scanner.error("the half-life must be above zero"))?;
        scanner.expect(",")?;
        scanner.key("n")?;
        state.n = scanner.count()?;
        scanner.expect(",")?;
        scanner.key("last")?;
        state.last = scanner.integer()?;
        scanner.expect(",")?;
        scanner.key("weights")?;
        state.weights = Total::scan(&mut scanner)?;
        scanner.expect(",")?;
        scanner.key("weighted")?;
        state.weighted = Total::scan(&mut scanner)?;
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(state)
    }
}
