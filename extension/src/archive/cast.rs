//! From the type that a column had when its rows were archived to the type that it has now.

use std::ffi::CString;
use std::mem::MaybeUninit;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::kinds;
use crate::error::Error;

/// The input function of a type, for values that are stored as text.
pub struct Input {
    function: Box<pg_sys::FmgrInfo>,
    element: pg_sys::Oid,
    typmod: i32,
    text: Vec<u8>,
}

impl Input {
    /// The input function of a type; of a domain, that of the type below it, since its values have passed the checks.
    ///
    /// # Safety
    /// `context` outlives what is returned.
    pub unsafe fn of(ty: pg_sys::Oid, typmod: i32, context: pg_sys::MemoryContext) -> Self {
        let mut typmod = typmod;
        // SAFETY: lookups of a type that a column has; the function's own memory is in `context`.
        unsafe {
            let base = pg_sys::getBaseTypeAndTypmod(ty, &mut typmod);
            let (mut function, mut element) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
            pg_sys::getTypeInputInfo(base, &mut function, &mut element);
            let mut info = Box::new(MaybeUninit::<pg_sys::FmgrInfo>::zeroed().assume_init());
            pg_sys::fmgr_info_cxt(function, &mut *info, context);
            Self {
                function: info,
                element,
                typmod,
                text: Vec::new(),
            }
        }
    }

    /// The value that a text stands for, in the current memory context.
    pub fn value(&mut self, text: &[u8]) -> pg_sys::Datum {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.text.push(0);
        // SAFETY: zero-terminated; the function was looked up for this type.
        unsafe {
            pg_sys::InputFunctionCall(
                &mut *self.function,
                self.text.as_mut_ptr() as *mut std::ffi::c_char,
                self.element,
                self.typmod,
            )
        }
    }
}

/// An assignment cast, as ALTER TABLE ... ALTER COLUMN TYPE applies it to the rows of a table.
pub struct Cast {
    state: *mut pg_sys::ExprState,
    context: *mut pg_sys::ExprContext,
}

impl Cast {
    /// The cast from one type to another; `None` where PostgreSQL has none.
    ///
    /// # Safety
    /// The current memory context, and `context`, outlive what is returned.
    pub unsafe fn between(
        from: (pg_sys::Oid, i32),
        to: (pg_sys::Oid, i32),
        collation: pg_sys::Oid,
        context: *mut pg_sys::ExprContext,
    ) -> Option<Self> {
        // SAFETY: a node of the right size and tag; the parser's and planner's functions copy what they keep.
        unsafe {
            let size = std::mem::size_of::<pg_sys::CaseTestExpr>();
            let value = pg_sys::palloc0(size) as *mut pg_sys::CaseTestExpr;
            (*value).xpr.type_ = pg_sys::NodeTag::T_CaseTestExpr;
            (*value).typeId = from.0;
            (*value).typeMod = from.1;
            (*value).collation = collation;
            let cast = pg_sys::coerce_to_target_type(
                std::ptr::null_mut(),
                value as *mut pg_sys::Node,
                from.0,
                to.0,
                to.1,
                pg_sys::CoercionContext::COERCION_ASSIGNMENT,
                pg_sys::CoercionForm::COERCE_IMPLICIT_CAST,
                -1,
            );
            if cast.is_null() {
                return None;
            }
            let expression = pg_sys::expression_planner(cast as *mut pg_sys::Expr);
            let state = pg_sys::ExecInitExpr(expression, std::ptr::null_mut());
            Some(Self { state, context })
        }
    }

    /// The value in the new type, in the expression context's memory for a row; `None` where the cast gives NULL.
    pub fn value(&self, value: pg_sys::Datum) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: the state was made for a CaseTestExpr, which reads these two fields.
        let cast = unsafe {
            (*self.context).caseValue_datum = value;
            (*self.context).caseValue_isNull = false;
            pg_sys::ExecEvalExprSwitchContext(self.state, self.context, &mut is_null)
        };
        (!is_null).then_some(cast)
    }
}

/// The type that a file names, and its modifier; `None` when there is no such type any more.
pub fn type_named(name: &str) -> Option<(pg_sys::Oid, i32)> {
    let text = CString::new(name).ok()?;
    // SAFETY: a zero-terminated string.
    unsafe { crate::version::parse_type(&text) }
}

/// Whether a value of one type is one of the other as it is.
pub fn same(from: (pg_sys::Oid, i32), to: (pg_sys::Oid, i32)) -> bool {
    let (from, to) = (kinds::storage(from.0, from.1), kinds::storage(to.0, to.1));
    let text = |ty| matches!(ty, pg_sys::TEXTOID | pg_sys::VARCHAROID);
    let alike = from.base == to.base || text(from.base) && text(to.base);
    alike && (to.typmod < 0 || from.base == to.base && from.typmod == to.typmod)
}

/// A column whose stored values cannot become what the column is now.
pub fn impossible(column: &str, from: &str, to: &str) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "archived values cannot be read in the present type of their column",
    )
    .detail(format!(
        "Column \"{column}\" was {from} when its rows were archived, and is {to} now."
    ))
    .hint("Give the column a type that the old one can be assigned to.")
}
