//! `GROUP BY` a bucket of time: recognised when a query is planned, and evaluated once per bucket, not once per row.

use std::ffi::{CStr, c_void};

use pgrx::pg_sys;

use super::nodes::nodes;
use super::predicate;
use super::transition::{Rows, Values};
use super::value;
use crate::time::Zone;

/// Rows that are looked at one by one, once a stretch of them is this short.
const FEW: usize = 8;

/// Whether an expression is a bucket of a relation's time column: a function of it and constants that never falls as the time
/// rises, unless a clock is changed in between.
///
/// # Safety
/// An expression of the planner's.
pub unsafe fn is_bucket(node: *mut pg_sys::Node, is_time: impl Fn(*mut pg_sys::Node) -> bool) -> bool {
    // SAFETY: node tags are looked at before a node is taken for what the tag says.
    unsafe {
        if (*node).type_ != pg_sys::NodeTag::T_FuncExpr {
            return false;
        }
        let call = node as *mut pg_sys::FuncExpr;
        if !rises(call) {
            return false;
        }
        let mut times = 0;
        let plain = nodes::<pg_sys::Node>((*call).args).all(|argument| {
            if (*argument).type_ == pg_sys::NodeTag::T_Const {
                return !(*(argument as *mut pg_sys::Const)).constisnull;
            }
            times += 1;
            is_time(argument)
        });
        plain && times == 1
    }
}

unsafe fn rises(call: *mut pg_sys::FuncExpr) -> bool {
    // SAFETY: as in `is_bucket`; names are zero-terminated.
    unsafe {
        match (*call).funcid.to_u32() {
            pg_sys::F_DATE_TRUNC_TEXT_TIMESTAMP | pg_sys::F_DATE_TIMESTAMP => true,
            pg_sys::F_DATE_TRUNC_TEXT_TIMESTAMPTZ | pg_sys::F_DATE_TIMESTAMPTZ => true,
            pg_sys::F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT => zone_named(call).is_some(),
            _ => {
                let name = pg_sys::get_func_name((*call).funcid);
                let extension = pg_sys::getExtensionOfObject(pg_sys::ProcedureRelationId, (*call).funcid);
                if name.is_null() || CStr::from_ptr(name) != c"time_bucket" || extension == pg_sys::InvalidOid
                {
                    return false;
                }
                let extension = pg_sys::get_extension_name(extension);
                let ours =
                    !extension.is_null() && [c"pg_kpi", c"timescaledb"].contains(&CStr::from_ptr(extension));
                // Buckets of a zone need not have its clock's changes at their bounds.
                let zoned = |argument: *mut pg_sys::Node| pg_sys::exprType(argument) == pg_sys::TEXTOID;
                ours && !nodes::<pg_sys::Node>((*call).args).any(zoned)
            }
        }
    }
}

/// How long a bucket is at least, as the manifest counts time; `None` where the planner cannot tell.
///
/// # Safety
/// One that [`is_bucket`] says yes to.
pub unsafe fn width(bucket: *mut pg_sys::Node) -> Option<i64> {
    // SAFETY: as this function's contract says; constants are of their types, and not null.
    unsafe {
        let call = bucket as *mut pg_sys::FuncExpr;
        if [pg_sys::F_DATE_TIMESTAMP, pg_sys::F_DATE_TIMESTAMPTZ].contains(&(*call).funcid.to_u32()) {
            return Some(value::DAY);
        }
        let first = nodes::<pg_sys::Node>((*call).args).next()?;
        if (*first).type_ != pg_sys::NodeTag::T_Const {
            return None;
        }
        let constant = first as *mut pg_sys::Const;
        let datum = (*constant).constvalue;
        match (*constant).consttype {
            pg_sys::TEXTOID => {
                let unit = CStr::from_ptr(pg_sys::text_to_cstring(datum.cast_mut_ptr()));
                let unit = unit.to_str().ok()?.to_lowercase();
                UNITS
                    .iter()
                    .find(|(name, _)| *name == unit)
                    .map(|(_, width)| *width)
            }
            pg_sys::INTERVALOID => {
                let interval = &*datum.cast_mut_ptr::<pg_sys::Interval>();
                let days = i64::from(interval.month)
                    .checked_mul(28)?
                    .checked_add(interval.day.into())?;
                interval.time.checked_add(days.checked_mul(value::DAY)?)
            }
            ty if value::is_integer(ty) => Some(value::ordinal(datum, ty)),
            _ => None,
        }
        .filter(|width| *width > 0)
    }
}

/// What `date_trunc` knows, and how long it is at least: a day that a clock makes shorter counts as 23 hours.
const UNITS: [(&str, i64); 9] = [
    ("second", 1_000_000),
    ("minute", 60_000_000),
    ("hour", value::DAY / 24),
    ("day", value::DAY / 24 * 23),
    ("week", value::DAY * 6),
    ("month", value::DAY * 27),
    ("quarter", value::DAY * 89),
    ("year", value::DAY * 364),
    ("decade", value::DAY * 3640),
];

/// The zone that `date_trunc(unit, time, zone)` names, where it is one with rules of its own.
unsafe fn zone_named(call: *mut pg_sys::FuncExpr) -> Option<Zone> {
    // SAFETY: as in `is_bucket`; a constant of type text.
    unsafe {
        let zone = nodes::<pg_sys::Node>((*call).args).nth(2)?;
        if (*zone).type_ != pg_sys::NodeTag::T_Const || (*(zone as *mut pg_sys::Const)).constisnull {
            return None;
        }
        let name = pg_sys::text_to_cstring((*(zone as *mut pg_sys::Const)).constvalue.cast_mut_ptr());
        let name = CStr::from_ptr(name);
        // Without a slash it may be an abbreviation.
        let plain = name.to_bytes().contains(&b'/') || [c"UTC", c"GMT"].contains(&name);
        let rules = if plain {
            pg_sys::pg_tzset(name.as_ptr())
        } else {
            std::ptr::null_mut()
        };
        (!rules.is_null()).then(|| Zone::of_rules(rules))
    }
}

/// The expression as a plan keeps it: it is given the time by its caller.
///
/// # Safety
/// One that [`is_bucket`] says yes to; it is copied.
pub unsafe fn detached(bucket: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: as this function's contract says; a node of the right size and tag.
    unsafe {
        let copy = pg_sys::copyObjectImpl(bucket as *const c_void) as *mut pg_sys::FuncExpr;
        let arguments = (*copy).args;
        for place in 0..(*arguments).length as usize {
            let cell = (*arguments).elements.add(place);
            let argument = (*cell).ptr_value as *mut pg_sys::Node;
            if (*argument).type_ != pg_sys::NodeTag::T_Const {
                let size = std::mem::size_of::<pg_sys::CaseTestExpr>();
                let given = pg_sys::palloc0(size) as *mut pg_sys::CaseTestExpr;
                (*given).xpr.type_ = pg_sys::NodeTag::T_CaseTestExpr;
                (*given).typeId = pg_sys::exprType(argument);
                (*given).typeMod = pg_sys::exprTypmod(argument);
                (*cell).ptr_value = given as *mut c_void;
            }
        }
        copy as *mut pg_sys::Node
    }
}

/// Whether a node is the time column of a relation.
///
/// # Safety
/// An expression of the planner's.
pub unsafe fn is_column(node: *mut pg_sys::Node, relid: pg_sys::Index, attribute: i16) -> bool {
    // SAFETY: as this function's contract says.
    unsafe { predicate::column_number(node, relid) == Some(attribute) }
}

/// A bucket that is evaluated.
pub struct Bucket {
    state: *mut pg_sys::ExprState,
    context: *mut pg_sys::ExprContext,
    clock: Clock,
    /// The base type of the time.
    base: pg_sys::Oid,
    /// Which column of the batches the time is.
    column: usize,
}

enum Clock {
    /// Buckets do not depend on a zone.
    None,
    Of(Zone),
}

impl Bucket {
    /// # Safety
    /// The executor initialises the node; the expression is one that [`detached`] made.
    pub unsafe fn new(
        node: *mut pg_sys::ForeignScanState,
        expression: *mut pg_sys::Node,
        column: usize,
        base: pg_sys::Oid,
    ) -> Self {
        // SAFETY: as this function's contract says.
        unsafe {
            let call = expression as *mut pg_sys::FuncExpr;
            let clock = match (*call).funcid.to_u32() {
                pg_sys::F_DATE_TRUNC_TEXT_TIMESTAMPTZ | pg_sys::F_DATE_TIMESTAMPTZ => {
                    Clock::Of(Zone::of_rules(pg_sys::session_timezone))
                }
                pg_sys::F_DATE_TRUNC_TEXT_TIMESTAMPTZ_TEXT => match zone_named(call) {
                    Some(zone) => Clock::Of(zone),
                    None => Clock::Of(Zone::of_rules(std::ptr::null_mut())),
                },
                _ => Clock::None,
            };
            Self {
                state: pg_sys::ExecInitExpr(expression as *mut pg_sys::Expr, &mut (*node).ss.ps),
                context: pg_sys::CreateStandaloneExprContext(),
                clock,
                base,
                column,
            }
        }
    }

    /// The bucket of a time; `None`: NULL.
    pub fn of(&mut self, time: pg_sys::Datum) -> Option<pg_sys::Datum> {
        let mut is_null = false;
        // SAFETY: the expression was made for a CaseTestExpr, which reads these two fields.
        unsafe {
            (*self.context).caseValue_datum = time;
            (*self.context).caseValue_isNull = false;
            let bucket = pg_sys::ExecEvalExprSwitchContext(self.state, self.context, &mut is_null);
            pg_sys::MemoryContextReset((*self.context).ecxt_per_tuple_memory);
            (!is_null).then_some(bucket)
        }
    }

    /// The bucket of all times from one to another, where they share one.
    pub fn of_all(&mut self, first: pg_sys::Datum, last: pg_sys::Datum) -> Option<Option<pg_sys::Datum>> {
        let (low, high) = (value::ordinal(first, self.base), value::ordinal(last, self.base));
        let steady = match &mut self.clock {
            Clock::None => true,
            Clock::Of(zone) => {
                let finite = low != i64::MIN && high != i64::MAX;
                finite && zone.stretch(low).is_some_and(|(_, until)| high < until)
            }
        };
        if low > high || !steady && low != high {
            return None;
        }
        let bucket = self.of(first);
        let same = low == high || self.of(last).map(pg_sys::Datum::value) == bucket.map(pg_sys::Datum::value);
        same.then_some(bucket)
    }

    /// Cuts rows of a batch where their bucket changes, and gives each part to `take`.
    ///
    /// # Safety
    /// The columns have a value for each of the rows.
    pub unsafe fn cut(
        &mut self,
        columns: &[Values],
        rows: Rows<'_>,
        sorted: bool,
        take: &mut impl FnMut(Option<pg_sys::Datum>, Rows<'_>),
    ) {
        let (Some(first), Some(last), Some(times)) =
            (rows.first(), rows.last(), columns.get(self.column).copied())
        else {
            return;
        };
        // SAFETY: as this function's contract says.
        unsafe {
            if let (Some(first), Some(last)) = (times.at(first), times.at(last))
                && (sorted || rows.count() == 1)
                && let Some(bucket) = self.of_all(first, last)
            {
                return take(bucket, rows);
            }
            if rows.count() <= FEW || !sorted {
                for place in 0..rows.count() {
                    let one = rows.part(place, place + 1);
                    let bucket = one
                        .first()
                        .and_then(|row| times.at(row))
                        .and_then(|time| self.of(time));
                    take(bucket, one);
                }
                return;
            }
            let middle = rows.count() / 2;
            self.cut(columns, rows.part(0, middle), sorted, take);
            self.cut(columns, rows.part(middle, rows.count()), sorted, take);
        }
    }
}
