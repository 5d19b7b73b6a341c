//! Aggregates over a whole archived table that the manifest answers: `count`, `min` and `max`.
//!
//! Where an object is shown in part, or holds a column as another type, it is read; late rows are, too. So the answer is
//! that of the rows.

use std::ffi::{CStr, c_int};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::nodes::{integers, list_of, list_of_integers, nodes};
use super::plan::Relation;
use crate::archive::kinds;
use crate::version;

/// An aggregate and its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    pub function: Function,
    /// The number of the column in the foreign table; 0: none.
    pub attribute: i16,
}

/// What is aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Function {
    /// `count(*)`
    Rows = 1,
    /// `count(column)`
    Values = 2,
    Min = 3,
    Max = 4,
}

/// `count("any")`
const COUNT_ANY: u32 = 2147;
/// `count(*)`
const COUNT: u32 = 2803;

/// Types whose least and greatest value in a file is the one that PostgreSQL finds.
const ORDERED: [pg_sys::Oid; 7] = [
    pg_sys::INT2OID,
    pg_sys::INT4OID,
    pg_sys::INT8OID,
    pg_sys::DATEOID,
    pg_sys::TIMESTAMPOID,
    pg_sys::TIMESTAMPTZOID,
    pg_sys::NUMERICOID,
];

/// Offers to answer the aggregates of a query without conditions and groups, or their first stage below an Append.
#[pg_guard]
pub unsafe extern "C-unwind" fn paths(
    root: *mut pg_sys::PlannerInfo,
    stage: pg_sys::UpperRelationKind::Type,
    input: *mut pg_sys::RelOptInfo,
    output: *mut pg_sys::RelOptInfo,
    _extra: *mut std::ffi::c_void,
) {
    let aggregates = [
        pg_sys::UpperRelationKind::UPPERREL_GROUP_AGG,
        pg_sys::UpperRelationKind::UPPERREL_PARTIAL_GROUP_AGG,
    ];
    if !aggregates.contains(&stage) {
        return;
    }
    // SAFETY: the planner's own nodes.
    unsafe {
        let query = (*root).parse;
        let plain = (*query).groupClause.is_null()
            && (*query).groupingSets.is_null()
            && (*query).havingQual.is_null()
            && !(*query).hasTargetSRFs
            && (*input).baserestrictinfo.is_null()
            && (*input).relid > 0;
        if !plain || !(*output).fdw_private.is_null() {
            return;
        }
        let Some(known) = Relation::of(input) else { return };
        let rte = *(*root).simple_rte_array.add((*input).relid as usize);
        let mut numbers = vec![(*rte).relid.to_u32() as c_int];
        for expression in nodes::<pg_sys::Node>((*(*output).reltarget).exprs) {
            let Some(aggregate) = recognise(expression, (*input).relid) else {
                return;
            };
            numbers.extend([aggregate.function as c_int, c_int::from(aggregate.attribute)]);
        }
        let read: f64 = known
            .entries
            .iter()
            .filter(|entry| entry.partial)
            .map(|entry| entry.rows as f64)
            .sum();
        let cost = pg_sys::cpu_tuple_cost * (read + known.entries.len() as f64 + 1.0);
        let private = list_of([list_of_integers([-1]), list_of_integers(numbers)]);
        let path = version::upper_path(root, output, 1.0, cost, private);
        pg_sys::add_path(output, path as *mut pg_sys::Path);
    }
}

unsafe fn recognise(expression: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<Aggregate> {
    // SAFETY: node tags are looked at before a node is taken for what the tag says.
    unsafe {
        if (*expression).type_ != pg_sys::NodeTag::T_Aggref {
            return None;
        }
        let call = expression as *mut pg_sys::Aggref;
        let plain = (*call).aggdistinct.is_null()
            && (*call).aggorder.is_null()
            && (*call).aggfilter.is_null()
            && (*call).aggdirectargs.is_null()
            && (*call).agglevelsup == 0;
        if !plain {
            return None;
        }
        let function = (*call).aggfnoid.to_u32();
        if function == COUNT {
            return Some(Aggregate {
                function: Function::Rows,
                attribute: 0,
            });
        }
        let argument = nodes::<pg_sys::TargetEntry>((*call).args).next()?;
        let node = (*argument).expr as *mut pg_sys::Node;
        if (*node).type_ != pg_sys::NodeTag::T_Var {
            return None;
        }
        let var = node as *mut pg_sys::Var;
        if (*var).varno as u32 != relid || (*var).varattno <= 0 {
            return None;
        }
        let function = if function == COUNT_ANY {
            Function::Values
        } else {
            extreme((*call).aggfnoid, (*var).vartype, (*var).vartypmod)?
        };
        Some(Aggregate {
            function,
            attribute: (*var).varattno,
        })
    }
}

fn extreme(function: pg_sys::Oid, ty: pg_sys::Oid, typmod: i32) -> Option<Function> {
    let storage = kinds::storage(ty, typmod);
    if !ORDERED.contains(&ty) || storage.through_text {
        return None;
    }
    // SAFETY: syscache lookups of a function that is there.
    unsafe {
        let own = pg_sys::get_func_namespace(function) == pg_sys::Oid::from(pg_sys::PG_CATALOG_NAMESPACE);
        let name = pg_sys::get_func_name(function);
        if !own || name.is_null() {
            return None;
        }
        match CStr::from_ptr(name).to_bytes() {
            b"min" => Some(Function::Min),
            b"max" => Some(Function::Max),
            _ => None,
        }
    }
}

/// The foreign table and the aggregates of a plan; `None` for a plan that gives rows.
///
/// # Safety
/// The private list of a plan or path of this wrapper's.
pub unsafe fn of_plan(private: *mut pg_sys::List) -> Option<(pg_sys::Oid, Vec<Aggregate>)> {
    // SAFETY: lists of integers.
    let parts: Vec<Vec<c_int>> = unsafe {
        nodes::<pg_sys::List>(private)
            .map(|part| integers(part))
            .collect()
    };
    if parts.first()?.first() != Some(&-1) {
        return None;
    }
    let (table, calls) = parts.get(1)?.split_first()?;
    let aggregates = calls
        .chunks_exact(2)
        .filter_map(|call| {
            let function = match call.first()? {
                1 => Function::Rows,
                2 => Function::Values,
                3 => Function::Min,
                _ => Function::Max,
            };
            Some(Aggregate {
                function,
                attribute: i16::try_from(*call.get(1)?).ok()?,
            })
        })
        .collect();
    Some((pg_sys::Oid::from(*table as u32), aggregates))
}
