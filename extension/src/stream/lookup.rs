//! Rows of the extension's own tables by an index, without a statement: at each tick a thousand subscribers read the same few
//! rows, and to start a plan would cost each of them more than to read.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// What rows are looked up by, in the first column of an index.
pub enum Key<'a> {
    /// A `bigint` column is greater.
    Above(i64),
    /// A `text` column is equal.
    Text(&'a str),
}

/// Columns of a row: its values, and which of them are NULL.
pub type Columns<const N: usize> = ([pg_sys::Datum; N], [bool; N]);

/// A new snapshot, after everything that this transaction did before, for as long as this lives.
pub struct Snapshot;

impl Snapshot {
    pub fn take() -> Self {
        // SAFETY: inside a transaction; Drop, or the end of the transaction after an ERROR, takes it off again.
        unsafe {
            pg_sys::CommandCounterIncrement();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        Self
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pairs with `take`.
            unsafe { pg_sys::PopActiveSnapshot() };
        }
    }
}

/// The rows of a table that an index finds, in its order, as the active snapshot sees them.
pub struct Lookup<const N: usize> {
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::SysScanDesc,
}

impl<const N: usize> Lookup<N> {
    /// Opens a table of the schema `kpi` that has `N` columns, of which none was dropped. Its lock stays until the end of the
    /// transaction.
    pub fn open(table: &CStr, index: &CStr, key: &Key) -> Result<Self, Error> {
        // SAFETY: syscache lookups.
        let (relation, index) = unsafe {
            let schema = pg_sys::get_namespace_oid(c"kpi".as_ptr(), false);
            (
                pg_sys::get_relname_relid(table.as_ptr(), schema),
                pg_sys::get_relname_relid(index.as_ptr(), schema),
            )
        };
        if relation == pg_sys::Oid::INVALID || index == pg_sys::Oid::INVALID {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!(
                    "table kpi.{} or its index does not exist",
                    table.to_string_lossy()
                ),
            )
            .hint("It belongs to the extension: DROP EXTENSION pg_kpi, then CREATE EXTENSION pg_kpi."));
        }
        let (strategy, procedure, argument) = match key {
            Key::Above(number) => (
                pg_sys::BTGreaterStrategyNumber,
                pg_sys::F_INT8GT,
                number.into_datum(),
            ),
            Key::Text(text) => (pg_sys::BTEqualStrategyNumber, pg_sys::F_TEXTEQ, text.into_datum()),
        };
        // SAFETY: both relations exist and are locked as they are opened; the index is a btree whose first column has the
        // key's type, with its own collation; the server copies the key.
        unsafe {
            let lock = pg_sys::AccessShareLock as i32;
            let relation = pg_sys::table_open(relation, lock);
            let columns = (*(*relation).rd_att).natts;
            if columns as usize != N {
                pg_sys::table_close(relation, pg_sys::NoLock as i32);
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!(
                        "table kpi.{} is not that of this version of pg_kpi",
                        table.to_string_lossy()
                    ),
                )
                .detail(format!("It has {columns} columns, and should have {N}."))
                .hint("ALTER EXTENSION pg_kpi UPDATE, or restart the server where the library is the older one."));
            }
            let index = pg_sys::index_open(index, lock);
            let column = (*(*index).rd_index).indkey.values.as_slice(1).first().copied();
            let collation = *(*index).rd_indcollation;
            let mut entry = pg_sys::ScanKeyData::default();
            pg_sys::ScanKeyEntryInitialize(
                &mut entry,
                0,
                column.unwrap_or(1),
                strategy as pg_sys::StrategyNumber,
                pg_sys::Oid::INVALID,
                collation,
                pg_sys::Oid::from(procedure),
                argument.unwrap_or(pg_sys::Datum::from(0)),
            );
            let snapshot = pg_sys::GetActiveSnapshot();
            let scan = pg_sys::systable_beginscan_ordered(relation, index, snapshot, 1, &mut entry);
            Ok(Self {
                relation,
                index,
                scan,
            })
        }
    }

    /// The next row. Its values are valid until the one after it is asked for.
    pub fn next_row(&mut self) -> Option<Columns<N>> {
        // SAFETY: the scan is open; the arrays have a place for each column of the table.
        unsafe {
            let tuple =
                pg_sys::systable_getnext_ordered(self.scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                return None;
            }
            let mut values = [pg_sys::Datum::from(0); N];
            let mut nulls = [true; N];
            pg_sys::heap_deform_tuple(
                tuple,
                (*self.relation).rd_att,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            Some((values, nulls))
        }
    }
}

impl<const N: usize> Drop for Lookup<N> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // After an ERROR the end of the transaction closes what is open.
            return;
        }
        // SAFETY: opened in `open`; the locks stay until the end of the transaction, as those of a statement.
        unsafe {
            pg_sys::systable_endscan_ordered(self.scan);
            pg_sys::index_close(self.index, pg_sys::NoLock as i32);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
    }
}
