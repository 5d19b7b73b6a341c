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

/// The type and modifier that a name stands for, as `format_type` writes it; `None` when there is no such type.
///
/// # Safety
/// In a transaction.
pub unsafe fn parse_type(name: &std::ffi::CStr) -> Option<(pg_sys::Oid, i32)> {
    let (mut ty, mut typmod) = (pg_sys::InvalidOid, -1);
    // SAFETY: zero-terminated; a name that is not known leaves the type invalid.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::parseTypeString(name.as_ptr(), &mut ty, &mut typmod, true);
        #[cfg(not(feature = "pg15"))]
        {
            let mut soft = pg_sys::ErrorSaveContext {
                type_: pg_sys::NodeTag::T_ErrorSaveContext,
                ..Default::default()
            };
            let soft = &raw mut soft as *mut pg_sys::Node;
            if !pg_sys::parseTypeString(name.as_ptr(), &mut ty, &mut typmod, soft) {
                return None;
            }
        }
    }
    (ty != pg_sys::InvalidOid).then_some((ty, typmod))
}

/// A path that scans a foreign table.
#[derive(Clone, Copy)]
pub struct ForeignPath {
    pub rows: f64,
    pub startup: f64,
    pub total: f64,
    pub pathkeys: *mut pg_sys::List,
    /// The relations whose values it needs.
    pub outer: *mut pg_sys::Bitmapset,
    pub private: *mut pg_sys::List,
}

impl ForeignPath {
    /// The planner's node for it.
    ///
    /// # Safety
    /// `root` and `rel` are those that the planner passed to `GetForeignPaths`; the lists live in its memory.
    pub unsafe fn make(
        &self,
        root: *mut pg_sys::PlannerInfo,
        rel: *mut pg_sys::RelOptInfo,
    ) -> *mut pg_sys::ForeignPath {
        let no_target = std::ptr::null_mut();
        let no_path = std::ptr::null_mut();
        // SAFETY: as this function's contract says; null is the relation's own target, and no outer path.
        unsafe {
            #[cfg(any(feature = "pg15", feature = "pg16"))]
            return pg_sys::create_foreignscan_path(
                root,
                rel,
                no_target,
                self.rows,
                self.startup,
                self.total,
                self.pathkeys,
                self.outer,
                no_path,
                self.private,
            );
            #[cfg(feature = "pg17")]
            return pg_sys::create_foreignscan_path(
                root,
                rel,
                no_target,
                self.rows,
                self.startup,
                self.total,
                self.pathkeys,
                self.outer,
                no_path,
                std::ptr::null_mut(),
                self.private,
            );
            #[cfg(feature = "pg18")]
            return pg_sys::create_foreignscan_path(
                root,
                rel,
                no_target,
                self.rows,
                0,
                self.startup,
                self.total,
                self.pathkeys,
                self.outer,
                no_path,
                std::ptr::null_mut(),
                self.private,
            );
        }
    }
}

/// The pathkeys of an order by an expression; null where the query asks for no such order.
///
/// # Safety
/// `root` and `rel` are the planner's, the expression is over `rel`.
pub unsafe fn existing_pathkeys(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    expression: *mut pg_sys::Expr,
    operator: pg_sys::Oid,
) -> *mut pg_sys::List {
    // SAFETY: as this function's contract says.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::build_expression_pathkey(
            root,
            expression,
            std::ptr::null_mut(),
            operator,
            (*rel).relids,
            false,
        );
        #[cfg(not(feature = "pg15"))]
        return pg_sys::build_expression_pathkey(root, expression, operator, (*rel).relids, false);
    }
}

/// Makes the index entries of a row that was inserted.
///
/// # Safety
/// The indexes of `result` are open, and `slot` holds the row with its place.
pub unsafe fn insert_index_tuples(
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    state: *mut pg_sys::EState,
) {
    let none = std::ptr::null_mut::<pg_sys::List>();
    // SAFETY: as this function's contract says.
    unsafe {
        #[cfg(feature = "pg15")]
        pg_sys::ExecInsertIndexTuples(result, slot, state, false, false, std::ptr::null_mut(), none);
        #[cfg(not(feature = "pg15"))]
        pg_sys::ExecInsertIndexTuples(
            result,
            slot,
            state,
            false,
            false,
            std::ptr::null_mut(),
            none,
            false,
        );
    }
}

/// Fetches a row of a table by where it lies, whoever may see it.
///
/// # Safety
/// The table is open and the slot is one of its.
pub unsafe fn fetch_row(
    relation: pg_sys::Relation,
    place: &mut pg_sys::ItemPointerData,
    slot: *mut pg_sys::TupleTableSlot,
) -> bool {
    // SAFETY: as this function's contract says; an ERROR inside unwinds through pgrx.
    unsafe {
        let Some(fetch) = (*(*relation).rd_tableam).tuple_fetch_row_version else {
            return false;
        };
        let any = &raw mut pg_sys::SnapshotAnyData;
        pg_sys::ffi::pg_guard_ffi_boundary(|| fetch(relation, place, any, slot))
    }
}

/// A path that gives the rows of an upper relation, in no order.
///
/// # Safety
/// `root` and `rel` are those that the planner passed to `GetForeignUpperPaths`; the list lives in its memory.
pub unsafe fn upper_path(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    rows: f64,
    cost: f64,
    private: *mut pg_sys::List,
) -> *mut pg_sys::ForeignPath {
    let none = std::ptr::null_mut::<pg_sys::List>();
    // SAFETY: as this function's contract says.
    unsafe {
        let target = (*rel).reltarget;
        let no_path = std::ptr::null_mut();
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        return pg_sys::create_foreign_upper_path(root, rel, target, rows, 0.0, cost, none, no_path, private);
        #[cfg(feature = "pg17")]
        return pg_sys::create_foreign_upper_path(
            root, rel, target, rows, 0.0, cost, none, no_path, none, private,
        );
        #[cfg(feature = "pg18")]
        return pg_sys::create_foreign_upper_path(
            root, rel, target, rows, 0, 0.0, cost, none, no_path, none, private,
        );
    }
}
