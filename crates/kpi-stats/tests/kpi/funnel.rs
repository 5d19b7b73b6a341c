use super::{merged, uniform, whole};
use kpi_stats::{Error, Funnel, HyperLogLog, State};
use proptest::prelude::*;

type Event = (i64, u64, i64);

fn of(window: i64, events: &[Event]) -> Funnel {
    whole(&Funnel::new(window).unwrap(), events, add)
}

fn add(state: &mut Funnel, (time, actor, step): &Event) {
    state.add(*time, HyperLogLog::mix(*actor), *step).unwrap();
}

/// By the definition: tries every chain of events.
fn reaches(events: &[Event], actor: u64, step: i64, window: i64) -> bool {
    fn from(events: &[Event], actor: u64, next: i64, step: i64, at: i64, end: i64) -> bool {
        next > step
            || events.iter().any(|&(time, who, what)| {
                who == actor
                    && what == next
                    && (at..=end).contains(&time)
                    && from(events, actor, next + 1, step, time, end)
            })
    }
    events.iter().any(|&(time, who, what)| {
        who == actor && what == 1 && from(events, actor, 2, step, time, time + window)
    })
}

#[test]
fn empty_and_wrong() {
    let funnel = Funnel::new(10).unwrap();
    assert_eq!(
        (funnel.counts(), funnel.num_steps(), funnel.sampled()),
        (vec![], 0, 1.0)
    );
    assert_eq!(
        (funnel.conversion(1), funnel.conversion_from_previous(2)),
        (None, None)
    );
    for step in [0, -1, 33, i64::MIN, i64::MAX] {
        assert!(
            matches!(
                Funnel::new(10).unwrap().add(0, 1, step),
                Err(Error::Argument { .. })
            ),
            "{step}"
        );
    }
    for window in [0, -1] {
        assert!(matches!(Funnel::new(window), Err(Error::Argument { .. })));
    }
    assert!(!funnel.fits(&Funnel::new(11).unwrap()));
}

#[test]
fn the_start_that_leads_furthest_counts() {
    // The first start is too early for step 3, the second is not; steps at the same time count.
    let events = [
        (0, 1, 1),
        (5, 1, 1),
        (6, 1, 2),
        (14, 1, 3),
        (0, 2, 1),
        (0, 2, 2),
        (10, 2, 3),
        (11, 2, 3),
    ];
    let funnel = of(10, &events);
    assert_eq!(funnel.counts(), [2, 2, 2]);
    assert_eq!(
        (funnel.conversion(1), funnel.conversion(3), funnel.conversion(4)),
        (Some(1.0), Some(1.0), None)
    );
    assert_eq!(
        (funnel.conversion(0), funnel.conversion_from_previous(1)),
        (None, Some(1.0))
    );
    assert_eq!(of(9, &events).counts(), [2, 2, 1]);
    assert_eq!(
        of(1, &[(i64::MAX, 1, 1), (i64::MAX, 1, 2), (i64::MIN, 1, 2)]).counts(),
        [1, 1]
    );
    // A step that nobody did, and one without a first.
    assert_eq!(of(9, &[(0, 1, 1), (1, 1, 3), (1, 2, 2)]).counts(), [1, 0, 0]);
    assert_eq!(of(9, &[(1, 2, 2)]).conversion(2), None);
}

/// Of each step the first 32 times are remembered, in any order.
#[test]
fn times_of_a_step_are_bounded() {
    let mut events: Vec<Event> = (0..100).map(|t| (10 * t, 1, 1)).collect();
    events.push((10 * 31 + 1, 1, 2));
    assert_eq!(of(5, &events).counts(), [1, 1]);
    events.pop();
    events.push((10 * 32 + 1, 1, 2));
    assert_eq!(of(5, &events).counts(), [1, 0]);
    for seed in 0..5 {
        assert_eq!(
            merged(&Funnel::new(5).unwrap(), &events, 3, seed, add),
            of(5, &events)
        );
    }
}

proptest! {
    #[test]
    fn counts_are_those_of_the_definition(events in prop::collection::vec((0..40i64, 0..5u64, 1..5i64), 1..60), window in 1..30i64) {
        let counts = of(window, &events).counts();
        prop_assert_eq!(counts.len() as i64, events.iter().map(|event| event.2).max().unwrap());
        for (i, count) in counts.iter().enumerate() {
            let reached = (0..5).filter(|actor| reaches(&events, *actor, i as i64 + 1, window)).count();
            prop_assert_eq!(*count, reached as u64);
        }
    }

    #[test]
    fn merge_is_the_whole(events in prop::collection::vec((0..1000i64, 0..9u64, 1..5i64), 0..300), parts in 1..6usize, seed: u64) {
        prop_assert_eq!(merged(&Funnel::new(50).unwrap(), &events, parts, seed, add), of(50, &events));
    }
}

/// 150000 actors, of whom half get to step 2 and a tenth to step 3: sampled, the same in any split, within the stated error,
/// and of bounded size.
#[test]
fn many_actors_are_sampled() {
    let mut events = Vec::new();
    for actor in 0..150_000u64 {
        let depth = match uniform(actor + (1 << 40)) {
            u if u < 0.1 => 3,
            u if u < 0.5 => 2,
            _ => 1,
        };
        events.extend((1..=depth).map(|step| (step, actor, step)));
    }
    let whole = of(10, &events);
    assert_eq!(whole.sampled(), 0.5);
    let counts = whole.counts();
    let sampled = (counts[0] as f64 * whole.sampled()).sqrt();
    assert!((whole.conversion(2).unwrap() - 0.5).abs() < 3.0 * 0.5 / sampled);
    assert!((whole.conversion(3).unwrap() - 0.1).abs() < 3.0 * 0.5 / sampled);
    assert!((counts[0] as f64 / 150_000.0 - 1.0).abs() < 0.02);
    assert_eq!(merged(&Funnel::new(10).unwrap(), &events, 4, 1, add), whole);
    assert!(whole.encode().len() < 1_200_000);
}
