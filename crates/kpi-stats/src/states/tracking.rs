//! What is kept of a stretch of states: how long each lasted, and with a timeline also when.

use super::dictionary::Dictionary;
use crate::Error;
use crate::frame::{Reader, Writer};
use crate::ordered::{Fold, Point, elapsed};

/// The time at which a state was seen, and its number in the dictionary.
pub(super) type Seen = (i64, u32);

/// A stretch of at least one point. A state lasts until another one is seen; the last one until it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track {
    pub count: u64,
    pub first: Seen,
    pub last: Seen,
    /// With a timeline: each state when it was entered.
    pub entered: Vec<Seen>,
    /// Without: the microseconds in each state, in order of numbers.
    pub durations: Vec<(u32, u64)>,
}

/// Summarises states; points carry their numbers as values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracking<const TIMELINE: bool> {
    pub dictionary: Dictionary,
}

fn number(value: f64) -> u32 {
    // Saturates for what is no number of a state, which then has no name.
    value as u32
}

/// Adds a duration to a list in order of numbers.
fn add_duration(durations: &mut Vec<(u32, u64)>, state: u32, micros: u64) {
    match durations.binary_search_by_key(&state, |(state, _)| *state) {
        Ok(at) => {
            if let Some((_, total)) = durations.get_mut(at) {
                *total = total.saturating_add(micros);
            }
        }
        Err(at) => durations.insert(at, (state, micros)),
    }
}

impl Track {
    /// The microseconds in each state that was entered, in order of numbers.
    pub fn durations(&self) -> Vec<(u32, u64)> {
        if self.entered.is_empty() {
            return self.durations.clone();
        }
        let mut durations = Vec::new();
        let ends = self.entered.iter().skip(1).map(|(time, _)| *time);
        for ((start, state), end) in self.entered.iter().zip(ends.chain([self.last.0])) {
            add_duration(&mut durations, *state, elapsed(*start, end));
        }
        durations
    }

    /// Gives all states other numbers.
    pub fn renumber(&mut self, map: impl Fn(u32) -> u32) {
        self.first.1 = map(self.first.1);
        self.last.1 = map(self.last.1);
        self.entered
            .iter_mut()
            .for_each(|(_, state)| *state = map(*state));
        self.durations
            .iter_mut()
            .for_each(|(state, _)| *state = map(*state));
        self.durations.sort_unstable();
    }
}

impl<const TIMELINE: bool> Fold for Tracking<TIMELINE> {
    type Summary = Track;

    const SORTED: &'static str = if TIMELINE {
        "state_agg(ts, state ORDER BY ts)"
    } else {
        "compact_state_agg(ts, state ORDER BY ts)"
    };

    fn summarise(&self, times: &[i64], values: &[f64]) -> Option<Track> {
        let first = (*times.first()?, number(*values.first()?));
        let mut track = Track {
            count: times.len() as u64,
            first,
            last: first,
            entered: Vec::new(),
            durations: Vec::new(),
        };
        if TIMELINE {
            track.entered.push(first);
        } else {
            track.durations.push((first.1, 0));
        }
        let mut since = first;
        for (&time, &value) in times.iter().zip(values) {
            track.last = (time, number(value));
            if track.last.1 != since.1 {
                if TIMELINE {
                    track.entered.push(track.last);
                } else {
                    add_duration(&mut track.durations, since.1, elapsed(since.0, time));
                    add_duration(&mut track.durations, track.last.1, 0);
                }
                since = track.last;
            }
        }
        if !TIMELINE {
            add_duration(&mut track.durations, since.1, elapsed(since.0, track.last.0));
        }
        track.entered.shrink_to_fit();
        Some(track)
    }

    fn join(left: &mut Track, right: &Track) {
        let shared = left.last.0 == right.first.0;
        if TIMELINE {
            let continues = usize::from(left.last.1 == right.first.1);
            left.entered.extend(right.entered.iter().skip(continues));
        } else {
            add_duration(
                &mut left.durations,
                left.last.1,
                elapsed(left.last.0, right.first.0),
            );
            for (state, micros) in &right.durations {
                add_duration(&mut left.durations, *state, *micros);
            }
        }
        left.count = left
            .count
            .saturating_add(right.count - u64::from(shared))
            .min(crate::moments::MAX_COUNT);
        left.last = right.last;
    }

    fn first(track: &Track) -> Point {
        (track.first.0, f64::from(track.first.1))
    }

    fn last(track: &Track) -> Point {
        (track.last.0, f64::from(track.last.1))
    }

    fn points(track: &Track, points: &mut Vec<Point>) -> bool {
        let entered = track.entered.last().filter(|_| TIMELINE).unwrap_or(&track.first);
        let changes = if TIMELINE { track.entered.len() } else { 1 };
        let ends_later = track.last.0 != entered.0;
        if track.count != changes as u64 + u64::from(ends_later) {
            return false;
        }
        let as_points = |seen: &Seen| (seen.0, f64::from(seen.1));
        if TIMELINE {
            points.extend(track.entered.iter().map(as_points));
        } else {
            points.push(as_points(&track.first));
        }
        points.extend(ends_later.then(|| as_points(&track.last)));
        true
    }

    /// In the order of the states themselves, since numbers depend on the order of rows.
    fn is_greater(&self, value: f64, than: f64) -> bool {
        self.dictionary.get(number(value)) > self.dictionary.get(number(than))
    }

    fn heap_bytes(track: &Track) -> usize {
        size_of_val(track.entered.as_slice()) + size_of_val(track.durations.as_slice())
    }

    fn write(track: &Track, writer: &mut Writer) {
        writer.varint(track.count);
        writer.i64(track.first.0);
        writer.varint(u64::from(track.first.1));
        writer.varint(elapsed(track.first.0, track.last.0));
        writer.varint(u64::from(track.last.1));
        if TIMELINE {
            writer.varint(track.entered.len().saturating_sub(1) as u64);
            let mut previous = track.first.0;
            for (time, state) in track.entered.iter().skip(1) {
                writer.varint(elapsed(previous, *time));
                writer.varint(u64::from(*state));
                previous = *time;
            }
        } else {
            writer.varint(track.durations.len() as u64);
            for (state, micros) in &track.durations {
                writer.varint(u64::from(*state));
                writer.varint(*micros);
            }
        }
    }

    fn read(&self, reader: &mut Reader) -> Result<Track, Error> {
        let states = self.dictionary.len() as u64;
        let state = |reader: &mut Reader| match reader.varint()? {
            number if number < states => Ok(number as u32),
            number => Err(reader.corrupt(format!("State number {number} in them has no name."))),
        };
        let count = reader.count()?;
        let start = reader.i64()?;
        let first = (start, state(reader)?);
        let last = (start.wrapping_add_unsigned(reader.varint()?), state(reader)?);
        let mut track = Track {
            count,
            first,
            last,
            entered: Vec::new(),
            durations: Vec::new(),
        };
        let listed = reader.varint()?;
        if TIMELINE {
            track.entered.push(first);
            let mut time = start;
            for _ in 0..listed {
                time = time.wrapping_add_unsigned(reader.varint()?);
                track.entered.push((time, state(reader)?));
            }
            if time > last.0 || !track.entered.is_sorted() {
                return Err(reader.corrupt("Their timeline is not in order.".into()));
            }
        } else {
            for _ in 0..listed {
                let entry = (state(reader)?, reader.varint()?);
                track.durations.push(entry);
            }
            if !track.durations.is_sorted_by(|a, b| a.0 < b.0) {
                return Err(reader.corrupt("Their durations are not in order.".into()));
            }
        }
        if count == 0 {
            return Err(reader.corrupt("They hold a stretch without points.".into()));
        }
        Ok(track)
    }
}
