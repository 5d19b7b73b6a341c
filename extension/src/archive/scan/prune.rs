//! Which files cannot hold a row of the result, judged by the manifest when a scan begins.

use std::ffi::c_int;

use kpi_archive::{Column, Kind, Predicate, Test, Value, may_match};
use pgrx::pg_sys;

use super::columns;
use super::nodes::nodes;
use super::predicate::Comparison;
use super::value::{self, Verdict};
use crate::archive::kinds::{self, Storage};
use crate::archive::manifest::{self, Entry, Table};
use crate::error::Error;
use crate::version;

/// The conditions of a scan, ready to be evaluated.
pub struct Pruning {
    conditions: Vec<Prepared>,
}

struct Prepared {
    comparison: Comparison,
    /// The value compared with, its type, and whether it can be had before the query runs.
    value: Option<(*mut pg_sys::ExprState, pg_sys::Oid, bool)>,
    field: i32,
    storage: Storage,
    /// The type that a file's column must have had: `char(n)` is filled up to another length in another type.
    only: Option<String>,
    is_time: bool,
}

/// What the conditions leave, with the values that they have now.
pub struct State {
    /// No row can meet them all.
    pub never: bool,
    /// By entry: whether it may hold a row.
    pub alive: Vec<bool>,
    /// What the conditions on time leave of it, both ends included, as [`value::ordinal`] counts; `None`: there are none.
    pub within: Option<(i64, i64)>,
    predicates: Vec<(Predicate, Option<String>)>,
}

impl State {
    /// The predicates that speak about columns of a file.
    pub fn predicates_for(&self, columns: &[Column]) -> Vec<Predicate> {
        let applies = |predicate: &Predicate, only: &Option<String>| {
            columns.iter().any(|column| {
                column.field_id == predicate.field_id && only.as_ref().is_none_or(|ty| *ty == column.pg_type)
            })
        };
        let applying = self
            .predicates
            .iter()
            .filter(|(predicate, only)| applies(predicate, only));
        applying.map(|(predicate, _)| predicate.clone()).collect()
    }
}

impl Pruning {
    /// Prepares the conditions of a plan on the columns of a foreign table.
    ///
    /// # Safety
    /// The node is being initialised by the executor; the description is that of the table.
    pub unsafe fn new(
        node: *mut pg_sys::ForeignScanState,
        planned: &[PlannedCondition],
        descriptor: pg_sys::TupleDesc,
        table: &Table,
    ) -> Self {
        // SAFETY: the executor's own nodes; expressions of the plan are initialised in its memory.
        unsafe {
            let plan = (*node).ss.ps.plan as *mut pg_sys::ForeignScan;
            let expressions: Vec<*mut pg_sys::Node> = nodes((*plan).fdw_exprs).collect();
            let mut conditions = Vec::new();
            for condition in planned {
                let Some(place) = usize::try_from(condition.attribute - 1).ok() else {
                    continue;
                };
                let Some(wanted) = columns::column(descriptor, place, table) else {
                    continue;
                };
                let Some(field) = wanted.field.filter(|field| *field > 0) else {
                    continue;
                };
                let value = condition
                    .expression
                    .and_then(|i| expressions.get(i))
                    .map(|expression| {
                        let state =
                            pg_sys::ExecInitExpr(*expression as *mut pg_sys::Expr, &mut (*node).ss.ps);
                        (state, pg_sys::exprType(*expression), condition.early)
                    });
                let form = version::attribute(descriptor, place as i32);
                let storage = kinds::storage((*form).atttypid, (*form).atttypmod);
                conditions.push(Prepared {
                    comparison: condition.comparison,
                    value,
                    field,
                    storage,
                    only: (storage.base == pg_sys::BPCHAROID)
                        .then(|| kinds::type_name((*form).atttypid, (*form).atttypmod)),
                    is_time: wanted.target.name == table.time_column,
                });
            }
            Self { conditions }
        }
    }

    /// How many conditions there are.
    pub fn len(&self) -> usize {
        self.conditions.len()
    }

    /// Evaluates the conditions, and holds the files against them.
    ///
    /// # Safety
    /// The node is the one that the conditions were prepared for; the snapshot is the query's.
    pub unsafe fn run(
        &self,
        node: *mut pg_sys::ForeignScanState,
        table: &Table,
        entries: &[Entry],
        snapshot: pg_sys::Snapshot,
    ) -> Result<State, Error> {
        // SAFETY: as this function's contract says.
        unsafe { self.judge(node, table, entries, snapshot, false) }
    }

    /// As [`Pruning::run`], with those conditions only whose values do not come from the running query.
    ///
    /// # Safety
    /// As for [`Pruning::run`].
    pub unsafe fn run_early(
        &self,
        node: *mut pg_sys::ForeignScanState,
        table: &Table,
        entries: &[Entry],
        snapshot: pg_sys::Snapshot,
    ) -> Result<State, Error> {
        // SAFETY: as this function's contract says.
        unsafe { self.judge(node, table, entries, snapshot, true) }
    }

    unsafe fn judge(
        &self,
        node: *mut pg_sys::ForeignScanState,
        table: &Table,
        entries: &[Entry],
        snapshot: pg_sys::Snapshot,
        early: bool,
    ) -> Result<State, Error> {
        let mut never = false;
        let mut predicates = Vec::new();
        let mut bounds = (i64::MIN, i64::MAX);
        let mut within = None;
        for condition in &self.conditions {
            let mut value = None;
            let mut ty = pg_sys::InvalidOid;
            if let Some((state, of, known_early)) = condition.value {
                if early && !known_early {
                    continue;
                }
                // SAFETY: an expression of this node, in its own context.
                unsafe {
                    let mut is_null = false;
                    let context = (*node).ss.ps.ps_ExprContext;
                    let datum = pg_sys::ExecEvalExprSwitchContext(state, context, &mut is_null);
                    value = (!is_null).then_some(datum);
                }
                ty = of;
            }
            if condition.is_time
                && let Some(datum) = value
                // SAFETY: the datum has the type that the planner saw.
                && let Some((aligned, of)) = unsafe { value::aligned(datum, ty, condition.storage.base) }
            {
                (value, ty) = (Some(aligned), of);
                let bound = value::ordinal(aligned, of);
                bind(
                    within.get_or_insert((i64::MIN, i64::MAX)),
                    condition.comparison,
                    bound,
                );
            }
            // SAFETY: the datum has the type that the planner saw.
            match unsafe { value::verdict(condition.comparison, value, ty, &condition.storage) } {
                Verdict::Never => never = true,
                Verdict::Unknown => (),
                Verdict::Test(test) => {
                    if condition.is_time {
                        narrow(&mut bounds, &test, &condition.storage);
                    }
                    if let Some(kind) = compared_kind(&condition.storage, &test) {
                        let predicate = Predicate {
                            field_id: condition.field,
                            kind,
                            test,
                        };
                        predicates.push((predicate, condition.only.clone(), condition.is_time));
                    }
                }
            }
        }
        let mut alive: Vec<bool> = entries
            .iter()
            .map(|e| {
                !never
                    && e.times
                        .is_none_or(|(min, max)| max >= bounds.0 && min <= bounds.1)
            })
            .collect();
        if predicates.iter().any(|(_, _, is_time)| !is_time) {
            let asked: Vec<&Entry> = entries
                .iter()
                .zip(&alive)
                .filter(|(_, a)| **a)
                .map(|(e, _)| e)
                .collect();
            // SAFETY: as this function's contract says.
            let mut contents = unsafe { manifest::contents_under(snapshot, table, &asked)? }.into_iter();
            for (entry, alive) in entries.iter().zip(&mut alive).filter(|(_, alive)| **alive) {
                let Some(contents) = contents.next().flatten() else {
                    continue;
                };
                *alive = predicates.iter().all(|(predicate, only, _)| {
                    let column = contents.columns.iter().find(|c| c.field_id == predicate.field_id);
                    let statistics = contents
                        .statistics
                        .iter()
                        .find(|s| s.field_id == predicate.field_id);
                    match column.zip(statistics) {
                        Some((column, statistics))
                            if only.as_ref().is_none_or(|ty| *ty == column.pg_type) =>
                        {
                            let has_nan = contents.nan.contains(&predicate.field_id);
                            may_match(statistics, entry.rows, has_nan, predicate)
                        }
                        _ => true,
                    }
                });
            }
        }
        Ok(State {
            never,
            alive,
            within,
            predicates: predicates
                .into_iter()
                .map(|(predicate, only, _)| (predicate, only))
                .collect(),
        })
    }
}

/// What a file's column must be for a test to speak about it.
fn compared_kind(storage: &Storage, test: &Test) -> Option<Kind> {
    if !storage.through_text || matches!(test, Test::IsNull | Test::IsNotNull) {
        return Some(storage.kind);
    }
    // Without bounds a numeric is kept as text; files from before it lost them hold decimals, of any precision.
    let decimal = Kind::Decimal {
        precision: 38,
        scale: 0,
    };
    (storage.base == pg_sys::NUMERICOID).then_some(decimal)
}

/// Narrows the range of times, as the manifest counts, to what a test on the time column leaves.
pub fn narrow(bounds: &mut (i64, i64), test: &Test, storage: &Storage) {
    let instant = |value: &Value| match value {
        Value::Int(days) if storage.base == pg_sys::DATEOID => Some(match i32::try_from(*days) {
            Ok(i32::MIN) => i64::MIN,
            Ok(i32::MAX) => i64::MAX,
            _ => days.saturating_mul(value::DAY),
        }),
        Value::Int(micros) => Some(*micros),
        _ => None,
    };
    let (low, high) = match test {
        Test::Eq(value) => (instant(value), instant(value)),
        Test::Lt(value) | Test::Le(value) => (None, instant(value)),
        Test::Gt(value) | Test::Ge(value) => (instant(value), None),
        Test::In(values) => {
            let all: Option<Vec<i64>> = values.iter().map(instant).collect();
            let all = all.unwrap_or_default();
            (all.iter().min().copied(), all.iter().max().copied())
        }
        _ => (None, None),
    };
    bounds.0 = bounds.0.max(low.unwrap_or(i64::MIN));
    bounds.1 = bounds.1.min(high.unwrap_or(i64::MAX));
}

/// Narrows the range of times, as [`value::ordinal`] counts, to exactly what a comparison leaves.
fn bind(within: &mut (i64, i64), comparison: Comparison, bound: i64) {
    const NEVER: (i64, i64) = (i64::MAX, i64::MIN);
    let (low, high) = match comparison {
        Comparison::Less => bound.checked_sub(1).map_or(NEVER, |high| (i64::MIN, high)),
        Comparison::LessOrEqual => (i64::MIN, bound),
        Comparison::Equal => (bound, bound),
        Comparison::GreaterOrEqual => (bound, i64::MAX),
        Comparison::Greater => bound.checked_add(1).map_or(NEVER, |low| (low, i64::MAX)),
        _ => return,
    };
    *within = (within.0.max(low), within.1.min(high));
}

/// How many members of a list of numbers describe one condition in the plan.
pub const NUMBERS: usize = 4;

/// One condition as the plan keeps it.
#[derive(Debug, Clone, Copy)]
pub struct PlannedCondition {
    pub attribute: i16,
    pub comparison: Comparison,
    /// Which of the plan's expressions it compares with.
    pub expression: Option<usize>,
    /// Whether the expression has its value before the query runs.
    pub early: bool,
}

impl PlannedCondition {
    /// Takes apart the numbers of a plan.
    pub fn all(numbers: &[c_int]) -> Vec<Self> {
        numbers
            .chunks_exact(NUMBERS)
            .filter_map(|part| match part {
                [attribute, comparison, expression, early] => Some(Self {
                    attribute: i16::try_from(*attribute).ok()?,
                    comparison: Comparison::of_number(*comparison)?,
                    expression: usize::try_from(*expression).ok(),
                    early: *early != 0,
                }),
                _ => None,
            })
            .collect()
    }
}
