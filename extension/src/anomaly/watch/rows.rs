//! The trigger of a watched table: reads the rows of a statement from its transition table, without a query.

use std::collections::HashMap;
use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::batch::{self, Group, Purpose};
use super::{Watch, watch_of};
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};
use crate::version;

sql_functions! {
    kpi_watched, pg_finfo_kpi_watched: watched;
}

/// Rows between two looks whether the statement was cancelled.
const POLL: usize = 8192;
const DAY: i64 = 86_400_000_000;

/// A watch with the columns that it reads.
struct Columns {
    watch: Watch,
    relation: pg_sys::Oid,
    time: String,
    value: String,
    key: Vec<String>,
}

/// A column of the transition table.
#[derive(Clone, Copy)]
struct Column {
    /// From 0.
    place: usize,
    type_oid: pg_sys::Oid,
    by_value: bool,
}

fn protocol() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        "kpi._watched is the trigger of a watch",
    )
    .detail("It reads the new rows of a statement.")
    .hint("SELECT kpi.watch('table', 'time column', 'value column', key => '{column}') makes it.")
}

fn watched(call: &Call) -> Returned {
    let fcinfo = call.fcinfo();
    // SAFETY: fcinfo is that of the running call; a trigger's context is its TriggerData, whose trigger has `tgnargs` arguments.
    let (data, id) = unsafe {
        if !pgrx::trigger_support::called_as_trigger(fcinfo) {
            return Err(protocol());
        }
        let data = &*((*fcinfo).context as *const pg_sys::TriggerData);
        let trigger = &*data.tg_trigger;
        let id = (trigger.tgnargs == 1)
            .then(|| CStr::from_ptr(*trigger.tgargs))
            .and_then(|id| id.to_str().ok())
            .and_then(|id| id.parse::<i32>().ok());
        (data, id)
    };
    let Some(id) = id.filter(|_| !data.tg_newtable.is_null()) else {
        return Err(protocol());
    };
    let Some(columns) = columns(id)? else {
        return Ok(Some(pg_sys::Datum::null()));
    };
    // SAFETY: the relation of a running trigger is open.
    let (relation, descriptor) = unsafe { ((*data.tg_relation).rd_id, (*data.tg_relation).rd_att) };
    // Whoever makes a trigger of this function by hand teaches nobody's detectors.
    if relation != columns.relation {
        return Err(protocol());
    }
    // SAFETY: transition tables have the row type of the trigger's relation, and live as long as the trigger runs.
    let groups = unsafe { read(data.tg_newtable, descriptor, &columns)? };
    if !groups.is_empty() {
        let _owner = Identity::extension_owner()?;
        batch::observe(&columns.watch, groups, Purpose::Score)?;
    }
    // What an AFTER trigger returns is not looked at.
    Ok(Some(pg_sys::Datum::null()))
}

fn columns(id: i32) -> Result<Option<Columns>, Error> {
    let _owner = Identity::extension_owner()?;
    let found = spi::query_kept(
        Mode::Write,
        "SELECT id, name, threshold, direction, season, min_score, relation::oid, time_column::text, value_column::text, key \
         FROM kpi.watch WHERE id = $1 AND relation IS NOT NULL",
        &[arg(id)],
        |row| {
            Ok(Columns {
                watch: watch_of(row, 1)?,
                relation: row.get(7).unwrap_or(pg_sys::Oid::INVALID),
                time: row.text(8),
                value: row.text(9),
                key: row.get(10).unwrap_or_default(),
            })
        },
    )?;
    Ok(found.into_iter().next())
}

/// Finds a column by its name.
///
/// # Safety
/// `descriptor` is that of an open relation.
unsafe fn column(descriptor: pg_sys::TupleDesc, name: &str) -> Option<Column> {
    // SAFETY: the descriptor has `natts` attributes, each with a zero-terminated name.
    unsafe {
        (0..(*descriptor).natts as usize).find_map(|place| {
            let attribute = &*version::attribute(descriptor, place as i32);
            let found = !attribute.attisdropped
                && pgrx::name_data_to_str(&attribute.attname).as_bytes() == name.as_bytes();
            found.then_some(Column {
                place,
                type_oid: attribute.atttypid,
                by_value: attribute.attbyval,
            })
        })
    }
}

/// The rows of a transition table by key, each key in the order in which it first comes up.
///
/// # Safety
/// `store` holds rows of `descriptor`.
unsafe fn read(
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    columns: &Columns,
) -> Result<Vec<Group>, Error> {
    let find = |name: &str| {
        // SAFETY: the caller vouches for the descriptor.
        unsafe { column(descriptor, name) }.ok_or_else(|| {
            Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!(
                    "column \"{name}\" of watch \"{}\" does not exist any more",
                    columns.watch.name
                ),
            )
            .detail("It was renamed or dropped after kpi.watch.")
            .hint(format!(
                "SELECT kpi.unwatch({}); then watch the table anew.",
                spi::literal(&columns.watch.name)
            ))
        })
    };
    let time = find(&columns.time)?;
    let value = find(&columns.value)?;
    let key = columns
        .key
        .iter()
        .map(|name| find(name))
        .collect::<Result<Vec<Column>, Error>>()?;
    let read_until = key
        .iter()
        .chain([&time, &value])
        .map(|c| c.place + 1)
        .max()
        .unwrap_or(0) as i32;
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut bytes = Vec::new();
    let mut rows = 0;
    // SAFETY: a read pointer and a slot of our own, over rows that stay where they are until the trigger has ended; an attribute up
    // to `read_until` is deformed before it is looked at.
    unsafe {
        let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as i32);
        pg_sys::tuplestore_select_read_pointer(store, pointer);
        pg_sys::tuplestore_rescan(store);
        let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &pg_sys::TTSOpsMinimalTuple);
        while pg_sys::tuplestore_gettupleslot(store, true, false, slot) {
            rows += 1;
            if rows % POLL == 0 {
                pgrx::check_for_interrupts!();
            }
            if i32::from((*slot).tts_nvalid) < read_until {
                pg_sys::slot_getsomeattrs_int(slot, read_until);
            }
            let datum = |column: &Column| {
                (!*(*slot).tts_isnull.add(column.place)).then(|| *(*slot).tts_values.add(column.place))
            };
            let Some(at) = datum(&time).and_then(|datum| microseconds(datum, time.type_oid)) else {
                continue;
            };
            let seen = match datum(&value) {
                Some(datum) => number(datum, value.type_oid),
                None => f64::NAN,
            };
            bytes.clear();
            for part in &key {
                fingerprint(datum(part), part, &mut bytes);
            }
            let place = match places.get(&bytes) {
                Some(place) => *place,
                None => {
                    let parts: Vec<Option<pg_sys::Datum>> = key.iter().map(datum).collect();
                    groups.push(Group {
                        key: object(&columns.key, &key, &parts),
                        points: Vec::new(),
                    });
                    places.insert(bytes.clone(), groups.len() - 1);
                    groups.len() - 1
                }
            };
            if let Some(group) = groups.get_mut(place) {
                group.points.push((at, seen));
            }
        }
        pg_sys::ExecDropSingleTupleTableSlot(slot);
    }
    Ok(merged(groups))
}

/// Keys that differ in their bytes may be one as JSON, as 1.0 and 1.00 are.
fn merged(groups: Vec<Group>) -> Vec<Group> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut merged: Vec<Group> = Vec::with_capacity(groups.len());
    for group in groups {
        match places.get(&group.key).and_then(|place| merged.get_mut(*place)) {
            Some(same) => same.points.extend(group.points),
            None => {
                places.insert(group.key.clone(), merged.len());
                merged.push(group);
            }
        }
    }
    merged
}

/// Microseconds since 2000; `None` for an infinite time.
fn microseconds(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Option<i64> {
    match type_oid {
        pg_sys::DATEOID => match datum.value() as i32 {
            i32::MIN | i32::MAX => None,
            days => Some(i64::from(days) * DAY),
        },
        _ => match datum.value() as i64 {
            i64::MIN | i64::MAX => None,
            time => Some(time),
        },
    }
}

/// # Safety
/// `datum` is of the type given, one of those that `define` accepts.
unsafe fn number(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> f64 {
    match type_oid {
        pg_sys::FLOAT8OID => f64::from_bits(datum.value() as u64),
        pg_sys::FLOAT4OID => f64::from(f32::from_bits(datum.value() as u32)),
        pg_sys::INT2OID => f64::from(datum.value() as i16),
        pg_sys::INT4OID => f64::from(datum.value() as i32),
        pg_sys::INT8OID => (datum.value() as i64) as f64,
        // SAFETY: the caller vouches that it is a numeric; the call gives a float8.
        _ => unsafe {
            pgrx::direct_function_call_as_datum(pg_sys::numeric_float8_no_overflow, &[Some(datum)])
                .map_or(f64::NAN, |datum| f64::from_bits(datum.value() as u64))
        },
    }
}

/// Appends what tells one value of a key column from another.
///
/// # Safety
/// `datum` is a value of the column.
unsafe fn fingerprint(datum: Option<pg_sys::Datum>, column: &Column, bytes: &mut Vec<u8>) {
    let Some(datum) = datum else {
        bytes.push(0);
        return;
    };
    bytes.push(1);
    if column.by_value {
        bytes.extend((datum.value() as u64).to_le_bytes());
        return;
    }
    // SAFETY: the output function of the column's type takes its values; it returns a zero-terminated string.
    unsafe {
        if [pg_sys::TEXTOID, pg_sys::VARCHAROID].contains(&column.type_oid) {
            let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            let text = pgrx::varlena::varlena_to_byte_slice(varlena);
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text);
        } else {
            let text = output(datum, column.type_oid);
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
    }
}

/// # Safety
/// `datum` is a value of the type.
unsafe fn output(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> String {
    let mut function = pg_sys::Oid::INVALID;
    let mut is_varlena = false;
    // SAFETY: the caller vouches for the type; the string is copied.
    unsafe {
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut is_varlena);
        let text = pg_sys::OidOutputFunctionCall(function, datum);
        let bytes = CStr::from_ptr(text).to_bytes();
        crate::aggregates::encoding::from_server(bytes).into_owned()
    }
}

/// The key as a JSON object: numbers and truth values as such, all else as text.
///
/// # Safety
/// `parts` are values of the columns.
unsafe fn object(names: &[String], columns: &[Column], parts: &[Option<pg_sys::Datum>]) -> String {
    let fields = names
        .iter()
        .zip(columns)
        .zip(parts)
        .map(|((name, column), part)| {
            // SAFETY: the caller vouches for the values.
            let text = part.map(|datum| unsafe { output(datum, column.type_oid) });
            let value = match (text, column.type_oid) {
                (None, _) => "null".to_string(),
                (
                    Some(text),
                    pg_sys::INT2OID
                    | pg_sys::INT4OID
                    | pg_sys::INT8OID
                    | pg_sys::FLOAT4OID
                    | pg_sys::FLOAT8OID
                    | pg_sys::NUMERICOID,
                ) if text.parse::<f64>().is_ok_and(f64::is_finite) => text,
                (Some(text), pg_sys::BOOLOID) => if text == "t" { "true" } else { "false" }.to_string(),
                (Some(text), _) => serde_json::Value::String(text).to_string(),
            };
            format!("{}: {value}", serde_json::Value::String(name.clone()))
        });
    format!("{{{}}}", fields.collect::<Vec<String>>().join(", "))
}
