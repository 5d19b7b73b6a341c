//! Aggregates that a scan computes itself, over all rows of an archived table or those of a range of times, also by bucket
//! of time.
//!
//! `count`, `min` and `max` come from the manifest where it has them. Where an object is shown in part, lies across a bound
//! of the range, or holds a column as another type, it is read; late rows are, too. Other built-in aggregates are run on the
//! values as they are decoded, without a row of the executor's for each.

use std::ffi::c_int;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::bucket;
use super::estimate;
use super::function::{Aggregate, Function, recognise};
use super::nodes::{integers, length, list_of, list_of_integers, nodes};
use super::plan::Relation;
use super::predicate::{self, Comparison, Condition};
use super::prune::PlannedCondition;
use super::value;
use crate::version;

/// What a scan is to compute.
pub struct Computed {
    pub table: pg_sys::Oid,
    /// Whether states are asked for, to be combined with others, not results.
    pub partial: bool,
    /// Whether there is a row per bucket of time: the bucket comes first in it, and last among the plan's expressions.
    pub by_bucket: bool,
    pub aggregates: Vec<Aggregate>,
    /// All of them on the time column: together they are the range.
    pub conditions: Vec<PlannedCondition>,
}

/// What is looked for in the target list: also what makes that no path is offered.
const EVERYTHING: u32 =
    pg_sys::PVC_INCLUDE_AGGREGATES | pg_sys::PVC_INCLUDE_WINDOWFUNCS | pg_sys::PVC_INCLUDE_PLACEHOLDERS;
/// What the states of a group need about, each.
const BYTES_PER_STATE: f64 = 64.0;
/// In the private list of a plan, what tells aggregates from rows.
const MARK: c_int = -1;
/// Numbers that describe one aggregate in a plan.
const NUMBERS: usize = 5;

/// Offers to compute the aggregates of a query without groups, or by bucket of time, whose conditions are a range of times; or
/// their first stage below an Append or a Gather.
#[pg_guard]
pub unsafe extern "C-unwind" fn paths(
    root: *mut pg_sys::PlannerInfo,
    stage: pg_sys::UpperRelationKind::Type,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    _extra: *mut std::ffi::c_void,
) {
    let partial = match stage {
        pg_sys::UpperRelationKind::UPPERREL_GROUP_AGG => false,
        pg_sys::UpperRelationKind::UPPERREL_PARTIAL_GROUP_AGG => true,
        _ => return,
    };
    // SAFETY: the planner's own nodes.
    unsafe {
        let query = (*root).parse;
        let plain = (*query).groupingSets.is_null()
            && (partial || (*query).havingQual.is_null())
            && !(*query).hasTargetSRFs
            && (*input).relid > 0
            && (*input).lateral_relids.is_null();
        let Some(known) = Relation::of(input).filter(|_| plain) else {
            return;
        };
        let Some(conditions) = range(input, known) else {
            return;
        };
        let Some((bucket, calls)) = target(root, known, (*output).reltarget, (*input).relid) else {
            return;
        };
        let aggregates: Option<Vec<Aggregate>> = nodes::<pg_sys::TargetEntry>(calls)
            .skip(usize::from(bucket.is_some()))
            .map(|call| recognise((*call).expr as *mut pg_sys::Node, (*input).relid))
            .collect();
        let Some(aggregates) = aggregates.filter(|all| bucket.is_some() || !all.is_empty()) else {
            return;
        };
        let mut groups = 1.0;
        if let Some(bucket) = bucket {
            let none = std::ptr::null_mut();
            let rows = known.estimate.rows;
            groups = pg_sys::estimate_num_groups(root, list_of([bucket]), rows, none, std::ptr::null_mut());
            // PostgreSQL knows how many times there are, not that a bucket has many.
            if let Some(most) = bucket::width(bucket).zip(known.estimate.span).map(buckets) {
                groups = groups.min(most);
            }
            let size = BYTES_PER_STATE * (aggregates.len() + 1) as f64;
            if groups * size > pg_sys::get_hash_memory_limit() as f64 {
                return;
            }
        }
        let rte = *(*root).simple_rte_array.add((*input).relid as usize);
        let table = (*rte).relid.to_u32() as c_int;
        let mut numbers = vec![table, c_int::from(partial), c_int::from(bucket.is_some())];
        for aggregate in &aggregates {
            numbers.extend([
                aggregate.function as c_int,
                aggregate.number.to_u32() as c_int,
                aggregate.collation.to_u32() as c_int,
                c_int::from(aggregate.attributes[0]),
                c_int::from(aggregate.attributes[1]),
            ]);
        }
        let (conditions, mut values) = predicate::planned(root, &conditions);
        if let Some(bucket) = bucket {
            values = pg_sys::lappend(values, bucket::detached(bucket) as *mut std::ffi::c_void);
        }
        // An empty list is null, and would not be a list among others.
        let conditions = list_of_integers(std::iter::once(0).chain(conditions));
        let private = list_of([
            list_of_integers([MARK]),
            list_of_integers(numbers),
            conditions,
            values,
            calls,
        ]);
        let total = cost(input, known, &aggregates) + pg_sys::cpu_tuple_cost * groups;
        let path = version::upper_path(root, output, groups, total, private);
        pg_sys::add_path(output, path as *mut pg_sys::Path);
        let workers = estimate::workers(input, known);
        if partial && (*output).consider_parallel && workers > 0 {
            let share = total / estimate::divisor(workers);
            let path = version::upper_path(root, output, groups, share, private);
            (*path).path.parallel_aware = true;
            (*path).path.parallel_safe = true;
            (*path).path.parallel_workers = workers;
            pg_sys::add_partial_path(output, path as *mut pg_sys::Path);
        }
    }
}

/// How many buckets there can be.
fn buckets((width, (first, last)): (i64, (i64, i64))) -> f64 {
    (i128::from(last) - i128::from(first)).max(0) as f64 / width as f64 + 2.0
}

/// The bucket of time that a query groups by, if it does, and the target list of a scan that computes what is asked for: the
/// bucket and the aggregates. What stands around them, the executor computes. `None` where the query groups by something else.
unsafe fn target(
    root: *mut pg_sys::PlannerInfo,
    known: &Relation,
    target: *mut pg_sys::PathTarget,
    relid: pg_sys::Index,
) -> Option<(Option<*mut pg_sys::Node>, *mut pg_sys::List)> {
    // SAFETY: the planner's own nodes; a target has as many references as expressions, or none.
    unsafe {
        let groups = length((*(*root).parse).groupClause);
        let (mut bucket, mut calls) = (None, std::ptr::null_mut());
        for (place, expression) in nodes::<pg_sys::Node>((*target).exprs).enumerate() {
            let references = (*target).sortgrouprefs;
            let reference = if references.is_null() {
                0
            } else {
                *references.add(place)
            };
            let grouped = nodes::<pg_sys::SortGroupClause>((*(*root).parse).groupClause)
                .any(|clause| reference > 0 && (*clause).tleSortGroupRef == reference);
            if !grouped {
                let found = pg_sys::pull_var_clause(expression, EVERYTHING as c_int);
                calls = pg_sys::add_to_flat_tlist(calls, found);
                continue;
            }
            let (time, _) = known.time?;
            if !bucket::is_bucket(expression, |node| bucket::is_column(node, relid, time)) {
                return None;
            }
            bucket = Some(expression);
        }
        if groups > 1 || groups == 1 && bucket.is_none() {
            return None;
        }
        if let Some(bucket) = bucket {
            let all: Vec<*mut pg_sys::Node> = nodes::<pg_sys::TargetEntry>(calls)
                .map(|call| (*call).expr as *mut pg_sys::Node)
                .collect();
            let first = pg_sys::add_to_flat_tlist(std::ptr::null_mut(), list_of([bucket]));
            calls = pg_sys::add_to_flat_tlist(first, list_of(all));
        }
        Some((bucket, calls))
    }
}

/// The conditions on a relation, where they are a range of times and nothing else.
///
/// # Safety
/// The planner's own node.
pub unsafe fn range(rel: *mut pg_sys::RelOptInfo, known: &Relation) -> Option<Vec<Condition>> {
    // SAFETY: as this function's contract says.
    unsafe {
        let restrictions = nodes::<pg_sys::RestrictInfo>((*rel).baserestrictinfo);
        restrictions
            .map(|restriction| {
                if (*restriction).pseudoconstant {
                    return None;
                }
                let condition =
                    predicate::recognise((*restriction).clause as *mut pg_sys::Node, (*rel).relid)?;
                let (time, base) = known.time?;
                let bound = matches!(
                    condition.comparison,
                    Comparison::Less
                        | Comparison::LessOrEqual
                        | Comparison::Equal
                        | Comparison::GreaterOrEqual
                        | Comparison::Greater
                );
                (bound
                    && condition.attribute == time
                    && value::aligns(pg_sys::exprType(condition.value), base))
                .then_some(condition)
            })
            .collect()
    }
}

/// What it costs to answer from the manifest, or to read what it cannot answer.
unsafe fn cost(rel: *mut pg_sys::RelOptInfo, known: &Relation, aggregates: &[Aggregate]) -> f64 {
    let read = aggregates
        .iter()
        .any(|aggregate| aggregate.function == Function::Other);
    let mut columns: Vec<i16> = aggregates
        .iter()
        .flat_map(|aggregate| aggregate.attributes)
        .filter(|attribute| *attribute > 0)
        .chain(known.time.map(|(attribute, _)| attribute))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    // SAFETY: the planner's own node and settings.
    unsafe {
        let mut estimate = known.estimate;
        if !read {
            // Objects at the ends of the range, and those that are shown in part.
            let ends = if (*rel).baserestrictinfo.is_null() {
                0.0
            } else {
                2.0
            };
            let partial = known.entries.iter().filter(|entry| entry.partial).count() as f64;
            let share = ((ends + partial) / estimate.files.max(1.0)).min(1.0);
            estimate = estimate.part(share);
            if share == 0.0 {
                estimate.scanned = 0.0;
            }
        }
        let scan = estimate::cost(rel, &estimate, columns.len() as f64);
        // No tuple is made, no condition is checked by the executor, and rows are counted by the batch.
        let counts = |aggregate: &&Aggregate| matches!(aggregate.function, Function::Rows | Function::Values);
        let folded = aggregates.len() - aggregates.iter().filter(counts).count();
        let spared = pg_sys::cpu_tuple_cost + (*rel).baserestrictcost.per_tuple;
        let rows = estimate.rows.min(estimate.scanned);
        let run = scan.total - spared * estimate.scanned + pg_sys::cpu_operator_cost * folded as f64 * rows;
        run.max(0.0) + pg_sys::cpu_tuple_cost * (known.entries.len() as f64 + 1.0)
    }
}

/// A path of aggregates.
pub struct Path {
    /// What the plan keeps of the private list.
    pub private: *mut pg_sys::List,
    /// The values that conditions compare with.
    pub values: *mut pg_sys::List,
    /// The aggregates as a target list: the rows that the scan gives.
    pub calls: *mut pg_sys::List,
}

impl Path {
    /// `None` for a path that gives rows.
    ///
    /// # Safety
    /// The private list of a path of this wrapper's.
    pub unsafe fn of(private: *mut pg_sys::List) -> Option<Self> {
        // SAFETY: lists, as `paths` makes them.
        unsafe {
            of_plan(private)?;
            let mut parts = nodes::<pg_sys::List>(private);
            Some(Self {
                private: list_of(parts.by_ref().take(3)),
                values: parts.next()?,
                calls: parts.next()?,
            })
        }
    }
}

/// What a plan computes; `None` for a plan that gives rows.
///
/// # Safety
/// The private list of a plan or path of this wrapper's.
pub unsafe fn of_plan(private: *mut pg_sys::List) -> Option<Computed> {
    // SAFETY: lists of integers, but for what a path has besides.
    let parts: Vec<Vec<c_int>> = unsafe {
        nodes::<pg_sys::List>(private)
            .take(3)
            .map(|part| integers(part))
            .collect()
    };
    if parts.first()?.first() != Some(&MARK) {
        return None;
    }
    let [table, partial, by_bucket, calls @ ..] = parts.get(1)?.as_slice() else {
        return None;
    };
    let aggregates = calls
        .chunks_exact(NUMBERS)
        .filter_map(|call| {
            let [function, number, collation, first, second] = call else {
                return None;
            };
            let function = match function {
                1 => Function::Rows,
                2 => Function::Values,
                3 => Function::Min,
                4 => Function::Max,
                _ => Function::Other,
            };
            Some(Aggregate {
                function,
                number: pg_sys::Oid::from(*number as u32),
                collation: pg_sys::Oid::from(*collation as u32),
                attributes: [i16::try_from(*first).ok()?, i16::try_from(*second).ok()?],
            })
        })
        .collect();
    Some(Computed {
        table: pg_sys::Oid::from(*table as u32),
        partial: *partial != 0,
        by_bucket: *by_bucket != 0,
        aggregates,
        conditions: PlannedCondition::all(parts.get(2)?.get(1..)?),
    })
}
