//! The columns that a scan reads: where they go in the slot, and what they are called in the files.

use std::ffi::{CStr, CString};

use kpi_archive::Column;
use pgrx::pg_sys;

use super::value;
use crate::archive::cast::Input;
use crate::archive::manifest::Table;
use crate::archive::read::Target;
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};
use crate::time::server::datumCopy;
use crate::{identity, version};

/// No file has a column of this number.
const NO_FIELD: i32 = -1;

/// A column that a scan reads.
#[derive(Clone)]
pub struct Wanted {
    /// Its place in the slot, from 0; `None` when it is only looked at here.
    pub place: Option<usize>,
    /// The number by which files know it: that of the archived table. `None` when that table is gone; then by name.
    pub field: Option<i32>,
    pub target: Target,
}

impl Wanted {
    /// The column among a file's columns.
    pub fn find<'a>(&self, columns: &'a [Column]) -> Option<&'a Column> {
        columns.iter().find(|column| match self.field {
            Some(field) => column.field_id == field,
            None => column.name == self.target.name,
        })
    }
}

/// The column of a foreign table at a place, counted from 0; `None` for one that was dropped.
///
/// # Safety
/// `place` is below the description's number of attributes.
pub unsafe fn column(descriptor: pg_sys::TupleDesc, place: usize, table: &Table) -> Option<Wanted> {
    // SAFETY: as this function's contract says; names are zero-terminated.
    unsafe {
        let attribute = version::attribute(descriptor, place as i32);
        if (*attribute).attisdropped {
            return None;
        }
        let name = CStr::from_ptr((*attribute).attname.data.as_ptr());
        let name = name.to_string_lossy().into_owned();
        let field = table.fields.get(&name).copied();
        Some(Wanted {
            place: Some(place),
            // A column that has no number is in no file.
            field: Some(field.unwrap_or(NO_FIELD)),
            target: Target {
                name,
                ty: (*attribute).atttypid,
                typmod: (*attribute).atttypmod,
                collation: (*attribute).attcollation,
                missing: None,
            },
        })
    }
}

/// The place of a column by its name.
///
/// # Safety
/// The description of an open relation.
pub unsafe fn place_of(descriptor: pg_sys::TupleDesc, name: &str) -> Option<usize> {
    // SAFETY: places below the number of attributes; names are zero-terminated.
    unsafe {
        (0..(*descriptor).natts as usize).find(|place| {
            let attribute = version::attribute(descriptor, *place as i32);
            let known = CStr::from_ptr((*attribute).attname.data.as_ptr());
            !(*attribute).attisdropped && known.to_bytes() == name.as_bytes()
        })
    }
}

/// A value of the time column as the manifest counts: microseconds since 1970, or the integer itself.
pub fn instant(value: pg_sys::Datum, base: pg_sys::Oid) -> i64 {
    match base {
        pg_sys::DATEOID => value::date_micros(value.value() as i32).unwrap_or(i64::MAX - 1),
        pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
            value::timestamp_micros(value.value() as i64).unwrap_or(i64::MAX - 1)
        }
        pg_sys::INT2OID => i64::from(value.value() as i16),
        pg_sys::INT4OID => i64::from(value.value() as i32),
        _ => value.value() as i64,
    }
}

/// What PostgreSQL shows in a column for rows that were stored before it was added: NULL, or the default of that moment.
/// It was noted when the column was added; else a table that has rows has it: the archived one, the foreign table, or another
/// partition.
///
/// # Safety
/// The current memory context outlives the use of the value, and settings are those that values are written under.
pub unsafe fn missing(table: &Table, target: &Target) -> Result<Option<pg_sys::Datum>, Error> {
    let Ok(name) = CString::new(target.name.as_str()) else {
        return Ok(None);
    };
    if let Some(value) = noted(table, &target.name)? {
        // SAFETY: the input function is used here only.
        return Ok(Some(unsafe {
            Input::of(target.ty, target.typmod, pg_sys::CurrentMemoryContext).value(value.as_bytes())
        }));
    }
    // SAFETY: relations are opened under a lock, and those that are gone are passed over.
    unsafe {
        let mut relations = vec![table.parent, table.foreign_table];
        if identity::exists(table.parent) {
            let partitions = spi::query_kept(
                Mode::Read,
                "SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1",
                &[arg(table.parent)],
                |row| Ok(row.get::<pg_sys::Oid>(1)),
            )?;
            relations.extend(partitions.into_iter().flatten());
        }
        Ok(relations.into_iter().find_map(|relation| kept(relation, &name)))
    }
}

fn noted(table: &Table, name: &str) -> Result<Option<String>, Error> {
    let _owner = Identity::extension_owner()?;
    let value = spi::query_kept(
        Mode::Read,
        "SELECT value FROM kpi.archive_column WHERE retention_id = $1 AND name = $2::name AND value IS NOT NULL",
        &[arg(table.retention), arg(name)],
        |row| Ok(row.text(1)),
    )?;
    Ok(value.into_iter().next())
}

unsafe fn kept(relation: pg_sys::Oid, name: &CStr) -> Option<pg_sys::Datum> {
    // SAFETY: as in `missing`; the value is copied before the relation is closed.
    unsafe {
        let opened = pg_sys::try_relation_open(relation, pg_sys::AccessShareLock as i32);
        if opened.is_null() {
            return None;
        }
        let attribute = pg_sys::get_attnum(relation, name.as_ptr());
        let mut value = None;
        if attribute > 0 {
            let mut is_null = true;
            let datum = pg_sys::getmissingattr((*opened).rd_att, i32::from(attribute), &mut is_null);
            let form = version::attribute((*opened).rd_att, i32::from(attribute) - 1);
            value = (!is_null).then(|| datumCopy(datum, (*form).attbyval, i32::from((*form).attlen)));
        }
        pg_sys::relation_close(opened, pg_sys::AccessShareLock as i32);
        value
    }
}
