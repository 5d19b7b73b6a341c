//! The proof that an object holds what was written.

use crate::hash::ArrayHasher;
use crate::{Cache, Error, File, FileMetadata, Hashes, Key, Objects, Schema, Selection};

/// Rows decoded at a time.
const BATCH_ROWS: usize = 16_384;

/// What was found in an object that holds what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows.
    pub rows: u64,
    /// Bytes of the object.
    pub bytes: u64,
    /// The content hashes, computed from the values read back.
    pub hashes: Hashes,
}

/// Reads an object whole from the store, without any cache, decodes every value, and compares what it says about itself, its rows
/// and its hashes with `expected`.
///
/// # Errors
/// `Corrupt` names the object and what differs; otherwise as [`crate::File::open`].
pub fn verify(
    objects: &dyn Objects,
    object: &str,
    size: u64,
    key: Option<&Key>,
    expected: &FileMetadata,
) -> Result<Verified, Error> {
    let file = File::open(objects, object, size, key, &Cache::new(0))?;
    let (rows, hashes) = content(&file, objects)?;
    let differs = |what: String| Err(Error::corrupt(object, what));
    for (about, whose) in [
        (file.metadata(), "what it says of itself"),
        (expected, "what was written"),
    ] {
        if about.key_suffix() != file.metadata().key_suffix() || about.owner != file.metadata().owner {
            return differs(format!("It is another object than {}.", about.key_suffix()));
        }
        if about.rows != rows {
            return differs(format!("It holds {rows} rows, and by {whose} {}.", about.rows));
        }
        if about.hashes.columns.keys().ne(hashes.columns.keys()) {
            return differs(format!("It holds other columns than by {whose}."));
        }
        for column in &file.metadata().columns {
            let id = &column.field_id;
            if about.hashes.columns.get(id) != hashes.columns.get(id) {
                return differs(format!(
                    "The content of column {} is not that of {whose}.",
                    column.name
                ));
            }
        }
        if about.hashes.row != hashes.row {
            return differs(format!("Values lie in other rows than by {whose}."));
        }
    }
    Ok(Verified {
        rows,
        bytes: size,
        hashes,
    })
}

/// Decodes all rows of a file: how many they are, and their hashes.
fn content(file: &File, objects: &dyn Objects) -> Result<(u64, Hashes), Error> {
    let schema = Schema {
        columns: file.metadata().columns.clone(),
    };
    let fields: Vec<_> = schema.columns.iter().map(|column| column.field_id).collect();
    let mut hasher = ArrayHasher::new(&schema);
    let mut rows = 0;
    for row_group in 0..file.row_groups() {
        let all = Selection::all(file.rows(row_group));
        let mut batches = file.scan(row_group, &all, &fields, BATCH_ROWS, false)?;
        while let Some(batch) = batches.next(objects)? {
            hasher.add(&batch.columns, batch.rows);
            rows += batch.rows as u64;
        }
    }
    Ok((rows, hasher.finish()))
}
