//! `kpi.create_kpi`, `kpi.alter_kpi` and `kpi.drop_kpi`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::compile::compile;
use super::lookup;
use super::view;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::spi::{self, Mode, arg, literal};
use crate::{anomaly, forecast};

/// Longest code of a KPI, bytes.
const MAX_CODE: usize = 63;

/// What a KPI says of itself besides its formula.
struct Traits<'a> {
    name: Option<&'a str>,
    description: Option<&'a str>,
    unit: Option<&'a str>,
    direction: Option<&'a str>,
    target: Option<f64>,
    warn: Option<f64>,
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn create_kpi(
    code: Option<&str>,
    source: Option<&str>,
    formula: Option<&str>,
    name: Option<&str>,
    description: Option<&str>,
    unit: Option<&str>,
    direction: Option<&str>,
    target: Option<f64>,
    warn: Option<f64>,
    approximate: Option<bool>,
    view_schema: Option<&std::ffi::CStr>,
) -> Result<String, ErrorReport> {
    let traits = Traits {
        name,
        description,
        unit,
        direction: Some(direction.unwrap_or("up")),
        target,
        warn,
    };
    let schema = view_schema.map(|s| s.to_string_lossy().into_owned());
    let schema = schema.as_deref().unwrap_or("kpi_views");
    Ok(create(
        required(code, "code")?,
        source,
        required(formula, "formula")?,
        &traits,
        approximate.unwrap_or(false),
        schema,
    )?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn alter_kpi(
    code: Option<&str>,
    formula: Option<&str>,
    name: Option<&str>,
    description: Option<&str>,
    unit: Option<&str>,
    direction: Option<&str>,
    target: Option<f64>,
    warn: Option<f64>,
    approximate: Option<bool>,
) -> Result<(), ErrorReport> {
    let traits = Traits {
        name,
        description,
        unit,
        direction,
        target,
        warn,
    };
    Ok(alter(required(code, "code")?, formula, &traits, approximate)?)
}

#[pg_extern(sql = false)]
fn drop_kpi(code: Option<&str>, cascade: Option<bool>) -> Result<(), ErrorReport> {
    Ok(drop_code(required(code, "code")?, cascade.unwrap_or(false))?)
}

/// `kpi._rename_column(formula, from, to)`: for the event trigger.
#[pg_extern(sql = false)]
fn rename_column(formula: &str, from: &str, to: &str) -> Result<String, ErrorReport> {
    Ok(kpi_catalog::rename_column(formula, from, to).map_err(Error::from)?)
}

fn create(
    code: &str,
    source: Option<&str>,
    formula: &str,
    traits: &Traits,
    approximate: bool,
    schema: &str,
) -> Result<String, Error> {
    check_code(code)?;
    check_traits(traits)?;
    let taken = spi::first(
        Mode::Write,
        "SELECT FROM kpi.kpi WHERE code = $1",
        &[arg(code)],
        |_| Ok(()),
    )?;
    if taken.is_some() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("KPI \"{code}\" already exists"),
        )
        .detail("Every KPI of a database has a code of its own.")
        .hint("Change it with kpi.alter_kpi, or drop it first with kpi.drop_kpi."));
    }
    let caller = identity::current_role();
    let compiled = compile(code, source, formula, approximate)?;
    let owner = compiled.source.as_ref().map_or(caller, |s| s.owner);
    let view_name = view::name_of(code);
    view::check_schema(schema, &view_name)?;
    let _owner = Identity::extension_owner()?;
    let id = spi::first(
        Mode::Write,
        "SELECT pg_catalog.nextval('kpi.kpi_id_seq')::int",
        &[],
        |row| Ok(row.get::<i32>(1).unwrap_or_default()),
    )?
    .unwrap_or_default();
    let view = view::create(id, code, schema, &view_name, &compiled.columns, owner)?;
    spi::run(
        "INSERT INTO kpi.kpi (id, code, source_id, formula, value_sql, states, requires, name, description, unit, \
         direction, target, warn, approximate, view) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::regclass)",
        &[
            arg(id),
            arg(code),
            arg(compiled.source.as_ref().map(|s| s.id)),
            arg(formula.trim()),
            arg(compiled.value_sql),
            arg(compiled.states),
            arg(compiled.requires),
            arg(traits.name),
            arg(traits.description),
            arg(traits.unit),
            arg(traits.direction),
            arg(traits.target),
            arg(traits.warn),
            arg(approximate),
            arg(view),
        ],
    )?;
    view::comment(code)?;
    Ok(code.to_string())
}

fn alter(code: &str, formula: Option<&str>, traits: &Traits, approximate: Option<bool>) -> Result<(), Error> {
    let kpi = lookup::kpi(Mode::Write, code)?;
    lookup::check_owner(&format!("KPI \"{code}\""), kpi.owner)?;
    check_traits(traits)?;
    let (old_formula, old_approximate) = spi::first(
        Mode::Write,
        "SELECT formula, approximate FROM kpi.kpi WHERE code = $1",
        &[arg(code)],
        |row| Ok((row.text(1), row.get::<bool>(2).unwrap_or_default())),
    )?
    .unwrap_or_default();
    if formula.is_some() || approximate.is_some() {
        let formula = formula.unwrap_or(&old_formula);
        let approximate = approximate.unwrap_or(old_approximate);
        let source = kpi
            .source
            .map(|id| lookup::source_by_id(Mode::Write, id))
            .transpose()?;
        if source.is_some() == kpi_catalog::is_derived(formula) {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "a KPI over a source and one over other KPIs cannot become each other",
            )
            .detail(formula.to_string())
            .hint(format!(
                "Drop it with kpi.drop_kpi({}) and create it anew.",
                literal(code)
            )));
        }
        let compiled = compile(
            code,
            source.as_ref().map(|s| s.name.as_str()),
            formula,
            approximate,
        )?;
        let _owner = Identity::extension_owner()?;
        view::check_columns(&kpi, &compiled.columns)?;
        spi::run(
            "UPDATE kpi.kpi SET formula = $2, value_sql = $3, states = $4, requires = $5, approximate = $6 \
             WHERE code = $1",
            &[
                arg(code),
                arg(formula.trim()),
                arg(compiled.value_sql),
                arg(compiled.states),
                arg(compiled.requires),
                arg(approximate),
            ],
        )?;
    }
    let _owner = Identity::extension_owner()?;
    spi::run(
        "UPDATE kpi.kpi SET name = coalesce($2, name), description = coalesce($3, description), \
         unit = coalesce($4, unit), direction = coalesce($5, direction), target = coalesce($6, target), \
         warn = coalesce($7, warn) WHERE code = $1",
        &[
            arg(code),
            arg(traits.name),
            arg(traits.description),
            arg(traits.unit),
            arg(traits.direction),
            arg(traits.target),
            arg(traits.warn),
        ],
    )?;
    view::comment(code)
}

/// Drops a KPI; with `cascade` also those that are derived from it and what depends on its view.
pub fn drop_code(code: &str, cascade: bool) -> Result<(), Error> {
    let kpi = lookup::kpi(Mode::Write, code)?;
    lookup::check_owner(&format!("KPI \"{code}\""), kpi.owner)?;
    let derived = spi::query(
        Mode::Write,
        "SELECT code FROM kpi.kpi WHERE $1 = ANY (requires) ORDER BY code",
        &[arg(code)],
        |row| Ok(row.text(1)),
    )?;
    if !derived.is_empty() && !cascade {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop KPI \"{code}\" because others are derived from it"),
        )
        .detail(format!("KPIs: {}.", derived.join(", ")))
        .hint(format!(
            "Use kpi.drop_kpi({}, cascade => true) to drop them too.",
            literal(code)
        )));
    }
    for other in derived {
        drop_code(&other, true)?;
    }
    let _owner = Identity::extension_owner()?;
    // The catalog row goes first: the event trigger on dropped objects then knows that this is meant.
    spi::run("DELETE FROM kpi.kpi WHERE code = $1", &[arg(code)])?;
    anomaly::drop_of_kpi(code)?;
    forecast::model::drop_of_kpi(code)?;
    view::drop(&kpi, cascade)
}

fn check_code(code: &str) -> Result<(), Error> {
    let fits = !code.trim().is_empty()
        && code.len() <= MAX_CODE
        && code.trim() == code
        && !code.contains(['{', '}'])
        && !code.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_NAME,
        format!("\"{code}\" is not a code for a KPI"),
    )
    .hint(format!(
        "Use at most {MAX_CODE} bytes without braces and surrounding spaces, as in 'revenue' or 'RL.1.1'."
    )))
}

fn check_traits(traits: &Traits) -> Result<(), Error> {
    let directions = ["up", "down", "range"];
    if let Some(direction) = traits.direction
        && !directions.contains(&direction)
    {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("direction \"{direction}\" is not known"),
        )
        .hint("Use 'up' (more is better), 'down' (less is better) or 'range' (near the target is better)."));
    }
    for (what, value) in [("target", traits.target), ("warn", traits.warn)] {
        if value.is_some_and(|v| !v.is_finite()) {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{what} must be a finite number"),
            ));
        }
    }
    Ok(())
}
