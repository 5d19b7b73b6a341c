//! The manifest from the store alone: every object says what it is.

use std::collections::{BTreeMap, BTreeSet};

use kpi_archive::{ErrorKind, File, FileMetadata, Kind, Value};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::retention::{check_owner, check_server, open_store};
use super::store::{self, Opened};
use super::{lock, objects};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg};

/// What a tombstone adds to the key of the object that is gone.
pub const GONE: &str = ".gone";

/// `kpi.archive_rebuild(store, owners)`.
#[allow(clippy::type_complexity)]
#[pg_extern(sql = false)]
fn archive_rebuild(
    store: Option<&str>,
    owners: Option<Vec<Option<String>>>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(relation, String),
            name!(objects, i64),
            name!(rows, i64),
            name!(outcome, String),
        ),
    >,
    ErrorReport,
> {
    check_writable("kpi.archive_rebuild", "kpi.archive_status can be read here.")?;
    let name = required(store, "store")?;
    check_server(name)?;
    Ok(TableIterator::new(rebuild(name, owners)?))
}

/// An object as the store has it.
struct Found {
    key: String,
    bytes: u64,
    about: FileMetadata,
    entry: serde_json::Value,
}

type Outcome = (String, i64, i64, String);

fn rebuild(server: &str, owners: Option<Vec<Option<String>>>) -> Result<Vec<Outcome>, Error> {
    let opened = open_store(server, identity::current_role())?;
    let there = look(&opened)?;
    let owners: Option<BTreeSet<String>> = owners.map(|owners| owners.into_iter().flatten().collect());
    if let Some(owners) = &owners {
        let present = owners_of(&there);
        if let Some(unknown) = owners.difference(&present).next() {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("store \"{server}\" has no objects of database {unknown}"),
            )
            .detail(match present.is_empty() {
                true => "It has none at all.".to_string(),
                false => format!("It has objects of: {}.", listed(&present)),
            })
            .hint("The owner is the first part of an object's key."));
        }
    }
    let mut outcomes = Vec::new();
    for (relation, found) in valid(there, owners.as_ref()) {
        let count = found.len() as i64;
        let rows = found.iter().map(|object| object.about.rows as i64).sum();
        let outcome = enter(server, &relation, &found, owners.is_some())?;
        outcomes.push((relation, count, rows, outcome));
    }
    Ok(outcomes)
}

fn owners_of(objects: &[Found]) -> BTreeSet<String> {
    objects.iter().map(|object| object.about.owner.clone()).collect()
}

fn listed(owners: &BTreeSet<String>) -> String {
    owners.iter().cloned().collect::<Vec<_>>().join(", ")
}

/// All objects of a store that can be read and are not gone.
fn look(opened: &Opened) -> Result<Vec<Found>, Error> {
    let listed = opened.store.list("")?;
    let gone: BTreeSet<&str> = listed
        .iter()
        .filter_map(|entry| entry.key.strip_suffix(GONE))
        .collect();
    let cache = store::cache();
    let mut found = Vec::new();
    for entry in &listed {
        if !entry.key.ends_with(".parquet") || gone.contains(entry.key.as_str()) {
            continue;
        }
        pgrx::check_for_interrupts!();
        let file = match File::open(&opened.store, &entry.key, entry.size, opened.key.as_ref(), &cache) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                pgrx::warning!("{error}; it is left out");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let about = file.metadata().clone();
        let json = described(&entry.key, entry.size, &file)?;
        found.push(Found {
            key: entry.key.clone(),
            bytes: entry.size,
            about,
            entry: json,
        });
    }
    Ok(found)
}

/// An object's entry in the manifest, from its own footer.
fn described(key: &str, bytes: u64, file: &File) -> Result<serde_json::Value, Error> {
    let about = file.metadata();
    let column = about
        .columns
        .iter()
        .find(|column| column.name == about.time_column);
    let bounds = column.and_then(|column| {
        let mut bounds: Option<(i64, i64)> = None;
        for group in 0..file.row_groups() {
            let statistics = file.statistics(group, column.field_id)?;
            let (Some(Value::Int(min)), Some(Value::Int(max))) = (statistics.min, statistics.max) else {
                return None;
            };
            let (low, high) = bounds.unwrap_or((min, max));
            bounds = Some((low.min(min), high.max(max)));
        }
        bounds
    });
    let kind = column.map_or(Kind::Text, |column| column.kind);
    let (min_time, max_time) = match bounds {
        Some((min, max)) => objects::times(kind, min, max),
        None => (i64::MIN, i64::MAX),
    };
    Ok(serde_json::json!({
        "key": key,
        "bytes": bytes,
        "rows": about.rows,
        "row_groups": file.row_groups(),
        "since": about.since,
        "until": about.until,
        "min_time": min_time,
        "max_time": max_time,
        "sorted": false,
        "statistics": [],
        "metadata": about,
    }))
}

/// Of each table the objects that hold its rows: of exports that are whole, the last one of each range, without those whose
/// place others took, be it those of another database.
fn valid(found: Vec<Found>, owners: Option<&BTreeSet<String>>) -> BTreeMap<String, Vec<Found>> {
    let replaced: BTreeSet<String> = found
        .iter()
        .flat_map(|object| object.about.replaces.clone())
        .collect();
    let mut exports: BTreeMap<(String, String), Vec<Found>> = BTreeMap::new();
    for object in found {
        if !replaced.contains(&object.key) && owners.is_none_or(|owners| owners.contains(&object.about.owner))
        {
            exports
                .entry((object.about.relation.clone(), object.about.intent.clone()))
                .or_default()
                .push(object);
        }
    }
    let mut tables: BTreeMap<String, BTreeMap<(i64, i64), Vec<Found>>> = BTreeMap::new();
    for ((relation, _), mut export) in exports {
        export.sort_by_key(|object| object.about.number);
        let numbered = export
            .iter()
            .enumerate()
            .all(|(place, object)| object.about.number as usize == place);
        let Some(last) = export.last().filter(|object| numbered && object.about.last) else {
            continue;
        };
        let range = (last.about.since, last.about.until);
        let written = last.about.written_at.clone();
        let ranges = tables.entry(relation).or_default();
        let newer = ranges
            .get(&range)
            .and_then(|there| there.first())
            .is_none_or(|there| there.about.written_at < written);
        if newer {
            ranges.insert(range, export);
        }
    }
    tables
        .into_iter()
        .map(|(relation, ranges)| (relation, ranges.into_values().flatten().collect()))
        .collect()
}

/// Enters objects into the manifest of their table; says in words what became of it.
fn enter(server: &str, relation: &str, found: &[Found], chosen: bool) -> Result<String, Error> {
    let there = spi::first(
        Mode::Write,
        "SELECT pg_catalog.to_regclass($1)::oid",
        &[arg(relation)],
        |row| Ok(row.get::<pg_sys::Oid>(1)),
    )?
    .flatten();
    let Some(oid) = there else {
        return Ok(format!(
            "left out: there is no such table; create it as it was, partitioned, call kpi.set_retention({}, archive_after => ..., store => {}), then rebuild again",
            spi::literal(relation),
            spi::literal(server)
        ));
    };
    check_owner(oid)?;
    let retention = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT id FROM kpi.retention WHERE relation = $1::oid AND server = $2",
            &[arg(oid), arg(server)],
            |row| Ok(row.get::<i32>(1).unwrap_or_default()),
        )?
    };
    let Some(retention) = retention else {
        return Ok(format!(
            "left out: the table has no retention in this store; call kpi.set_retention({}, archive_after => ..., store => {}), then rebuild again",
            spi::literal(relation),
            spi::literal(server)
        ));
    };
    // Several databases may have a table of that name in one store. What is this one's, or was shown by it, is no question.
    let owners = owners_of(found);
    if !chosen && owners.len() > 1 && !owners.is_subset(&known(retention)?) {
        return Ok(format!(
            "left out: there are objects of several databases, {}; SELECT * FROM kpi.archive_rebuild({}, owners => '{{...}}') takes those of the ones you name, of each range what was written last",
            listed(&owners),
            spi::literal(server)
        ));
    }
    if !lock::take(retention) {
        return Ok("left out: the table is being archived or restored".to_string());
    }
    let entries: Vec<serde_json::Value> = found.iter().map(|object| object.entry.clone()).collect();
    let bytes: u64 = found.iter().map(|object| object.bytes).sum();
    let outcome = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT kpi._archive_rebuild(r, $2) FROM kpi.retention r WHERE r.id = $1",
            &[
                arg(retention),
                arg(pgrx::JsonB(serde_json::Value::Array(entries))),
            ],
            |row| Ok(row.text(1)),
        )?
    };
    lock::release(retention);
    Ok(format!("{}, {bytes} bytes", outcome.unwrap_or_default()))
}

/// The databases whose objects this one writes or shows for a table.
fn known(retention: i32) -> Result<BTreeSet<String>, Error> {
    let _owner = Identity::extension_owner()?;
    let owners = spi::query(
        Mode::Write,
        "SELECT id::text FROM kpi.archive_owner UNION SELECT pg_catalog.split_part(key, '/', 1) FROM kpi.archive_file WHERE retention_id = $1",
        &[arg(retention)],
        |row| Ok(row.text(1)),
    )?;
    Ok(owners.into_iter().collect())
}
