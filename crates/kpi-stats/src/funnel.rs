//! `funnel`: the state of `funnel_agg(ts, actor, step, window)`.

use crate::actors::{Actors, Record};
use crate::frame::{Kind, Reader, Writer};
use crate::interval::micros_text;
use crate::{Error, State};

/// The most steps of a funnel.
const MAX_STEPS: u8 = 32;

/// How many times of each step are remembered of an actor: the first ones.
const MAX_TIMES: usize = 32;

/// How many events are kept: about a megabyte.
const MAX_EVENTS: usize = 131_072;

/// How many actors went how far through the steps of a funnel within a window of time.
///
/// An actor is at step k if there are events of the steps 1 to k, each no earlier than the one before, and the k-th at most
/// `window` after the first: of several first steps the one that leads furthest counts. Events of other steps in between
/// do no harm.
///
/// Of each actor the first 32 distinct times of each step are remembered, and 131072 events of all actors together. Where
/// there are more, the state goes over to a random half of the actors, then a quarter and so on, each with its whole history,
/// and the counts of actors are multiplied by what that leaves out: with n actors in the sample, the standard error of a
/// conversion rate is at most `0.5 / √n`. Order and split of the events do not matter: a merge of parts is the very
/// state of the whole.
///
/// Times are microseconds; actors come as hashes of 64 bits, see [`Funnel::add`].
///
/// ```
/// use kpi_stats::{Funnel, HyperLogLog};
/// let minute = 60_000_000;
/// let mut shop = Funnel::new(10 * minute).unwrap();
/// let (ann, bob, eve) = (HyperLogLog::mix(1), HyperLogLog::mix(2), HyperLogLog::mix(3));
/// for (time, actor, step) in [(0, ann, 1), (2, ann, 2), (5, ann, 3), (0, bob, 1), (12, bob, 2), (3, eve, 2)] {
///     shop.add(time * minute, actor, step).unwrap();
/// }
/// // Bob was too late for step 2, and Eve never did step 1.
/// assert_eq!(shop.counts(), [2, 1, 1]);
/// assert_eq!(shop.conversion(2), Some(0.5));
/// assert_eq!(shop.conversion_from_previous(3), Some(1.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    window: i64,
    /// The highest step seen.
    steps: u8,
    actors: Actors<History>,
}

impl Funnel {
    /// An empty state; `window` is the time in microseconds in which all steps have to be done.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the window is above zero.
    pub fn new(window: i64) -> Result<Self, Error> {
        if window > 0 {
            Ok(Self {
                window,
                steps: 0,
                actors: Actors::new(MAX_EVENTS),
            })
        } else {
            Err(Error::argument(
                "the window of a funnel must be longer than no time",
                micros_text(window),
                "Give the time in which all steps have to be done, such as interval '1 day'.",
            ))
        }
    }

    /// The window in microseconds.
    pub fn window(&self) -> i64 {
        self.window
    }

    /// Says whether both have the same window, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.window == other.window
    }

    /// Adds that an actor did a step, counted from 1, at a time in microseconds. All bits of the actor's hash must look
    /// random: see [`HyperLogLog::mix`](crate::HyperLogLog::mix). Of a million actors, two share a hash with a probability of
    /// one in thirty million.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the step is between 1 and 32.
    pub fn add(&mut self, time: i64, actor: u64, step: i64) -> Result<(), Error> {
        let number = u8::try_from(step)
            .ok()
            .filter(|step| (1..=MAX_STEPS).contains(step))
            .ok_or_else(|| {
                Error::argument(
                    "the step of a funnel must be between 1 and 32",
                    step,
                    "Number the steps from 1: CASE event WHEN 'visit' THEN 1 WHEN 'cart' THEN 2 WHEN 'order' THEN 3 END.",
                )
            })?;
        self.steps = self.steps.max(number);
        self.actors
            .update(actor, History::default, |history| history.add(number, time));
        Ok(())
    }

    /// The number of steps: the highest one seen.
    pub fn num_steps(&self) -> u8 {
        self.steps
    }

    /// For each step how many actors got there; exact while [`Funnel::sampled`] is 1.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0u64; self.steps.into()];
        for history in self.actors.records() {
            let depth = history.depth(self.window);
            counts.iter_mut().take(depth.into()).for_each(|count| *count += 1);
        }
        counts
            .into_iter()
            .map(|count| self.actors.estimate(count))
            .collect()
    }

    /// The share of the actors at step 1 that got to a step; `None` where there are none, and for a step not seen.
    pub fn conversion(&self, step: u8) -> Option<f64> {
        self.rate(1, step)
    }

    /// The share of the actors at the step before that got to a step; `None` where there are none, and for a step not seen.
    /// For step 1 it is 1.
    pub fn conversion_from_previous(&self, step: u8) -> Option<f64> {
        self.rate(step.saturating_sub(1).max(1), step)
    }

    fn rate(&self, from: u8, to: u8) -> Option<f64> {
        let counts = self.counts();
        let at = |step: u8| counts.get(usize::from(step.checked_sub(1)?)).copied();
        let (before, reached) = (at(from)?, at(to)?);
        (before > 0).then(|| reached as f64 / before as f64)
    }

    /// The share of the actors that is kept: 1 while all are.
    pub fn sampled(&self) -> f64 {
        1.0 / self.actors.factor() as f64
    }
}

/// The first times of each step, in order of step and time.
#[derive(Debug, Clone, PartialEq, Default)]
struct History(Vec<(u8, i64)>);

impl History {
    fn add(&mut self, step: u8, time: i64) {
        let Err(at) = self.0.binary_search(&(step, time)) else {
            return;
        };
        let end = self.0.partition_point(|event| event.0 <= step);
        let start = self.0.partition_point(|event| event.0 < step);
        if end - start >= MAX_TIMES {
            if at == end {
                return;
            }
            self.0.remove(end - 1);
        }
        self.0.insert(at, (step, time));
    }

    fn times(&self, step: u8) -> &[(u8, i64)] {
        let start = self.0.partition_point(|event| event.0 < step);
        let end = self.0.partition_point(|event| event.0 <= step);
        self.0.get(start..end).unwrap_or_default()
    }

    /// The furthest step within the window.
    fn depth(&self, window: i64) -> u8 {
        let mut furthest = 0;
        for (_, start) in self.times(1) {
            let (mut depth, mut time) = (1, *start);
            let latest = start.saturating_add(window);
            while depth < MAX_STEPS {
                let next = self.times(depth + 1);
                // The first that is no earlier: none later could lead further.
                let first = next.partition_point(|event| event.1 < time);
                match next.get(first) {
                    Some((_, at)) if *at <= latest => time = *at,
                    _ => break,
                }
                depth += 1;
            }
            furthest = furthest.max(depth);
        }
        furthest
    }
}

impl Record for History {
    const LEAST_BYTES: usize = 1;

    fn weight(&self) -> usize {
        self.0.len()
    }

    fn merge(&mut self, other: &Self) {
        for (step, time) in &other.0 {
            self.add(*step, *time);
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.varint(self.0.len() as u64);
        let mut previous = 0i64;
        for (step, time) in &self.0 {
            writer.u8(*step);
            writer.signed(time.wrapping_sub(previous));
            previous = *time;
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        let items = reader.items(2, usize::from(MAX_STEPS) * MAX_TIMES)?;
        let mut history = Self(Vec::with_capacity(items));
        let mut time = 0i64;
        for _ in 0..items {
            let step = reader.u8()?;
            time = time.wrapping_add(reader.signed()?);
            let in_order = history.0.last().is_none_or(|last| (step, time) > *last);
            if !in_order || !(1..=MAX_STEPS).contains(&step) || history.times(step).len() >= MAX_TIMES {
                return Err(reader.corrupt("Their events are not in order.".into()));
            }
            history.0.push((step, time));
        }
        Ok(history)
    }
}

impl State for Funnel {
    const TYPE_NAME: &'static str = "kpi.funnel";

    /// Both have to [fit](Funnel::fits): the window of `self` is kept.
    fn merge(&mut self, other: &Self) {
        self.steps = self.steps.max(other.steps);
        self.actors.merge(&other.actors);
    }

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.fits(other) {
            return Ok(());
        }
        Err(Error::different(
            "funnels of different windows cannot be merged",
            [self.window, other.window],
            |window| format!("a window of {}", micros_text(window)),
            "Make all states with the same window, or group by it.",
        ))
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Funnel);
        writer.signed(self.window);
        writer.u8(self.steps);
        self.actors.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Funnel, bytes)?;
        let window = reader.signed()?;
        let mut state =
            Self::new(window).map_err(|_| reader.corrupt(format!("Their window is {window}.")))?;
        state.steps = reader.u8()?;
        state.actors = Actors::read(MAX_EVENTS, &mut reader)?;
        let highest = state
            .actors
            .records()
            .filter_map(|history| history.0.last())
            .max();
        if state.steps > MAX_STEPS || highest.is_some_and(|(step, _)| *step > state.steps) {
            return Err(reader.corrupt(format!("They claim {} steps.", state.steps)));
        }
        reader.finish()?;
        Ok(state)
    }
}
