//! Planning: how many rows a scan gives, what it costs, and in which order it can give them.

use std::ffi::{c_int, c_void};

use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::aggregate;
use super::columns;
use super::estimate::{self, Estimate};
use super::execute::raise;
use super::join;
use super::nodes::{integers, length, list_of, list_of_integers, nodes};
use super::partitionwise;
use super::predicate::{self, Condition};
use super::prune::PlannedCondition;
use crate::archive::kinds;
use crate::archive::manifest::{self, Entry};
use crate::error::Error;
use crate::version::{self, ForeignPath};

/// The order in which a scan gives rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Order {
    Any = 0,
    /// By the time column.
    Ascending = 1,
    /// By the time column, in reverse.
    Descending = 2,
}

impl Order {
    fn of_number(number: c_int) -> Self {
        match number {
            1 => Self::Ascending,
            2 => Self::Descending,
            _ => Self::Any,
        }
    }
}

/// What the planner hands to the executor.
pub struct Planned {
    pub order: Order,
    /// Numbers of the columns that are read.
    pub columns: Vec<c_int>,
    pub conditions: Vec<PlannedCondition>,
}

impl Planned {
    /// # Safety
    /// A plan of this wrapper's.
    pub unsafe fn of(plan: *mut pg_sys::ForeignScan) -> Self {
        // SAFETY: three lists of integers, as `plan` makes them.
        let parts: Vec<Vec<c_int>> = unsafe {
            nodes::<pg_sys::List>((*plan).fdw_private)
                .map(|part| integers(part))
                .collect()
        };
        let part = |i: usize| parts.get(i).map_or(&[][..], Vec::as_slice);
        Self {
            order: Order::of_number(part(0).first().copied().unwrap_or(0)),
            columns: part(1).to_vec(),
            conditions: PlannedCondition::all(part(2)),
        }
    }
}

/// What is known of a relation while it is planned.
pub struct Relation {
    pub entries: Vec<Entry>,
    /// The number of the time column, and its base type.
    pub time: Option<(i16, pg_sys::Oid)>,
    pub estimate: Estimate,
}

impl Relation {
    /// # Safety
    /// `size` has been called for the relation.
    pub unsafe fn of<'a>(rel: *mut pg_sys::RelOptInfo) -> Option<&'a Self> {
        // SAFETY: put there by `size`, lives as long as the planner's memory.
        unsafe { ((*rel).fdw_private as *const Self).as_ref() }
    }
}

/// Whether files follow one another in time, each of them sorted: then all of them, in their order, are.
pub fn in_order(entries: &[Entry]) -> bool {
    let follow = |pair: &[Entry]| match pair {
        [before, after] => {
            matches!((before.times, after.times), (Some((_, max)), Some((min, _))) if max <= min)
        }
        _ => true,
    };
    entries.iter().all(|entry| entry.sorted && entry.times.is_some()) && entries.windows(2).all(follow)
}

#[pg_guard]
pub unsafe extern "C-unwind" fn size(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    relation: pg_sys::Oid,
) {
    // SAFETY: the planner's own nodes; what is known is dropped with its memory.
    unsafe {
        let Some(known) = raise(know(root, rel, relation)) else {
            return;
        };
        partitionwise::prefer(root, rel, &known);
        (*rel).tuples = known.estimate.total;
        // Widths and the cost of conditions; the rows are overwritten.
        pg_sys::set_baserel_size_estimates(root, rel);
        (*rel).rows = known.estimate.rows;
        let mut context = PgMemoryContexts::For((*root).planner_cxt);
        (*rel).fdw_private = context.leak_and_drop_on_delete(known) as *mut c_void;
    }
}

unsafe fn know(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    relation: pg_sys::Oid,
) -> Result<Relation, Error> {
    // SAFETY: the planner runs in a transaction.
    let latest = unsafe { manifest::latest() };
    let table = manifest::table(relation)?;
    // SAFETY: null is the active snapshot.
    let entries = unsafe { manifest::files_under(std::ptr::null_mut(), &table)? };
    // SAFETY: the planner holds a lock on the relation.
    unsafe {
        let opened = pg_sys::table_open(relation, pg_sys::NoLock as i32);
        let time = columns::place_of((*opened).rd_att, &table.time_column).map(|place| {
            let form = version::attribute((*opened).rd_att, place as i32);
            (
                place as i16 + 1,
                kinds::storage((*form).atttypid, (*form).atttypmod).base,
            )
        });
        pg_sys::table_close(opened, pg_sys::NoLock as i32);
        let estimate = estimate::of(root, rel, &table, &entries, time);
        drop(latest);
        Ok(Relation {
            entries,
            time,
            estimate,
        })
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn paths(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _relation: pg_sys::Oid,
) {
    // SAFETY: the planner's own nodes.
    unsafe {
        let Some(known) = Relation::of(rel) else { return };
        let width = f64::from(wanted(rel, std::ptr::null_mut(), None).len() as u32);
        let cost = estimate::cost(rel, &known.estimate, width);
        let mut offered = vec![(Order::Any, std::ptr::null_mut::<pg_sys::List>())];
        let changes = matches!(
            (*(*root).parse).commandType,
            pg_sys::CmdType::CMD_UPDATE | pg_sys::CmdType::CMD_DELETE
        );
        if let Some((time, _)) = known.time
            && !changes
            && in_order(&known.entries)
        {
            for order in [Order::Ascending, Order::Descending] {
                let keys = pathkeys(root, rel, time, order);
                if !keys.is_null() {
                    offered.push((order, keys));
                }
            }
        }
        join::paths(
            root,
            rel,
            known,
            width,
            list_of([list_of_integers([Order::Any as c_int])]),
        );
        let workers = estimate::workers(rel, known);
        for (order, pathkeys) in offered {
            let private = list_of([list_of_integers([order as c_int])]);
            let path = ForeignPath {
                rows: (*rel).rows,
                startup: cost.startup,
                total: cost.total,
                pathkeys,
                outer: (*rel).lateral_relids,
                private,
            };
            pg_sys::add_path(rel, path.make(root, rel) as *mut pg_sys::Path);
            if workers > 0 {
                let share = estimate::divisor(workers);
                let path = ForeignPath {
                    rows: ((*rel).rows / share).max(1.0),
                    total: cost.startup + (cost.total - cost.startup) / share,
                    ..path
                };
                let path = path.make(root, rel);
                (*path).path.parallel_aware = true;
                (*path).path.parallel_workers = workers;
                pg_sys::add_partial_path(rel, path as *mut pg_sys::Path);
            }
        }
    }
}

/// The pathkeys of an order by time; null where nothing asks for it.
unsafe fn pathkeys(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    time: i16,
    order: Order,
) -> *mut pg_sys::List {
    // SAFETY: the planner's own nodes; the column exists.
    unsafe {
        let rte = *(*root).simple_rte_array.add((*rel).relid as usize);
        let (mut ty, mut typmod, mut collation) = (pg_sys::InvalidOid, 0, pg_sys::InvalidOid);
        pg_sys::get_atttypetypmodcoll((*rte).relid, time, &mut ty, &mut typmod, &mut collation);
        let var = pg_sys::makeVar((*rel).relid as c_int, time, ty, typmod, collation, 0);
        let flags = (pg_sys::TYPECACHE_LT_OPR | pg_sys::TYPECACHE_GT_OPR) as c_int;
        let types = pg_sys::lookup_type_cache(ty, flags);
        let operator = if order == Order::Descending {
            (*types).gt_opr
        } else {
            (*types).lt_opr
        };
        if operator == pg_sys::InvalidOid {
            return std::ptr::null_mut();
        }
        let keys = version::existing_pathkeys(root, rel, var as *mut pg_sys::Expr, operator);
        // A column that is a constant by the query's conditions is in order anyway, and need not even be in the output.
        let constant = nodes::<pg_sys::PathKey>(keys).any(|key| (*(*key).pk_eclass).ec_has_const);
        if constant {
            return std::ptr::null_mut();
        }
        pg_sys::truncate_useless_pathkeys(root, rel, keys)
    }
}

/// Numbers of the columns that a scan must read: for its output, its conditions (`clauses`: those of the path), and to be
/// in order.
unsafe fn wanted(rel: *mut pg_sys::RelOptInfo, clauses: *mut pg_sys::List, time: Option<i16>) -> Vec<c_int> {
    // SAFETY: the planner's own nodes; members of the set are offset so that system columns fit.
    unsafe {
        let mut set = std::ptr::null_mut();
        let relid = (*rel).relid;
        pg_sys::pull_varattnos((*(*rel).reltarget).exprs as *mut pg_sys::Node, relid, &mut set);
        for restriction in nodes::<pg_sys::RestrictInfo>((*rel).baserestrictinfo) {
            pg_sys::pull_varattnos((*restriction).clause as *mut pg_sys::Node, relid, &mut set);
        }
        pg_sys::pull_varattnos(clauses as *mut pg_sys::Node, relid, &mut set);
        let mut numbers = Vec::new();
        let mut member = -1;
        loop {
            member = pg_sys::bms_next_member(set, member);
            if member < 0 {
                break;
            }
            numbers.push(member + pg_sys::FirstLowInvalidHeapAttributeNumber);
        }
        if numbers.contains(&0) {
            numbers = (1..=c_int::from((*rel).max_attr)).collect();
        }
        numbers.retain(|number| *number > 0);
        if let Some(time) = time.map(c_int::from).filter(|time| !numbers.contains(time)) {
            numbers.push(time);
        }
        numbers
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn plan(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    _relation: pg_sys::Oid,
    path: *mut pg_sys::ForeignPath,
    targets: *mut pg_sys::List,
    clauses: *mut pg_sys::List,
    outer: *mut pg_sys::Plan,
) -> *mut pg_sys::ForeignScan {
    // SAFETY: the planner's own lists; all conditions stay in `clauses`, to be checked again.
    unsafe {
        if let Some(computed) = aggregate::Path::of((*path).fdw_private) {
            let none = std::ptr::null_mut();
            let aggregate::Path {
                private,
                values,
                calls,
            } = computed;
            return pg_sys::make_foreignscan(targets, none, 0, values, private, calls, none, outer);
        }
        let clauses = pg_sys::extract_actual_clauses(clauses, false);
        let order = nodes::<pg_sys::List>((*path).fdw_private)
            .next()
            .map_or(Order::Any, |list| {
                Order::of_number(integers(list).first().copied().unwrap_or(0))
            });
        let time = Relation::of(rel)
            .and_then(|known| known.time)
            .map(|(time, _)| time);
        let columns = wanted(rel, clauses, time.filter(|_| order != Order::Any));
        let conditions: Vec<Condition> = nodes::<pg_sys::Node>(clauses)
            .filter_map(|clause| predicate::recognise(clause, (*rel).relid))
            .collect();
        let (numbers, expressions) = predicate::planned(root, &conditions);
        let private = [
            list_of_integers([order as c_int]),
            list_of_integers(columns),
            list_of_integers(numbers),
        ];
        // An empty list of numbers is null, which could not be told from a missing one.
        let private = private.map(|list| {
            if length(list) == 0 {
                list_of_integers([0])
            } else {
                list
            }
        });
        pg_sys::make_foreignscan(
            targets,
            clauses,
            (*rel).relid,
            expressions,
            list_of(private),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            outer,
        )
    }
}
