//! Failures in words: what happened, to which object, and which option to look at.

use super::failure::{Cause, Failure};
use super::location::{Location, Scheme};
use super::secret::Secrets;
use crate::{Error, ErrorKind};

pub(crate) fn unavailable(message: String, detail: Option<String>, hint: Option<String>) -> Error {
    Error::new(ErrorKind::Unavailable, message, detail, hint)
}

pub(crate) fn denied(message: String, detail: Option<String>, hint: String) -> Error {
    Error::new(ErrorKind::Denied, message, detail, Some(hint))
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Put,
    Get,
    Size,
    Delete,
    List,
}

impl Action {
    fn verb(self) -> &'static str {
        match self {
            Self::Put => "writing",
            Self::Get => "reading",
            Self::Size => "looking for",
            Self::Delete => "deleting",
            Self::List => "listing",
        }
    }
}

/// Whose credentials a store uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// The user mapping's.
    Mapping,
    /// The server's own.
    Environment,
    /// None.
    Anonymous,
}

/// Tells what happened to the requests of one store.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) location: Location,
    pub(crate) secrets: Secrets,
    pub(crate) credentials: Credentials,
}

impl Teller {
    /// The error for an action on a key whose `attempts`-th and last attempt failed.
    pub(crate) fn tell(
        &self,
        action: Action,
        key: &str,
        failure: Option<Failure>,
        error: &object_store::Error,
        attempts: u32,
    ) -> Error {
        let object = self.object(key);
        let about = |reason: String| {
            let tries = if attempts > 1 {
                format!(" ({attempts} attempts)")
            } else {
                String::new()
            };
            Some(
                self.secrets
                    .mask(&format!("While {} {object}: {reason}{tries}.", action.verb())),
            )
        };
        match failure {
            Some(Failure::Answer {
                status,
                code,
                words,
                region,
            }) => {
                let said: Vec<String> = [Some(status.to_string()), code.clone(), words]
                    .into_iter()
                    .flatten()
                    .collect();
                self.answer(
                    action,
                    &object,
                    status,
                    code.as_deref().unwrap_or_default(),
                    region,
                    about(said.join(", ")),
                )
            }
            Some(Failure::Connection { host, cause }) => self.connection(&host, cause, about),
            Some(Failure::Silent { host }) => unavailable(
                "the store does not answer".into(),
                about(format!(
                    "nothing went to or came from {host} for the time of request_timeout"
                )),
                Some("Check the network; a slow one may need a longer \"request_timeout\".".into()),
            ),
            Some(Failure::Broken { host, words }) => unavailable(
                "the connection to the store broke".into(),
                about(format!("{host}: {words}")),
                Some("Check the network and whether \"endpoint\" speaks http or https.".into()),
            ),
            None => unavailable(
                "the store gave an answer that cannot be understood".into(),
                about(cause_of_none(error)),
                Some("Check that \"url\" and \"endpoint\" lead to a store of that kind.".into()),
            ),
        }
    }

    /// The error for an object that is shorter than its reader was promised.
    pub(crate) fn short(&self, key: &str, wanted: u64, got: u64) -> Error {
        Error::corrupt(
            &self.object(key),
            format!("{wanted} bytes were asked for, and {got} came"),
        )
    }

    /// An object by its whole name.
    pub(crate) fn object(&self, key: &str) -> String {
        let slash = if key.is_empty() || self.location.path.ends_with('/') {
            ""
        } else {
            "/"
        };
        self.secrets.mask(&format!("{}{slash}{key}", self.location))
    }

    fn answer(
        &self,
        action: Action,
        object: &str,
        status: u16,
        code: &str,
        region: Option<String>,
        detail: Option<String>,
    ) -> Error {
        match (status, code) {
            (_, "NoSuchBucket" | "ContainerNotFound" | "InvalidBucketName") => self.no_bucket(detail),
            (404, _) if matches!(action, Action::Put | Action::List) => self.no_bucket(detail),
            (404, _) => Error::not_found(object, detail),
            (301 | 307 | 308, _)
            | (
                _,
                "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException",
            ) => Error::configuration(
                "the bucket is in another region".into(),
                detail,
                region_hint(region),
            ),
            (401 | 403, _)
            | (
                _,
                "ExpiredToken" | "InvalidToken" | "invalid_grant" | "invalid_client" | "unauthorized_client",
            ) => denied("the store denies access".into(), detail, self.denied_hint(code)),
            (416, _) => Error::corrupt(object, "it ends before the range that was asked for"),
            (413, _) | (_, "EntityTooLarge") => {
                Error::limit("the object is larger than the store takes".into(), detail)
            }
            (405 | 501, _) => Error::unsupported("the store cannot do this".into(), detail),
            (500.., _) | (408 | 429, _) | (_, "RequestTimeout") => unavailable(
                "the store is out of order".into(),
                detail,
                Some(
                    "Try again later; a store that is only busy may need a longer \"retry_timeout\".".into(),
                ),
            ),
            _ => Error::configuration(
                "the store refuses the request".into(),
                detail,
                "Check that \"url\", \"endpoint\" and \"region\" belong to the same store.".into(),
            ),
        }
    }

    fn no_bucket(&self, detail: Option<String>) -> Error {
        let named = match self.location.scheme {
            Scheme::Azure => "container",
            _ => "bucket",
        };
        Error::configuration(
            format!("the store has no {named} \"{}\"", self.location.bucket),
            detail,
            format!("Create the {named}, or correct \"url\" or \"endpoint\" of the server."),
        )
    }

    fn denied_hint(&self, code: &str) -> String {
        let (name, secret) = match self.location.scheme {
            Scheme::Azure => (
                "\"account\"",
                "\"access_key\", \"sas_token\" or \"client_secret\"",
            ),
            Scheme::Gcs => ("\"service_account_key\"", "\"service_account_key\""),
            _ => ("\"access_key_id\"", "\"secret_access_key\""),
        };
        match (self.credentials, code) {
            (Credentials::Anonymous, _) => {
                "The server has credentials 'anonymous'; set it to 'mapping' and create a user mapping."
                    .into()
            }
            (_, "RequestTimeTooSkewed") => "Set the clock of the server.".into(),
            (Credentials::Environment, _) => {
                "Check what the credentials of the server's environment may do in this store.".into()
            }
            (_, "InvalidAccessKeyId") => {
                format!("Check {name} in the user mapping: the store does not know it.")
            }
            (_, "SignatureDoesNotMatch" | "AuthenticationFailed" | "invalid_client" | "invalid_grant") => {
                format!("Check {secret} in the user mapping.")
            }
            (_, "ExpiredToken" | "InvalidToken") => {
                "Put new temporary credentials into the user mapping.".into()
            }
            _ => format!(
                "Check {name} and {secret} in the user mapping, and that they may read, write, list and delete in {}.",
                self.location
            ),
        }
    }

    fn connection(&self, host: &str, cause: Cause, about: impl Fn(String) -> Option<String>) -> Error {
        let (reason, hint) = match cause {
            Cause::Certificate(words) => {
                return Error::configuration(
                    "the store's certificate is not trusted".into(),
                    about(format!("{host}: {words}")),
                    "Name the file of the certificate's authority in option \"ca_file\", or correct \"endpoint\".".into(),
                );
            }
            Cause::Refused => (
                format!("{host} refuses the connection"),
                "that the service runs there",
            ),
            Cause::Name => (format!("the name {host} leads to no address"), "the name server"),
            Cause::TimedOut => (
                format!("{host} does not answer"),
                "the network, and \"connect_timeout\"",
            ),
            Cause::Other(words) => (format!("{host}: {words}"), "the network"),
        };
        let hint = match self.credentials {
            Credentials::Environment => {
                format!("Check \"endpoint\", {hint}, and that the server's environment has credentials.")
            }
            _ => format!("Check \"endpoint\" or \"region\", and {hint}."),
        };
        unavailable("no connection to the store".into(), about(reason), Some(hint))
    }
}

fn region_hint(region: Option<String>) -> String {
    match region {
        Some(region) => format!("Set option \"region\" of the server to '{region}'."),
        None => "Set option \"region\" of the server to the bucket's region.".into(),
    }
}

/// Only the operating system's words are passed on: what a parser says may quote an answer with a token in it.
fn cause_of_none(error: &object_store::Error) -> String {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return io.to_string();
        }
        next = cause.source();
    }
    "it is not what the protocol asks for".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::options::StoreOptions;

    fn teller(credentials: Credentials) -> Teller {
        let values = vec![("secret_access_key".to_owned(), "hunter2hunter2".to_owned())];
        Teller {
            location: Location::parse("s3://cold/p").unwrap(),
            secrets: Secrets::of(&StoreOptions {
                url: String::new(),
                values,
            }),
            credentials,
        }
    }

    fn tell(action: Action, status: u16, code: &str) -> Error {
        let failure = Failure::Answer {
            status,
            code: Some(code.to_owned()).filter(|c| !c.is_empty()),
            words: Some("quotes hunter2hunter2".into()),
            region: None,
        };
        let error = object_store::Error::Generic {
            store: "S3",
            source: "x".into(),
        };
        teller(Credentials::Mapping).tell(action, "a/b", Some(failure), &error, 3)
    }

    #[test]
    fn each_answer_has_its_kind_and_no_secret() {
        for (action, status, code, kind) in [
            (Action::Get, 404, "NoSuchKey", ErrorKind::NotFound),
            (Action::Get, 404, "NoSuchBucket", ErrorKind::Configuration),
            (Action::Put, 404, "", ErrorKind::Configuration),
            (Action::List, 404, "", ErrorKind::Configuration),
            (Action::Put, 403, "AccessDenied", ErrorKind::Denied),
            (Action::Put, 401, "", ErrorKind::Denied),
            (Action::Put, 400, "ExpiredToken", ErrorKind::Denied),
            (
                Action::Put,
                400,
                "AuthorizationHeaderMalformed",
                ErrorKind::Configuration,
            ),
            (Action::Put, 301, "PermanentRedirect", ErrorKind::Configuration),
            (Action::Put, 400, "", ErrorKind::Configuration),
            (Action::Put, 413, "", ErrorKind::Limit),
            (Action::Get, 416, "InvalidRange", ErrorKind::Corrupt),
            (Action::Put, 501, "", ErrorKind::Unsupported),
            (Action::Put, 503, "SlowDown", ErrorKind::Unavailable),
            (Action::Put, 429, "", ErrorKind::Unavailable),
            (Action::Put, 408, "", ErrorKind::Unavailable),
        ] {
            let error = tell(action, status, code);
            assert_eq!(error.kind(), kind, "{status} {code}");
            let all = format!("{error:?} {error} {:?} {:?}", error.detail(), error.hint());
            assert!(!all.contains("hunter2"), "{all}");
        }
    }

    #[test]
    fn the_hint_names_the_option() {
        assert!(
            tell(Action::Put, 403, "SignatureDoesNotMatch")
                .hint()
                .unwrap()
                .contains("secret_access_key")
        );
        assert!(
            tell(Action::Put, 403, "InvalidAccessKeyId")
                .hint()
                .unwrap()
                .contains("access_key_id")
        );
        assert!(tell(Action::Put, 301, "").hint().unwrap().contains("region"));
        let detail = tell(Action::Put, 503, "SlowDown").detail().unwrap();
        assert_eq!(
            detail,
            "While writing s3://cold/p/a/b: 503, SlowDown, quotes *** (3 attempts)."
        );
    }

    #[test]
    fn an_answer_that_cannot_be_parsed_is_not_quoted() {
        let error = object_store::Error::Generic {
            store: "S3",
            source: "invalid type: string \"tok3n\"".into(),
        };
        let told = teller(Credentials::Environment).tell(Action::List, "", None, &error, 1);
        assert!(!format!("{told:?} {told} {:?}", told.detail()).contains("tok3n"));
        assert_eq!(told.kind(), ErrorKind::Unavailable);
    }
}
