//! History: the rollup of partitions and chunks whose raw rows were dropped.
//!
//! TimescaleDB tells nobody when it drops or truncates a chunk, so chunks that a refresh has read are on a list, and
//! what has become of them is looked up: before a refresh, which then writes it down, and in each read.

use kpi_rollup::{MinuteRange, Spans};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::read::own_time;
use super::{minutes_of, span_of};
use crate::catalog::lookup::{self, Source};
use crate::error::{Error, required};
use crate::identity::Identity;
use crate::installed;
use crate::spi::{self, Mode, arg};
use kpi_rollup::Span;

/// What dropped and truncated partitions mean for a source.
#[derive(Default)]
pub struct History {
    /// Never recomputed: the raw rows are gone, the rollup stays.
    pub kept: Spans,
    /// To be recomputed, though nobody wrote it down.
    pub touched: Spans,
}

/// Looks up what is kept and what has happened to chunks since the last refresh.
pub fn history(source: &Source, mode: Mode) -> Result<History, Error> {
    if !source.hypertable && !source.keeps {
        return Ok(History::default());
    }
    let range = |row: &spi::Row| {
        Ok(MinuteRange {
            first: row.get(1).unwrap_or(i64::MIN),
            last: row.get(2).unwrap_or(i64::MAX),
        })
    };
    let mut kept = spi::query_kept(
        mode,
        "SELECT first_minute, last_minute FROM kpi.source_kept WHERE source_id = $1",
        &[arg(source.id)],
        range,
    )?;
    let mut touched = Vec::new();
    if source.hypertable {
        let changed = spi::query_kept(
            mode,
            "SELECT p.first_minute, p.last_minute, c.oid IS NULL FROM kpi.source_partition p \
             LEFT JOIN pg_catalog.pg_class c ON c.oid = p.partition \
             WHERE p.source_id = $1 AND (c.oid IS NULL OR c.relfilenode <> p.filenode)",
            &[arg(source.id)],
            |row| Ok((range(row)?, row.get::<bool>(3).unwrap_or(false))),
        )?;
        for (minutes, dropped) in changed {
            if dropped && source.keeps {
                // The end of a chunk is the beginning of the next.
                kept.push(MinuteRange {
                    last: minutes.last.saturating_sub(1),
                    ..minutes
                });
            } else {
                touched.push(minutes);
            }
        }
    }
    Ok(History {
        kept: kept.into_iter().map(span_of).collect(),
        touched: touched.into_iter().map(span_of).collect(),
    })
}

/// Before a refresh: writes down what has become of the chunks, and what is kept.
pub fn settle(source: &Source) -> Result<Spans, Error> {
    if source.captured {
        let settle = "SELECT kpi._settle_chunks($1)";
        spi::query_kept(Mode::Write, settle, &[arg(source.id)], |_| Ok(()))?;
    }
    Ok(history(source, Mode::Write)?.kept)
}

/// After a refresh: the chunks that it has read are on the list from now on.
pub fn track(source: &Source) -> Result<(), Error> {
    if source.hypertable {
        spi::run("SELECT kpi._track_chunks($1)", &[arg(source.id)])?;
    }
    Ok(())
}

/// TRUNCATE of a whole hypertable is no retention: nothing of it is kept.
pub fn truncated(source: i32, relation: pg_sys::Oid) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    // Version 0.1.0 knew no hypertables.
    if installed::other_version(Mode::Write)?.is_some() {
        return Ok(());
    }
    let whole = spi::first(
        Mode::Write,
        "SELECT FROM kpi.source WHERE id = $1 AND relation = $2 AND kind = 'hypertable'",
        &[arg(source), arg(relation)],
        |_| Ok(()),
    )?;
    if whole.is_some() {
        for table in ["source_partition", "source_kept"] {
            spi::run(
                &format!("DELETE FROM kpi.{table} WHERE source_id = $1"),
                &[arg(source)],
            )?;
        }
    }
    Ok(())
}

/// `kpi.forget(source, since, until)`.
#[pg_extern(sql = false)]
fn forget(
    source: Option<&str>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<(), ErrorReport> {
    Ok(give_up(
        required(source, "source")?,
        since.map_or(i64::MIN, TimestampWithTimeZone::into_inner),
        until.map_or(i64::MAX, TimestampWithTimeZone::into_inner),
    )?)
}

fn give_up(name: &str, since: i64, until: i64) -> Result<(), Error> {
    let source = lookup::source(Mode::Write, name)?;
    lookup::check_owner(&format!("source \"{name}\""), source.owner)?;
    let source = lookup::lock_source(&source)?;
    let _owner = Identity::extension_owner()?;
    let kept = settle(&source)?;
    let asked = Spans::of(Span::new(own_time(&source, since), own_time(&source, until)));
    let given_up = kept.intersect(&asked);
    spi::run(
        "DELETE FROM kpi.source_kept WHERE source_id = $1",
        &[arg(source.id)],
    )?;
    for rest in kept.minus(&given_up).as_slice() {
        let minutes = minutes_of(*rest);
        spi::run(
            "INSERT INTO kpi.source_kept VALUES ($1, $2, $3)",
            &[arg(source.id), arg(minutes.first), arg(minutes.last)],
        )?;
    }
    for span in given_up.as_slice() {
        let minutes = minutes_of(*span);
        spi::run(
            "INSERT INTO kpi.touched VALUES ($1, $2, $3)",
            &[arg(source.id), arg(minutes.first), arg(minutes.last)],
        )?;
    }
    Ok(())
}
