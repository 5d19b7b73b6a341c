//! Capture: which minutes the running transaction has touched.
//!
//! The triggers on a captured table are AFTER ROW triggers whose WHEN clause calls `kpi._capture`, which notes the
//! row's minute here and answers false. So PostgreSQL calls us for every way into the table (COPY, partitions,
//! logical replication) without queueing an event per row. Just before the commit, or before PREPARE TRANSACTION,
//! the noted minutes become rows of `kpi.touched`, in the writer's own transaction.
//!
//! A rolled-back savepoint leaves its minutes in the set: too many cost a recomputation, one too few would cost a
//! wrong number.

use std::cell::RefCell;

use kpi_rollup::{MinuteRange, TouchedMinutes};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

#[derive(Default)]
struct Pending {
    sources: Vec<(i32, TouchedMinutes)>,
    watching: bool,
}

impl Pending {
    #[inline]
    fn of(&mut self, source: i32) -> &mut TouchedMinutes {
        let at = match self.sources.iter().position(|(id, _)| *id == source) {
            Some(at) => at,
            None => {
                if !self.watching {
                    self.watching = true;
                    // SAFETY: the callback lives as long as the library, which is never unloaded.
                    unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
                }
                self.sources.push((source, TouchedMinutes::default()));
                self.sources.len() - 1
            }
        };
        &mut self.sources[at].1
    }
}

thread_local! {
    static PENDING: RefCell<Pending> = RefCell::new(Pending::default());
}

/// What this transaction has touched in a source and not yet written down.
pub fn pending(source: i32) -> Vec<MinuteRange> {
    PENDING.with_borrow_mut(|pending| {
        pending
            .sources
            .iter_mut()
            .find(|(id, _)| *id == source)
            .map(|(_, touched)| touched.ranges().to_vec())
            .unwrap_or_default()
    })
}

/// Notes a range of minutes of a source.
pub fn touch(source: i32, range: MinuteRange) {
    PENDING.with_borrow_mut(|pending| pending.of(source).insert_range(range));
}

/// Calls back with each time argument of `kpi._capture(source, time [, time])`.
///
/// # Safety
/// `fcinfo` is a live call of a function whose first argument is an int4.
#[inline]
unsafe fn note(
    fcinfo: pg_sys::FunctionCallInfo,
    microseconds: impl Fn(pg_sys::Datum) -> i64,
) -> pg_sys::Datum {
    // SAFETY: the executor filled `nargs` arguments.
    let args = unsafe { (*fcinfo).args.as_slice((*fcinfo).nargs as usize) };
    if let Some((source, times)) = args.split_first()
        && !source.isnull
    {
        PENDING.with_borrow_mut(|pending| {
            let touched = pending.of(source.value.value() as i32);
            for time in times.iter().filter(|t| !t.isnull) {
                touched.insert(microseconds(time.value));
            }
        });
    }
    pg_sys::Datum::from(false)
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_capture_time() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `kpi._capture` for timestamptz and timestamp.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_capture_time(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: declared as (int4, timestamp...).
    unsafe { note(fcinfo, |datum| datum.value() as i64) }
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_capture_date() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `kpi._capture` for date.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_capture_date(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    const DAY: i64 = 86_400_000_000;
    // SAFETY: declared as (int4, date...).
    unsafe {
        note(fcinfo, |datum| match datum.value() as i32 {
            i32::MIN => i64::MIN,
            i32::MAX => i64::MAX,
            days => i64::from(days) * DAY,
        })
    }
}

/// Behind the capture triggers. The row triggers never fire, their WHEN clause has done the work; TRUNCATE touches all.
#[pg_trigger(sql = false)]
fn captured<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, AllocatedByPostgres>>, ErrorReport> {
    if trigger.event().fired_for_row() {
        return Ok(None);
    }
    let arguments = trigger.extra_args().unwrap_or_default();
    for source in arguments.iter().filter_map(|argument| argument.parse().ok()) {
        touch(
            source,
            MinuteRange {
                first: i64::MIN,
                last: i64::MAX,
            },
        );
        let relation = trigger.relation().map_or(pg_sys::Oid::INVALID, |r| r.oid());
        super::history::truncated(source, relation)?;
    }
    Ok(None)
}

/// `kpi._touch(source, first_minute, last_minute)`: for the event triggers.
#[pg_extern(sql = false)]
fn touch_minutes(source: i32, first_minute: i64, last_minute: i64) {
    touch(
        source,
        MinuteRange {
            first: first_minute,
            last: last_minute,
        },
    );
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    match event {
        XACT_EVENT_PRE_COMMIT | XACT_EVENT_PRE_PREPARE => {
            let sources = PENDING.with_borrow_mut(|pending| std::mem::take(&mut pending.sources));
            write_down(sources);
        }
        XACT_EVENT_ABORT | XACT_EVENT_COMMIT | XACT_EVENT_PREPARE => {
            PENDING.with_borrow_mut(|pending| pending.sources.clear());
        }
        _ => (),
    }
}

/// Inserts the touched ranges into `kpi.touched`. No SPI and no privilege check: the writer need not know this table.
fn write_down(sources: Vec<(i32, TouchedMinutes)>) {
    if sources.iter().all(|(_, touched)| touched.is_empty()) {
        return;
    }
    // SAFETY: catalog lookups inside a transaction; the extension may have been dropped in it, then the table is gone.
    let table = unsafe {
        let schema = pg_sys::get_namespace_oid(c"kpi".as_ptr(), true);
        if schema == pg_sys::Oid::INVALID {
            return;
        }
        pg_sys::get_relname_relid(c"touched".as_ptr(), schema)
    };
    if table == pg_sys::Oid::INVALID {
        return;
    }
    // SAFETY: the relation is opened and closed here, its lock stays until the commit; the tuple has its by-value columns,
    // of which the objects of version 0.1.0 lack the last; CatalogTupleInsert keeps whatever index somebody may have made.
    unsafe {
        let relation = pg_sys::table_open(table, pg_sys::RowExclusiveLock as i32);
        let indexes = pg_sys::CatalogOpenIndexes(relation);
        crate::jobs::shared::at_commit(|noted| noted.wrote = true);
        for (source, mut touched) in sources {
            let seconds = touched.seconds();
            for range in touched.ranges() {
                let mut values = [
                    pg_sys::Datum::from(source),
                    pg_sys::Datum::from(range.first),
                    pg_sys::Datum::from(range.last),
                    pg_sys::Datum::from(seconds.unwrap_or_default() as i64),
                ];
                let mut nulls = [false, false, false, seconds.is_none()];
                let tuple =
                    pg_sys::heap_form_tuple((*relation).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
                pg_sys::CatalogTupleInsertWithInfo(relation, tuple, indexes);
                pg_sys::heap_freetuple(tuple);
            }
        }
        pg_sys::CatalogCloseIndexes(indexes);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
    }
}
