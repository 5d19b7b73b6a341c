use super::{merged, uniform, whole};
use kpi_stats::{Error, HyperLogLog, Period, Retention, State};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000_000;

type Event = (i64, u64);

fn of(period: Period, events: &[Event]) -> Retention {
    whole(&Retention::new(period).unwrap(), events, add)
}

fn add(state: &mut Retention, (time, actor): &Event) {
    state.add(*time, HyperLogLog::mix(*actor));
}

#[test]
fn empty_and_wrong() {
    let empty = of(Period::Months(1), &[]);
    assert_eq!(
        (empty.cohorts(), empty.rate(0), empty.num_actors()),
        (vec![], None, 0)
    );
    for period in [
        Period::Micros(0),
        Period::Micros(-1),
        Period::Months(0),
        Period::Months(-1),
    ] {
        assert!(
            matches!(Retention::new(period), Err(Error::Argument { .. })),
            "{period:?}"
        );
    }
    assert!(!empty.fits(&of(Period::Months(2), &[])));
}

#[test]
fn months_are_those_of_the_calendar() {
    // 2000-01-31, 2000-02-01, 2000-02-29, 2000-03-01
    let visits = of(
        Period::Months(1),
        &[(30 * DAY, 1), (31 * DAY, 1), (59 * DAY, 2), (60 * DAY, 2)],
    );
    let cohorts = visits.cohorts();
    assert_eq!(
        cohorts.iter().map(|cohort| cohort.start).collect::<Vec<_>>(),
        [0, 31 * DAY]
    );
    assert_eq!(cohorts[0].retained, [1, 1, 0]);
    assert_eq!(cohorts[1].retained, [1, 1]);
    // Only the cohort of January can have come back after two months.
    assert_eq!(
        (visits.rate(0), visits.rate(1), visits.rate(2), visits.rate(3)),
        (Some(1.0), Some(1.0), Some(0.0), None)
    );
}

#[test]
fn the_ends_of_time() {
    for period in [
        Period::Micros(1),
        Period::Micros(i64::MAX),
        Period::Months(1),
        Period::Months(i32::MAX),
    ] {
        let visits = of(period, &[(i64::MAX, 1), (i64::MIN, 1), (0, 1), (i64::MIN, 2)]);
        let cohorts = visits.cohorts();
        assert_eq!((cohorts.len(), cohorts[0].size), (1, 2), "{period:?}");
        assert_eq!(visits.rate(u32::MAX), None);
        assert_eq!(Retention::decode(&visits.encode()).unwrap(), visits);
    }
}

/// An actor's periods from the 129th on are not remembered, in any order of the visits.
#[test]
fn periods_of_an_actor_are_bounded() {
    let events: Vec<Event> = (0..200).map(|week| (week * 7 * DAY, 1)).collect();
    let whole = of(Period::Micros(7 * DAY), &events);
    assert_eq!(whole.cohorts()[0].retained, [1; 128]);
    assert_eq!((whole.rate(127), whole.rate(128)), (Some(1.0), None));
    for seed in 0..5 {
        assert_eq!(
            merged(&of(Period::Micros(7 * DAY), &[]), &events, 3, seed, add),
            whole
        );
    }
}

proptest! {
    #[test]
    fn cohorts_are_those_of_the_definition(events in prop::collection::vec((-30..30i64, 0..8u64), 1..80)) {
        let visits = of(Period::Micros(DAY), &events.iter().map(|(day, actor)| (day * DAY + 5, *actor)).collect::<Vec<_>>());
        let mut days: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
        events.iter().for_each(|(day, actor)| { days.entry(*actor).or_default().insert(*day); });
        let last = events.iter().map(|event| event.0).max().unwrap();
        for cohort in visits.cohorts() {
            let first = cohort.start / DAY;
            let members: Vec<_> = days.values().filter(|seen| seen.first() == Some(&first)).collect();
            prop_assert_eq!(cohort.size, members.len() as u64);
            prop_assert_eq!(cohort.retained.len() as i64, last - first + 1);
            for (after, count) in cohort.retained.iter().enumerate() {
                let back = members.iter().filter(|seen| seen.contains(&(first + after as i64))).count();
                prop_assert_eq!(*count, back as u64);
            }
        }
        prop_assert_eq!(visits.num_actors(), days.len() as u64);
        prop_assert_eq!(visits.cohorts().iter().map(|cohort| cohort.size).sum::<u64>(), days.len() as u64);
    }

    #[test]
    fn merge_is_the_whole(events in prop::collection::vec((-500 * DAY..500 * DAY, 0..9u64), 0..300), parts in 1..6usize, seed: u64, months: bool) {
        let period = if months { Period::Months(1) } else { Period::Micros(DAY) };
        prop_assert_eq!(merged(&of(period, &[]), &events, parts, seed, add), of(period, &events));
    }
}

/// 100000 actors, of whom a third come back in the second week: sampled, the same in any split, within the stated error, and
/// of bounded size.
#[test]
fn many_actors_are_sampled() {
    let mut events: Vec<Event> = (0..100_000).map(|actor| (2 * DAY, actor)).collect();
    events.extend(
        (0..100_000)
            .filter(|actor| uniform(*actor + (1 << 40)) < 1.0 / 3.0)
            .map(|actor| (9 * DAY, actor)),
    );
    let period = Period::Micros(7 * DAY);
    let whole = of(period, &events);
    assert_eq!(whole.sampled(), 0.25);
    let n = whole.num_actors() as f64 * whole.sampled();
    assert!((whole.rate(1).unwrap() - 1.0 / 3.0).abs() < 3.0 * 0.5 / n.sqrt());
    assert!((whole.num_actors() as f64 / 1e5 - 1.0).abs() < 0.02);
    assert_eq!(merged(&of(period, &[]), &events, 4, 1, add), whole);
    assert!(whole.encode().len() < 1_000_000);
}
