//! Secrets stay out of every text: what a store was opened with is taken out of what it says.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::options::{StoreOptions, option};

/// Put in the place of a secret.
pub(crate) const MASK: &str = "***";
/// What is shorter than this is left alone, or every text would be full of holes.
const SHORTEST: usize = 4;

/// The secrets of a store in every shape in which they may turn up. `Debug` shows how many.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// The secrets among these options.
    pub(crate) fn of(options: &StoreOptions) -> Self {
        let mut found = Self::default();
        for (name, value) in &options.values {
            if !option(name).is_none_or(|spec| spec.secret) {
                continue;
            }
            found.add(value);
            // The parts of a token and the fields of a key file turn up alone.
            for part in value.trim_start_matches('?').split('&') {
                if let Some(("sig", signature)) = part.split_once('=') {
                    found.add(signature);
                }
            }
            if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(value) {
                for field in ["private_key", "private_key_id"] {
                    fields
                        .get(field)
                        .and_then(|v| v.as_str())
                        .into_iter()
                        .for_each(|v| found.add(v));
                }
            }
        }
        // The longest first: a secret that contains another one is taken out whole.
        found
            .0
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        found.0.dedup();
        found
    }

    fn add(&mut self, secret: &str) {
        let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let lines = secret.replace('\n', "\\n");
        self.0.extend(
            [secret.to_owned(), decoded, encoded, lines]
                .into_iter()
                .filter(|s| s.len() >= SHORTEST),
        );
    }

    /// The text without the secrets.
    pub(crate) fn mask(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), MASK)
            } else {
                text
            }
        })
    }
}

/// A URL without user, password, query and fragment. Where it cannot be said which of them is which, nothing is left of it but
/// the scheme.
pub(crate) fn bare_url(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let user = rest.contains('@') && scheme != "file://";
    match rest.find(['?', '#']) {
        Some(_) if user => format!("{scheme}{MASK}"),
        Some(end) => format!("{scheme}{}", rest.get(..end).unwrap_or_default()),
        // A password may hold slashes.
        None if user => format!("{scheme}{}", rest.rsplit('@').next().unwrap_or_default()),
        None => format!("{scheme}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_user_and_query() {
        for (url, shown) in [
            ("https://me:secret@host:1/a/b", "https://host:1/a/b"),
            ("https://me:se/cr@et@host:1/a/b", "https://host:1/a/b"),
            ("https://host:1/a/b?sig=x#y", "https://host:1/a/b"),
            ("https://me:se?cret@host:1/a/b", "https://***"),
            ("https://host/a?sig=x@y", "https://***"),
            ("me:secret@host", "host"),
            ("s3://bucket", "s3://bucket"),
            ("file:///a@b/c", "file:///a@b/c"),
            ("nonsense?x", "nonsense"),
            ("", ""),
        ] {
            assert_eq!(bare_url(url), shown);
        }
    }

    #[test]
    fn every_shape_of_a_secret_is_masked() {
        let options = StoreOptions {
            url: String::new(),
            values: vec![
                ("secret_access_key".into(), "ab/cd+ef==".into()),
                ("sas_token".into(), "sv=2022&sig=q%2Fr%2Bst%3D".into()),
                (
                    "service_account_key".into(),
                    r#"{"private_key":"-----BEGIN\nxyzzy","private_key_id":"k1234"}"#.into(),
                ),
                ("region".into(), "eu-west-1".into()),
            ],
        };
        let secrets = Secrets::of(&options);
        for text in [
            "ab/cd+ef==",
            "ab%2Fcd%2Bef%3D%3D",
            "q%2Fr%2Bst%3D",
            "q/r+st=",
            "-----BEGIN\nxyzzy",
            "k1234",
        ] {
            assert_eq!(secrets.mask(&format!("<{text}>")), "<***>", "{text}");
        }
        assert_eq!(secrets.mask("eu-west-1"), "eu-west-1");
        assert!(!format!("{secrets:?}").contains("ab/cd"));
    }
}
