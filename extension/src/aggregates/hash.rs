//! 64-bit hashes of values of any type: equal values, as the type's own equality sees them, have equal hashes.

use kpi_stats::HyperLogLog;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::Call;
use crate::error::Error;

/// How the values of one argument are hashed; found once per query and kept with the function.
#[derive(Clone, Copy)]
enum Hasher {
    /// Integers passed by value are their own hash input: PostgreSQL's hash of `bigint` folds it to 32 bits, which loses
    /// distinct values by the million.
    Int2,
    Int4,
    Int8,
    /// The type's extended hash function, with the collation of the argument. The entry lives as long as the session.
    Opclass(*mut pg_sys::TypeCacheEntry, pg_sys::Oid),
}

/// The hash of an argument that is not NULL.
#[inline]
pub(super) fn of_argument(call: &Call, i: usize, datum: pg_sys::Datum) -> Result<u64, Error> {
    let input = match hasher(call, i)? {
        Hasher::Int2 => i64::from(datum.value() as i16) as u64,
        Hasher::Int4 => i64::from(datum.value() as i32) as u64,
        Hasher::Int8 => datum.value() as u64,
        Hasher::Opclass(entry, collation) => {
            // SAFETY: type cache entries are never freed, and `find` saw to it that this one has the function, whose second
            // argument is the seed.
            unsafe {
                let function = &raw mut (*entry).hash_extended_proc_finfo;
                pg_sys::FunctionCall2Coll(function, collation, datum, pg_sys::Datum::from(0u64)).value()
                    as u64
            }
        }
    };
    Ok(HyperLogLog::mix(input))
}

#[inline]
fn hasher(call: &Call, i: usize) -> Result<Hasher, Error> {
    // SAFETY: flinfo outlives the call, and fn_extra is this function's own: null, or what was stored below in memory that
    // lives as long as flinfo.
    unsafe {
        let flinfo = (*call.fcinfo()).flinfo;
        if (*flinfo).fn_extra.is_null() {
            let found = find(call, i)?;
            let place = pg_sys::MemoryContextAlloc((*flinfo).fn_mcxt, size_of::<Hasher>()).cast::<Hasher>();
            place.write(found);
            (*flinfo).fn_extra = place.cast();
        }
        Ok(*(*flinfo).fn_extra.cast::<Hasher>())
    }
}

#[cold]
fn find(call: &Call, i: usize) -> Result<Hasher, Error> {
    // SAFETY: fcinfo and its flinfo are valid for the length of the call; the lookups only read catalogs.
    unsafe {
        let declared = pg_sys::get_fn_expr_argtype((*call.fcinfo()).flinfo, i as i32);
        let of_type = pg_sys::getBaseType(declared);
        match of_type {
            pg_sys::INT2OID => return Ok(Hasher::Int2),
            pg_sys::INT4OID | pg_sys::DATEOID => return Ok(Hasher::Int4),
            pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => return Ok(Hasher::Int8),
            _ => {}
        }
        let flags = pg_sys::TYPECACHE_HASH_EXTENDED_PROC | pg_sys::TYPECACHE_HASH_EXTENDED_PROC_FINFO;
        let entry = pg_sys::lookup_type_cache(of_type, flags as i32);
        if (*entry).hash_extended_proc_finfo.fn_oid == pg_sys::InvalidOid {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                "cannot count distinct values of a type without a hash function",
            )
            .detail(format!("The type is {}.", type_name(of_type)))
            .hint("Count its text instead, for example approx_count_distinct(x::text)."));
        }
        Ok(Hasher::Opclass(entry, (*call.fcinfo()).fncollation))
    }
}

fn type_name(of_type: pg_sys::Oid) -> String {
    // SAFETY: format_type_be returns a palloc'ed string that ends with a zero byte.
    unsafe { std::ffi::CStr::from_ptr(pg_sys::format_type_be(of_type)) }
        .to_string_lossy()
        .into_owned()
}
