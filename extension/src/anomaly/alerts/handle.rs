//! Silencing and dropping rules of alerts, and taking alerts on.
// pgrx wants an ErrorReport by value.
#![allow(clippy::result_large_err)]

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::check::check_duration;
use super::{check_owner, owned};
use crate::catalog::lookup;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

#[pg_extern(sql = false)]
fn drop_alert_rule(name: Option<&str>) -> Result<(), ErrorReport> {
    check_writable("kpi.drop_alert_rule", "Run it on the primary.")?;
    let id = owned(required(name, "name")?)?;
    Ok(drop_rules(&format!("id = {id}"))?)
}

/// Drops the rules of a KPI, with it.
pub fn drop_of_kpi(code: &str) -> Result<(), Error> {
    let code = spi::literal(code);
    drop_rules(&format!("code = {code} OR total = {code}"))
}

/// Drops the rules of a watch, with it.
pub fn drop_of_watch(name: &str) -> Result<(), Error> {
    drop_rules(&format!("watch = {}", spi::literal(name)))
}

/// Drops rules; whoever heard of their alerts hears that they are over.
fn drop_rules(condition: &str) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    spi::run(
        &format!(
            "WITH gone AS (DELETE FROM kpi.alert_rule WHERE {condition} RETURNING id), \
             waiting AS (DELETE FROM kpi.alert_pending p USING gone WHERE p.rule_id = gone.id), \
             over AS (UPDATE kpi.alert a SET cleared_at = pg_catalog.clock_timestamp() FROM gone \
                      WHERE a.rule_id = gone.id AND a.cleared_at IS NULL RETURNING a) \
             SELECT kpi._announce(over.a, NULL, NULL) FROM over"
        ),
        &[],
    )?;
    Ok(())
}

#[pg_extern(sql = false)]
fn silence_alert_rule(
    name: Option<&str>,
    duration: Option<Interval>,
) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
    check_writable("kpi.silence_alert_rule", "Run it on the primary.")?;
    let id = owned(required(name, "name")?)?;
    let duration = Some(required(duration, "duration")?);
    check_duration("duration", &duration)?;
    let _owner = Identity::extension_owner()?;
    Ok(spi::first(
        Mode::Write,
        "UPDATE kpi.alert_rule SET silenced_until = CASE WHEN $2 > interval '0' THEN clock_timestamp() + $2 END WHERE id = $1 RETURNING silenced_until",
        &[arg(id), raw_arg(pg_sys::INTERVALOID, duration.into_datum())],
        |row| Ok(row.get(1)),
    )?
    .flatten())
}

#[pg_extern(sql = false)]
fn acknowledge_alert(id: Option<i64>, note: Option<&str>) -> Result<(), ErrorReport> {
    check_writable("kpi.acknowledge_alert", "Run it on the primary.")?;
    let id = required(id, "id")?;
    let caller = identity::current_role();
    let name = lookup::role_name(caller)?;
    let _owner = Identity::extension_owner()?;
    let found = spi::first(
        Mode::Write,
        "SELECT coalesce(r.owner::oid, j.owner::oid, v.relowner), a.state FROM kpi.alert a LEFT JOIN kpi.alert_rule r ON r.id = a.rule_id \
         LEFT JOIN kpi.job j ON a.kind = 'job' AND j.name = a.subject LEFT JOIN kpi.kpi k ON a.kind = 'kpi' AND k.code = a.subject \
         LEFT JOIN pg_catalog.pg_class v ON v.oid = k.view WHERE a.id = $1 FOR NO KEY UPDATE OF a",
        &[arg(id)],
        |row| Ok((row.get::<pg_sys::Oid>(1), row.text(2))),
    )?;
    let Some((owner, state)) = found else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("alert {id} does not exist"),
        )
        .detail("Resolved alerts go after kpi.run_history.")
        .hint("SELECT id, subject, state FROM kpi.alerts lists them.")
        .into());
    };
    check_owner(
        caller,
        owner.unwrap_or_else(identity::extension_owner),
        &format!("what alert {id} is of"),
    )?;
    if state != "firing" {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("alert {id} is not firing"),
        )
        .detail(format!("It is {state}."))
        .hint("SELECT id, subject FROM kpi.alerts WHERE state = 'firing' lists those that are.")
        .into());
    }
    spi::run(
        "WITH taken AS (UPDATE kpi.alert a SET acknowledged_at = clock_timestamp(), acknowledged_by = $2, note = $3 WHERE id = $1 RETURNING a) \
         SELECT kpi._announce(taken.a, NULL, NULL) FROM taken",
        &[arg(id), arg(name), raw_arg(pg_sys::TEXTOID, note.into_datum())],
    )?;
    Ok(())
}
