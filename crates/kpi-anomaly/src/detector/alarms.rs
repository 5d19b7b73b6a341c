//! What rang before does not ring again.

use super::MEMORY_OF_NONE;

/// Alarms that are remembered.
pub(super) const REMEMBERED: usize = 16;
/// Surprise from which something is an event: rarer than one point in 665.
const EVENT: f64 = 6.5;
/// Points after which an event has lost 63% of its weight.
const FADING: f64 = 100.0;
/// While an event lasts, something rings if it is this many times as surprising and a bit more: as improbable as the same event
/// twice by chance.
const TIMES: f64 = 2.0;
const MORE: f64 = 1.0;
/// What does not ring keeps half of its surprise, up to a probability of 0.018.
const MUTED: (f64, f64) = (0.5, 4.0);
/// Points within which events are one.
const APART: u64 = 5;
/// Distances between events below this are no habit but a burst.
const SHORTEST: u64 = 12;
/// Rounds of a habit that are looked back, and how exact it has to be: a share of its length.
const ROUNDS: u64 = 4;
const EXACT: f64 = 0.02;
/// Rounds kept that make a habit with the length of a cycle of the calendar, and with one that only the events suggest.
const OF_CALENDAR: usize = 2;
const OF_EVENTS: usize = 3;
/// Surprise that is left of a habit.
const HABITUAL: f64 = 3.0;

/// The newest alarms, and how much of the last event is still felt.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Alarms {
    /// Steps at which something was an event.
    pub(super) steps: Vec<u64>,
    pub(super) felt: f64,
}

impl Alarms {
    /// What is left of a surprise after what was heard before; `alarm` is the surprise that rings.
    pub(super) fn hear(
        &mut self,
        surprise: f64,
        alarm: f64,
        step: u64,
        calendar: impl Iterator<Item = usize>,
    ) -> f64 {
        let mut left = surprise;
        if surprise > EVENT {
            if self.is_habit(step, calendar) {
                left = left.min(HABITUAL);
            }
            if self
                .steps
                .last()
                .is_none_or(|last| step.saturating_sub(*last) > APART)
            {
                if self.steps.len() >= REMEMBERED {
                    self.steps.remove(0);
                }
                self.steps.push(step);
            }
        }
        let rings = left > TIMES * self.felt + MORE;
        self.felt *= 1.0 - 1.0 / FADING;
        if left >= alarm {
            self.felt = self.felt.max(left);
        }
        if rings {
            left
        } else {
            (MUTED.0 * left).clamp(MEMORY_OF_NONE, MUTED.1)
        }
    }

    /// Whether events came at the same distance before.
    fn is_habit(&self, step: u64, mut calendar: impl Iterator<Item = usize>) -> bool {
        let by_calendar =
            |length: usize| length as u64 >= SHORTEST && self.rounds(step, length as u64) >= OF_CALENDAR;
        let by_event = |last: &u64| {
            let length = step.saturating_sub(*last);
            length >= SHORTEST && self.rounds(step, length) >= OF_EVENTS
        };
        calendar.any(by_calendar) || self.steps.iter().rev().take(REMEMBERED / 2).any(by_event)
    }

    /// Of the last rounds of this length, those that had an event where there is one now.
    fn rounds(&self, step: u64, length: u64) -> usize {
        let near = (EXACT * length as f64).max(2.0);
        (1..=ROUNDS)
            .filter(|round| {
                let at = step as f64 - (round * length) as f64;
                self.steps.iter().any(|event| (*event as f64 - at).abs() <= near)
            })
            .count()
    }
}
