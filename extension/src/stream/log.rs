//! Reading the log of changes: by number, or as a subscriber that waits.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::chosen::Wanted;
use super::subscriber::{self, Subscriber};
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::jobs::process::elapsed;
use crate::jobs::shared::{has_published, my_database, shared};
use crate::read_only::{self, check_writable};
use crate::spi::{self, Mode};

/// The longest that one call waits: its snapshot keeps VACUUM from removing what it might see.
const LONGEST_WAIT: i64 = 60_000_000;
/// A waiting reader looks this often, in milliseconds, for what nobody announces: changes of a prepared transaction.
const LONGEST_UNSEEN: i64 = 1000;
/// Without workers nobody wakes a reader: it looks this often.
const UNWOKEN: i64 = 100_000;

/// The table of a segment.
pub fn segment(segment: i32) -> String {
    format!("kpi.change_log_{}", segment.clamp(0, 2))
}

/// The oldest number that can still be asked for: changes after it are all there. And the latest.
fn reach() -> Result<(i64, i64), Error> {
    let reach = spi::first_kept(
        Mode::Write,
        "SELECT coalesce(least((SELECT min(number) FROM kpi.change_log_0), (SELECT min(number) FROM kpi.change_log_1), \
         (SELECT min(number) FROM kpi.change_log_2)) - 1, kpi.last_change()), kpi.last_change()",
        &[],
        |row| Ok((row.get(1).unwrap_or_default(), row.get(2).unwrap_or_default())),
    )?;
    Ok(reach.unwrap_or_default())
}

fn check_reach(number: i64) -> Result<(), Error> {
    let (oldest, latest) = reach()?;
    if number >= oldest || number > latest {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the log of changes no longer holds what came after number {number}"),
    )
    .detail(format!("It goes from {} to {latest}.", oldest + 1))
    .hint(format!(
        "Read the present values with kpi.value, then go on after number {latest}. A subscriber (kpi.add_subscriber) \
         has its changes kept for it."
    )))
}

/// The tuplestore of a set-returning call, and the description of its rows.
unsafe fn result_store(
    fcinfo: pg_sys::FunctionCallInfo,
) -> (*mut pg_sys::Tuplestorestate, pg_sys::TupleDesc) {
    // SAFETY: the function is declared to return a set, so the executor passed a ReturnSetInfo.
    unsafe {
        pg_sys::InitMaterializedSRF(fcinfo, 0);
        let result = (*fcinfo).resultinfo as *mut pg_sys::ReturnSetInfo;
        ((*result).setResult, (*result).setDesc)
    }
}

fn positive(max: Option<i32>) -> Result<i32, Error> {
    match max {
        Some(max) if max > 0 => Ok(max),
        other => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "max must be a positive number",
        )
        .detail(other.map_or_else(|| "It is null.".to_string(), |max| format!("It is {max}.")))
        .hint("How many changes to return at most: max => 100.")),
    }
}

fn list(list: Option<Vec<Option<String>>>) -> Option<Vec<String>> {
    list.map(|list| list.into_iter().flatten().collect())
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_changes_since() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `kpi.changes_since(number, codes, periods, max)`.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_changes_since(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: declared as (bigint, text[], text[], int).
    let (number, codes, periods, max, (store, descriptor)) = unsafe {
        (
            pgrx::fcinfo::pg_getarg::<i64>(fcinfo, 0),
            pgrx::fcinfo::pg_getarg::<Vec<Option<String>>>(fcinfo, 1),
            pgrx::fcinfo::pg_getarg::<Vec<Option<String>>>(fcinfo, 2),
            pgrx::fcinfo::pg_getarg::<i32>(fcinfo, 3),
            result_store(fcinfo),
        )
    };
    let read = || -> Result<(), Error> {
        let number = crate::error::required(number, "number")?;
        let wanted = Wanted {
            after: number,
            codes: list(codes),
            periods: list(periods),
            by: None,
            role: identity::current_role(),
            max: positive(max)?,
        };
        {
            let _owner = Identity::extension_owner()?;
            check_reach(number)?;
        }
        // SAFETY: the store was made for the declared row type, which is that of kpi.change.
        unsafe { wanted.put(store, descriptor)? };
        Ok(())
    };
    if let Err(error) = read() {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0)
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_poll() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `kpi.poll(name, max, wait)`.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_poll(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: declared as (text, int, interval).
    let (name, max, wait, (store, descriptor)) = unsafe {
        (
            pgrx::fcinfo::pg_getarg::<String>(fcinfo, 0),
            pgrx::fcinfo::pg_getarg::<i32>(fcinfo, 1),
            pgrx::fcinfo::pg_getarg::<Interval>(fcinfo, 2),
            result_store(fcinfo),
        )
    };
    let poll = || -> Result<(), Error> {
        let name = crate::error::required(name, "name")?;
        let max = positive(max)?;
        let wait = wait.map_or(0, |wait| {
            wait.as_micros().clamp(0, i128::from(LONGEST_WAIT)) as i64
        });
        // It notes that the subscriber has come, not at every call: but whether it works must not depend on that.
        check_writable("kpi.poll", read_only::CHANGES)?;
        let subscriber = subscriber::seen(&name)?;
        // SAFETY: the store was made for the declared row type, which is that of kpi.change.
        unsafe { poll_until(subscriber, max, elapsed() + wait, store, descriptor) }
    };
    if let Err(error) = poll() {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0)
}

/// # Safety
/// `store` is alive and takes rows of `kpi.change`, which `descriptor` describes.
unsafe fn poll_until(
    subscriber: Subscriber,
    max: i32,
    deadline: i64,
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
) -> Result<(), Error> {
    // SAFETY: a global that the backend's main thread reads.
    let blind = unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ as i32;
    let wanted = Wanted {
        after: subscriber.acked,
        codes: subscriber.codes,
        periods: Some(subscriber.periods),
        by: Some(subscriber.by),
        role: identity::current_role(),
        max,
    };
    let slot = shared().and_then(|shared| shared.slot(my_database()));
    // Who has acknowledged everything and comes back to wait need not look first: most polls of a subscriber that follows.
    let mut up_to_date = !blind && !has_published() && elapsed() < deadline;
    loop {
        if let Some(slot) = slot {
            slot.prepare_to_wait();
            if std::mem::take(&mut up_to_date) && slot.is_last(subscriber.acked) {
                slot.wait(((deadline - elapsed()) / 1000 + 1).clamp(1, LONGEST_UNSEEN));
                continue;
            }
        }
        // SAFETY: as this function's contract says.
        let found = unsafe { wanted.put(store, descriptor)? };
        let left = deadline - elapsed();
        // In one snapshot for the whole transaction nothing new will ever be seen.
        if found > 0 || left <= 0 || blind {
            break;
        }
        match slot {
            Some(slot) => slot.wait((left / 1000 + 1).min(LONGEST_UNSEEN)),
            None => crate::jobs::process::pause(left.min(UNWOKEN)),
        }
    }
    if let Some(slot) = slot {
        slot.stop_waiting();
    }
    Ok(())
}
