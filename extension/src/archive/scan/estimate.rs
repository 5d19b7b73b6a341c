//! How many rows a scan gives and what it costs, from the manifest and the table's statistics.

use std::ffi::{c_int, c_void};

use pgrx::pg_sys;

use super::nodes::{list_of, nodes};
use super::plan::Relation;
use super::predicate;
use super::prune;
use super::value::{self, Verdict};
use crate::archive::kinds;
use crate::archive::manifest::{Entry, Table};
use crate::archive::only;

/// What a scan is thought to find.
#[derive(Debug, Clone, Copy, Default)]
pub struct Estimate {
    /// All rows that the table shows.
    pub total: f64,
    /// Rows that meet the conditions.
    pub rows: f64,
    /// Rows that must be decoded.
    pub scanned: f64,
    /// Bytes of the files' parts with these rows, all columns.
    pub bytes: f64,
    /// Files to be opened.
    pub files: f64,
    /// The first and the last time that a row which is asked for may have, as the manifest counts.
    pub span: Option<(i64, i64)>,
}

impl Estimate {
    /// What is left of it for a scan that reads a share of the rows.
    pub fn part(&self, share: f64) -> Self {
        Self {
            scanned: (self.scanned * share + PAGE_ROWS).min(self.scanned),
            bytes: self.bytes * ((self.scanned * share + PAGE_ROWS) / self.scanned.max(1.0)).min(1.0),
            files: (self.files * share).max(1.0),
            ..*self
        }
    }
}

/// What it costs.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub startup: f64,
    pub total: f64,
}

/// Rows that lie next to those asked for on their pages.
const PAGE_ROWS: f64 = 20_000.0;
/// Opening a file, in units of one page read in sequence: its footer must be had, and understood.
const OPEN_COST: f64 = 25.0;
/// Decoding a value, in units of `cpu_operator_cost`.
const DECODE: f64 = 0.5;

/// The value of an expression, where it is known before the query runs.
///
/// # Safety
/// An expression of the planner's.
pub unsafe fn constant(
    root: *mut pg_sys::PlannerInfo,
    expression: *mut pg_sys::Node,
) -> Option<*mut pg_sys::Const> {
    // SAFETY: a node of the planner's is looked at, and folded in a copy.
    unsafe {
        if (*expression).type_ == pg_sys::NodeTag::T_Const {
            return Some(expression as *mut pg_sys::Const);
        }
        let copy = pg_sys::copyObjectImpl(expression as *const c_void) as *mut pg_sys::Node;
        let folded = pg_sys::estimate_expression_value(root, copy);
        ((*folded).type_ == pg_sys::NodeTag::T_Const).then_some(folded as *mut pg_sys::Const)
    }
}

/// Estimates a relation's scan. The conditions on time are held against the files' times, the others against statistics.
///
/// # Safety
/// The planner's own nodes.
pub unsafe fn of(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    table: &Table,
    entries: &[Entry],
    time: Option<(i16, pg_sys::Oid)>,
) -> Estimate {
    let mut bounds = (i64::MIN, i64::MAX);
    let mut others = Vec::new();
    // SAFETY: the planner's own nodes.
    let selectivity = unsafe {
        for restriction in nodes::<pg_sys::RestrictInfo>((*rel).baserestrictinfo) {
            let clause = (*restriction).clause as *mut pg_sys::Node;
            if !narrows(root, rel, clause, time, &mut bounds) {
                others.push(restriction);
            }
        }
        pg_sys::clauselist_selectivity(
            root,
            list_of(others),
            0,
            pg_sys::JoinType::JOIN_INNER,
            std::ptr::null_mut(),
        )
    };
    let mut estimate = Estimate::default();
    for entry in entries {
        let Some((min, max)) = entry.times else { continue };
        let rows = entry.rows as f64;
        let shown = share((min, max), (entry.since, entry.until.saturating_sub(1)));
        let asked = share((min, max), (bounds.0.max(entry.since), bounds.1.min(entry.until)));
        estimate.total += rows * shown;
        if asked > 0.0 {
            let (first, last) = (min.max(bounds.0), max.min(bounds.1));
            let (low, high) = estimate.span.unwrap_or((first, last));
            estimate.span = Some((low.min(first), high.max(last)));
            let scanned = (rows * asked + PAGE_ROWS).min(rows);
            estimate.rows += rows * asked;
            estimate.scanned += scanned;
            estimate.bytes += entry.bytes as f64 * scanned / rows.max(1.0);
            estimate.files += 1.0;
        }
    }
    let late = table.late.map_or(0.0, late_rows);
    estimate.total = (estimate.total + late).max(1.0);
    estimate.scanned += late;
    let all = (i64::MIN, i64::MAX);
    let late = if bounds == all {
        late
    } else {
        late * estimate.rows / estimate.total
    };
    estimate.rows = ((estimate.rows + late) * selectivity).round().max(1.0);
    estimate
}

/// Narrows `bounds` where a clause is a condition on time whose value is known; `false` where it is not.
unsafe fn narrows(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    clause: *mut pg_sys::Node,
    time: Option<(i16, pg_sys::Oid)>,
    bounds: &mut (i64, i64),
) -> bool {
    // SAFETY: the planner's own nodes; the constant's value has the constant's type.
    unsafe {
        let Some(condition) = predicate::recognise(clause, (*rel).relid) else {
            return false;
        };
        let Some((_, base)) = time.filter(|(number, _)| *number == condition.attribute) else {
            return false;
        };
        let storage = kinds::storage(base, -1);
        let known = (!condition.value.is_null())
            .then(|| constant(root, condition.value))
            .flatten();
        let Some(known) = known else { return false };
        let value = (!(*known).constisnull).then_some((*known).constvalue);
        match value::verdict(condition.comparison, value, (*known).consttype, &storage) {
            Verdict::Test(test) => {
                let before = *bounds;
                prune::narrow(bounds, &test, &storage);
                before != *bounds || !matches!(test, kpi_archive::Test::IsNull | kpi_archive::Test::IsNotNull)
            }
            Verdict::Never => {
                *bounds = (i64::MAX, i64::MIN);
                true
            }
            Verdict::Unknown => false,
        }
    }
}

/// Which share of a range, both ends included, lies in another.
fn share(range: (i64, i64), within: (i64, i64)) -> f64 {
    let (low, high) = (range.0.max(within.0), range.1.min(within.1));
    if low > high {
        return 0.0;
    }
    let length = |low: i64, high: i64| i128::from(high) - i128::from(low) + 1;
    length(low, high) as f64 / length(range.0, range.1) as f64
}

/// How many rows PostgreSQL thinks that a table has.
fn late_rows(relation: pg_sys::Oid) -> f64 {
    // SAFETY: a syscache lookup.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(relation),
        );
        if tuple.is_null() {
            return 0.0;
        }
        let form = pg_sys::GETSTRUCT(tuple) as pg_sys::Form_pg_class;
        let rows = f64::from((*form).reltuples);
        pg_sys::ReleaseSysCache(tuple);
        rows.max(0.0)
    }
}

/// The cost of a scan that reads `width` columns.
///
/// # Safety
/// The planner's own node.
pub unsafe fn cost(rel: *mut pg_sys::RelOptInfo, estimate: &Estimate, width: f64) -> Cost {
    // SAFETY: the planner's own node and settings.
    unsafe {
        let columns = f64::from((*rel).max_attr).max(1.0);
        let pages = estimate.bytes * (width / columns) / f64::from(pg_sys::BLCKSZ);
        let conditions = &(*rel).baserestrictcost;
        let startup = pg_sys::seq_page_cost * OPEN_COST + conditions.startup;
        let row = pg_sys::cpu_tuple_cost + conditions.per_tuple + pg_sys::cpu_operator_cost * DECODE * width;
        let run = pg_sys::seq_page_cost * (pages + OPEN_COST * (estimate.files - 1.0).max(0.0))
            + row * estimate.scanned;
        Cost {
            startup,
            total: startup + run,
        }
    }
}

/// How many workers help: as many as a table of these rows would get, and not more than there are row groups.
///
/// # Safety
/// The planner's own node.
pub unsafe fn workers(rel: *mut pg_sys::RelOptInfo, known: &Relation) -> c_int {
    // SAFETY: the planner's own node and settings.
    unsafe {
        if !(*rel).consider_parallel || !(*rel).lateral_relids.is_null() || only::is_limited() {
            return 0;
        }
        let width = f64::from((*(*rel).reltarget).width.max(8)) + 24.0;
        let pages = known.estimate.scanned * width / f64::from(pg_sys::BLCKSZ);
        let units: usize = known.entries.iter().map(|entry| entry.row_groups).sum();
        let most = pg_sys::max_parallel_workers_per_gather;
        pg_sys::compute_parallel_worker(rel, pages, -1.0, most).min(units as c_int)
    }
}

/// Among how many processes the work is shared: the leader helps the less the more workers it looks after.
pub fn divisor(workers: c_int) -> f64 {
    let workers = f64::from(workers);
    // SAFETY: a setting.
    let leader = if unsafe { pg_sys::parallel_leader_participation } {
        1.0 - 0.3 * workers
    } else {
        0.0
    };
    workers + leader.max(0.0)
}
