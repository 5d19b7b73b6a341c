//! Archived rows: the Parquet objects that hold them, reading and pruning them, verification, and the stores they lie in.
//!
//! | module | what it does |
//! |---|---|
//! | `schema`, `metadata` | what a column is in a file, what a file says about itself |
//! | `column`, `write`, `encode`, `choose`, `work` | rows to one object, encoded on a second thread |
//! | `hash`, `verify` | the content hash of rows, and the proof that an object holds what was written |
//! | `seal`, `footer` | a seal over every byte of an object that is ever read |
//! | `predicate`, `statistics`, `prune` | which row groups and pages may hold a row |
//! | `read`, `scan`, `pieces`, `cache` | rows of an object, read by ranges |
//! | `key` | encryption of objects before they leave |
//! | `objects` | what a store must be able to do to be read from |
//! | `store` | stores by URL: a folder, S3, Azure Blob Storage, Google Cloud Storage |
//!
//! Errors never show a secret, and every object whose bytes are not what was written is an [`ErrorKind::Corrupt`] that names it.
#![forbid(unsafe_code)]

mod cache;
mod choose;
mod column;
mod encode;
mod error;
mod footer;
mod hash;
pub mod interrupt;
mod key;
mod metadata;
mod objects;
mod pieces;
mod predicate;
mod prune;
mod read;
mod scan;
mod schema;
mod seal;
mod statistics;
mod store;
mod verify;
mod work;
mod write;

pub use arrow_array;

pub use cache::Cache;
pub use column::ColumnBuffer;
pub use error::{Error, ErrorKind};
pub use hash::{ContentHash, Hashes};
pub use key::Key;
pub use metadata::FileMetadata;
pub use objects::{MemoryObjects, Objects};
pub use predicate::{ColumnStatistics, Predicate, Test, Value, may_match};
pub use prune::Selection;
pub use read::File;
pub use scan::{Batch, Batches};
pub use schema::{Column, Kind, Schema};
pub use store::{Check, Entry, OPTIONS, OptionSpec, Requests, Scheme, Store, StoreOptions, known_options};
pub use verify::{Verified, verify};
pub use write::{Compression, WriteOptions, Writer, Written};
