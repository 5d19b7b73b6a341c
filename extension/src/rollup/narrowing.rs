//! Which conditions of a query narrow the read of a foreign table, and what they leave.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

/// A narrowing condition of a running scan: its kind, its value's expression and type.
pub type Condition = (Narrowing, *mut pg_sys::ExprState, pg_sys::Oid);

/// A condition that narrows the read; its number stands in the plan's private list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Narrowing {
    From = 1,
    After = 2,
    Before = 3,
    Upto = 4,
    At = 5,
    Text = 6,
    AnyText = 7,
}

impl Narrowing {
    /// All kinds, to find one by its number.
    pub const ALL: [Self; 7] = [
        Self::From,
        Self::After,
        Self::Before,
        Self::Upto,
        Self::At,
        Self::Text,
        Self::AnyText,
    ];

    fn of(operator: &str, flipped: bool) -> Option<Self> {
        Some(match (operator, flipped) {
            (">=", false) | ("<=", true) => Self::From,
            (">", false) | ("<", true) => Self::After,
            ("<", false) | (">", true) => Self::Before,
            ("<=", false) | (">=", true) => Self::Upto,
            ("=", _) => Self::At,
            _ => return None,
        })
    }
}

/// The narrowed request.
pub struct Bounds {
    pub since: i64,
    pub until: i64,
    /// Codes or periods, whichever the table's text column holds; `None` is all.
    texts: Option<Vec<String>>,
}

/// Recognises `column operator value`, either way round, and `column = ANY (array)`.
///
/// # Safety
/// `clause` is a condition of the planner's.
pub unsafe fn narrowing(
    clause: *mut pg_sys::Node,
    relid: pg_sys::Index,
    time_column: i16,
    text_column: i16,
) -> Option<(Narrowing, *mut pg_sys::Node)> {
    // SAFETY: node tags are looked at before a node is taken for what the tag says.
    unsafe {
        let (args, operator, any) = match (*clause).type_ {
            pg_sys::NodeTag::T_OpExpr => {
                let op = clause as *mut pg_sys::OpExpr;
                ((*op).args, (*op).opno, false)
            }
            pg_sys::NodeTag::T_ScalarArrayOpExpr => {
                let op = clause as *mut pg_sys::ScalarArrayOpExpr;
                if !(*op).useOr {
                    return None;
                }
                ((*op).args, (*op).opno, true)
            }
            _ => return None,
        };
        if args.is_null() || (*args).length != 2 {
            return None;
        }
        let left = (*(*args).elements).ptr_value as *mut pg_sys::Node;
        let right = (*(*args).elements.add(1)).ptr_value as *mut pg_sys::Node;
        let (column, value, flipped) = match (column_of(left, relid), column_of(right, relid)) {
            (Some(column), None) => (column, right, false),
            (None, Some(column)) if !any => (column, left, true),
            _ => return None,
        };
        if pg_sys::contain_var_clause(value) || pg_sys::contain_volatile_functions(value) {
            return None;
        }
        let name = pg_sys::get_opname(operator);
        if name.is_null() {
            return None;
        }
        let name = CStr::from_ptr(name).to_str().ok()?;
        let ty = pg_sys::exprType(value);
        if column == time_column && !any {
            let known = [pg_sys::TIMESTAMPTZOID, pg_sys::TIMESTAMPOID, pg_sys::DATEOID].contains(&ty);
            return Narrowing::of(name, flipped)
                .filter(|_| known)
                .map(|kind| (kind, value));
        }
        if column == text_column && name == "=" {
            return match (any, ty) {
                (false, pg_sys::TEXTOID) => Some((Narrowing::Text, value)),
                (true, pg_sys::TEXTARRAYOID) => Some((Narrowing::AnyText, value)),
                _ => None,
            };
        }
        None
    }
}

unsafe fn column_of(node: *mut pg_sys::Node, relid: pg_sys::Index) -> Option<i16> {
    // SAFETY: as in `narrowing`.
    unsafe {
        if (*node).type_ != pg_sys::NodeTag::T_Var {
            return None;
        }
        let var = node as *mut pg_sys::Var;
        ((*var).varno as u32 == relid && (*var).varlevelsup == 0).then_some((*var).varattno)
    }
}

/// Evaluates the narrowing conditions; `None` when one compares with NULL, which no row meets.
///
/// # Safety
/// The states belong to the running scan, `context` is its expression context.
pub unsafe fn bounds(narrowings: &[Condition], context: *mut pg_sys::ExprContext) -> Option<Bounds> {
    let mut bounds = Bounds {
        since: i64::MIN,
        until: i64::MAX,
        texts: None,
    };
    for (kind, state, ty) in narrowings {
        let mut is_null = false;
        // SAFETY: an expression state of this scan, evaluated in its own context.
        let datum = unsafe { pg_sys::ExecEvalExprSwitchContext(*state, context, &mut is_null) };
        if is_null {
            return None;
        }
        // SAFETY: the datum has the type that the planner recorded.
        unsafe {
            match kind {
                Narrowing::Text => {
                    bounds.keep(vec![String::from_datum(datum, false)?]);
                }
                Narrowing::AnyText => {
                    let list = Vec::<Option<String>>::from_datum(datum, false)?;
                    bounds.keep(list.into_iter().flatten().collect());
                }
                _ => bounds.time(*kind, instant(datum, *ty)),
            }
        }
    }
    Some(bounds)
}

/// A time of any of the three types as timestamptz, under the session's zone as the operators do it.
unsafe fn instant(datum: pg_sys::Datum, ty: pg_sys::Oid) -> i64 {
    // SAFETY: the server's own casts on a datum of the type they take.
    let cast = unsafe {
        match ty {
            pg_sys::DATEOID => pgrx::direct_function_call_as_datum(pg_sys::date_timestamptz, &[Some(datum)]),
            pg_sys::TIMESTAMPOID => {
                pgrx::direct_function_call_as_datum(pg_sys::timestamp_timestamptz, &[Some(datum)])
            }
            _ => Some(datum),
        }
    };
    cast.unwrap_or(datum).value() as i64
}

impl Bounds {
    fn time(&mut self, kind: Narrowing, t: i64) {
        let after = t.saturating_add(1);
        match kind {
            Narrowing::From => self.since = self.since.max(t),
            Narrowing::After => self.since = self.since.max(after),
            Narrowing::Before => self.until = self.until.min(t),
            Narrowing::Upto => self.until = self.until.min(after),
            _ => {
                self.since = self.since.max(t);
                self.until = self.until.min(after);
            }
        }
    }

    fn keep(&mut self, texts: Vec<String>) {
        self.texts = Some(match self.texts.take() {
            None => texts,
            Some(so_far) => so_far.into_iter().filter(|t| texts.contains(t)).collect(),
        });
    }

    /// Whether a code or period is asked for.
    pub fn has(&self, text: &str) -> bool {
        self.texts
            .as_ref()
            .is_none_or(|texts| texts.iter().any(|t| t == text))
    }
}
