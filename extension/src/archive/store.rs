//! Opens the store of a server for a role.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use kpi_archive::{Cache, Key, Objects, Requests, Scheme, Store, StoreOptions};
use pgrx::pg_sys;

use super::options;
use crate::error::Error;
use crate::guc;

/// A store that is open, and the key of its objects where they are encrypted.
pub struct Opened {
    pub store: Store,
    pub key: Option<Key>,
    scope: u64,
    remote: bool,
}

impl Opened {
    /// What the store has done since it was opened.
    pub fn requests(&self) -> Requests {
        self.store.requests()
    }

    /// Deletes all objects whose keys begin so.
    pub fn delete_below(&self, prefix: &str) -> Result<(), Error> {
        for entry in self.store.list(prefix)? {
            self.store.delete(&entry.key)?;
        }
        Ok(())
    }
}

impl Objects for Opened {
    fn get(&self, key: &str) -> Result<Bytes, kpi_archive::Error> {
        self.store.get(key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, kpi_archive::Error> {
        self.store.get_ranges(key, ranges)
    }

    fn size(&self, key: &str) -> Result<u64, kpi_archive::Error> {
        self.store.size(key)
    }

    fn scope(&self) -> u64 {
        self.scope
    }

    fn is_remote(&self) -> bool {
        self.remote
    }
}

/// What a session keeps of a store: what it was opened with, and itself.
type Kept = (Vec<(String, String)>, Rc<Opened>);

/// How many stores a session keeps open; above that it begins anew.
const OPEN: usize = 16;

thread_local! {
    static STORES: RefCell<HashMap<(pg_sys::Oid, pg_sys::Oid), Kept>> = RefCell::new(HashMap::new());
    static CACHE: RefCell<Option<(usize, Rc<Cache>)>> = const { RefCell::new(None) };
}

/// Opens a server's store with a role's user mapping, or the one for PUBLIC. A store that is open in this session and
/// whose options have not changed is used again.
///
/// # Errors
/// A configuration that leads to no store. No error shows a secret.
pub fn open(server: pg_sys::Oid, role: pg_sys::Oid) -> Result<Rc<Opened>, Error> {
    // SAFETY: the server exists while a table of it does; options are DefElems.
    let given = unsafe {
        let mut given = options::pairs((*pg_sys::GetForeignServer(server)).options);
        if let Some(mapping) = user_mapping(role, server) {
            given.extend(options::pairs((*mapping).options));
        }
        given
    };
    if let Some(kept) = STORES.with_borrow(|stores| {
        let kept = stores.get(&(server, role));
        kept.filter(|(with, _)| *with == given)
            .map(|(_, opened)| opened.clone())
    }) {
        return Ok(kept);
    }
    let mut values = given.clone();
    let url = values.iter().position(|(name, _)| name == "url");
    let url = url.map(|i| values.remove(i).1).unwrap_or_default();
    let options = StoreOptions { url, values };
    // What one role may read must not come to another from the cache, nor what was there under other options.
    let mut hasher = DefaultHasher::new();
    (server, role, &given).hash(&mut hasher);
    let opened = Rc::new(Opened {
        store: Store::open(&options)?,
        key: key(&given)?,
        scope: hasher.finish(),
        remote: Scheme::of(&options.url)? != Scheme::File,
    });
    STORES.with_borrow_mut(|stores| {
        if stores.len() >= OPEN {
            stores.clear();
        }
        stores.insert((server, role), (given, opened.clone()));
    });
    Ok(opened)
}

/// The key that the options of a server name.
fn key(given: &[(String, String)]) -> Result<Option<Key>, Error> {
    let value = |option: &str| {
        given
            .iter()
            .find(|(name, value)| name == option && !value.is_empty())
    };
    Ok(
        match (value("encryption_key_file"), value("encryption_key_variable")) {
            (Some((_, path)), _) => Some(Key::from_file(Path::new(path))?),
            (None, Some((_, variable))) => Some(Key::from_environment(variable)?),
            (None, None) => None,
        },
    )
}

/// The user mapping of a role or of PUBLIC; a store in the server's files, or one that is open to all, needs none.
unsafe fn user_mapping(role: pg_sys::Oid, server: pg_sys::Oid) -> Option<*mut pg_sys::UserMapping> {
    let there = |role: pg_sys::Oid| {
        // SAFETY: a syscache lookup.
        unsafe {
            pg_sys::SearchSysCacheExists(
                pg_sys::SysCacheIdentifier::USERMAPPINGUSERSERVER as i32,
                pg_sys::Datum::from(role),
                pg_sys::Datum::from(server),
                pg_sys::Datum::from(0),
                pg_sys::Datum::from(0),
            )
        }
    };
    // SAFETY: there is a mapping of one of the two.
    (there(role) || there(pg_sys::InvalidOid)).then(|| unsafe { pg_sys::GetUserMapping(role, server) })
}

/// The session's cache of footers and ranges, bounded by `kpi.archive_cache_size`.
pub fn cache() -> Rc<Cache> {
    let limit = guc::archive_cache_size();
    CACHE.with_borrow_mut(|kept| match kept {
        Some((size, cache)) if *size == limit => cache.clone(),
        _ => {
            let cache = Rc::new(Cache::new(limit));
            *kept = Some((limit, cache.clone()));
            cache
        }
    })
}
