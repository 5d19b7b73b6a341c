//! What differs between versions of PostgreSQL.

use pgrx::pg_sys;

/// A path that scans a foreign table whole: no order, no parameters.
///
/// # Safety
/// `root` and `rel` are those that the planner passed to `GetForeignPaths`.
pub unsafe fn foreign_path(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    rows: f64,
    cost: f64,
) -> *mut pg_sys::ForeignPath {
    let none = std::ptr::null_mut::<pg_sys::List>();
    // SAFETY: null is the empty list; the other arguments are as this function's contract says.
    unsafe {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            0.0,
            cost,
            none,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            none,
        );
        #[cfg(feature = "pg17")]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            0.0,
            cost,
            none,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            none,
            none,
        );
        #[cfg(feature = "pg18")]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            0,
            0.0,
            cost,
            none,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            none,
            none,
        );
    }
}

/// The attribute at a position, counted from 0, of a row's description.
///
/// # Safety
/// `position` is below the description's `natts`.
pub unsafe fn attribute(
    descriptor: pg_sys::TupleDesc,
    position: i32,
) -> *const pg_sys::FormData_pg_attribute {
    // SAFETY: as this function's contract says.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return (*descriptor).attrs.as_ptr().add(position as usize);
        #[cfg(feature = "pg18")]
        return pg_sys::TupleDescAttr(descriptor, position);
    }
}

/// Installs a signal handler in a background process.
///
/// # Safety
/// At the start of the process, before signals are let in; the handler is one that is safe for this signal.
pub unsafe fn handle_signal(signal: i32, handler: unsafe extern "C-unwind" fn(i32)) {
    // SAFETY: as this function's contract says.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(signal, Some(handler));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(signal, Some(handler));
    }
}

/// Whether a role owns a database.
pub fn owns_database(database: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    // SAFETY: a lookup in a transaction.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::pg_database_ownercheck(database, role);
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, role);
    }
}

/// Connects a background process to a database as a role that may not be allowed to log in: only since PostgreSQL 17
/// can the server be told so.
pub const CONNECT_AS_ANY_ROLE: u32 = {
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    {
        0
    }
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    {
        pg_sys::BGWORKER_BYPASS_ROLELOGINCHECK
    }
};
