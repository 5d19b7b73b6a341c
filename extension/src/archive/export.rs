//! An export: rows of a table, in the order of time, into objects of its store.

use kpi_archive::{Column, Compression, FileMetadata, Key, Kind, Schema, Store, WriteOptions};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::objects::{Objects, Plan};
use super::only::Only;
use super::receiver::{self, Stopped};
use super::retention::Retention;
use super::{kinds, overrides, owner};
use crate::error::Error;
use crate::identity::Identity;
use crate::spi::{self, Mode, arg};

/// What was committed to before anything is written.
pub struct Intent {
    pub id: pgrx::Uuid,
    pub kind: String,
    pub partition: pg_sys::Oid,
    pub since: i64,
    pub until: i64,
    /// Objects that the new ones replace.
    pub files: Vec<i64>,
    /// Which rows of them are not to be in the new ones.
    pub condition: Option<String>,
    /// What the keys of its objects begin with.
    pub prefix: String,
}

/// Which rows.
pub enum Rows {
    /// All of a partition or chunk.
    Part(pg_sys::Oid),
    /// The late rows of the intent's range, which are deleted, and those of the objects that they belong to, but for those that
    /// are to be dropped.
    Late { files: Vec<i64> },
}

/// A UUID as PostgreSQL writes it.
pub fn hyphenated(id: &pgrx::Uuid) -> String {
    id.to_string()
}

/// An intent that is there.
pub fn intent(id: pgrx::Uuid) -> Result<Option<Intent>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::first(
        Mode::Write,
        "SELECT kind, partition, since, until, replaces, condition, prefix FROM kpi.archive_intent WHERE id = $1",
        &[arg(id)],
        |row| {
            Ok(Intent {
                id,
                kind: row.text(1),
                partition: row.get(2).unwrap_or(pg_sys::Oid::INVALID),
                since: row.get(3).unwrap_or(i64::MIN),
                until: row.get(4).unwrap_or(i64::MAX),
                files: row.get(5).unwrap_or_default(),
                condition: row.get(6),
                prefix: row.text(7),
            })
        },
    )
}

/// A column of the table as it is now.
struct Attribute {
    number: i32,
    name: String,
    type_oid: pg_sys::Oid,
    typmod: i32,
}

fn attributes(retention: &Retention) -> Result<Vec<Attribute>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::query(
        Mode::Write,
        "SELECT c.field_id, a.attname::text, a.atttypid, a.atttypmod \
         FROM kpi.archive_column c JOIN pg_catalog.pg_attribute a ON a.attname = c.name WHERE c.retention_id = $2 AND a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        &[arg(retention.relation), arg(retention.id)],
        |row| {
            Ok(Attribute {
                number: row.get(1).unwrap_or_default(),
                name: row.text(2),
                type_oid: row.get(3).unwrap_or(pg_sys::Oid::INVALID),
                typmod: row.get(4).unwrap_or(-1),
            })
        },
    )
}

/// Writes rows into objects; their entries for the manifest.
pub fn export(retention: &Retention, intent: &Intent, rows: Rows) -> Result<Vec<serde_json::Value>, Error> {
    let server = retention.store()?;
    let opened = super::retention::open_store(server, retention.owner)?;
    let (store, key) = (&opened.store, &opened.key);
    let prefix = &intent.prefix;
    let replaces = replaced_keys(&intent.files)?;
    let attributes = attributes(retention)?;
    let mut as_text = vec![false; attributes.len()];
    loop {
        let schema = schema(retention, &attributes, &as_text);
        let done = attempt(
            retention,
            intent,
            &rows,
            store,
            key,
            prefix,
            &replaces,
            &attributes,
            schema,
        );
        match done {
            Ok(files) => return Ok(files),
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::NotRepresentable(column)) => {
                match as_text.get_mut(column) {
                    Some(text) if !*text => *text = true,
                    _ => {
                        return Err(Error::new(
                            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                            format!(
                                "a value of column {column} of table {} cannot be archived",
                                retention.name
                            ),
                        ));
                    }
                }
                for entry in store.list(&format!("{prefix}/"))? {
                    store.delete(&entry.key)?;
                }
            }
        }
    }
}

fn schema(retention: &Retention, attributes: &[Attribute], as_text: &[bool]) -> Schema {
    Schema {
        columns: attributes
            .iter()
            .zip(as_text)
            .map(|(attribute, &text)| Column {
                name: attribute.name.clone(),
                field_id: attribute.number,
                pg_type: kinds::type_name(attribute.type_oid, attribute.typmod),
                kind: if text {
                    Kind::Text
                } else {
                    kinds::storage(attribute.type_oid, attribute.typmod).kind
                },
                bloom: retention.bloom.contains(&attribute.name),
            })
            .collect(),
    }
}

#[allow(clippy::too_many_arguments)]
fn attempt(
    retention: &Retention,
    intent: &Intent,
    rows: &Rows,
    store: &Store,
    key: &Option<Key>,
    prefix: &str,
    replaces: &[String],
    attributes: &[Attribute],
    schema: Schema,
) -> Result<Vec<serde_json::Value>, Stopped> {
    let time_column = attributes
        .iter()
        .position(|attribute| attribute.name == retention.time_column)
        .unwrap_or_default();
    let options = WriteOptions {
        compression: compression(&retention.compression),
        encryption: key.clone(),
        time_column,
        // NULL sorts last in both, and a time that went as text is in no order that a file could declare.
        sorted: matches!(
            schema.columns.get(time_column).map(|column| column.kind),
            Some(Kind::Timestamp { .. } | Kind::Date)
        ),
        ..WriteOptions::default()
    };
    let metadata = FileMetadata {
        owner: owner::id().map_err(Stopped::Failed)?,
        retention: retention.id,
        relation: qualified(retention.relation).map_err(Stopped::Failed)?,
        intent: hyphenated(&intent.id),
        time_column: retention.time_column.clone(),
        since: intent.since,
        until: intent.until,
        replaces: replaces.to_vec(),
        written_at: now()?,
        ..FileMetadata::default()
    };
    let types: Vec<pg_sys::Oid> = attributes
        .iter()
        .map(|attribute| kinds::storage(attribute.type_oid, attribute.typmod).base)
        .collect();
    let plan = Plan {
        schema: schema.clone(),
        options,
        metadata,
        prefix: prefix.to_string(),
        key: key.clone(),
    };
    let mut objects = Objects::new(store, plan).map_err(Stopped::Failed)?;
    let names: Vec<String> = attributes
        .iter()
        .map(|attribute| spi::ident(&attribute.name))
        .collect();
    let sql = statement(retention, intent, rows, &names.join(", ")).map_err(Stopped::Failed)?;
    let path = match intent.condition {
        Some(_) => overrides::path(retention).map_err(Stopped::Failed)?,
        None => "pg_catalog".to_string(),
    };
    {
        // As the table's owner, whom its policies must not hide rows from; texts come out the same in every session.
        let role = Identity::assume(retention.owner, &path, "UTC").map_err(Stopped::Failed)?;
        for (name, value) in [
            ("row_security", "off"),
            ("extra_float_digits", "1"),
            ("bytea_output", "hex"),
            ("xmlbinary", "base64"),
            ("lc_monetary", "C"),
            ("work_mem", "32MB"),
        ] {
            role.set(name, value).map_err(Stopped::Failed)?;
        }
        let _only = match rows {
            Rows::Part(_) => None,
            Rows::Late { files } => Some(Only::files(files.clone())),
        };
        receiver::export(&sql, &types, &schema, &mut objects)?;
    }
    objects.finish().map_err(Stopped::Failed)
}

/// The query for the rows, in the order of time.
fn statement(retention: &Retention, intent: &Intent, rows: &Rows, columns: &str) -> Result<String, Error> {
    let order = spi::ident(&retention.time_column);
    match rows {
        Rows::Part(part) => Ok(format!(
            "SELECT {columns} FROM {} ORDER BY {order}",
            qualified(*part)?
        )),
        Rows::Late { .. } => {
            let range = time_condition(retention, intent.since, intent.until)?;
            let wanted = match &intent.condition {
                Some(condition) => format!("{range} AND ({condition}) IS NOT TRUE"),
                None => range.clone(),
            };
            let mut sources = Vec::new();
            if !intent.files.is_empty() {
                for part in segments(retention, intent.since, intent.until)? {
                    sources.push(format!("SELECT {columns} FROM {part} WHERE {wanted}"));
                }
            }
            let with = match &retention.late {
                Some(late) => {
                    sources.push(format!("SELECT {columns} FROM late WHERE {wanted}"));
                    format!("WITH late AS (DELETE FROM {late} WHERE {range} RETURNING {columns}) ")
                }
                None => String::new(),
            };
            Ok(format!(
                "{with}SELECT {columns} FROM ({}) q ORDER BY {order}",
                sources.join(" UNION ALL ")
            ))
        }
    }
}

/// A condition on the time column of a table.
pub fn time_condition(retention: &Retention, since: i64, until: i64) -> Result<String, Error> {
    let _owner = Identity::extension_owner()?;
    let condition = spi::first(
        Mode::Write,
        "SELECT kpi._time_condition($2, r, $3, $4) FROM kpi.retention r WHERE r.id = $1",
        &[
            arg(retention.id),
            arg(spi::ident(&retention.time_column)),
            arg(since),
            arg(until),
        ],
        |row| Ok(row.text(1)),
    )?;
    Ok(condition.unwrap_or_default())
}

/// The foreign tables that show a range.
pub fn segments(retention: &Retention, since: i64, until: i64) -> Result<Vec<String>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::query(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM kpi.archive_segment s \
         JOIN pg_catalog.pg_class c ON c.oid = s.foreign_table JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE s.retention_id = $1 AND s.since < $3 AND s.until > $2 ORDER BY s.since",
        &[arg(retention.id), arg(since), arg(until)],
        |row| Ok(row.text(1)),
    )
}

/// Objects that nothing shows any more once these entries of the manifest are gone. One that goes on showing another range is not
/// replaced: whoever rebuilds the manifest from the store needs it.
fn replaced_keys(files: &[i64]) -> Result<Vec<String>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::query(
        Mode::Write,
        "SELECT DISTINCT f.key FROM kpi.archive_file f WHERE f.id = ANY ($1) \
         AND NOT EXISTS (SELECT FROM kpi.archive_file o WHERE o.key = f.key AND o.retention_id = f.retention_id AND o.id <> ALL ($1)) ORDER BY f.key",
        &[arg(files.to_vec())],
        |row| Ok(row.text(1)),
    )
}

/// A relation's name with its schema.
pub fn qualified(relation: pg_sys::Oid) -> Result<String, Error> {
    spi::first(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
        &[arg(relation)],
        |row| Ok(row.text(1)),
    )?
    .ok_or_else(|| Error::new(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, "the table is gone"))
}

/// The time, as an ISO text.
fn now() -> Result<String, Stopped> {
    let text = spi::first(
        Mode::Write,
        "SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        &[],
        |row| Ok(row.text(1)),
    );
    Ok(text.map_err(Stopped::Failed)?.unwrap_or_default())
}

fn compression(name: &str) -> Compression {
    match name {
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "none" => Compression::None,
        _ => Compression::Zstd(3),
    }
}
