//! What the background workers, the writers and the long polls of a server share: one slot per database.
//!
//! There is no lock: each field has one writer, or is a flag that anybody may raise and one process lowers. The memory
//! is made when the server starts and only if the library is preloaded; without it everything here answers "nobody".

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, Ordering};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::database::HELD;
use super::process::now;

/// Databases with workers at a time.
pub const SLOTS: usize = 256;

/// One database.
#[repr(C)]
pub struct Slot {
    /// Oid of the database; 0 while the slot is free. Written by the launcher.
    database: AtomicU32,
    /// Somebody thinks that the extension is there: the launcher starts a worker, which finds out.
    pub wanted: AtomicBool,
    /// No worker may be connected before this time, since the database is about to be dropped or copied.
    held_until: AtomicI64,
    /// The server has no free slot for the worker.
    pub refused: AtomicBool,
    /// The worker, and its latch.
    pub worker: AtomicI32,
    latch: AtomicPtr<pg_sys::Latch>,
    /// The worker wants to be woken by commits of captured writes.
    pub streaming: AtomicBool,
    /// A captured write has been committed since the worker last looked.
    pub dirty: AtomicBool,
    /// Jobs or streams were changed.
    pub altered: AtomicBool,
    /// Backends that run a job now.
    pub jobs: AtomicI32,
    /// The number of the last published change; 0 while it is not known.
    last_number: AtomicI64,
    /// Changes were published: wakes the long polls.
    published: std::cell::UnsafeCell<pg_sys::ConditionVariable>,
}

/// The shared memory of the extension.
#[repr(C)]
pub struct Shared {
    launcher: AtomicPtr<pg_sys::Latch>,
    /// There are more databases than slots.
    pub full: AtomicBool,
    slots: [Slot; SLOTS],
}

// SAFETY: the condition variable is only given to functions of the server, which lock it themselves.
unsafe impl Sync for Shared {}

static SHARED: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());
static PREVIOUS_REQUEST: std::sync::OnceLock<Option<unsafe extern "C-unwind" fn()>> =
    std::sync::OnceLock::new();
static PREVIOUS_STARTUP: std::sync::OnceLock<Option<unsafe extern "C-unwind" fn()>> =
    std::sync::OnceLock::new();
const NAME: &CStr = c"pg_kpi";

/// Asks for the memory; called while the server preloads libraries.
pub fn request() {
    // SAFETY: hooks are chained in the postmaster, before there is any other process.
    unsafe {
        let _ = PREVIOUS_REQUEST.set(pg_sys::shmem_request_hook);
        pg_sys::shmem_request_hook = Some(on_request);
        let _ = PREVIOUS_STARTUP.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_startup_hook = Some(on_startup);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_request() {
    // SAFETY: the hook that was there, and a request in the phase of the start that is meant for it.
    unsafe {
        if let Some(Some(previous)) = PREVIOUS_REQUEST.get() {
            previous();
        }
        pg_sys::RequestAddinShmemSpace(std::mem::size_of::<Shared>());
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn on_startup() {
    // SAFETY: the hook that was there; then memory of the size asked for, which no other process sees before it is set
    // up. All zero bits are a valid state of every field but the condition variables.
    unsafe {
        if let Some(Some(previous)) = PREVIOUS_STARTUP.get() {
            previous();
        }
        let mut found = false;
        let memory =
            pg_sys::ShmemInitStruct(NAME.as_ptr(), std::mem::size_of::<Shared>(), &mut found) as *mut Shared;
        if !found {
            std::ptr::write_bytes(memory, 0, 1);
            for slot in &(*memory).slots {
                pg_sys::ConditionVariableInit(slot.published.get());
            }
        }
        SHARED.store(memory, Ordering::Release);
    }
}

/// The shared memory, if the library was preloaded.
pub fn shared() -> Option<&'static Shared> {
    // SAFETY: set once at the start of the server to memory that stays as long as any of its processes.
    unsafe { SHARED.load(Ordering::Acquire).as_ref() }
}

fn set_latch(latch: &AtomicPtr<pg_sys::Latch>) {
    let latch = latch.load(Ordering::Acquire);
    if !latch.is_null() {
        // SAFETY: the latch of a process slot, in shared memory as long as the server runs; if the process is gone,
        // another one wakes up for nothing.
        unsafe { pg_sys::SetLatch(latch) };
    }
}

fn my_latch() -> *mut pg_sys::Latch {
    // SAFETY: a global of this process.
    unsafe { pg_sys::MyLatch }
}

/// This process's database.
pub fn my_database() -> pg_sys::Oid {
    // SAFETY: a global of this process.
    unsafe { pg_sys::MyDatabaseId }
}

impl Shared {
    /// The launcher runs, or has ended.
    pub fn set_launcher(&self, running: bool) {
        let latch = if running { my_latch() } else { std::ptr::null_mut() };
        self.launcher.store(latch, Ordering::Release);
    }

    /// Has the launcher look at the databases now.
    pub fn wake_launcher(&self) {
        set_latch(&self.launcher);
    }

    /// All slots in use.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots
            .iter()
            .filter(|slot| slot.database() != pg_sys::Oid::INVALID)
    }

    /// The slot of a database.
    pub fn slot(&self, database: pg_sys::Oid) -> Option<&Slot> {
        self.slots().find(|slot| slot.database() == database)
    }

    /// The slot of a database, taken for it if it has none. For the launcher.
    pub fn take_slot(&self, database: pg_sys::Oid) -> Option<&Slot> {
        if let Some(slot) = self.slot(database) {
            return Some(slot);
        }
        let free = self
            .slots
            .iter()
            .find(|slot| slot.database() == pg_sys::Oid::INVALID);
        self.full.store(free.is_none(), Ordering::Relaxed);
        let slot = free?;
        slot.held_until.store(0, Ordering::Relaxed);
        slot.refused.store(false, Ordering::Relaxed);
        slot.streaming.store(false, Ordering::Relaxed);
        slot.last_number.store(0, Ordering::Relaxed);
        slot.wanted.store(true, Ordering::Relaxed);
        slot.database.store(database.to_u32(), Ordering::Release);
        Some(slot)
    }
}

impl Slot {
    /// The database.
    pub fn database(&self) -> pg_sys::Oid {
        pg_sys::Oid::from(self.database.load(Ordering::Acquire))
    }

    /// The database is gone. For the launcher.
    pub fn free(&self) {
        self.database.store(0, Ordering::Release);
    }

    /// This process is the worker.
    pub fn enter(&self) {
        // SAFETY: a global of this process.
        self.worker.store(unsafe { pg_sys::MyProcPid }, Ordering::Release);
        self.latch.store(my_latch(), Ordering::Release);
    }

    /// This process was the worker.
    pub fn leave(&self) {
        self.latch.store(std::ptr::null_mut(), Ordering::Release);
        self.streaming.store(false, Ordering::Release);
        self.worker.store(0, Ordering::Release);
    }

    /// Keeps workers away for some microseconds.
    pub fn hold(&self, microseconds: i64) {
        self.held_until.store(now() + microseconds, Ordering::Release);
    }

    /// How long workers are still to be kept away, if at all. More than anybody asks for is a clock that was put back.
    pub fn held_for(&self) -> Option<i64> {
        let left = self.held_until.load(Ordering::Acquire) - now();
        (1..=HELD).contains(&left).then_some(left)
    }

    /// Wakes the worker.
    pub fn wake(&self) {
        set_latch(&self.latch);
    }

    /// Wakes those who wait for changes, of which the last has this number.
    fn broadcast(&self, number: i64) {
        self.last_number.fetch_max(number, Ordering::AcqRel);
        // SAFETY: initialised at the start of the server.
        unsafe { pg_sys::ConditionVariableBroadcast(self.published.get()) };
    }

    /// Whether nothing is known to have been published after a number. What a prepared transaction published is not known.
    pub fn is_last(&self, number: i64) -> bool {
        let last = self.last_number.load(Ordering::Acquire);
        last > 0 && last <= number
    }

    /// Whether a change of this number is known to have been published.
    pub fn reaches(&self, number: i64) -> bool {
        self.last_number.load(Ordering::Acquire) >= number
    }

    /// From now on, until [`Slot::stop_waiting`], a broadcast is not missed.
    pub fn prepare_to_wait(&self) {
        // SAFETY: as above; the end of the transaction cancels what an error leaves behind.
        unsafe { pg_sys::ConditionVariablePrepareToSleep(self.published.get()) };
    }

    /// Waits for a broadcast, at most for some milliseconds.
    pub fn wait(&self, milliseconds: i64) {
        // SAFETY: as above.
        unsafe {
            pg_sys::ConditionVariableTimedSleep(
                self.published.get(),
                milliseconds,
                pg_sys::PG_WAIT_EXTENSION,
            );
        }
    }

    /// Ends what [`Slot::prepare_to_wait`] began.
    pub fn stop_waiting(&self) {
        // SAFETY: does nothing where no sleep was prepared.
        unsafe {
            pg_sys::ConditionVariableCancelSleep();
        }
    }
}

thread_local! {
    static AT_COMMIT: Cell<AtCommit> = const { Cell::new(AtCommit::NONE) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// What a transaction tells the others when it commits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AtCommit {
    /// Captured writes.
    pub wrote: bool,
    /// The number of the last change in the log.
    pub published: Option<i64>,
    /// Jobs or streams that are other than before.
    pub altered: bool,
    /// The extension is there now.
    pub created: bool,
}

impl AtCommit {
    const NONE: Self = Self {
        wrote: false,
        published: None,
        altered: false,
        created: false,
    };
}

/// Notes what the running transaction tells when it commits.
pub fn at_commit(note: impl FnOnce(&mut AtCommit)) {
    if shared().is_none() {
        return;
    }
    if !WATCHING.replace(true) {
        // SAFETY: the callback lives as long as the library, which is never unloaded.
        unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
    }
    let mut noted = AT_COMMIT.get();
    note(&mut noted);
    AT_COMMIT.set(noted);
}

/// Whether the running transaction has published.
pub fn has_published() -> bool {
    AT_COMMIT.get().published.is_some()
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    if !matches!(event, XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE) {
        return;
    }
    let noted = AT_COMMIT.replace(AtCommit::NONE);
    if event != XACT_EVENT_COMMIT || noted == AtCommit::NONE {
        return;
    }
    let Some(shared) = shared() else { return };
    let database = my_database();
    if noted.created {
        // The launcher takes a slot for every database that it does not know.
        if let Some(slot) = shared.slot(database) {
            slot.wanted.store(true, Ordering::Release);
            // A new log begins.
            slot.last_number.store(0, Ordering::Release);
        }
        shared.wake_launcher();
    }
    let Some(slot) = shared.slot(database) else { return };
    if let Some(number) = noted.published {
        slot.broadcast(number);
    }
    if noted.wrote && slot.streaming.load(Ordering::Acquire) && !slot.dirty.swap(true, Ordering::AcqRel) {
        slot.wake();
    }
    if noted.altered {
        slot.altered.store(true, Ordering::Release);
        slot.wake();
    }
}
