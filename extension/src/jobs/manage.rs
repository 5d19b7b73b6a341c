//! Defining, changing and dropping jobs.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::run::KINDS;
use super::schedule::{self, Schedule};
use super::{run, shared};
use crate::catalog::lookup::{self, suggestion};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::{self, check_writable};
use crate::spi::{self, Mode, arg, raw_arg};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}

/// A job that the caller may change: its number and owner.
fn owned(name: &str) -> Result<(i32, pg_sys::Oid), Error> {
    let caller = identity::current_role();
    let _owner = Identity::extension_owner()?;
    let found = spi::first(
        Mode::Write,
        "SELECT id, owner::oid FROM kpi.job WHERE name = $1 FOR NO KEY UPDATE",
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
            "SELECT name FROM kpi.job ORDER BY name",
            &[],
            |row| Ok(row.text(1)),
        )?;
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("job \"{name}\" does not exist"),
        )
        .hint_opt(suggestion(
            name,
            &names,
            "SELECT name FROM kpi.jobs lists the jobs.",
        )));
    };
    if !identity::acts_for(caller, owner) {
        let owner = lookup::role_name(owner)?;
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of job \"{name}\""),
        )
        .detail(format!("The owner is {owner}."))
        .hint(format!("Run it as {owner}, or as a member of that role.")));
    }
    Ok((id, owner))
}

/// The owner that a job is to have: a role that the caller could become.
fn new_owner(owner: Option<pg_sys::Oid>) -> Result<pg_sys::Oid, Error> {
    let caller = identity::current_role();
    let owner = owner.unwrap_or(caller);
    if identity::acts_for(caller, owner) {
        return Ok(owner);
    }
    let name = lookup::role_name(owner)?;
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be a member of role {name} to have a job run as it"),
    )
    .detail("A job runs with all rights of its owner.")
    .hint("Leave owner out, and it runs as you."))
}

fn check_zone(zone: &str) -> Result<(), Error> {
    let known = spi::first(
        Mode::Write,
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_timezone_names WHERE lower(name) = lower($1))",
        &[arg(zone)],
        |row| Ok(row.get::<bool>(1).unwrap_or(false)),
    )?;
    if known == Some(true) {
        return Ok(());
    }
    Err(invalid(format!("time zone \"{zone}\" not recognized"))
        .detail("Its clocks decide when a cron expression is due.")
        .hint("SELECT name FROM pg_timezone_names lists them, for example 'Europe/Berlin'."))
}

fn check_catch_up(catch_up: &str) -> Result<(), Error> {
    if ["once", "all", "none"].contains(&catch_up) {
        return Ok(());
    }
    Err(invalid(format!("catch_up \"{catch_up}\" is not known"))
        .detail("It says what becomes of runs that were missed while the server was down.")
        .hint("Use 'once', 'all' or 'none'."))
}

fn check_timeout(timeout: &Option<Interval>) -> Result<(), Error> {
    match timeout {
        Some(timeout) if timeout.as_micros() <= 0 || timeout.as_micros() > 2_147_483_647_000 => {
            Err(invalid("timeout must be between a millisecond and 24 days")
                .hint("How long a run may take before it is cancelled: timeout => '10 minutes'."))
        }
        _ => Ok(()),
    }
}

fn check_retries(retries: i32) -> Result<(), Error> {
    if retries >= 0 {
        return Ok(());
    }
    Err(invalid("max_retries must not be negative")
        .detail(format!("It is {retries}."))
        .hint("How often a job that fails is tried again before it is given up: max_retries => 5."))
}

/// What a job runs: a kind of ours, or a procedure with its signature.
fn procedure(text: &str, owner: pg_sys::Oid) -> Result<(String, Option<String>), Error> {
    if KINDS.contains(&text) {
        return Ok((text.to_string(), None));
    }
    let candidates = spi::query(
        Mode::Write,
        "SELECT p.oid::regprocedure::text, p.prokind IN ('p', 'f') AND NOT p.proretset \
         AND (p.pronargs = 0 OR p.pronargs = 1 AND p.proargtypes[0] = 'jsonb'::regtype) AND cardinality(coalesce(p.proallargtypes, '{}')) <= 1, \
         pg_catalog.has_function_privilege($2, p.oid, 'EXECUTE'), \
         pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.oidvectortypes(p.proargtypes)), \
         pg_catalog.has_schema_privilege($2, n.oid, 'USAGE') \
         FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace, \
         LATERAL (SELECT CASE WHEN $1 NOT LIKE '%(%' THEN pg_catalog.parse_ident($1, false) END) i(parts) \
         WHERE p.oid = CASE WHEN $1 LIKE '%(%' THEN pg_catalog.to_regprocedure($1) END OR $1 NOT LIKE '%(%' AND p.proname = i.parts[cardinality(i.parts)] \
         AND (cardinality(i.parts) = 1 AND pg_catalog.pg_function_is_visible(p.oid) OR cardinality(i.parts) = 2 AND n.nspname = i.parts[1]) \
         ORDER BY p.pronargs DESC, p.oid",
        &[arg(text), arg(owner)],
        |row| {
            let flag = |column| row.get::<bool>(column).unwrap_or(false);
            Ok((row.text(1), flag(2), flag(3) && flag(5), row.text(4)))
        },
    )?;
    match candidates
        .iter()
        .find(|candidate| candidate.1)
        .or(candidates.first())
    {
        None => Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
            format!("procedure \"{text}\" does not exist"),
        )
        .detail("It is no kind of job of pg_kpi either.")
        .hint(format!(
            "Use {}, or the name of a procedure that takes nothing or a jsonb.",
            KINDS.join(", ")
        ))),
        Some((signature, false, _, _)) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_FUNCTION_DEFINITION,
            format!("{signature} cannot be run by a job"),
        )
        .detail("A job calls a procedure or function without arguments, or with its config as one jsonb.")
        .hint("Write a procedure that calls it: CREATE PROCEDURE run_it(config jsonb) ...")),
        Some((signature, true, false, _)) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("the job's owner may not execute {signature}"),
        )
        .detail(format!("The owner is {}.", lookup::role_name(owner)?))
        .hint("GRANT EXECUTE on it, and USAGE on its schema, to the owner of the job.")),
        Some((_, true, true, qualified)) => Ok(("procedure".to_string(), Some(qualified.clone()))),
    }
}

fn split(schedule: Option<Schedule>) -> (spi::Arg, spi::Arg) {
    let (interval, cron) = match schedule {
        Some(Schedule::Interval(interval)) => (Some(interval), None),
        Some(Schedule::Cron(cron)) => (None, Some(cron)),
        None => (None, None),
    };
    (
        raw_arg(pg_sys::INTERVALOID, interval.into_datum()),
        raw_arg(pg_sys::TEXTOID, cron.into_datum()),
    )
}

fn alter_at_commit() {
    shared::at_commit(|noted| noted.altered = true);
}

/// `kpi.create_job(...)`.
#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn create_job(
    name: Option<&str>,
    procedure: Option<&str>,
    schedule: Option<&str>,
    config: Option<pgrx::JsonB>,
    timezone: Option<&str>,
    owner: Option<pg_sys::Oid>,
    max_retries: Option<i32>,
    timeout: Option<Interval>,
    catch_up: Option<&str>,
    first_run: Option<TimestampWithTimeZone>,
) -> Result<String, ErrorReport> {
    let name = required(name, "name")?;
    let procedure = required(procedure, "procedure")?;
    let schedule = required(schedule, "schedule")?;
    let config = required(config, "config")?;
    let timezone = required(timezone, "timezone")?;
    let retries = required(max_retries, "max_retries")?;
    let catch_up = required(catch_up, "catch_up")?;
    create(
        name, procedure, schedule, config, timezone, owner, retries, timeout, catch_up, first_run,
    )?;
    Ok(name.to_string())
}

#[allow(clippy::too_many_arguments)]
fn create(
    name: &str,
    what: &str,
    when: &str,
    config: pgrx::JsonB,
    timezone: &str,
    owner: Option<pg_sys::Oid>,
    retries: i32,
    timeout: Option<Interval>,
    catch_up: &str,
    first_run: Option<TimestampWithTimeZone>,
) -> Result<(), Error> {
    check_writable("kpi.create_job", read_only::JOBS)?;
    let owner = new_owner(owner)?;
    check_zone(timezone)?;
    check_catch_up(catch_up)?;
    check_timeout(&timeout)?;
    check_retries(retries)?;
    let when = schedule::parse(when)?;
    let (kind, procedure) = procedure(what, owner)?;
    check_config(&kind, &config)?;
    let (interval, cron) = split(Some(when));
    let _owner = Identity::extension_owner()?;
    let created = spi::run(
        "INSERT INTO kpi.job (name, kind, procedure, schedule, cron, timezone, config, owner, max_retries, timeout, catch_up, due, next_run) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::regrole, $9, $10, $11, clock_timestamp(), \
         coalesce($12, CASE WHEN $5 IS NULL THEN clock_timestamp() ELSE kpi._cron_next($5, $6, clock_timestamp()) END)) \
         ON CONFLICT (name) DO NOTHING",
        &[
            arg(name),
            arg(kind),
            raw_arg(pg_sys::TEXTOID, procedure.into_datum()),
            interval,
            cron,
            arg(timezone),
            arg(config),
            arg(owner),
            arg(retries),
            raw_arg(pg_sys::INTERVALOID, timeout.into_datum()),
            arg(catch_up),
            raw_arg(pg_sys::TIMESTAMPTZOID, first_run.into_datum()),
        ],
    )?;
    if created == 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("job \"{name}\" exists already"),
        )
        .detail("SELECT * FROM kpi.jobs shows it.")
        .hint("Change it with kpi.alter_job, or take another name."));
    }
    alter_at_commit();
    super::warn_without_worker("The job runs only when kpi.run_job is called.");
    Ok(())
}

/// Refuses a config that the kind would stumble over at its first run.
fn check_config(kind: &str, config: &pgrx::JsonB) -> Result<(), Error> {
    let fields = match &config.0 {
        serde_json::Value::Object(fields) => fields,
        _ if kind == "procedure" => return Ok(()),
        other => {
            return Err(invalid("config must be a JSON object")
                .detail(format!("It is {other}."))
                .hint("For example config => '{\"source\": \"sales\"}'."));
        }
    };
    let known: &[&str] = match kind {
        "refresh" => &["source"],
        "alerts" => &["codes", "period"],
        "refit" => &["code", "period", "by", "model", "season", "horizon", "history"],
        "archive" | "retention" => &["relation"],
        "procedure" => return Ok(()),
        _ => &[],
    };
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(
            invalid(format!("a job of kind \"{kind}\" has no setting \"{unknown}\"")).hint(
                if known.is_empty() {
                    "It has none.".to_string()
                } else {
                    format!("It has: {}.", known.join(", "))
                },
            ),
        );
    }
    if let Some(source) = fields.get("source").and_then(|source| source.as_str()) {
        lookup::source(Mode::Write, source)?;
    }
    for code in fields
        .get("codes")
        .and_then(|codes| codes.as_array())
        .into_iter()
        .flatten()
    {
        lookup::kpi(Mode::Write, code.as_str().unwrap_or_default())?;
    }
    if kind == "refit" {
        let Some(code) = fields.get("code").and_then(|code| code.as_str()) else {
            return Err(invalid("a job of kind \"refit\" needs a KPI")
                .detail("Its config names none.")
                .hint("config => '{\"code\": \"revenue\", \"period\": \"day\"}'."));
        };
        lookup::check_readable(&lookup::kpi(Mode::Write, code)?)?;
    }
    if let Some(model) = fields.get("model").and_then(|model| model.as_str()) {
        model.parse::<kpi_forecast::Model>()?;
    }
    if let Some(period) = fields.get("period").and_then(|period| period.as_str()) {
        kpi_catalog::period(period)?;
    }
    Ok(())
}

/// `kpi.alter_job(...)`.
#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn alter_job(
    name: Option<&str>,
    schedule: Option<&str>,
    config: Option<pgrx::JsonB>,
    timezone: Option<&str>,
    owner: Option<pg_sys::Oid>,
    max_retries: Option<i32>,
    timeout: Option<Interval>,
    catch_up: Option<&str>,
    next_run: Option<TimestampWithTimeZone>,
) -> Result<(), ErrorReport> {
    let name = required(name, "name")?;
    Ok(alter(
        name,
        schedule,
        config,
        timezone,
        owner,
        max_retries,
        timeout,
        catch_up,
        next_run,
    )?)
}

#[allow(clippy::too_many_arguments)]
fn alter(
    name: &str,
    when: Option<&str>,
    config: Option<pgrx::JsonB>,
    timezone: Option<&str>,
    owner: Option<pg_sys::Oid>,
    retries: Option<i32>,
    timeout: Option<Interval>,
    catch_up: Option<&str>,
    next_run: Option<TimestampWithTimeZone>,
) -> Result<(), Error> {
    check_writable("kpi.alter_job", read_only::JOBS)?;
    let (id, _) = owned(name)?;
    let owner = owner.map(|owner| new_owner(Some(owner))).transpose()?;
    timezone.map(check_zone).transpose()?;
    catch_up.map(check_catch_up).transpose()?;
    check_timeout(&timeout)?;
    retries.map(check_retries).transpose()?;
    if let Some(config) = &config {
        let kind = {
            let _owner = Identity::extension_owner()?;
            spi::first(
                Mode::Write,
                "SELECT kind FROM kpi.job WHERE id = $1",
                &[arg(id)],
                |row| Ok(row.text(1)),
            )?
        };
        check_config(&kind.unwrap_or_default(), config)?;
    }
    let when = when.map(schedule::parse).transpose()?;
    let rescheduled = when.is_some() || timezone.is_some();
    let (interval, cron) = split(when);
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.job SET schedule = CASE WHEN $3::text IS NOT NULL THEN NULL ELSE coalesce($2, schedule) END, \
         cron = CASE WHEN $2 IS NOT NULL THEN NULL ELSE coalesce($3, cron) END, config = coalesce($4, config), \
         timezone = coalesce($5, timezone), owner = coalesce($6::regrole, owner), max_retries = coalesce($7, max_retries), \
         timeout = coalesce($8, timeout), catch_up = coalesce($9, catch_up), failures = 0, failed = false WHERE id = $1",
        &[
            arg(id),
            interval,
            cron,
            raw_arg(pg_sys::JSONBOID, config.into_datum()),
            raw_arg(pg_sys::TEXTOID, timezone.into_datum()),
            raw_arg(pg_sys::OIDOID, owner.into_datum()),
            raw_arg(pg_sys::INT4OID, retries.into_datum()),
            raw_arg(pg_sys::INTERVALOID, timeout.into_datum()),
            raw_arg(pg_sys::TEXTOID, catch_up.into_datum()),
        ],
    )?;
    spi::run(
        "UPDATE kpi.job SET next_run = coalesce($2, CASE WHEN $3 OR next_run < clock_timestamp() \
         THEN kpi._next_run(schedule, cron, timezone, clock_timestamp(), clock_timestamp()) ELSE next_run END) WHERE id = $1",
        &[
            arg(id),
            raw_arg(pg_sys::TIMESTAMPTZOID, next_run.into_datum()),
            arg(rescheduled),
        ],
    )?;
    super::alert::clear("job", name)?;
    alter_at_commit();
    Ok(())
}

/// `kpi.drop_job(name)`.
#[pg_extern(sql = false)]
fn drop_job(name: Option<&str>) -> Result<(), ErrorReport> {
    check_writable("kpi.drop_job", read_only::JOBS)?;
    let name = required(name, "name")?;
    let (id, _) = owned(name)?;
    let _owner = Identity::extension_owner()?;
    super::alert::clear("job", name)?;
    spi::run("DELETE FROM kpi.job_run WHERE job_id = $1", &[arg(id)])?;
    spi::run("DELETE FROM kpi.job WHERE id = $1", &[arg(id)])?;
    alter_at_commit();
    Ok(())
}

/// `kpi.pause_job(name, paused)`.
#[pg_extern(sql = false)]
fn pause_job(name: Option<&str>, paused: Option<bool>) -> Result<(), ErrorReport> {
    check_writable("kpi.pause_job", read_only::JOBS)?;
    let (id, _) = owned(required(name, "name")?)?;
    let paused = required(paused, "paused")?;
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.job SET paused = $2, next_run = CASE WHEN paused AND NOT $2 AND next_run < clock_timestamp() \
         THEN kpi._next_run(schedule, cron, timezone, next_run, clock_timestamp()) ELSE next_run END WHERE id = $1",
        &[arg(id), arg(paused)],
    )?;
    alter_at_commit();
    Ok(())
}

/// `kpi.run_job(name)`.
#[pg_extern(sql = false)]
fn run_job(name: Option<&str>) -> Result<i64, ErrorReport> {
    check_writable("kpi.run_job", read_only::JOBS)?;
    let (id, owner) = owned(required(name, "name")?)?;
    let rows = run::in_foreground(id, owner)?;
    alter_at_commit();
    Ok(rows)
}
