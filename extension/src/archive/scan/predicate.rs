//! Which conditions of a query rule out rows of files: recognised when it is planned.
//!
//! They only ever spare reading: the executor checks every condition again, so one that is not understood here costs
//! time, never rightness.

use std::ffi::c_int;

use kpi_archive::Kind;
use pgrx::pg_sys;

use super::nodes::{list_of, nodes};
use super::{collation, estimate};
use crate::archive::kinds::{self, Storage};

/// What a condition compares a column with, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Comparison {
    Less = 1,
    LessOrEqual = 2,
    Equal = 3,
    GreaterOrEqual = 4,
    Greater = 5,
    /// `= ANY (array)`
    Any = 6,
    IsNull = 7,
    IsNotNull = 8,
    /// `LIKE pattern`
    Like = 9,
    /// `^@ prefix`
    StartsWith = 10,
    /// A boolean column by itself.
    True = 11,
    /// `NOT` a boolean column.
    False = 12,
}

impl Comparison {
    const ALL: [Self; 12] = [
        Self::Less,
        Self::LessOrEqual,
        Self::Equal,
        Self::GreaterOrEqual,
        Self::Greater,
        Self::Any,
        Self::IsNull,
        Self::IsNotNull,
        Self::Like,
        Self::StartsWith,
        Self::True,
        Self::False,
    ];

    /// The comparison of a number in a plan.
    pub fn of_number(number: c_int) -> Option<Self> {
        Self::ALL.into_iter().find(|c| *c as c_int == number)
    }

    /// The same condition with its sides swapped.
    fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Greater => Self::Less,
            same => same,
        }
    }
}

/// A condition on one column.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The column's number in the foreign table.
    pub attribute: i16,
    pub comparison: Comparison,
    /// The expression compared with; null where there is none.
    pub value: *mut pg_sys::Node,
}

/// Conditions as a plan keeps them: numbers for its private list, and the expressions that they count.
///
/// # Safety
/// The planner's own nodes.
pub unsafe fn planned(
    root: *mut pg_sys::PlannerInfo,
    conditions: &[Condition],
) -> (Vec<c_int>, *mut pg_sys::List) {
    let mut expressions = Vec::new();
    let mut numbers = Vec::new();
    for condition in conditions {
        numbers.extend([c_int::from(condition.attribute), condition.comparison as c_int]);
        if condition.value.is_null() {
            numbers.extend([-1, 1]);
            continue;
        }
        // SAFETY: as this function's contract says.
        let early = unsafe { estimate::constant(root, condition.value) }.is_some();
        numbers.extend([expressions.len() as c_int, c_int::from(early)]);
        expressions.push(condition.value);
    }
    // SAFETY: as this function's contract says.
    (numbers, unsafe { list_of(expressions) })
}

/// The operators of B-tree families on built-in types, by what a column is.
fn families(storage: &Storage) -> &'static [u32] {
    match storage.base {
        pg_sys::BOOLOID => &[424],
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => &[1976],
        pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => &[1970],
        pg_sys::NUMERICOID => &[1988],
        pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => &[434],
        pg_sys::TIMEOID => &[1996],
        pg_sys::TEXTOID | pg_sys::VARCHAROID => &[TEXT_OPS, TEXT_PATTERN_OPS],
        pg_sys::BPCHAROID => &[426],
        pg_sys::UUIDOID => &[2968],
        pg_sys::BYTEAOID => &[428],
        _ => &[],
    }
}

const TEXT_OPS: u32 = 1994;
const TEXT_PATTERN_OPS: u32 = 2095;
/// `text ^@ text`
const STARTS_WITH: u32 = 3877;

/// The condition that a clause puts on one column of a relation, where it is one that rules out rows of files.
///
/// # Safety
/// `clause` is a condition of the planner's, `relid` the relation's index.
pub unsafe fn recognise(clause: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<Condition> {
    // SAFETY: node tags are looked at before a node is taken for what the tag says.
    unsafe {
        match (*clause).type_ {
            pg_sys::NodeTag::T_OpExpr => {
                let op = clause as *mut pg_sys::OpExpr;
                let (left, right) = pair((*op).args)?;
                let (column, value, flipped) = match (column_of(left, relid), column_of(right, relid)) {
                    (Some(column), None) => (column, right, false),
                    (None, Some(column)) => (column, left, true),
                    _ => return None,
                };
                let comparison = comparison_of((*op).opno, (*op).inputcollid, &column, flipped)?;
                usable(value, relid).then_some(Condition {
                    attribute: column.attribute,
                    comparison,
                    value,
                })
            }
            pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                let op = clause as *mut pg_sys::ScalarArrayOpExpr;
                let (left, value) = pair((*op).args)?;
                let column = column_of(left, relid)?;
                let comparison = comparison_of((*op).opno, (*op).inputcollid, &column, false)?;
                let any = (*op).useOr && comparison == Comparison::Equal && usable(value, relid);
                any.then_some(Condition {
                    attribute: column.attribute,
                    comparison: Comparison::Any,
                    value,
                })
            }
            pg_sys::NodeTag::T_FuncExpr => {
                let call = clause as *mut pg_sys::FuncExpr;
                if (*call).funcid != pg_sys::Oid::from(pg_sys::F_STARTS_WITH) {
                    return None;
                }
                let (left, value) = pair((*call).args)?;
                let column = column_of(left, relid)?;
                (column.is_text() && usable(value, relid)).then_some(Condition {
                    attribute: column.attribute,
                    comparison: Comparison::StartsWith,
                    value,
                })
            }
            _ => without_value(clause, relid),
        }
    }
}

/// Conditions that compare with nothing: `IS NULL`, a boolean column and its negations.
unsafe fn without_value(clause: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<Condition> {
    // SAFETY: as in `recognise`.
    let (column, comparison) = unsafe {
        match (*clause).type_ {
            pg_sys::NodeTag::T_NullTest => {
                let test = clause as *mut pg_sys::NullTest;
                if (*test).argisrow {
                    return None;
                }
                let comparison = if (*test).nulltesttype == pg_sys::NullTestType::IS_NULL {
                    Comparison::IsNull
                } else {
                    Comparison::IsNotNull
                };
                (column_of((*test).arg as *mut pg_sys::Node, relid)?, comparison)
            }
            pg_sys::NodeTag::T_BooleanTest => {
                let test = clause as *mut pg_sys::BooleanTest;
                let comparison = match (*test).booltesttype {
                    pg_sys::BoolTestType::IS_TRUE => Comparison::True,
                    pg_sys::BoolTestType::IS_FALSE => Comparison::False,
                    _ => return None,
                };
                (column_of((*test).arg as *mut pg_sys::Node, relid)?, comparison)
            }
            pg_sys::NodeTag::T_BoolExpr => {
                let negation = clause as *mut pg_sys::BoolExpr;
                if (*negation).boolop != pg_sys::BoolExprType::NOT_EXPR {
                    return None;
                }
                let argument = nodes::<pg_sys::Node>((*negation).args).next()?;
                (column_of(argument, relid)?, Comparison::False)
            }
            _ => (column_of(clause, relid)?, Comparison::True),
        }
    };
    let bool_needed = matches!(comparison, Comparison::True | Comparison::False);
    (!bool_needed || column.storage.kind == Kind::Bool).then_some(Condition {
        attribute: column.attribute,
        comparison,
        value: std::ptr::null_mut(),
    })
}

/// A column in a condition.
struct ColumnOf {
    attribute: i16,
    storage: Storage,
}

impl ColumnOf {
    fn is_text(&self) -> bool {
        matches!(self.storage.base, pg_sys::TEXTOID | pg_sys::VARCHAROID)
    }
}

unsafe fn column_of(node: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<ColumnOf> {
    // SAFETY: as in `recognise`.
    unsafe {
        let mut node = node;
        // varchar compares as text, a domain as the type below it.
        while (*node).type_ == pg_sys::NodeTag::T_RelabelType {
            node = (*(node as *mut pg_sys::RelabelType)).arg as *mut pg_sys::Node;
        }
        if (*node).type_ != pg_sys::NodeTag::T_Var {
            return None;
        }
        let var = node as *mut pg_sys::Var;
        let ours = (*var).varno as u32 == relid && (*var).varlevelsup == 0 && (*var).varattno > 0;
        ours.then(|| ColumnOf {
            attribute: (*var).varattno,
            storage: kinds::storage((*var).vartype, (*var).vartypmod),
        })
    }
}

/// The number of the column of a relation that an expression is.
///
/// # Safety
/// An expression of the planner's.
pub unsafe fn column_number(node: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<i16> {
    // SAFETY: as this function's contract says.
    unsafe { column_of(node, relid) }.map(|column| column.attribute)
}

/// What an operator says about a column that it is applied to.
fn comparison_of(
    operator: pg_sys::Oid,
    collation: pg_sys::Oid,
    column: &ColumnOf,
    flipped: bool,
) -> Option<Comparison> {
    if column.is_text() && !flipped {
        match operator.to_u32() {
            pg_sys::OID_TEXT_LIKE_OP => {
                return collation::compares_bytes(collation).then_some(Comparison::Like);
            }
            STARTS_WITH => return Some(Comparison::StartsWith),
            _ => (),
        }
    }
    let (family, strategy) = families(&column.storage)
        .iter()
        // SAFETY: syscache lookups.
        .map(|family| {
            (*family, unsafe {
                pg_sys::get_op_opfamily_strategy(operator, pg_sys::Oid::from(*family))
            })
        })
        .find(|(_, strategy)| (1..=5).contains(strategy))?;
    let comparison = Comparison::of_number(strategy)?;
    let comparison = if flipped { comparison.flipped() } else { comparison };
    let equality = comparison == Comparison::Equal;
    let fits = match column.storage.base {
        pg_sys::TEXTOID | pg_sys::VARCHAROID => {
            family == TEXT_PATTERN_OPS && collation::is_utf8()
                || equality && collation::compares_bytes(collation)
                || collation::orders_bytes(collation)
        }
        // Values are padded in the file, and compare without their padding.
        pg_sys::BPCHAROID => equality && collation::compares_bytes(collation),
        _ => true,
    };
    fits.then_some(comparison)
}

unsafe fn pair(list: *mut pg_sys::List) -> Option<(*mut pg_sys::Node, *mut pg_sys::Node)> {
    // SAFETY: arguments are nodes.
    unsafe {
        let mut arguments = nodes::<pg_sys::Node>(list);
        let (left, right) = (arguments.next()?, arguments.next()?);
        arguments.next().is_none().then_some((left, right))
    }
}

/// Whether an expression has one value for a whole scan: it may name parameters and columns of other relations.
unsafe fn usable(value: *mut pg_sys::Node, relid: pg_sys::Index) -> bool {
    // SAFETY: an expression of the planner's; the list of numbers is made for this look.
    unsafe {
        let mut own = std::ptr::null_mut();
        pg_sys::pull_varattnos(value, relid, &mut own);
        own.is_null() && !pg_sys::contain_volatile_functions(value) && !pg_sys::contain_subplans(value)
    }
}
