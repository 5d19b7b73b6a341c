//! The typed view of a KPI: real columns for BI tools. It stands on a foreign table, which pushes the filters on time
//! and period down into the read, and its owner is the KPI's owner.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::lookup::{self, Kpi};
use crate::error::Error;
use crate::spi::{self, Mode, arg, ident, literal};

/// Name of a KPI's view: its code in lower case, with an underscore for what an identifier can't have.
pub fn name_of(code: &str) -> String {
    let name: String = code
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

/// Makes sure, as the caller, that the view can be put into its schema.
pub fn check_schema(schema: &str, view: &str) -> Result<(), Error> {
    if schema == "kpi_rollup" || schema == "kpi" || schema.starts_with("pg_") {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_RESERVED_NAME,
            format!("schema \"{schema}\" is not for views"),
        )
        .hint("Name another one in view_schema; the default is kpi_views."));
    }
    if schema != "kpi_views" {
        let may = spi::first(
            Mode::Write,
            "SELECT pg_catalog.has_schema_privilege(oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname = $1",
            &[arg(schema)],
            |row| Ok(row.get::<bool>(1).unwrap_or_default()),
        )?;
        match may {
            None => {
                spi::run(&format!("CREATE SCHEMA {}", ident(schema)), &[])?;
            }
            Some(false) => {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for schema {schema}"),
                )
                .hint(format!(
                    "Its owner can grant it: GRANT CREATE ON SCHEMA {} TO <role>.",
                    ident(schema)
                )));
            }
            Some(true) => (),
        }
    }
    let taken = spi::first(
        Mode::Write,
        "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = $2",
        &[arg(schema), arg(view)],
        |_| Ok(()),
    )?;
    if taken.is_some() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("relation \"{schema}.{view}\" already exists"),
        )
        .detail("The KPI's view would have that name.")
        .hint("Choose another code, or another view_schema."));
    }
    Ok(())
}

/// Creates foreign table and view; runs as the extension's owner.
pub fn create(
    id: i32,
    code: &str,
    schema: &str,
    name: &str,
    dimensions: &[(String, String)],
    owner: pg_sys::Oid,
) -> Result<pg_sys::Oid, Error> {
    let owner = lookup::role_name(owner)?;
    let table = foreign_table(id);
    let columns: String = dimensions
        .iter()
        .map(|(name, ty)| format!("{} {ty}, ", ident(name)))
        .collect();
    spi::run(
        &format!(
            "CREATE FOREIGN TABLE {table} (ts timestamptz, period text, {columns}value float8, target float8, \
             status text) SERVER pg_kpi OPTIONS (code {})",
            literal(code)
        ),
        &[],
    )?;
    let view = format!("{}.{}", ident(schema), ident(name));
    spi::run(&format!("CREATE VIEW {view} AS SELECT * FROM {table}"), &[])?;
    for (kind, object) in [("FOREIGN TABLE", &table), ("VIEW", &view)] {
        spi::run(&format!("ALTER {kind} {object} OWNER TO {owner}"), &[])?;
    }
    let oid = spi::first(Mode::Write, "SELECT $1::regclass::oid", &[arg(view)], |row| {
        Ok(row.get::<pg_sys::Oid>(1))
    })?;
    Ok(oid.flatten().unwrap_or(pg_sys::Oid::INVALID))
}

fn foreign_table(id: i32) -> String {
    format!("kpi_rollup.kpi_{id}")
}

/// Comments on the view and its columns what the catalog says of the KPI; runs as the extension's owner.
pub fn comment(code: &str) -> Result<(), Error> {
    let texts = spi::query(
        Mode::Write,
        "SELECT pg_catalog.format('COMMENT ON %s IS %L', object, text) FROM (\
           SELECT 'VIEW ' || view::text, concat_ws(': ', coalesce(name, code), coalesce(description, formula)) \
             FROM kpi.kpi WHERE code = $1 \
           UNION ALL SELECT 'COLUMN ' || view::text || '.' || c, t FROM kpi.kpi, \
             (VALUES ('ts', 'start of the bucket'), \
                     ('period', 'minute, hour, day, week, month, quarter or year; filter on one'), \
                     ('target', 'target of the KPI'), ('status', 'ok, warn or bad; null without a target')) x(c, t) \
             WHERE code = $1 \
           UNION ALL SELECT pg_catalog.format('COLUMN %s.%I', k.view, a.attname), 'dimension' || coalesce(' of ' || s.name, '') \
             FROM kpi.kpi k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.view LEFT JOIN kpi.source s ON s.id = k.source_id \
             WHERE k.code = $1 AND a.attname NOT IN ('ts', 'period', 'value', 'target', 'status') \
           UNION ALL SELECT 'COLUMN ' || view::text || '.value', \
             concat_ws(' ', coalesce(name, code), 'in ' || unit) FROM kpi.kpi WHERE code = $1) o(object, text)",
        &[arg(code)],
        |row| Ok(row.text(1)),
    )?;
    for text in texts {
        spi::run(&text, &[])?;
    }
    Ok(())
}

/// Refuses a formula that would change the columns of the view.
pub fn check_columns(kpi: &Kpi, dimensions: &[(String, String)]) -> Result<(), Error> {
    let present = spi::query(
        Mode::Write,
        "SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1 AND attnum > 2 AND attname NOT IN ('value', 'target', 'status') ORDER BY attnum",
        &[arg(kpi.view)],
        |row| Ok((row.text(1), row.text(2))),
    )?;
    if present == dimensions {
        return Ok(());
    }
    let list = |d: &[(String, String)]| {
        d.iter()
            .map(|(n, t)| format!("{n} {t}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
        format!(
            "the formula would change the columns of the view of KPI \"{}\"",
            kpi.code
        ),
    )
    .detail(format!(
        "Dimensions now ({}), then ({}).",
        list(&present),
        list(dimensions)
    ))
    .hint(format!(
        "Drop it with kpi.drop_kpi({}) and create it anew.",
        literal(&kpi.code)
    )))
}

/// Drops view and foreign table; runs as the extension's owner, after the catalog row is gone.
pub fn drop(kpi: &Kpi, cascade: bool) -> Result<(), Error> {
    let tables = spi::query(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_depend d \
         JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass \
         JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind = 'f' \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'kpi_rollup' \
         WHERE r.ev_class = $1 GROUP BY 1",
        &[arg(kpi.view)],
        |row| Ok(row.text(1)),
    )?;
    let how = if cascade { "CASCADE" } else { "RESTRICT" };
    spi::run(
        &format!("DROP VIEW {} {how}", lookup::qualified_name(kpi.view)?),
        &[],
    )?;
    for table in tables {
        spi::run(&format!("DROP FOREIGN TABLE IF EXISTS {table}"), &[])?;
    }
    Ok(())
}
