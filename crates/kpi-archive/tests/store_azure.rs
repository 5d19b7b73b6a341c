//! Azure Blob Storage against a real server or Azurite, which environment variables name:
//!
//! `KPI_TEST_AZURE_URL` (`az://container/prefix`, the prefix empty), `KPI_TEST_AZURE_ENDPOINT`, `KPI_TEST_AZURE_ACCOUNT`,
//! `KPI_TEST_AZURE_ACCESS_KEY`. Without them the tests say that they are skipped.

mod store_suite;

use bytes::Bytes;
use kpi_archive::{ErrorKind, Store, StoreOptions};
use store_suite::{conforms, debug_keeps, keeps, noise, own_prefix, text, with};

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("KPI_TEST_AZURE_{name}"))
        .ok()
        .filter(|v| !v.is_empty())
}

fn server(test: &str) -> Option<StoreOptions> {
    let Some(url) = variable("URL") else {
        println!("SKIPPED {test}: set KPI_TEST_AZURE_URL, _ENDPOINT, _ACCOUNT and _ACCESS_KEY");
        return None;
    };
    let named = ["endpoint", "account", "access_key"];
    let given = named
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), variable(&name.to_uppercase())?)));
    Some(StoreOptions {
        url: own_prefix(&url, test),
        values: given.collect(),
    })
}

#[test]
fn azure_is_a_store() {
    let Some(options) = server("conforms") else { return };
    let store = Store::open(&options).unwrap();
    conforms(&store);
    let bytes = noise(64_000_000, 5);
    store.put("large", &bytes).unwrap();
    assert!(store.get("large").unwrap() == bytes);
    store.delete("large").unwrap();
    debug_keeps(&options, &[&variable("ACCESS_KEY").unwrap()]);
}

#[test]
fn wrong_options_are_told_in_words_and_without_secrets() {
    let Some(options) = server("wrong") else { return };
    let secret = variable("ACCESS_KEY").unwrap();
    let wrong_secret = "d3Jvbmdrd3Jvbmdrd3Jvbmdrd3Jvbmdrd3Jvbmdr";
    let container = StoreOptions {
        url: "az://no-such-container".into(),
        values: options.values.clone(),
    };
    let signature = "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmE%3D";
    let mut sas = with(&options, "access_key", "");
    sas.values.push((
        "sas_token".into(),
        format!("sv=2022-11-02&sp=rwdl&sr=c&se=2099-01-01T00:00:00Z&sig={signature}"),
    ));
    for (options, kind, hint) in [
        (
            with(&options, "access_key", wrong_secret),
            ErrorKind::Denied,
            "access_key",
        ),
        (sas, ErrorKind::Denied, "sas_token"),
        (container, ErrorKind::Configuration, "container"),
        (
            with(
                &with(&options, "endpoint", "http://127.0.0.1:1/x"),
                "max_retries",
                "1",
            ),
            ErrorKind::Unavailable,
            "endpoint",
        ),
    ] {
        let store = Store::open(&options).unwrap();
        for error in [
            store.put("a/b", &Bytes::from_static(b"x")).unwrap_err(),
            store.get("a/b").unwrap_err(),
            store.size("a/b").unwrap_err(),
            store.list("a").unwrap_err(),
            store.delete("a/b").unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{options:?}: {}", text(&error));
            assert!(error.hint().unwrap().contains(hint), "{hint}: {}", text(&error));
            keeps(
                &error,
                &[
                    &secret,
                    wrong_secret,
                    signature,
                    signature.trim_end_matches("%3D"),
                ],
            );
        }
        debug_keeps(&options, &[&secret, wrong_secret, signature]);
    }
}
