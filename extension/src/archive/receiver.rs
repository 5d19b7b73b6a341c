//! Where an export's rows go: the executor hands each to a writer, object after object, without keeping any.

use kpi_archive::{Kind, Schema};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::objects::Objects;
use super::write::Encoder;
use crate::error::Error;
use crate::spi;

/// Why an export ended before its last row.
pub enum Stopped {
    /// A value that its column's kind cannot hold: the column (by index) must go as text.
    NotRepresentable(usize),
    Failed(Error),
}

/// A destination of the executor. The first field is what PostgreSQL knows of it.
#[repr(C)]
struct Receiver<'a, 'b> {
    base: pg_sys::DestReceiver,
    encoders: Vec<Encoder>,
    objects: &'a mut Objects<'b>,
    scratch: PgMemoryContexts,
    stopped: Option<Stopped>,
}

/// Runs a query, whose columns are those of `schema` with these types, and writes its rows into objects.
pub fn export(
    sql: &str,
    types: &[pg_sys::Oid],
    schema: &Schema,
    objects: &mut Objects<'_>,
) -> Result<(), Stopped> {
    let kinds: Vec<&Kind> = schema.columns.iter().map(|column| &column.kind).collect();
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive),
            rStartup: Some(startup),
            rShutdown: Some(nothing),
            rDestroy: Some(nothing),
            mydest: pg_sys::CommandDest::DestTuplestore,
        },
        encoders: types
            .iter()
            .zip(kinds)
            .map(|(&oid, kind)| Encoder::new(oid, kind))
            .collect(),
        objects,
        scratch: PgMemoryContexts::new("values on their way to the archive"),
        stopped: None,
    };
    // SAFETY: the receiver outlives the statement, and nothing else refers to it while it runs.
    let run = unsafe { spi::into_receiver(sql, (&raw mut receiver).cast()) };
    if let Some(stopped) = receiver.stopped {
        return Err(stopped);
    }
    run.map(|_| ()).map_err(Stopped::Failed)
}

#[pg_guard]
unsafe extern "C-unwind" fn startup(
    _receiver: *mut pg_sys::DestReceiver,
    _operation: i32,
    _descriptor: pg_sys::TupleDesc,
) {
}

#[pg_guard]
unsafe extern "C-unwind" fn nothing(_receiver: *mut pg_sys::DestReceiver) {}

#[pg_guard]
unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: PostgreSQL hands back what `export` gave it, and a slot with a row of the query's columns.
    unsafe {
        let receiver = &mut *receiver.cast::<Receiver>();
        let count = receiver.encoders.len();
        if i32::from((*slot).tts_nvalid) < count as i32 {
            pg_sys::slot_getsomeattrs_int(slot, count as i32);
        }
        let values = std::slice::from_raw_parts((*slot).tts_values, count);
        let nulls = std::slice::from_raw_parts((*slot).tts_isnull, count);
        let mut misfit = None;
        if let Err(error) = receiver.objects.begin_row() {
            receiver.stopped = Some(Stopped::Failed(error));
            return false;
        }
        let before = pg_sys::MemoryContextSwitchTo(receiver.scratch.value());
        let columns = receiver.objects.columns();
        for (index, ((encoder, buffer), (value, null))) in receiver
            .encoders
            .iter_mut()
            .zip(columns)
            .zip(values.iter().zip(nulls))
            .enumerate()
        {
            if *null {
                buffer.null();
            } else if !encoder.push(*value, buffer) {
                misfit = Some(index);
                break;
            }
        }
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::MemoryContextReset(receiver.scratch.value());
        receiver.stopped = match misfit {
            Some(column) => Some(Stopped::NotRepresentable(column)),
            None => receiver.objects.end_row().err().map(Stopped::Failed),
        };
        receiver.stopped.is_none()
    }
}
