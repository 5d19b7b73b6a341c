//! What can be said about a store: every option by name, where it belongs and what it means.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::location::Scheme;
use super::secret::{MASK, bare_url};
use crate::Error;

/// One option of a store. [`OPTIONS`] lists them all; a validator of user input goes by this table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// As it is typed.
    pub name: &'static str,
    /// A secret: it belongs into a user mapping, and no text may show it.
    pub secret: bool,
    /// Lends the rights of the server's operating system account (its files, its cloud identity), so that only a
    /// superuser may set it.
    pub superuser: bool,
    /// The kinds of store that know it.
    pub applies: &'static [Scheme],
    /// What it does, with its default.
    pub about: &'static str,
}

const ALL: &[Scheme] = &[Scheme::File, Scheme::S3, Scheme::Azure, Scheme::Gcs];
const REMOTE: &[Scheme] = &[Scheme::S3, Scheme::Azure, Scheme::Gcs];
const S3: &[Scheme] = &[Scheme::S3];
const AZURE: &[Scheme] = &[Scheme::Azure];
const GCS: &[Scheme] = &[Scheme::Gcs];

const fn public(name: &'static str, applies: &'static [Scheme], about: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        secret: false,
        superuser: false,
        applies,
        about,
    }
}

const fn secret(name: &'static str, applies: &'static [Scheme], about: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        secret: true,
        superuser: false,
        applies,
        about,
    }
}

const fn superuser(name: &'static str, applies: &'static [Scheme], about: &'static str) -> OptionSpec {
    OptionSpec {
        name,
        secret: false,
        superuser: true,
        applies,
        about,
    }
}

/// Every option that [`Store::open`](crate::Store::open) knows. Public ones belong to the server, secret ones to the user
/// mapping.
///
/// ```
/// use kpi_archive::OPTIONS;
/// assert!(OPTIONS.iter().any(|option| option.name == "region" && !option.secret));
/// assert!(OPTIONS.iter().any(|option| option.name == "secret_access_key" && option.secret));
/// ```
pub const OPTIONS: &[OptionSpec] = &[
    public(
        "url",
        ALL,
        "where the objects are: file:///folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix",
    ),
    public("region", S3, "region of the bucket; default us-east-1"),
    public(
        "endpoint",
        REMOTE,
        "http:// or https:// address of the service, for what is not the provider's own",
    ),
    public(
        "path_style",
        S3,
        "true: the bucket is in the path of the address, false: in its host name; default true with endpoint, false without",
    ),
    public("account", AZURE, "name of the storage account"),
    public(
        "tenant_id",
        AZURE,
        "directory (tenant) of the application that client_id names",
    ),
    public("client_id", AZURE, "application that signs in with client_secret"),
    public(
        "proxy_url",
        REMOTE,
        "http:// or https:// address of a proxy, without user and password; default none, whatever the environment says",
    ),
    public(
        "connect_timeout",
        REMOTE,
        "how long a connection may take to come about, as 5s, 500ms or 1min; default 5s",
    ),
    public(
        "request_timeout",
        REMOTE,
        "how long a request may go without a byte sent or received; as a whole it may take ten times as long; default 30s",
    ),
    public(
        "retry_timeout",
        REMOTE,
        "no request is repeated once this long has passed since its first attempt; default 60s",
    ),
    public(
        "max_retries",
        REMOTE,
        "how often a request is repeated after a failure that may pass, 0 to 20; default 5",
    ),
    superuser(
        "credentials",
        REMOTE,
        "mapping: the user mapping's; environment: the server's own, from its environment variables or the cloud's instance; anonymous: none, for what is open to all; default mapping",
    ),
    superuser(
        "ca_file",
        REMOTE,
        "file with the certificates (PEM) of authorities to trust, instead of the operating system's",
    ),
    superuser(
        "encryption_key_file",
        ALL,
        "file with the key that encrypts what is written and decrypts what is read",
    ),
    superuser(
        "encryption_key_variable",
        ALL,
        "environment variable of the server with that key",
    ),
    secret("access_key_id", S3, "name of the access key"),
    secret("secret_access_key", S3, "the access key's secret"),
    secret("session_token", S3, "token that goes with temporary access keys"),
    secret("access_key", AZURE, "key of the storage account (base64)"),
    secret(
        "sas_token",
        AZURE,
        "shared access signature: the part of its address after the question mark",
    ),
    secret(
        "client_secret",
        AZURE,
        "secret of the application that client_id names",
    ),
    secret(
        "service_account_key",
        GCS,
        "key of a service account: the JSON text of its key file",
    ),
];

/// The options that a store of this kind knows.
///
/// ```
/// use kpi_archive::{Scheme, known_options};
/// assert!(known_options(Scheme::File).all(|option| !option.secret));
/// assert!(known_options(Scheme::Azure).any(|option| option.name == "account"));
/// ```
pub fn known_options(scheme: Scheme) -> impl Iterator<Item = &'static OptionSpec> {
    OPTIONS
        .iter()
        .filter(move |option| option.applies.contains(&scheme))
}

/// The option of that name.
pub(crate) fn option(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// What a store is opened with: the URL and the options of server and user mapping together. Of an option that is there twice
/// the last one counts. `Debug` shows no secret.
///
/// ```
/// use kpi_archive::StoreOptions;
/// let options = StoreOptions {
///     url: "s3://cold/metrics".into(),
///     values: vec![("region".into(), "eu-west-1".into()), ("secret_access_key".into(), "hunter2hunter2".into())],
/// };
/// let shown = format!("{options:?}");
/// assert!(shown.contains("eu-west-1") && !shown.contains("hunter2"));
/// ```
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// Where the objects are.
    pub url: String,
    /// Option and value.
    pub values: Vec<(String, String)>,
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<(&str, String)> = self
            .values
            .iter()
            .map(|(name, value)| match option(name) {
                Some(spec) if !spec.secret => (name.as_str(), bare_url(value)),
                _ => (name.as_str(), MASK.to_owned()),
            })
            .collect();
        f.debug_struct("StoreOptions")
            .field("url", &bare_url(&self.url))
            .field("values", &shown)
            .finish()
    }
}

impl StoreOptions {
    /// The value of an option; an empty one counts as not given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// Tells these options, secrets included, from others in this process.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut values: Vec<_> = self
            .values
            .iter()
            .map(|(name, _)| (name, self.get(name)))
            .collect();
        values.sort();
        values.dedup();
        let mut hasher = DefaultHasher::new();
        (&self.url, values).hash(&mut hasher);
        hasher.finish()
    }

    /// Every option is known to stores of this kind.
    pub(crate) fn check(&self, scheme: Scheme) -> Result<(), Error> {
        for (name, _) in &self.values {
            if !option(name).is_some_and(|spec| spec.applies.contains(&scheme)) {
                let names: Vec<&str> = known_options(scheme).map(|spec| spec.name).collect();
                return Err(Error::configuration(
                    format!("a store of scheme {scheme} has no option \"{name}\""),
                    None,
                    format!("Its options are {}.", names.join(", ")),
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Error> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true" | "on" | "yes" | "1") => Ok(true),
            Some("false" | "off" | "no" | "0") => Ok(false),
            Some(other) => Err(invalid(name, other, "Write true or false.")),
        }
    }

    pub(crate) fn count(&self, name: &str, default: u32, most: u32) -> Result<u32, Error> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => match text.trim().parse::<u32>() {
                Ok(number) if number <= most => Ok(number),
                _ => Err(invalid(
                    name,
                    text,
                    &format!("Write a whole number from 0 to {most}."),
                )),
            },
        }
    }

    pub(crate) fn duration(&self, name: &str, default: Duration) -> Result<Duration, Error> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => parse_duration(text).ok_or_else(|| {
                invalid(
                    name,
                    text,
                    "Write a number with a unit, ms, s or min, from 10ms to 60min: 30s.",
                )
            }),
        }
    }
}

/// An option whose (public) value cannot be used.
pub(crate) fn invalid(name: &str, value: &str, hint: &str) -> Error {
    Error::configuration(
        format!("option \"{name}\" of the store has a value that cannot be used"),
        Some(format!("The value is \"{value}\".")),
        hint.to_owned(),
    )
}

/// `30s`, `500 ms`, `2min` or a bare number of seconds; from 10 milliseconds to an hour.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text.get(..digits)?.parse().ok()?;
    let seconds = match text.get(digits..)?.trim() {
        "ms" => number / 1000.0,
        "" | "s" | "sec" => number,
        "min" => number * 60.0,
        _ => return None,
    };
    (0.01..=3600.0)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(parse_duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse_duration(" 500 ms "), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("2min"), Some(Duration::from_secs(120)));
        assert_eq!(parse_duration("1.5"), Some(Duration::from_millis(1500)));
        for wrong in [
            "", "s", "-1s", "5 apples", "9ms", "61min", "1e9", "NaN", "inf", "1.2.3s",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_unique_and_secrets_are_never_for_superusers_only() {
        for (i, option) in OPTIONS.iter().enumerate() {
            assert!(
                OPTIONS.iter().skip(i + 1).all(|other| other.name != option.name),
                "{}",
                option.name
            );
            assert!(!(option.secret && option.superuser), "{}", option.name);
            assert!(!option.about.is_empty() && !option.applies.is_empty());
        }
    }

    #[test]
    fn the_last_of_two_values_counts_and_an_empty_one_does_not() {
        let options = StoreOptions {
            url: String::new(),
            values: vec![
                ("region".into(), "a".into()),
                ("region".into(), "b".into()),
                ("endpoint".into(), "".into()),
            ],
        };
        assert_eq!(options.get("region"), Some("b"));
        assert_eq!(options.get("endpoint"), None);
    }

    #[test]
    fn debug_hides_secrets_unknown_options_and_what_the_url_should_not_hold() {
        let options = StoreOptions {
            url: "s3://user:pa55word@bucket/p?token=t0ken".into(),
            values: vec![
                ("sas_token".into(), "sig=abcdef".into()),
                ("acess_key".into(), "typo-secret".into()),
                ("proxy_url".into(), "http://me:pa55word@proxy".into()),
            ],
        };
        let shown = format!("{options:?}");
        for hidden in ["pa55word", "t0ken", "abcdef", "typo-secret"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
