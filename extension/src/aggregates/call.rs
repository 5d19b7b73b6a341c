//! PostgreSQL's version-1 calling convention without argument unpacking: what a hot transition function can afford.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;

/// What a function hands back: a value, or `None` for NULL.
pub(crate) type Returned = Result<Option<pg_sys::Datum>, Error>;

/// One call of an SQL function.
pub(crate) struct Call {
    fcinfo: pg_sys::FunctionCallInfo,
}

impl Call {
    /// # Safety
    /// `fcinfo` is what PostgreSQL passed to the running function, whose SQL declaration fits the arguments read here.
    #[inline]
    pub unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Self { fcinfo }
    }

    pub fn fcinfo(&self) -> pg_sys::FunctionCallInfo {
        self.fcinfo
    }

    /// Argument `i`, or `None` where it is NULL or was not passed.
    #[inline]
    pub fn argument(&self, i: usize) -> Option<pg_sys::Datum> {
        // SAFETY: fcinfo is valid for the length of the call and holds `nargs` arguments.
        unsafe {
            let call = &*self.fcinfo;
            if i >= call.nargs as usize {
                return None;
            }
            let argument = &*call.args.as_ptr().add(i);
            if argument.isnull {
                None
            } else {
                Some(argument.value)
            }
        }
    }

    /// Argument `i`, declared `float8`.
    #[inline]
    pub fn float8(&self, i: usize) -> Option<f64> {
        self.argument(i).map(|datum| f64::from_bits(datum.value() as u64))
    }

    /// Argument `i`, declared `int`.
    pub fn int4(&self, i: usize) -> Option<i32> {
        self.argument(i).map(|datum| datum.value() as i32)
    }

    /// The content of argument `i`, declared with a type of variable length. Valid for the length of the call.
    pub fn bytes(&self, i: usize) -> Option<&[u8]> {
        self.argument(i).map(|datum| {
            // SAFETY: the declared type is a varlena; the detoasted copy or the original outlives the call.
            unsafe {
                let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
                // What is neither compressed nor elsewhere needs no call into the server, which costs more than the rest.
                let is_plain = pgrx::varlena::varatt_is_4b_u(varlena)
                    || pgrx::varlena::varatt_is_1b(varlena) && !pgrx::varlena::varatt_is_1b_e(varlena);
                let varlena = if is_plain {
                    varlena
                } else {
                    pg_sys::pg_detoast_datum_packed(varlena)
                };
                pgrx::varlena::varlena_to_byte_slice(varlena)
            }
        })
    }

    /// Argument `i`, declared `text`, in UTF-8.
    pub fn text(&self, i: usize) -> Option<std::borrow::Cow<'_, str>> {
        self.bytes(i).map(super::encoding::from_server)
    }

    /// The memory that lives as long as the aggregation of the current group.
    pub fn aggregate_memory(&self) -> Result<pg_sys::MemoryContext, Error> {
        let mut context: pg_sys::MemoryContext = std::ptr::null_mut();
        // SAFETY: fcinfo is valid, and PostgreSQL writes the context to the pointer given.
        if unsafe { pg_sys::AggCheckCallContext(self.fcinfo, &mut context) } == 0 {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "this function works only inside an aggregate",
            )
            .hint("Call the aggregate that it belongs to."));
        }
        Ok(context)
    }

    /// Ends the call with its result, or with its error.
    #[inline]
    pub fn finish(self, returned: Returned) -> pg_sys::Datum {
        match returned {
            Ok(Some(datum)) => datum,
            Ok(None) => {
                // SAFETY: fcinfo is valid for the length of the call.
                unsafe { (*self.fcinfo).isnull = true };
                pg_sys::Datum::null()
            }
            Err(error) => {
                ErrorReport::from(error).report(PgLogLevel::ERROR);
                pg_sys::Datum::null()
            }
        }
    }
}

/// A `float8` result.
pub(crate) fn float8(value: f64) -> pg_sys::Datum {
    pg_sys::Datum::from(value.to_bits())
}

/// A `bigint` result; counts stay within its range.
pub(super) fn int8(value: u64) -> pg_sys::Datum {
    pg_sys::Datum::from(value)
}

/// Exports functions as C symbols with PostgreSQL's version-1 convention, each beside the record that declares it.
macro_rules! sql_functions {
    ($($symbol:ident, $record:ident: $body:expr;)+) => {$(
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $record() -> &'static ::pgrx::pg_sys::Pg_finfo_record {
            const V1: ::pgrx::pg_sys::Pg_finfo_record = ::pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }

        #[doc(hidden)]
        #[unsafe(no_mangle)]
        #[::pgrx::pg_guard]
        pub unsafe extern "C-unwind" fn $symbol(
            fcinfo: ::pgrx::pg_sys::FunctionCallInfo,
        ) -> ::pgrx::pg_sys::Datum {
            // SAFETY: PostgreSQL calls this symbol, with the arguments that sql/aggregates.sql declares for it.
            let call = unsafe { $crate::aggregates::call::Call::new(fcinfo) };
            let body: fn(&$crate::aggregates::call::Call) -> $crate::aggregates::call::Returned = $body;
            let returned = body(&call);
            call.finish(returned)
        }
    )+};
}
pub(crate) use sql_functions;
