//! Whose objects they are: a database has an identity of its own, objects carry it in their keys, and a copy of the database
//! must not write or delete under it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::export::qualified;
use super::retention::Retention;
use crate::error::Error;
use crate::identity::Identity;
use crate::read_only::check_writable;
use crate::spi::{self, Mode};

/// What tells a database from a copy of it.
const HERE: &str = "SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

/// The identity under which this database writes; made when it is first needed.
pub fn id() -> Result<String, Error> {
    let _owner = Identity::extension_owner()?;
    let found = spi::first(
        Mode::Write,
        &format!(
            "SELECT o.id::text, (o.cluster, o.database) = (h.system_identifier, h.oid) FROM kpi.archive_owner o, ({HERE}) h"
        ),
        &[],
        |row| Ok((row.text(1), row.get::<bool>(2).unwrap_or(false))),
    )?;
    match found {
        Some((id, true)) => Ok(id),
        Some((id, false)) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this database is a copy of one that archives",
        )
        .detail(format!(
            "The objects of its archive, under {id}, belong to the original: a copy that wrote or deleted them would take its data away."
        ))
        .hint(
            "SELECT kpi.own_archive(); gives this database an identity of its own. It goes on reading the objects of the original and never deletes them.",
        )),
        None => {
            let made = spi::first(
                Mode::Write,
                &format!("INSERT INTO kpi.archive_owner SELECT pg_catalog.gen_random_uuid(), h.system_identifier, h.oid FROM ({HERE}) h RETURNING id::text"),
                &[],
                |row| Ok(row.text(1)),
            )?;
            Ok(made.unwrap_or_default())
        }
    }
}

/// Where the objects of a table are: `<identity of the database>/<table>`.
pub fn prefix(retention: &Retention) -> Result<String, Error> {
    let name: String = qualified(retention.relation)?
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    Ok(format!("{}/{name}", id()?))
}

/// Whether this database may delete an object.
pub fn is_mine(id: &str, key: &str) -> bool {
    key.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'))
}

/// `kpi.own_archive()`.
#[pg_extern(sql = false)]
fn own_archive() -> Result<String, ErrorReport> {
    check_writable("kpi.own_archive", "kpi.archive_status can be read here.")?;
    let _owner = Identity::extension_owner()?;
    let id = spi::first(
        Mode::Write,
        &format!(
            "WITH gone AS (DELETE FROM kpi.archive_owner) \
             INSERT INTO kpi.archive_owner SELECT pg_catalog.gen_random_uuid(), h.system_identifier, h.oid FROM ({HERE}) h RETURNING id::text"
        ),
        &[],
        |row| Ok(row.text(1)),
    )?;
    Ok(id.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::is_mine;

    #[test]
    fn an_object_is_mine_by_the_whole_of_its_first_part() {
        assert!(is_mine("a-1", "a-1/t/x.parquet"));
        assert!(!is_mine("a-1", "a-12/t/x.parquet"));
        assert!(!is_mine("a-1", "b/a-1/x.parquet"));
    }
}
