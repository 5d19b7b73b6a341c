//! Writing to an archived table: new rows go to the table of late rows, and only late rows can be changed.

use std::ffi::{c_int, c_void};

use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::columns;
use super::execute::raise;
use crate::archive::kinds;
use crate::archive::manifest::{self, Table};
use crate::error::Error;
use crate::{identity, version};

/// The row identity of a late row; of an archived row it is not valid.
const ROW: &std::ffi::CStr = c"ctid";

/// What a statement needs to write to a foreign table.
struct Target {
    table: Table,
    foreign_table: pg_sys::Oid,
    /// `None` where the table has no place for late rows.
    late: Option<LateTarget>,
    /// The place of the row identity in the rows of the plan; 0: there is none.
    identity: pg_sys::AttrNumber,
}

struct LateTarget {
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    /// By column of the foreign table, the place of the column in the late table.
    places: Vec<Option<usize>>,
    /// The place of the time in the foreign table, and its base type.
    time: Option<(usize, pg_sys::Oid)>,
}

/// Late rows are known by where they lie.
#[pg_guard]
pub unsafe extern "C-unwind" fn add_targets(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Index,
    _rte: *mut pg_sys::RangeTblEntry,
    _relation: pg_sys::Relation,
) {
    // SAFETY: the planner's own nodes; a new one in its memory.
    unsafe {
        let number = pg_sys::SelfItemPointerAttributeNumber as pg_sys::AttrNumber;
        let var = pg_sys::makeVar(index as c_int, number, pg_sys::TIDOID, -1, pg_sys::InvalidOid, 0);
        pg_sys::add_row_identity_var(root, var, index, ROW.as_ptr());
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_modify(
    state: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
    _private: *mut pg_sys::List,
    _subplan: c_int,
    flags: c_int,
) {
    if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int != 0 {
        return;
    }
    // SAFETY: the executor's own nodes.
    unsafe {
        let mut identity = 0;
        if (*state).operation != pg_sys::CmdType::CMD_INSERT {
            let plan = (*(*state).ps.lefttree).plan;
            identity = pg_sys::ExecFindJunkAttributeInTlist((*plan).targetlist, ROW.as_ptr());
        }
        begin(result, identity);
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin_insert(
    _state: *mut pg_sys::ModifyTableState,
    result: *mut pg_sys::ResultRelInfo,
) {
    // SAFETY: the executor's own nodes.
    unsafe { begin(result, 0) };
}

unsafe fn begin(result: *mut pg_sys::ResultRelInfo, identity: pg_sys::AttrNumber) {
    // SAFETY: the state is dropped with the query's memory, which is current.
    unsafe {
        let Some(target) = raise(open(result, identity)) else {
            return;
        };
        let mut context = PgMemoryContexts::For(pg_sys::CurrentMemoryContext);
        (*result).ri_FdwState = context.leak_and_drop_on_delete(target) as *mut c_void;
    }
}

unsafe fn open(result: *mut pg_sys::ResultRelInfo, identity: pg_sys::AttrNumber) -> Result<Target, Error> {
    // SAFETY: the relation of a result is open and locked; so is the late table until `end`.
    unsafe {
        let relation = (*result).ri_RelationDesc;
        let table = manifest::table((*relation).rd_id)?;
        let mut late = None;
        if let Some(oid) = table.late.filter(|late| identity::exists(*late)) {
            let opened = pg_sys::table_open(oid, pg_sys::RowExclusiveLock as i32);
            let size = std::mem::size_of::<pg_sys::ResultRelInfo>();
            let written = pg_sys::palloc0(size) as *mut pg_sys::ResultRelInfo;
            (*written).type_ = pg_sys::NodeTag::T_ResultRelInfo;
            pg_sys::InitResultRelInfo(written, opened, 0, std::ptr::null_mut(), 0);
            pg_sys::ExecOpenIndices(written, false);
            let descriptor = (*relation).rd_att;
            let places = (0..(*descriptor).natts as usize)
                .map(|place| {
                    let name = columns::column(descriptor, place, &table)?.target.name;
                    columns::place_of((*opened).rd_att, &name)
                })
                .collect();
            let time = columns::place_of(descriptor, &table.time_column).map(|place| {
                let form = version::attribute(descriptor, place as i32);
                (place, kinds::storage((*form).atttypid, (*form).atttypmod).base)
            });
            late = Some(LateTarget {
                result: written,
                slot: pg_sys::table_slot_create(opened, std::ptr::null_mut()),
                places,
                time,
            });
        }
        Ok(Target {
            foreign_table: (*relation).rd_id,
            table,
            late,
            identity,
        })
    }
}

unsafe fn target<'a>(result: *mut pg_sys::ResultRelInfo) -> Option<&'a Target> {
    // SAFETY: what `begin` put there, or null.
    unsafe { ((*result).ri_FdwState as *const Target).as_ref() }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn insert(
    state: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    _row: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own nodes.
    unsafe {
        if let Some(target) = target(result) {
            raise(write(target, state, result, slot));
        }
        slot
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn update(
    state: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    row: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own nodes. The old row goes and the new one comes in the same command, as in any UPDATE.
    unsafe {
        if let Some(target) = target(result)
            && let Some(mut place) = raise(late_row(target, row, "update"))
        {
            let late = target.late.as_ref().map(|late| (*late.result).ri_RelationDesc);
            if let Some(late) = late {
                pg_sys::simple_heap_delete(late, &mut place);
                raise(write(target, state, result, slot));
            }
        }
        slot
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn delete(
    _state: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    row: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the executor's own nodes; the slot is the one for RETURNING, of the foreign table's columns.
    unsafe {
        if let Some(target) = target(result)
            && let Some(mut place) = raise(late_row(target, row, "delete"))
            && let Some(late) = &target.late
        {
            if !slot.is_null() && !(*result).ri_projectReturning.is_null() {
                show(late, &mut place, slot);
            }
            pg_sys::simple_heap_delete((*late.result).ri_RelationDesc, &mut place);
        }
        slot
    }
}

/// Where the late row lies that a row of the plan names; an error for an archived row.
unsafe fn late_row(
    target: &Target,
    row: *mut pg_sys::TupleTableSlot,
    verb: &str,
) -> Result<pg_sys::ItemPointerData, Error> {
    if target.identity > 0 {
        let mut is_null = true;
        // SAFETY: the plan's row has this column, of type tid.
        unsafe {
            let datum = pg_sys::ExecGetJunkAttribute(row, target.identity, &mut is_null);
            let place = datum.cast_mut_ptr::<pg_sys::ItemPointerData>();
            if !is_null && (*place).ip_posid != 0 {
                return Ok(*place);
            }
        }
    }
    Err(archived(target, verb))
}

fn archived(target: &Target, verb: &str) -> Error {
    let name = if identity::exists(target.table.parent) {
        target.table.parent
    } else {
        target.foreign_table
    };
    let name = manifest::name_of(name);
    Error::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("cannot {verb} an archived row"),
    )
    .detail(format!("The row is in the archive of table {name}."))
    .hint(format!(
        "CALL kpi.restore('{}', '<since>', '<until>') brings the rows of that time back into the table.",
        name.replace('\'', "''")
    ))
}

/// Writes a row of the foreign table into the late table.
unsafe fn write(
    target: &Target,
    state: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
) -> Result<(), Error> {
    let Some(late) = &target.late else {
        return Err(no_place(target));
    };
    // SAFETY: the executor's own nodes; places are those of the two tables.
    unsafe {
        let relation = (*result).ri_RelationDesc;
        if !(*(*relation).rd_att).constr.is_null() {
            pg_sys::ExecConstraints(result, slot, state);
        }
        // A row that came through the parent is in the right place already.
        if (*(*relation).rd_rel).relispartition && (*result).ri_RootResultRelInfo.is_null() {
            pg_sys::ExecPartitionCheck(result, slot, state, true);
        }
        pg_sys::slot_getallattrs(slot);
        let (values, nulls) = ((*slot).tts_values, (*slot).tts_isnull);
        if let Some((time, base)) = late.time {
            let shown = !*nulls.add(time) && target.table.shows(columns::instant(*values.add(time), base));
            if !shown {
                return Err(outside(target));
            }
        }
        pg_sys::ExecClearTuple(late.slot);
        let width = (*(*late.slot).tts_tupleDescriptor).natts as usize;
        std::slice::from_raw_parts_mut((*late.slot).tts_isnull, width).fill(true);
        for (from, to) in late.places.iter().enumerate() {
            if let Some(to) = *to {
                *(*late.slot).tts_values.add(to) = *values.add(from);
                *(*late.slot).tts_isnull.add(to) = *nulls.add(from);
            } else if !*nulls.add(from) {
                return Err(lost(target, relation, from));
            }
        }
        pg_sys::ExecStoreVirtualTuple(late.slot);
        let opened = (*late.result).ri_RelationDesc;
        let command = pg_sys::GetCurrentCommandId(true);
        pg_sys::table_tuple_insert(opened, late.slot, command, 0, std::ptr::null_mut());
        if (*late.result).ri_NumIndices > 0 {
            version::insert_index_tuples(late.result, late.slot, state);
        }
        Ok(())
    }
}

/// Puts a late row into a slot of the foreign table.
unsafe fn show(late: &LateTarget, place: &mut pg_sys::ItemPointerData, slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the row was found by this command's scan, so it is there; the slot's values are valid while the late one's
    // are, until the next row.
    unsafe {
        let opened = (*late.result).ri_RelationDesc;
        version::fetch_row(opened, place, late.slot);
        pg_sys::slot_getallattrs(late.slot);
        pg_sys::ExecClearTuple(slot);
        for (to, from) in late.places.iter().enumerate() {
            let value = from.map(|from| {
                (
                    *(*late.slot).tts_values.add(from),
                    *(*late.slot).tts_isnull.add(from),
                )
            });
            let (value, is_null) = value.unwrap_or((pg_sys::Datum::from(0), true));
            *(*slot).tts_values.add(to) = value;
            *(*slot).tts_isnull.add(to) = is_null;
        }
        pg_sys::ExecStoreVirtualTuple(slot);
    }
}

fn no_place(target: &Target) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "cannot insert into this archived table",
    )
    .detail(format!(
        "{} has no table for rows that come late.",
        manifest::name_of(target.foreign_table)
    ))
    .hint(format!(
        "Insert into {} itself.",
        manifest::name_of(target.table.parent)
    ))
}

fn outside(target: &Target) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_CHECK_VIOLATION,
        "new row lies outside of the archived range",
    )
    .detail(format!(
        "{} shows only rows of a part of the time.",
        manifest::name_of(target.foreign_table)
    ))
    .hint(format!(
        "Insert into {} itself.",
        manifest::name_of(target.table.parent)
    ))
}

unsafe fn lost(target: &Target, relation: pg_sys::Relation, place: usize) -> Error {
    // SAFETY: a place of the relation's.
    let column = unsafe { columns::column((*relation).rd_att, place, &target.table) };
    Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        "the table of late rows lacks a column of its table",
    )
    .detail(format!(
        "Column \"{}\" is not in {}.",
        column.map_or(String::new(), |column| column.target.name),
        target.table.late.map(manifest::name_of).unwrap_or_default()
    ))
    .hint("ALTER TABLE ... ADD COLUMN there, with the same type.")
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end(_state: *mut pg_sys::EState, result: *mut pg_sys::ResultRelInfo) {
    // SAFETY: what `begin` put there, or null; closed once.
    unsafe {
        if let Some(target) = ((*result).ri_FdwState as *mut Target).as_mut()
            && let Some(late) = target.late.take()
        {
            pg_sys::ExecDropSingleTupleTableSlot(late.slot);
            pg_sys::ExecCloseIndices(late.result);
            pg_sys::table_close((*late.result).ri_RelationDesc, pg_sys::NoLock as i32);
        }
    }
}

/// TRUNCATE of the parent would leave the archive behind.
#[pg_guard]
pub unsafe extern "C-unwind" fn truncate(
    relations: *mut pg_sys::List,
    _behavior: pg_sys::DropBehavior::Type,
    _restart: bool,
) {
    // SAFETY: a list of open relations.
    unsafe {
        let first = super::nodes::nodes::<pg_sys::RelationData>(relations).next();
        let name = first.map_or(String::new(), |relation| manifest::name_of((*relation).rd_id));
        raise::<()>(Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "cannot truncate archived rows",
        )
        .detail(format!("{name} shows the archive of its table."))
        .hint(
            "Give the policy a drop_after, or truncate the other partitions one by one.",
        )));
    }
}
