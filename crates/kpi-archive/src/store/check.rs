//! A store tried out, step by step.

use std::time::Duration;

use bytes::Bytes;

use super::{Entry, Store};
use crate::Error;

/// A probe that a cancel leaves behind is deleted within this, or not at all.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// One step of [`Store::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `write`, `read`, `list` or `delete`.
    pub step: String,
    /// It went well.
    pub ok: bool,
    /// What happened, in words.
    pub message: String,
}

pub(crate) fn run(store: &Store) -> Vec<Check> {
    let prefix = format!("kpi-check-{:016x}", super::random());
    let key = format!("{prefix}/probe");
    let probe = Bytes::from(format!("pg_kpi writes, reads, lists and deletes this: {key}\n"));
    let size = probe.len() as u64;
    let mut checks = Vec::new();
    let mut canceled = false;
    let mut step = |name: &str, result: Result<String, Error>| {
        canceled |= matches!(result, Err(Error::Canceled));
        let ok = result.is_ok();
        checks.push(Check {
            step: name.to_owned(),
            ok,
            message: result.unwrap_or_else(|e| in_words(&e)),
        });
        !canceled && ok
    };

    let written = step(
        "write",
        store
            .put(&key, &probe)
            .map(|()| format!("wrote {size} bytes to {}", store.object(&key))),
    );
    if written {
        step(
            "read",
            store.get(&key).and_then(|bytes| {
                if bytes == probe {
                    Ok(format!("read {size} bytes"))
                } else {
                    Err(Error::corrupt(
                        &store.object(&key),
                        "other bytes were read than written",
                    ))
                }
            }),
        );
    }
    let listed = |entries: Vec<Entry>| match entries.iter().find(|e| e.key == key) {
        Some(entry) if entry.size == size => Ok(format!("listed {} object(s)", entries.len())),
        None if !written => Ok(format!("listed {} object(s)", entries.len())),
        _ => Err(Error::corrupt(
            &store.object(&key),
            "the list does not show what was written",
        )),
    };
    step("list", store.list(&prefix).and_then(listed));
    if written {
        step(
            "delete",
            store.delete(&key).and_then(|()| match store.get(&key) {
                Err(e) if e.kind() == crate::ErrorKind::NotFound => Ok("deleted".to_owned()),
                Err(e) => Err(e),
                Ok(_) => Err(Error::corrupt(
                    &store.object(&key),
                    "it is still there after it was deleted",
                )),
            }),
        );
    }
    if canceled {
        store.delete_in(LAST_WORDS, &key);
    }
    checks
}

fn in_words(error: &Error) -> String {
    [Some(error.to_string()), error.detail(), error.hint()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}
