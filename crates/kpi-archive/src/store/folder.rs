//! A store in a folder of the server.
//!
//! Writing is atomic and durable: the bytes go to a staged file beside the object's place, `<name>.<process>-<number>.partial`,
//! reach the disk, and the file takes its place by a rename; then every folder from there up to the store's is synced, so that
//! new ones survive a crash as well. What a killed writer leaves is a staged file: a list shows it under that key, ending in
//! [`STAGED`], so that whoever deletes all keys of a failed attempt deletes it too.
//!
//! The store's own folder is never created: it may be the mount point of a disk that is not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

use super::Entry;
use super::requests::Counters;
use super::words::{Action, denied, unavailable};
use crate::Error;
use crate::interrupt;

/// How the names of staged files end.
pub(crate) const STAGED: &str = ".partial";
/// Bytes between two looks at the interrupt.
const STEP: usize = 1 << 20;
/// Bytes between two waits for the disk, so that none of them takes long.
const SYNC: usize = 8 << 20;
/// How often a folder that somebody else has just removed is made anew.
const REMADE: usize = 100;

static NUMBER: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    counters: Counters,
}

impl Folder {
    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        let root = PathBuf::from(path);
        let folder = Self {
            root,
            counters: Counters::default(),
        };
        folder.present()?;
        Ok(folder)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The store's folder is there.
    fn present(&self) -> Result<(), Error> {
        let hint =
            |hint: &str| format!("{hint} The server's operating system account must be able to write to it.");
        match fs::metadata(&self.root) {
            Ok(about) if about.is_dir() => Ok(()),
            Ok(_) => Err(Error::configuration(
                "the path of the store is not a folder".into(),
                Some(format!("The path is \"{}\".", self.root.display())),
                hint("Name a folder in \"url\"."),
            )),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Error::configuration(
                "the folder of the store does not exist".into(),
                Some(format!("The path is \"{}\".", self.root.display())),
                hint("Create the folder, or mount what it is on, or correct \"url\"."),
            )),
            Err(e) => Err(told(Action::Get, &self.root, &e)),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// What to say about a failure: a folder that has gone is told before the object in it.
    fn failed(&self, action: Action, path: &Path, error: &io::Error) -> Error {
        match self.present() {
            Err(gone) if error.kind() == io::ErrorKind::NotFound => gone,
            _ => told(action, path, error),
        }
    }

    pub(crate) fn put(&self, key: &str, bytes: &Bytes) -> Result<(), Error> {
        Counters::one(&self.counters.puts);
        let path = self.path(key);
        let (staged, file) = self
            .stage(&path)
            .map_err(|e| self.failed(Action::Put, &path, &e))?;
        let written = write(file, &staged, bytes).and_then(|()| {
            fs::rename(&staged, &path)
                .and_then(|()| self.sync_up(&path))
                .map_err(|e| self.failed(Action::Put, &path, &e))
        });
        if written.is_err() {
            let _ = fs::remove_file(&staged);
        } else {
            Counters::bytes(&self.counters.bytes_written, bytes.len());
        }
        written
    }

    /// A new file beside the object's place, with the folders above it.
    fn stage(&self, path: &Path) -> io::Result<(PathBuf, File)> {
        let mut remade = 0;
        loop {
            let number = NUMBER.fetch_add(1, Relaxed);
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{}-{number}{STAGED}", std::process::id()));
            let staged = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).open(&staged) {
                Ok(file) => return Ok((staged, file)),
                // Left by a process that had the same number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound && remade < REMADE => {
                    remade += 1;
                    match self.make_folders(path) {
                        // The one above has been removed while the one below was made.
                        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                        made => made?,
                    }
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Creates what is missing between the store's folder and the object.
    fn make_folders(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.root);
        let below = parent.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let mut folder = self.root.clone();
        for part in below.components() {
            folder.push(part);
            match fs::create_dir(&folder) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// Syncs every folder from the object's up to the store's: one that another process has made need not be on disk yet.
    fn sync_up(&self, path: &Path) -> io::Result<()> {
        let mut folder = path.parent();
        while let Some(at) = folder {
            File::open(at)?.sync_all()?;
            if at == self.root {
                break;
            }
            folder = at.parent();
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Result<Bytes, Error> {
        Counters::one(&self.counters.gets);
        let path = self.path(key);
        let read = || -> io::Result<Result<Vec<u8>, Error>> {
            let mut file = open(&path)?;
            let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            let mut bytes = Vec::new();
            bytes
                .try_reserve_exact(size)
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            while (&mut file).take(STEP as u64).read_to_end(&mut bytes)? > 0 {
                if interrupt::asked() {
                    return Ok(Err(Error::Canceled));
                }
            }
            Ok(Ok(bytes))
        };
        let bytes = read().map_err(|e| self.failed(Action::Get, &path, &e))??;
        Counters::bytes(&self.counters.bytes_read, bytes.len());
        Ok(bytes.into())
    }

    /// Reads each range; `short` makes the error for one that the object ends before.
    pub(crate) fn get_ranges(
        &self,
        key: &str,
        ranges: &[Range<u64>],
        short: impl Fn(u64, u64) -> Error,
    ) -> Result<Vec<Bytes>, Error> {
        let path = self.path(key);
        let failed = |e: io::Error| self.failed(Action::Get, &path, &e);
        let file = open(&path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut read = Vec::with_capacity(ranges.len());
        for range in ranges {
            Counters::one(&self.counters.gets);
            if range.start >= range.end {
                read.push(Bytes::new());
                continue;
            }
            // Before memory is taken for it.
            if range.end > size {
                return Err(short(range.end - range.start, size.saturating_sub(range.start)));
            }
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let mut bytes = vec![0; length];
            let mut at = range.start;
            for step in bytes.chunks_mut(STEP) {
                if interrupt::asked() {
                    return Err(Error::Canceled);
                }
                file.read_exact_at(step, at).map_err(|e| match e.kind() {
                    io::ErrorKind::UnexpectedEof => short(range.end - range.start, at - range.start),
                    _ => failed(e),
                })?;
                at += step.len() as u64;
            }
            Counters::bytes(&self.counters.bytes_read, length);
            read.push(bytes.into());
        }
        Ok(read)
    }

    pub(crate) fn size(&self, key: &str) -> Result<u64, Error> {
        Counters::one(&self.counters.gets);
        let path = self.path(key);
        let size = open(&path)
            .and_then(|file| file.metadata())
            .map_err(|e| self.failed(Action::Size, &path, &e))?;
        Ok(size.len())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        Counters::one(&self.counters.deletes);
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => self
                .sync_folder_of(&path)
                .map_err(|e| self.failed(Action::Delete, &path, &e))?,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                self.present()?
            }
            Err(e) => return Err(self.failed(Action::Delete, &path, &e)),
        }
        // Folders that are empty now; one that is not stays, and so does the store's own.
        let mut folder = path.parent();
        while let Some(at) = folder.filter(|at| *at != self.root) {
            if fs::remove_dir(at).is_err() {
                break;
            }
            folder = at.parent();
        }
        Ok(())
    }

    fn sync_folder_of(&self, path: &Path) -> io::Result<()> {
        match path.parent().map(File::open) {
            Some(Ok(folder)) => folder.sync_all(),
            // Somebody else has removed it, being empty.
            Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Some(Err(e)) => Err(e),
            None => Ok(()),
        }
    }

    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        Counters::one(&self.counters.lists);
        self.present()?;
        let mut entries = Vec::new();
        let mut folders = vec![self.path(prefix)];
        while let Some(folder) = folders.pop() {
            if interrupt::asked() {
                return Err(Error::Canceled);
            }
            let failed = |e: io::Error| self.failed(Action::List, &folder, &e);
            let items = match fs::read_dir(&folder) {
                Ok(items) => items,
                // A prefix without objects, or a folder that was removed meanwhile.
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(e) => return Err(failed(e)),
            };
            for item in items {
                let item = item.map_err(failed)?;
                let path = item.path();
                // A name that is no text is no object of ours, and every disk has a folder for what was lost.
                let Some(key) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) else {
                    continue;
                };
                if key == "lost+found" {
                    continue;
                }
                let kind = item.file_type().map_err(failed)?;
                if kind.is_dir() {
                    folders.push(path);
                } else if let Ok(about) = fs::metadata(&path)
                    && about.is_file()
                {
                    entries.push(Entry {
                        key: key.to_owned(),
                        size: about.len(),
                    });
                }
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }
}

/// A file to read; a folder of that name is no object.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotADirectory => io::ErrorKind::NotFound.into(),
        _ => e,
    })?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Writes it all to disk, step by step.
fn write(mut file: File, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |e: io::Error| told(Action::Put, path, &e);
    for piece in bytes.chunks(SYNC) {
        for step in piece.chunks(STEP) {
            if interrupt::asked() {
                return Err(Error::Canceled);
            }
            file.write_all(step).map_err(failed)?;
        }
        file.sync_data().map_err(failed)?;
    }
    if interrupt::asked() {
        return Err(Error::Canceled);
    }
    file.sync_all().map_err(failed)
}

/// An error of the operating system in words.
fn told(action: Action, path: &Path, error: &io::Error) -> Error {
    let detail = Some(format!("\"{}\": {error}.", path.display()));
    let account =
        "Give the server's operating system account the right to read and write the folder of the store.";
    match error.kind() {
        io::ErrorKind::NotFound => Error::not_found(&path.display().to_string(), detail),
        io::ErrorKind::PermissionDenied => denied(
            "the operating system denies access to the store".into(),
            detail,
            account.into(),
        ),
        io::ErrorKind::ReadOnlyFilesystem => denied(
            "the folder of the store is on a disk that cannot be written to".into(),
            detail,
            "Mount it for writing.".into(),
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => unavailable(
            "the disk of the store is full".into(),
            detail,
            Some("Free some space, or move the store to a larger disk.".into()),
        ),
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Error::configuration(
            "a folder and an object of the store have the same name".into(),
            detail,
            "Remove what does not belong into the folder of the store.".into(),
        ),
        io::ErrorKind::InvalidFilename => {
            Error::limit("the name of the object is too long for the disk".into(), detail)
        }
        _ => unavailable(
            match action {
                Action::Put => "the store cannot be written to".into(),
                _ => "the store cannot be read".to_owned(),
            },
            detail,
            None,
        ),
    }
}
