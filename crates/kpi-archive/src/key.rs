//! The key that objects are encrypted with before they leave.
//!
//! Objects are encrypted by [Parquet modular encryption](https://parquet.apache.org/docs/file-format/data-pages/encryption/) with
//! AES-GCM: every page, index and the footer, all with this key. Whoever lacks it sees the sizes of pages, and nothing else. Bloom
//! filters are left out of such an object, since they would tell which values are in it.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use parquet::encryption::decrypt::FileDecryptionProperties;
use parquet::encryption::encrypt::FileEncryptionProperties;
use twox_hash::XxHash3_64;

use crate::Error;

const HINT: &str = "A key has 16 or 32 bytes, as they are or as 32 or 64 hexadecimal digits; openssl rand -hex 32 makes one.";

/// A key for AES-GCM, of 16 or 32 bytes. `Debug` does not show it.
///
/// ```
/// use kpi_archive::Key;
/// let key = Key::parse(b"000102030405060708090a0b0c0d0e0f\n").unwrap();
/// assert_eq!(key, Key::parse(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]).unwrap());
/// assert_eq!(format!("{key:?}"), "Key(...)");
/// assert_eq!(Key::parse(b"secret").unwrap_err().to_string(), "an encryption key must have 16 or 32 bytes");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(...)")
    }
}

impl Key {
    /// The key in a file of the server: see [`Key::parse`].
    ///
    /// # Errors
    /// `Configuration`: the file cannot be read, or holds something else.
    ///
    /// ```
    /// use kpi_archive::Key;
    /// let error = Key::from_file("/nowhere/key".as_ref()).unwrap_err();
    /// assert_eq!(error.to_string(), "cannot read the encryption key in file /nowhere/key");
    /// ```
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(256).read_to_end(&mut bytes))
            .map_err(|error| {
                Error::configuration(
                    format!("cannot read the encryption key in file {}", path.display()),
                    Some(error.to_string()),
                    "The file must be readable by the operating system user that runs the server.".into(),
                )
            })?;
        Self::parse(&bytes)
    }

    /// The key in an environment variable of the server: see [`Key::parse`].
    ///
    /// # Errors
    /// `Configuration`: the variable is not set, or holds something else.
    ///
    /// ```
    /// use kpi_archive::Key;
    /// let error = Key::from_environment("KPI_NO_SUCH_KEY").unwrap_err();
    /// assert_eq!(error.to_string(), "the environment variable KPI_NO_SUCH_KEY holds no encryption key");
    /// ```
    pub fn from_environment(variable: &str) -> Result<Self, Error> {
        let value = std::env::var_os(variable).ok_or_else(|| {
            Error::configuration(
                format!("the environment variable {variable} holds no encryption key"),
                None,
                "Set it in the environment that the server is started with, and restart the server.".into(),
            )
        })?;
        Self::parse(value.as_encoded_bytes())
    }

    /// The key in bytes: 16 or 32 bytes as they are, or as hexadecimal digits, with or without a line end.
    ///
    /// # Errors
    /// `Configuration`: anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if matches!(bytes.len(), 16 | 32) && !(bytes.len() == 32 && bytes.iter().all(u8::is_ascii_hexdigit)) {
            return Ok(Self(bytes.to_vec()));
        }
        let text = bytes.trim_ascii_end();
        if matches!(text.len(), 32 | 64)
            && let Some(key) = text.chunks(2).map(hexadecimal).collect()
        {
            return Ok(Self(key));
        }
        if matches!(text.len(), 16 | 32) {
            return Ok(Self(text.to_vec()));
        }
        Err(Error::configuration(
            "an encryption key must have 16 or 32 bytes".into(),
            None,
            HINT.into(),
        ))
    }

    /// What tells keys apart in memory.
    pub(crate) fn fingerprint(&self) -> u64 {
        XxHash3_64::oneshot_with_seed(self.0.len() as u64, &self.0) | 1
    }

    pub(crate) fn encryption(&self) -> Result<Arc<FileEncryptionProperties>, Error> {
        FileEncryptionProperties::builder(self.0.clone())
            .build()
            .map_err(|_| refused())
    }

    pub(crate) fn decryption(&self) -> Result<Arc<FileDecryptionProperties>, Error> {
        FileDecryptionProperties::builder(self.0.clone())
            .build()
            .map_err(|_| refused())
    }
}

fn hexadecimal(pair: &[u8]) -> Option<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    u8::try_from(digit(pair.first())? << 4 | digit(pair.get(1))?).ok()
}

fn refused() -> Error {
    Error::configuration("the encryption key cannot be used".into(), None, HINT.into())
}
