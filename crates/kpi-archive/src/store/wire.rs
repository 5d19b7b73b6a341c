//! Requests on the wire: one HTTP client for a store, which counts what it does, watches over silence and notes failures.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use tokio::time::{Instant, Sleep, sleep_until};

use super::failure::{Failure, Slot};
use super::requests::Counters;

/// A refusing answer is read up to here.
const REFUSAL: usize = 64 * 1024;

/// Makes the clients of a store; all share the connections of one.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) client: reqwest::Client,
    pub(crate) counters: Arc<Counters>,
    /// Nothing sent or received for this long is a failure.
    pub(crate) silence: Duration,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("silence", &self.silence)
            .finish_non_exhaustive()
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let host = parts
            .uri
            .authority()
            .map(|a| a.as_str().rsplit('@').next().unwrap_or_default().to_owned())
            .unwrap_or_default();
        let url = reqwest::Url::parse(&parts.uri.to_string())
            .map_err(|e| HttpError::new(HttpErrorKind::Unknown, e))?;
        self.counters
            .request(&parts.method, parts.uri.query().unwrap_or_default());

        let pulse = Pulse::default();
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(reqwest::Body::wrap(Upload {
            body,
            pulse: pulse.clone(),
            counters: self.counters.clone(),
        }));

        let execute = self.client.execute(request);
        let response = match pulse.watch(self.silence, execute).await {
            Some(Ok(response)) => http::Response::<reqwest::Body>::from(response),
            Some(Err(error)) => return Err(noted(&host, error)),
            None => return Err(silent(&host)),
        };
        let (parts, body) = response.into_parts();
        let body = Download::new(body, host, self.silence, self.counters.clone());
        if parts.status.is_success() {
            return Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)));
        }
        let words = body.start().await;
        Slot::note(Failure::of_answer(parts.status.as_u16(), &parts.headers, &words));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(words)))
    }
}

fn noted(host: &str, error: reqwest::Error) -> HttpError {
    Slot::note(Failure::of_client(host, &error));
    HttpError::new(HttpErrorKind::Unknown, error.without_url())
}

fn silent(host: &str) -> HttpError {
    Slot::note(Failure::Silent {
        host: host.to_owned(),
    });
    HttpError::new(
        HttpErrorKind::Timeout,
        std::io::Error::from(std::io::ErrorKind::TimedOut),
    )
}

/// When the last piece of a request went out.
#[derive(Clone)]
struct Pulse(Arc<Mutex<Instant>>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Pulse {
    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of `work`, or none when the pulse has stopped for as long as `silence`.
    async fn watch<T>(&self, silence: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let deadline = self.last() + silence;
            if let Ok(result) = tokio::time::timeout_at(deadline, &mut work).await {
                return Some(result);
            }
            if self.last() + silence <= Instant::now() {
                return None;
            }
        }
    }
}

/// The body of a request, which beats the pulse as it goes out.
struct Upload {
    body: HttpRequestBody,
    pulse: Pulse,
    counters: Arc<Counters>,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.pulse.beat();
        if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(Frame::data_ref)) {
            add(&self.counters.bytes_written, data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn add(counter: &AtomicU64, data: Option<&Bytes>) {
    counter.fetch_add(data.map_or(0, |d| d.len() as u64), Relaxed);
}

/// The body of an answer: silence and a broken connection end it with an error that is noted.
struct Download {
    body: reqwest::Body,
    host: String,
    silence: Duration,
    deadline: Pin<Box<Sleep>>,
    counters: Arc<Counters>,
}

impl Download {
    fn new(body: reqwest::Body, host: String, silence: Duration, counters: Arc<Counters>) -> Self {
        Self {
            body,
            host,
            silence,
            deadline: Box::pin(sleep_until(Instant::now() + silence)),
            counters,
        }
    }

    /// The start of a refusal, as far as it can be read.
    async fn start(mut self) -> Bytes {
        let mut start = Vec::new();
        while start.len() < REFUSAL {
            match std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
                Some(Ok(frame)) => start.extend_from_slice(frame.data_ref().map_or(&[][..], |d| d)),
                Some(Err(_)) | None => break,
            }
        }
        start.truncate(REFUSAL);
        start.into()
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let next = Instant::now() + self.silence;
            self.deadline.as_mut().reset(next);
            if let Some(Ok(data)) = frame.as_ref().map(|f| f.as_ref().map(Frame::data_ref)) {
                add(&self.counters.bytes_read, data);
            }
            return Poll::Ready(frame.map(|f| f.map_err(|e| noted(&self.host, e))));
        }
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(Some(Err(silent(&self.host))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
