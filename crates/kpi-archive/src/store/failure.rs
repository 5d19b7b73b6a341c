//! What went wrong with a request, gathered where it happens.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;

tokio::task_local! {
    /// Where the attempt that runs now writes down why it failed.
    static SLOT: Slot;
}

/// How far an error's text is quoted.
const QUOTED: usize = 300;

/// The reason of one failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// An answer that refuses.
    Answer {
        status: u16,
        /// The service's name for it, `NoSuchBucket` for example.
        code: Option<String>,
        /// The service's words.
        words: Option<String>,
        /// The region in which the bucket is, where the service says so.
        region: Option<String>,
    },
    /// No connection to `host`.
    Connection { host: String, cause: Cause },
    /// A connection that broke, or an answer that is none.
    Broken { host: String, words: String },
    /// Nothing sent or received for too long.
    Silent { host: String },
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    Refused,
    Name,
    TimedOut,
    Certificate(String),
    Other(String),
}

/// Holds the last failure of an attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Failure>>>);

impl Slot {
    /// Runs one attempt, and returns what it wrote down beside its result.
    pub(crate) async fn around<T>(attempt: impl Future<Output = T>) -> (T, Option<Failure>) {
        let slot = Self::default();
        let result = SLOT.scope(slot.clone(), attempt).await;
        let failure = slot.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        (result, failure)
    }

    /// The attempt that runs now has written a failure down.
    pub(crate) fn is_noted() -> bool {
        SLOT.try_with(|slot| slot.0.lock().unwrap_or_else(PoisonError::into_inner).is_some())
            .unwrap_or(false)
    }

    /// Writes a failure down for the attempt that runs now.
    pub(crate) fn note(failure: Failure) {
        let _ = SLOT.try_with(|slot| *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure));
    }
}

impl Failure {
    /// The failure that an answer's status, headers and body (XML or JSON) tell.
    pub(crate) fn of_answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (code, words) = match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => {
                let error = json.get("error").unwrap_or(&json);
                let text = |v: Option<&serde_json::Value>| v.and_then(|v| v.as_str()).map(str::to_owned);
                (
                    text(error.get("status")).or_else(|| text(Some(error))),
                    text(error.get("message").or(json.get("error_description"))),
                )
            }
            Err(_) => (element(&text, "Code"), element(&text, "Message")),
        };
        Self::Answer {
            status,
            code: code.or_else(|| header("x-ms-error-code")).map(|c| quoted(&c)),
            // Azure adds the number of the request and the time on lines of their own.
            words: words
                .map(|w| quoted(w.lines().next().unwrap_or_default()))
                .filter(|w| !w.is_empty()),
            region: header("x-amz-bucket-region")
                .or_else(|| element(&text, "Region"))
                .map(|r| quoted(&r)),
        }
    }

    /// The failure behind an error of the HTTP client.
    pub(crate) fn of_client(host: &str, error: &reqwest::Error) -> Self {
        let host = host.to_owned();
        let mut words = String::new();
        let mut certificate = None;
        let mut refused = false;
        let mut next = error.source();
        while let Some(cause) = next {
            words = cause.to_string();
            certificate = mistrusted(cause).or(certificate);
            let io = cause.downcast_ref::<std::io::Error>();
            refused |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
            // What an error of the system wraps is not its source, but has one.
            next = match io.and_then(std::io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => cause.source(),
            };
        }
        let words = quoted(&words);
        match () {
            () if error.is_connect() => Self::Connection {
                host,
                cause: match certificate {
                    Some(tls) => Cause::Certificate(quoted(&tls)),
                    None if refused => Cause::Refused,
                    None if error.is_dns() => Cause::Name,
                    None if error.is_timeout() => Cause::TimedOut,
                    None => Cause::Other(words),
                },
            },
            () if error.is_timeout() => Self::Silent { host },
            () => Self::Broken { host, words },
        }
    }

    /// Whether the same request may do better later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Answer { status, code, .. } => {
                *status >= 500 && *status != 501 && *status != 505
                    || matches!(status, 408 | 429)
                    // S3's name for a body that did not arrive in time, sent as 400.
                    || code.as_deref() == Some("RequestTimeout")
            }
            Self::Connection { cause, .. } => !matches!(cause, Cause::Certificate(_)),
            Self::Broken { .. } | Self::Silent { .. } => true,
        }
    }
}

/// What is wrong with the certificate, if it is the certificate. Any other trouble with TLS may be the network's.
fn mistrusted(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match error.downcast_ref::<rustls::Error>() {
        Some(tls @ (rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)) => {
            Some(tls.to_string())
        }
        _ => None,
    }
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> Option<String> {
    let open = format!("<{name}>");
    let from = xml.find(&open)? + open.len();
    let rest = xml.get(from..)?;
    let text = rest.get(..rest.find(&format!("</{name}>"))?)?;
    let entities = [
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    Some(
        entities
            .iter()
            .fold(text.to_owned(), |text, (entity, character)| {
                text.replace(entity, character)
            }),
    )
}

/// A text of others, on one line, visible and of bounded length.
fn quoted(text: &str) -> String {
    let line: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTED)
        .collect();
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_each_service_are_found() {
        let s3 = br#"<?xml version="1.0"?><Error><Code>NoSuchBucket</Code><Message>Bucket not found: &lt;x&gt;.</Message><Region>garage</Region></Error>"#;
        assert_eq!(
            Failure::of_answer(404, &HeaderMap::new(), s3),
            Failure::Answer {
                status: 404,
                code: Some("NoSuchBucket".into()),
                words: Some("Bucket not found: <x>".into()),
                region: Some("garage".into())
            }
        );
        let azure = "\u{feff}<Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate.\nRequestId:1\nTime:2</Message></Error>";
        let Failure::Answer { words, .. } = Failure::of_answer(403, &HeaderMap::new(), azure.as_bytes())
        else {
            panic!()
        };
        assert_eq!(words.as_deref(), Some("Server failed to authenticate"));
        let google = br#"{"error":{"code":403,"message":"no access","status":"PERMISSION_DENIED"}}"#;
        let Failure::Answer { code, words, .. } = Failure::of_answer(403, &HeaderMap::new(), google) else {
            panic!()
        };
        assert_eq!(
            (code.as_deref(), words.as_deref()),
            (Some("PERMISSION_DENIED"), Some("no access"))
        );
        let oauth = br#"{"error":"invalid_grant","error_description":"bad key"}"#;
        let Failure::Answer { code, words, .. } = Failure::of_answer(400, &HeaderMap::new(), oauth) else {
            panic!()
        };
        assert_eq!(
            (code.as_deref(), words.as_deref()),
            (Some("invalid_grant"), Some("bad key"))
        );
    }

    #[test]
    fn a_body_that_is_neither_says_nothing_and_a_long_one_is_cut() {
        for body in [&b""[..], b"\xff\xfe", b"<Code>", b"[1]", b"null"] {
            let Failure::Answer { code, words, .. } = Failure::of_answer(500, &HeaderMap::new(), body) else {
                panic!()
            };
            assert_eq!((code, words), (None, None));
        }
        let long = format!("<Message>{}</Message>", "x".repeat(10_000));
        let Failure::Answer { words, .. } = Failure::of_answer(500, &HeaderMap::new(), long.as_bytes())
        else {
            panic!()
        };
        assert_eq!(words.unwrap().len(), QUOTED);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let answer = |status| Failure::of_answer(status, &HeaderMap::new(), b"").may_pass();
        for status in [500, 502, 503, 504, 408, 429, 507] {
            assert!(answer(status), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 405, 409, 411, 413, 416, 501] {
            assert!(!answer(status), "{status}");
        }
        let connection = |cause| {
            Failure::Connection {
                host: "h".into(),
                cause,
            }
            .may_pass()
        };
        assert!(connection(Cause::Refused) && connection(Cause::TimedOut) && connection(Cause::Name));
        assert!(!connection(Cause::Certificate("unknown issuer".into())));
        assert!(Failure::of_answer(400, &HeaderMap::new(), b"<Code>RequestTimeout</Code>").may_pass());
    }
}
