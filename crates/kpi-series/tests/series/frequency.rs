use crate::{any_series, any_zone, at, zone};
use kpi_series::{Series, Step, timestamp};
use proptest::prelude::*;
use timestamp::{DAY, HOUR, MINUTE, SECOND};

const START: &str = "2026-01-01T00:00:00+01:00";

/// Points at `start` plus whole steps, without those that `keep` drops.
fn stepped(start: &str, step: Step, zone_name: &str, count: i64, keep: impl Fn(i64) -> bool) -> Series {
    let start = timestamp::parse(start).unwrap();
    let times = (0..count)
        .filter(|&n| keep(n))
        .map(|n| step.add(start, n, &zone(zone_name)).unwrap());
    Series::from_points(times.map(|time| (time, Some(1.0))).collect()).unwrap()
}

proptest! {
    #[test]
    fn a_step_is_found_again_though_points_are_missing(
        step in prop::sample::select(vec![
            Step::months(1), Step::months(3), Step::months(12), Step::days(1), Step::days(7), Step::days(2),
            Step::micros(HOUR), Step::micros(5 * MINUTE), Step::micros(SECOND), Step::micros(250_000),
        ]),
        zone_name in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
        missing in prop::collection::btree_set(1i64..199, 0..20),
    ) {
        // The first of a month in the zone.
        let offset = zone(zone_name).to_offset(jiff::Timestamp::from_second(1_770_000_000).unwrap());
        let start = timestamp::format(timestamp::parse("2026-02-01T00:00:00Z").unwrap() - i64::from(offset.seconds()) * SECOND);
        let series = stepped(&start, step, zone_name, 200, |n| !missing.contains(&n));
        prop_assert_eq!(series.frequency(&zone(zone_name)), Some(step));
    }

    #[test]
    fn any_series_has_an_answer(series in any_series(), zone in any_zone()) {
        if let Some(step) = series.frequency(&zone) {
            prop_assert!(Step::new(step.months, step.days, step.micros).is_ok());
        }
    }
}

#[test]
fn fewer_than_two_points_have_no_step() {
    assert_eq!(Series::default().frequency(&zone("UTC")), None);
    assert_eq!(at(&["2026-01-01T00:00:00Z"]).frequency(&zone("UTC")), None);
    assert_eq!(
        at(&["2026-01-01T00:00:00Z", "2026-01-01T00:07:00Z"]).frequency(&zone("UTC")),
        Some(Step::micros(7 * MINUTE))
    );
}

#[test]
fn a_day_in_one_zone_is_24_hours_in_another() {
    let daily = stepped(START, Step::days(1), "Europe/Berlin", 365, |_| true);
    assert_eq!(daily.frequency(&zone("Europe/Berlin")), Some(Step::days(1)));
    // New York changes its clocks on other days, where the wall clock there jumps.
    assert_eq!(daily.frequency(&zone("UTC")), Some(Step::days(1)));
    let utc = stepped("2026-01-01T00:00:00Z", Step::micros(DAY), "UTC", 365, |_| true);
    assert_eq!(utc.frequency(&zone("UTC")), Some(Step::days(1)));
    assert_eq!(utc.frequency(&zone("Europe/Berlin")), Some(Step::micros(DAY)));
}

#[test]
fn month_ends_are_months() {
    let ends = Step {
        day_of_month: Some(31),
        ..Step::months(1)
    };
    let series = stepped("2026-02-28T00:00:00Z", ends, "UTC", 24, |_| true);
    assert_eq!(timestamp::format(series.times()[1]), "2026-03-31T00:00:00Z");
    assert_eq!(series.frequency(&zone("UTC")), Some(ends));
    let quarters = stepped(
        "2025-06-30T00:00:00Z",
        Step { months: 3, ..ends },
        "UTC",
        8,
        |_| true,
    );
    assert_eq!(quarters.frequency(&zone("UTC")), Some(Step { months: 3, ..ends }));
    let thirtieth = Step {
        day_of_month: Some(30),
        ..Step::months(1)
    };
    let series = stepped("2026-01-30T00:00:00Z", thirtieth, "UTC", 24, |_| true);
    assert_eq!(series.frequency(&zone("UTC")), Some(thirtieth));
}

#[test]
fn working_days_are_days_and_opening_hours_are_hours() {
    let working_days = stepped("2026-01-05T00:00:00Z", Step::days(1), "UTC", 70, |n| n % 7 < 5);
    assert_eq!(working_days.frequency(&zone("UTC")), Some(Step::days(1)));
    let opening_hours = stepped("2026-01-05T00:00:00Z", Step::micros(HOUR), "UTC", 480, |n| {
        (9..17).contains(&(n % 24))
    });
    assert_eq!(opening_hours.frequency(&zone("UTC")), Some(Step::micros(HOUR)));
}

#[test]
fn strays_do_not_hide_the_step_and_chance_has_none() {
    let hourly = stepped("2026-01-05T00:00:00Z", Step::micros(HOUR), "UTC", 48, |_| true);
    let mut points: Vec<_> = hourly.points().collect();
    points.push((hourly.times()[7] + 17 * MINUTE, Some(1.0)));
    assert_eq!(
        Series::from_points(points).unwrap().frequency(&zone("UTC")),
        Some(Step::micros(HOUR))
    );
    let mut time = 0;
    let chance = (1..200u64).map(|i| {
        time += (i * 2_654_435_761 % 9_973) as i64 * SECOND;
        (time, Some(1.0))
    });
    assert_eq!(
        Series::from_points(chance.collect())
            .unwrap()
            .frequency(&zone("UTC")),
        None
    );
    // Half and half is no rule.
    assert_eq!(
        at(&[
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00Z",
            "2026-01-01T02:30:00Z"
        ])
        .frequency(&zone("UTC")),
        None
    );
}

/// Months of UTC start at 19:00 or 20:00 on the last day of a month in New York: months all the same.
#[test]
fn months_of_another_zone_are_months() {
    let months = stepped("2026-01-01T00:00:00Z", Step::months(1), "UTC", 24, |_| true);
    let month_ends = Step {
        day_of_month: Some(31),
        ..Step::months(1)
    };
    assert_eq!(months.frequency(&zone("America/New_York")), Some(month_ends));
    assert_eq!(months.frequency(&zone("Europe/Berlin")), Some(Step::months(1)));
}
