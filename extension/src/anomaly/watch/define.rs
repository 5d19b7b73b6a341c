//! `kpi.watch`, `kpi.watch_kpi` and `kpi.unwatch`.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use std::ffi::CStr;

use kpi_anomaly::Direction;
use kpi_anomaly::detector::{Detector, Settings};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{Watch, closed, forget, table};
use crate::anomaly::alerts;
use crate::catalog::lookup::{self, suggestion};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

/// Longest name of a watch, bytes.
const MAX_NAME: usize = 100;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}

/// How a watch judges, checked.
fn settings(
    threshold: Option<f64>,
    direction: Option<&str>,
    season: Option<i32>,
    min_score: Option<f64>,
) -> Result<Settings, Error> {
    if let Some(season) = season.filter(|season| *season < 1) {
        return Err(invalid("a season has at least one step")
            .detail(format!("season is {season}."))
            .hint("1 is no season; leave it out to have it found."));
    }
    let settings = Settings {
        threshold: threshold.unwrap_or(kpi_anomaly::DEFAULT_THRESHOLD),
        direction: direction.unwrap_or("both").parse::<Direction>()?,
        season: season.map(|season| usize::try_from(season).unwrap_or(0)),
    };
    Detector::new(settings.clone())?;
    match min_score {
        Some(score) if !(0.0..=1.0).contains(&score) => Err(invalid("min_score must lie between 0 and 1")
            .detail(format!("min_score is {score}."))
            .hint("0 writes every score down; left out, only anomalies are.")),
        _ => Ok(settings),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.len() > MAX_NAME {
        return Err(
            invalid(format!("name of a watch must have 1 to {MAX_NAME} bytes"))
                .detail(format!("It has {}.", name.len()))
                .hint("Give one: name => 'temperatures'."),
        );
    }
    Ok(())
}

fn taken(name: &str) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
        format!("watch \"{name}\" already exists"),
    )
    .detail("SELECT * FROM kpi.watches lists the watches.")
    .hint("End it with kpi.unwatch, or give another name: name => '...'.")
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn watch_relation(
    relation: Option<&str>,
    ts: Option<&CStr>,
    value: Option<&CStr>,
    key: Option<Vec<Option<String>>>,
    name: Option<&str>,
    threshold: Option<f64>,
    direction: Option<&str>,
    season: Option<i32>,
    min_score: Option<f64>,
    learn: Option<Interval>,
) -> Result<String, ErrorReport> {
    check_writable("kpi.watch", "Run it on the primary.")?;
    let relation = required(relation, "relation")?;
    let text = |name: &CStr| name.to_string_lossy().into_owned();
    let key: Vec<String> = key.unwrap_or_default().into_iter().flatten().collect();
    let table = table::find(relation, ts.map(text), required(value.map(text), "value")?, key)?;
    let settings = settings(threshold, direction, season, min_score)?;
    let name = name.map_or_else(|| format!("{}.{}", table.name, table.value), str::to_string);
    check_name(&name)?;
    let caller = identity::current_role();
    let id = {
        let _owner = Identity::extension_owner()?;
        insert(
            &name,
            "INSERT INTO kpi.watch (name, threshold, direction, season, min_score, owner, relation, time_column, value_column, key) \
             SELECT $1, $2, $3, $4, $5, $6::oid::regrole, $7, $8, $9, $10 WHERE NOT EXISTS (SELECT FROM kpi.watch WHERE name = $1) RETURNING id",
            &settings,
            direction,
            min_score,
            caller,
            &[
                raw_arg(pg_sys::REGCLASSOID, table.oid.into_datum()),
                arg(table.time.as_str()),
                arg(table.value.as_str()),
                arg(table
                    .key
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<String>>()),
            ],
        )?
    };
    let qualified = lookup::qualified_name(table.oid)?;
    // No row comes between what is learned from and what the trigger sees.
    spi::run(
        &format!(
            "CREATE TRIGGER kpi_watch_{id} AFTER INSERT ON {qualified} REFERENCING NEW TABLE AS new_rows \
             FOR EACH STATEMENT EXECUTE FUNCTION kpi._watched('{id}')"
        ),
        &[],
    )?;
    if learn.is_some() {
        let watch = Watch {
            id,
            name: name.clone(),
            settings,
            min_score: f64::INFINITY,
        };
        table::learn_rows(&watch, &table, &qualified, learn)?;
    }
    Ok(name)
}

/// Inserts a watch; `rest` are its arguments from the seventh on.
fn insert(
    name: &str,
    sql: &str,
    settings: &Settings,
    direction: Option<&str>,
    min_score: Option<f64>,
    owner: pg_sys::Oid,
    rest: &[spi::Arg],
) -> Result<i32, Error> {
    let mut arguments = vec![
        arg(name),
        arg(settings.threshold),
        arg(direction.unwrap_or("both")),
        raw_arg(
            pg_sys::INT4OID,
            settings
                .season
                .and_then(|season| i32::try_from(season).ok())
                .into_datum(),
        ),
        raw_arg(pg_sys::FLOAT8OID, min_score.into_datum()),
        arg(owner),
    ];
    arguments.extend(rest.iter().map(spi::Arg::copied));
    spi::first(Mode::Write, sql, &arguments, |row| Ok(row.get::<i32>(1)))?
        .flatten()
        .ok_or_else(|| taken(name))
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn watch_kpi(
    code: Option<&str>,
    period: Option<&str>,
    by: Option<Vec<Option<String>>>,
    filter: Option<&str>,
    name: Option<&str>,
    threshold: Option<f64>,
    direction: Option<&str>,
    season: Option<i32>,
    min_score: Option<f64>,
    delay: Option<Interval>,
    learn: Option<Interval>,
) -> Result<String, ErrorReport> {
    check_writable("kpi.watch_kpi", "Run it on the primary.")?;
    let code = required(code, "code")?;
    let period = kpi_catalog::period(period.unwrap_or("day")).map_err(Error::from)?;
    let by: Vec<String> = by.unwrap_or_default().into_iter().flatten().collect();
    let kpi = lookup::kpi(Mode::Write, code)?;
    lookup::check_readable(&kpi)?;
    let settings = settings(threshold, direction, season, min_score)?;
    if delay.as_ref().is_some_and(|delay| delay.as_micros() < 0) {
        return Err(invalid("delay must not be negative")
            .detail("A bucket is scored once, so not before it is over.")
            .hint("delay => '10 minutes' waits for late rows.")
            .into());
    }
    let name = name.map_or_else(|| format!("{code}.{}", period.as_str()), str::to_string);
    check_name(&name)?;
    let caller = identity::current_role();
    // Dimensions and filter are checked by reading nothing of them.
    spi::run(
        "SELECT FROM kpi.value($1, $2, timestamptz 'epoch', timestamptz 'epoch', $3, $4)",
        &[
            arg(code),
            arg(period.as_str()),
            arg(by.clone()),
            raw_arg(pg_sys::TEXTOID, filter.into_datum()),
        ],
    )?;
    let id = {
        let _owner = Identity::extension_owner()?;
        insert(
            &name,
            "INSERT INTO kpi.watch (name, threshold, direction, season, min_score, owner, code, period, key, filter, delay) \
             SELECT $1, $2, $3, $4, $5, $6::oid::regrole, $7, $8, $9, $10, coalesce($11, interval '0') \
             WHERE NOT EXISTS (SELECT FROM kpi.watch WHERE name = $1) RETURNING id",
            &settings,
            direction,
            min_score,
            caller,
            &[
                arg(code),
                arg(period.as_str()),
                arg(by),
                raw_arg(pg_sys::TEXTOID, filter.into_datum()),
                raw_arg(pg_sys::INTERVALOID, delay.into_datum()),
            ],
        )?
    };
    closed::learn(id, learn)?;
    Ok(name)
}

#[pg_extern(sql = false)]
fn unwatch(name: Option<&str>) -> Result<(), ErrorReport> {
    check_writable("kpi.unwatch", "Run it on the primary.")?;
    let name = required(name, "name")?;
    let caller = identity::current_role();
    let owner_rights = Identity::extension_owner()?;
    let found = spi::first(
        Mode::Write,
        "SELECT w.id, w.owner::oid, (SELECT t.tgrelid::regclass::text FROM pg_catalog.pg_trigger t \
                                     WHERE t.tgrelid = w.relation AND t.tgname = 'kpi_watch_' || w.id AND NOT t.tgisinternal) \
         FROM kpi.watch w WHERE w.name = $1 FOR UPDATE",
        &[arg(name)],
        |row| {
            Ok((
                row.get::<i32>(1).unwrap_or_default(),
                row.get::<pg_sys::Oid>(2).unwrap_or(pg_sys::Oid::INVALID),
                row.get::<String>(3),
            ))
        },
    )?;
    let Some((id, owner, table)) = found else {
        return Err(no_such(name)?.into());
    };
    alerts::check_owner(caller, owner, &format!("watch \"{name}\""))?;
    if let Some(table) = table {
        spi::run(&format!("DROP TRIGGER kpi_watch_{id} ON {table}"), &[])?;
    }
    spi::run("DELETE FROM kpi.watch WHERE id = $1", &[arg(id)])?;
    forget(id)?;
    drop(owner_rights);
    alerts::drop_of_watch(name)?;
    Ok(())
}

fn no_such(name: &str) -> Result<Error, Error> {
    let names = spi::query(
        Mode::Write,
        "SELECT name FROM kpi.watch ORDER BY name",
        &[],
        |row| Ok(row.text(1)),
    )?;
    Ok(Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("watch \"{name}\" does not exist"),
    )
    .detail("SELECT name FROM kpi.watches lists those that do.")
    .hint_opt(suggestion(
        name,
        &names,
        "kpi.watch watches a table, kpi.watch_kpi a KPI.",
    )))
}

/// Refuses the name of a watch that is not there, or not the caller's.
pub fn check_named(name: &str) -> Result<(), Error> {
    let caller = identity::current_role();
    let _owner = Identity::extension_owner()?;
    let owner = spi::first(
        Mode::Write,
        "SELECT owner::oid FROM kpi.watch WHERE name = $1",
        &[arg(name)],
        |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
    )?;
    match owner {
        None => Err(no_such(name)?),
        Some(owner) => alerts::check_owner(caller, owner, &format!("watch \"{name}\"")),
    }
}

/// Drops the watches of a KPI, with it; called as the owner of the extension.
pub fn drop_of_kpi(code: &str) -> Result<(), Error> {
    let gone = spi::query(
        Mode::Write,
        "DELETE FROM kpi.watch WHERE code = $1 RETURNING id, name",
        &[arg(code)],
        |row| Ok((row.get::<i32>(1).unwrap_or_default(), row.text(2))),
    )?;
    for (id, name) in gone {
        forget(id)?;
        alerts::drop_of_watch(&name)?;
    }
    Ok(())
}
