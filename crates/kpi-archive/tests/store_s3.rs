//! S3 against a real server, which environment variables name:
//!
//! `KPI_TEST_S3_URL` (`s3://bucket/prefix`, the prefix empty), `KPI_TEST_S3_ENDPOINT`, `KPI_TEST_S3_REGION`,
//! `KPI_TEST_S3_ACCESS_KEY_ID`, `KPI_TEST_S3_SECRET_ACCESS_KEY`; for one test also `KPI_TEST_S3_OTHER_BUCKET`, a bucket that the
//! key may not use, and for another `KPI_TEST_S3_CA_FILE`, the authority of an endpoint with https that the operating system does
//! not know. Without them the tests say that they are skipped.

// Tests may; clippy does not see that functions beside them are theirs.
#![allow(clippy::unwrap_used)]

mod store_suite;

use bytes::Bytes;
use kpi_archive::{ErrorKind, Store, StoreOptions};
use store_suite::{conforms, debug_keeps, keeps, long_lists_are_whole, noise, own_prefix, text, with};

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("KPI_TEST_S3_{name}"))
        .ok()
        .filter(|v| !v.is_empty())
}

/// The server of the environment, and a prefix of the test's own.
fn server(test: &str) -> Option<StoreOptions> {
    let Some(url) = variable("URL") else {
        println!(
            "SKIPPED {test}: set KPI_TEST_S3_URL, _ENDPOINT, _REGION, _ACCESS_KEY_ID and _SECRET_ACCESS_KEY"
        );
        return None;
    };
    let named = [
        "endpoint",
        "region",
        "access_key_id",
        "secret_access_key",
        "ca_file",
    ];
    let given = named
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variable(&name.to_uppercase())?)));
    Some(StoreOptions {
        url: own_prefix(&url, test),
        values: given.collect(),
    })
}

fn secret() -> String {
    variable("SECRET_ACCESS_KEY").unwrap()
}

#[test]
fn s3_is_a_store() {
    let Some(options) = server("conforms") else { return };
    conforms(&Store::open(&options).unwrap());
    long_lists_are_whole(&Store::open(&options).unwrap());
    debug_keeps(&options, &[&secret()]);
    let spaced = StoreOptions {
        url: format!("{}/a%20b%2Bc%C3%A4", options.url),
        ..options
    };
    conforms(&Store::open(&spaced).unwrap());
}

#[test]
fn a_large_object_goes_in_one_request_and_comes_back() {
    let Some(options) = server("large") else { return };
    let store = Store::open(&options).unwrap();
    let bytes = noise(64_000_000, 5);
    store.put("large", &bytes).unwrap();
    assert_eq!((store.requests().puts, store.requests().retries), (1, 0));
    assert!(store.get("large").unwrap() == bytes);
    // Far apart and near: as few requests as ranges that are apart, and no more bytes than that.
    let before = store.requests();
    let ranges = [
        10..20,
        1_000..2_000,
        30_000_000..30_000_100,
        63_999_999..64_000_000,
    ];
    let got = store.get_ranges("large", &ranges).unwrap();
    for (range, part) in ranges.iter().zip(&got) {
        assert!(part[..] == bytes[range.start as usize..range.end as usize]);
    }
    let done = store.requests().since(&before);
    assert_eq!(done.gets, 3);
    assert!(done.bytes_read < 10_000, "{done:?}");
    store.delete("large").unwrap();
}

#[test]
fn wrong_options_are_told_in_words_and_without_secrets() {
    let Some(options) = server("wrong") else { return };
    let secret = secret();
    let wrong_secret = "0123456789abcdefwrongsecret0123456789abcdef";
    let endpoint = variable("ENDPOINT").unwrap();
    let other_protocol = match endpoint.strip_prefix("http://") {
        Some(host) => format!("https://{host}"),
        None => endpoint.replacen("https://", "http://", 1),
    };
    let bucket = options.url.split('/').nth(2).unwrap().to_owned();
    let elsewhere = |name: &str| StoreOptions {
        url: format!("s3://{name}"),
        values: options.values.clone(),
    };
    let quick = |options: StoreOptions| with(&with(&options, "max_retries", "1"), "connect_timeout", "2s");
    let mut cases = vec![
        (
            with(&options, "secret_access_key", wrong_secret),
            ErrorKind::Denied,
            "secret_access_key",
            0,
        ),
        (
            with(&options, "access_key_id", "GK0123456789abcdef01234567"),
            ErrorKind::Denied,
            "access_key_id",
            0,
        ),
        (
            elsewhere("no-such-bucket-anywhere"),
            ErrorKind::Configuration,
            "bucket",
            0,
        ),
        (
            quick(with(&options, "endpoint", "http://127.0.0.1:1")),
            ErrorKind::Unavailable,
            "endpoint",
            1,
        ),
        (
            quick(with(&options, "endpoint", "http://no.such.host.invalid")),
            ErrorKind::Unavailable,
            "endpoint",
            1,
        ),
        (
            quick(with(&options, "endpoint", &other_protocol)),
            ErrorKind::Unavailable,
            "endpoint",
            1,
        ),
        (
            with(&options, "region", "nowhere-1"),
            ErrorKind::Configuration,
            "region",
            0,
        ),
        (
            with(&options, "credentials", "anonymous"),
            ErrorKind::Denied,
            "anonymous",
            0,
        ),
    ];
    if let Some(other) = variable("OTHER_BUCKET") {
        assert_ne!(other, bucket);
        cases.push((elsewhere(&other), ErrorKind::Denied, "access_key_id", 0));
    } else {
        println!("SKIPPED a bucket that the key may not use: set KPI_TEST_S3_OTHER_BUCKET");
    }
    for (options, kind, hint, retries) in cases {
        let store = Store::open(&options).unwrap();
        let errors = [
            store.put("a/b", &Bytes::from_static(b"x")).unwrap_err(),
            store.get("a/b").unwrap_err(),
            store.size("a/b").unwrap_err(),
            store
                .get_ranges("a/b", &[0..1, 9_000_000..9_000_001])
                .unwrap_err(),
            store.list("a").unwrap_err(),
            store.delete("a/b").unwrap_err(),
        ];
        for error in &errors {
            assert_eq!(error.kind(), kind, "{options:?}: {}", text(error));
            assert!(error.hint().unwrap().contains(hint), "{hint}: {}", text(error));
            assert!(error.detail().is_some(), "{}", text(error));
            keeps(error, &[&secret, wrong_secret]);
        }
        println!(
            "{}\n  {}\n  {}",
            errors[0],
            errors[0].detail().unwrap(),
            errors[0].hint().unwrap()
        );
        assert_eq!(
            store.requests().retries > 0,
            retries > 0,
            "{:?}",
            store.requests()
        );
        let checks = store.check();
        assert!(
            !checks[0].ok && checks.iter().any(|c| c.step == "list"),
            "{checks:?}"
        );
        let shown = format!("{checks:?} {store:?}");
        assert!(
            !shown.contains(&secret) && !shown.contains(wrong_secret),
            "{shown}"
        );
        debug_keeps(&options, &[&secret, wrong_secret]);
    }
}

#[test]
fn a_certificate_of_an_authority_that_nobody_knows_is_told_at_once() {
    let Some(options) = server("certificate") else {
        return;
    };
    if variable("CA_FILE").is_none() {
        println!(
            "SKIPPED a certificate that is not trusted: set KPI_TEST_S3_CA_FILE and an endpoint with https"
        );
        return;
    }
    assert!(
        Store::open(&options)
            .unwrap()
            .check()
            .iter()
            .all(|check| check.ok)
    );
    let store = Store::open(&with(&options, "ca_file", "")).unwrap();
    let error = store.get("a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{}", text(&error));
    assert!(error.hint().unwrap().contains("ca_file"), "{}", text(&error));
    assert_eq!(store.requests().retries, 0);
    keeps(&error, &[&secret()]);
}
