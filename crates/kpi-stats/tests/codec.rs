//! Stored states: what was encoded reads back, and nothing else reads at all.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;

use kpi_stats::{Error, HyperLogLog, State, Stats1d, Stats2d, UddSketch};
use proptest::prelude::*;

fn stats1d() -> impl Strategy<Value = Stats1d> {
    prop::collection::vec(prop_oneof![20 => -1e9..1e9f64, 1 => any::<f64>()], 0..30).prop_map(|values| {
        let mut stats = Stats1d::default();
        values.iter().for_each(|x| stats.add(*x));
        stats
    })
}

fn stats2d() -> impl Strategy<Value = Stats2d> {
    prop::collection::vec(
        (-1e9..1e9f64, prop_oneof![20 => -1e9..1e9f64, 1 => any::<f64>()]),
        0..30,
    )
    .prop_map(|pairs| {
        let mut stats = Stats2d::default();
        pairs.iter().for_each(|(y, x)| stats.add(*y, *x));
        stats
    })
}

/// An empty sketch of any settings.
fn sketch() -> impl Strategy<Value = UddSketch> {
    prop_oneof![
        Just(UddSketch::default()),
        (16..300i64, 0.001..1.0f64).prop_map(|(size, error)| UddSketch::with_size(size, error).unwrap()),
    ]
}

fn uddsketch() -> impl Strategy<Value = UddSketch> {
    prop::collection::vec(
        (prop_oneof![20 => -1e3..1e3f64, 3 => any::<f64>()], 0..20u8),
        0..300,
    )
    .prop_flat_map(|values| (Just(values), sketch()))
    .prop_map(|(values, mut sketch)| {
        values
            .iter()
            .for_each(|(x, times)| (0..*times).for_each(|_| sketch.add(*x)));
        sketch
    })
}

fn hyperloglog() -> impl Strategy<Value = HyperLogLog> {
    (4..15u32, 0..5000u64, any::<u64>()).prop_map(|(precision, distinct, seed)| {
        let mut state = HyperLogLog::with_registers(1 << precision).unwrap();
        (0..distinct).for_each(|i| state.add_hash(HyperLogLog::mix(seed.wrapping_add(i))));
        state
    })
}

codec_tests!(stats1d stats2d uddsketch hyperloglog);

#[test]
fn one_state_is_not_read_as_another() {
    let error = Stats2d::decode(&Stats1d::default().encode()).unwrap_err();
    assert_eq!(error.to_string(), "these bytes are not a valid kpi.stats2d");
    assert_eq!(
        error.detail().unwrap(),
        "They hold another kind of state (number 1)."
    );
    let mut newer = Stats1d::default().encode();
    newer[0] = 2;
    let detail = Stats1d::decode(&newer).unwrap_err().detail().unwrap();
    assert_eq!(
        detail,
        "They say format version 2, and this release reads version 1."
    );
}

#[test]
fn errors_in_text_say_where() {
    let position = |text: &str| match Stats1d::from_text(text) {
        Err(Error::Text { position, reason, .. }) => (position, reason),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        position("{\"n\": x}"),
        (7, "expected a count from 0 to 9223372036854775807".into())
    );
    assert_eq!(
        position("{\"n\": 1, \"sum\": [1e999, 0]}"),
        (18, "expected a number".into())
    );
    assert_eq!(position(""), (1, "expected \"{\"".into()));
    let negative = "{\"n\": 2, \"sum\": [2, 0], \"m2\": -1, \"m3\": 0, \"m4\": 0}";
    assert_eq!(position(negative).1, "The sum of squared deviations is negative");
    match UddSketch::from_text("\\x0g") {
        Err(Error::Text { position, .. }) => assert_eq!(position, 4),
        other => panic!("{other:?}"),
    }
}
