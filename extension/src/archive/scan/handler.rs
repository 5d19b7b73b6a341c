//! Handler of the foreign-data wrapper: the callbacks that PostgreSQL finds.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{aggregate, analyze, execute, explain, modify, parallel, plan};

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_archive_handler() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// Handler of the foreign-data wrapper `kpi_archive`.
///
/// # Safety
/// Called by PostgreSQL's function manager.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_archive_handler(_fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: a zeroed node of the right size and tag, in the caller's context.
    unsafe {
        let routine = pg_sys::palloc0(std::mem::size_of::<pg_sys::FdwRoutine>()) as *mut pg_sys::FdwRoutine;
        (*routine).type_ = pg_sys::NodeTag::T_FdwRoutine;
        (*routine).GetForeignRelSize = Some(plan::size);
        (*routine).GetForeignPaths = Some(plan::paths);
        (*routine).GetForeignPlan = Some(plan::plan);
        (*routine).BeginForeignScan = Some(execute::begin);
        (*routine).IterateForeignScan = Some(execute::iterate);
        (*routine).ReScanForeignScan = Some(execute::rescan);
        (*routine).EndForeignScan = Some(execute::end);
        (*routine).ExplainForeignScan = Some(explain::explain);
        (*routine).IsForeignScanParallelSafe = Some(parallel::is_safe);
        (*routine).EstimateDSMForeignScan = Some(parallel::estimate);
        (*routine).InitializeDSMForeignScan = Some(parallel::initialise);
        (*routine).ReInitializeDSMForeignScan = Some(parallel::reinitialise);
        (*routine).InitializeWorkerForeignScan = Some(parallel::join);
        (*routine).ShutdownForeignScan = Some(parallel::shut_down);
        (*routine).AddForeignUpdateTargets = Some(modify::add_targets);
        (*routine).BeginForeignModify = Some(modify::begin_modify);
        (*routine).ExecForeignInsert = Some(modify::insert);
        (*routine).ExecForeignUpdate = Some(modify::update);
        (*routine).ExecForeignDelete = Some(modify::delete);
        (*routine).EndForeignModify = Some(modify::end);
        (*routine).BeginForeignInsert = Some(modify::begin_insert);
        (*routine).EndForeignInsert = Some(modify::end);
        (*routine).ExecForeignTruncate = Some(modify::truncate);
        (*routine).GetForeignUpperPaths = Some(aggregate::paths);
        (*routine).AnalyzeForeignTable = Some(analyze::analyze);
        pg_sys::Datum::from(routine)
    }
}
