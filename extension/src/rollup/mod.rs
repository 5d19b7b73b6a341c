//! Rollups: capture of touched minutes, refresh, and exact reads.

pub mod calendar;
pub mod capture;
pub mod foreign;
mod history;
mod invalidation;
mod narrowing;
pub mod read;
mod recompute;
pub mod refresh;
pub mod slices;
pub mod sql;

use kpi_rollup::{MINUTE, MinuteRange, Span, Spans};

use crate::catalog::lookup::Source;
use crate::error::Error;
use crate::spi::{self, Mode, arg};

/// The stretches of a source that are not materialised, as the present snapshot and this transaction see them.
pub fn touched(source: &Source, mode: Mode) -> Result<Spans, Error> {
    let stored = spi::query_kept(
        mode,
        "SELECT DISTINCT first_minute, last_minute FROM kpi.touched WHERE source_id = $1",
        &[arg(source.id)],
        |row| {
            Ok(MinuteRange {
                first: row.get(1).unwrap_or(i64::MIN),
                last: row.get(2).unwrap_or(i64::MAX),
            })
        },
    )?;
    let history = history::history(source, mode)?;
    let touched: Spans = stored
        .into_iter()
        .chain(capture::pending(source.id))
        .map(span_of)
        .collect();
    Ok(touched.union(&history.touched).minus(&history.kept))
}

/// Minutes as a stretch of microseconds.
pub fn span_of(range: MinuteRange) -> Span {
    Span::new(
        range.first.saturating_mul(MINUTE),
        range.last.saturating_add(1).saturating_mul(MINUTE),
    )
}

/// A stretch of microseconds as the minutes that it touches.
pub fn minutes_of(span: Span) -> MinuteRange {
    MinuteRange {
        first: if span.from == i64::MIN {
            i64::MIN
        } else {
            span.from.div_euclid(MINUTE)
        },
        last: if span.until == i64::MAX {
            i64::MAX
        } else {
            (span.until - 1).div_euclid(MINUTE)
        },
    }
}
