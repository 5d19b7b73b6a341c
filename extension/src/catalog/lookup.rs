//! Reading the catalog.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::relation::HYPERTABLE;
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::installed;
use crate::spi::{self, Mode, arg, ident};

/// What kind of time a source's time column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeType {
    /// An instant.
    Timestamptz,
    /// Wall-clock time in the source's zone.
    Timestamp,
    /// A day in the source's zone: nothing finer than days is known.
    Date,
}

impl TimeType {
    /// The time type of a column, if it is one.
    pub fn of(oid: pg_sys::Oid) -> Option<Self> {
        match oid {
            pg_sys::TIMESTAMPTZOID => Some(Self::Timestamptz),
            pg_sys::TIMESTAMPOID => Some(Self::Timestamp),
            pg_sys::DATEOID => Some(Self::Date),
            _ => None,
        }
    }

    /// SQL type of a bucket's start.
    pub fn bucket_type(self) -> &'static str {
        if self == Self::Timestamptz {
            "timestamptz"
        } else {
            "timestamp"
        }
    }

    /// Oid of an array of bucket starts.
    pub fn bucket_array(self) -> (pg_sys::Oid, pg_sys::Oid) {
        if self == Self::Timestamptz {
            (pg_sys::TIMESTAMPTZOID, pg_sys::TIMESTAMPTZARRAYOID)
        } else {
            (pg_sys::TIMESTAMPOID, pg_sys::TIMESTAMPARRAYOID)
        }
    }
}

/// A source, as the catalog has it.
#[derive(Clone, Debug)]
pub struct Source {
    pub id: i32,
    pub name: String,
    pub relation: pg_sys::Oid,
    pub time_column: String,
    pub time_type: TimeType,
    pub dimensions: Vec<String>,
    pub expressions: Vec<String>,
    pub timezone: String,
    pub captured: bool,
    pub search_path: String,
    pub columns: Vec<String>,
    pub owner: pg_sys::Oid,
    /// Whether an index leads with the time column, so that a bucket's raw rows can be found.
    pub indexed: bool,
    /// How far back a source that cannot be captured is always read from its relation, as the text of an interval.
    pub refresh_window: Option<String>,
    pub hypertable: bool,
    /// Whether the rollup of dropped partitions and chunks stays.
    pub keeps: bool,
}

impl Source {
    /// Name of a table or view of this source in `kpi_rollup`.
    pub fn object(&self, suffix: &str) -> String {
        format!("kpi_rollup.{}", ident(&format!("{}_{suffix}", self.name)))
    }

    /// The materialised levels, finest first.
    pub fn levels(&self) -> &'static [&'static str] {
        self.time_type.levels()
    }
}

impl TimeType {
    /// The materialised levels, finest first.
    pub fn levels(self) -> &'static [&'static str] {
        if self == Self::Date {
            &["day"]
        } else {
            &["minute", "quarter_hour", "hour", "day"]
        }
    }
}

/// A mergeable state of a source.
#[derive(Clone, Debug)]
pub struct StateColumn {
    pub position: i32,
    pub partial: String,
    pub merge: String,
    pub filled: bool,
}

impl StateColumn {
    /// The column's name in the rollup tables.
    pub fn name(&self) -> String {
        format!("s{}", self.position)
    }
}

/// A KPI, as the catalog has it.
#[derive(Clone, Debug)]
pub struct Kpi {
    pub code: String,
    /// `None` for a KPI that combines others.
    pub source: Option<i32>,
    pub value_sql: String,
    pub states: Vec<i32>,
    pub requires: Vec<String>,
    pub view: pg_sys::Oid,
    pub owner: pg_sys::Oid,
}

macro_rules! source_where {
    ($condition:literal) => {
        concat!(
            "SELECT s.id, s.name, s.relation::oid, s.time_column::text, s.time_type::oid, s.dimensions, \
             s.expressions, s.timezone, s.captured, s.search_path, s.columns, v.relowner, s.refresh_window::text, \
             EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = s.relation AND a.attname = s.time_column \
                     AND a.attnum = ANY (SELECT i.indkey[0] FROM pg_catalog.pg_index i \
                     WHERE i.indrelid = s.relation AND i.indpred IS NULL AND i.indisvalid)), \
             s.kind, s.on_drop FROM kpi.source s JOIN pg_catalog.pg_class v ON v.relname = s.name || '_input' \
             AND v.relnamespace = 'kpi_rollup'::regnamespace WHERE ",
            $condition
        )
    };
}

fn source_of(row: &spi::Row) -> Result<Source, Error> {
    let oid = |column| row.get::<pg_sys::Oid>(column).unwrap_or(pg_sys::Oid::INVALID);
    let hypertable = row.text(15) == HYPERTABLE;
    let list = |column| row.get::<Vec<String>>(column).unwrap_or_default();
    Ok(Source {
        id: row.get(1).unwrap_or_default(),
        name: row.text(2),
        relation: oid(3),
        time_column: row.text(4),
        time_type: TimeType::of(oid(5)).unwrap_or(TimeType::Timestamptz),
        dimensions: list(6),
        expressions: list(7),
        timezone: row.text(8),
        captured: row.get(9).unwrap_or_default(),
        search_path: row.text(10),
        columns: list(11),
        owner: oid(12),
        refresh_window: row.get(13),
        indexed: row.get(14).unwrap_or_default(),
        hypertable,
        keeps: row
            .get::<String>(16)
            .map_or(hypertable, |on_drop| on_drop == "keep"),
    })
}

/// A source by name.
pub fn source(mode: Mode, name: &str) -> Result<Source, Error> {
    installed::check(mode)?;
    spi::first_kept(mode, source_where!("s.name = $1"), &[arg(name)], source_of)?.ok_or_else(|| {
        let names = spi::query(mode, "SELECT name FROM kpi.source ORDER BY name", &[], |r| {
            Ok(r.text(1))
        })
        .unwrap_or_default();
        Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("source \"{name}\" does not exist"),
        )
        .hint_opt(suggestion(
            name,
            &names,
            "Create it with kpi.create_source(name, relation, time_column).",
        ))
    })
}

/// A source by number.
pub fn source_by_id(mode: Mode, id: i32) -> Result<Source, Error> {
    installed::check(mode)?;
    spi::first_kept(mode, source_where!("s.id = $1"), &[arg(id)], source_of)?.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            "source of the KPI does not exist",
        )
        .detail(format!("Source number {id}."))
        .hint("Drop the KPI with kpi.drop_kpi and define it again.")
    })
}

/// Locks a source against refreshes and changes of its KPIs until the transaction ends, and reads it again: who waited
/// for the lock must not go on with what was before.
pub fn lock_source(source: &Source) -> Result<Source, Error> {
    // The table first, as DROP TABLE does, which ends at the source: the other way round they would wait for each other.
    // SAFETY: a lock on a number, which may be of no table any more; it is given back at the end of the transaction.
    unsafe { pg_sys::LockRelationOid(source.relation, pg_sys::AccessShareLock as i32) };
    {
        let _owner = Identity::extension_owner()?;
        spi::run(
            "SELECT FROM kpi.source WHERE id = $1 FOR NO KEY UPDATE",
            &[arg(source.id)],
        )?;
    }
    self::source(Mode::Write, &source.name)
}

/// The states of a source, by position.
pub fn states(mode: Mode, source: i32) -> Result<Vec<StateColumn>, Error> {
    spi::query_kept(
        mode,
        "SELECT position, partial, merge, filled FROM kpi.state WHERE source_id = $1 ORDER BY position",
        &[arg(source)],
        |row| {
            Ok(StateColumn {
                position: row.get(1).unwrap_or_default(),
                partial: row.text(2),
                merge: row.text(3),
                filled: row.get(4).unwrap_or_default(),
            })
        },
    )
}

/// A KPI by code.
pub fn kpi(mode: Mode, code: &str) -> Result<Kpi, Error> {
    installed::check(mode)?;
    let found = spi::first_kept(
        mode,
        "SELECT k.code, k.source_id, k.value_sql, k.states, k.requires, k.view::oid, v.relowner \
         FROM kpi.kpi k JOIN pg_catalog.pg_class v ON v.oid = k.view WHERE k.code = $1",
        &[arg(code)],
        |row| {
            Ok(Kpi {
                code: row.text(1),
                source: row.get(2),
                value_sql: row.text(3),
                states: row.get(4).unwrap_or_default(),
                requires: row.get(5).unwrap_or_default(),
                view: row.get(6).unwrap_or(pg_sys::Oid::INVALID),
                owner: row.get(7).unwrap_or(pg_sys::Oid::INVALID),
            })
        },
    )?;
    found.ok_or_else(|| {
        let codes = spi::query(mode, "SELECT code FROM kpi.kpi ORDER BY code", &[], |r| {
            Ok(r.text(1))
        })
        .unwrap_or_default();
        no_such_kpi(code, &codes)
    })
}

fn no_such_kpi(code: &str, codes: &[String]) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("KPI \"{code}\" does not exist"),
    )
    .detail("SELECT code FROM kpi.catalog lists those that do.")
    .hint_opt(suggestion(
        code,
        codes,
        "Define it with kpi.create_kpi(code, source, formula).",
    ))
}

/// Refuses a caller who may not read a KPI.
pub fn check_readable(kpi: &Kpi) -> Result<(), Error> {
    let caller = identity::current_role();
    // Rights, unlike rows, are of now: whether another session's DROP or REVOKE has been heard of must not depend on which
    // locks this transaction happens to hold.
    // SAFETY: no cached tuple or relation is in use across the call.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if !identity::exists(kpi.view) {
        return Err(no_such_kpi(&kpi.code, &[]));
    }
    if identity::may(caller, kpi.view, pg_sys::ACL_SELECT) {
        return Ok(());
    }
    let view = relation_name(kpi.view)?;
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for KPI \"{}\"", kpi.code),
    )
    .detail(format!("Reading it needs SELECT on its view {view}."))
    .hint(format!(
        "Its owner can grant it: GRANT SELECT ON {view} TO <role>."
    )))
}

/// Refuses a caller who is not the owner.
pub fn check_owner(what: &str, owner: pg_sys::Oid) -> Result<(), Error> {
    if identity::acts_for(identity::current_role(), owner) {
        return Ok(());
    }
    let owner = role_name(owner)?;
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of {what}"),
    )
    .detail(format!("The owner is {owner}."))
    .hint(format!("Run it as {owner}, or as a member of that role.")))
}

/// A relation's name as SQL would write it.
pub fn relation_name(relation: pg_sys::Oid) -> Result<String, Error> {
    Ok(
        spi::first(Mode::Write, "SELECT $1::regclass::text", &[arg(relation)], |r| {
            Ok(r.text(1))
        })?
        .unwrap_or_default(),
    )
}

/// A relation's name with its schema, quoted.
pub fn qualified_name(relation: pg_sys::Oid) -> Result<String, Error> {
    let name = spi::first(
        Mode::Write,
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
        &[arg(relation)],
        |row| Ok(row.text(1)),
    )?;
    Ok(name.unwrap_or_default())
}

/// A role's name, quoted.
pub fn role_name(role: pg_sys::Oid) -> Result<String, Error> {
    let sql = "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid($1))";
    Ok(spi::first(Mode::Write, sql, &[arg(role)], |row| Ok(row.text(1)))?.unwrap_or_default())
}

/// "Perhaps you meant", with the nearest name; `otherwise` when none is near.
pub fn suggestion(wanted: &str, names: &[String], otherwise: &str) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let nearest = names
        .iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .min()
        .filter(|(d, _)| *d <= 1 + wanted.chars().count() / 3);
    Some(nearest.map_or_else(
        || otherwise.to_string(),
        |(_, name)| format!("Perhaps you meant \"{name}\"."),
    ))
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (cb, above) in b.iter().zip(row.iter().skip(1)) {
            let cell = (corner + usize::from(ca != *cb)).min(left + 1).min(above + 1);
            corner = *above;
            left = cell;
            next.push(cell);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
