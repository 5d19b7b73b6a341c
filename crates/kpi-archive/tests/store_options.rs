//! What options lead to: words about what is wrong with them, whose credentials are used, and no secret anywhere.

// Tests may; clippy does not see that functions beside them are theirs.
#![allow(clippy::unwrap_used)]

mod store_suite;

use std::sync::atomic::Ordering::SeqCst;

use kpi_archive::{ErrorKind, Scheme, Store, StoreOptions, known_options};
use store_suite::listener::{listener, s3_at, silent};
use store_suite::{debug_keeps, keeps, text, with};

const SECRET: &str = "s3cr3t-n0b0dy-may-see/+=";

fn s3(endpoint: &str) -> StoreOptions {
    s3_at(endpoint, SECRET)
}

/// A key file of a service account that does not exist. The key is made here and now, since a repository should hold none.
fn account() -> Option<String> {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-quiet", "-algorithm", "RSA"])
        .output();
    let made = made.ok().filter(|made| made.status.success()).or_else(|| {
        // Versions before 3 know no -quiet.
        let made = std::process::Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA"])
            .output();
        made.ok().filter(|made| made.status.success())
    });
    let Some(made) = made else {
        println!("SKIPPED what needs a key of a service account: there is no openssl to make one");
        return None;
    };
    let key = String::from_utf8(made.stdout).unwrap();
    let file = serde_json::json!({"client_email": "nobody@example.invalid", "private_key_id": "0123456789abcdef", "private_key": key});
    Some(file.to_string())
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_told_at_once() {
    // Not a certificate of an authority that anything uses; made for this test, its key thrown away.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for (content, wrong) in [
        ("", true),
        ("nonsense", true),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            true,
        ),
        (include_str!("store_suite/authority.pem"), false),
    ] {
        std::fs::write(&file, content).unwrap();
        let opened = Store::open(&with(
            &s3("https://127.0.0.1:1"),
            "ca_file",
            file.to_str().unwrap(),
        ));
        match opened {
            Err(error) => {
                assert!(wrong, "{}", text(&error));
                assert_eq!(error.kind(), ErrorKind::Configuration);
                assert!(text(&error).contains("ca_file"));
            }
            Ok(_) => assert!(!wrong, "{content}"),
        }
    }
}

#[test]
fn options_that_lead_nowhere_are_told_with_what_to_set() {
    let az = |values: &[(&str, &str)]| StoreOptions {
        url: "az://cold/p".into(),
        values: values
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
    };
    let gs = |values: &[(&str, &str)]| StoreOptions {
        url: "gs://cold/p".into(),
        ..az(values)
    };
    let base = s3("http://127.0.0.1:1");
    let without = |name: &str| with(&base, name, "");
    for (options, hint) in [
        (without("access_key_id"), "access_key_id"),
        (without("secret_access_key"), "secret_access_key"),
        (with(&base, "endpoint", "127.0.0.1:3900"), "http://"),
        (with(&base, "endpoint", "ftp://127.0.0.1"), "http://"),
        (
            with(&base, "endpoint", &format!("http://me:{SECRET}@host")),
            "without user",
        ),
        (
            with(&base, "endpoint", &format!("http://host/?x={SECRET}")),
            "query",
        ),
        (with(&base, "credentials", "mine"), "environment"),
        (with(&base, "path_style", "maybe"), "true or false"),
        (with(&base, "max_retries", "-1"), "0 to 20"),
        (with(&base, "max_retries", "21"), "0 to 20"),
        (with(&base, "request_timeout", "soon"), "30s"),
        (with(&base, "connect_timeout", "0s"), "30s"),
        (
            with(&base, "proxy_url", &format!("http://me:{SECRET}@proxy")),
            "without user",
        ),
        (with(&base, "proxy_url", "::"), "http://"),
        (with(&base, "secret_acces_key", SECRET), "secret_access_key"),
        (with(&base, "account", "x"), "region"),
        (az(&[]), "account"),
        (az(&[("account", "a")]), "access_key"),
        (az(&[("account", "a"), ("access_key", "not base64!")]), "base64"),
        (
            az(&[
                ("account", "a"),
                ("access_key", "c2VjcmV0"),
                ("sas_token", "sig=x"),
            ]),
            "not several",
        ),
        (
            az(&[("account", "a"), ("sas_token", SECRET.trim_end_matches('='))]),
            "sas_token",
        ),
        (az(&[("account", "a"), ("client_secret", SECRET)]), "tenant_id"),
        (gs(&[]), "service_account_key"),
        (gs(&[("service_account_key", SECRET)]), "JSON"),
        (
            gs(&[(
                "service_account_key",
                r#"{"private_key":"s3cr3t-n0b0dy-may-see/+=","private_key_id":"1","client_email":"e"}"#,
            )]),
            "JSON",
        ),
    ] {
        let error = match Store::open(&options) {
            Err(error) => error,
            Ok(_) => panic!("{options:?} is a store"),
        };
        assert_eq!(
            error.kind(),
            ErrorKind::Configuration,
            "{options:?}: {}",
            text(&error)
        );
        assert!(error.hint().unwrap().contains(hint), "{hint}: {}", text(&error));
        keeps(&error, &["s3cr3t", "not base64!"]);
        debug_keeps(&options, &["s3cr3t"]);
    }
}

#[test]
fn azure_and_google_are_opened_by_each_way_to_sign_in() {
    let account = account();
    let line = account
        .as_ref()
        .map_or("none", |a| a.split("\\n").nth(1).unwrap());
    let google = account
        .iter()
        .map(|account| ("gs://cold/p", vec![("service_account_key", account.as_str())]));
    let others = [
        (
            "az://cold/p",
            vec![("account", "a"), ("access_key", "c2VjcmV0LXNlY3JldA==")],
        ),
        (
            "az://cold/p",
            vec![
                ("account", "a"),
                ("sas_token", "?sv=2022-11-02&sig=c2VjcmV0LXNlY3JldA%3D%3D"),
            ],
        ),
        (
            "az://cold/p",
            vec![
                ("account", "a"),
                ("tenant_id", "t"),
                ("client_id", "c"),
                ("client_secret", "c2VjcmV0LXNlY3JldA"),
            ],
        ),
        (
            "az://cold/p",
            vec![("account", "a"), ("credentials", "anonymous")],
        ),
        ("gs://cold/p", vec![("credentials", "anonymous")]),
        (
            "s3://cold/p",
            vec![("credentials", "anonymous"), ("region", "eu-west-1")],
        ),
        ("s3://cold.with.dots/p", vec![("credentials", "environment")]),
    ];
    for (url, values) in others.into_iter().chain(google) {
        let options = StoreOptions {
            url: url.into(),
            values: values
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        };
        let store = Store::open(&options).unwrap_or_else(|e| panic!("{options:?}: {}", text(&e)));
        assert_eq!(store.object("a"), format!("{url}/a"));
        debug_keeps(&options, &["c2VjcmV0", line]);
    }
}

#[test]
fn google_asks_its_own_address_whatever_the_key_file_says() {
    let (address, connections) = listener(silent);
    let Some(account) = account() else { return };
    let key = account.replacen(
        '{',
        &format!("{{\"gcs_base_url\": \"{address}\", \"disable_oauth\": true,"),
        1,
    );
    let options = StoreOptions {
        url: "gs://cold/p".into(),
        values: [
            ("service_account_key", key.as_str()),
            ("endpoint", "http://127.0.0.1:1"),
            ("max_retries", "0"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .to_vec(),
    };
    let error = Store::open(&options).unwrap().get("a").unwrap_err();
    assert!(text(&error).contains("127.0.0.1:1 refuses"), "{}", text(&error));
    assert_eq!(connections.load(SeqCst), 0);
}

/// Runs as a process of its own, with another's credentials in its environment.
#[test]
#[ignore = "started by the test of borrowed credentials, as a process of its own"]
fn with_credentials_in_the_environment() {
    for (url, extra) in [
        ("s3://cold", vec![]),
        ("az://cold", vec![("account".to_owned(), "a".to_owned())]),
        ("gs://cold", vec![]),
    ] {
        let error = Store::open(&StoreOptions {
            url: url.into(),
            values: extra.clone(),
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("no credentials"), "{}", text(&error));
        keeps(&error, &["environments-secret", "ZW52aXJvbm1lbnRz"]);
        let options = with(
            &StoreOptions {
                url: url.into(),
                values: extra,
            },
            "credentials",
            "environment",
        );
        match Store::open(&options) {
            Ok(_) => assert_ne!(url, "gs://cold"),
            // The file of the environment's name is not there.
            Err(error) => assert!(
                url == "gs://cold" && error.hint().unwrap().contains("GOOGLE_APPLICATION_CREDENTIALS"),
                "{}",
                text(&error)
            ),
        }
    }
    // Neither an endpoint nor a proxy of the environment redirects a store.
    let options = with(
        &with(&s3("http://127.0.0.1:1"), "max_retries", "0"),
        "credentials",
        "environment",
    );
    let error = Store::open(&options).unwrap().get("a").unwrap_err();
    assert!(text(&error).contains("127.0.0.1:1 refuses"), "{}", text(&error));
}

#[test]
fn credentials_of_the_environment_are_used_only_when_the_server_says_so() {
    let (address, connections) = listener(silent);
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["with_credentials_in_the_environment", "--exact", "--ignored"])
        .envs([
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "environments-secret"),
            ("AWS_ENDPOINT_URL", &address),
            ("AWS_ENDPOINT_URL_S3", &address),
            ("AZURE_STORAGE_ACCOUNT_KEY", "ZW52aXJvbm1lbnRz"),
            ("AZURITE_BLOB_STORAGE_URL", &address),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json"),
            ("HTTP_PROXY", &address),
            ("http_proxy", &address),
            ("ALL_PROXY", &address),
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!(connections.load(SeqCst), 0);
}

#[test]
fn every_option_in_the_table_is_known_to_the_stores_that_it_applies_to() {
    for scheme in [Scheme::S3, Scheme::Azure, Scheme::Gcs] {
        for option in known_options(scheme) {
            let options = StoreOptions {
                url: format!("{scheme}://cold"),
                values: vec![(option.name.into(), "x".into())],
            };
            if let Err(error) = Store::open(&options) {
                assert!(
                    !error.to_string().contains("has no option"),
                    "{scheme} {}: {}",
                    option.name,
                    text(&error)
                );
            }
        }
    }
}
