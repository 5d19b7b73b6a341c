//! Looking after what is in a store: probing it, verifying objects, dropping what is due, deleting what nothing needs.

use kpi_archive::{ErrorKind, FileMetadata, verify};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::rebuild::GONE;
use super::retention::{check_server, open_store, owned};
use super::{lock, overrides, owner};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg};

/// `kpi.check_store(store)`.
#[pg_extern(sql = false)]
fn check_store(
    store: Option<&str>,
) -> Result<TableIterator<'static, (name!(step, String), name!(ok, bool), name!(message, String))>, ErrorReport>
{
    let name = required(store, "store")?;
    check_server(name)?;
    let opened = open_store(name, identity::current_role())?;
    let steps: Vec<_> = opened
        .store
        .check()
        .into_iter()
        .map(|check| (check.step, check.ok, check.message))
        .collect();
    Ok(TableIterator::new(steps))
}

/// `kpi.verify_archive(relation)`.
#[allow(clippy::type_complexity)]
#[pg_extern(sql = false)]
fn verify_archive(
    relation: Option<pg_sys::Oid>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(object, String),
            name!(rows, i64),
            name!(bytes, i64),
            name!(ok, bool),
            name!(problem, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(verified(required(relation, "relation")?)?))
}

type Verdict = (String, i64, i64, bool, Option<String>);

fn verified(relation: pg_sys::Oid) -> Result<Vec<Verdict>, Error> {
    let retention = owned(relation)?;
    let opened = open_store(retention.store()?, retention.owner)?;
    let files = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT DISTINCT ON (key) key, rows, bytes, metadata::text FROM kpi.archive_file WHERE retention_id = $1 ORDER BY key",
            &[arg(retention.id)],
            |row| {
                Ok((
                    row.text(1),
                    row.get::<i64>(2).unwrap_or_default(),
                    row.get::<i64>(3).unwrap_or_default(),
                    row.text(4),
                ))
            },
        )?
    };
    let mut verdicts = Vec::new();
    for (object, rows, bytes, metadata) in files {
        let problem = match serde_json::from_str::<FileMetadata>(&metadata) {
            Ok(expected) => match verify(
                &opened.store,
                &object,
                bytes as u64,
                opened.key.as_ref(),
                &expected,
            )
            .and_then(|_| opened.store.size(&object))
            {
                Ok(stored) if stored != bytes as u64 => Some(format!(
                    "the object {object} is corrupt: It has {stored} bytes, and {bytes} were written."
                )),
                Ok(_) => None,
                Err(error) if error.kind() == ErrorKind::Canceled => return Err(error.into()),
                Err(error) => Some(match error.detail() {
                    Some(detail) => format!("{error}: {detail}"),
                    None => error.to_string(),
                }),
            },
            Err(error) => Some(format!("its entry in the manifest cannot be read: {error}")),
        };
        pgrx::check_for_interrupts!();
        verdicts.push((object, rows, bytes, problem.is_none(), problem));
    }
    Ok(verdicts)
}

/// `kpi.apply_retention(relation)`.
#[pg_extern(sql = false)]
fn apply_retention(relation: Option<pg_sys::Oid>) -> Result<i64, ErrorReport> {
    Ok(apply(required(relation, "relation")?)?)
}

/// Drops what is older than `drop_after`, and deletes objects that nothing needs any more.
pub fn apply(relation: pg_sys::Oid) -> Result<i64, Error> {
    check_writable("kpi.apply_retention", "kpi.archive_status can be read here.")?;
    let retention = owned(relation)?;
    let mine = lock::is_mine(retention.id);
    if !lock::take(retention.id) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            format!("table {} is being archived or restored", retention.name),
        )
        .detail("One session at a time does that to a table.")
        .hint("Wait until it has ended, and call it again."));
    }
    let dropped = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT kpi._retention_drop(r) FROM kpi.retention r WHERE r.id = $1",
            &[arg(retention.id)],
            |row| Ok(row.get::<i64>(1).unwrap_or_default()),
        )?
        .unwrap_or_default()
    } + overrides::drop_local(&retention)?;
    if let Some(server) = &retention.server {
        bury(server, retention.owner)?;
        delete_garbage(server, retention.owner)?;
    }
    if !mine {
        lock::release(retention.id);
    }
    Ok(dropped)
}

/// `kpi.clean_store(store)`: for objects of tables that are no more.
#[pg_extern(sql = false)]
fn clean_store(store: Option<&str>) -> Result<i64, ErrorReport> {
    check_writable("kpi.clean_store", "kpi.archive_status can be read here.")?;
    let name = required(store, "store")?;
    check_server(name)?;
    let role = identity::current_role();
    let waiting = || -> Result<i64, Error> {
        let _owner = Identity::extension_owner()?;
        let count = spi::first(
            Mode::Write,
            "SELECT count(*) FROM kpi.archive_garbage WHERE server = $1",
            &[arg(name)],
            |row| Ok(row.get::<i64>(1).unwrap_or_default()),
        )?;
        Ok(count.unwrap_or_default())
    };
    let before = waiting()?;
    bury(name, role)?;
    delete_garbage(name, role)?;
    Ok(before - waiting()?)
}

/// Marks objects that are gone though no other took their place, so that the manifest can be rebuilt from the store alone.
fn bury(server: &str, role: pg_sys::Oid) -> Result<(), Error> {
    let keys = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT key FROM kpi.archive_garbage WHERE server = $1 AND reason NOT IN ('replaced', 'unfinished') AND NOT buried",
            &[arg(server)],
            |row| Ok(row.text(1)),
        )?
    };
    if keys.is_empty() {
        return Ok(());
    }
    let id = owner::id()?;
    let opened = open_store(server, role)?;
    for key in keys {
        if owner::is_mine(&id, &key) {
            opened
                .store
                .put(&format!("{key}{GONE}"), &bytes::Bytes::from_static(b"gone"))?;
        }
        let _owner = Identity::extension_owner()?;
        spi::run(
            "UPDATE kpi.archive_garbage SET buried = true WHERE server = $1 AND key = $2",
            &[arg(server), arg(key.as_str())],
        )?;
    }
    Ok(())
}

/// Deletes the objects of a store that nothing needs any more. Those of another database are only forgotten.
fn delete_garbage(server: &str, role: pg_sys::Oid) -> Result<(), Error> {
    let keys = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT key FROM kpi._archive_deletable($1)",
            &[arg(server)],
            |row| Ok(row.text(1)),
        )?
    };
    if keys.is_empty() {
        return Ok(());
    }
    let id = owner::id()?;
    let opened = open_store(server, role)?;
    for key in keys {
        let mine = owner::is_mine(&id, &key);
        if mine && key.ends_with('/') {
            // What an interrupted run has left of a table that is no more.
            opened.delete_below(&key)?;
        } else if mine {
            opened.store.delete(&key)?;
            opened.store.delete(&format!("{key}{GONE}"))?;
        }
        let _owner = Identity::extension_owner()?;
        spi::run(
            "DELETE FROM kpi.archive_garbage WHERE server = $1 AND key = $2",
            &[arg(server), arg(key.as_str())],
        )?;
    }
    Ok(())
}
