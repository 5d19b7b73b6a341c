//! The planner's lists, taken apart and put together.

use std::ffi::{c_int, c_void};

use pgrx::pg_sys;

/// The nodes of a list; none for the empty list, which is null.
///
/// # Safety
/// `list` is null or a list of nodes that outlives what is returned.
pub unsafe fn nodes<T>(list: *mut pg_sys::List) -> impl DoubleEndedIterator<Item = *mut T> {
    // SAFETY: cells below `length` are initialised, and hold pointers in a list of nodes.
    (0..unsafe { length(list) }).map(move |i| unsafe { (*(*list).elements.add(i)).ptr_value as *mut T })
}

/// The integers of a list.
///
/// # Safety
/// `list` is null or a list of integers.
pub unsafe fn integers(list: *mut pg_sys::List) -> Vec<c_int> {
    // SAFETY: as in `nodes`, of integers.
    (0..unsafe { length(list) })
        .map(|i| unsafe { (*(*list).elements.add(i)).int_value })
        .collect()
}

/// How many members a list has.
///
/// # Safety
/// `list` is null or a list.
pub unsafe fn length(list: *mut pg_sys::List) -> usize {
    if list.is_null() {
        return 0;
    }
    // SAFETY: not null.
    unsafe { (*list).length as usize }
}

/// A list of nodes.
///
/// # Safety
/// The nodes live as long as the current memory context.
pub unsafe fn list_of<T>(members: impl IntoIterator<Item = *mut T>) -> *mut pg_sys::List {
    let mut list = std::ptr::null_mut();
    for member in members {
        // SAFETY: appends to a list that only this function knows.
        list = unsafe { pg_sys::lappend(list, member as *mut c_void) };
    }
    list
}

/// A list of integers.
pub fn list_of_integers(members: impl IntoIterator<Item = c_int>) -> *mut pg_sys::List {
    let mut list = std::ptr::null_mut();
    for member in members {
        // SAFETY: appends to a list that only this function knows.
        list = unsafe { pg_sys::lappend_int(list, member) };
    }
    list
}

/// Lets a pending cancel or termination act.
#[inline]
pub fn check_for_interrupts() {
    // SAFETY: a flag that signal handlers set; acting on it is what PostgreSQL does at any safe point.
    unsafe {
        if std::ptr::read_volatile(&raw const pg_sys::InterruptPending) != 0 {
            pg_sys::ProcessInterrupts();
        }
    }
}
