//! `slo`: the state of `slo_agg(ts, good, total, objective)`.

mod alert;
mod timeline;

pub use self::alert::{Alert, AlertRule, Severity};
pub use self::timeline::Events;

use self::timeline::Timeline;
use crate::frame::{Kind, Reader, Writer};
use crate::{Error, State};

/// Good and all events over time, against a service level objective such as 0.999.
///
/// The error budget of an objective is the share of events that may be bad, `1 - objective`; the burn rate is the share that
/// was bad in units of the budget: at 1 the budget is used up exactly at the end of its period ("The Site Reliability Workbook",
/// Beyer, Murphy, Rensin, Kawahara and Thorne (editors), 2018, chapter 5).
///
/// Events are kept in at most 10080 buckets of time: a week of minutes. Where there are more, buckets are united to 5 minutes
/// (35 days), then 15 minutes, 1 hour, 6 hours, 1 day, and ten times more each from there. Which width is in use depends
/// only on the times, so a merge of parts is the very state of the whole. A window counts the buckets that it overlaps.
///
/// Times are microseconds.
///
/// ```
/// use kpi_stats::Slo;
/// let minute = 60_000_000;
/// let mut slo = Slo::new(0.99).unwrap();
/// slo.add(0, 990, 1000).unwrap();
/// slo.add(minute, 950, 1000).unwrap();
/// let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-9;
/// assert_eq!(slo.sli(), Some(0.97));
/// assert!(close(slo.burn_rate(2 * minute, minute), 5.0));
/// assert!(close(slo.burn_rate(2 * minute, 2 * minute), 3.0));
/// assert!(close(slo.error_budget_left(), -2.0)); // used three times
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    objective: f64,
    timeline: Timeline,
}

impl Slo {
    /// An empty state for an objective: the share of events that has to be good.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the objective is above 0 and below 1: an objective of 1 leaves no error budget.
    pub fn new(objective: f64) -> Result<Self, Error> {
        if objective > 0.0 && objective < 1.0 {
            Ok(Self {
                objective,
                timeline: Timeline::default(),
            })
        } else {
            Err(Error::argument(
                "a service level objective must be above 0 and below 1",
                objective,
                "Write 99.9 percent as 0.999; an objective of 1 would leave no error budget.",
            ))
        }
    }

    /// The share of events that has to be good.
    pub fn objective(&self) -> f64 {
        self.objective
    }

    /// Says whether both have the same objective, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.objective == other.objective
    }

    /// Adds `total` events at a time, `good` of which were good. A total of zero adds nothing.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `good` is between 0 and `total`.
    #[inline]
    pub fn add(&mut self, time: i64, good: i64, total: i64) -> Result<(), Error> {
        match (u64::try_from(good), u64::try_from(total)) {
            (Ok(good), Ok(total)) if good <= total => {
                self.timeline.add(time, Events { good, total });
                Ok(())
            }
            _ => Err(Error::argument(
                "the good events must be between none and all of them",
                format!("{good} of {total}"),
                "Give the number of good events, then the number of all: slo_agg(ts, good, total, 0.999).",
            )),
        }
    }

    /// All events.
    pub fn events(&self) -> Events {
        self.timeline.all()
    }

    /// The events of the buckets that overlap the time from `until - window` up to, and without, `until`.
    pub fn events_in(&self, until: i64, window: i64) -> Events {
        self.timeline.within(until, window)
    }

    /// The service level indicator, `good / total`; `None` without events.
    pub fn sli(&self) -> Option<f64> {
        let events = self.events();
        (events.total > 0).then(|| events.good as f64 / events.total as f64)
    }

    /// The share of the error budget of all events that is left: 1 where none was bad, 0 where it is used up, below that
    /// where the objective was missed; `None` without events.
    pub fn error_budget_left(&self) -> Option<f64> {
        self.burn(self.events()).map(|burn| 1.0 - burn)
    }

    /// The share of the error budget that is left of the events in the window before `until`: of a budget for 30 days with a window
    /// of 30 days. `None` without events in it.
    ///
    /// ```
    /// use kpi_stats::Slo;
    /// let day = 86_400_000_000;
    /// let mut slo = Slo::new(0.99).unwrap();
    /// slo.add(0, 0, 1000).unwrap(); // long ago
    /// slo.add(40 * day, 995, 1000).unwrap();
    /// let left = slo.error_budget_left_in(41 * day, 30 * day).unwrap();
    /// assert!((left - 0.5).abs() < 1e-9);
    /// ```
    pub fn error_budget_left_in(&self, until: i64, window: i64) -> Option<f64> {
        self.burn_rate(until, window).map(|burn| 1.0 - burn)
    }

    /// How fast the error budget is used in the window before `until`: the share of bad events divided by `1 - objective`;
    /// `None` without events in it.
    pub fn burn_rate(&self, until: i64, window: i64) -> Option<f64> {
        self.burn(self.events_in(until, window))
    }

    fn burn(&self, events: Events) -> Option<f64> {
        (events.total > 0).then(|| events.bad() as f64 / events.total as f64 / (1.0 - self.objective))
    }

    /// Where the last bucket ends, in microseconds: the time up to which events are known; `None` without events.
    pub fn end(&self) -> Option<i64> {
        self.timeline.end()
    }

    /// The width of the buckets in microseconds.
    pub fn bucket_width(&self) -> i64 {
        self.timeline.width()
    }

    /// The workbook's alerts as they stand at `until`.
    ///
    /// ```
    /// use kpi_stats::{Severity, Slo};
    /// let minute = 60_000_000;
    /// let mut slo = Slo::new(0.999).unwrap();
    /// // Two percent of the requests of the last hour failed: a burn rate of 20.
    /// (0..60).for_each(|at| slo.add(at * minute, 98, 100).unwrap());
    /// let alerts = slo.alerts(60 * minute);
    /// assert!(alerts[0].firing && alerts[0].rule.severity == Severity::Page);
    /// assert_eq!(slo.severity(60 * minute), Some(Severity::Page));
    /// // Five minutes without failures end the alert.
    /// (60..65).for_each(|at| slo.add(at * minute, 100, 100).unwrap());
    /// assert!(!slo.alerts(65 * minute)[0].firing);
    /// ```
    pub fn alerts(&self, until: i64) -> [Alert; 3] {
        AlertRule::WORKBOOK.map(|rule| {
            rule.evaluate(
                self.burn_rate(until, rule.long),
                self.burn_rate(until, rule.short),
            )
        })
    }

    /// The most urgent severity of the alerts that are firing at `until`; `None` where none is.
    pub fn severity(&self, until: i64) -> Option<Severity> {
        self.alerts(until)
            .iter()
            .filter(|alert| alert.firing)
            .map(|alert| alert.rule.severity)
            .min()
    }
}

impl State for Slo {
    const TYPE_NAME: &'static str = "kpi.slo";

    /// Both have to [fit](Slo::fits): the objective of `self` is kept.
    fn merge(&mut self, other: &Self) {
        self.timeline.merge(&other.timeline);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "states of different service level objectives cannot be merged",
            [self.objective, other.objective],
            |objective| format!("an objective of {objective}"),
            "Make all states with the same objective, or group by it.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Slo);
        writer.f64(self.objective);
        self.timeline.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Slo, bytes)?;
        let objective = reader.f64()?;
        let mut state =
            Self::new(objective).map_err(|_| reader.corrupt(format!("Their objective is {objective}.")))?;
        state.timeline = Timeline::read(&mut reader)?;
        reader.finish()?;
        Ok(state)
    }
}
