//! Streams: what is published without a subscriber.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::channel::{channel, streamed_period};
use super::subscriber::normalised;
use crate::catalog::lookup::{self, Kpi};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::jobs::{self, shared};
use crate::read_only::{self, check_writable};
use crate::rollup::read::dimensions;
use crate::rollup::refresh::refresh;
use crate::spi::{self, Mode, arg};

/// Refuses dimensions that a KPI does not have.
pub fn check_dimensions(kpi: &Kpi, by: &[String]) -> Result<(), Error> {
    let known = dimensions(kpi, 0)?;
    let Some(unknown) = by.iter().find(|d| !known.contains(d)) else {
        return Ok(());
    };
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!("KPI \"{}\" has no dimension \"{unknown}\"", kpi.code),
    )
    .hint(if known.is_empty() {
        "It has no dimensions: leave by out.".to_string()
    } else {
        format!("Its dimensions are: {}.", known.join(", "))
    }))
}

/// Refreshes the sources of KPIs (of all that are there, without a list) that the caller owns: a log of changes begins
/// with a rollup that has no changes waiting.
pub fn bring_up_to_date(codes: Option<&[String]>) -> Result<(), Error> {
    let codes = codes.map(<[String]>::to_vec);
    let sources = {
        let _owner = Identity::extension_owner()?;
        spi::query(
            Mode::Write,
            "SELECT DISTINCT s.name FROM kpi.kpi k, LATERAL kpi._sources(k.id) i JOIN kpi.source s ON s.id = i \
             WHERE ($1 IS NULL OR k.code = ANY ($1)) AND EXISTS (SELECT FROM kpi.touched t WHERE t.source_id = s.id) ORDER BY 1",
            &[spi::raw_arg(pgrx::pg_sys::TEXTARRAYOID, codes.into_datum())],
            |row| Ok(row.text(1)),
        )?
    };
    for name in sources {
        let source = lookup::source(Mode::Write, &name)?;
        if identity::acts_for(identity::current_role(), source.owner) {
            refresh(&name, i64::MIN, i64::MAX)?;
        }
    }
    Ok(())
}

/// `kpi.start_stream(code, period, by)`.
#[pg_extern(sql = false)]
fn start_stream(
    code: Option<&str>,
    period: Option<&str>,
    by: Option<Vec<Option<String>>>,
) -> Result<String, ErrorReport> {
    let code = required(code, "code")?;
    let period = streamed_period(required(period, "period")?)?;
    start(code, period, normalised(by.unwrap_or_default()))?;
    Ok(channel(code, period.as_str()))
}

fn start(code: &str, period: kpi_catalog::Period, by: Vec<String>) -> Result<(), Error> {
    check_writable("kpi.start_stream", read_only::CHANGES)?;
    let kpi = owned(code)?;
    check_dimensions(&kpi, &by)?;
    bring_up_to_date(Some(&[code.to_string()]))?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "INSERT INTO kpi.stream (kpi_id, period, by) SELECT id, $2, $3 FROM kpi.kpi WHERE code = $1 ON CONFLICT DO NOTHING",
        &[arg(code), arg(period.as_str()), arg(by)],
    )?;
    shared::at_commit(|noted| noted.altered = true);
    jobs::warn_without_worker("Changes are published when kpi.refresh is called.");
    Ok(())
}

/// `kpi.stop_stream(code, period, by)`.
#[pg_extern(sql = false)]
fn stop_stream(
    code: Option<&str>,
    period: Option<&str>,
    by: Option<Vec<Option<String>>>,
) -> Result<(), ErrorReport> {
    let period = period.map(streamed_period).transpose()?;
    stop(required(code, "code")?, period, by.map(normalised))?;
    Ok(())
}

fn stop(code: &str, period: Option<kpi_catalog::Period>, by: Option<Vec<String>>) -> Result<(), Error> {
    check_writable("kpi.stop_stream", read_only::CHANGES)?;
    owned(code)?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "DELETE FROM kpi.stream s USING kpi.kpi k WHERE k.id = s.kpi_id AND k.code = $1 \
         AND ($2 IS NULL OR s.period = $2) AND ($3 IS NULL OR s.by = $3)",
        &[
            arg(code),
            spi::raw_arg(pgrx::pg_sys::TEXTOID, period.map(|p| p.as_str()).into_datum()),
            spi::raw_arg(pgrx::pg_sys::TEXTARRAYOID, by.into_datum()),
        ],
    )?;
    shared::at_commit(|noted| noted.altered = true);
    Ok(())
}

/// A KPI that the caller owns: a stream costs its source's refreshes.
fn owned(code: &str) -> Result<Kpi, Error> {
    let kpi = lookup::kpi(Mode::Write, code)?;
    lookup::check_readable(&kpi)?;
    lookup::check_owner(&format!("KPI \"{code}\""), kpi.owner)?;
    Ok(kpi)
}
