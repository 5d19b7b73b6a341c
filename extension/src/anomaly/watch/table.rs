//! The table of a watch: its columns, and the rows that are there already.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::Watch;
use super::batch::{self, Group, Purpose};
use crate::catalog::lookup::{self, suggestion};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg, ident, literal, raw_arg};

/// Types of the value column.
const NUMBERS: &str = "smallint, integer, bigint, real, double precision, numeric";

/// A watched relation with the columns that are watched.
pub struct Table {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub time: String,
    pub value: String,
    /// Key columns, and whether JSON has what they hold.
    pub key: Vec<(String, bool)>,
}

/// Finds the table by its own name, or by that of a source, and checks its columns.
pub fn find(relation: &str, time: Option<String>, value: String, key: Vec<String>) -> Result<Table, Error> {
    let found = spi::first(
        Mode::Write,
        "SELECT c.oid, c.relkind::text, c.relispartition, c.relname::text, c.relowner, NULL::text FROM pg_catalog.pg_class c WHERE c.oid = to_regclass($1) \
         UNION ALL SELECT c.oid, c.relkind::text, c.relispartition, c.relname::text, c.relowner, s.time_column::text \
         FROM kpi.source s JOIN pg_catalog.pg_class c ON c.oid = s.relation WHERE s.name = $1 AND to_regclass($1) IS NULL",
        &[arg(relation)],
        |row| {
            Ok((
                row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID),
                row.text(2),
                row.get::<bool>(3).unwrap_or_default(),
                row.text(4),
                row.get::<pg_sys::Oid>(5).unwrap_or(pg_sys::Oid::INVALID),
                row.get::<String>(6),
            ))
        },
    )?;
    let Some((oid, kind, is_partition, name, owner, source_time)) = found else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("there is no table or source \"{relation}\""),
        )
        .detail("A table is named as in SQL, a source as in kpi.create_source.")
        .hint("For example kpi.watch('public.reading', 'at', 'temperature', key => '{device}')."));
    };
    if !["r", "p"].contains(&kind.as_str()) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("\"{relation}\" cannot be watched"),
        )
        .detail("Only tables have triggers on the rows of a statement.")
        .hint("Watch the table behind it, or a KPI: kpi.watch_kpi(code, period)."));
    }
    if is_partition {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("\"{relation}\" is a partition"),
        )
        .detail("Rows that are inserted into its parent would not be seen.")
        .hint("Watch the parent; rows that are inserted straight into a partition are not scored."));
    }
    lookup::check_owner(&format!("table {relation}"), owner)?;
    let time = time.or(source_time).ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "ts must not be null",
        )
        .detail("Only the table of a source has a time column that is known.")
        .hint("Name the column that orders the rows: kpi.watch('table', 'ts', 'value').")
    })?;
    check_column(
        oid,
        &time,
        "time",
        &["timestamp with time zone", "timestamp without time zone", "date"],
    )?;
    let numbers: Vec<&str> = NUMBERS.split(", ").collect();
    check_column(oid, &value, "value", &numbers)?;
    let key = key
        .into_iter()
        .map(|column| {
            let found = check_column(oid, &column, "key", &[])?;
            let plain = NUMBERS.split(", ").any(|number| number == found)
                || ["boolean", "character"].contains(&found.as_str());
            Ok((column, plain))
        })
        .collect::<Result<Vec<(String, bool)>, Error>>()?;
    Ok(Table {
        oid,
        name,
        time,
        value,
        key,
    })
}

/// A column that is there, of one of these types, of any where none is given; returns its type.
fn check_column(relation: pg_sys::Oid, name: &str, role: &str, types: &[&str]) -> Result<String, Error> {
    let columns = spi::query(
        Mode::Write,
        "SELECT attname::text, pg_catalog.format_type(atttypid, NULL) FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        &[arg(relation)],
        |row| Ok((row.text(1), row.text(2))),
    )?;
    let Some((_, found)) = columns.iter().find(|(column, _)| column == name) else {
        let names: Vec<String> = columns.into_iter().map(|(column, _)| column).collect();
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            format!("column \"{name}\" does not exist"),
        )
        .detail(format!("It was given as the {role} column."))
        .hint_opt(suggestion(
            name,
            &names,
            &format!("The columns are {}.", names.join(", ")),
        )));
    };
    if types.is_empty() || types.contains(&found.as_str()) {
        return Ok(found.clone());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!("column \"{name}\" cannot be the {role} column"),
    )
    .detail(format!("Its type is {found}."))
    .hint(format!("It must be one of {}.", types.join(", "))))
}

/// Has new detectors see the rows that are there already; the caller reads them.
pub fn learn_rows(
    watch: &Watch,
    table: &Table,
    qualified: &str,
    learn: Option<Interval>,
) -> Result<(), Error> {
    let time = ident(&table.time);
    let key: Vec<String> = table
        .key
        .iter()
        .map(|(column, plain)| {
            let cast = if *plain { "" } else { "::text" };
            format!("{}, t.{}{cast}", literal(column), ident(column))
        })
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    spi::scan(
        Mode::Write,
        &format!(
            "SELECT k.key::text, t.{time}::timestamptz, t.{value}::float8 FROM {qualified} t, \
             LATERAL (SELECT pg_catalog.jsonb_build_object({key}) AS key OFFSET 0) k \
             WHERE t.{time} > (SELECT max(m.{time}) FROM {qualified} m WHERE isfinite(m.{time})) - $1 AND isfinite(t.{time}) ORDER BY k.key, t.{time}",
            value = ident(&table.value),
            key = key.join(", "),
        ),
        &[raw_arg(pg_sys::INTERVALOID, learn.into_datum())],
        |row| {
            let key = row.text(1);
            let time = row.datum(2).map_or(0, |datum| datum.value() as i64);
            let value = row.get::<f64>(3).unwrap_or(f64::NAN);
            match groups.last_mut() {
                Some(group) if group.key == key => group.points.push((time, value)),
                _ => groups.push(Group {
                    key,
                    points: vec![(time, value)],
                }),
            }
            Ok(())
        },
    )?;
    let _owner = Identity::extension_owner()?;
    batch::observe(watch, groups, Purpose::Learn)?;
    Ok(())
}
