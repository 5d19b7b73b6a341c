//! Stores of objects by URL: a folder of the server, S3, Azure Blob Storage, Google Cloud Storage.

mod bucket;
mod check;
mod engine;
mod failure;
mod folder;
mod location;
mod open;
mod options;
mod ranges;
mod requests;
mod secret;
mod tls;
mod wire;
mod words;

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

pub use check::Check;
pub use location::Scheme;
pub use options::{OPTIONS, OptionSpec, StoreOptions, known_options};
pub use requests::Requests;

use crate::{Error, Objects};
use bucket::Bucket;
use folder::Folder;
use location::{Location, check_key};

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key, relative to the store's URL.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// A store that is open. Keys are relative to its URL: the prefix or folder there is put before them, and is not in the keys of a
/// list.
///
/// Every call waits until it is done and can be cancelled through [`crate::interrupt`]: it then returns [`Error::Canceled`] and
/// leaves nothing half written under the key (in a folder at most a staged file whose name ends in `.partial`, if the process was
/// killed; see [`Store::list`]). Requests that fail in a way that may pass are repeated, with pauses, within the bounds that
/// options set. No error, and no `Debug`, shows a secret of the options.
///
/// A store must not be used from within an asynchronous runtime.
///
/// ```
/// use kpi_archive::{Store, StoreOptions};
/// let folder = tempfile::tempdir().unwrap();
/// let url = format!("file://{}", folder.path().display());
/// let store = Store::open(&StoreOptions { url, values: vec![] }).unwrap();
/// store.put("a/0001", &b"some bytes".to_vec().into()).unwrap();
/// assert_eq!(store.size("a/0001").unwrap(), 10);
/// assert_eq!(store.get_ranges("a/0001", &[5..10, 0..4]).unwrap(), ["bytes", "some"]);
/// assert_eq!(store.list("a").unwrap()[0].key, "a/0001");
/// store.delete("a/0001").unwrap();
/// assert!(store.list("").unwrap().is_empty());
/// assert_eq!(store.requests().puts, 1);
/// ```
#[derive(Debug)]
pub struct Store {
    backend: Backend,
    location: Location,
    scope: u64,
}

enum Backend {
    Folder(Folder),
    Bucket(Bucket),
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.fmt(f),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl Store {
    /// Opens a store. Of a folder this looks whether it is there; across the network nothing is sent yet.
    ///
    /// # Errors
    /// `Configuration`: a URL, an option or a combination of them that leads to no store; the hint says what to set.
    ///
    /// ```
    /// use kpi_archive::{Store, StoreOptions};
    /// let error = Store::open(&StoreOptions { url: "s3://cold".into(), values: vec![] }).unwrap_err();
    /// assert!(error.hint().unwrap().contains("access_key_id"));
    /// ```
    pub fn open(options: &StoreOptions) -> Result<Self, Error> {
        let location = Location::parse(&options.url)?;
        options.check(location.scheme)?;
        let backend = match location.scheme {
            Scheme::File => Backend::Folder(Folder::open(&location.path)?),
            _ => Backend::Bucket(open::bucket(location.clone(), options)?),
        };
        Ok(Self {
            backend,
            location,
            scope: options.fingerprint(),
        })
    }

    /// Writes an object whole, over one of that key. When this returns, the object is durable; writing the same bytes again is
    /// harmless.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`, `Configuration`, `Limit`, `Canceled`.
    pub fn put(&self, key: &str, bytes: &Bytes) -> Result<(), Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Folder(folder) => folder.put(key, bytes),
            Backend::Bucket(bucket) => bucket.put(key, bytes),
        }
    }

    /// Reads an object whole.
    ///
    /// # Errors
    /// `NotFound`; otherwise as [`Store::put`].
    pub fn get(&self, key: &str) -> Result<Bytes, Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Folder(folder) => folder.get(key),
            Backend::Bucket(bucket) => bucket.get(key),
        }
    }

    /// Reads ranges (bytes from the object's start, half-open) in the order asked for. Across the network ranges that lie close
    /// together are read by one request, and several requests are under way at the same time. An empty range gives no bytes.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` when the object ends before a range; otherwise as [`Store::put`].
    pub fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Folder(folder) => folder.get_ranges(key, ranges, |wanted, got| {
                Error::corrupt(
                    &self.object(key),
                    format!("{wanted} bytes were asked for, and {got} are there"),
                )
            }),
            Backend::Bucket(bucket) => bucket.get_ranges(key, ranges),
        }
    }

    /// The size of an object in bytes.
    ///
    /// # Errors
    /// `NotFound`; otherwise as [`Store::put`].
    pub fn size(&self, key: &str) -> Result<u64, Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Folder(folder) => folder.size(key),
            Backend::Bucket(bucket) => bucket.size(key),
        }
    }

    /// Deletes an object; one that is not there is as good as deleted.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Folder(folder) => folder.delete(key),
            Backend::Bucket(bucket) => bucket.delete(key),
        }
    }

    /// All objects whose keys begin with the parts of `prefix` (`a/b` finds `a/b/c` and not `a/bc`; all for an empty one), by
    /// key. In a folder this includes what killed writers left, under keys that end in `.partial`: delete it with the rest of a
    /// failed attempt, and read only keys with the ending that was written.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() {
            check_key(prefix)?;
        }
        match &self.backend {
            Backend::Folder(folder) => folder.list(prefix),
            Backend::Bucket(bucket) => bucket.list(prefix),
        }
    }

    /// Tries the store out: writes, reads, lists and deletes a probe, and says in words how each step went. After a step that
    /// failed, what cannot be tried without it is left out.
    ///
    /// ```
    /// use kpi_archive::{Store, StoreOptions};
    /// let folder = tempfile::tempdir().unwrap();
    /// let url = format!("file://{}", folder.path().display());
    /// let checks = Store::open(&StoreOptions { url, values: vec![] }).unwrap().check();
    /// assert_eq!(checks.len(), 4);
    /// assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    /// ```
    pub fn check(&self) -> Vec<Check> {
        check::run(self)
    }

    /// What the store has done since it was opened.
    pub fn requests(&self) -> Requests {
        match &self.backend {
            Backend::Folder(folder) => folder.counters().read(),
            Backend::Bucket(bucket) => bucket.counters().read(),
        }
    }

    /// The whole name of an object, for messages.
    pub fn object(&self, key: &str) -> String {
        let slash = if self.location.path.ends_with('/') {
            ""
        } else {
            "/"
        };
        format!("{}{slash}{key}", self.location)
    }

    /// Deletes within `time`, whatever the interrupt says.
    fn delete_in(&self, time: Duration, key: &str) {
        match &self.backend {
            Backend::Folder(folder) => {
                let _ = folder.delete(key);
            }
            Backend::Bucket(bucket) => bucket.delete_in(time, key),
        }
    }
}

impl Objects for Store {
    fn get(&self, key: &str) -> Result<Bytes, Error> {
        Self::get(self, key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        Self::get_ranges(self, key, ranges)
    }

    fn size(&self, key: &str) -> Result<u64, Error> {
        Self::size(self, key)
    }

    fn scope(&self) -> u64 {
        self.scope
    }

    fn is_remote(&self) -> bool {
        matches!(self.backend, Backend::Bucket(_))
    }
}

/// A number that nobody foresees and nobody needs to keep secret.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
