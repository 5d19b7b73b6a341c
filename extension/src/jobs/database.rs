//! DROP DATABASE and its like need a database without connections: the workers leave it for as long as they take.

use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process::elapsed;
use super::shared::shared;
use crate::version;

/// How long no worker comes back: the server itself waits 5 s for connections to end.
pub const HELD: i64 = 10_000_000;

static PREVIOUS: OnceLock<pg_sys::ProcessUtility_hook_type> = OnceLock::new();
static PREVIOUS_ANALYSIS: OnceLock<pg_sys::post_parse_analyze_hook_type> = OnceLock::new();

/// Chains the hooks; called while the server preloads libraries.
pub fn hook() {
    // SAFETY: in the postmaster, before there is any other process.
    unsafe {
        let _ = PREVIOUS_ANALYSIS.set(pg_sys::post_parse_analyze_hook);
        pg_sys::post_parse_analyze_hook = Some(on_analysis);
        let _ = PREVIOUS.set(pg_sys::ProcessUtility_hook);
        pg_sys::ProcessUtility_hook = Some(on_utility);
    }
}

/// After the analysis of every statement. While a statement that needs a database alone is analysed, TimescaleDB sends its own
/// process there, to wait for the statement's end; the statement then has to run before that one has connected. So ours
/// has to be gone before: this is called first where pg_kpi is preloaded after TimescaleDB.
unsafe extern "C-unwind" fn on_analysis(
    state: *mut pg_sys::ParseState,
    query: *mut pg_sys::Query,
    jumble: *mut pg_sys::JumbleState,
) {
    // SAFETY: the statement is the server's; everything is passed on as it came.
    unsafe {
        if (*query).commandType == pg_sys::CmdType::CMD_UTILITY && !(*query).utilityStmt.is_null() {
            before((*query).utilityStmt);
        }
        if let Some(Some(next)) = PREVIOUS_ANALYSIS.get() {
            next(state, query, jumble);
        }
    }
}

unsafe extern "C-unwind" {
    // tcop/utility.h. Called as it is: an error on its way through pgrx's wrapper would lose its context and the names of
    // table, column and constraint.
    #[allow(clashing_extern_declarations)]
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const std::ffi::c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        params: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        receiver: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// Around every utility statement. It holds nothing that would have to be dropped, since an error jumps over it.
unsafe extern "C-unwind" fn on_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: the statement is the server's; everything is passed on as it came.
    unsafe {
        let held = before((*statement).utilityStmt);
        match PREVIOUS.get() {
            Some(Some(next)) => {
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
            }
            _ => standard_ProcessUtility(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                receiver,
                completion,
            ),
        }
        if held != 0 {
            after(held);
        }
    }
}

/// Empties the database that a statement needs alone; its oid, or 0.
#[pg_guard]
unsafe extern "C-unwind" fn before(statement: *mut pg_sys::Node) -> u32 {
    // SAFETY: the server's statement.
    let Some(database) = (unsafe { needs_alone(statement) }) else {
        return 0;
    };
    leave(database);
    database.to_u32()
}

#[pg_guard]
unsafe extern "C-unwind" fn after(database: u32) {
    come_back(pg_sys::Oid::from(database));
}

/// The database that a statement needs to have for itself, if the role may run the statement.
unsafe fn needs_alone(statement: *mut pg_sys::Node) -> Option<pg_sys::Oid> {
    shared()?;
    // SAFETY: the tag says what the node is; its name is a zero-terminated string.
    unsafe {
        let name = if pgrx::is_a(statement, pg_sys::NodeTag::T_DropdbStmt) {
            (*(statement as *mut pg_sys::DropdbStmt)).dbname
        } else if pgrx::is_a(statement, pg_sys::NodeTag::T_RenameStmt) {
            let rename = statement as *mut pg_sys::RenameStmt;
            if (*rename).renameType != pg_sys::ObjectType::OBJECT_DATABASE {
                return None;
            }
            (*rename).subname
        } else if pgrx::is_a(statement, pg_sys::NodeTag::T_AlterDatabaseStmt) {
            let alter = statement as *mut pg_sys::AlterDatabaseStmt;
            option(c"tablespace", (*alter).options)?;
            (*alter).dbname
        } else if pgrx::is_a(statement, pg_sys::NodeTag::T_CreatedbStmt) {
            // No worker is in template1.
            let template = option(c"template", (*(statement as *mut pg_sys::CreatedbStmt)).options)?;
            pg_sys::defGetString(template)
        } else {
            return None;
        };
        let database = pg_sys::get_database_oid(name, true);
        let role = pg_sys::GetUserId();
        let may = database != pg_sys::Oid::INVALID
            && (version::owns_database(database, role) || pg_sys::superuser());
        may.then_some(database)
    }
}

unsafe fn option(name: &CStr, options: *mut pg_sys::List) -> Option<*mut pg_sys::DefElem> {
    if options.is_null() {
        return None;
    }
    // SAFETY: a list of DefElem nodes, as the grammar makes for these statements.
    unsafe {
        let cells = std::slice::from_raw_parts((*options).elements, (*options).length as usize);
        cells
            .iter()
            .map(|cell| cell.ptr_value as *mut pg_sys::DefElem)
            .find(|element| CStr::from_ptr((**element).defname) == name)
    }
}

/// Has the workers of a database end, and waits until they have.
fn leave(database: pg_sys::Oid) {
    let Some(slot) = shared().and_then(|shared| shared.slot(database)) else {
        return;
    };
    slot.hold(HELD);
    let worker = slot.worker.load(Ordering::Acquire);
    slot.wake();
    let deadline = elapsed() + HELD / 2;
    while (slot.worker.load(Ordering::Acquire) != 0
        || slot.jobs.load(Ordering::Acquire) > 0
        || is_connected(worker))
        && elapsed() < deadline
    {
        super::process::pause(2_000);
    }
}

/// A process that has said that it ends is connected for a moment longer.
fn is_connected(process: i32) -> bool {
    // SAFETY: looks the process up in the server's list.
    process != 0 && !unsafe { pg_sys::BackendPidGetProc(process) }.is_null()
}

fn come_back(database: pg_sys::Oid) {
    if let Some(shared) = shared()
        && let Some(slot) = shared.slot(database)
    {
        slot.hold(0);
        shared.wake_launcher();
    }
}
