//! SPI under the two snapshot rules that this extension needs.
//!
//! pgrx picks the snapshot by whether the transaction has written; an exact read must see the snapshot of the query
//! that called it in every statement it runs, and a refresh must see a new one in every statement. So the mode is
//! said here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// Which snapshot a statement runs in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The snapshot of the calling query; writes are refused.
    Read,
    /// A new snapshot, after everything that this transaction did before.
    Write,
}

/// A statement's argument.
pub struct Arg {
    oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

impl Arg {
    /// The same value for one more statement.
    pub fn copied(&self) -> Self {
        Self {
            oid: self.oid,
            datum: self.datum,
        }
    }
}

/// Wraps a value as a statement's argument.
pub fn arg<T: IntoDatum>(value: T) -> Arg {
    Arg {
        oid: T::type_oid(),
        datum: value.into_datum(),
    }
}

/// An argument of a given type from a datum.
pub fn raw_arg(oid: pg_sys::Oid, datum: Option<pg_sys::Datum>) -> Arg {
    Arg { oid, datum }
}

/// One row of a result, valid while its callback runs.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Row {
    /// The value of a column, counted from 1. It must own what it holds: the row goes with the callback.
    pub fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        let datum = self.datum(column)?;
        // SAFETY: the datum comes from the tuple that SPI returned and has the type that the statement selects.
        unsafe { T::from_datum(datum, false) }
    }

    /// The datum of a column, counted from 1; `None` for NULL.
    pub fn datum(&self, column: i32) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: tuple and descriptor belong to the current SPI result.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &mut is_null) };
        (!is_null).then_some(datum)
    }

    /// A text column that cannot be NULL by its table's definition.
    pub fn text(&self, column: i32) -> String {
        self.get::<String>(column).unwrap_or_default()
    }
}

/// Ends the SPI connection also when the callback fails.
struct Connection;

impl Connection {
    fn open() -> Self {
        // SAFETY: called on the backend's main thread, closed by Drop.
        unsafe { pg_sys::SPI_connect() };
        Self
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: pairs with SPI_connect above; after an ERROR the transaction's end cleans up instead.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

/// Runs a statement and maps its rows.
pub fn query<T>(
    mode: Mode,
    sql: &str,
    args: &[Arg],
    mut each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    scan(mode, sql, args, |row| {
        rows.push(each(row)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Runs a statement, calls back for every row, and returns how many rows it processed.
pub fn scan(
    mode: Mode,
    sql: &str,
    args: &[Arg],
    each: impl FnMut(&Row) -> Result<(), Error>,
) -> Result<u64, Error> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    let mut types: Vec<pg_sys::Oid> = args.iter().map(|a| a.oid).collect();
    let (mut values, nulls) = split(args);
    let connection = Connection::open();
    // SAFETY: the arrays have `args.len()` entries and outlive the call; an ERROR inside unwinds through pgrx.
    let code = unsafe {
        pg_sys::SPI_execute_with_args(
            text.as_ptr(),
            args.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            mode == Mode::Read,
            0,
        )
    };
    let processed = each_row(code, each)?;
    drop(connection);
    Ok(processed)
}

unsafe extern "C-unwind" {
    // executor/tstoreReceiver.h, which pgrx does not bind; the same from PostgreSQL 14 to 18.
    fn SetTuplestoreDestReceiverParams(
        receiver: *mut pg_sys::DestReceiver,
        store: *mut pg_sys::Tuplestorestate,
        context: pg_sys::MemoryContext,
        detoast: bool,
        target: pg_sys::TupleDesc,
        map_failure_message: *const std::ffi::c_char,
    );
}

/// Runs a statement and has the executor put its rows into `store`.
///
/// # Safety
/// `store` is alive, and its readers expect rows of the types that the statement selects.
pub unsafe fn into_store(
    mode: Mode,
    sql: &str,
    args: &[Arg],
    store: *mut pg_sys::Tuplestorestate,
) -> Result<u64, Error> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    let connection = Connection::open();
    // SAFETY: options and text outlive the call.
    let code = unsafe { pg_sys::SPI_execute_extended(text.as_ptr(), &into(mode, args, store)) };
    let processed = each_row(code, |_| Ok(()))?;
    drop(connection);
    Ok(processed)
}

/// How to run a statement whose rows go into a tuplestore.
///
/// # Safety
/// As for [`into_store`]; an SPI connection is open, and what this returns is used before it is closed.
unsafe fn into(mode: Mode, args: &[Arg], store: *mut pg_sys::Tuplestorestate) -> pg_sys::SPIExecuteOptions {
    // SAFETY: the list has `args.len()` places; it and the receiver live in SPI's memory.
    unsafe {
        let params = pg_sys::makeParamList(args.len() as i32);
        for (place, arg) in (*params).params.as_mut_slice(args.len()).iter_mut().zip(args) {
            place.value = arg.datum.unwrap_or(pg_sys::Datum::from(0));
            place.isnull = arg.datum.is_none();
            place.pflags = pg_sys::PARAM_FLAG_CONST as u16;
            place.ptype = arg.oid;
        }
        let receiver = pg_sys::CreateDestReceiver(pg_sys::CommandDest::DestTuplestore);
        SetTuplestoreDestReceiverParams(
            receiver,
            store,
            pg_sys::CurrentMemoryContext,
            false,
            std::ptr::null_mut(),
            std::ptr::null(),
        );
        pg_sys::SPIExecuteOptions {
            params,
            read_only: mode == Mode::Read,
            allow_nonatomic: false,
            must_return_tuples: true,
            tcount: 0,
            dest: receiver,
            owner: std::ptr::null_mut(),
        }
    }
}

/// Runs a statement that may write, and has the executor hand its rows to `receiver`.
///
/// # Safety
/// `receiver` begins with a `DestReceiver` whose callbacks are set, and outlives the call.
pub unsafe fn into_receiver(sql: &str, receiver: *mut pg_sys::DestReceiver) -> Result<u64, Error> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    let connection = Connection::open();
    let options = pg_sys::SPIExecuteOptions {
        must_return_tuples: true,
        dest: receiver,
        ..Default::default()
    };
    // SAFETY: options and text outlive the call.
    let code = unsafe { pg_sys::SPI_execute_extended(text.as_ptr(), &options) };
    let processed = each_row(code, |_| Ok(()))?;
    drop(connection);
    Ok(processed)
}

thread_local! {
    /// Plans of statements that are written anew for each refresh but come out the same again and again.
    static WRITTEN: RefCell<HashMap<String, pg_sys::SPIPlanPtr>> = RefCell::new(HashMap::new());
    /// Plans of the statements that every read runs, kept for the session; PostgreSQL replans them when it must.
    static KEPT: RefCell<HashMap<&'static str, pg_sys::SPIPlanPtr>> = RefCell::new(HashMap::new());
}

/// Runs a fixed statement from a plan that is kept for the session, and maps its rows.
pub fn query_kept<T>(
    mode: Mode,
    sql: &'static str,
    args: &[Arg],
    mut each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let connection = Connection::open();
    let plan = kept(sql, args)?;
    let (mut values, nulls) = split(args);
    // SAFETY: the plan takes these arguments, in their types.
    let code =
        unsafe { pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls.as_ptr(), mode == Mode::Read, 0) };
    let mut rows = Vec::new();
    each_row(code, |row| {
        rows.push(each(row)?);
        Ok(())
    })?;
    drop(connection);
    Ok(rows)
}

/// The plan of a fixed statement, made when it is first asked for.
fn kept(sql: &'static str, args: &[Arg]) -> Result<pg_sys::SPIPlanPtr, Error> {
    if let Some(plan) = KEPT.with_borrow(|plans| plans.get(sql).copied()) {
        return Ok(plan);
    }
    let plan = prepare(sql, args)?;
    KEPT.with_borrow_mut(|plans| plans.insert(sql, plan));
    Ok(plan)
}

/// How many plans of written statements a session keeps; above that it begins anew.
const WRITTEN_PLANS: usize = 256;

/// Whether a statement's plan is worth keeping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It reads as much as its arguments say: the planner should see them.
    Once,
    /// It reads little, whatever its arguments, and comes again within moments.
    Soon,
}

/// As [`scan`], from a plan that is kept where that pays.
pub fn scan_reusing(
    reuse: Reuse,
    mode: Mode,
    sql: &str,
    args: &[Arg],
    each: impl FnMut(&Row) -> Result<(), Error>,
) -> Result<u64, Error> {
    if reuse == Reuse::Once {
        return scan(mode, sql, args, each);
    }
    let connection = Connection::open();
    let plan = match WRITTEN.with_borrow(|plans| plans.get(sql).copied()) {
        Some(plan) => plan,
        None => {
            let plan = prepare(sql, args)?;
            let dropped = WRITTEN.with_borrow_mut(|plans| {
                let full = plans.len() >= WRITTEN_PLANS;
                let dropped = if full {
                    std::mem::take(plans)
                } else {
                    HashMap::new()
                };
                plans.insert(sql.to_string(), plan);
                dropped
            });
            for (_, old) in dropped {
                // SAFETY: a plan that was kept, and is in no map any more.
                unsafe { pg_sys::SPI_freeplan(old) };
            }
            plan
        }
    };
    let (mut values, nulls) = split(args);
    // SAFETY: the plan takes these arguments, in their types.
    let code =
        unsafe { pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls.as_ptr(), mode == Mode::Read, 0) };
    let processed = each_row(code, each)?;
    drop(connection);
    Ok(processed)
}

/// Plans a statement for any arguments of these types, and keeps the plan.
fn prepare(sql: &str, args: &[Arg]) -> Result<pg_sys::SPIPlanPtr, Error> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    let mut types: Vec<pg_sys::Oid> = args.iter().map(|a| a.oid).collect();
    // SAFETY: as many types as arguments; a plan that is kept lives until it is freed or the session ends.
    let plan = unsafe {
        let plan = pg_sys::SPI_prepare_cursor(
            text.as_ptr(),
            args.len() as i32,
            types.as_mut_ptr(),
            // No argument makes another plan better.
            pg_sys::CURSOR_OPT_GENERIC_PLAN as i32,
        );
        if !plan.is_null() {
            pg_sys::SPI_keepplan(plan);
        }
        plan
    };
    if plan.is_null() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            "SPI could not prepare a statement",
        ));
    }
    Ok(plan)
}

/// The first row of a fixed statement, from a kept plan.
pub fn first_kept<T>(
    mode: Mode,
    sql: &'static str,
    args: &[Arg],
    each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    Ok(query_kept(mode, sql, args, each)?.into_iter().next())
}

fn split(args: &[Arg]) -> (Vec<pg_sys::Datum>, Vec<std::ffi::c_char>) {
    let values = args
        .iter()
        .map(|a| a.datum.unwrap_or(pg_sys::Datum::from(0)))
        .collect();
    let null = |a: &Arg| if a.datum.is_some() { b' ' } else { b'n' } as std::ffi::c_char;
    (values, args.iter().map(null).collect())
}

/// Calls back for every row of the statement that has just run.
fn each_row(code: i32, mut each: impl FnMut(&Row) -> Result<(), Error>) -> Result<u64, Error> {
    if code < 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            format!("SPI failed with {code}"),
        ));
    }
    // SAFETY: SPI_processed and SPI_tuptable are set by the statement.
    let (processed, table) = unsafe { (pg_sys::SPI_processed, pg_sys::SPI_tuptable) };
    if !table.is_null() {
        // SAFETY: the table holds `numvals` tuples until SPI_finish.
        let (tuples, count, descriptor) =
            unsafe { ((*table).vals, (*table).numvals as usize, (*table).tupdesc) };
        for i in 0..count {
            // SAFETY: i < numvals.
            let tuple = unsafe { *tuples.add(i) };
            each(&Row { tuple, descriptor })?;
        }
    }
    Ok(processed)
}

/// Runs a statement that changes something.
pub fn run(sql: &str, args: &[Arg]) -> Result<u64, Error> {
    scan(Mode::Write, sql, args, |_| Ok(()))
}

/// The first row of a statement.
pub fn first<T>(
    mode: Mode,
    sql: &str,
    args: &[Arg],
    each: impl FnMut(&Row) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    Ok(query(mode, sql, args, each)?.into_iter().next())
}

/// An identifier, quoted where it needs to be.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string literal.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}
