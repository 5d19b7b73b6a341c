//! KPIs as foreign tables: `kpi.values_*` over all KPIs, and one behind each KPI's typed view.
//!
//! Conditions on code, period and time narrow what is read. They are only a help: the executor checks every condition
//! again, so a condition that is not understood here costs time, never rightness.

use std::ffi::{CStr, c_int, c_void};

use kpi_catalog::{Direction, Period};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::narrowing::{Bounds, Condition, Narrowing, bounds, narrowing};
use super::read::{self, By, Request};
use crate::catalog::lookup::{self, Kpi};
use crate::error::Error;
use crate::spi::{self, Mode, arg};
use crate::{identity, version};

/// What a foreign table shows.
struct Table {
    /// Set for the table behind a typed view.
    code: Option<String>,
    /// Set for `kpi.values_*`.
    period: Option<Period>,
}

/// State of one scan, dropped with the executor's memory.
struct Scan {
    table: Table,
    narrowings: Vec<Condition>,
    rows: *mut pg_sys::Tuplestorestate,
    /// A store hands out minimal tuples, which the scan's own slot cannot hold.
    minimal: *mut pg_sys::TupleTableSlot,
}

unsafe fn options(relation: pg_sys::Oid) -> Result<Table, Error> {
    let mut table = Table {
        code: None,
        period: None,
    };
    // SAFETY: the relation is a foreign table, by the planner's or executor's call; its options are DefElems.
    unsafe {
        let list = (*pg_sys::GetForeignTable(relation)).options;
        for i in 0..(if list.is_null() { 0 } else { (*list).length }) {
            let option = (*(*list).elements.add(i as usize)).ptr_value as *mut pg_sys::DefElem;
            let value = CStr::from_ptr(pg_sys::defGetString(option))
                .to_string_lossy()
                .into_owned();
            match CStr::from_ptr((*option).defname).to_bytes() {
                b"code" => table.code = Some(value),
                b"period" => table.period = Some(kpi_catalog::period(&value)?),
                _ => (),
            }
        }
    }
    if table.code.is_none() == table.period.is_none() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
            "a foreign table of server pg_kpi needs the option code or the option period",
        )
        .hint("These tables are made by kpi.create_kpi; read kpi.values_day or the views in kpi_views."));
    }
    Ok(table)
}

fn raise<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            ErrorReport::from(error).report(PgLogLevel::ERROR);
            None
        }
    }
}

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_read_handler() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// Handler of the foreign-data wrapper `pg_kpi`.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_read_handler(_fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: a zeroed node of the right size and tag, in the caller's context.
    unsafe {
        let routine = pg_sys::palloc0(std::mem::size_of::<pg_sys::FdwRoutine>()) as *mut pg_sys::FdwRoutine;
        (*routine).type_ = pg_sys::NodeTag::T_FdwRoutine;
        (*routine).GetForeignRelSize = Some(size);
        (*routine).GetForeignPaths = Some(paths);
        (*routine).GetForeignPlan = Some(plan);
        (*routine).BeginForeignScan = Some(begin);
        (*routine).IterateForeignScan = Some(iterate);
        (*routine).ReScanForeignScan = Some(rescan);
        (*routine).EndForeignScan = Some(end);
        pg_sys::Datum::from(routine)
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn size(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _relation: pg_sys::Oid,
) {
    // SAFETY: the planner's own node.
    unsafe { (*rel).rows = 1000.0 };
}

#[pg_guard]
unsafe extern "C-unwind" fn paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _relation: pg_sys::Oid,
) {
    // SAFETY: the planner's own nodes.
    unsafe {
        let path = version::foreign_path(root, rel, (*rel).rows, 1000.0);
        pg_sys::add_path(rel, path as *mut pg_sys::Path);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn plan(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    relation: pg_sys::Oid,
    _path: *mut pg_sys::ForeignPath,
    targets: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer: *mut pg_sys::Plan,
) -> *mut pg_sys::ForeignScan {
    // SAFETY: the planner's own lists; all conditions stay in `clauses`, to be checked again.
    unsafe {
        let clauses = pg_sys::extract_actual_clauses(clauses, false);
        let table = raise(options(relation)).unwrap_or(Table {
            code: None,
            period: None,
        });
        let (time_column, text_column) = if table.code.is_some() { (1, 2) } else { (2, 1) };
        let mut expressions = std::ptr::null_mut::<pg_sys::List>();
        let mut kinds = std::ptr::null_mut::<pg_sys::List>();
        for i in 0..(if clauses.is_null() { 0 } else { (*clauses).length }) {
            let clause = (*(*clauses).elements.add(i as usize)).ptr_value as *mut pg_sys::Node;
            if let Some((kind, value)) = narrowing(clause, (*rel).relid, time_column, text_column) {
                expressions = pg_sys::lappend(expressions, value as *mut c_void);
                kinds = pg_sys::lappend_int(kinds, kind as c_int);
            }
        }
        pg_sys::make_foreignscan(
            targets,
            clauses,
            (*rel).relid,
            expressions,
            kinds,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            outer,
        )
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn begin(node: *mut pg_sys::ForeignScanState, flags: c_int) {
    // SAFETY: the executor's own nodes; `Scan` is dropped when the query's memory context is.
    unsafe {
        let plan = (*node).ss.ps.plan as *mut pg_sys::ForeignScan;
        let Some(table) = raise(options((*(*node).ss.ss_currentRelation).rd_id)) else {
            return;
        };
        let mut narrowings = Vec::new();
        if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int == 0 {
            let expressions = (*plan).fdw_exprs;
            let states = pg_sys::ExecInitExprList(expressions, &mut (*node).ss.ps);
            for i in 0..(if states.is_null() {
                0
            } else {
                (*states).length as usize
            }) {
                let number = (*(*(*plan).fdw_private).elements.add(i)).int_value;
                if let Some(kind) = Narrowing::ALL.into_iter().find(|k| *k as c_int == number) {
                    let state = (*(*states).elements.add(i)).ptr_value as *mut pg_sys::ExprState;
                    let expression = (*(*expressions).elements.add(i)).ptr_value as *mut pg_sys::Node;
                    narrowings.push((kind, state, pg_sys::exprType(expression)));
                }
            }
        }
        let context = (*(*node).ss.ps.state).es_query_cxt;
        let minimal = pg_sys::MakeSingleTupleTableSlot(
            (*(*node).ss.ss_currentRelation).rd_att,
            &raw const pg_sys::TTSOpsMinimalTuple,
        );
        let scan = Scan {
            table,
            narrowings,
            rows: std::ptr::null_mut(),
            minimal,
        };
        (*node).fdw_state = PgMemoryContexts::For(context).leak_and_drop_on_delete(scan) as *mut c_void;
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn iterate(node: *mut pg_sys::ForeignScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: `fdw_state` was set by `begin`; the slot belongs to the scan.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        pg_sys::ExecClearTuple(slot);
        let scan = (*node).fdw_state as *mut Scan;
        // The executor calls with its memory for one row, but store and slot outlive the row.
        let row = pg_sys::MemoryContextSwitchTo((*(*node).ss.ps.state).es_query_cxt);
        if (*scan).rows.is_null() {
            (*scan).rows = pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem);
            if let Some(bounds) = bounds(&(*scan).narrowings, (*node).ss.ps.ps_ExprContext) {
                raise(load(&*scan, &bounds, (*(*node).ss.ss_currentRelation).rd_att));
            }
        }
        if pg_sys::tuplestore_gettupleslot((*scan).rows, true, false, (*scan).minimal) {
            let mut owned = false;
            let tuple = pg_sys::ExecFetchSlotMinimalTuple((*scan).minimal, &mut owned);
            pg_sys::ExecForceStoreMinimalTuple(tuple, slot, owned);
        }
        pg_sys::MemoryContextSwitchTo(row);
        slot
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: as in `iterate`; the next call reads anew, since parameters may have changed.
    unsafe { close((*node).fdw_state as *mut Scan) };
}

#[pg_guard]
unsafe extern "C-unwind" fn end(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: as in `iterate`; null when `begin` failed.
    unsafe {
        let scan = (*node).fdw_state as *mut Scan;
        close(scan);
        if !scan.is_null() {
            // The slot pins the table's description, which must go before the table is closed.
            pg_sys::ExecDropSingleTupleTableSlot((*scan).minimal);
        }
    }
}

unsafe fn close(scan: *mut Scan) {
    // SAFETY: null or the scan that `begin` made.
    unsafe {
        if !scan.is_null() && !(*scan).rows.is_null() {
            pg_sys::ExecClearTuple((*scan).minimal);
            pg_sys::tuplestore_end((*scan).rows);
            (*scan).rows = std::ptr::null_mut();
        }
    }
}

/// Fills the scan's store with the rows of all KPIs and periods that the bounds leave.
unsafe fn load(scan: &Scan, bounds: &Bounds, descriptor: pg_sys::TupleDesc) -> Result<(), Error> {
    // SAFETY: the descriptor of the foreign table, whose columns kpi.create_kpi or the install script has made.
    unsafe {
        match (&scan.table.code, scan.table.period) {
            (Some(code), _) => {
                let kpi = lookup::kpi(Mode::Read, code)?;
                let daily = daily_only(&kpi)?;
                let columns = typed_columns(descriptor);
                for period in Period::ALL.into_iter().filter(|p| bounds.has(p.as_str())) {
                    if daily && matches!(period, Period::Minute | Period::Hour) {
                        continue;
                    }
                    rows(
                        scan,
                        &kpi,
                        period,
                        By::Columns(&columns),
                        bounds,
                        descriptor,
                        period.as_str(),
                    )?;
                }
            }
            (None, Some(period)) => {
                let codes = spi::query(Mode::Read, "SELECT code FROM kpi.kpi ORDER BY code", &[], |row| {
                    Ok(row.text(1))
                })?;
                for code in codes.into_iter().filter(|code| bounds.has(code)) {
                    let kpi = lookup::kpi(Mode::Read, &code)?;
                    let hidden = !identity::may(identity::current_role(), kpi.view, pg_sys::ACL_SELECT);
                    let too_fine = matches!(period, Period::Minute | Period::Hour) && daily_only(&kpi)?;
                    if !hidden && !too_fine {
                        rows(scan, &kpi, period, By::AllJson, bounds, descriptor, &code)?;
                    }
                }
            }
            (None, None) => (),
        }
    }
    Ok(())
}

/// Whether a KPI rests on a source whose time column is a date.
fn daily_only(kpi: &Kpi) -> Result<bool, Error> {
    if let Some(id) = kpi.source {
        let source = lookup::source_by_id(Mode::Read, id)?;
        return Ok(source.time_type == lookup::TimeType::Date);
    }
    for part in &kpi.requires {
        if daily_only(&lookup::kpi(Mode::Read, part)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names and types of the dimensions in a typed table: what is between `period` and `value`.
unsafe fn typed_columns(descriptor: pg_sys::TupleDesc) -> Vec<(String, String)> {
    // SAFETY: attribute numbers below natts; names and types are zero-terminated.
    unsafe {
        (2..(*descriptor).natts - 3)
            .map(|i| {
                let attribute = version::attribute(descriptor, i);
                let name = CStr::from_ptr((*attribute).attname.data.as_ptr());
                let ty = CStr::from_ptr(pg_sys::format_type_with_typemod(
                    (*attribute).atttypid,
                    (*attribute).atttypmod,
                ));
                (
                    name.to_string_lossy().into_owned(),
                    ty.to_string_lossy().into_owned(),
                )
            })
            .collect()
    }
}

/// Reads one KPI at one period into the store. The first two columns are time and label, in the table's order, then
/// come dimensions, value, target and status.
unsafe fn rows(
    scan: &Scan,
    kpi: &Kpi,
    period: Period,
    by: By,
    bounds: &Bounds,
    descriptor: pg_sys::TupleDesc,
    label: &str,
) -> Result<(), Error> {
    let (direction, target, warn) = spi::first(
        Mode::Read,
        "SELECT direction, target, warn FROM kpi.kpi WHERE code = $1",
        &[arg(kpi.code.as_str())],
        |row| Ok((row.text(1), row.get::<f64>(2), row.get::<f64>(3))),
    )?
    .unwrap_or_default();
    let direction = Direction::parse(&direction).unwrap_or(Direction::Up);
    let dimensions = match by {
        By::Columns(columns) => columns.len(),
        _ => 1,
    };
    let typed = scan.table.code.is_some();
    let request = Request {
        period,
        since: bounds.since,
        until: bounds.until,
        by,
        filter: None,
    };
    let label = label.into_datum();
    read::plan(kpi, &request)?.run(|row| {
        let value: Option<f64> = row.get(dimensions as i32 + 2);
        let status = value.and_then(|v| kpi_catalog::status(v, direction, target, warn));
        let first = if typed {
            [row.datum(1), label]
        } else {
            [label, row.datum(1)]
        };
        let columns: Vec<Option<pg_sys::Datum>> = first
            .into_iter()
            .chain((0..dimensions).map(|d| row.datum(d as i32 + 2)))
            .chain([
                value.into_datum(),
                target.into_datum(),
                status.and_then(|s| s.as_str().into_datum()),
            ])
            .collect();
        let mut values: Vec<pg_sys::Datum> = columns
            .iter()
            .map(|d| d.unwrap_or(pg_sys::Datum::from(0)))
            .collect();
        let mut nulls: Vec<bool> = columns.iter().map(Option::is_none).collect();
        // SAFETY: as many values as the table has columns, in their types; the store copies them.
        unsafe {
            pg_sys::tuplestore_putvalues(scan.rows, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        }
        Ok(())
    })?;
    Ok(())
}
