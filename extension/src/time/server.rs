//! Functions of the server that pgrx does not declare (utils/datum.h, windowapi.h).
#![allow(non_snake_case)]

use std::ffi::c_void;

use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_guard]
unsafe extern "C-unwind" {
    pub fn datumCopy(value: pg_sys::Datum, by_value: bool, length: i32) -> pg_sys::Datum;
    pub fn datumGetSize(value: pg_sys::Datum, by_value: bool, length: i32) -> usize;

    pub fn WinGetPartitionLocalMemory(window: *mut c_void, size: usize) -> *mut c_void;
    pub fn WinGetCurrentPosition(window: *mut c_void) -> i64;
    pub fn WinSetMarkPosition(window: *mut c_void, position: i64);
    pub fn WinGetFuncArgInPartition(
        window: *mut c_void,
        argument: i32,
        position: i32,
        seek: i32,
        set_mark: bool,
        is_null: *mut bool,
        is_out: *mut bool,
    ) -> pg_sys::Datum;
    pub fn WinGetFuncArgCurrent(window: *mut c_void, argument: i32, is_null: *mut bool) -> pg_sys::Datum;
}
