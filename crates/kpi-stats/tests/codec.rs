//! Stored states: what was encoded reads back, and nothing else reads at all.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;

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

fn uddsketch() -> impl Strategy<Value = UddSketch> {
    prop::collection::vec(
        (prop_oneof![20 => -1e3..1e3f64, 3 => any::<f64>()], 0..20u8),
        0..300,
    )
    .prop_map(|values| {
        let mut sketch = UddSketch::default();
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

/// Any change at all: a byte replaced, bytes cut off at either end, bytes added.
#[derive(Debug, Clone)]
enum Damage {
    Replace(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Behead(prop::sample::Index),
    Append(Vec<u8>),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, xor)| Damage::Replace(at, xor)),
        2 => any::<prop::sample::Index>().prop_map(Damage::Truncate),
        1 => any::<prop::sample::Index>().prop_map(Damage::Behead),
        1 => prop::collection::vec(any::<u8>(), 1..9).prop_map(Damage::Append),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    match damage {
        Damage::Replace(at, xor) => bytes[at.index(length)] ^= xor,
        Damage::Truncate(at) => bytes.truncate(at.index(length)),
        Damage::Behead(at) => drop(bytes.drain(..=at.index(length))),
        Damage::Append(more) => bytes.extend(more),
        Damage::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
    }
}

fn reads_back<S: State + Debug>(state: &S) {
    let bytes = state.encode();
    // NaN in a state is not equal to itself, so the bytes are compared.
    assert_eq!(S::decode(&bytes).unwrap().encode(), bytes);
    assert_eq!(S::from_text(&state.to_text()).unwrap().encode(), bytes);
    assert_eq!(
        S::from_text(&format!(" {} ", state.to_text())).unwrap().encode(),
        bytes
    );
}

fn damage_is_found<S: State + Debug>(state: &S, damages: &[Damage]) {
    let bytes = state.encode();
    let mut damaged = bytes.clone();
    for damage in damages {
        if !damaged.is_empty() {
            apply(damage, &mut damaged);
        }
    }
    if damaged != bytes {
        let error = S::decode(&damaged).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }
}

/// Bytes whose checksum is right but whose content is not: they may be read or refused, but only that.
fn forged_bytes_do_no_harm<S: State + Debug>(state: &S, damages: &[Damage]) {
    let bytes = state.encode();
    let mut content = bytes[..bytes.len() - 4].to_vec();
    for damage in damages {
        if !content.is_empty() {
            apply(damage, &mut content);
        }
    }
    let checksum = crc32c(&content);
    content.extend(checksum.to_le_bytes());
    if let Ok(mut read) = S::decode(&content) {
        read.merge(state);
        read.encode();
        read.to_text();
    }
}

/// The checksum by its definition, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 * (crc & 1))
        })
    })
}

macro_rules! codec_tests {
    ($($name:ident)+) => {$(
        mod $name {
            use super::*;

            proptest! {
                #[test]
                fn what_was_encoded_reads_back(state in super::$name()) {
                    reads_back(&state);
                }

                #[test]
                fn altered_bytes_are_refused(state in super::$name(), damages in prop::collection::vec(damage(), 1..4)) {
                    damage_is_found(&state, &damages);
                }

                #[test]
                fn forged_bytes_are_harmless(state in super::$name(), damages in prop::collection::vec(damage(), 1..6)) {
                    forged_bytes_do_no_harm(&state, &damages);
                }

                #[test]
                fn every_truncation_is_refused(state in super::$name()) {
                    let bytes = state.encode();
                    for length in 0..bytes.len().min(400) {
                        assert!(decode_like(&state, &bytes[..length]).is_err());
                    }
                }

                #[test]
                fn any_text_ends_in_a_state_or_an_error(text in "[{}\\[\\]\":,a-z0-9. \\\\-]{0,60}") {
                    let _ = from_text_like(&stats_like(super::$name()), &text);
                }
            }
        }
    )+};
}

fn decode_like<S: State>(_: &S, bytes: &[u8]) -> Result<S, Error> {
    S::decode(bytes)
}

fn from_text_like<S: State>(_: &std::marker::PhantomData<S>, text: &str) -> Result<S, Error> {
    S::from_text(text)
}

fn stats_like<S: State>(_: impl Strategy<Value = S>) -> std::marker::PhantomData<S> {
    std::marker::PhantomData
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
    assert_eq!(position(""), (1, "expected {".into()));
    let negative = "{\"n\": 2, \"sum\": [2, 0], \"m2\": -1, \"m3\": 0, \"m4\": 0}";
    assert_eq!(position(negative).1, "The sum of squared deviations is negative");
    match UddSketch::from_text("\\x0g") {
        Err(Error::Text { position, .. }) => assert_eq!(position, 4),
        other => panic!("{other:?}"),
    }
}
