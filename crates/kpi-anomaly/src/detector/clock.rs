//! The step between the points of a stream, learnt as they come.

/// Points that must have come one step after another before steps that were left out are counted as gaps.
const REGULAR: u8 = 8;
/// How far votes can be ahead: after a change of the step, as many points settle the new one.
const MOST_VOTES: u8 = 32;
/// A distance that differs from a step by less than one part in so many is a step.
const TOLERANCE: i64 = 8;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;
/// Cycles of the calendar in which people and machines live.
const CYCLES: [i64; 4] = [60 * MINUTE, DAY, 7 * DAY, 364 * DAY];

/// Knows the usual step by a majority vote of the distances (Boyer & Moore 1981), in one pass and no memory.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Clock {
    pub(super) last: Option<i64>,
    pub(super) step: i64,
    pub(super) votes: u8,
}

impl Clock {
    /// Steps from the last point to this one. 0 when it is not later, and then the clock stays; 1 where the points have
    /// no regular step, as only their order counts then.
    pub(super) fn advance(&mut self, ts: i64) -> u64 {
        let Some(last) = self.last else {
            self.last = Some(ts);
            return 1;
        };
        let distance = ts.saturating_sub(last);
        if distance <= 0 {
            return 0;
        }
        self.last = Some(ts);
        let near = self.step / TOLERANCE;
        if self.step > 0 && (distance - self.step).abs() <= near {
            self.votes = (self.votes + 1).min(MOST_VOTES);
            return 1;
        }
        let regular = self.votes >= REGULAR;
        if regular && distance > self.step {
            // Points left out say nothing against the step, as long as they are a whole number of steps.
            let steps = distance.saturating_add(self.step / 2) / self.step;
            if (distance - steps.saturating_mul(self.step)).abs() <= near {
                return steps as u64;
            }
        }
        self.votes = self.votes.saturating_sub(1);
        if self.votes == 0 {
            self.step = distance;
            self.votes = 1;
        }
        if regular && self.step > 0 {
            return (distance.saturating_add(self.step / 2) / self.step).max(1) as u64;
        }
        1
    }

    /// Steps in the cycles of the calendar, where those are whole numbers of steps.
    pub(super) fn calendar(&self) -> impl Iterator<Item = usize> {
        let step = self.step;
        let regular = self.votes >= REGULAR && step > 0;
        CYCLES
            .into_iter()
            .filter(move |_| regular)
            .filter_map(move |cycle| {
                let steps = (cycle as f64 / step as f64).round();
                let is_whole = (steps * step as f64 - cycle as f64).abs() <= 0.01 * step as f64;
                (is_whole && steps >= 2.0).then_some(steps as usize)
            })
    }
}
