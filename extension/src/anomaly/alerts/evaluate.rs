//! Holding rules against what they look at.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::owned;
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

/// A rule that is to be evaluated.
struct Rule {
    id: i32,
    name: String,
    owner: pg_sys::Oid,
    timezone: String,
    of_watch: bool,
}

/// What a rule sees of one subject.
struct Reading {
    subject: Option<String>,
    value: Option<f64>,
    level: Option<f64>,
    breached: Option<bool>,
    clear: Option<bool>,
    severity: Option<String>,
    message: Option<String>,
}

#[pg_extern(sql = false)]
fn evaluate_alerts(rule: Option<&str>, at: Option<TimestampWithTimeZone>) -> Result<i64, ErrorReport> {
    check_writable("kpi.evaluate_alerts", "Run it on the primary.")?;
    if let Some(name) = rule {
        owned(name)?;
    }
    Ok(evaluate(rule, at)?)
}

/// Evaluates the rules of the caller's roles, or one of them; returns how many alerts have changed. A rule that fails leaves a
/// warning and its error in `kpi.alert_rules`, and the others go on.
pub fn evaluate(name: Option<&str>, at: Option<TimestampWithTimeZone>) -> Result<i64, Error> {
    let caller = identity::current_role();
    let at = raw_arg(pg_sys::TIMESTAMPTZOID, at.into_datum());
    let rules = {
        let _owner = Identity::extension_owner()?;
        // Locked: of two that evaluate at a time the second one sees what the first one did. Only the caller's own: nobody holds up others.
        spi::query(
            Mode::Write,
            "SELECT r.id, r.name, r.owner::oid, coalesce((SELECT c.timezone FROM kpi.catalog c WHERE c.code = r.code), 'UTC'), r.watch IS NOT NULL \
             FROM kpi.alert_rule r WHERE ($1 IS NULL OR r.name = $1) AND pg_catalog.pg_has_role($2, r.owner, 'USAGE') \
             ORDER BY r.id FOR NO KEY UPDATE OF r",
            &[raw_arg(pg_sys::TEXTOID, name.into_datum()), arg(caller)],
            |row| {
                Ok(Rule {
                    id: row.get(1).unwrap_or_default(),
                    name: row.text(2),
                    owner: row.get(3).unwrap_or(pg_sys::Oid::INVALID),
                    timezone: row.text(4),
                    of_watch: row.get(5).unwrap_or_default(),
                })
            },
        )?
    };
    let mut changed = 0;
    for rule in &rules {
        let readings = read(rule, &at)?;
        changed += apply(rule, &readings, &at)?;
    }
    Ok(changed)
}

/// What the rule's owner sees. An error of the reading is a reading without a subject.
fn read(rule: &Rule, at: &spi::Arg) -> Result<Vec<Reading>, Error> {
    let owner = Identity::role(rule.owner)?;
    owner.set("TimeZone", &rule.timezone)?;
    spi::query(
        Mode::Write,
        "SELECT subject, value, level, breached, clear, severity, message FROM kpi._alert_readings_or_error($1, coalesce($2, now()))",
        &[arg(rule.id), at.copied()],
        |row| {
            Ok(Reading {
                subject: row.get(1),
                value: row.get(2),
                level: row.get(3),
                breached: row.get(4),
                clear: row.get(5),
                severity: row.get(6),
                message: row.get(7),
            })
        },
    )
}

fn apply(rule: &Rule, readings: &[Reading], at: &spi::Arg) -> Result<i64, Error> {
    let _owner = Identity::extension_owner()?;
    let mut changed = 0;
    let mut seen = Vec::new();
    let mut failed = None;
    for reading in readings {
        let Some(subject) = &reading.subject else {
            failed = reading.message.clone();
            continue;
        };
        seen.push(subject.clone());
        changed += apply_one(rule, reading, subject, at)?;
    }
    if rule.of_watch && failed.is_none() {
        // What has rung and rings no more.
        let quiet = spi::query(
            Mode::Write,
            "SELECT a.subject FROM kpi.alert a WHERE a.rule_id = $1 AND a.cleared_at IS NULL AND a.subject <> ALL ($2) \
             UNION SELECT p.subject FROM kpi.alert_pending p WHERE p.rule_id = $1 AND p.subject <> ALL ($2)",
            &[arg(rule.id), arg(seen)],
            |row| Ok(row.text(1)),
        )?;
        for subject in quiet {
            let over = Reading {
                subject: None,
                value: None,
                level: None,
                breached: Some(false),
                clear: Some(true),
                severity: None,
                message: None,
            };
            changed += apply_one(rule, &over, &subject, at)?;
        }
    }
    if let Some(message) = &failed {
        pgrx::warning!("alert rule \"{}\" could not be evaluated: {message}", rule.name);
    }
    let escalated = spi::first(
        Mode::Write,
        "WITH evaluated AS (UPDATE kpi.alert_rule r SET evaluated_at = clock_timestamp(), last_error = $3 WHERE id = $1 RETURNING r) \
         SELECT kpi._alert_escalate(evaluated.r, coalesce($2, now())) FROM evaluated",
        &[
            arg(rule.id),
            at.copied(),
            raw_arg(pg_sys::TEXTOID, failed.into_datum()),
        ],
        |row| Ok(row.get::<i64>(1)),
    )?;
    Ok(changed + escalated.flatten().unwrap_or_default())
}

fn apply_one(rule: &Rule, reading: &Reading, subject: &str, at: &spi::Arg) -> Result<i64, Error> {
    let changed = spi::first(
        Mode::Write,
        "SELECT kpi._alert_apply(r, coalesce($2, now()), $3, $4, $5, $6, $7, $8, $9) FROM kpi.alert_rule r WHERE r.id = $1",
        &[
            arg(rule.id),
            at.copied(),
            arg(subject),
            raw_arg(pg_sys::FLOAT8OID, reading.value.into_datum()),
            raw_arg(pg_sys::FLOAT8OID, reading.level.into_datum()),
            raw_arg(pg_sys::BOOLOID, reading.breached.into_datum()),
            raw_arg(pg_sys::BOOLOID, reading.clear.into_datum()),
            raw_arg(pg_sys::TEXTOID, reading.severity.as_deref().into_datum()),
            raw_arg(pg_sys::TEXTOID, reading.message.as_deref().into_datum()),
        ],
        |row| Ok(row.get::<bool>(1).unwrap_or_default()),
    )?;
    Ok(i64::from(changed == Some(true)))
}
