//! Acting as another role for a while, as PostgreSQL's own REFRESH MATERIALIZED VIEW does.

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// While it lives, statements run as a role, with a search path and a time zone; dropping it restores what was.
pub struct Identity {
    user: pg_sys::Oid,
    context: i32,
    settings: i32,
}

impl Identity {
    /// Becomes `role`, to run what the role has defined: its names are looked up along the path that it was defined
    /// under, times and texts are read the same way in every session, and nothing that a user's expression calls can
    /// change the session (security-restricted operation).
    pub fn assume(role: pg_sys::Oid, search_path: &str, timezone: &str) -> Result<Self, Error> {
        let path = format!("{search_path}, pg_temp");
        let settings = [
            ("search_path", path.as_str()),
            ("TimeZone", timezone),
            ("DateStyle", "ISO, MDY"),
            ("IntervalStyle", "postgres"),
            // Compiling a statement of many branches takes longer than running it.
            ("jit", "off"),
        ];
        Self::enter(role, true, &settings)
    }

    /// Sets one more parameter for as long as this lives.
    pub fn set(&self, name: &str, value: &str) -> Result<(), Error> {
        set(name, value)
    }

    /// Becomes a role of which the caller is a member. If it is another one, nothing that it does may outlive this, where
    /// it would run as the caller.
    pub fn role(role: pg_sys::Oid) -> Result<Self, Error> {
        Self::enter(role, role != current_role(), &[])
    }

    /// Becomes the owner of the extension, to write its catalog.
    pub fn extension_owner() -> Result<Self, Error> {
        Self::enter(
            extension_owner(),
            false,
            &[("search_path", "pg_catalog, pg_temp")],
        )
    }

    /// Becomes the owner of the extension, for a definition whose names are looked up along a user's search path.
    /// Nothing of the user's may be executed while it lives.
    pub fn extension_owner_seeing(search_path: &str) -> Result<Self, Error> {
        Self::enter(
            extension_owner(),
            true,
            &[("search_path", &format!("{search_path}, pg_temp"))],
        )
    }

    fn enter(role: pg_sys::Oid, restricted: bool, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let mut user = pg_sys::Oid::INVALID;
        let mut context = 0;
        let mut flags = pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32;
        if restricted {
            flags |= pg_sys::SECURITY_RESTRICTED_OPERATION as i32;
        }
        // SAFETY: plain getters and setters of the backend's state; Drop, or the end of the (sub)transaction after
        // an ERROR, puts back what was.
        let level = unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(role, context | flags);
            pg_sys::NewGUCNestLevel()
        };
        let identity = Self {
            user,
            context,
            settings: level,
        };
        for (name, value) in settings {
            set(name, value)?;
        }
        Ok(identity)
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // SAFETY: undoes `enter`; the nest level is the one opened there.
        unsafe {
            pg_sys::AtEOXact_GUC(false, self.settings);
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}

/// Sets a parameter until the innermost nest level ends; outside of any, for the session.
pub fn set(name: &str, value: &str) -> Result<(), Error> {
    let refuse = |_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "text contains a zero byte",
        )
    };
    let name = CString::new(name).map_err(refuse)?;
    let value = CString::new(value).map_err(refuse)?;
    // SAFETY: both strings are zero-terminated and copied by the callee.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
    Ok(())
}

/// The role that runs the present statement.
pub fn current_role() -> pg_sys::Oid {
    // SAFETY: a getter.
    unsafe { pg_sys::GetUserId() }
}

/// The role that owns the extension's schema.
pub fn extension_owner() -> pg_sys::Oid {
    // SAFETY: syscache lookups on the main thread; the schema exists while the extension does.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"kpi".as_ptr(), false);
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            pg_sys::Datum::from(schema),
        );
        if tuple.is_null() {
            return pg_sys::Oid::from(pg_sys::BOOTSTRAP_SUPERUSERID);
        }
        let form = pg_sys::GETSTRUCT(tuple) as pg_sys::Form_pg_namespace;
        let owner = (*form).nspowner;
        pg_sys::ReleaseSysCache(tuple);
        owner
    }
}

/// Whether `role` has the privileges of `owner`.
pub fn acts_for(role: pg_sys::Oid, owner: pg_sys::Oid) -> bool {
    // SAFETY: a membership lookup.
    unsafe { pg_sys::has_privs_of_role(role, owner) }
}

/// Whether a relation is still there: an old snapshot may see what refers to one that is not.
pub fn exists(relation: pg_sys::Oid) -> bool {
    // SAFETY: a syscache lookup.
    unsafe {
        pg_sys::SearchSysCacheExists(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(relation),
            pg_sys::Datum::from(0),
            pg_sys::Datum::from(0),
            pg_sys::Datum::from(0),
        )
    }
}

/// Whether `role` holds a privilege on a relation.
pub fn may(role: pg_sys::Oid, relation: pg_sys::Oid, privilege: u32) -> bool {
    // SAFETY: an access-control lookup; a missing relation raises an ERROR of its own.
    unsafe {
        pg_sys::pg_class_aclcheck(relation, role, privilege as pg_sys::AclMode)
            == pg_sys::AclResult::ACLCHECK_OK
    }
}
