//! Retention rules: what is kept of a table, where, and for how long.

use std::ffi::CString;
use std::rc::Rc;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::qualified;
use super::store::{self, Opened};
use super::{lock, overrides};
use crate::catalog::lookup;
use crate::error::{Error, required};
use crate::identity::{self, Identity};
use crate::read_only::check_writable;
use crate::spi::{self, Mode, arg, raw_arg};

/// A row of `kpi.retention`, as far as the steps of an archive need it.
pub struct Retention {
    pub id: i32,
    pub relation: pg_sys::Oid,
    pub name: String,
    pub owner: pg_sys::Oid,
    pub time_column: String,
    pub server: Option<String>,
    pub archive_after: bool,
    pub compression: String,
    pub bloom: Vec<String>,
    pub before_archive: Option<String>,
    pub after_archive: Option<String>,
    pub kind: String,
    pub late: Option<String>,
}

fn undefined(relation: pg_sys::Oid) -> Error {
    let name = relation_name(relation);
    Error::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("table {name} has no retention"),
    )
    .detail("kpi.set_retention says what of a table is archived and dropped, and when.")
    .hint(format!(
        "SELECT kpi.set_retention('{}', archive_after => '90 days', store => '...');",
        name.replace('\'', "''")
    ))
}

/// A table's name as the caller would write it.
pub fn relation_name(relation: pg_sys::Oid) -> String {
    spi::first(
        Mode::Read,
        "SELECT $1::pg_catalog.regclass::text",
        &[arg(relation)],
        |row| Ok(row.text(1)),
    )
    .ok()
    .flatten()
    .unwrap_or_else(|| relation.to_u32().to_string())
}

/// The retention of a table that the caller owns.
pub fn owned(relation: pg_sys::Oid) -> Result<Retention, Error> {
    let owner = check_owner(relation)?;
    let name = relation_name(relation);
    let found = by("r.relation = $1::oid", arg(relation), owner, &name)?;
    found.ok_or_else(|| undefined(relation))
}

/// The retention of an intent on a table that the caller owns, and whether this session has its lock.
pub fn of_intent(intent: pgrx::Uuid) -> Result<Retention, Error> {
    let relation = {
        let _owner = Identity::extension_owner()?;
        spi::first(
            Mode::Write,
            "SELECT r.relation::oid FROM kpi.archive_intent i JOIN kpi.retention r ON r.id = i.retention_id WHERE i.id = $1",
            &[arg(intent)],
            |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
        )?
    };
    let relation = relation.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this step of an archive is not to be done",
        )
        .detail("There is no intent that it belongs to.")
        .hint("CALL kpi.archive(table) does all steps.")
    })?;
    let retention = owned(relation)?;
    if !lock::is_mine(retention.id) {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the steps of an archive belong to the session that began it",
        )
        .hint("CALL kpi.archive(table) does all steps."));
    }
    Ok(retention)
}

fn by(
    condition: &str,
    argument: spi::Arg,
    owner: pg_sys::Oid,
    name: &str,
) -> Result<Option<Retention>, Error> {
    let _owner = Identity::extension_owner()?;
    spi::first(
        Mode::Write,
        &format!(
            "SELECT r.id, r.relation::oid, r.time_column::text, r.server::text, r.archive_after IS NOT NULL, r.compression, r.bloom, \
                    r.before_archive::text, r.after_archive::text, r.kind, r.late::text \
             FROM kpi.retention r WHERE {condition}"
        ),
        &[argument],
        |row| {
            Ok(Retention {
                id: row.get(1).unwrap_or_default(),
                relation: row.get(2).unwrap_or(pg_sys::Oid::INVALID),
                name: name.to_string(),
                owner,
                time_column: row.text(3),
                server: row.get(4),
                archive_after: row.get(5).unwrap_or_default(),
                compression: row.text(6),
                bloom: row.get(7).unwrap_or_default(),
                before_archive: row.get(8),
                after_archive: row.get(9),
                kind: row.text(10),
                late: row.get(11),
            })
        },
    )
}

/// The owner of a table, where the caller is it or a member of it.
pub fn check_owner(relation: pg_sys::Oid) -> Result<pg_sys::Oid, Error> {
    let owner = spi::first(
        Mode::Read,
        "SELECT relowner FROM pg_catalog.pg_class WHERE oid = $1",
        &[arg(relation)],
        |row| Ok(row.get::<pg_sys::Oid>(1).unwrap_or(pg_sys::Oid::INVALID)),
    )?
    .ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            "the table does not exist",
        )
        .detail(format!("There is none with the OID {}.", relation.to_u32()))
    })?;
    if !identity::acts_for(identity::current_role(), owner) {
        let owner = lookup::role_name(owner)?;
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of table {}", relation_name(relation)),
        )
        .detail(format!("The owner is {owner}."))
        .hint(format!("Run it as {owner}, or as a member of that role.")));
    }
    Ok(owner)
}

impl Retention {
    /// The server that rows go to.
    pub fn store(&self) -> Result<&str, Error> {
        self.server.as_deref().ok_or_else(|| {
            Error::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("table {} has no store", self.name),
            )
            .detail("Its retention drops rows and does not archive them.")
            .hint(format!(
                "SELECT kpi.set_retention('{}', archive_after => '90 days', store => '...');",
                self.name
            ))
        })
    }
}

/// `kpi.set_retention(...)`.
#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn set_retention(
    relation: Option<pg_sys::Oid>,
    archive_after: Option<Interval>,
    store: Option<&str>,
    drop_after: Option<Interval>,
    compression: Option<&str>,
    bloom: Option<Vec<Option<String>>>,
    grace: Option<Interval>,
    before_archive: Option<pg_sys::Oid>,
    after_archive: Option<pg_sys::Oid>,
    schedule: Option<&str>,
    condition: Option<&str>,
) -> Result<(), ErrorReport> {
    check_writable("kpi.set_retention", "kpi.archive_status can be read here.")?;
    let relation = required(relation, "relation")?;
    check_owner(relation)?;
    if let Some(condition) = condition {
        let other = [
            ("archive_after", archive_after.is_some()),
            ("store", store.is_some()),
            ("compression", compression.is_some()),
            ("bloom", bloom.is_some()),
            ("grace", grace.is_some()),
            ("before_archive", before_archive.is_some()),
            ("after_archive", after_archive.is_some()),
        ];
        if let Some((name, _)) = other.iter().find(|(_, given)| *given) {
            Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("{name} cannot be different for some rows of a table"),
            )
            .detail("Whole partitions move to a store. What rows of a condition can have of their own is drop_after.")
            .hint(format!(
                "SELECT kpi.set_retention('{}', drop_after => '1 year', \"where\" => '...');",
                relation_name(relation).replace('\'', "''")
            )))?;
        }
        return Ok(overrides::set(relation, condition, drop_after)?);
    }
    if let Some(store) = store {
        check_server(store)?;
    }
    // SAFETY: asks the server's state.
    if archive_after.is_some()
        && unsafe { pg_sys::GetDatabaseEncoding() } == pg_sys::pg_enc::PG_SQL_ASCII as i32
    {
        Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "a database in SQL_ASCII cannot be archived",
        )
        .detail("The files hold texts in UTF-8, and nothing says which characters the bytes of this database are.")
        .hint("Use a database with an encoding, for example UTF8."))?;
    }
    {
        let bloom: Option<Vec<String>> = bloom.map(|all| all.into_iter().flatten().collect());
        let _owner = Identity::extension_owner()?;
        spi::run(
            "SELECT kpi._set_retention($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                arg(relation),
                raw_arg(pg_sys::INTERVALOID, archive_after.into_datum()),
                raw_arg(pg_sys::TEXTOID, store.into_datum()),
                raw_arg(pg_sys::INTERVALOID, drop_after.into_datum()),
                raw_arg(pg_sys::TEXTOID, compression.into_datum()),
                raw_arg(pg_sys::TEXTARRAYOID, bloom.into_datum()),
                raw_arg(pg_sys::INTERVALOID, grace.into_datum()),
                raw_arg(pg_sys::OIDOID, before_archive.into_datum()),
                raw_arg(pg_sys::OIDOID, after_archive.into_datum()),
            ],
        )?;
    }
    schedule_jobs(&qualified(relation)?, archive_after.is_some(), schedule)?;
    Ok(())
}

/// The jobs that do what a retention says, as their caller's own.
fn schedule_jobs(table: &str, archives: bool, schedule: Option<&str>) -> Result<(), Error> {
    for (kind, wanted) in [("archive", archives), ("retention", true)] {
        let job = format!("{kind} {table}");
        let there = {
            let _owner = Identity::extension_owner()?;
            spi::first(
                Mode::Write,
                "SELECT 1 FROM kpi.job WHERE name = $1",
                &[arg(job.as_str())],
                |_| Ok(()),
            )?
            .is_some()
        };
        match (there, schedule.filter(|_| wanted)) {
            (true, None) => spi::run("SELECT kpi.drop_job($1)", &[arg(job.as_str())])?,
            (true, Some(schedule)) => spi::run(
                "SELECT kpi.alter_job($1, schedule => $2)",
                &[arg(job.as_str()), arg(schedule)],
            )?,
            (false, Some(schedule)) => spi::run(
                "SELECT kpi.create_job($1, $2, $3, pg_catalog.jsonb_build_object('relation', $4::text))",
                &[arg(job.as_str()), arg(kind), arg(schedule), arg(table)],
            )?,
            (false, None) => 0,
        };
    }
    Ok(())
}

/// Refuses a server that is none of ours, or that the caller may not use.
pub fn check_server(name: &str) -> Result<(), Error> {
    let found = spi::first(
        Mode::Read,
        "SELECT w.fdwname = 'kpi_archive', pg_catalog.has_server_privilege(s.oid, 'USAGE') FROM pg_catalog.pg_foreign_server s \
         JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE s.srvname = $1",
        &[arg(name)],
        |row| {
            Ok((
                row.get::<bool>(1).unwrap_or(false),
                row.get::<bool>(2).unwrap_or(false),
            ))
        },
    )?;
    match found {
        Some((true, true)) => Ok(()),
        Some((true, false)) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for store \"{name}\""),
        )
        .hint(format!(
            "Its owner can type: GRANT USAGE ON FOREIGN SERVER {} TO {};",
            spi::ident(name),
            lookup::role_name(identity::current_role())?
        ))),
        other => {
            let stores = spi::query(
                Mode::Read,
                "SELECT s.srvname::text FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw \
                 WHERE w.fdwname = 'kpi_archive' ORDER BY 1",
                &[],
                |row| Ok(row.text(1)),
            )?;
            let error = Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
                match other {
                    Some(_) => format!("server \"{name}\" is not a store of pg_kpi"),
                    None => format!("store \"{name}\" does not exist"),
                },
            );
            Err(if stores.is_empty() {
                error
                    .detail("A store is a server of the foreign data wrapper kpi_archive.")
                    .hint("CREATE SERVER cold FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'file:///srv/archive');")
            } else {
                error.hint(format!("The stores are: {}.", stores.join(", ")))
            })
        }
    }
}

/// `kpi.drop_retention(relation)`.
#[pg_extern(sql = false)]
fn drop_retention(relation: Option<pg_sys::Oid>, condition: Option<&str>) -> Result<(), ErrorReport> {
    check_writable("kpi.drop_retention", "kpi.archive_status can be read here.")?;
    let relation = required(relation, "relation")?;
    if let Some(condition) = condition {
        return Ok(overrides::remove(relation, condition)?);
    }
    let retention = owned(relation)?;
    {
        let _owner = Identity::extension_owner()?;
        spi::run(
            "SELECT kpi._drop_retention(r) FROM kpi.retention r WHERE r.id = $1",
            &[arg(retention.id)],
        )?;
    }
    schedule_jobs(&qualified(relation)?, false, None)?;
    Ok(())
}

/// Opens a store by the name of its server, with a role's user mapping.
pub fn open_store(server: &str, role: pg_sys::Oid) -> Result<Rc<Opened>, Error> {
    let name = CString::new(server).unwrap_or_default();
    // SAFETY: a catalog lookup by a zero-terminated name.
    let oid = unsafe { pg_sys::get_foreign_server_oid(name.as_ptr(), true) };
    if oid == pg_sys::Oid::INVALID {
        check_server(server)?;
    }
    store::open(oid, role)
}
