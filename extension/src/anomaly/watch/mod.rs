//! Watches: one detector per key, kept in a table; rows are scored in the transaction that writes them, buckets of KPIs in
//! the refresh after they close.

mod batch;
mod closed;
mod define;
mod kept;
mod rows;
mod table;

use kpi_anomaly::Direction;
use kpi_anomaly::detector::Settings;

use crate::error::Error;
use crate::spi::{self, Mode, Row, arg};

pub use closed::closed;
pub use define::{check_named, drop_of_kpi};

pgrx::extension_sql_file!(
    "../../../../sql/anomaly/watch.sql",
    name = "watch",
    requires = ["catalog", "rollup", "anomaly", "anomaly_detector"]
);

/// What the observing of a batch needs to know of its watch.
struct Watch {
    id: i32,
    name: String,
    settings: Settings,
    /// Scores from here on are written down; above 1 only anomalies are.
    min_score: f64,
}

/// Columns from the one given on: id, name, threshold, direction, season, min_score.
fn watch_of(row: &Row, first: i32) -> Result<Watch, Error> {
    Ok(Watch {
        id: row.get(first).unwrap_or_default(),
        name: row.text(first + 1),
        settings: Settings {
            threshold: row.get(first + 2).unwrap_or(kpi_anomaly::DEFAULT_THRESHOLD),
            direction: row.text(first + 3).parse::<Direction>()?,
            season: row
                .get::<i32>(first + 4)
                .and_then(|season| usize::try_from(season).ok()),
        },
        min_score: row.get(first + 5).unwrap_or(f64::INFINITY),
    })
}

/// Forgets the detectors and scores of a watch; called as the owner of the extension.
fn forget(id: i32) -> Result<(), Error> {
    spi::run("DELETE FROM kpi.watched WHERE watch_id = $1", &[arg(id)])?;
    spi::run("DELETE FROM kpi.anomaly WHERE watch_id = $1", &[arg(id)])?;
    Ok(())
}

/// Removes scores that are older than kpi.anomaly_history, and what is left of watches whose table is gone.
pub fn clean() -> Result<i64, Error> {
    let removed = spi::run(
        "DELETE FROM kpi.anomaly WHERE observed_at < clock_timestamp() - $1 * interval '1 s'",
        &[arg(crate::guc::anomaly_history())],
    )?;
    let orphans = spi::query(
        Mode::Write,
        "DELETE FROM kpi.watch w WHERE w.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = w.relation) \
         RETURNING w.id, w.name",
        &[],
        |row| Ok((row.get::<i32>(1).unwrap_or_default(), row.text(2))),
    )?;
    for (id, name) in &orphans {
        forget(*id)?;
        super::alerts::drop_of_watch(name)?;
    }
    Ok((removed + orphans.len() as u64) as i64)
}
