//! Options of stores (servers), user mappings and archived tables.

use std::ffi::CStr;

use kpi_archive::{OPTIONS, OptionSpec, Scheme, known_options};
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::scan::nodes::nodes;
use crate::error::Error;
use crate::identity;

#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn pg_finfo_kpi_archive_validator() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// Checks the options of CREATE SERVER, CREATE USER MAPPING and CREATE FOREIGN TABLE; of an ALTER, as they would be after it.
///
/// # Safety
/// Called by PostgreSQL's function manager with the arguments of a validator.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_archive_validator(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: a strict function of text[] and oid.
    let (given, catalog) = unsafe {
        let arguments = (*fcinfo).args.as_ptr();
        let list = pg_sys::untransformRelOptions((*arguments).value);
        let catalog = pg_sys::Oid::from((*arguments.add(1)).value.value() as u32);
        (pairs(list), catalog)
    };
    let checked = match catalog {
        pg_sys::ForeignServerRelationId => server(&given),
        pg_sys::UserMappingRelationId => user_mapping(&given),
        pg_sys::ForeignTableRelationId => foreign_table(&given),
        _ => given
            .iter()
            .try_for_each(|(name, _)| Err(unknown(name, "a foreign-data wrapper or column", &[]))),
    };
    if let Err(error) = checked {
        ErrorReport::from(error).report(PgLogLevel::ERROR);
    }
    pg_sys::Datum::from(0)
}

/// Names and values of a list of options.
///
/// # Safety
/// `list` is null or a list of DefElems.
pub unsafe fn pairs(list: *mut pg_sys::List) -> Vec<(String, String)> {
    // SAFETY: names and values are zero-terminated.
    unsafe {
        nodes::<pg_sys::DefElem>(list)
            .map(|option| {
                let name = CStr::from_ptr((*option).defname).to_string_lossy().into_owned();
                let value = if (*option).arg.is_null() {
                    String::new()
                } else {
                    CStr::from_ptr(pg_sys::defGetString(option))
                        .to_string_lossy()
                        .into_owned()
                };
                (name, value)
            })
            .collect()
    }
}

/// The value of an option.
///
/// # Safety
/// As for [`pairs`].
pub unsafe fn find(list: *mut pg_sys::List, name: &CStr) -> Option<String> {
    // SAFETY: as this function's contract says.
    let given = unsafe { pairs(list) };
    given
        .into_iter()
        .find(|(known, _)| known.as_bytes() == name.to_bytes())
        .map(|(_, value)| value)
}

fn server(given: &[(String, String)]) -> Result<(), Error> {
    let Some((_, url)) = given.iter().find(|(name, _)| name == "url") else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
            "a store needs the option url",
        )
        .hint("For example: OPTIONS (url 's3://bucket/prefix', region 'eu-west-1')."));
    };
    let scheme = Scheme::of(url)?;
    let names = || {
        known_options(scheme)
            .filter(|o| !o.secret)
            .map(|o| o.name)
            .collect::<Vec<_>>()
    };
    for (name, _) in given {
        match known_options(scheme).find(|option| option.name == name) {
            Some(option) if option.secret => return Err(misplaced(option)),
            Some(option) if option.superuser => only_for_superusers(option.name)?,
            Some(_) => (),
            None => return Err(unknown(name, &format!("a store of scheme {scheme}"), &names())),
        }
    }
    // SAFETY: a getter.
    let trusted = unsafe { pg_sys::superuser() }
        || identity::acts_for(
            identity::current_role(),
            pg_sys::Oid::from(pg_sys::ROLE_PG_WRITE_SERVER_FILES),
        );
    if scheme == Scheme::File && !trusted {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            "permission denied for a store in the server's files",
        )
        .detail("A store with a file:// URL reads and writes files as the server's operating system account.")
        .hint(
            "Only superusers and members of pg_write_server_files can create it; others may then use it.",
        ));
    }
    Ok(())
}

fn user_mapping(given: &[(String, String)]) -> Result<(), Error> {
    for (name, _) in given {
        match OPTIONS.iter().find(|option| option.name == name) {
            Some(option) if option.secret => (),
            Some(option) => {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
                    format!("option \"{}\" belongs to the server", option.name),
                )
                .hint(format!("ALTER SERVER ... OPTIONS (ADD {} '...').", option.name)));
            }
            None => {
                let names: Vec<_> = OPTIONS.iter().filter(|o| o.secret).map(|o| o.name).collect();
                return Err(unknown(name, "a user mapping of a store", &names));
            }
        }
    }
    Ok(())
}

fn foreign_table(given: &[(String, String)]) -> Result<(), Error> {
    for (name, value) in given {
        if name != "retention" {
            return Err(unknown(name, "an archived table", &["retention"]));
        }
        if value.parse::<i32>().is_err() {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
                "option \"retention\" is the number of a row of kpi.retention",
            )
            .detail(format!("The value is \"{value}\"."))
            .hint("These tables are made by kpi.archive."));
        }
    }
    Ok(())
}

fn only_for_superusers(name: &str) -> Result<(), Error> {
    // SAFETY: a getter.
    if unsafe { pg_sys::superuser() } {
        return Ok(());
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied to set option \"{name}\" of a store"),
    )
    .detail("It lends files, environment or identity of the server's operating system account.")
    .hint("Ask a superuser to create or alter this server."))
}

/// A secret in the server's options, which everybody may read.
fn misplaced(option: &OptionSpec) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
        format!(
            "option \"{}\" is a secret and belongs into a user mapping",
            option.name
        ),
    )
    .detail("The options of a server can be read by everybody.")
    .hint(format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER ... OPTIONS ({} '...').",
        option.name
    ))
}

/// The value is not shown: it may be a secret under a misspelt name.
fn unknown(name: &str, owner: &str, names: &[&str]) -> Error {
    let hint = if names.is_empty() {
        "There are none.".to_string()
    } else {
        format!("Its options are {}.", names.join(", "))
    };
    Error::new(
        PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
        format!("{owner} has no option \"{name}\""),
    )
    .hint(hint)
}
