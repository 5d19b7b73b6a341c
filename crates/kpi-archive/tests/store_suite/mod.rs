//! What every store must do, whatever it is. Each test of a backend runs [`conforms`] against it.

// Each test crate that shares this uses a part of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod listener;

use std::collections::BTreeSet;
use std::fmt::Write;

use bytes::Bytes;
use kpi_archive::{Entry, Error, ErrorKind, Store, StoreOptions};

/// Everything an error says, in one text.
pub fn text(error: &Error) -> String {
    let mut all = format!("{error}\n{error:?}\n{:?}\n{:?}\n", error.detail(), error.hint());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = write!(all, "{cause} {cause:?}");
        source = cause.source();
    }
    all
}

/// The error says nothing of these secrets.
pub fn keeps(error: &Error, secrets: &[&str]) {
    let all = text(error);
    for secret in secrets {
        assert!(!all.contains(secret), "an error tells a secret: {all}");
    }
}

/// Bytes without a pattern that a wrong offset could hide behind.
pub fn noise(length: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next)
        .take(length)
        .collect::<Vec<u8>>()
        .into()
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|e| e.key.as_str()).collect()
}

/// The whole suite, below the URL of an empty store.
pub fn conforms(store: &Store) {
    assert_eq!(store.list("").unwrap(), vec![], "the suite wants an empty store");
    written_is_read(store);
    ranges_are_exact(store);
    what_is_missing_is_told(store);
    lists_go_by_parts(store);
    deleting_is_idempotent(store);
    a_check_passes(store);
    requests_are_counted(store);
    assert_eq!(store.list("").unwrap(), vec![], "the suite cleans up");
}

fn written_is_read(store: &Store) {
    for length in [0, 1, 100, 256 * 1024, 256 * 1024 + 1, 9_000_000] {
        let key = format!("owner/public.a%20b/0000-{length}.parquet");
        let bytes = noise(length, length as u64);
        store.put(&key, &bytes).unwrap();
        assert_eq!(store.size(&key).unwrap(), length as u64);
        assert!(store.get(&key).unwrap() == bytes, "{length}");
        // The same again, as after an answer that was lost.
        store.put(&key, &bytes).unwrap();
        assert!(store.get(&key).unwrap() == bytes, "{length}");
        // Another, shorter one replaces it whole.
        store.put(&key, &bytes.slice(..length / 2)).unwrap();
        assert!(store.get(&key).unwrap() == bytes.slice(..length / 2), "{length}");
        store.delete(&key).unwrap();
    }
    for key in [
        "~a!b'c(d)*e,f=g@h:i&j+k$l;m",
        "a%2Fb/%25",
        "[x]{y}^z|`\"<>",
        "a#1",
        "0",
    ] {
        store.put(key, &Bytes::from_static(b"odd")).unwrap();
        assert_eq!(store.get(key).unwrap(), "odd", "{key}");
        assert_eq!(keys(&store.list("").unwrap()), [key]);
        store.delete(key).unwrap();
    }
}

fn ranges_are_exact(store: &Store) {
    let bytes = noise(3_000_000, 7);
    store.put("ranges", &bytes).unwrap();
    let asked = [
        0..1,
        2_999_999..3_000_000,
        5..5,
        100..200,
        150..250,
        0..3_000_000,
        2_000_000..2_000_010,
        90..100,
    ];
    let got = store.get_ranges("ranges", &asked).unwrap();
    assert_eq!(got.len(), asked.len());
    for (range, part) in asked.iter().zip(&got) {
        assert!(
            part[..] == bytes[range.start as usize..range.end as usize],
            "{range:?}"
        );
    }
    assert_eq!(store.get_ranges("ranges", &[]).unwrap(), Vec::<Bytes>::new());
    for beyond in [2_999_999..3_000_001, 3_000_000..3_000_001, 4_000_000..5_000_000] {
        let error = store.get_ranges("ranges", &[0..10, beyond.clone()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{beyond:?}: {}", text(&error));
        assert!(text(&error).contains("ranges"), "it names the object");
    }
    store.delete("ranges").unwrap();
}

fn what_is_missing_is_told(store: &Store) {
    let missing = "nowhere/to/be/found.parquet";
    for error in [
        store.get(missing).unwrap_err(),
        store.size(missing).unwrap_err(),
        store
            .get_ranges(missing, std::slice::from_ref(&(0..1)))
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}", text(&error));
        assert!(
            text(&error).contains(missing),
            "it names the object: {}",
            text(&error)
        );
    }
    for wrong in ["", "/x", "x/", "a//b", "../x", "a/./b", "a b"] {
        assert_eq!(
            store.put(wrong, &Bytes::new()).unwrap_err().kind(),
            ErrorKind::Configuration,
            "{wrong}"
        );
        assert_eq!(
            store.get(wrong).unwrap_err().kind(),
            ErrorKind::Configuration,
            "{wrong}"
        );
        assert_eq!(
            store.delete(wrong).unwrap_err().kind(),
            ErrorKind::Configuration,
            "{wrong}"
        );
    }
    // A part of a key is no object.
    store.put("a/b", &Bytes::from_static(b"1")).unwrap();
    assert_eq!(store.get("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.size("a").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.get("a/b/c").unwrap_err().kind(), ErrorKind::NotFound);
    store.delete("a/b").unwrap();
}

fn lists_go_by_parts(store: &Store) {
    let all = ["l/a/1", "l/a/2", "l/a/b/3", "l/ab/4", "m/5"];
    for (i, key) in all.iter().enumerate() {
        store.put(key, &noise(i, 1)).unwrap();
    }
    let whole = store.list("").unwrap();
    assert_eq!(keys(&whole), all);
    assert_eq!(whole.iter().map(|e| e.size).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(keys(&store.list("l/a").unwrap()), ["l/a/1", "l/a/2", "l/a/b/3"]);
    assert_eq!(keys(&store.list("l/a/").unwrap()), ["l/a/1", "l/a/2", "l/a/b/3"]);
    assert_eq!(keys(&store.list("l/x").unwrap()), [""; 0]);
    assert_eq!(keys(&store.list("l/a/1/x").unwrap()), [""; 0]);
    for key in all {
        store.delete(key).unwrap();
    }
}

fn deleting_is_idempotent(store: &Store) {
    store.delete("never/was").unwrap();
    store.put("was", &Bytes::from_static(b"1")).unwrap();
    store.delete("was").unwrap();
    store.delete("was").unwrap();
    assert_eq!(store.get("was").unwrap_err().kind(), ErrorKind::NotFound);
}

fn a_check_passes(store: &Store) {
    let checks = store.check();
    let steps: BTreeSet<&str> = checks.iter().map(|c| c.step.as_str()).collect();
    assert_eq!(steps, BTreeSet::from(["write", "read", "list", "delete"]));
    assert!(checks.iter().all(|c| c.ok && !c.message.is_empty()), "{checks:?}");
}

fn requests_are_counted(store: &Store) {
    let before = store.requests();
    store.put("counted", &noise(1000, 3)).unwrap();
    store.get("counted").unwrap();
    store
        .get_ranges("counted", std::slice::from_ref(&(10..20)))
        .unwrap();
    store.list("").unwrap();
    store.delete("counted").unwrap();
    let done = store.requests().since(&before);
    assert_eq!(
        (done.puts, done.gets, done.lists, done.deletes, done.retries),
        (1, 2, 1, 1, 0)
    );
    assert!(done.bytes_written >= 1000 && done.bytes_read >= 1010, "{done:?}");
}

/// More objects than a page of a list holds.
pub fn long_lists_are_whole(store: &Store) {
    let count = 1_105;
    for i in 0..count {
        store.put(&format!("long/{i:05}"), &Bytes::new()).unwrap();
    }
    let before = store.requests();
    let listed = store.list("long").unwrap();
    assert_eq!(listed.len(), count);
    assert_eq!(listed[1_104].key, "long/01104");
    println!(
        "a list of {count} objects took {} requests",
        store.requests().since(&before).lists
    );
    for entry in listed {
        store.delete(&entry.key).unwrap();
    }
}

/// A store's `Debug` and that of its options keep these secrets.
pub fn debug_keeps(options: &StoreOptions, secrets: &[&str]) {
    let mut shown = format!("{options:?} {options:#?}");
    if let Ok(store) = Store::open(options) {
        let _ = write!(shown, "{store:?} {store:#?}");
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// The options with one more, or another value of it.
pub fn with(options: &StoreOptions, name: &str, value: &str) -> StoreOptions {
    let mut changed = options.clone();
    changed.values.push((name.to_owned(), value.to_owned()));
    changed
}

/// A place below the URL that no other run has used.
pub fn own_prefix(url: &str, test: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    format!("{}/{test}-{}", url.trim_end_matches('/'), now.as_nanos())
}
