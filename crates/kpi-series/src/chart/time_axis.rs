//! The axis of times: ticks where a calendar has its boundaries, labelled in two lines.

use crate::calendar::{instant, local, split};
use crate::timestamp::{DAY, Date, HOUR, MINUTE, SECOND};
use jiff::tz::TimeZone;

/// A tick of the time axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) time: i64,
    /// What changes from tick to tick, such as the hour.
    pub(super) label: String,
    /// What the label is a part of, such as the day; only where it changes.
    pub(super) context: Option<String>,
}

/// A distance between ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    /// Microseconds that divide a day.
    Clock(i64),
    Days(i64),
    Weeks(i64),
    Months(i64),
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// 2000-01-03 was a Monday.
const MONDAY: i64 = 2;

impl Unit {
    /// All distances from fine to coarse.
    fn all() -> impl Iterator<Item = Self> {
        let fractions = (0..6).flat_map(|e| [1, 2, 5].map(|m| m * 10i64.pow(e)));
        let seconds = [1, 2, 5, 10, 15, 30].map(|n| n * SECOND);
        let minutes = [1, 2, 5, 10, 15, 30].map(|n| n * MINUTE);
        let hours = [1, 2, 3, 6, 12].map(|n| n * HOUR);
        let clock = fractions
            .chain(seconds)
            .chain(minutes)
            .chain(hours)
            .map(Self::Clock);
        let months = [1, 2, 3, 6].into_iter();
        let years = (0..6).flat_map(|e| [1, 2, 5].map(|m| 12 * m * 10i64.pow(e)));
        clock
            .chain([Self::Days(1), Self::Days(2), Self::Weeks(1), Self::Weeks(2)])
            .chain(months.chain(years).map(Self::Months))
    }

    /// Length in microseconds, roughly.
    fn length(self) -> i64 {
        match self {
            Self::Clock(micros) => micros,
            Self::Days(n) => n * DAY,
            Self::Weeks(n) => n * 7 * DAY,
            Self::Months(n) => n.saturating_mul(30 * DAY + 10 * HOUR),
        }
    }

    /// Width of its labels in characters.
    fn label_width(self) -> usize {
        match self {
            Self::Clock(..MINUTE) => 8,
            Self::Clock(_) => 5,
            Self::Days(_) | Self::Weeks(_) => 6,
            Self::Months(_) => 4,
        }
    }

    /// The last boundary at or before a local time, as a local time.
    fn floor(self, local: i64) -> i64 {
        let (date, _) = split(local);
        let day = local.div_euclid(DAY);
        match self {
            Self::Clock(micros) => local - local.rem_euclid(micros),
            Self::Days(n) => (day - day.rem_euclid(n)) * DAY,
            Self::Weeks(n) => (day - (day - MONDAY).rem_euclid(n * 7)) * DAY,
            Self::Months(n) => {
                let month = date.year * 12 + i64::from(date.month) - 1;
                start_of_month(month - month.rem_euclid(n))
            }
        }
    }

    /// The boundary after a boundary, as local times.
    fn next(self, boundary: i64) -> i64 {
        match self {
            Self::Months(n) => {
                let (date, _) = split(boundary);
                start_of_month(date.year * 12 + i64::from(date.month) - 1 + n)
            }
            _ => boundary.saturating_add(self.length()),
        }
    }

    /// Label and context of a boundary.
    fn labels(self, local: i64) -> (String, Option<String>) {
        let (date, of_day) = split(local);
        let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day / SECOND % 60);
        let Date { year, day, .. } = date;
        let month = MONTHS
            .get(usize::from(date.month) - 1)
            .copied()
            .unwrap_or_default();
        match self {
            Self::Clock(step @ ..SECOND) => {
                let decimals = (1..6).find(|&d| step % 10i64.pow(6 - d) == 0).unwrap_or(6);
                let fraction = of_day % SECOND / 10i64.pow(6 - decimals);
                let width = decimals as usize;
                let label = format!("{second:02}.{fraction:0width$}");
                (
                    label,
                    Some(format!("{day} {month} {year}, {hour:02}:{minute:02}")),
                )
            }
            Self::Clock(..MINUTE) => (
                format!("{hour:02}:{minute:02}:{second:02}"),
                Some(format!("{day} {month} {year}")),
            ),
            Self::Clock(_) => (
                format!("{hour:02}:{minute:02}"),
                Some(format!("{day} {month} {year}")),
            ),
            Self::Days(_) | Self::Weeks(_) => (format!("{day} {month}"), Some(year.to_string())),
            Self::Months(..12) => (month.to_string(), Some(year.to_string())),
            Self::Months(_) => (year.to_string(), None),
        }
    }
}

/// The local time at which a month starts, months counted from year 0.
fn start_of_month(month: i64) -> i64 {
    let date = Date {
        year: month.div_euclid(12),
        month: month.rem_euclid(12) as u8 + 1,
        day: 1,
    };
    date.to_days().saturating_mul(DAY)
}

/// The ticks from `first` to `last`, as close together as labels allow on `width` pixels.
pub(super) fn ticks(first: i64, last: i64, width: f64, zone: &TimeZone) -> Vec<Tick> {
    let span = (last.wrapping_sub(first) as u64 as f64).max(1.0);
    let fits = |unit: &Unit| {
        let room = unit.length() as f64 / span * width;
        room >= unit.label_width() as f64 * super::drawing::LABEL_CHARACTER + 22.0
    };
    let Some(unit) = Unit::all().find(fits) else {
        return Vec::new();
    };
    let mut ticks: Vec<Tick> = Vec::new();
    let mut shown = None;
    let mut boundary = unit.floor(local(first, zone));
    // The end in local time may show less than the start where the clock goes back: instants are compared.
    while let time = instant(boundary, zone)
        && time <= last
        && ticks.len() < MOST_TICKS
    {
        if time >= first && ticks.last().is_none_or(|previous| previous.time < time) {
            let (label, context) = unit.labels(boundary);
            let changed = context.is_some() && context != shown;
            ticks.push(Tick {
                time,
                label,
                context: if changed { context.clone() } else { None },
            });
            shown = context;
        }
        boundary = unit.next(boundary);
    }
    ticks
}

/// More than fit on the widest chart.
const MOST_TICKS: usize = 1000;

/// The one tick of an axis that has a single time.
pub(super) fn single(time: i64, zone: &TimeZone) -> Tick {
    let local = local(time, zone);
    let of_day = split(local).1;
    let unit = match of_day {
        0 => Unit::Days(1),
        _ if of_day % MINUTE == 0 => Unit::Clock(MINUTE),
        _ => Unit::Clock(SECOND),
    };
    let (label, context) = unit.labels(local);
    Tick { time, label, context }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::parse;

    fn labels(first: &str, last: &str, width: f64, zone: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let ticks = ticks(parse(first).unwrap(), parse(last).unwrap(), width, &zone);
        let both = |tick: Tick| {
            [Some(tick.label), tick.context]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" | ")
        };
        ticks.into_iter().map(both).collect()
    }

    #[test]
    fn every_span_has_ticks_at_boundaries_of_its_calendar() {
        let cases: [(&str, &str, &[&str]); 8] = [
            (
                "2026-01-05T00:00:00Z",
                "2026-01-05T12:00:00Z",
                &["03:00 | 5 Jan 2026", "06:00", "09:00", "12:00"],
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-21T06:00:00Z",
                &["5 Jan | 2026", "12 Jan", "19 Jan"],
            ),
            (
                "2025-11-15T00:00:00Z",
                "2026-03-02T00:00:00Z",
                &["Dec | 2025", "Jan | 2026", "Feb", "Mar"],
            ),
            (
                "2019-06-01T00:00:00Z",
                "2026-03-02T00:00:00Z",
                &["2020", "2022", "2024", "2026"],
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00.002Z",
                &[
                    "00.0000 | 1 Jan 2026, 01:00",
                    "00.0005",
                    "00.0010",
                    "00.0015",
                    "00.0020",
                ],
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:12Z",
                &["01:00:00 | 1 Jan 2026", "01:00:05", "01:00:10"],
            ),
            (
                "-004000-01-01T00:00:00Z",
                "+200000-01-01T00:00:12Z",
                &["0", "50000", "100000", "150000", "200000"],
            ),
            (
                "2026-01-01T00:00:00Z",
                "2026-01-01T00:00:00.000001Z",
                &["00.000000 | 1 Jan 2026, 01:00", "00.000001"],
            ),
        ];
        for (first, last, expected) in cases {
            assert_eq!(
                labels(first, last, 300.0, "Europe/Berlin"),
                expected,
                "{first} to {last}"
            );
        }
    }

    #[test]
    fn hours_stay_on_the_wall_clock_when_it_is_changed() {
        assert_eq!(
            labels(
                "2026-03-28T12:00:00Z",
                "2026-03-29T12:00:00Z",
                300.0,
                "Europe/Berlin"
            ),
            ["18:00 | 28 Mar 2026", "00:00 | 29 Mar 2026", "06:00", "12:00"]
        );
        assert_eq!(
            labels(
                "2026-10-25T00:00:00+02:00",
                "2026-10-25T06:00:00+01:00",
                300.0,
                "Europe/Berlin"
            ),
            ["00:00 | 25 Oct 2026", "02:00", "04:00", "06:00"]
        );
    }
}
