//! Reading the log of changes: by number, or as a subscriber that waits.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::subscriber::{self, Subscriber};
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::jobs::process::elapsed;
use crate::jobs::shared::{my_database, shared};
use crate::read_only::{self, check_writable};
use crate::spi::{self, Arg, Mode, arg};

/// The longest that one call waits: its snapshot keeps VACUUM from removing what it might see.
const LONGEST_WAIT: i64 = 60_000_000;
/// Without workers nobody wakes a reader: it looks this often.
const UNWOKEN: i64 = 100_000;

/// The table of a segment.
pub fn segment(segment: i32) -> String {
    format!("kpi.change_log_{}", segment.clamp(0, 2))
}

/// Changes after a number that the role may see, with what they are chosen by.
const CHOSEN: &str = "SELECT c.number, c.committed, c.code, c.period, c.bucket, c.dimensions, c.value, c.previous, c.status, \
     c.data_points, c.changes FROM kpi._change c JOIN kpi.kpi k ON k.code = c.code \
     WHERE c.number > $1 AND ($2 IS NULL OR c.code = ANY ($2)) AND ($3 IS NULL OR c.period = ANY ($3)) \
     AND ($4 IS NULL OR c.by = $4) AND pg_catalog.has_table_privilege($5, k.view, 'SELECT') ORDER BY c.number LIMIT $6";

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

/// Puts the chosen changes into a tuplestore.
///
/// # Safety
/// `store` is alive and takes rows of `kpi.change`.
unsafe fn choose(store: *mut pg_sys::Tuplestorestate, args: &[Arg]) -> Result<u64, Error> {
    let _owner = Identity::extension_owner()?;
    // SAFETY: as this function's contract says.
    unsafe { spi::into_store_kept(Mode::Write, CHOSEN, args, store) }
}

fn chosen(
    after: i64,
    codes: Option<Vec<String>>,
    periods: Option<Vec<String>>,
    by: Option<Vec<String>>,
    role: pg_sys::Oid,
    max: i32,
) -> [Arg; 6] {
    [
        arg(after),
        spi::raw_arg(pg_sys::TEXTARRAYOID, codes.into_datum()),
        spi::raw_arg(pg_sys::TEXTARRAYOID, periods.into_datum()),
        spi::raw_arg(pg_sys::TEXTARRAYOID, by.into_datum()),
        arg(role),
        arg(i64::from(max)),
    ]
}

/// The tuplestore of a set-returning call.
unsafe fn result_store(fcinfo: pg_sys::FunctionCallInfo) -> *mut pg_sys::Tuplestorestate {
    // SAFETY: the function is declared to return a set, so the executor passed a ReturnSetInfo.
    unsafe {
        pg_sys::InitMaterializedSRF(fcinfo, 0);
        let result = (*fcinfo).resultinfo as *mut pg_sys::ReturnSetInfo;
        (*result).setResult
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
    let (number, codes, periods, max, store) = unsafe {
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
        let role = identity::current_role();
        let args = chosen(number, list(codes), list(periods), None, role, positive(max)?);
        {
            let _owner = Identity::extension_owner()?;
            check_reach(number)?;
        }
        // SAFETY: the store was made for the declared row type, which is that of kpi.change.
        unsafe { choose(store, &args)? };
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
    let (name, max, wait, store) = unsafe {
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
        unsafe { poll_until(&subscriber, max, elapsed() + wait, store) }
    };
    if let Err(error) = poll() {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0)
}

/// # Safety
/// `store` is alive and takes rows of `kpi.change`.
unsafe fn poll_until(
    subscriber: &Subscriber,
    max: i32,
    deadline: i64,
    store: *mut pg_sys::Tuplestorestate,
) -> Result<(), Error> {
    // SAFETY: a global that the backend's main thread reads.
    let blind = unsafe { pg_sys::XactIsoLevel } >= pg_sys::XACT_REPEATABLE_READ as i32;
    let role = identity::current_role();
    let slot = shared().and_then(|shared| shared.slot(my_database()));
    loop {
        if let Some(slot) = slot {
            slot.prepare_to_wait();
        }
        let args = chosen(
            subscriber.acked,
            subscriber.codes.clone(),
            Some(subscriber.periods.clone()),
            Some(subscriber.by.clone()),
            role,
            max,
        );
        // SAFETY: as this function's contract says.
        let found = unsafe { choose(store, &args)? };
        let left = deadline - elapsed();
        // In one snapshot for the whole transaction nothing new will ever be seen.
        if found > 0 || left <= 0 || blind {
            break;
        }
        match slot {
            Some(slot) => slot.wait(left.min(1_000_000) / 1000 + 1),
            None => crate::jobs::process::pause(left.min(UNWOKEN)),
        }
    }
    if let Some(slot) = slot {
        slot.stop_waiting();
    }
    Ok(())
}
