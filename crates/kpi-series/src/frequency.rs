//! Finds the step at which the points of a series follow each other.

use crate::calendar::{Clock, split};
use crate::step::month_number;
use crate::timestamp::{DAY, Date, HOUR};
use crate::{Series, Step};
use jiff::tz::TimeZone;

/// Mean distances in microseconds from which on steps of months, and of days, come into question.
const MONTHS_FROM: i128 = 20 * DAY as i128;
const DAYS_FROM: i128 = 12 * HOUR as i128;

impl Series {
    /// The step between points, or `None` when there are fewer than two points or no regular step.
    ///
    /// Distances between neighbouring points are counted first in months, then in days, both on the wall clock of
    /// `zone`, then in exact time. In each unit the most common distance is the step when three quarters of all
    /// neighbours have it, or when one quarter have it and all other distances are whole multiples of it. So missing
    /// points do not hide the step, and neither do a few stray ones. Exact time wins over days where more neighbours
    /// have its step. Whether a point is a gap does not matter.
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_series::{Series, Step};
    ///
    /// let months = r#"[["2026-01-01T00:00:00Z", 1], ["2026-02-01T00:00:00Z", 2], ["2026-04-01T00:00:00Z", 3]]"#;
    /// assert_eq!(Series::parse(months)?.frequency(&TimeZone::UTC), Some(Step::months(1)));
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn frequency(&self, zone: &TimeZone) -> Option<Step> {
        let (&first, &last) = (self.times.first()?, self.times.last()?);
        let pairs = self.len() - 1;
        if pairs == 0 {
            return None;
        }
        // A unit that is longer than the mean distance by far cannot be the step: spares most series the calendar.
        let mean = (i128::from(last) - i128::from(first)) / pairs as i128;
        if mean >= MONTHS_FROM
            && let Some(step) = self.months(zone)
        {
            return Some(step);
        }
        let days = if mean >= DAYS_FROM { self.days(zone) } else { None };
        let distances = self
            .times
            .array_windows()
            .map(|[a, b]| Some(b.wrapping_sub(*a) as u64));
        let exact = dominant(distances);
        match (days, exact) {
            // What is daily in another zone is 24 hours here, and fits better as that once a clock is changed.
            (Some(days), exact) if exact.is_none_or(|exact| days.count >= exact.count) => {
                i32::try_from(days.step).ok().map(Step::days)
            }
            (_, Some(exact)) => i64::try_from(exact.step).ok().map(Step::micros),
            (_, None) => None,
        }
    }

    /// The step in days of the zone, when that is the most common one.
    fn days(&self, zone: &TimeZone) -> Option<Dominant> {
        let mut clock = Clock::new(zone);
        let local: Vec<i64> = self.times.iter().map(|&time| clock.local(time)).collect();
        let distances = local.array_windows().map(|[a, b]| {
            let distance = b.checked_sub(*a)?;
            (distance > 0 && distance % DAY == 0).then_some((distance / DAY) as u64)
        });
        dominant(distances)
    }

    /// The step in months of the zone, when that is the most common one.
    fn months(&self, zone: &TimeZone) -> Option<Step> {
        let mut clock = Clock::new(zone);
        let local: Vec<(Date, i64)> = self.times.iter().map(|&time| split(clock.local(time))).collect();
        let day = common_day_of_month(local.iter().map(|point| point.0))?;
        let distances = local.array_windows().map(|[a, b]| {
            let months = month_number(b.0) - month_number(a.0);
            let fits = a.1 == b.1 && months > 0 && lands_on(a.0, day) && lands_on(b.0, day);
            fits.then_some(months as u64)
        });
        let months = i32::try_from(dominant(distances)?.step).ok()?;
        Some(Step {
            day_of_month: (day > 28).then_some(day),
            ..Step::months(months)
        })
    }

    /// The day of the month that steps of months from the first point have to aim at so that no point is missed: 31 for a
    /// series of month ends that starts on February 28, and 28 for one that goes from January 31 to February 28 and on.
    pub(crate) fn landing_day(&self, zone: &TimeZone) -> Option<u8> {
        let (&first, &last) = (self.times.first()?, self.times.last()?);
        if i128::from(last) - i128::from(first) < MONTHS_FROM * (self.len() as i128 - 1) {
            return None;
        }
        let mut clock = Clock::new(zone);
        let dates: Vec<Date> = self
            .times
            .iter()
            .map(|&time| split(clock.local(time)).0)
            .collect();
        let day = common_day_of_month(dates.iter().copied())?;
        dates
            .iter()
            .skip(1)
            .all(|&date| lands_on(date, day))
            .then_some(day)
    }
}

/// The day of the month on which most of the dates are, where a month that is too short counts with its last day.
fn common_day_of_month(dates: impl Iterator<Item = Date> + Clone) -> Option<u8> {
    // Month ends are also on some day in part, so of equal counts the later day is right.
    (1..=31).max_by_key(|&day| dates.clone().filter(|&date| lands_on(date, day)).count())
}

fn lands_on(date: Date, day: u8) -> bool {
    date.day == day.min(date.days_in_month())
}

/// A distance, and how many pairs of neighbours have it.
#[derive(Clone, Copy)]
struct Dominant {
    step: u64,
    count: usize,
}

/// The distance that rules, by the shares that [`Series::frequency`] documents; `None` stands for a distance that is
/// not whole in this unit.
fn dominant(distances: impl Iterator<Item = Option<u64>>) -> Option<Dominant> {
    let mut pairs = 0;
    let mut whole = true;
    // Neighbours mostly have the same distance: runs keep this small for long regular series.
    let mut runs: Vec<(u64, usize)> = Vec::new();
    for distance in distances {
        pairs += 1;
        match (distance, runs.last_mut()) {
            (None, _) => whole = false,
            (Some(distance), Some(run)) if run.0 == distance => run.1 += 1,
            (Some(distance), _) => runs.push((distance, 1)),
        }
    }
    runs.sort_unstable();
    runs.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    let &(step, count) = runs
        .iter()
        .max_by_key(|&&(step, count)| (count, std::cmp::Reverse(step)))?;
    let multiples = || whole && runs.iter().all(|run| run.0 % step == 0);
    (count * 4 >= pairs * 3 || (count * 4 >= pairs && multiples())).then_some(Dominant { step, count })
}
