use crate::{any_recent_series, any_series, any_zone, at, zone};
use kpi_series::{Error, Fill, Series, Step, timestamp};
use proptest::prelude::*;
use timestamp::{DAY, HOUR};

const FILLS: [Fill; 4] = [Fill::Gap, Fill::Previous, Fill::Linear, Fill::Zero];

proptest! {
    #[test]
    fn the_result_is_on_the_grid_of_its_first_point(
        series in any_recent_series(),
        hours in 1i64..500,
        fill in prop::sample::select(FILLS.to_vec()),
        zone in any_zone(),
    ) {
        let every = Step::micros(hours * HOUR);
        let grid = series.regularize(every, fill, &zone).unwrap();
        prop_assert_eq!(grid.times().first(), series.times().first());
        prop_assert!(grid.times().array_windows().all(|[a, b]| b - a == hours * HOUR));
        let last = |s: &Series| s.times().last().copied().unwrap_or(0);
        prop_assert!(last(&grid) <= last(&series) && last(&series) - last(&grid) < hours * HOUR);
        // Each grid point has the last value of its cell, when there is one.
        for (index, &time) in grid.times().iter().enumerate() {
            let cell = series.points().filter(|p| (time..time + hours * HOUR).contains(&p.0));
            match cell.filter_map(|p| p.1.filter(|v| !v.is_nan())).last() {
                Some(value) => prop_assert_eq!(grid.value(index), Some(value)),
                None if fill == Fill::Gap => prop_assert_eq!(grid.value(index), None),
                None if fill == Fill::Zero => prop_assert_eq!(grid.value(index), Some(0.0)),
                None => prop_assert!(grid.value(index).is_none_or(|v| !v.is_nan())),
            }
        }
    }

    #[test]
    fn doing_it_twice_changes_nothing(series in any_recent_series(), days in 1i32..400, fill in prop::sample::select(FILLS.to_vec()), zone in any_zone()) {
        let once = series.regularize(Step::days(days), fill, &zone).unwrap();
        prop_assert_eq!(once.regularize(Step::days(days), fill, &zone).unwrap(), once);
    }

    /// Centuries are few enough for a grid from one end of all times to the other.
    #[test]
    fn a_coarse_grid_spans_any_series(series in any_series(), zone in any_zone()) {
        let grid = series.regularize(Step::months(1200), Fill::Gap, &zone).unwrap();
        prop_assert_eq!(grid.times().first(), series.times().first());
        prop_assert!(grid.len() <= 3_000);
        let hours = series.regularize(Step::micros(1_000_000 * HOUR), Fill::Gap, &zone).unwrap();
        prop_assert_eq!(hours.times().first(), series.times().first());
        let left = hours.times().last().zip(series.times().last()).map(|(a, b)| b.abs_diff(*a));
        prop_assert!(left.is_none_or(|left| left < 1_000_000 * HOUR as u64));
    }

    #[test]
    fn linear_stays_between_its_neighbours(values in prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite()), 2..10)) {
        let points = values.iter().enumerate().map(|(i, &v)| (i as i64 * 7 * DAY, Some(v))).collect();
        let grid = Series::from_points(points).unwrap().regularize(Step::days(1), Fill::Linear, &zone("UTC")).unwrap();
        prop_assert_eq!(grid.len(), (values.len() - 1) * 7 + 1);
        for (index, value) in grid.values().iter().enumerate() {
            let (a, b) = (values[index / 7], values[(index / 7 + 1).min(values.len() - 1)]);
            let slack = a.abs().max(b.abs()) * 1e-15;
            prop_assert!(a.min(b) - slack <= *value && *value <= a.max(b) + slack);
        }
    }
}

fn values(series: &Series) -> Vec<Option<f64>> {
    series.points().map(|point| point.1).collect()
}

#[test]
fn each_fill_on_the_same_series() {
    let points = [
        (0, None),
        (1, Some(1.0)),
        (3, Some(f64::NAN)),
        (4, Some(4.0)),
        (6, None),
    ];
    let s = Series::from_points(points.map(|(day, value)| (day * DAY, value)).to_vec()).unwrap();
    let filled = |fill| values(&s.regularize(Step::days(1), fill, &zone("UTC")).unwrap());
    let (n, v) = (None, Some);
    assert_eq!(filled(Fill::Gap), [n, v(1.0), n, n, v(4.0), n, n]);
    assert_eq!(
        filled(Fill::Previous),
        [n, v(1.0), v(1.0), v(1.0), v(4.0), v(4.0), v(4.0)]
    );
    assert_eq!(filled(Fill::Linear), [n, v(1.0), v(2.0), v(3.0), v(4.0), n, n]);
    assert_eq!(
        filled(Fill::Zero),
        [v(0.0), v(1.0), v(0.0), v(0.0), v(4.0), v(0.0), v(0.0)]
    );
}

#[test]
fn infinities_are_values_that_nothing_leads_to() {
    let points = [(0, f64::INFINITY), (2, 1.0)].map(|(day, value)| (day * DAY, Some(value)));
    let s = Series::from_points(points.to_vec()).unwrap();
    let linear = s.regularize(Step::days(1), Fill::Linear, &zone("UTC")).unwrap();
    assert_eq!(values(&linear), [Some(f64::INFINITY), None, Some(1.0)]);
}

#[test]
fn days_follow_the_wall_clock() {
    let s = at(&["2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00"]);
    let grid = s
        .regularize(Step::days(1), Fill::Gap, &zone("Europe/Berlin"))
        .unwrap();
    let hours: Vec<i64> = grid
        .times()
        .array_windows()
        .map(|[a, b]| (b - a) / HOUR)
        .collect();
    assert_eq!(hours, [24, 23, 24]);
}

#[test]
fn a_day_that_a_zone_skipped_is_not_there() {
    // Samoa went from December 29 to December 31, 2011.
    let s = at(&["2011-12-28T00:00:00-10:00", "2012-01-02T00:00:00+14:00"]);
    let grid = s
        .regularize(Step::days(1), Fill::Gap, &zone("Pacific/Apia"))
        .unwrap();
    assert_eq!(grid.len(), 5);
}

#[test]
fn month_ends_stay_month_ends() {
    let s = at(&[
        "2026-02-28T00:00:00Z",
        "2026-03-31T00:00:00Z",
        "2026-05-31T00:00:00Z",
    ]);
    let grid = s.regularize(Step::months(1), Fill::Linear, &zone("UTC")).unwrap();
    let times: Vec<String> = grid.times().iter().map(|&time| timestamp::format(time)).collect();
    assert_eq!(times[2], "2026-04-30T00:00:00Z");
    assert_eq!(values(&grid).iter().flatten().count(), 4);
}

#[test]
fn what_cannot_be_a_grid_is_refused() {
    let s = at(&["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    assert_eq!(
        s.regularize(Step::micros(1), Fill::Gap, &zone("UTC")),
        Err(Error::GridTooFine)
    );
    assert!(matches!(
        s.regularize(Step::days(0), Fill::Gap, &zone("UTC")),
        Err(Error::StepNotPositive { .. })
    ));
    assert_eq!(
        "cubic".parse::<Fill>(),
        Err(Error::UnknownFill {
            given: "cubic".to_string()
        })
    );
    assert_eq!(
        Series::default().regularize(Step::days(1), Fill::Zero, &zone("UTC")),
        Ok(Series::default())
    );
}
