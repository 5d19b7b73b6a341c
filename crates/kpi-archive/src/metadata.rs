//! What a file says about itself: enough to rebuild the manifest from the bucket alone.

use serde::{Deserialize, Serialize};

use crate::{Column, Error, Hashes};

/// The version of the description that this crate writes.
pub(crate) const VERSION: u32 = 1;

/// What a file says about itself, under the key `pg_kpi` of its Parquet metadata, as JSON.
///
/// ```
/// use kpi_archive::FileMetadata;
/// let about = FileMetadata { intent: "8a1f".into(), number: 7, ..FileMetadata::default() };
/// assert_eq!(about.key_suffix(), "8a1f/0007.parquet");
/// assert_eq!(FileMetadata::from_json(&about.to_json().unwrap()).unwrap(), about);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileMetadata {
    /// Version of this description: 1.
    pub version: u32,
    /// The database that the object belongs to, a UUID.
    pub owner: String,
    /// The retention policy in that database.
    pub retention: i32,
    /// The table, `schema.name`.
    pub relation: String,
    /// The intent that wrote it, a UUID.
    pub intent: String,
    /// Its number among the objects of the intent.
    pub number: u32,
    /// Whether it is the last object of the intent: with all numbers before it, the export is whole.
    #[serde(default)]
    pub last: bool,
    /// The name of the column that the rows are sorted by.
    pub time_column: String,
    /// Filled in by [`crate::Writer::finish`].
    pub columns: Vec<Column>,
    /// Rows. Filled in by [`crate::Writer::finish`].
    pub rows: u64,
    /// The range of the table that the object is responsible for starts here: microseconds since 1970-01-01.
    pub since: i64,
    /// The range ends before this.
    pub until: i64,
    /// Filled in by [`crate::Writer::finish`].
    pub hashes: Hashes,
    /// Field ids of the floating-point columns that hold a NaN. Filled in by [`crate::Writer::finish`].
    pub nan: Vec<i32>,
    /// The keys of the objects that this one took the place of.
    pub replaces: Vec<String>,
    /// When it was written: ISO 8601, UTC.
    pub written_at: String,
}

impl FileMetadata {
    /// What the key of the object ends with: an object found under another key is not the one that was put there.
    pub fn key_suffix(&self) -> String {
        format!("{}/{:04}.parquet", self.intent, self.number)
    }

    /// The description as JSON.
    ///
    /// # Errors
    /// `Unsupported`: none is known.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| {
            Error::unsupported(
                "the description of a file cannot be written".into(),
                Some(error.to_string()),
            )
        })
    }

    /// The description from JSON.
    ///
    /// # Errors
    /// `Unsupported`: it is not the JSON of a description, or of a version to come.
    ///
    /// ```
    /// use kpi_archive::FileMetadata;
    /// let error = FileMetadata::from_json("{}").unwrap_err();
    /// assert_eq!(error.to_string(), "the description of a file cannot be read");
    /// ```
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let about: Self = serde_json::from_str(json).map_err(|error| {
            Error::unsupported(
                "the description of a file cannot be read".into(),
                Some(error.to_string()),
            )
        })?;
        if about.version > VERSION {
            return Err(Error::unsupported(
                "the file was written by a later version of pg_kpi".into(),
                Some(format!(
                    "Its description has version {}, known is {VERSION}.",
                    about.version
                )),
            ));
        }
        Ok(about)
    }
}
