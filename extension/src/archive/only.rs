//! Reading less than a foreign table shows: for the steps that move late rows and archived rows together or apart.

use std::cell::RefCell;

/// What a scan is limited to.
#[derive(Clone, Default)]
struct Limit {
    /// Entries of the manifest; without them, all.
    files: Option<Vec<i64>>,
    /// Whether late rows are left out.
    without_late: bool,
}

thread_local! {
    static LIMIT: RefCell<Limit> = RefCell::new(Limit::default());
}

/// While it lives, scans of this session's archived tables are limited.
pub struct Only(Limit);

impl Only {
    /// To these entries of the manifest, without late rows.
    pub fn files(files: Vec<i64>) -> Self {
        Self::set(Limit {
            files: Some(files),
            without_late: true,
        })
    }

    /// To archived rows: no late ones.
    pub fn archived() -> Self {
        Self::set(Limit {
            files: None,
            without_late: true,
        })
    }

    fn set(limit: Limit) -> Self {
        Self(LIMIT.replace(limit))
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        LIMIT.set(std::mem::take(&mut self.0));
    }
}

/// Whether a scan is to read an entry of the manifest.
pub fn reads(file: i64) -> bool {
    LIMIT.with_borrow(|limit| limit.files.as_ref().is_none_or(|files| files.contains(&file)))
}

/// Whether a scan is to read late rows.
pub fn reads_late() -> bool {
    LIMIT.with_borrow(|limit| !limit.without_late)
}

/// Whether scans of this session are limited, which parallel workers would not know.
pub fn is_limited() -> bool {
    LIMIT.with_borrow(|limit| limit.files.is_some() || limit.without_late)
}
