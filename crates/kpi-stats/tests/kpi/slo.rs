use super::{merged, uniform, whole};
use kpi_stats::{AlertRule, Error, Events, Severity, Slo};
use proptest::prelude::*;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

type Event = (i64, i64, i64);

fn of(objective: f64, events: &[Event]) -> Slo {
    whole(&Slo::new(objective).unwrap(), events, add)
}

fn add(state: &mut Slo, (time, good, total): &Event) {
    state.add(*time, *good, *total).unwrap();
}

#[test]
fn empty_and_wrong() {
    let mut slo = Slo::new(0.999).unwrap();
    assert_eq!(
        (slo.sli(), slo.error_budget_left(), slo.end()),
        (None, None, None)
    );
    assert_eq!((slo.burn_rate(0, DAY), slo.severity(0)), (None, None));
    for (good, total) in [(2, 1), (-1, 1), (0, -1), (i64::MIN, i64::MIN)] {
        assert!(
            matches!(slo.add(0, good, total), Err(Error::Argument { .. })),
            "{good} of {total}"
        );
    }
    slo.add(0, 0, 0).unwrap();
    assert_eq!(slo, Slo::new(0.999).unwrap());
    for objective in [0.0, 1.0, 99.9, -0.5, f64::NAN] {
        assert!(
            matches!(Slo::new(objective), Err(Error::Argument { .. })),
            "{objective}"
        );
    }
    assert!(!slo.fits(&Slo::new(0.99).unwrap()));
}

#[test]
fn the_ends_of_time() {
    let mut slo = Slo::new(0.5).unwrap();
    for time in [i64::MIN, 0, i64::MAX] {
        slo.add(time, 1, 2).unwrap();
    }
    assert_eq!(slo.events(), Events { good: 3, total: 6 });
    assert_eq!(slo.events_in(i64::MIN, DAY).total, 0);
    assert_eq!(slo.events_in(i64::MIN + 1, DAY).total, 2);
    assert_eq!(slo.events_in(i64::MAX, i64::MAX).total, 4);
    assert_eq!(slo.events_in(0, 0).total, 0);
    assert_eq!(slo.end(), Some(i64::MAX));
}

/// Counts near the limit of bigint stay there, and never become more good events than events.
#[test]
fn counts_do_not_overflow() {
    let slo = of(
        0.9,
        &[(0, 0, i64::MAX), (0, i64::MAX, i64::MAX), (1, 5, i64::MAX)],
    );
    let events = slo.events();
    assert_eq!(events.total, i64::MAX as u64);
    assert!(events.good <= events.total);
}

/// A window is from `until - window` up to, and without, `until`.
#[test]
fn windows_have_bounds() {
    let slo = of(0.9, &[(0, 1, 1), (MINUTE, 10, 10), (2 * MINUTE, 100, 100)]);
    let total = |until, window| slo.events_in(until, window).total;
    assert_eq!(total(2 * MINUTE, MINUTE), 10);
    assert_eq!(total(2 * MINUTE + 1, MINUTE), 110);
    assert_eq!(total(3 * MINUTE, 2 * MINUTE), 110);
    assert_eq!(total(3 * MINUTE, DAY), 111);
}

/// The workbook's example: with a constant error rate r, the alerts of an objective of 99.9% fire above r = 0.1%, 0.6% and 1.44%.
#[test]
fn alerts_of_a_constant_error_rate() {
    let firing = |bad: i64| {
        let events: Vec<_> = (0..3 * 24 * 60)
            .map(|at| (at * MINUTE, 100_000 - bad, 100_000))
            .collect();
        of(0.999, &events).alerts(3 * DAY).map(|alert| alert.firing)
    };
    assert_eq!(firing(99), [false, false, false]);
    assert_eq!(firing(101), [false, false, true]);
    assert_eq!(firing(599), [false, false, true]);
    assert_eq!(firing(601), [false, true, true]);
    assert_eq!(firing(1439), [false, true, true]);
    assert_eq!(firing(1441), [true, true, true]);
}

/// Ten minutes of total failure page at once; an hour later only the long windows remember them.
#[test]
fn an_outage_pages_and_is_over() {
    let events: Vec<_> = (0..2 * 24 * 60)
        .map(|at| (at * MINUTE, if (1000..1010).contains(&at) { 0 } else { 100 }, 100))
        .collect();
    let slo = of(0.999, &events);
    assert_eq!(slo.severity(1000 * MINUTE), None);
    assert_eq!(slo.severity(1002 * MINUTE), Some(Severity::Page));
    let later = slo.alerts(1080 * MINUTE);
    assert_eq!(later.map(|alert| alert.firing), [false, false, true]);
    assert!(later[1].long_burn_rate.unwrap() > 6.0 && later[1].short_burn_rate == Some(0.0));
    assert_eq!(slo.severity(1080 * MINUTE), Some(Severity::Ticket));
    assert!(
        AlertRule::WORKBOOK
            .iter()
            .all(|rule| rule.long == 12 * rule.short)
    );
}

/// A year of minutes: buckets grow, their number and the size stay bounded, and no event is lost.
#[test]
fn size_is_bounded() {
    let mut slo = Slo::new(0.999).unwrap();
    let mut widths = vec![slo.bucket_width()];
    for at in 0..365 * 24 * 60 {
        slo.add(at * MINUTE, 990 + at % 11, 1000).unwrap();
        if slo.bucket_width() != widths[widths.len() - 1] {
            widths.push(slo.bucket_width());
        }
    }
    assert_eq!(widths, [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR]);
    assert_eq!(slo.events().total, 365 * 24 * 60 * 1000);
    let size = kpi_stats::State::encode(&slo).len();
    assert!(size < 80_000, "{size} bytes");
}

proptest! {
    /// The very state of the whole, in any split and order.
    #[test]
    fn merge_is_the_whole(events in prop::collection::vec((-50 * DAY..50 * DAY, 0..100i64, 0..100i64), 0..300), parts in 1..6usize, seed: u64) {
        let events: Vec<Event> = events.iter().map(|(t, good, bad)| (*t, *good, good + bad)).collect();
        let empty = Slo::new(0.99).unwrap();
        prop_assert_eq!(merged(&empty, &events, parts, seed, add), of(0.99, &events));
    }

    /// Burn rates are those of a count over all events, when windows are of whole minutes.
    #[test]
    fn burn_rates_are_those_of_the_events(events in prop::collection::vec((0..DAY, 0..100i64, 1..100i64), 1..100), until in 0..1440i64, window in 1..1440i64) {
        let events: Vec<Event> = events.iter().map(|(t, good, bad)| (*t, *good, good + bad)).collect();
        let slo = of(0.99, &events);
        let (until, window) = (until * MINUTE, window * MINUTE);
        let inside = || events.iter().filter(|(t, ..)| (until - window..until).contains(t));
        let total: i64 = inside().map(|event| event.2).sum();
        let bad: i64 = inside().map(|event| event.2 - event.1).sum();
        match slo.burn_rate(until, window) {
            None => prop_assert_eq!(total, 0),
            Some(rate) => prop_assert!((rate - bad as f64 / total as f64 / 0.01).abs() < 1e-9),
        }
    }
}

/// The same with so many buckets that parts are of different widths.
#[test]
fn merge_is_the_whole_across_widths() {
    for days in [10, 100, 3000, 2_000_000] {
        let events: Vec<Event> = (0..30_000)
            .map(|i| {
                (
                    (uniform(i) * (days * DAY) as f64) as i64 - DAY,
                    1 + i as i64 % 7,
                    9,
                )
            })
            .collect();
        let whole = of(0.99, &events);
        assert!(whole.bucket_width() > MINUTE);
        for seed in 0..3 {
            assert_eq!(
                merged(&Slo::new(0.99).unwrap(), &events, 5, seed, add),
                whole,
                "{days}"
            );
        }
    }
}
