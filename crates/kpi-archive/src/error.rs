//! What can go wrong between rows and objects, each with the value that was wrong and what to do instead.

/// What sort of trouble an [`Error`] is: it decides the SQLSTATE, and whether trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The host asked to stop: see [`crate::interrupt`].
    Canceled,
    /// The store does not answer, answers with a server error, or too late.
    Unavailable,
    /// The store refuses these credentials.
    Denied,
    /// There is no such object.
    NotFound,
    /// An object holds other bytes than were written.
    Corrupt,
    /// An option, a URL or a key that leads nowhere.
    Configuration,
    /// Something this version cannot do or read.
    Unsupported,
    /// A value that the kind of its column cannot hold.
    NotRepresentable,
    /// More than one object may hold.
    Limit,
}

/// An error of this crate: `Display` is the message, [`Error::detail`] the value, [`Error::hint`] the way out.
///
/// No text of an error shows a credential, a key, or the query of a URL.
///
/// ```
/// use kpi_archive::{ErrorKind, Kind};
/// let error = "decimal(50,2)".parse::<Kind>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// assert_eq!(error.to_string(), "unknown kind of column");
/// assert_eq!(error.detail().unwrap(), "decimal(50,2)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The host asked to stop.
    #[error("canceled")]
    Canceled,
    /// Everything else.
    #[error("{message}")]
    Failed {
        /// What sort of trouble it is.
        kind: ErrorKind,
        /// What happened: lower case, no full stop.
        message: String,
        /// The value or the circumstance.
        detail: Option<String>,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        message: String,
        detail: Option<String>,
        hint: Option<String>,
    ) -> Self {
        Self::Failed {
            kind,
            message,
            detail,
            hint,
        }
    }

    pub(crate) fn configuration(message: String, detail: Option<String>, hint: String) -> Self {
        Self::new(ErrorKind::Configuration, message, detail, Some(hint))
    }

    pub(crate) fn not_found(object: &str, detail: Option<String>) -> Self {
        Self::new(ErrorKind::NotFound, format!("no object {object}"), detail, None)
    }

    pub(crate) fn corrupt(object: &str, what: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            format!("the object {object} is corrupt"),
            Some(what.into()),
            None,
        )
    }

    pub(crate) fn unsupported(message: String, detail: Option<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message, detail, None)
    }

    pub(crate) fn limit(message: String, detail: Option<String>) -> Self {
        Self::new(ErrorKind::Limit, message, detail, None)
    }

    /// What sort of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Canceled => ErrorKind::Canceled,
            Self::Failed { kind, .. } => *kind,
        }
    }

    /// The value or the circumstance, for `DETAIL`.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Canceled => None,
            Self::Failed { detail, .. } => detail.clone(),
        }
    }

    /// What to do instead, for `HINT`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Canceled => None,
            Self::Failed { hint, .. } => hint.clone(),
        }
    }
}
