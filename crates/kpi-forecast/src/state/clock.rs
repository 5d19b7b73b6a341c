//! Which step of the model a time is.

use super::codec::read_count;
use crate::Error;
use crate::forecast::MAX_HORIZON;
use crate::grid::Grid;
use jiff::tz::TimeZone;
use kpi_series::{Step, timestamp};
use kpi_stats::frame::{Reader, Writer};

const DAY: f64 = 86_400e6;
/// Bytes of a time zone's name.
const LONGEST_NAME: usize = 255;

/// The step of a model and the last time that it has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    step: Step,
    /// The last time of the fit. Steps are counted from there: a month end stays one, and a time that an hour of the summer
    /// lacks comes back the day after.
    anchor: i64,
    /// Steps since.
    since: usize,
    zone: String,
}

impl Clock {
    /// The clock of a series on its grid. `zone` is the name of the time zone that its days are of.
    ///
    /// # Errors
    /// [`Error::NoStep`] for a sequence.
    pub fn of(grid: &Grid, zone: &str) -> Result<Self, Error> {
        Ok(Self {
            step: grid.step().ok_or(Error::NoStep {
                points: grid.points(),
            })?,
            anchor: grid.last(),
            since: 0,
            zone: zone.to_owned(),
        })
    }

    /// The name of the time zone whose days and months the steps are.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The time so many steps after the last one, in microseconds since 2000-01-01 UTC.
    ///
    /// # Errors
    /// [`Error::NoTime`] beyond the times that PostgreSQL knows.
    pub fn time_after(&self, steps: usize, zone: &TimeZone) -> Result<i64, Error> {
        let no_time = Error::NoTime { steps };
        let count = i64::try_from(self.since.saturating_add(steps)).map_err(|_| no_time.clone())?;
        self.step.add(self.anchor, count, zone).map_err(|_| no_time)
    }

    /// Steps from the last time to `time`, at least 1. A time that is off by less than a tenth of a step counts as that of the
    /// step, as small differences do in a series.
    ///
    /// # Errors
    /// [`Error::NotAfter`], [`Error::OffStep`] and [`Error::TooLate`].
    pub(super) fn steps_to(&self, time: i64, zone: &TimeZone) -> Result<usize, Error> {
        let last = self.time_after(0, zone)?;
        let at = |steps: i64| {
            let steps = usize::try_from(steps).unwrap_or(0);
            self.time_after(steps, zone).unwrap_or(i64::MAX)
        };
        let distance = i128::from(time) - i128::from(last);
        let too_late = || Error::TooLate {
            time: timestamp::format(time),
            last: timestamp::format(last),
        };
        let not_after = || Error::NotAfter {
            time: timestamp::format(time),
            last: timestamp::format(last),
        };
        let length = f64::from(self.step.months) * 30.436875 * DAY
            + f64::from(self.step.days) * DAY
            + self.step.micros as f64;
        // No month is shorter than nine tenths of the mean one, and no day than 22 hours.
        let guess = distance as f64 / length.max(1.0);
        if guess > 1.2 * MAX_HORIZON as f64 {
            return Err(too_late());
        }
        let mut before = (guess as i64 - 2).max(0);
        while before > 0 && at(before) > time {
            before -= 1;
        }
        while at(before + 1) <= time && before <= MAX_HORIZON {
            before += 1;
        }
        let (left, right) = (at(before), at(before + 1));
        let off = |place: i64| (i128::from(time) - i128::from(place)).abs();
        let tenth = (i128::from(right) - i128::from(left)) / 10;
        let steps = if distance > 0 && off(right) < tenth {
            before + 1
        } else if distance > 0 && off(left) < tenth.max(1) {
            before
        } else if distance <= 0 {
            return Err(not_after());
        } else {
            return Err(Error::OffStep {
                time: timestamp::format(time),
                nearest: [timestamp::format(left), timestamp::format(right)],
            });
        };
        match usize::try_from(steps) {
            Ok(0) | Err(_) => Err(not_after()),
            Ok(_) if steps > MAX_HORIZON => Err(too_late()),
            Ok(steps) => Ok(steps),
        }
    }

    pub(super) fn advance(&mut self, steps: usize) {
        self.since = self.since.saturating_add(steps);
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.signed(self.step.months.into());
        writer.signed(self.step.days.into());
        writer.signed(self.step.micros);
        writer.u8(self.step.day_of_month.unwrap_or(0));
        writer.i64(self.anchor);
        writer.varint(self.since as u64);
        writer.bytes(self.zone.as_bytes());
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, kpi_stats::Error> {
        let (months, days, micros) = (reader.signed()?, reader.signed()?, reader.signed()?);
        let day = reader.u8()?;
        let parts = (i32::try_from(months), i32::try_from(days));
        let (Ok(months), Ok(days)) = parts else {
            return Err(reader.corrupt("They have a step that is no step.".into()));
        };
        let mut step = Step::new(months, days, micros)
            .map_err(|_| reader.corrupt("They have a step that is no step.".into()))?;
        if day > 31 {
            return Err(reader.corrupt("They have a step that is no step.".into()));
        }
        step.day_of_month = (day > 0).then_some(day);
        let anchor = reader.i64()?;
        if timestamp::check(anchor).is_err() {
            return Err(reader.corrupt("They have a time that is no time.".into()));
        }
        let since = read_count(reader)?;
        let zone = reader.bytes(LONGEST_NAME)?;
        let zone = std::str::from_utf8(zone)
            .map_err(|_| reader.corrupt("They have a time zone without a name.".into()))?;
        Ok(Self {
            step,
            anchor,
            since,
            zone: zone.to_owned(),
        })
    }
}
