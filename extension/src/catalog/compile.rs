//! From a formula's text to what the catalog keeps: states in the source's rollup and the SQL of the value.

use kpi_catalog::{Context, Derived, Formula, Merge};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::lookup::{self, Kpi, Source, StateColumn};
use super::prepare;
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::rollup::sql::merged;
use crate::spi::{self, Mode, arg, ident};

/// A formula in the form in which the catalog keeps it.
pub struct Compiled {
    pub source: Option<Source>,
    pub value_sql: String,
    pub states: Vec<i32>,
    pub requires: Vec<String>,
    /// Dimensions with their types, for the typed view.
    pub columns: Vec<(String, String)>,
}

/// Compiles a formula over a source, or over other KPIs, and adds to the source what the formula needs.
pub fn compile(
    code: &str,
    source: Option<&str>,
    formula: &str,
    approximate: bool,
) -> Result<Compiled, Error> {
    if kpi_catalog::is_derived(formula) {
        if let Some(source) = source {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "a KPI that combines others has no source of its own",
            )
            .detail(format!(
                "Source \"{source}\" was given with the formula {formula}."
            ))
            .hint("Use source => NULL."));
        }
        return compile_derived(code, kpi_catalog::compile_derived(formula)?);
    }
    let Some(name) = source else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "a KPI needs a source, or a formula over other KPIs",
        )
        .detail(formula.to_string())
        .hint("Name a source of kpi.create_source, or refer to other KPIs as in '{revenue} / {orders}'."));
    };
    let source = lookup::source(Mode::Write, name)?;
    lookup::check_owner(&format!("source \"{name}\""), source.owner)?;
    compile_base(source, formula, approximate)
}

fn columns_of(relation: pg_sys::Oid) -> Result<Vec<String>, Error> {
    spi::query(
        Mode::Write,
        "SELECT attname::text FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        &[arg(relation)],
        |row| Ok(row.text(1)),
    )
}

fn is_aggregate(name: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or(name);
    spi::first(
        Mode::Write,
        "SELECT FROM pg_catalog.pg_proc WHERE proname = $1::name AND prokind = 'a' LIMIT 1",
        &[arg(name)],
        |_| Ok(()),
    )
    .is_ok_and(|found| found.is_some())
}

fn compile_base(source: Source, formula: &str, approximate: bool) -> Result<Compiled, Error> {
    let columns = columns_of(source.relation)?;
    let compiled = kpi_catalog::compile(
        formula,
        &Context {
            columns: &columns,
            is_aggregate: &is_aggregate,
            approximate,
        },
    )?;
    let source = lookup::lock_source(&source)?;
    let source = expose_columns(source, &compiled.columns)?;
    let types = state_types(&source, &compiled)?;
    let positions = add_states(&source, &compiled, &types)?;
    let value_sql = value_sql(&source, &compiled, &positions, &types)?;
    let columns = dimension_types(&source)?;
    Ok(Compiled {
        value_sql,
        states: positions,
        requires: Vec::new(),
        columns,
        source: Some(source),
    })
}

/// Adds columns that the input view does not have yet.
fn expose_columns(mut source: Source, needed: &[String]) -> Result<Source, Error> {
    let new: Vec<&String> = needed.iter().filter(|c| !source.columns.contains(c)).collect();
    if new.is_empty() {
        return Ok(source);
    }
    source.columns.extend(new.into_iter().cloned());
    let mut select = vec![format!("{} AS \"kpi time\"", ident(&source.time_column))];
    select.extend(
        source
            .expressions
            .iter()
            .enumerate()
            .map(|(i, e)| format!("({e}) AS \"kpi d{}\"", i + 1)),
    );
    select.extend(source.columns.iter().map(|c| ident(c)));
    let from = lookup::qualified_name(source.relation)?;
    let _path = Identity::extension_owner_seeing(&source.search_path)?;
    spi::run(
        &format!(
            "CREATE OR REPLACE VIEW {} AS SELECT {} FROM {from}",
            source.object("input"),
            select.join(", ")
        ),
        &[],
    )?;
    spi::run(
        "UPDATE kpi.source SET columns = $2 WHERE id = $1",
        &[arg(source.id), arg(source.columns.clone())],
    )?;
    Ok(source)
}

fn as_owner(source: &Source) -> Result<Identity, Error> {
    Identity::assume(source.owner, &source.search_path, &source.timezone)
}

fn state_types(source: &Source, formula: &Formula) -> Result<Vec<String>, Error> {
    let _owner = as_owner(source)?;
    let partials: Vec<&str> = formula.states.iter().map(|s| s.partial.as_str()).collect();
    let sql = format!("SELECT {} FROM {}", partials.join(", "), source.object("input"));
    Ok(prepare::columns(&sql, "the formula")?
        .into_iter()
        .map(|c| c.type_name)
        .collect())
}

/// Finds or adds the states of a formula and returns their positions.
fn add_states(source: &Source, formula: &Formula, types: &[String]) -> Result<Vec<i32>, Error> {
    let _owner = Identity::extension_owner()?;
    let mut existing = lookup::states(Mode::Write, source.id)?;
    let mut positions = Vec::new();
    for (state, ty) in formula.states.iter().zip(types) {
        let merge = merge_text(&state.merge, ty);
        let known = existing
            .iter()
            .find(|s| s.partial == state.partial && s.merge == merge);
        if let Some(known) = known {
            positions.push(known.position);
            continue;
        }
        let position = existing.iter().map(|s| s.position).max().unwrap_or(0) + 1;
        spi::run(
            "INSERT INTO kpi.state (source_id, position, partial, merge) VALUES ($1, $2, $3, $4)",
            &[
                arg(source.id),
                arg(position),
                arg(state.partial.as_str()),
                arg(merge.as_str()),
            ],
        )?;
        for level in source.levels() {
            spi::run(
                &format!("ALTER TABLE {} ADD COLUMN s{position} {ty}", source.object(level)),
                &[],
            )?;
        }
        if let Some(slices) = crate::rollup::slices::table(source)? {
            spi::run(&format!("ALTER TABLE {slices} ADD COLUMN s{position} {ty}"), &[])?;
        }
        existing.push(StateColumn {
            position,
            partial: state.partial.clone(),
            merge,
            filled: false,
        });
        positions.push(position);
    }
    Ok(positions)
}

fn merge_text(merge: &Merge, ty: &str) -> String {
    match merge {
        Merge::Sum => format!("sum {ty}"),
        Merge::Count => "count".into(),
        Merge::Min => "min".into(),
        Merge::Max => "max".into(),
        Merge::BoolAnd => "bool_and".into(),
        Merge::BoolOr => "bool_or".into(),
        Merge::Rollup => "rollup".into(),
    }
}

/// The formula over merged states, as float8.
fn value_sql(
    source: &Source,
    formula: &Formula,
    positions: &[i32],
    types: &[String],
) -> Result<String, Error> {
    let column = |i: usize| ident(&format!("kpi s{}", positions.get(i).copied().unwrap_or_default()));
    let merge_of = |i: usize| {
        let state = formula.states.get(i);
        let ty = types.get(i).map(String::as_str).unwrap_or("");
        state.map_or_else(
            || "NULL".to_string(),
            |s| merged(&merge_text(&s.merge, ty), &column(i)),
        )
    };
    let value = formula.value.render(&merge_of);
    let columns: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(i, ty)| format!("NULL::{ty} AS {}", column(i)))
        .collect();
    let _owner = as_owner(source)?;
    let probe = format!("SELECT {value} FROM (SELECT {}) q", dedup(columns).join(", "));
    as_float8(&value, &prepare::columns(&probe, "the formula")?)
}

fn dedup(mut columns: Vec<String>) -> Vec<String> {
    columns.sort();
    columns.dedup();
    columns
}

/// Casts a value to float8, where its type has a number in it.
fn as_float8(value: &str, columns: &[prepare::Column]) -> Result<String, Error> {
    let Some(column) = columns.first() else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            "the formula returns nothing",
        ));
    };
    match column.type_oid {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID | pg_sys::NUMERICOID | pg_sys::FLOAT4OID
        | pg_sys::FLOAT8OID => Ok(format!("({value})::float8")),
        pg_sys::BOOLOID => Ok(format!("({value})::int::float8")),
        pg_sys::INTERVALOID => Ok(format!("(extract(epoch from {value}))::float8")),
        pg_sys::MONEYOID => Ok(format!("({value})::numeric::float8")),
        _ => Err(Error::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, "the formula does not give a number")
            .detail(format!("It gives {}.", column.type_name))
            .hint("A formula may give a number, a boolean (1 or 0) or an interval (seconds); cast it, as in sum(x)::numeric.")),
    }
}

fn dimension_types(source: &Source) -> Result<Vec<(String, String)>, Error> {
    // The types are named for a place where the caller's search path does not hold.
    let _owner = Identity::extension_owner()?;
    let types = spi::query(
        Mode::Write,
        "SELECT pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1::regclass AND attname ~ '^d[0-9]+$' ORDER BY substr(attname, 2)::int",
        &[arg(source.object("day"))],
        |row| Ok(row.text(1)),
    )?;
    Ok(source.dimensions.iter().cloned().zip(types).collect())
}

fn compile_derived(code: &str, derived: Derived) -> Result<Compiled, Error> {
    let mut zone: Option<(String, String)> = None;
    let mut columns: Option<Vec<(String, String)>> = None;
    for part in &derived.codes {
        let kpi = lookup::kpi(Mode::Write, part)?;
        lookup::check_owner(&format!("KPI \"{part}\""), kpi.owner)?;
        check_cycle(code, &kpi, &mut vec![code.to_string()])?;
        let (part_zone, part_columns) = frame_of(&kpi)?;
        match &zone {
            Some((first, other)) if *other != part_zone => {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                    "the KPIs have days of different time zones",
                )
                .detail(format!("{first} is in {other}, {part} is in {part_zone}."))
                .hint("Create their sources with the same timezone."));
            }
            Some(_) => (),
            None => zone = Some((part.clone(), part_zone)),
        }
        columns = Some(match columns {
            None => part_columns,
            Some(so_far) => so_far.into_iter().filter(|c| part_columns.contains(c)).collect(),
        });
    }
    let value = derived.value.render(&|i| ident(&format!("kpi v{}", i + 1)));
    let inputs: Vec<String> = (1..=derived.codes.len())
        .map(|i| format!("NULL::float8 AS {}", ident(&format!("kpi v{i}"))))
        .collect();
    let _caller = Identity::assume(identity::current_role(), "pg_catalog", "UTC")?;
    let probe = prepare::columns(
        &format!("SELECT {value} FROM (SELECT {}) q", inputs.join(", ")),
        "the formula",
    )?;
    Ok(Compiled {
        source: None,
        value_sql: as_float8(&value, &probe)?,
        states: Vec::new(),
        requires: derived.codes,
        columns: columns.unwrap_or_default(),
    })
}

/// Refuses a KPI that would be derived from itself.
fn check_cycle(code: &str, part: &Kpi, path: &mut Vec<String>) -> Result<(), Error> {
    path.push(part.code.clone());
    if part.code == code {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
            format!("KPI \"{code}\" would be derived from itself"),
        )
        .detail(format!("{}.", path.join(" needs ")))
        .hint("Take it out of the formula of one of them."));
    }
    for next in &part.requires {
        check_cycle(code, &lookup::kpi(Mode::Write, next)?, path)?;
    }
    path.pop();
    Ok(())
}

/// Time zone and dimensions of a KPI.
fn frame_of(kpi: &Kpi) -> Result<(String, Vec<(String, String)>), Error> {
    if let Some(id) = kpi.source {
        let source = lookup::source_by_id(Mode::Write, id)?;
        let columns = dimension_types(&source)?;
        return Ok((source.timezone, columns));
    }
    let mut frame: Option<(String, Vec<(String, String)>)> = None;
    for part in &kpi.requires {
        let (zone, columns) = frame_of(&lookup::kpi(Mode::Write, part)?)?;
        frame = Some(match frame {
            None => (zone, columns),
            Some((zone, so_far)) => (zone, so_far.into_iter().filter(|c| columns.contains(c)).collect()),
        });
    }
    Ok(frame.unwrap_or_default())
}
