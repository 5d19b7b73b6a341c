//! Slices: the seconds of the minute that is being written, so that a streamed source with many rows a minute does not read
//! all of them again at every tick.
//!
//! They are kept in an unlogged table beside the source's other levels, and only this module reads it. What is in it
//! is right as long as this session made the last refresh of the source: then every write since is on the list of
//! touched minutes with the seconds that it touched, and only those are read again. Whenever that cannot be said, the minute
//! is read from its raw rows.

use std::cell::RefCell;
use std::collections::HashMap;

use kpi_rollup::{MINUTE, SECOND, Span, Spans};

use super::refresh::Outcome;
use crate::catalog::lookup::{Source, StateColumn, TimeType};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, Reuse, arg, ident, literal};

/// The level's name.
pub const LEVEL: &str = "second";

/// From so many raw rows a minute on, reading them again costs more than all else that a refresh does.
const MANY: i64 = 4000;
/// Slices are worth their while while they are this many times fewer than the raw rows.
const FEWER: i64 = 4;

/// The last refresh of a source that this session has made.
struct Last {
    refreshed_at: i64,
    minute: Span,
    states: Vec<i32>,
    rows: i64,
    slices: Slices,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slices {
    Absent,
    Present,
    /// The minute has nearly as many of them as raw rows.
    TooMany,
}

thread_local! {
    static LAST: RefCell<HashMap<i32, Last>> = RefCell::new(HashMap::new());
}

/// How a refresh gets at the minute that it recomputes.
pub enum Way {
    /// From its raw rows.
    Raw,
    /// From its slices, all of them made anew.
    AllSlices(Minute),
    /// From its slices, some of them made anew.
    SomeSlices(Minute, u64),
}

/// A whole minute.
#[derive(Clone, Copy)]
pub struct Minute(Span);

impl Minute {
    /// The minute that is all there is in some stretches.
    fn only(spans: &Spans) -> Option<Self> {
        match spans.as_slice() {
            [span] if span.from.rem_euclid(MINUTE) == 0 && span.until - span.from == MINUTE => {
                Some(Self(*span))
            }
            _ => None,
        }
    }

    /// Those of its seconds whose bits are set.
    pub fn seconds(self, which: u64) -> Vec<Span> {
        (0..MINUTE / SECOND)
            .filter(|second| which >> second & 1 == 1)
            .map(|second| self.0.from + second * SECOND)
            .map(|from| Span::new(from, from + SECOND))
            .collect()
    }
}

fn positions(states: &[StateColumn]) -> Vec<i32> {
    states.iter().map(|state| state.position).collect()
}

/// Which way a refresh takes. `seconds` are those that the noted writes have touched, if all of them say so;
/// `refreshed_at` is when the source was last refreshed, by whomever. Makes the table where it is needed.
pub fn way(
    source: &Source,
    states: &[StateColumn],
    touched: &Spans,
    seconds: Option<u64>,
    refreshed_at: Option<i64>,
) -> Result<Way, Error> {
    let Some(minute) = Minute::only(touched) else {
        return Ok(Way::Raw);
    };
    if !source.indexed || !source.captured || source.time_type == TimeType::Date {
        return Ok(Way::Raw);
    }
    let known = LAST.with_borrow(|last| {
        last.get(&source.id)
            .filter(|last| {
                Some(last.refreshed_at) == refreshed_at
                    && last.minute == minute.0
                    && last.states == positions(states)
            })
            .map(|last| (last.slices, last.rows))
    });
    match (known, seconds) {
        (Some((Slices::Present, _)), Some(seconds)) => Ok(Way::SomeSlices(minute, seconds)),
        (Some((Slices::Absent | Slices::Present, rows)), _) if rows >= MANY => {
            make_table(source)?;
            Ok(Way::AllSlices(minute))
        }
        _ => Ok(Way::Raw),
    }
}

/// Remembers a refresh that has recomputed `touched`.
pub fn remember(
    source: &Source,
    states: &[StateColumn],
    touched: &Spans,
    outcome: &Outcome,
    refreshed_at: Option<i64>,
) {
    let rows = outcome.rows_read;
    LAST.with_borrow_mut(|last| {
        let (Some(Minute(minute)), Some(refreshed_at)) = (Minute::only(touched), refreshed_at) else {
            last.remove(&source.id);
            return;
        };
        let before = last
            .get(&source.id)
            .filter(|last| last.minute == minute)
            .map(|last| last.slices);
        let slices = match outcome.slices {
            Some(slices) if slices.saturating_mul(FEWER) > rows => Slices::TooMany,
            Some(_) => Slices::Present,
            None if before == Some(Slices::TooMany) => Slices::TooMany,
            None => Slices::Absent,
        };
        last.insert(
            source.id,
            Last {
                refreshed_at,
                minute,
                states: positions(states),
                rows,
                slices,
            },
        );
    });
}

/// How many slices there are.
pub fn count(source: &Source) -> Result<i64, Error> {
    let mut counted = 0;
    spi::scan_reusing(
        Reuse::Soon,
        Mode::Write,
        &format!("SELECT count(*) FROM {}", source.object(LEVEL)),
        &[],
        |row| {
            counted = row.get(1).unwrap_or_default();
            Ok(())
        },
    )?;
    Ok(counted)
}

/// The table of a source's slices, if there is one.
pub fn table(source: &Source) -> Result<Option<String>, Error> {
    let table = source.object(LEVEL);
    let there = spi::first_kept(
        Mode::Write,
        "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
        &[arg(table.as_str())],
        |row| Ok(row.get::<bool>(1).unwrap_or(false)),
    )?;
    Ok(there.unwrap_or(false).then_some(table))
}

fn make_table(source: &Source) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    if table(source)?.is_some() {
        return Ok(());
    }
    let table = source.object(LEVEL);
    let owner = spi::first_kept(
        Mode::Write,
        "SELECT pg_catalog.pg_get_userbyid($1)::text",
        &[arg(source.owner)],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    // A crash empties it, and ends the session that knew what was in it.
    spi::run(
        &format!("CREATE UNLOGGED TABLE {table} (LIKE {})", source.object("minute")),
        &[],
    )?;
    spi::run(&format!("ALTER TABLE {table} OWNER TO {}", ident(&owner)), &[])?;
    let comment = format!(
        "source {} by second, for the minute that is streamed",
        source.name
    );
    spi::run(&format!("COMMENT ON TABLE {table} IS {}", literal(&comment)), &[])?;
    Ok(())
}
