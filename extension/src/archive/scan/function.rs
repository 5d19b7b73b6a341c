//! Which aggregates a scan computes itself, recognised when a query is planned.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::nodes::{length, nodes};
use super::predicate;
use super::transition::Definition;
use crate::archive::kinds;

/// An aggregate and its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    pub function: Function,
    /// The aggregate in the catalog, and the collation of its arguments.
    pub number: pg_sys::Oid,
    pub collation: pg_sys::Oid,
    /// The numbers of its columns in the foreign table; 0: none.
    pub attributes: [i16; 2],
}

/// What is aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Function {
    /// `count(*)`
    Rows = 1,
    /// `count(column)`
    Values = 2,
    /// Of a type whose least value the manifest has.
    Min = 3,
    Max = 4,
    /// For which values are read.
    Other = 5,
}

/// `count("any")`
const COUNT_ANY: u32 = 2147;
/// `count(*)`
const COUNT: u32 = 2803;
/// Objects below this number came with the server.
const FIRST_OF_USERS: u32 = 16_384;

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

/// Built-in aggregates whose result does not depend on more than the values and, for numbers that are not exact, their order.
const OTHERS: [&[u8]; 28] = [
    b"sum",
    b"avg",
    b"min",
    b"max",
    b"variance",
    b"var_pop",
    b"var_samp",
    b"stddev",
    b"stddev_pop",
    b"stddev_samp",
    b"bool_and",
    b"bool_or",
    b"every",
    b"bit_and",
    b"bit_or",
    b"bit_xor",
    b"corr",
    b"covar_pop",
    b"covar_samp",
    b"regr_avgx",
    b"regr_avgy",
    b"regr_count",
    b"regr_intercept",
    b"regr_r2",
    b"regr_slope",
    b"regr_sxx",
    b"regr_sxy",
    b"regr_syy",
];

/// The aggregate that an expression of a target list is; `None`: something that is left to the executor.
///
/// # Safety
/// An expression of the planner's, `relid` the relation's index.
pub unsafe fn recognise(expression: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<Aggregate> {
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
        if !plain || (*call).aggfnoid.to_u32() >= FIRST_OF_USERS {
            return None;
        }
        let number = (*call).aggfnoid;
        let aggregate = |function, attributes| Aggregate {
            function,
            number,
            collation: (*call).inputcollid,
            attributes,
        };
        if number.to_u32() == COUNT {
            return Some(aggregate(Function::Rows, [0, 0]));
        }
        if length((*call).args) > 2 {
            return None;
        }
        let mut attributes = [0; 2];
        let arguments = nodes::<pg_sys::TargetEntry>((*call).args);
        for (place, argument) in attributes.iter_mut().zip(arguments) {
            *place = predicate::column_number((*argument).expr as *mut pg_sys::Node, relid)?;
        }
        let first = nodes::<pg_sys::TargetEntry>((*call).args).next()?;
        if number.to_u32() == COUNT_ANY {
            return Some(aggregate(Function::Values, attributes));
        }
        let ty = pg_sys::exprType((*first).expr as *mut pg_sys::Node);
        let typmod = pg_sys::exprTypmod((*first).expr as *mut pg_sys::Node);
        Some(aggregate(
            known(number, (*call).aggtranstype, ty, typmod)?,
            attributes,
        ))
    }
}

/// What a built-in aggregate is; `None`: one that is left to the executor.
fn known(number: pg_sys::Oid, state: pg_sys::Oid, ty: pg_sys::Oid, typmod: i32) -> Option<Function> {
    let definition = Definition::of(number)?;
    // One whose state has the type of its argument looks that up by a call that there is none of here.
    if !definition.plain || definition.state != state {
        return None;
    }
    // SAFETY: a syscache lookup; the name is zero-terminated.
    unsafe {
        let name = pg_sys::get_func_name(number);
        if name.is_null() {
            return None;
        }
        let name = CStr::from_ptr(name).to_bytes();
        let ordered = ORDERED.contains(&ty) && !kinds::storage(ty, typmod).through_text;
        match name {
            b"min" if ordered => Some(Function::Min),
            b"max" if ordered => Some(Function::Max),
            _ => OTHERS.contains(&name).then_some(Function::Other),
        }
    }
}
