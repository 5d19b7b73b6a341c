//! Marks: whether a part of a table was written to while it was being exported.
//!
//! As for capture, the WHEN clause of a row trigger calls `kpi._archive_mark`, which notes the part here and answers false.
//! Just before the commit the noted parts become rows of `kpi.archive_mark`, in the writer's own transaction, so whoever holds
//! a lock against all writers sees every mark.

use std::cell::{Cell, RefCell};

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

thread_local! {
    static WRITTEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

fn note(part: u32) {
    WRITTEN.with_borrow_mut(|written| {
        if !written.contains(&part) {
            written.push(part);
        }
    });
    if !WATCHING.replace(true) {
        // SAFETY: the callback lives as long as the library, which is never unloaded.
        unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
    }
}

/// `kpi._archive_mark(part)`: for the WHEN clause of the triggers.
#[pg_extern(sql = false)]
fn archive_mark(part: pg_sys::Oid) -> bool {
    note(part.to_u32());
    false
}

/// Behind the triggers: for rows it never fires, for TRUNCATE it notes the part that is its argument.
#[pg_trigger(sql = false)]
fn archive_marked<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, ErrorReport> {
    if !trigger.event().fired_for_row() {
        let arguments = trigger.extra_args().unwrap_or_default();
        for part in arguments.iter().filter_map(|argument| argument.parse().ok()) {
            note(part);
        }
    }
    Ok(None)
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    match event {
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE => {
            write_down(&WRITTEN.with_borrow_mut(std::mem::take));
        }
        XACT_EVENT_ABORT | XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => WRITTEN.with_borrow_mut(Vec::clear),
        _ => (),
    }
}

/// Inserts the marks. No SPI and no privilege check: the writer need not know this table.
fn write_down(parts: &[u32]) {
    if parts.is_empty() {
        return;
    }
    // SAFETY: catalog lookups inside a transaction; the extension may have been dropped in it, then the table is gone.
    let table = unsafe {
        let schema = pg_sys::get_namespace_oid(c"kpi".as_ptr(), true);
        if schema == pg_sys::Oid::INVALID {
            return;
        }
        pg_sys::get_relname_relid(c"archive_mark".as_ptr(), schema)
    };
    if table == pg_sys::Oid::INVALID {
        return;
    }
    // SAFETY: the relation is opened and closed here, its lock stays until the commit; the tuple has its one by-value column.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::RowExclusiveLock as i32);
        let indexes = pg_sys::CatalogOpenIndexes(relation);
        for &part in parts {
            let mut value = pg_sys::Datum::from(part);
            let mut null = false;
            let tuple = pg_sys::heap_form_tuple((*relation).rd_att, &mut value, &mut null);
            pg_sys::CatalogTupleInsertWithInfo(relation, tuple, indexes);
            pg_sys::heap_freetuple(tuple);
        }
        pg_sys::CatalogCloseIndexes(indexes);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}
