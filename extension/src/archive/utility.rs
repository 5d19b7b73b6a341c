//! EXECUTE and COPY (query) run a query under the snapshot that the utility statement began with, from before the query's own
//! locks: where these wait until a switch of the archive is over, the query would see the table as it was before it. A plain
//! query takes its snapshot after its locks; so do these here.

use std::ffi::{c_char, c_int};
use std::sync::OnceLock;

use pgrx::pg_sys;

static PREVIOUS: OnceLock<pg_sys::ProcessUtility_hook_type> = OnceLock::new();

/// Chains the hook.
pub fn install() {
    // SAFETY: as the library is loaded, before anything calls the hook.
    unsafe {
        let _ = PREVIOUS.set(pg_sys::ProcessUtility_hook);
        pg_sys::ProcessUtility_hook = Some(on_utility);
    }
}

// tcop/utility.h, parser/analyze.h and others. Called as they are: an error on its way through pgrx's wrappers would lose its
// context and its place in the statement's text.
unsafe extern "C-unwind" {
    #[allow(clashing_extern_declarations)]
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        params: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        receiver: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
    #[allow(clashing_extern_declarations)]
    fn parse_analyze_fixedparams(
        tree: *mut pg_sys::RawStmt,
        text: *const c_char,
        types: *const pg_sys::Oid,
        count: c_int,
        environment: *mut pg_sys::QueryEnvironment,
    ) -> *mut pg_sys::Query;
    #[allow(clashing_extern_declarations)]
    fn copyObjectImpl(from: *const std::ffi::c_void) -> *mut std::ffi::c_void;
    #[allow(clashing_extern_declarations)]
    fn LockRelationOid(relation: pg_sys::Oid, mode: pg_sys::LOCKMODE);
    #[allow(clashing_extern_declarations)]
    fn FetchPreparedStatement(name: *const c_char, complain: bool) -> *mut pg_sys::PreparedStatement;
    #[allow(clashing_extern_declarations)]
    fn GetTransactionSnapshot() -> pg_sys::Snapshot;
    #[allow(clashing_extern_declarations)]
    fn PushActiveSnapshot(snapshot: pg_sys::Snapshot);
    #[allow(clashing_extern_declarations)]
    fn PopActiveSnapshot();
}

/// Around every utility statement. It holds nothing that would have to be dropped, since an error jumps over it.
unsafe extern "C-unwind" fn on_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the statement is the server's; everything is passed on as it came. Where the snapshot is one of the
    // transaction, the other levels of isolation, a new one would be the same.
    unsafe {
        let locked = pg_sys::XactIsoLevel <= pg_sys::XACT_READ_COMMITTED as c_int
            && pg_sys::ActiveSnapshotSet()
            && lock(statement, text, environment);
        if locked {
            PushActiveSnapshot(GetTransactionSnapshot());
        }
        let next = match PREVIOUS.get() {
            Some(Some(next)) => *next,
            _ => standard_ProcessUtility,
        };
        next(
            statement,
            text,
            read_only_tree,
            context,
            params,
            environment,
            receiver,
            completion,
        );
        if locked {
            PopActiveSnapshot();
        }
    }
}

/// Takes the locks of the query that a statement runs; false where it runs none, or has taken them before its snapshot.
unsafe fn lock(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    environment: *mut pg_sys::QueryEnvironment,
) -> bool {
    // SAFETY: the tags say what the nodes are; analysis may change what it is given, so that it gets a copy.
    unsafe {
        let node = (*statement).utilityStmt;
        if pgrx::is_a(node, pg_sys::NodeTag::T_CopyStmt) {
            let copy = node as *mut pg_sys::CopyStmt;
            if (*copy).query.is_null() {
                return false;
            }
            let raw = pg_sys::RawStmt {
                type_: pg_sys::NodeTag::T_RawStmt,
                stmt: copyObjectImpl((*copy).query.cast()).cast(),
                stmt_location: (*statement).stmt_location,
                stmt_len: (*statement).stmt_len,
            };
            parse_analyze_fixedparams(
                copyObjectImpl((&raw const raw).cast()).cast(),
                text,
                std::ptr::null(),
                0,
                environment,
            );
            return true;
        }
        let Some(execute) = execute(node) else {
            return false;
        };
        let prepared = FetchPreparedStatement((*execute).name, false);
        if prepared.is_null() || (*(*prepared).plansource).relationOids.is_null() {
            return false;
        }
        let relations = (*(*prepared).plansource).relationOids;
        for place in 0..(*relations).length as usize {
            LockRelationOid(
                (*(*relations).elements.add(place)).oid_value,
                pg_sys::AccessShareLock as pg_sys::LOCKMODE,
            );
        }
        true
    }
}

/// The EXECUTE of a statement: itself, or what CREATE TABLE AS and EXPLAIN have in them.
unsafe fn execute(node: *mut pg_sys::Node) -> Option<*mut pg_sys::ExecuteStmt> {
    // SAFETY: as in `lock`; what is in these two has been analysed with them.
    unsafe {
        let query = if pgrx::is_a(node, pg_sys::NodeTag::T_CreateTableAsStmt) {
            (*(node as *mut pg_sys::CreateTableAsStmt)).query
        } else if pgrx::is_a(node, pg_sys::NodeTag::T_ExplainStmt) {
            (*(node as *mut pg_sys::ExplainStmt)).query
        } else {
            return pgrx::is_a(node, pg_sys::NodeTag::T_ExecuteStmt)
                .then_some(node as *mut pg_sys::ExecuteStmt);
        };
        if query.is_null() || !pgrx::is_a(query, pg_sys::NodeTag::T_Query) {
            return None;
        }
        let inner = (*(query as *mut pg_sys::Query)).utilityStmt;
        (!inner.is_null() && pgrx::is_a(inner, pg_sys::NodeTag::T_ExecuteStmt))
            .then_some(inner as *mut pg_sys::ExecuteStmt)
    }
}
