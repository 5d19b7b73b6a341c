//! Where a store is: the parts of its URL, and the keys below it.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::secret::bare_url;
use crate::Error;

/// The kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// A folder of the server.
    File,
    /// S3 and what speaks its protocol.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Gcs,
}

impl Scheme {
    /// The scheme of a URL.
    ///
    /// # Errors
    /// `Configuration` for any other scheme.
    ///
    /// ```
    /// use kpi_archive::Scheme;
    /// assert_eq!(Scheme::of("s3://bucket/prefix").unwrap(), Scheme::S3);
    /// assert_eq!(Scheme::of("gs://bucket").unwrap().to_string(), "gs");
    /// assert!(Scheme::of("ftp://host").is_err());
    /// ```
    pub fn of(url: &str) -> Result<Self, Error> {
        match url
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase())
            .as_deref()
        {
            Some("file") => Ok(Self::File),
            Some("s3") => Ok(Self::S3),
            Some("az") => Ok(Self::Azure),
            Some("gs") => Ok(Self::Gcs),
            _ => Err(wrong(url, "the URL of the store has no scheme that is known")),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::Gcs => "gs",
        })
    }
}

/// The URL of a store, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) scheme: Scheme,
    /// Bucket or container; empty for a folder.
    pub(crate) bucket: String,
    /// Absolute path of a folder, or the prefix of every key in the bucket, without slashes at its ends.
    pub(crate) path: String,
}

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let scheme = Scheme::of(url)?;
        let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        if rest.contains(['?', '#']) {
            return Err(wrong(url, "the URL of the store has a query or a fragment"));
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if host.contains('@') {
            return Err(wrong(url, "the URL of the store names a user"));
        }
        let decoded = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| wrong(url, "the URL of the store is not UTF-8"))?;
        if decoded.chars().any(char::is_control) {
            return Err(wrong(url, "the URL of the store has control characters"));
        }
        if scheme == Scheme::File {
            if !(host.is_empty() || host == "localhost") || decoded.is_empty() {
                return Err(wrong(url, "the URL of the store names no absolute path"));
            }
            return Ok(Self {
                scheme,
                bucket: String::new(),
                path: decoded.into_owned(),
            });
        }
        if host.is_empty() {
            return Err(wrong(url, "the URL of the store names no bucket"));
        }
        if !host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        {
            return Err(wrong(
                url,
                "the URL of the store names a bucket with characters that no bucket has",
            ));
        }
        let prefix = decoded.trim_matches('/');
        if !prefix.is_empty() && prefix.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong(
                url,
                "the URL of the store has an empty part, \".\" or \"..\" in its path",
            ));
        }
        Ok(Self {
            scheme,
            bucket: host.to_owned(),
            path: prefix.to_owned(),
        })
    }

    /// The whole key of an object in the bucket.
    pub(crate) fn full(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}/{key}", self.path),
        }
    }

    /// A key of the bucket as one below the URL.
    pub(crate) fn relative<'a>(&self, full: &'a str) -> Option<&'a str> {
        if self.path.is_empty() {
            Some(full)
        } else {
            full.strip_prefix(&self.path)?.strip_prefix('/')
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::File => write!(f, "file://{}", self.path),
            _ if self.path.is_empty() => write!(f, "{}://{}", self.scheme, self.bucket),
            _ => write!(f, "{}://{}/{}", self.scheme, self.bucket, self.path),
        }
    }
}

fn wrong(url: &str, message: &str) -> Error {
    Error::configuration(
        message.to_owned(),
        Some(format!("The URL is \"{}\".", bare_url(url))),
        "Write file:///absolute/folder, s3://bucket/prefix, az://container/prefix or gs://bucket/prefix; credentials go into \
         the user mapping."
            .to_owned(),
    )
}

/// A key that every store can hold, and that stays below the URL: parts of visible ASCII characters between single slashes,
/// none of them `.` or `..` or longer than 200, at most 900 in all.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 200;
    if key.len() <= 900 && key.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && key.split('/').all(part)
    {
        return Ok(());
    }
    Err(Error::configuration(
        "the key of the object is not one that every store can hold".to_owned(),
        Some(format!("The key is \"{}\".", key.escape_debug())),
        "A key has parts of visible ASCII characters between single slashes, each of at most 200 characters."
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(url: &str) -> (String, String) {
        let location = Location::parse(url).unwrap();
        (location.bucket, location.path)
    }

    #[test]
    fn urls_come_apart() {
        assert_eq!(parsed("s3://b"), ("b".into(), "".into()));
        assert_eq!(parsed("S3://b/"), ("b".into(), "".into()));
        assert_eq!(parsed("gs://b.c/x/y/"), ("b.c".into(), "x/y".into()));
        assert_eq!(parsed("az://b/my%20prefix"), ("b".into(), "my prefix".into()));
        assert_eq!(
            parsed("file:///srv/cold%20rows"),
            ("".into(), "/srv/cold rows".into())
        );
        assert_eq!(parsed("file://localhost/srv"), ("".into(), "/srv".into()));
    }

    #[test]
    fn wrong_urls_are_told_without_their_secrets() {
        for url in [
            "",
            "bucket",
            "http://host",
            "s3:/b",
            "s3://",
            "s3:///p",
            "s3://b/p//q",
            "s3://b/../p",
            "s3://b/p?x=hunter2",
            "s3://me:hunter2@b/p",
            "s3://b/p#hunter2",
            "s3://b c/p",
            "file://relative/path",
            "file://",
            "s3://b/a%00b",
        ] {
            let error = Location::parse(url).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Configuration, "{url}");
            assert!(
                !format!("{error:?} {error} {:?} {:?}", error.detail(), error.hint()).contains("hunter2"),
                "{url}"
            );
        }
    }

    #[test]
    fn keys_stay_below_the_url() {
        for key in ["a", "a/b.parquet", "public.a%20b/0001", "a#1", "~"] {
            assert!(check_key(key).is_ok(), "{key}");
        }
        for key in [
            "", "/a", "a/", "a//b", ".", "../a", "a/..", "a b", "é", "a\nb", "a\\b",
        ] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn a_key_goes_in_and_comes_out(key in "[a-z%.]{1,8}(/[a-z0-9_-]{1,8}){0,3}", prefix in "(/[a-z]{1,5}){0,3}") {
            let location = Location::parse(&format!("s3://bucket{prefix}")).unwrap();
            let full = location.full(&key);
            prop_assert_eq!(location.relative(&full), Some(key.as_str()));
            prop_assert!(!full.starts_with('/') && !full.ends_with('/'));
        }

        #[test]
        fn no_url_panics(url in ".{0,60}") {
            let _ = Location::parse(&url);
        }
    }
}
