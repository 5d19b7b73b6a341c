//! Aggregates are brought down to the partitions of a table that has archived rows, where the scan computes them. PostgreSQL
//! does that when `enable_partitionwise_aggregate` is on, and it is off by default since planning takes longer with it; so it is
//! turned on for the planning of those queries alone.

use std::cell::Cell;
use std::sync::OnceLock;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::nodes::nodes;
use super::plan::Relation;
use super::predicate::Condition;
use super::{aggregate, bucket};

static PREVIOUS: OnceLock<pg_sys::planner_hook_type> = OnceLock::new();

thread_local! {
    /// How many plannings are under way, one inside of the other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The setting as it was before the outermost.
    static BEFORE: Cell<bool> = const { Cell::new(false) };
}

/// Installs the hook.
pub fn install() {
    // SAFETY: as the library is loaded, before anything calls the hook; the callback lives as long as the library.
    unsafe {
        let _ = PREVIOUS.set(pg_sys::planner_hook);
        pg_sys::planner_hook = Some(on_plan);
        pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut());
    }
}

unsafe extern "C-unwind" {
    // optimizer/planner.h. Called as it is: an error on its way through pgrx's wrapper would lose its context.
    #[allow(clashing_extern_declarations)]
    fn standard_planner(
        query: *mut pg_sys::Query,
        text: *const std::ffi::c_char,
        options: std::ffi::c_int,
        params: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;
}

/// Around every planning. It holds nothing that would have to be dropped, since an error jumps over it.
unsafe extern "C-unwind" fn on_plan(
    query: *mut pg_sys::Query,
    text: *const std::ffi::c_char,
    options: std::ffi::c_int,
    params: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: the query is the server's; everything is passed on as it came.
    unsafe {
        let (depth, setting) = (DEPTH.get(), pg_sys::enable_partitionwise_aggregate);
        if depth == 0 {
            BEFORE.set(setting);
        }
        DEPTH.set(depth + 1);
        let plan = match PREVIOUS.get() {
            Some(Some(next)) => next(query, text, options, params),
            _ => standard_planner(query, text, options, params),
        };
        DEPTH.set(depth);
        pg_sys::enable_partitionwise_aggregate = setting;
        plan
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    // A planning that ended in an error.
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT && DEPTH.replace(0) > 0 {
        // SAFETY: a setting of this session.
        unsafe { pg_sys::enable_partitionwise_aggregate = BEFORE.get() };
    }
}

/// Has the planner bring aggregates down to partitions, for a query that the scan can compute.
///
/// Not where a bound of the time is known only as the query runs, or compared by the session's time zone: PostgreSQL would no
/// longer leave out partitions then.
///
/// # Safety
/// The planner's own nodes.
pub unsafe fn prefer(root: *mut pg_sys::PlannerInfo, rel: *mut pg_sys::RelOptInfo, known: &Relation) {
    // SAFETY: as this function's contract says.
    unsafe {
        let query = (*root).parse;
        let plain = DEPTH.get() > 0
            && (*query).hasAggs
            && groups(query)
            && (*rel).reloptkind == pg_sys::RelOptKind::RELOPT_OTHER_MEMBER_REL;
        let zoned = |ty: pg_sys::Oid| ty == pg_sys::TIMESTAMPTZOID;
        let constant = |condition: &Condition| {
            let same = known
                .time
                .is_some_and(|(_, base)| zoned(base) == zoned(pg_sys::exprType(condition.value)));
            (*condition.value).type_ == pg_sys::NodeTag::T_Const && same
        };
        if plain && aggregate::range(rel, known).is_some_and(|range| range.iter().all(constant)) {
            pg_sys::enable_partitionwise_aggregate = true;
        }
    }
}

/// Whether a query has no groups, or groups by what looks like a bucket of time; whether it is, is seen later.
unsafe fn groups(query: *mut pg_sys::Query) -> bool {
    // SAFETY: the planner's own nodes.
    unsafe {
        let mut clauses = nodes::<pg_sys::SortGroupClause>((*query).groupClause);
        match (clauses.next(), clauses.next()) {
            (None, _) => true,
            (Some(clause), None) => {
                let by = pg_sys::get_sortgroupclause_expr(clause, (*query).targetList);
                bucket::is_bucket(by, |node| (*node).type_ == pg_sys::NodeTag::T_Var)
            }
            _ => false,
        }
    }
}
