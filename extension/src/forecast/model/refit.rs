//! `kpi.refit`: models of a KPI that are kept in a table, and fitted anew by the job `refit`.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::FittedModel;
use crate::catalog::lookup;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

pgrx::extension_sql_file!(
    "../../../../sql/forecast/refit.sql",
    name = "forecast_refit",
    requires = ["forecast_model", "rollup"]
);

/// What is to be fitted.
pub struct Refit<'a> {
    /// The KPI.
    pub code: &'a str,
    /// Its period.
    pub period: &'a str,
    /// Dimensions whose combinations have a model each.
    pub by: Vec<String>,
    /// As of `kpi.fit`.
    pub model: &'a str,
    /// As of `kpi.fit`.
    pub season: Option<i32>,
    /// As of `kpi.fit`.
    pub horizon: Option<i32>,
    /// How far back buckets are read, all when there is none: an interval as text.
    pub history: Option<String>,
}

#[pg_extern(sql = false)]
fn refit(
    code: Option<&str>,
    period: Option<&str>,
    by: Option<Vec<Option<String>>>,
    model: Option<&str>,
    season: Option<i32>,
    horizon: Option<i32>,
    history: Option<Interval>,
) -> Result<i64, ErrorReport> {
    check_writable("kpi.refit", "kpi.forecast works here without it.")?;
    let history = history.map(|history| {
        let text = spi::first(
            Mode::Write,
            "SELECT $1::text",
            &[raw_arg(pg_sys::INTERVALOID, Some(history).into_datum())],
            |row| Ok(row.text(1)),
        );
        text.map(Option::unwrap_or_default)
    });
    Ok(fit(&Refit {
        code: required(code, "code")?,
        period: period.unwrap_or("day"),
        by: by.unwrap_or_default().into_iter().flatten().collect(),
        model: model.unwrap_or("auto"),
        season,
        horizon,
        history: history.transpose()?,
    })?)
}

/// Fits the models, as the caller sees the KPI, and keeps them; returns how many there are.
pub fn fit(asked: &Refit) -> Result<i64, Error> {
    let period = kpi_catalog::period(asked.period)?;
    asked.model.parse::<kpi_forecast::Model>()?;
    let kpi = lookup::kpi(Mode::Write, asked.code)?;
    lookup::check_readable(&kpi)?;
    let zone = spi::first(
        Mode::Write,
        "SELECT coalesce(timezone, 'UTC') FROM kpi.catalog WHERE code = $1",
        &[arg(asked.code)],
        |row| Ok(row.text(1)),
    )?;
    let mut keys = Vec::new();
    let mut models = Vec::new();
    {
        let reader = Identity::role(identity::current_role())?;
        // Days and months of the grid are those of the source.
        reader.set("TimeZone", zone.as_deref().unwrap_or("UTC"))?;
        spi::scan(
            Mode::Write,
            "SELECT s.dimensions::text, kpi._fit_or_warn(s.series, $5, $6, $7, $1 || coalesce(' ' || nullif(s.dimensions::text, '{}'), '')) \
             FROM (SELECT v.dimensions, kpi.series(v.ts, v.value) AS series \
                   FROM kpi.value($1, $2, pg_catalog.now() - $4::interval, pg_catalog.date_trunc($2, pg_catalog.now()), $3) v \
                   GROUP BY v.dimensions ORDER BY v.dimensions) s",
            &[
                arg(asked.code),
                arg(period.as_str()),
                arg(asked.by.clone()),
                raw_arg(pg_sys::TEXTOID, asked.history.clone().into_datum()),
                arg(asked.model),
                raw_arg(pg_sys::INT4OID, asked.season.into_datum()),
                raw_arg(pg_sys::INT4OID, asked.horizon.into_datum()),
            ],
            |row| {
                if let Some(model) = row.get::<FittedModel>(2) {
                    keys.push(row.get::<String>(1).unwrap_or_else(|| "{}".to_string()));
                    models.push(model);
                }
                Ok(())
            },
        )?;
    }
    let _owner = Identity::extension_owner()?;
    let fitted = spi::run(
        "INSERT INTO kpi.fitted_model AS m SELECT $1, $2, u.key::jsonb, u.model FROM unnest($3::text[], $4::kpi.model[]) u (key, model) \
         ON CONFLICT (code, period, key) DO UPDATE SET model = excluded.model, fitted_at = clock_timestamp()",
        &[arg(asked.code), arg(period.as_str()), arg(keys), arg(models)],
    )?;
    Ok(fitted as i64)
}

/// Drops the models of a KPI, with it; called as the owner of the extension.
pub fn drop_of_kpi(code: &str) -> Result<(), Error> {
    spi::run("DELETE FROM kpi.fitted_model WHERE code = $1", &[arg(code)])?;
    Ok(())
}
