//! A store across the network: S3, Azure Blob Storage or Google Cloud Storage.
//!
//! Nothing here rests on conditional writes or on multipart uploads. Every request may be repeated: an object is written whole,
//! under a key that is never used for other bytes, so that a write whose answer got lost is simply done again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt, PutPayload};

use super::Entry;
use super::engine::Engine;
use super::failure::{Failure, Slot};
use super::ranges::{GAP, LARGEST, coalesce, cut};
use super::requests::Counters;
use super::words::{Action, Teller};
use crate::Error;
use crate::interrupt;

/// Ranges of an object under way at the same time.
const PARALLEL: usize = 8;
/// An object goes out in pieces of this size, so that it can be seen to move.
const PIECE: usize = 256 * 1024;
/// Pause before the first repetition; each further one waits twice as long, up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// How long and how often a request is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) most: u32,
    pub(crate) within: Duration,
}

pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    engine: Engine,
    retry: Retry,
    counters: Arc<Counters>,
    teller: Teller,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("location", &self.teller.location.to_string())
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Why an attempt failed.
enum Trouble {
    Store(object_store::Error),
    /// Fewer or more bytes came than were asked for.
    Short {
        wanted: u64,
        got: u64,
    },
    /// The object ends before the range that was asked for.
    Ends {
        wanted: u64,
        got: u64,
    },
}

impl From<object_store::Error> for Trouble {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl Bucket {
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        engine: Engine,
        retry: Retry,
        counters: Arc<Counters>,
        teller: Teller,
    ) -> Self {
        Self {
            store,
            engine,
            retry,
            counters,
            teller,
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        Path::parse(self.teller.location.full(key)).map_err(|_| {
            Error::configuration(
                "the store cannot hold an object of that name".into(),
                Some(format!("The object is {}.", self.teller.object(key))),
                "Choose a prefix of visible characters in \"url\".".into(),
            )
        })
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.engine.wait(interrupt::asked, work)
    }

    /// Makes attempts until one succeeds, or fails for good, or there is no time left.
    async fn attempts<T, F>(&self, action: Action, key: &str, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let started = Instant::now();
        let mut made = 1;
        loop {
            let (trouble, failure) = match Slot::around(attempt()).await {
                (Ok(value), _) => return Ok(value),
                (Err(trouble), failure) => (trouble, failure),
            };
            let passes = match (&trouble, &failure) {
                (Trouble::Ends { .. }, _) => false,
                (_, Some(failure)) => failure.may_pass(),
                (Trouble::Short { .. }, None) => true,
                // An answer that says success and cannot be understood, unless it never came to a request.
                (Trouble::Store(error), None) => matches!(error, object_store::Error::Generic { .. }),
            };
            let pause = pause(made);
            if passes && made <= self.retry.most && started.elapsed() + pause < self.retry.within {
                made += 1;
                Counters::one(&self.counters.retries);
                tokio::time::sleep(pause).await;
                continue;
            }
            return Err(match (trouble, failure) {
                (Trouble::Ends { wanted, got }, _) | (Trouble::Short { wanted, got }, None) => {
                    self.teller.short(key, wanted, got)
                }
                (Trouble::Short { .. }, failure) => self.teller.tell(action, key, failure, &generic(), made),
                (Trouble::Store(error), failure) => self.teller.tell(action, key, failure, &error, made),
            });
        }
    }

    pub(crate) fn put(&self, key: &str, bytes: &Bytes) -> Result<(), Error> {
        let path = self.path(key)?;
        let payload: PutPayload = (0..bytes.len())
            .step_by(PIECE)
            .map(|at| bytes.slice(at..bytes.len().min(at + PIECE)))
            .collect();
        self.wait(self.attempts(Action::Put, key, || async {
            self.store.put(&path, payload.clone()).await?;
            Ok(())
        }))
    }

    pub(crate) fn get(&self, key: &str) -> Result<Bytes, Error> {
        let path = self.path(key)?;
        self.wait(self.attempts(Action::Get, key, || async {
            let answer = self.store.get(&path).await?;
            let wanted = answer.meta.size;
            whole(answer.bytes().await?, wanted)
        }))
    }

    pub(crate) fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let path = self.path(key)?;
        let joined = coalesce(ranges, GAP, LARGEST);
        let one = |range: Range<u64>| {
            let path = &path;
            async move {
                self.attempts(Action::Get, key, || async {
                    let answer = self.part(path, &range).await?;
                    whole(answer.bytes().await?, range.end - range.start)
                })
                .await
            }
        };
        let read: Vec<Bytes> = self.wait(
            futures_util::stream::iter(joined.iter().cloned().map(one))
                .buffered(PARALLEL)
                .try_collect(),
        )?;
        cut(ranges, &joined, &read).ok_or_else(|| self.teller.short(key, 1, 0))
    }

    /// The answer to a request for a range that lies within the object.
    async fn part(&self, path: &Path, range: &Range<u64>) -> Result<GetResult, Trouble> {
        let ends = |size: u64| Trouble::Ends {
            wanted: range.end - range.start,
            got: size.saturating_sub(range.start),
        };
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            ..GetOptions::default()
        };
        match self.store.get_opts(path, options).await {
            Ok(answer) if answer.meta.size < range.end => Err(ends(answer.meta.size)),
            Ok(answer) => Ok(answer),
            // Some answer a range that begins beyond the end with success and no bytes.
            Err(error) if !Slot::is_noted() => match self.store.head(path).await {
                Ok(about) if about.size < range.end => Err(ends(about.size)),
                _ => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn size(&self, key: &str) -> Result<u64, Error> {
        let path = self.path(key)?;
        self.wait(async {
            let head = self
                .attempts(Action::Size, key, || async {
                    Ok(self.store.head(&path).await?.size)
                })
                .await;
            match head {
                // The answer to a HEAD has no body, so it cannot say why: a GET can.
                Err(error) if !matches!(error, Error::Canceled) => {
                    self.attempts(Action::Size, key, || async {
                        Ok(self.store.get_opts(&path, first_byte()).await?.meta.size)
                    })
                    .await
                }
                head => head,
            }
        })
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        let path = self.path(key)?;
        self.wait(self.removal(key, &path))
    }

    /// Deletes without asking whether to go on, for a moment.
    pub(crate) fn delete_in(&self, time: Duration, key: &str) {
        if let Ok(path) = self.path(key) {
            let started = Instant::now();
            let _ = self
                .engine
                .wait(|| started.elapsed() > time, self.removal(key, &path));
        }
    }

    async fn removal(&self, key: &str, path: &Path) -> Result<(), Error> {
        self.attempts(Action::Delete, key, || async {
            let (result, failure) = Slot::around(self.store.delete(path)).await;
            match (result, &failure) {
                (Ok(()), _) => Ok(()),
                (Err(object_store::Error::NotFound { .. }), Some(Failure::Answer { code, .. }))
                    if absent(code.as_deref()) =>
                {
                    Ok(())
                }
                // A batch does not tell an absent object from an absent container.
                (Err(object_store::Error::NotFound { .. }), None) => {
                    let (reading, failure) = Slot::around(self.store.get_opts(path, first_byte())).await;
                    match (reading, failure) {
                        (
                            Err(_),
                            Some(Failure::Answer {
                                status: 404, code, ..
                            }),
                        ) if absent(code.as_deref()) => Ok(()),
                        (Err(error), failure) => {
                            failure.into_iter().for_each(Slot::note);
                            Err(error.into())
                        }
                        // Somebody has written it again.
                        (Ok(_), _) => Ok(()),
                    }
                }
                (Err(error), failure) => {
                    failure.clone().into_iter().for_each(Slot::note);
                    Err(error.into())
                }
            }
        })
        .await
    }

    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let full = self.teller.location.full(prefix);
        let path = if full.is_empty() {
            None
        } else {
            Some(Path::parse(&full).map_err(|_| self.teller.short(prefix, 0, 0))?)
        };
        let mut entries = self
            .wait(self.attempts(Action::List, prefix, || async {
                let found: Vec<_> = self.store.list(path.as_ref()).try_collect().await?;
                Ok(found)
            }))?
            .into_iter()
            .filter_map(|about| {
                let key = self.teller.location.relative(about.location.as_ref())?;
                Some(Entry {
                    key: key.to_owned(),
                    size: about.size,
                })
            })
            .collect::<Vec<_>>();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }
}

fn first_byte() -> GetOptions {
    GetOptions {
        range: Some(GetRange::Bounded(0..1)),
        ..GetOptions::default()
    }
}

fn generic() -> object_store::Error {
    object_store::Error::Generic {
        store: "",
        source: "".into(),
    }
}

/// The object is absent; its bucket is there.
fn absent(code: Option<&str>) -> bool {
    matches!(
        code,
        None | Some("NoSuchKey" | "BlobNotFound" | "NOT_FOUND" | "notFound")
    )
}

fn whole(bytes: Bytes, wanted: u64) -> Result<Bytes, Trouble> {
    match bytes.len() as u64 {
        got if got == wanted => Ok(bytes),
        got => Err(Trouble::Short { wanted, got }),
    }
}

/// The pause after the `made`-th attempt: doubling, and shortened at random by up to a half so that many do not come back at
/// the same time.
fn pause(made: u32) -> Duration {
    let full = PAUSE.saturating_mul(1 << (made - 1).min(16)).min(LONGEST);
    full.mul_f64(0.5 + 0.5 * super::random() as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_bounds() {
        for made in 1..40 {
            let full = (0.1 * 2f64.powi(made as i32 - 1)).min(5.0);
            let got = pause(made).as_secs_f64();
            assert!(got >= full * 0.499 && got <= full * 1.001, "{made}: {got}");
        }
    }

    #[test]
    fn a_body_of_another_length_is_trouble() {
        assert!(whole(Bytes::from_static(b"abc"), 3).is_ok());
        assert!(matches!(
            whole(Bytes::from_static(b"abc"), 4),
            Err(Trouble::Short { wanted: 4, got: 3 })
        ));
    }
}
