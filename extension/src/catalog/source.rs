//! `kpi.create_source` and `kpi.drop_source`.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::lookup::{self, Source, TimeType};
use super::prepare;
use super::relation::{HYPERTABLE, check_relation, check_time, relation};
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::installed;
use crate::spi::{self, Mode, arg, ident, literal};

/// Names that the typed views use themselves.
const RESERVED: [&str; 5] = ["ts", "period", "value", "target", "status"];

/// Longest name of a source: its rollup tables and their indexes are named after it.
const MAX_NAME: usize = 40;

/// Behind `kpi.create_source` of version 0.1.0, which had one argument less: says what to do.
#[pg_extern(sql = false)]
fn create_source() -> Result<String, ErrorReport> {
    installed::check(Mode::Write)?;
    Ok(String::new())
}

#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn create_source_on_drop(
    name: Option<&str>,
    relation: Option<pg_sys::Oid>,
    time_column: Option<&std::ffi::CStr>,
    dimensions: Option<Vec<Option<String>>>,
    timezone: Option<&str>,
    refresh_window: Option<pgrx::datum::Interval>,
    on_drop: Option<&str>,
) -> Result<String, ErrorReport> {
    let dimensions = dimensions.unwrap_or_default().into_iter().flatten().collect();
    let time_column = required(time_column, "time_column")?.to_string_lossy();
    Ok(create(
        required(name, "name")?,
        required(relation, "relation")?,
        &time_column,
        dimensions,
        timezone.unwrap_or("UTC"),
        refresh_window,
        on_drop,
    )?)
}

#[pg_extern(sql = false)]
fn drop_source(name: Option<&str>, cascade: Option<bool>) -> Result<(), ErrorReport> {
    Ok(drop(required(name, "name")?, cascade.unwrap_or(false))?)
}

#[allow(clippy::too_many_arguments)]
fn create(
    name: &str,
    oid: pg_sys::Oid,
    time_column: &str,
    dimensions: Vec<String>,
    timezone: &str,
    refresh_window: Option<pgrx::datum::Interval>,
    on_drop: Option<&str>,
) -> Result<String, Error> {
    installed::check(Mode::Write)?;
    check_name(name)?;
    check_on_drop(on_drop)?;
    let relation = relation(oid)?;
    let caller = identity::current_role();
    let captured = check_relation(&relation, oid, caller, refresh_window.is_some())?;
    let time_type = check_time(&relation, time_column)?;
    let timezone = check_timezone(timezone)?;
    let names: Vec<String> = relation.columns.iter().map(|(name, _)| name.clone()).collect();
    let mut parsed = Vec::new();
    for text in &dimensions {
        parsed.push(kpi_catalog::dimension(text, &names)?);
    }
    check_dimensions(&parsed)?;
    if let Some(interval) = &refresh_window {
        let positive = spi::first(
            Mode::Write,
            "SELECT $1 > interval '0'",
            &[spi::raw_arg(pg_sys::INTERVALOID, (*interval).into_datum())],
            |row| Ok(row.get::<bool>(1).unwrap_or(false)),
        )?;
        if positive != Some(true) {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "refresh_window must be positive",
            )
            .hint("For example refresh_window => '2 days'."));
        }
    }
    let search_path = search_path()?;

    // The dimensions' types, and a refusal of volatile expressions and of types that can't be grouped by, under the
    // caller's own rights.
    let select: Vec<String> = parsed
        .iter()
        .map(|d| d.expression.clone())
        .chain([ident(time_column)])
        .collect();
    let types = {
        let _caller = Identity::assume(caller, &search_path, &timezone)?;
        prepare::columns(
            &format!(
                "SELECT {} FROM {} GROUP BY {}",
                select.join(", "),
                lookup::qualified_name(oid)?,
                (1..=select.len())
                    .map(|n| n.to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            "a dimension",
        )?
    };

    let _owner = Identity::extension_owner()?;
    let taken = spi::first(
        Mode::Write,
        "SELECT FROM kpi.source WHERE name = $1",
        &[arg(name)],
        |_| Ok(()),
    )?;
    if taken.is_some() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("source \"{name}\" already exists"),
        )
        .detail("Every source of a database has a name of its own.")
        .hint("Choose another name, or drop it first with kpi.drop_source."));
    }
    let id = spi::first(
        Mode::Write,
        "INSERT INTO kpi.source (name, relation, kind, on_drop, time_column, time_type, dimensions, expressions, timezone, \
         refresh_window, captured, search_path, columns, relation_columns) \
         VALUES ($1, $2::regclass, $12, $13, $3::name, $4::regtype, $5, $6, $7, $8, $9, $10, '{}', $11) RETURNING id",
        &[
            arg(name),
            arg(oid),
            arg(time_column),
            arg(match time_type {
                TimeType::Timestamptz => pg_sys::TIMESTAMPTZOID,
                TimeType::Timestamp => pg_sys::TIMESTAMPOID,
                TimeType::Date => pg_sys::DATEOID,
            }),
            arg(parsed.iter().map(|d| d.name.clone()).collect::<Vec<String>>()),
            arg(parsed
                .iter()
                .map(|d| d.expression.clone())
                .collect::<Vec<String>>()),
            arg(timezone.as_str()),
            spi::raw_arg(
                pg_sys::INTERVALOID,
                refresh_window.and_then(IntoDatum::into_datum),
            ),
            arg(captured),
            arg(search_path.as_str()),
            arg(names),
            arg(relation.called.as_str()),
            arg(on_drop),
        ],
        |row| Ok(row.get::<i32>(1).unwrap_or_default()),
    )?
    .unwrap_or_default();
    create_objects(
        name,
        oid,
        time_type,
        &parsed,
        &types,
        time_column,
        caller,
        &search_path,
    )?;
    // Nothing is materialised yet, so everything counts as touched.
    spi::run(
        "INSERT INTO kpi.touched VALUES ($1, (-9223372036854775808)::bigint, 9223372036854775807)",
        &[arg(id)],
    )?;
    if captured {
        let always = relation.called != HYPERTABLE;
        create_triggers(id, &lookup::qualified_name(oid)?, time_column, always)?;
        spi::run("SELECT kpi._track_partitions($1)", &[arg(id)])?;
    }
    advise_index(name, time_column, oid)?;
    Ok(name.to_string())
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fits {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_NAME,
        format!("\"{name}\" is not a name for a source"),
    )
    .hint(format!(
        "Use lower-case letters, digits and underscores, at most {MAX_NAME}, as in \"web_orders\"."
    )))
}

fn check_on_drop(on_drop: Option<&str>) -> Result<(), Error> {
    match on_drop {
        None | Some("keep" | "forget") => Ok(()),
        Some(other) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("on_drop cannot be \"{other}\""),
        )
        .detail("It says what becomes of the rollup when a partition or chunk is dropped.")
        .hint("Use 'keep' (history stays, as by default for hypertables) or 'forget'.")),
    }
}

fn check_timezone(timezone: &str) -> Result<String, Error> {
    let known = spi::first(
        Mode::Write,
        "SELECT name FROM pg_catalog.pg_timezone_names WHERE lower(name) = lower($1)",
        &[arg(timezone)],
        |row| Ok(row.text(1)),
    )?;
    if let Some(name) = known {
        return Ok(name);
    }
    let names = spi::query(
        Mode::Write,
        "SELECT name FROM pg_catalog.pg_timezone_names",
        &[],
        |r| Ok(r.text(1)),
    )?;
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("time zone \"{timezone}\" is not known"),
    )
    .hint_opt(lookup::suggestion(
        timezone,
        &names,
        "SELECT name FROM pg_timezone_names lists them.",
    )))
}

fn check_dimensions(parsed: &[kpi_catalog::Dimension]) -> Result<(), Error> {
    for (i, dimension) in parsed.iter().enumerate() {
        let name = &dimension.name;
        if RESERVED.contains(&name.as_str()) || name.starts_with("kpi ") {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_RESERVED_NAME,
                format!("a dimension cannot be named \"{name}\""),
            )
            .detail("The views of a KPI have a column of that name.")
            .hint(format!(
                "Give it another one: '{name}_ => {}'.",
                dimension.expression
            )));
        }
        if parsed.iter().take(i).any(|other| other.name == *name) {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
                format!("dimension \"{name}\" is named twice"),
            )
            .hint("Give each dimension its own name: 'name => expression'."));
        }
    }
    Ok(())
}

/// The caller's search path: what a formula's functions mean is fixed when the source is created.
pub fn search_path() -> Result<String, Error> {
    let path = spi::first(
        Mode::Write,
        "SELECT pg_catalog.string_agg(pg_catalog.quote_ident(s), ', ' ORDER BY n) \
         FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY u(s, n) \
         WHERE s NOT LIKE 'pg\\_temp%' AND s <> 'pg_catalog'",
        &[],
        |row| Ok(row.get::<String>(1)),
    )?
    .flatten();
    Ok(path.map_or_else(|| "pg_catalog".to_string(), |path| format!("pg_catalog, {path}")))
}

#[allow(clippy::too_many_arguments)]
/// The input view and the rollup tables. The view makes PostgreSQL know what depends on which column.
fn create_objects(
    name: &str,
    relation: pg_sys::Oid,
    time_type: TimeType,
    dimensions: &[kpi_catalog::Dimension],
    types: &[prepare::Column],
    time_column: &str,
    caller: pg_sys::Oid,
    search_path: &str,
) -> Result<(), Error> {
    let object = |suffix: &str| format!("kpi_rollup.{}", ident(&format!("{name}_{suffix}")));
    let owner = lookup::role_name(caller)?;
    let from = lookup::qualified_name(relation)?;
    let columns: String = dimensions
        .iter()
        .enumerate()
        .map(|(i, d)| format!(", ({}) AS \"kpi d{}\"", d.expression, i + 1))
        .collect();
    {
        // The dimensions' functions are looked up where the caller sees them; a view's definition runs nothing.
        let _path = Identity::extension_owner_seeing(search_path)?;
        spi::run(
            &format!(
                "CREATE VIEW {} AS SELECT {} AS \"kpi time\"{columns} FROM {from}",
                object("input"),
                ident(time_column)
            ),
            &[],
        )?;
    }
    spi::run(&format!("ALTER VIEW {} OWNER TO {owner}", object("input")), &[])?;
    spi::run(
        &format!(
            "COMMENT ON VIEW {} IS {}",
            object("input"),
            literal(&format!("rows of source {name}, as pg_kpi reads them"))
        ),
        &[],
    )?;
    let dimension_columns: String = types
        .iter()
        .take(dimensions.len())
        .enumerate()
        .map(|(i, t)| format!(", d{} {}", i + 1, t.type_name))
        .collect();
    for level in time_type.levels() {
        let table = object(level);
        spi::run(
            &format!(
                "CREATE TABLE {table} (bucket {} NOT NULL, n bigint NOT NULL{dimension_columns})",
                time_type.bucket_type()
            ),
            &[],
        )?;
        // Without a key, a publication FOR ALL TABLES would refuse the refresh its DELETE.
        spi::run(&format!("ALTER TABLE {table} REPLICA IDENTITY FULL"), &[])?;
        spi::run(&format!("ALTER TABLE {table} OWNER TO {owner}"), &[])?;
        spi::run(
            &format!(
                "COMMENT ON TABLE {table} IS {}",
                literal(&format!("source {name} by {level}, merged states"))
            ),
            &[],
        )?;
    }
    Ok(())
}

/// Row triggers that never queue an event; ALWAYS, so that logical replication fires them too, where TimescaleDB does not
/// refuse that.
fn create_triggers(id: i32, table: &str, time_column: &str, always: bool) -> Result<(), Error> {
    let column = ident(time_column);
    for (event, rows) in [
        ("insert", format!("NEW.{column}")),
        ("update", format!("OLD.{column}, NEW.{column}")),
        ("delete", format!("OLD.{column}")),
    ] {
        spi::run(
            &format!(
                "CREATE TRIGGER kpi_capture_{id}_{event} AFTER {event} ON {table} FOR EACH ROW \
                 WHEN (kpi._capture({id}, {rows})) EXECUTE FUNCTION kpi._captured('{id}')"
            ),
            &[],
        )?;
        if always {
            spi::run(
                &format!("ALTER TABLE {table} ENABLE ALWAYS TRIGGER kpi_capture_{id}_{event}"),
                &[],
            )?;
        }
    }
    Ok(())
}

/// Late rows are found by the time column: without an index every touched bucket would cost a scan.
fn advise_index(name: &str, time_column: &str, relation: pg_sys::Oid) -> Result<(), Error> {
    let source = lookup::source(Mode::Write, name)?;
    if source.captured && !source.indexed {
        let table = lookup::relation_name(relation)?;
        pgrx::ereport!(
            PgLogLevel::NOTICE,
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            format!(
                "no index of {table} leads with \"{time_column}\"; a touched bucket costs a scan of the table, CREATE INDEX ON {table} ({}) makes it cheap",
                ident(time_column)
            )
        );
    }
    Ok(())
}

fn drop(name: &str, cascade: bool) -> Result<(), Error> {
    let source = lookup::source(Mode::Write, name)?;
    lookup::check_owner(&format!("source \"{name}\""), source.owner)?;
    let codes = spi::query(
        Mode::Write,
        "SELECT code FROM kpi.kpi WHERE source_id = $1 ORDER BY code",
        &[arg(source.id)],
        |row| Ok(row.text(1)),
    )?;
    if !codes.is_empty() && !cascade {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop source \"{name}\" because KPIs are defined on it"),
        )
        .detail(format!("KPIs: {}.", codes.join(", ")))
        .hint(format!(
            "Use kpi.drop_source({}, cascade => true) to drop them too.",
            literal(name)
        )));
    }
    for code in &codes {
        super::kpi::drop_code(code, true)?;
    }
    remove(&source)
}

/// Drops what belongs to a source whose KPIs are gone.
fn remove(source: &Source) -> Result<(), Error> {
    let _owner = Identity::extension_owner()?;
    let triggers = spi::query(
        Mode::Write,
        "SELECT oid, pg_catalog.format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) \
         FROM pg_catalog.pg_trigger WHERE tgparentid = 0 AND (tgname LIKE 'kpi\\_capture\\_' || $1 || '\\_%') \
         ORDER BY tgrelid <> $2",
        &[arg(source.id), arg(source.relation)],
        |row| Ok((row.get(1).unwrap_or(pg_sys::Oid::INVALID), row.text(2))),
    )?;
    for table in [
        "touched",
        "state",
        "source_partition",
        "source_kept",
        "source_refresh",
    ] {
        spi::run(
            &format!("DELETE FROM kpi.{table} WHERE source_id = $1"),
            &[arg(source.id)],
        )?;
    }
    // The catalog row goes first: the event trigger on dropped objects then knows that this is meant.
    spi::run("DELETE FROM kpi.source WHERE id = $1", &[arg(source.id)])?;
    for (trigger, sql) in triggers {
        // Those of a hypertable's chunks have gone with its own.
        let there = spi::first(
            Mode::Write,
            "SELECT FROM pg_catalog.pg_trigger WHERE oid = $1",
            &[arg(trigger)],
            |_| Ok(()),
        )?;
        if there.is_some() {
            spi::run(&sql, &[])?;
        }
    }
    spi::run(&format!("DROP VIEW {}", source.object("input")), &[])?;
    for level in source.levels() {
        spi::run(&format!("DROP TABLE {}", source.object(level)), &[])?;
    }
    if let Some(slices) = crate::rollup::slices::table(source)? {
        spi::run(&format!("DROP TABLE {slices}"), &[])?;
    }
    Ok(())
}
