//! Scans on the inner side of a nested loop, pruned anew for every row of the outer side.

use std::ffi::c_void;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::estimate;
use super::nodes::nodes;
use super::plan::Relation;
use super::predicate::{self, Comparison};
use crate::version::ForeignPath;

/// Which share of the row groups equality with a value of another column than the time is thought to leave: their bounds
/// and bloom filters are not known to the planner.
const EQUALITY_LEAVES: f64 = 0.3;

/// Offers a path for each set of relations whose values rule out rows of files.
///
/// # Safety
/// The planner's own nodes.
pub unsafe fn paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    known: &Relation,
    width: f64,
    private: *mut pg_sys::List,
) {
    // SAFETY: as this function's contract says.
    unsafe {
        let mut sets: Vec<*mut pg_sys::Bitmapset> = Vec::new();
        for clause in nodes::<pg_sys::RestrictInfo>((*rel).joininfo) {
            note(rel, clause, &mut sets);
        }
        if (*rel).has_eclass_joins {
            for attribute in 1..=(*rel).max_attr {
                let mut attribute = attribute;
                let clauses = pg_sys::generate_implied_equalities_for_column(
                    root,
                    rel,
                    Some(is_column),
                    &raw mut attribute as *mut c_void,
                    (*rel).lateral_referencers,
                );
                for clause in nodes::<pg_sys::RestrictInfo>(clauses) {
                    note(rel, clause, &mut sets);
                }
            }
        }
        for outer in sets {
            let parameters = pg_sys::get_baserel_parampathinfo(root, rel, outer);
            let rows = (*parameters).ppi_rows;
            let mut left: f64 = 1.0;
            for clause in nodes::<pg_sys::RestrictInfo>((*parameters).ppi_clauses) {
                let condition = predicate::recognise((*clause).clause as *mut pg_sys::Node, (*rel).relid);
                let Some(condition) = condition else { continue };
                if known.time.is_some_and(|(time, _)| time == condition.attribute) {
                    left = left.min(rows / (*rel).rows.max(1.0));
                } else if matches!(condition.comparison, Comparison::Equal | Comparison::Any) {
                    left = left.min(EQUALITY_LEAVES);
                }
            }
            let estimate = known.estimate.part(left);
            let cost = estimate::cost(rel, &estimate, width);
            let path = ForeignPath {
                rows,
                startup: cost.startup,
                total: cost.total,
                pathkeys: std::ptr::null_mut(),
                outer,
                private,
            };
            pg_sys::add_path(rel, path.make(root, rel) as *mut pg_sys::Path);
        }
    }
}

/// Notes the other relations of a clause, where their values rule out rows of files.
unsafe fn note(
    rel: *mut pg_sys::RelOptInfo,
    clause: *mut pg_sys::RestrictInfo,
    sets: &mut Vec<*mut pg_sys::Bitmapset>,
) {
    // SAFETY: the planner's own nodes; sets are made anew.
    unsafe {
        if !pg_sys::join_clause_is_movable_to(clause, rel)
            || predicate::recognise((*clause).clause as *mut pg_sys::Node, (*rel).relid).is_none()
        {
            return;
        }
        let outer = pg_sys::bms_union((*clause).clause_relids, (*rel).lateral_relids);
        let outer = pg_sys::bms_del_member(outer, (*rel).relid as i32);
        if pg_sys::bms_num_members(outer) > 0 && !sets.iter().any(|set| pg_sys::bms_equal(*set, outer)) {
            sets.push(outer);
        }
    }
}

/// Whether a member of an equivalence class is the column whose number `argument` points to.
#[pg_guard]
unsafe extern "C-unwind" fn is_column(
    _root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _class: *mut pg_sys::EquivalenceClass,
    member: *mut pg_sys::EquivalenceMember,
    argument: *mut c_void,
) -> bool {
    // SAFETY: the planner's own nodes; `paths` passes a column's number.
    unsafe {
        let node = (*member).em_expr as *mut pg_sys::Node;
        predicate::column_number(node, (*rel).relid) == Some(*(argument as *const pg_sys::AttrNumber))
    }
}
