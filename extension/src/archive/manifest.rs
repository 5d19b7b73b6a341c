//! What is known of archived tables: which range a foreign table shows, and which objects hold its rows.
//!
//! Users have no rights on these tables: who may read the foreign table may read its rows, so they are looked up as the
//! extension's owner, under the snapshot of the query.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

use kpi_archive::{Column, ColumnStatistics};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::only;
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::spi::{self, Mode, arg};

/// What a foreign table of the wrapper shows.
#[derive(Clone)]
pub struct Table {
    pub foreign_table: pg_sys::Oid,
    pub server: pg_sys::Oid,
    pub retention: i32,
    /// The table whose rows were archived.
    pub parent: pg_sys::Oid,
    pub time_column: String,
    /// The table of rows that came late, of native tables.
    pub late: Option<pg_sys::Oid>,
    /// The range that the foreign table shows: microseconds since 1970, half-open, unless it is unbounded.
    pub since: i64,
    pub until: i64,
    /// Counts how often rows have moved between the table and its archive.
    pub layout: i32,
    /// The numbers by which files know its columns.
    pub fields: Rc<HashMap<String, i32>>,
}

/// An object of the manifest, or the part of it that a foreign table shows.
#[derive(Clone)]
pub struct Entry {
    pub key: Rc<str>,
    pub bytes: u64,
    pub rows: u64,
    pub row_groups: usize,
    /// Rows outside of this range are not shown; already cut to the foreign table's range.
    pub since: i64,
    pub until: i64,
    /// Times of the first and the last row; `None` where no row has a time.
    pub times: Option<(i64, i64)>,
    pub sorted: bool,
    /// Rows without a time, or with one outside of the range, must be left out.
    pub partial: bool,
}

/// What is in an object, by column.
pub struct Contents {
    pub columns: Vec<Column>,
    pub statistics: Vec<ColumnStatistics>,
    /// Field ids of columns that hold a NaN.
    pub nan: Vec<i32>,
}

impl Table {
    /// Whether a time lies in the range that is shown.
    pub fn shows(&self, time: i64) -> bool {
        shows(self.since, self.until, time)
    }
}

impl Entry {
    /// Whether the object's row at a time is shown.
    pub fn shows(&self, time: i64) -> bool {
        shows(self.since, self.until, time)
    }
}

/// Half-open, but without bounds where a bound is infinite.
pub fn shows(since: i64, until: i64, time: i64) -> bool {
    time >= since && (time < until || until == i64::MAX)
}

/// The retention that a foreign table names in its options.
///
/// # Safety
/// `relation` is a foreign table.
unsafe fn retention_option(relation: pg_sys::Oid) -> Result<(pg_sys::Oid, i32), Error> {
    // SAFETY: the options of a foreign table are DefElems with zero-terminated names.
    let (server, value) = unsafe {
        let table = pg_sys::GetForeignTable(relation);
        let value = super::options::find((*table).options, c"retention");
        ((*table).serverid, value)
    };
    let id = value.and_then(|value| value.parse().ok()).ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
            "a foreign table of this wrapper needs the option retention",
        )
        .detail(format!("The table is {}.", name_of(relation)))
        .hint("These tables are made by kpi.archive; read the archived table itself.")
    })?;
    Ok((server, id))
}

/// A relation's name as a user would type it.
pub fn name_of(relation: pg_sys::Oid) -> String {
    // SAFETY: syscache lookups; null for a relation that is gone.
    unsafe {
        let name = pg_sys::get_rel_name(relation);
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        if name.is_null() || schema.is_null() {
            return format!("{}", relation.to_u32());
        }
        let quoted = CStr::from_ptr(pg_sys::quote_qualified_identifier(schema, name));
        quoted.to_string_lossy().into_owned()
    }
}

/// A snapshot of now, as the active one for as long as it lives: for the planner. A query is planned under a snapshot from
/// before its tables were locked, and run under a later one.
///
/// # Safety
/// In a transaction; what is done meanwhile leaves the active snapshots as it finds them.
pub unsafe fn latest() -> Option<Active> {
    // SAFETY: no new snapshot can be taken in parallel mode; pushing copies it.
    unsafe { (!pg_sys::IsInParallelMode()).then(|| Active::push(pg_sys::GetLatestSnapshot())) }
}

/// The active snapshot for as long as this lives.
pub struct Active;

impl Active {
    /// # Safety
    /// The snapshot is registered, or lives as long.
    unsafe fn push(snapshot: pg_sys::Snapshot) -> Self {
        // SAFETY: popped by Drop, or by the end of the transaction after an ERROR.
        unsafe { pg_sys::PushActiveSnapshot(snapshot) };
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pairs with the push.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}

const TABLE: &str = "SELECT r.relation::oid, r.time_column::text, r.late::oid, s.since, s.until, r.layout, \
    (SELECT pg_catalog.jsonb_object_agg(c.name, c.field_id) FROM kpi.archive_column c WHERE c.retention_id = r.id)::text \
    FROM kpi.archive_segment s JOIN kpi.retention r ON r.id = s.retention_id \
    WHERE s.foreign_table = $1 AND r.id = $2";

fn look_up(foreign_table: pg_sys::Oid) -> Result<Option<Table>, Error> {
    // SAFETY: the planner or executor calls for a foreign table of this wrapper.
    let (server, retention) = unsafe { retention_option(foreign_table)? };
    let identity = Identity::extension_owner()?;
    let table = spi::first_kept(Mode::Read, TABLE, &[arg(foreign_table), arg(retention)], |row| {
        Ok(Table {
            foreign_table,
            server,
            retention,
            parent: row.get(1).unwrap_or(pg_sys::InvalidOid),
            time_column: row.text(2),
            late: row.get(3),
            since: row.get(4).unwrap_or(i64::MAX),
            until: row.get(5).unwrap_or(i64::MIN),
            layout: row.get(6).unwrap_or_default(),
            fields: serde_json::from_str::<HashMap<String, i32>>(&row.text(7))
                .unwrap_or_default()
                .into(),
        })
    })?;
    drop(identity);
    Ok(table)
}

/// What a foreign table shows to the active snapshot.
///
/// Rows move between a table and its archive at once for everybody, as they do in TRUNCATE or ATTACH PARTITION; a
/// snapshot from before would find them in neither place. It gets an error that makes its client try again.
pub fn table(foreign_table: pg_sys::Oid) -> Result<Table, Error> {
    let seen = look_up(foreign_table)?;
    // SAFETY: plain getters; no new snapshot can be taken in parallel mode, before which the leader has been here.
    let now = unsafe {
        if pg_sys::IsInParallelMode() {
            None
        } else {
            let active = Active::push(pg_sys::GetLatestSnapshot());
            let now = look_up(foreign_table)?;
            drop(active);
            Some(now)
        }
    };
    let range = |table: &Option<Table>| table.as_ref().map(|t| (t.since, t.until, t.layout));
    if now.as_ref().is_some_and(|now| range(now) != range(&seen)) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            "could not serialize access: rows have moved to or from the archive",
        )
        .detail(format!(
            "The archived range of {} has changed since the snapshot of this query was taken.",
            name_of(foreign_table)
        ))
        .hint("Run the transaction again."));
    }
    seen.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the archived range of a foreign table is not known",
        )
        .detail(format!("The table is {}.", name_of(foreign_table)))
        .hint("Rebuild the manifest from the store: SELECT kpi.archive_rebuild('<server>').")
    })
}

/// As [`table`], under a given snapshot; null is the active one.
///
/// # Safety
/// `snapshot` is null or one that the caller has registered.
pub unsafe fn table_under(snapshot: pg_sys::Snapshot, foreign_table: pg_sys::Oid) -> Result<Table, Error> {
    // SAFETY: as this function's contract says.
    let active = (!snapshot.is_null()).then(|| unsafe { Active::push(snapshot) });
    let found = table(foreign_table);
    drop(active);
    found
}

const FILES: &str = "SELECT key, bytes, rows, row_groups, since, until, min_time, max_time, sorted, whole, id \
    FROM kpi.archive_file WHERE retention_id = $1 AND since < $3 AND until > $2 \
    ORDER BY min_time, max_time, id";

/// The objects whose rows a foreign table shows to a snapshot (null: the active one), by time: every process that
/// takes part in a scan finds the same in the same order.
///
/// # Safety
/// As for [`table_under`].
pub unsafe fn files_under(snapshot: pg_sys::Snapshot, table: &Table) -> Result<Vec<Entry>, Error> {
    // SAFETY: as this function's contract says.
    let active = (!snapshot.is_null()).then(|| unsafe { Active::push(snapshot) });
    let identity = Identity::extension_owner()?;
    let args = [arg(table.retention), arg(table.since), arg(table.until)];
    let mut files = spi::query_kept(Mode::Read, FILES, &args, |row| {
        let times = row.get::<i64>(7).zip(row.get::<i64>(8));
        let (since, until) = (row.get(5).unwrap_or(i64::MAX), row.get(6).unwrap_or(i64::MIN));
        let whole = row.get(10).unwrap_or(false);
        let (since, until) = (table.since.max(since), table.until.min(until));
        let inside = times.is_some_and(|(min, max)| shows(since, until, min) && shows(since, until, max));
        if !only::reads(row.get(11).unwrap_or_default()) {
            return Ok(None);
        }
        Ok(Some(Entry {
            key: row.text(1).into(),
            bytes: row.get::<i64>(2).unwrap_or(0) as u64,
            rows: row.get::<i64>(3).unwrap_or(0) as u64,
            row_groups: row.get::<i32>(4).unwrap_or(0).max(0) as usize,
            since,
            until,
            times,
            sorted: row.get(9).unwrap_or(false),
            partial: !(whole && inside),
        }))
    })?;
    drop(identity);
    drop(active);
    Ok(files.drain(..).flatten().collect())
}

/// How many objects' contents a session remembers; above that it begins anew.
const REMEMBERED: usize = 4096;

thread_local! {
    /// An object is never written again under its key, so what was read of it stays true.
    static CONTENTS: RefCell<HashMap<Rc<str>, Rc<Contents>>> = RefCell::new(HashMap::new());
}

const CONTENT: &str = "SELECT DISTINCT ON (key) key, statistics::text, (metadata -> 'columns')::text, \
    (metadata -> 'nan')::text FROM kpi.archive_file WHERE retention_id = $1 AND key = ANY ($2) ORDER BY key";

/// What is in some objects, in their order; `None` for one whose manifest row has gone, or that cannot be understood,
/// so that it is opened.
///
/// # Safety
/// As for [`table_under`].
pub unsafe fn contents_under(
    snapshot: pg_sys::Snapshot,
    table: &Table,
    entries: &[&Entry],
) -> Result<Vec<Option<Rc<Contents>>>, Error> {
    let missing: Vec<String> = CONTENTS.with_borrow(|known| {
        let unknown = entries.iter().filter(|e| !known.contains_key(&e.key));
        unknown.map(|e| e.key.to_string()).collect()
    });
    if !missing.is_empty() {
        // SAFETY: as this function's contract says.
        let active = (!snapshot.is_null()).then(|| unsafe { Active::push(snapshot) });
        let identity = Identity::extension_owner()?;
        let found = spi::query_kept(
            Mode::Read,
            CONTENT,
            &[arg(table.retention), arg(missing)],
            |row| {
                let parse = || {
                    Some(Contents {
                        statistics: serde_json::from_str(&row.text(2)).ok()?,
                        columns: serde_json::from_str(&row.text(3)).ok()?,
                        nan: match row.get::<String>(4) {
                            Some(nan) => serde_json::from_str(&nan).ok()?,
                            None => Vec::new(),
                        },
                    })
                };
                Ok((Rc::<str>::from(row.text(1)), parse()))
            },
        )?;
        drop(identity);
        drop(active);
        CONTENTS.with_borrow_mut(|known| {
            if known.len() + found.len() > REMEMBERED {
                known.clear();
            }
            known.extend(found.into_iter().filter_map(|(key, c)| Some((key, Rc::new(c?)))));
        });
    }
    Ok(CONTENTS.with_borrow(|known| entries.iter().map(|e| known.get(&e.key).cloned()).collect()))
}

/// The owner of a relation: whose user mapping opens the store, whoever reads.
pub fn owner_of(relation: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: a syscache lookup.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(relation),
        );
        if tuple.is_null() {
            return identity::current_role();
        }
        let form = pg_sys::GETSTRUCT(tuple) as pg_sys::Form_pg_class;
        let owner = (*form).relowner;
        pg_sys::ReleaseSysCache(tuple);
        owner
    }
}
