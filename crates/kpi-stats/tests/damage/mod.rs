//! What every stored state is put through: reading back, altered bytes, forged bytes, truncation and any text.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;

use kpi_stats::{Error, State};
use proptest::prelude::*;

/// Any change at all: a byte replaced, bytes cut off at either end, bytes added.
#[derive(Debug, Clone)]
pub enum Damage {
    Replace(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Behead(prop::sample::Index),
    Append(Vec<u8>),
    Swap(prop::sample::Index, prop::sample::Index),
}

pub fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, xor)| Damage::Replace(at, xor)),
        2 => any::<prop::sample::Index>().prop_map(Damage::Truncate),
        1 => any::<prop::sample::Index>().prop_map(Damage::Behead),
        1 => prop::collection::vec(any::<u8>(), 1..9).prop_map(Damage::Append),
        1 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

pub fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    match damage {
        Damage::Replace(at, xor) => bytes[at.index(length)] ^= xor,
        Damage::Truncate(at) => bytes.truncate(at.index(length)),
        Damage::Behead(at) => drop(bytes.drain(..=at.index(length))),
        Damage::Append(more) => bytes.extend(more),
        Damage::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
    }
}

pub fn reads_back<S: State + Debug>(state: &S) {
    let bytes = state.encode();
    // NaN in a state is not equal to itself, so the bytes are compared.
    assert_eq!(S::decode(&bytes).unwrap().encode(), bytes);
    assert_eq!(S::from_text(&state.to_text()).unwrap().encode(), bytes);
    assert_eq!(
        S::from_text(&format!(" {} ", state.to_text())).unwrap().encode(),
        bytes
    );
}

pub fn damage_is_found<S: State + Debug>(state: &S, damages: &[Damage]) {
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

/// What is read from altered bytes whose checksum is right, if they can be read at all.
pub fn forged<S: State>(state: &S, damages: &[Damage]) -> Option<S> {
    let bytes = state.encode();
    let mut content = bytes[..bytes.len() - 4].to_vec();
    for damage in damages {
        if !content.is_empty() {
            apply(damage, &mut content);
        }
    }
    let checksum = crc32c(&content);
    content.extend(checksum.to_le_bytes());
    S::decode(&content).ok()
}

/// Forged bytes may be read or refused, but only that.
pub fn forged_bytes_do_no_harm<S: State + Debug>(state: &S, damages: &[Damage]) {
    if let Some(mut read) = forged(state, damages) {
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

pub fn truncations_are_refused<S: State>(state: &S) {
    let bytes = state.encode();
    for length in 0..bytes.len().min(400) {
        assert!(S::decode(&bytes[..length]).is_err());
    }
}

pub fn from_text_like<S: State>(_: &std::marker::PhantomData<S>, text: &str) -> Result<S, Error> {
    S::from_text(text)
}

pub fn stats_like<S: State>(_: impl Strategy<Value = S>) -> std::marker::PhantomData<S> {
    std::marker::PhantomData
}

/// The tests of the states that the strategies of these names make.
#[macro_export]
macro_rules! codec_tests {
    ($($name:ident)+) => {$(
        mod $name {
            use proptest::prelude::*;
            use $crate::damage::*;

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
                    truncations_are_refused(&state);
                }

                #[test]
                fn any_text_ends_in_a_state_or_an_error(text in "[{}\\[\\]\":,a-z0-9. \\\\-]{0,60}") {
                    let _ = from_text_like(&stats_like(super::$name()), &text);
                }
            }
        }
    )+};
}
