//! What a relation must be to become a source.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::lookup::{self, TimeType};
use crate::error::Error;
use crate::identity;
use crate::spi::{self, Mode, arg};

/// The columns of a relation with their types, and what kind it is.
pub struct Relation {
    pub name: String,
    kind: String,
    /// What people call its kind: table, partitioned table, hypertable, view and so on.
    pub called: String,
    pub columns: Vec<(String, pg_sys::Oid)>,
    inherited: bool,
    temporary: bool,
    system: bool,
}

/// A table of TimescaleDB, whose rows are in chunks that inherit from it.
pub const HYPERTABLE: &str = "hypertable";

/// Looks a relation up.
pub fn relation(oid: pg_sys::Oid) -> Result<Relation, Error> {
    let head = spi::first(
        Mode::Write,
        "SELECT c.oid::regclass::text, c.relkind::text, c.relpersistence = 't', \
         c.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \
         OR n.nspname IN ('kpi', 'kpi_rollup'), \
         c.relkind = 'r' AND c.relhassubclass AND EXISTS (SELECT FROM pg_catalog.pg_inherits i \
         WHERE i.inhparent = c.oid AND NOT i.inhdetachpending), kpi._relation_kind(c.oid) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
        &[arg(oid)],
        |row| {
            Ok(Relation {
                name: row.text(1),
                kind: row.text(2),
                temporary: row.get(3).unwrap_or_default(),
                system: row.get(4).unwrap_or_default(),
                inherited: row.get(5).unwrap_or_default(),
                called: row.text(6),
                columns: Vec::new(),
            })
        },
    )?;
    let mut relation = head.ok_or_else(|| {
        Error::new(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, "relation does not exist")
            .detail(format!("Oid {}.", oid.to_u32()))
    })?;
    relation.columns = spi::query(
        Mode::Write,
        "SELECT attname::text, atttypid FROM pg_catalog.pg_attribute \
         WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        &[arg(oid)],
        |row| Ok((row.text(1), row.get(2).unwrap_or(pg_sys::Oid::INVALID))),
    )?;
    Ok(relation)
}

/// Says whether the relation can be captured, or refuses it.
pub fn check_relation(
    relation: &Relation,
    oid: pg_sys::Oid,
    caller: pg_sys::Oid,
    window: bool,
) -> Result<bool, Error> {
    let name = &relation.name;
    let refuse = |message: String| Error::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, message);
    if !identity::may(caller, oid, pg_sys::ACL_SELECT) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for relation {name}"),
        )
        .detail("A source needs SELECT on its relation.")
        .hint(format!(
            "Its owner can grant it: GRANT SELECT, TRIGGER ON {name} TO <role>."
        )));
    }
    if relation.system {
        return Err(refuse(format!("{name} is a system relation")).hint("Use a table or view of your own."));
    }
    if relation.temporary {
        return Err(refuse(format!("{name} is a temporary relation"))
            .detail("A source outlives the session that a temporary relation belongs to.")
            .hint("Use a permanent table."));
    }
    match relation.kind.as_str() {
        "r" if relation.inherited && relation.called != HYPERTABLE => Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("{name} has tables that inherit from it"),
        )
        .detail("Writes to inheriting tables do not fire the triggers of their parent.")
        .hint("Use native partitioning, or a view over the tables with refresh_window.")),
        "r" | "p" => {
            if window {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                    "refresh_window is for relations that cannot be captured",
                )
                .detail(format!("{name} is a table: its writes are captured."))
                .hint("Leave refresh_window out."));
            }
            if !identity::may(caller, oid, pg_sys::ACL_TRIGGER) {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for relation {name}"),
                )
                .detail("Capturing its writes needs the TRIGGER privilege.")
                .hint(format!(
                    "Its owner can grant it: GRANT TRIGGER ON {name} TO <role>."
                )));
            }
            Ok(true)
        }
        "v" | "m" | "f" if window => Ok(false),
        "v" | "m" | "f" => Err(refuse(format!(
            "writes to {name} cannot be captured, because it is not a table"
        ))
        .hint("Say how far back its rows may change, as in refresh_window => '2 days'.")),
        _ => Err(refuse(format!("{name} is not a table or view"))),
    }
}

/// The type of the time column, or why it cannot be one.
pub fn check_time(relation: &Relation, time_column: &str) -> Result<TimeType, Error> {
    let Some((_, oid)) = relation.columns.iter().find(|(name, _)| name == time_column) else {
        let names: Vec<String> = relation.columns.iter().map(|(n, _)| n.clone()).collect();
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            format!(
                "column \"{time_column}\" of relation {} does not exist",
                relation.name
            ),
        )
        .hint_opt(lookup::suggestion(
            time_column,
            &names,
            &format!("Its columns are: {}.", names.join(", ")),
        )));
    };
    TimeType::of(*oid).ok_or_else(|| {
        let fit: Vec<&str> = relation
            .columns
            .iter()
            .filter(|(_, oid)| TimeType::of(*oid).is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        Error::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("time column \"{time_column}\" must be timestamptz, timestamp or date"),
        )
        .hint(if fit.is_empty() {
            "A view can cast it: CREATE VIEW v AS SELECT to_timestamp(epoch) AS ts, ...".to_string()
        } else {
            format!("Columns of such a type: {}.", fit.join(", "))
        })
    })
}
