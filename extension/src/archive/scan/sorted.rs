//! Rows sorted here: for a plan that counts on files in order, where the manifest has changed since it was made.

use pgrx::pg_sys;

use crate::version;

/// A sort of all rows of a scan by one column.
pub struct Sorted {
    attribute: pg_sys::AttrNumber,
    descending: bool,
    /// Null until it is filled.
    sort: *mut pg_sys::Tuplesortstate,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Sorted {
    /// A sort by the column at a place of the slot's rows.
    ///
    /// # Safety
    /// The slot is the scan's, and the current memory context lives as long as the scan.
    pub unsafe fn new(slot: *mut pg_sys::TupleTableSlot, place: usize, descending: bool) -> Self {
        // SAFETY: a slot of its own for the rows that the sort hands out.
        let own = unsafe {
            pg_sys::MakeSingleTupleTableSlot(
                (*slot).tts_tupleDescriptor,
                &raw const pg_sys::TTSOpsMinimalTuple,
            )
        };
        Self {
            attribute: place as pg_sys::AttrNumber + 1,
            descending,
            sort: std::ptr::null_mut(),
            slot: own,
        }
    }

    /// Whether it has its rows.
    pub fn is_filled(&self) -> bool {
        !self.sort.is_null()
    }

    /// Begins to take rows.
    ///
    /// # Safety
    /// The current memory context lives as long as the scan.
    pub unsafe fn begin(&mut self) {
        // SAFETY: the column is one of the rows'.
        unsafe {
            let descriptor = (*self.slot).tts_tupleDescriptor;
            let form = version::attribute(descriptor, i32::from(self.attribute) - 1);
            let flags = (pg_sys::TYPECACHE_LT_OPR | pg_sys::TYPECACHE_GT_OPR) as i32;
            let types = pg_sys::lookup_type_cache((*form).atttypid, flags);
            let mut operator = if self.descending {
                (*types).gt_opr
            } else {
                (*types).lt_opr
            };
            let mut collation = (*form).attcollation;
            let mut nulls_first = self.descending;
            let mut attribute = self.attribute;
            self.sort = pg_sys::tuplesort_begin_heap(
                descriptor,
                1,
                &mut attribute,
                &mut operator,
                &mut collation,
                &mut nulls_first,
                pg_sys::work_mem,
                std::ptr::null_mut(),
                pg_sys::TUPLESORT_NONE as i32,
            );
        }
    }

    /// Takes a row.
    ///
    /// # Safety
    /// Between [`Sorted::begin`] and [`Sorted::finish`].
    pub unsafe fn put(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: as this function's contract says.
        unsafe { pg_sys::tuplesort_puttupleslot(self.sort, slot) };
    }

    /// Sorts.
    ///
    /// # Safety
    /// After [`Sorted::begin`].
    pub unsafe fn finish(&self) {
        // SAFETY: as this function's contract says.
        unsafe { pg_sys::tuplesort_performsort(self.sort) };
    }

    /// The next row; an empty slot after the last.
    ///
    /// # Safety
    /// After [`Sorted::finish`].
    pub unsafe fn next(&self) -> *mut pg_sys::TupleTableSlot {
        // SAFETY: the slot takes minimal tuples; it is emptied where there is no row.
        unsafe {
            pg_sys::tuplesort_gettupleslot(self.sort, true, false, self.slot, std::ptr::null_mut());
        }
        self.slot
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        if !self.sort.is_null() {
            // SAFETY: begun here, and ended once.
            unsafe {
                pg_sys::ExecClearTuple(self.slot);
                pg_sys::tuplesort_end(self.sort);
            }
            self.sort = std::ptr::null_mut();
        }
    }

    /// Lets go of everything.
    pub fn close(mut self) {
        self.clear();
        // SAFETY: made by `new`.
        unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
    }
}
