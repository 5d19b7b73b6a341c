//! The changes of the log that a reader asks for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::lookup::{Key, Lookup, Snapshot};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};

/// The segments of the log, each with the index by number.
const SEGMENTS: [(&CStr, &CStr); 3] = [
    (c"change_log_0", c"change_log_0_pkey"),
    (c"change_log_1", c"change_log_1_pkey"),
    (c"change_log_2", c"change_log_2_pkey"),
];
/// Columns of a segment, and the places of those by which changes are chosen.
const COLUMNS: usize = 12;
const NUMBER: usize = 0;
const CODE: usize = 2;
const PERIOD: usize = 3;
const BY: usize = 4;

/// Which changes are asked for, and by whom.
pub struct Wanted {
    pub after: i64,
    pub codes: Option<Vec<String>>,
    pub periods: Option<Vec<String>>,
    pub by: Option<Vec<String>>,
    pub role: pg_sys::Oid,
    pub max: i32,
}

impl Wanted {
    /// Puts the changes into a tuplestore, in the order of their numbers, and says how many.
    ///
    /// # Safety
    /// `store` is alive and takes rows of `kpi.change`, which `descriptor` describes.
    pub unsafe fn put(
        &self,
        store: *mut pg_sys::Tuplestorestate,
        descriptor: pg_sys::TupleDesc,
    ) -> Result<i32, Error> {
        let _snapshot = Snapshot::take();
        let mut segments = Vec::with_capacity(SEGMENTS.len());
        for (table, index) in SEGMENTS {
            let mut segment = Lookup::<COLUMNS>::open(table, index, &Key::Above(self.after))?;
            if let Some(first) = segment.next_row() {
                segments.push((first.0[NUMBER].value() as i64, first, segment));
            }
        }
        // Each segment goes on where the one before it ends.
        segments.sort_by_key(|(number, ..)| *number);
        let mut found = 0;
        for (_, first, mut segment) in segments {
            let mut row = Some(first);
            while let Some((values, nulls)) = row {
                if found == self.max {
                    return Ok(found);
                }
                pgrx::check_for_interrupts!();
                if self.asks_for(&values)? {
                    // All columns of the segment but `by`.
                    let mut values = without(values);
                    let mut nulls = without(nulls);
                    // SAFETY: as this function's contract says; the store copies the row.
                    unsafe {
                        pg_sys::tuplestore_putvalues(
                            store,
                            descriptor,
                            values.as_mut_ptr(),
                            nulls.as_mut_ptr(),
                        );
                    }
                    found += 1;
                }
                row = segment.next_row();
            }
        }
        Ok(found)
    }

    /// Whether a change with these columns is one of them. Those looked at are never NULL.
    fn asks_for(&self, values: &[pg_sys::Datum; COLUMNS]) -> Result<bool, Error> {
        // SAFETY: columns declared text and text[], of a row that is still there.
        let (code, period) = unsafe {
            (
                <&str>::from_datum(values[CODE], false).unwrap_or_default(),
                <&str>::from_datum(values[PERIOD], false).unwrap_or_default(),
            )
        };
        let among = |list: &Option<Vec<String>>, name| {
            list.as_ref().is_none_or(|list| list.iter().any(|l| l == name))
        };
        if !among(&self.codes, code) || !among(&self.periods, period) {
            return Ok(false);
        }
        if let Some(by) = &self.by {
            // SAFETY: as above.
            let of_change = unsafe { Vec::<String>::from_datum(values[BY], false) };
            if of_change.as_ref() != Some(by) {
                return Ok(false);
            }
        }
        may_read(code, self.role)
    }
}

/// A row of a segment as one of `kpi.change`.
fn without<T: Copy>(columns: [T; COLUMNS]) -> [T; COLUMNS - 1] {
    std::array::from_fn(|place| columns[if place < BY { place } else { place + 1 }])
}

thread_local! {
    /// The view of each KPI that this session has read changes of. A KPI that is defined anew has another one.
    static VIEWS: RefCell<HashMap<String, pg_sys::Oid>> = RefCell::new(HashMap::new());
}

/// Whether a role may read the values of a KPI; nobody may of one that is no longer there.
fn may_read(code: &str, role: pg_sys::Oid) -> Result<bool, Error> {
    if VIEWS.with_borrow(HashMap::is_empty) {
        remember()?;
    }
    if let Some(view) = VIEWS.with_borrow(|views| views.get(code).copied())
        && let Some(may) = may_select(view, role)
    {
        return Ok(may);
    }
    let _owner = Identity::extension_owner()?;
    let view = spi::first_kept(
        Mode::Write,
        "SELECT view::oid FROM kpi.kpi WHERE code = $1",
        &[arg(code)],
        |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
    )?;
    let Some(view) = view else {
        return Ok(false);
    };
    VIEWS.with_borrow_mut(|views| views.insert(code.to_string(), view));
    Ok(may_select(view, role).unwrap_or(false))
}

/// Looks up the views of all KPIs, or of many: who follows one KPI may well follow the others.
fn remember() -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    let views = spi::query(
        Mode::Write,
        "SELECT code, view::oid FROM kpi.kpi LIMIT 1000",
        &[],
        |row| {
            Ok((
                row.text(1),
                row.get::<pg_sys::Oid>(2).unwrap_or(pg_sys::Oid::INVALID),
            ))
        },
    )?;
    VIEWS.with_borrow_mut(|known| known.extend(views));
    Ok(())
}

/// Whether a role may read a view; `None` if it does not exist.
fn may_select(view: pg_sys::Oid, role: pg_sys::Oid) -> Option<bool> {
    let mut missing = false;
    // SAFETY: syscache lookups; says by `missing` that there is no such view.
    let result = unsafe {
        pg_sys::pg_class_aclcheck_ext(view, role, pg_sys::ACL_SELECT as pg_sys::AclMode, &mut missing)
    };
    (!missing).then_some(result == pg_sys::AclResult::ACLCHECK_OK)
}
