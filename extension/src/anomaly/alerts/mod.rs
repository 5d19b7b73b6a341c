//! Rules of alerts: when a KPI, or a watched table, is to be looked at by somebody.

mod check;
mod define;
mod evaluate;
mod handle;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::catalog::lookup::{self, suggestion};
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::spi::{self, Mode, arg};

pub use evaluate::evaluate;
pub use handle::{drop_of_kpi, drop_of_watch};

pgrx::extension_sql_file!(
    "../../../../sql/anomaly/alerts.sql",
    name = "alerts",
    requires = ["catalog", "rollup", "jobs", "anomaly"]
);

/// A rule that the caller may change: its number. The row is locked until the transaction ends.
fn owned(name: &str) -> Result<i32, Error> {
    let caller = identity::current_role();
    let _owner = Identity::extension_owner()?;
    let found = spi::first(
        Mode::Write,
        "SELECT id, owner::oid FROM kpi.alert_rule WHERE name = $1 FOR NO KEY UPDATE",
        &[arg(name)],
        |row| {
            Ok((
                row.get::<i32>(1).unwrap_or_default(),
                row.get::<pg_sys::Oid>(2).unwrap_or(pg_sys::Oid::INVALID),
            ))
        },
    )?;
    let Some((id, owner)) = found else {
        let names = spi::query(
            Mode::Write,
            "SELECT name FROM kpi.alert_rule ORDER BY name",
            &[],
            |row| Ok(row.text(1)),
        )?;
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("alert rule \"{name}\" does not exist"),
        )
        .detail("SELECT name FROM kpi.alert_rules lists those that do.")
        .hint_opt(suggestion(
            name,
            &names,
            "Define it with kpi.create_alert_rule(name, condition, code).",
        )));
    };
    check_owner(caller, owner, &format!("alert rule \"{name}\""))?;
    Ok(id)
}

/// Refuses a caller who does not act for the owner of something.
pub fn check_owner(caller: pg_sys::Oid, owner: pg_sys::Oid, what: &str) -> Result<(), Error> {
    if identity::acts_for(caller, owner) {
        return Ok(());
    }
    let owner = lookup::role_name(owner)?;
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of {what}"),
    )
    .detail(format!("The owner is {owner}."))
    .hint(format!("Run it as {owner}, or as a member of that role.")))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}
