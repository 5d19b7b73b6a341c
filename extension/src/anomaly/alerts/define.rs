//! Defining and changing rules of alerts.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::check::{
    Definition, check_duration, check_escalation, check_hysteresis, check_name, check_needs, check_objective,
    check_quantile, check_reading, direction_of,
};
use super::owned;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn create_alert_rule(
    name: Option<&str>,
    condition: Option<&str>,
    code: Option<&str>,
    threshold: Option<f64>,
    direction: Option<&str>,
    clear_threshold: Option<f64>,
    for_duration: Option<Interval>,
    period: Option<&str>,
    by: Option<Vec<Option<String>>>,
    filter: Option<&str>,
    adaptive: Option<f64>,
    history: Option<Interval>,
    watch: Option<&str>,
    total: Option<&str>,
    objective: Option<f64>,
    severity: Option<&str>,
    escalation: Option<pgrx::JsonB>,
) -> Result<String, ErrorReport> {
    check_writable("kpi.create_alert_rule", "Run it on the primary.")?;
    let name = required(name, "name")?;
    let asked = Definition {
        condition: required(condition, "condition")?,
        code,
        watch,
        threshold,
        clear_threshold,
        direction,
        adaptive,
        total,
        objective,
    };
    check_name(name)?;
    check_needs(&asked)?;
    let period = kpi_catalog::period(period.unwrap_or(match asked.condition {
        "burn_rate" => "minute",
        _ => "day",
    }))
    .map_err(Error::from)?;
    check_quantile(asked.adaptive)?;
    check_objective(&asked)?;
    check_duration("for_duration", &for_duration)?;
    check_duration("history", &history)?;
    let escalation = escalation.unwrap_or(pgrx::JsonB(serde_json::json!([])));
    check_escalation(&escalation.0)?;
    let direction = direction_of(&asked)?;
    check_hysteresis(&asked, direction)?;
    let by: Vec<String> = by.unwrap_or_default().into_iter().flatten().collect();
    check_reading(&asked, period.as_str(), &by, filter)?;
    let default_history = match (asked.condition, asked.watch, period.as_str()) {
        ("score", Some(_), _) | ("burn_rate", ..) => "1 hour",
        ("score", None, "minute") => "7 days",
        ("score", None, "hour") => "60 days",
        ("score", None, _) => "2 years",
        ("value", ..) => "90 days",
        _ => "30 days",
    };
    let threshold = match asked.condition {
        "score" => asked.threshold.or(Some(0.999)),
        _ => asked.threshold,
    };
    let caller = identity::current_role();
    let _owner = Identity::extension_owner()?;
    let created = spi::run(
        "INSERT INTO kpi.alert_rule (name, condition, code, watch, period, by, filter, direction, threshold, clear_threshold, adaptive, history, \
         for_duration, total, objective, severity, escalation, owner) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, $13::interval), coalesce($14, interval '0'), $15, $16, $17, $18, $19::oid::regrole \
         WHERE NOT EXISTS (SELECT FROM kpi.alert_rule WHERE name = $1)",
        &[
            arg(name),
            arg(asked.condition),
            raw_arg(pg_sys::TEXTOID, asked.code.into_datum()),
            raw_arg(pg_sys::TEXTOID, asked.watch.into_datum()),
            arg(period.as_str()),
            arg(by),
            raw_arg(pg_sys::TEXTOID, filter.into_datum()),
            arg(direction),
            raw_arg(pg_sys::FLOAT8OID, threshold.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.clear_threshold.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.adaptive.into_datum()),
            raw_arg(pg_sys::INTERVALOID, history.into_datum()),
            arg(default_history),
            raw_arg(pg_sys::INTERVALOID, for_duration.into_datum()),
            raw_arg(pg_sys::TEXTOID, asked.total.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.objective.into_datum()),
            arg(severity.unwrap_or("warning")),
            arg(escalation),
            arg(caller),
        ],
    )?;
    if created == 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("alert rule \"{name}\" already exists"),
        )
        .detail("SELECT * FROM kpi.alert_rules shows it.")
        .hint("Change it with kpi.alter_alert_rule, drop it with kpi.drop_alert_rule, or take another name.")
        .into());
    }
    Ok(name.to_string())
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn alter_alert_rule(
    name: Option<&str>,
    threshold: Option<f64>,
    clear_threshold: Option<f64>,
    for_duration: Option<Interval>,
    filter: Option<&str>,
    adaptive: Option<f64>,
    history: Option<Interval>,
    objective: Option<f64>,
    severity: Option<&str>,
    escalation: Option<pgrx::JsonB>,
) -> Result<(), ErrorReport> {
    check_writable("kpi.alter_alert_rule", "Run it on the primary.")?;
    let id = owned(required(name, "name")?)?;
    check_duration("for_duration", &for_duration)?;
    check_duration("history", &history)?;
    if let Some(escalation) = &escalation {
        check_escalation(&escalation.0)?;
    }
    let (condition, code, watch, direction, total, old, period, by) = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT condition, code, watch, direction, total, threshold, adaptive, clear_threshold, objective, period, by FROM kpi.alert_rule WHERE id = $1",
            &[arg(id)],
            |row| {
                Ok((
                    row.text(1),
                    row.get::<String>(2),
                    row.get::<String>(3),
                    row.text(4),
                    row.get::<String>(5),
                    [row.get::<f64>(6), row.get(7), row.get(8), row.get(9)],
                    row.text(10),
                    row.get::<Vec<String>>(11).unwrap_or_default(),
                ))
            },
        )?
        .unwrap_or_default()
    };
    // A value in place of a quantile, or a quantile in place of a value, takes its place.
    let (threshold, adaptive) = match (threshold, adaptive) {
        (None, None) => (old[0], old[1]),
        given => given,
    };
    let asked = Definition {
        condition: &condition,
        code: code.as_deref(),
        watch: watch.as_deref(),
        threshold,
        clear_threshold: clear_threshold.or(old[2]),
        direction: (condition == "value").then_some(direction.as_str()),
        adaptive,
        total: total.as_deref(),
        objective: objective.or(old[3]),
    };
    check_needs(&asked)?;
    check_quantile(asked.adaptive)?;
    check_objective(&asked)?;
    check_hysteresis(&asked, &direction)?;
    check_reading(&asked, &period, &by, filter)?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.alert_rule SET threshold = $2, clear_threshold = $3, adaptive = $4, objective = $5, for_duration = coalesce($6, for_duration), \
         filter = coalesce($7, filter), history = coalesce($8, history), severity = coalesce($9, severity), escalation = coalesce($10, escalation) \
         WHERE id = $1",
        &[
            arg(id),
            raw_arg(pg_sys::FLOAT8OID, asked.threshold.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.clear_threshold.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.adaptive.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, asked.objective.into_datum()),
            raw_arg(pg_sys::INTERVALOID, for_duration.into_datum()),
            raw_arg(pg_sys::TEXTOID, filter.into_datum()),
            raw_arg(pg_sys::INTERVALOID, history.into_datum()),
            raw_arg(pg_sys::TEXTOID, severity.into_datum()),
            raw_arg(pg_sys::JSONBOID, escalation.into_datum()),
        ],
    )?;
    Ok(())
}
