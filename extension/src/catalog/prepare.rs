//! What the server says of an expression before anything is created: its type, and whether it is volatile.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;
use crate::version;

/// A column that a statement would return.
pub struct Column {
    pub type_oid: pg_sys::Oid,
    /// As in `numeric(10,2)`.
    pub type_name: String,
}

/// How a type is written: with its schema where it is not PostgreSQL's own, since it is read under another search path.
fn flags(type_oid: pg_sys::Oid) -> pg_sys::bits16 {
    let own = type_oid.to_u32() < pg_sys::FirstNormalObjectId;
    let schema = if own { 0 } else { pg_sys::FORMAT_TYPE_FORCE_QUALIFY };
    (pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | schema) as pg_sys::bits16
}

/// Analyses a SELECT as the current role under the current search path and returns its columns.
///
/// Refuses volatile functions: a stored state must come out the same when it is computed again.
pub fn columns(sql: &str, what: &str) -> Result<Vec<Column>, Error> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "text contains a zero byte"))?;
    let mut columns = Vec::new();
    // SAFETY: SPI is connected for the time the plan is looked at; plan sources and their query lists belong to the
    // plan, which SPI_finish frees; an ERROR in the analysis unwinds through pgrx and the transaction's end.
    let volatile = unsafe {
        pg_sys::SPI_connect();
        let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
        if plan.is_null() {
            pg_sys::SPI_finish();
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                "could not analyse the expression",
            ));
        }
        let sources = pg_sys::SPI_plan_get_plan_sources(plan);
        let mut volatile = false;
        if !sources.is_null() && (*sources).length > 0 {
            let source = (*(*sources).elements).ptr_value as *mut pg_sys::CachedPlanSource;
            volatile = pg_sys::contain_volatile_functions((*source).query_list as *mut pg_sys::Node);
            let descriptor = (*source).resultDesc;
            if !descriptor.is_null() {
                for attribute in 0..(*descriptor).natts {
                    let attribute = version::attribute(descriptor, attribute);
                    let name = pg_sys::format_type_extended(
                        (*attribute).atttypid,
                        (*attribute).atttypmod,
                        flags((*attribute).atttypid),
                    );
                    columns.push(Column {
                        type_oid: (*attribute).atttypid,
                        type_name: CStr::from_ptr(name).to_string_lossy().into_owned(),
                    });
                }
            }
        }
        pg_sys::SPI_finish();
        volatile
    };
    if volatile {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
            format!("{what} calls a volatile function"),
        )
        .detail("A stored bucket would differ from what the same rows give when they are read again.")
        .hint(
            "Use only functions that give the same result for the same row; put what changes into a column.",
        ));
    }
    Ok(columns)
}
