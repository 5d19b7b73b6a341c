//! `nps`: the state of `nps_agg(score)`.

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::normal::z_of_level;
use crate::text::Scanner;
use crate::{Error, State};

/// Answers to "how likely are you to recommend us", from 0 to 10: the Net Promoter Score (F. Reichheld, "The One Number You
/// Need to Grow", Harvard Business Review, 2003) is the percentage of promoters (9 and 10) minus that of detractors (0 to 6).
///
/// ```
/// use kpi_stats::Nps;
/// let mut nps = Nps::default();
/// for score in [10, 9, 9, 8, 7, 6, 10, 3] {
///     nps.add(score).unwrap();
/// }
/// assert_eq!((nps.promoters(), nps.passives(), nps.detractors()), (4, 2, 2));
/// assert_eq!(nps.score(), Some(25.0));
/// assert!(nps.add(11).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nps {
    promoters: u64,
    passives: u64,
    detractors: u64,
}

impl Nps {
    /// Adds one answer.
    ///
    /// # Errors
    /// [`Error::Argument`] for an answer outside 0 to 10.
    #[inline]
    pub fn add(&mut self, score: i64) -> Result<(), Error> {
        *self.class(score)? += 1;
        Ok(())
    }

    /// Takes back what [`Nps::add`] added, as a moving window does.
    ///
    /// # Errors
    /// As [`Nps::add`].
    ///
    /// ```
    /// use kpi_stats::Nps;
    /// let mut nps = Nps::default();
    /// nps.add(0).unwrap();
    /// nps.add(10).unwrap();
    /// nps.remove(0).unwrap();
    /// assert_eq!(nps.score(), Some(100.0));
    /// ```
    #[inline]
    pub fn remove(&mut self, score: i64) -> Result<(), Error> {
        let class = self.class(score)?;
        *class = class.saturating_sub(1);
        Ok(())
    }

    fn class(&mut self, score: i64) -> Result<&mut u64, Error> {
        match score {
            0..=6 => Ok(&mut self.detractors),
            7..=8 => Ok(&mut self.passives),
            9..=10 => Ok(&mut self.promoters),
            _ => Err(Error::argument(
                "a score for the net promoter score must be between 0 and 10",
                score,
                "Bring answers of another scale to 0 to 10, or leave such rows out: nps_agg(score) FILTER (WHERE score BETWEEN 0 AND 10).",
            )),
        }
    }

    /// Answers of 9 and 10.
    pub fn promoters(&self) -> u64 {
        self.promoters
    }

    /// Answers of 7 and 8.
    pub fn passives(&self) -> u64 {
        self.passives
    }

    /// Answers of 0 to 6.
    pub fn detractors(&self) -> u64 {
        self.detractors
    }

    /// The number of answers.
    pub fn num_vals(&self) -> u64 {
        [self.promoters, self.passives, self.detractors]
            .iter()
            .fold(0, |sum: u64, count| sum.saturating_add(*count))
            .min(MAX_COUNT)
    }

    /// The score, from -100 to 100; `None` without answers.
    pub fn score(&self) -> Option<f64> {
        let all = self.all();
        (all > 0.0).then(|| 100.0 * (self.promoters as f64 - self.detractors as f64) / all)
    }

    /// By how much the score of all customers may differ from that of these answers, at a level of confidence: z times the
    /// standard error of a mean of +1, 0 and -1, `100·z·√((p + d - (p - d)²) / n)` with the shares p and d of promoters and
    /// detractors; `None` without answers. It is a large-sample formula, and zero where all answers are of one class.
    ///
    /// # Errors
    /// [`Error::Argument`] for a level that is not between 0 and 1.
    ///
    /// ```
    /// use kpi_stats::Nps;
    /// let mut nps = Nps::default();
    /// for (score, times) in [(10, 500), (8, 300), (2, 200)] {
    ///     (0..times).for_each(|_| nps.add(score).unwrap());
    /// }
    /// assert_eq!(nps.score(), Some(30.0));
    /// assert!((nps.margin(0.95).unwrap().unwrap() - 4.840_754).abs() < 1e-6);
    /// ```
    pub fn margin(&self, level: f64) -> Result<Option<f64>, Error> {
        let z = z_of_level(level)?;
        let all = self.all();
        if all == 0.0 {
            return Ok(None);
        }
        let (promoters, detractors) = (self.promoters as f64 / all, self.detractors as f64 / all);
        let variance = promoters + detractors - (promoters - detractors).powi(2);
        Ok(Some(100.0 * z * (variance.max(0.0) / all).sqrt()))
    }

    fn all(&self) -> f64 {
        self.promoters as f64 + self.passives as f64 + self.detractors as f64
    }
}

impl State for Nps {
    const TYPE_NAME: &'static str = "kpi.nps";

    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.promoters, other.promoters),
            (&mut self.passives, other.passives),
            (&mut self.detractors, other.detractors),
        ] {
            *ours = ours.saturating_add(theirs).min(MAX_COUNT);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Nps);
        [self.promoters, self.passives, self.detractors]
            .iter()
            .for_each(|&count| writer.varint(count));
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Nps, bytes)?;
        let state = Self {
            promoters: reader.count()?,
            passives: reader.count()?,
            detractors: reader.count()?,
        };
        reader.finish()?;
        Ok(state)
    }

    fn to_text(&self) -> String {
        format!(
            "{{\"promoters\": {}, \"passives\": {}, \"detractors\": {}}}",
            self.promoters, self.passives, self.detractors
        )
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        let mut state = Self::default();
        for (opening, name, count) in [
            ("{", "promoters", &mut state.promoters),
            (",", "passives", &mut state.passives),
            (",", "detractors", &mut state.detractors),
        ] {
            scanner.expect(opening)?;
            scanner.key(name)?;
            *count = scanner.count()?;
        }
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(state)
    }
}
