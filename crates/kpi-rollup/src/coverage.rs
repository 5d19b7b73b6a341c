//! Which level of a rollup answers which stretch of time.

use crate::{Span, Spans};

const HOUR: i64 = 3_600_000_000;
const QUARTER_HOUR: i64 = HOUR / 4;

/// The materialised levels, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// One row per minute and combination of dimensions.
    Minute,
    /// Merged from minutes.
    Hour,
    /// Merged from hours; weeks and longer are merged from days on read.
    Day,
}

/// Bucket starts as the server computes them in a source's time zone (`date_trunc`). Infinite times stay themselves.
pub trait Calendar {
    /// Start of the hour that holds `t`.
    fn hour(&self, t: i64) -> i64;
    /// Start of the day that holds `t`.
    fn day(&self, t: i64) -> i64;
    /// Start of the day after the one that holds `t`.
    fn next_day(&self, t: i64) -> i64;
}

/// For a window and the touched part of it: what is read from where. The five lists are disjoint and their union is
/// the window.
///
/// Quarters of an hour are no period of their own: they are kept so that an hour with one touched minute costs 14
/// minutes and 3 quarters, not 59 minutes. They are quarters of UTC (or of the wall clock, without a zone).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Answered by clean day buckets.
    pub day: Spans,
    /// Answered by clean hour buckets of days that are not clean.
    pub hour: Spans,
    /// Answered by clean quarters of hours that are not clean.
    pub quarter_hour: Spans,
    /// Answered by clean minute buckets of quarters that are not clean.
    pub minute: Spans,
    /// Answered by the raw rows.
    pub raw: Spans,
    /// The quarters of an hour that hold a touched minute, whole.
    pub touched_quarters: Spans,
    /// The hours that hold a touched minute, whole.
    pub touched_hours: Spans,
    /// The days that hold a touched minute, whole.
    pub touched_days: Spans,
}

impl Coverage {
    /// Plans the read of `window` at `level`, where `touched` is not materialised.
    ///
    /// The window must start and end on bucket borders of `level`. Where the zone's hours are irregular (an offset
    /// change by less than an hour) the whole day of a touched minute is taken from the raw rows, because there the
    /// label of an hour does not tell where it starts.
    pub fn plan(window: Span, level: Level, touched: &Spans, calendar: &dyn Calendar) -> Self {
        let window = Spans::of(window);
        if touched.is_empty() {
            let mut plan = Self::default();
            match level {
                Level::Minute => plan.minute = window,
                Level::Hour => plan.hour = window,
                Level::Day => plan.day = window,
            }
            return plan;
        }
        let touched = promote(touched, calendar);
        let quarters: Spans = touched.as_slice().iter().map(|s| whole_quarters(*s)).collect();
        let hours: Spans = touched
            .as_slice()
            .iter()
            .map(|s| whole_hours(*s, calendar))
            .collect();
        let days: Spans = touched
            .as_slice()
            .iter()
            .map(|s| whole_days(*s, calendar))
            .collect();
        let none = Spans::default();
        let dirty_hours = window.intersect(&hours);
        let dirty_quarters = dirty_hours.intersect(&quarters);
        let (day, hour, quarter_hour, minute) = match level {
            Level::Minute => (none.clone(), none.clone(), none, window.minus(&touched)),
            Level::Hour => (
                none,
                window.minus(&hours),
                dirty_hours.minus(&quarters),
                dirty_quarters.minus(&touched),
            ),
            Level::Day => (
                window.minus(&days),
                window.intersect(&days).minus(&hours),
                dirty_hours.minus(&quarters),
                dirty_quarters.minus(&touched),
            ),
        };
        Self {
            day,
            hour,
            quarter_hour,
            minute,
            raw: window.intersect(&touched),
            touched_quarters: quarters,
            touched_hours: hours,
            touched_days: days,
        }
    }
}

/// Replaces touched stretches that begin or end in an irregular hour by their whole days.
fn promote(touched: &Spans, calendar: &dyn Calendar) -> Spans {
    touched
        .as_slice()
        .iter()
        .map(|s| {
            if regular(s.from, calendar) && regular(s.until.saturating_sub(1), calendar) {
                *s
            } else {
                whole_days(*s, calendar)
            }
        })
        .collect()
}

fn finite(t: i64) -> bool {
    t != i64::MIN && t != i64::MAX && t != i64::MAX - 1
}

/// An hour is regular when it starts where its label says, the next label is an hour on, and it lies in one day.
fn regular(t: i64, calendar: &dyn Calendar) -> bool {
    if !finite(t) {
        return true;
    }
    let start = calendar.hour(t);
    let day = calendar.day(start);
    start.rem_euclid(QUARTER_HOUR) == 0
        && start <= t
        && t < start + HOUR
        && calendar.hour(start) == start
        && calendar.hour(start + HOUR) == start + HOUR
        && calendar.hour(start + HOUR - 1) == start
        && (start - HOUR < day || calendar.hour(start - 1) == start - HOUR)
        && calendar.day(start + HOUR - 1) == day
}

fn whole_quarters(s: Span) -> Span {
    let from = if finite(s.from) {
        s.from.div_euclid(QUARTER_HOUR) * QUARTER_HOUR
    } else {
        s.from
    };
    let until = if finite(s.until) {
        (s.until - 1).div_euclid(QUARTER_HOUR) * QUARTER_HOUR + QUARTER_HOUR
    } else {
        s.until
    };
    Span::new(from, until)
}

fn whole_hours(s: Span, calendar: &dyn Calendar) -> Span {
    let from = if finite(s.from) {
        calendar.hour(s.from).min(s.from)
    } else {
        s.from
    };
    let until = if finite(s.until) {
        let last = calendar.hour(s.until - 1);
        (last + HOUR).max(s.until)
    } else {
        s.until
    };
    // A stretch of whole days may begin or end inside an irregular hour: there its own border is the border.
    let from = if finite(s.from) && calendar.day(s.from) == s.from {
        s.from
    } else {
        from
    };
    let until = if finite(s.until) && calendar.day(s.until) == s.until {
        s.until
    } else {
        until
    };
    Span::new(from, until)
}

fn whole_days(s: Span, calendar: &dyn Calendar) -> Span {
    let from = if finite(s.from) {
        calendar.day(s.from)
    } else {
        s.from
    };
    let until = if finite(s.until) {
        calendar.next_day(s.until - 1)
    } else {
        s.until
    };
    Span::new(from, until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MINUTE;
    use proptest::prelude::*;

    #[derive(Debug)]
    /// A zone whose offset changes once, at `change`, from `before` to `after`.
    struct Zone {
        change: i64,
        before: i64,
        after: i64,
    }

    impl Zone {
        fn offset(&self, t: i64) -> i64 {
            if t < self.change { self.before } else { self.after }
        }
        fn trunc(&self, t: i64, unit: i64) -> i64 {
            let offset = self.offset(t);
            (t + offset).div_euclid(unit) * unit - offset
        }
    }

    const DAY: i64 = 24 * HOUR;

    impl Calendar for Zone {
        fn hour(&self, t: i64) -> i64 {
            if t == i64::MIN || t == i64::MAX {
                t
            } else {
                self.trunc(t, HOUR)
            }
        }
        fn day(&self, t: i64) -> i64 {
            if t == i64::MIN || t == i64::MAX {
                return t;
            }
            let local = (t + self.offset(t)).div_euclid(DAY) * DAY;
            let guess = local - self.before;
            if guess < self.change {
                guess
            } else {
                local - self.after
            }
        }
        fn next_day(&self, t: i64) -> i64 {
            self.day(self.day(t) + 26 * HOUR)
        }
    }

    fn zones() -> impl Strategy<Value = Zone> {
        (
            0i64..(20 * 24 * 2),
            prop::sample::select(vec![0i64, 20, 30, 60, 120, 330, 345, 630]),
            prop::sample::select(vec![-60i64, -30, 0, 30, 60]),
        )
            .prop_map(|(half_hour, before, jump)| {
                let before = before * MINUTE;
                // Real zones change at two or three at night, local time.
                let day = half_hour / 48;
                Zone {
                    change: day * DAY + 2 * HOUR - before,
                    before,
                    after: before + jump * MINUTE,
                }
            })
    }

    proptest! {
        #[test]
        fn the_levels_cover_the_window_exactly_once(
            zone in zones(),
            minutes in prop::collection::vec((0i64..20 * 24 * 60, 1i64..200), 0..12),
            from in 0i64..10, days in 1i64..10,
            level in prop::sample::select(vec![Level::Minute, Level::Hour, Level::Day]),
        ) {
            let touched: Spans = minutes.iter().map(|(m, n)| Span::new(m * MINUTE, (m + n) * MINUTE)).collect();
            let window = Span::new(zone.day(from * DAY + HOUR * 12), zone.day((from + days) * DAY + HOUR * 12));
            let plan = Coverage::plan(window, level, &touched, &zone);
            let lists = [&plan.day, &plan.hour, &plan.quarter_hour, &plan.minute, &plan.raw];
            for minute in (window.from / MINUTE - 60)..(window.until / MINUTE + 60) {
                let t = minute * MINUTE;
                let inside = window.from <= t && t < window.until;
                let hits = lists.iter().filter(|l| l.as_slice().iter().any(|s| s.from <= t && t < s.until)).count();
                prop_assert_eq!(hits, usize::from(inside), "minute {}", minute);
                // A touched minute may only be answered by the raw rows.
                if inside && touched.as_slice().iter().any(|s| s.from <= t && t < s.until) {
                    prop_assert!(plan.raw.as_slice().iter().any(|s| s.from <= t && t < s.until));
                }
            }
            // A materialised bucket is read whole or not at all: its label decides, so all of its minutes agree.
            for minute in (window.from / MINUTE)..(window.until / MINUTE) {
                let t = minute * MINUTE;
                let has = |l: &Spans, t: i64| l.as_slice().iter().any(|s| s.from <= t && t < s.until);
                prop_assert_eq!(has(&plan.hour, t), has(&plan.hour, zone.hour(t)), "hour of minute {}", minute);
                prop_assert_eq!(has(&plan.day, t), has(&plan.day, zone.day(t)), "day of minute {}", minute);
                let quarter = t.div_euclid(QUARTER_HOUR) * QUARTER_HOUR;
                prop_assert_eq!(
                    has(&plan.quarter_hour, t),
                    has(&plan.quarter_hour, quarter),
                    "quarter of minute {}",
                    minute
                );
            }
        }
    }

    #[test]
    fn nothing_touched_reads_the_level_itself() {
        let zone = Zone {
            change: 0,
            before: 0,
            after: 0,
        };
        let plan = Coverage::plan(Span::ALL, Level::Hour, &Spans::default(), &zone);
        assert_eq!(plan.hour.as_slice(), [Span::ALL]);
        assert!(plan.raw.is_empty());
    }

    #[test]
    fn everything_touched_reads_raw() {
        let zone = Zone {
            change: 0,
            before: 0,
            after: 0,
        };
        let plan = Coverage::plan(Span::ALL, Level::Day, &Spans::of(Span::ALL), &zone);
        assert_eq!(plan.raw.as_slice(), [Span::ALL]);
        assert!(plan.day.is_empty() && plan.hour.is_empty() && plan.minute.is_empty());
    }

    #[test]
    fn one_late_minute_costs_one_minute() {
        let zone = Zone {
            change: 0,
            before: 0,
            after: 0,
        };
        let late = Span::new(90 * MINUTE, 91 * MINUTE);
        let plan = Coverage::plan(Span::new(0, 3 * DAY), Level::Day, &Spans::of(late), &zone);
        assert_eq!(plan.raw.as_slice(), [late]);
        assert_eq!(plan.day.as_slice(), [Span::new(DAY, 3 * DAY)]);
        assert_eq!(
            plan.hour.as_slice(),
            [Span::new(0, HOUR), Span::new(2 * HOUR, DAY)]
        );
        assert_eq!(
            plan.quarter_hour.as_slice(),
            [
                Span::new(HOUR, HOUR + 2 * QUARTER_HOUR),
                Span::new(HOUR + 3 * QUARTER_HOUR, 2 * HOUR)
            ]
        );
        assert_eq!(plan.minute.as_slice(), [Span::new(91 * MINUTE, 105 * MINUTE)]);
    }
}
