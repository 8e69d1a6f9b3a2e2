//! The server of the page and its document.
//!
//! Every path begins with a secret, so other users of the machine, and pages that try all ports, find
//! nothing. The browser is opened with a ticket instead, which is valid once, because other users can see the arguments
//! of processes.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use connect_streams::Timestamp;
use http::header::{
    ACCEPT_ENCODING, AGE, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName,
    IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use ledger_console::render::output::say;
use live_board::{Answer, LiveBoard, Rendered, Source, page};
use loopback::Callers;
use tokio::net::TcpListener;

/// No response may be embedded, read by another origin, or load anything from elsewhere.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// The board, and who may see it.
pub(super) struct Server<S> {
    board: Arc<LiveBoard<S>>,
    now: fn() -> Timestamp,
    secret: String,
    /// The file that keeps the secret, if there is one.
    key_file: Option<PathBuf>,
    ticket: Mutex<Ticket>,
}

/// The one-time address.
#[derive(Default)]
enum Ticket {
    #[default]
    None,
    Valid(String),
    Spent(String),
}

/// A request of the page is a few hundred bytes.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

type Reply = Response<Full<Bytes>>;

impl<S: Source + 'static> Server<S> {
    /// Every path begins with the secret.
    pub(super) fn new(
        board: LiveBoard<S>,
        now: fn() -> Timestamp,
        secret: String,
        key_file: Option<PathBuf>,
    ) -> Self {
        Self { board: Arc::new(board), now, secret, key_file, ticket: Mutex::default() }
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// A path that leads to the page once.
    pub(super) fn ticket(&self) -> String {
        let ticket = loopback::secret();
        *self.lock() = Ticket::Valid(ticket.clone());
        ticket
    }

    /// Whether this is the ticket, for the first time. A second time, somebody else has seen it.
    fn takes(&self, key: &str) -> bool {
        let mut ticket = self.lock();
        match &*ticket {
            Ticket::Valid(valid) if valid == key => {
                *ticket = Ticket::Spent(key.to_owned());
                true
            }
            Ticket::Spent(spent) if spent == key => {
                let delete = self.key_file.as_ref();
                let delete = delete.map(|file| format!(", delete {}", file.display())).unwrap_or_default();
                say(&format!(
                    "the address that --open gave to the browser was used twice; if that was not you, another user of this machine can see the board: stop it{delete}, and start it without --open",
                ));
                false
            }
            _ => false,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ticket> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply<B>(&self, request: &Request<B>) -> Reply {
        let mut reply = self.checked(request).await;
        for (name, value) in HEADERS {
            reply.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        reply.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        reply
    }

    async fn checked<B>(&self, request: &Request<B>) -> Reply {
        let callers = Callers { own_pages: true, bucket_hosts: false };
        if let Err(why) = loopback::check(callers, request.method(), request.uri(), request.headers()) {
            return text(StatusCode::FORBIDDEN, &why);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "the board is read-only; use GET");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        let path = request.uri().path().trim_start_matches('/');
        let (key, file) = path.split_once('/').unwrap_or((path, ""));
        if self.takes(key) {
            return moved(&format!("/{}/", self.secret));
        }
        if key != self.secret {
            let why =
                "the address of the board contains a key; use the one that `contact-ledger board` printed";
            return text(StatusCode::NOT_FOUND, why);
        }
        match file {
            // The page loads its files relative to its own address.
            "" if !path.ends_with('/') => moved(&format!("/{}/", self.secret)),
            "board.json" => self.document(request).await,
            file => match page::file(file) {
                Some((content_type, content)) => {
                    with_body(StatusCode::OK, content_type, Bytes::from_static(content))
                }
                None => text(StatusCode::NOT_FOUND, "the board has no such file"),
            },
        }
    }

    async fn document<B>(&self, request: &Request<B>) -> Reply {
        let (board, now) = (self.board.clone(), self.now);
        // In a task of its own: a reading goes on when the browser that began it leaves, and its result is for all.
        match tokio::spawn(async move { board.answer(now).await }).await {
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the board failed; start it again"),
            Ok(Answer::Board(rendered)) => self.rendered(request, &rendered),
            Ok(Answer::Nothing(problem)) => {
                let body = serde_json::json!({ "problem": problem }).to_string();
                with_body(StatusCode::SERVICE_UNAVAILABLE, "application/json", body.into())
            }
        }
    }

    fn rendered<B>(&self, request: &Request<B>, rendered: &Rendered) -> Reply {
        let is_known = values(request, IF_NONE_MATCH)
            .any(|value| value == "*" || opaque(value) == opaque(&rendered.etag));
        let mut reply = if is_known {
            let mut reply = Reply::default();
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            reply
        } else if values(request, ACCEPT_ENCODING).any(accepts_gzip) {
            let body = Bytes::copy_from_slice(&rendered.gzip);
            let mut reply = with_body(StatusCode::OK, "application/json", body);
            reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            reply
        } else {
            with_body(StatusCode::OK, "application/json", Bytes::copy_from_slice(&rendered.json))
        };
        let age = (self.now)().epoch_milliseconds() - rendered.generated_at.epoch_milliseconds();
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(AGE, HeaderValue::from(age.max(0) / 1000));
        if let Ok(etag) = HeaderValue::from_str(&rendered.etag) {
            headers.insert(ETAG, etag);
        }
        reply
    }
}

/// Serves until this future is dropped.
pub(super) async fn serve<S: Source + 'static>(listener: TcpListener, server: Arc<Server<S>>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.reply(&request).await) }
    });
    loopback::serve(listener, READ_TIMEOUT, service).await;
}

/// The values of a header that is a list.
fn values<B>(request: &Request<B>, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// An entity tag as it is compared: weak or strong, `If-None-Match` is satisfied.
/// Source: [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2), section 13.1.2.
fn opaque(etag: &str) -> &str {
    etag.trim_start_matches("W/")
}

/// Whether this coding of `Accept-Encoding` is gzip, and not with the weight 0, which refuses it.
fn accepts_gzip(coding: &str) -> bool {
    let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
    let weight = parameters.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
    name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
}

fn with_body(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

fn text(status: StatusCode, text: &str) -> Reply {
    with_body(status, "text/plain; charset=utf-8", format!("{text}\n").into())
}

fn moved(to: &str) -> Reply {
    let mut reply = text(StatusCode::SEE_OTHER, to);
    if let Ok(to) = HeaderValue::from_str(to) {
        reply.headers_mut().insert(LOCATION, to);
    }
    reply
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use connect_streams::Timestamp;
    use contact_state::LongestLife;
    use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
    use http::{Request, StatusCode};
    use live_board::{LiveBoard, Reading, Settings, Source};
    use tables::StoreError;
    use tokio::sync::Semaphore;

    use super::{Server, accepts_gzip};

    /// Tables that answer when they are allowed to.
    #[derive(Clone)]
    struct Tables {
        readings: Arc<AtomicUsize>,
        may_answer: Arc<Semaphore>,
    }

    impl Source for Tables {
        async fn read(&self) -> Result<Reading, StoreError> {
            self.readings.fetch_add(1, Ordering::Relaxed);
            let _permit = self.may_answer.acquire().await;
            Ok(Reading::default())
        }
    }

    fn server(may_answer: usize) -> (Tables, Server<Tables>) {
        let tables = Tables { readings: Arc::default(), may_answer: Arc::new(Semaphore::new(may_answer)) };
        let settings = Settings {
            instance_id: "i-1".to_owned(),
            ghost_minutes: 5,
            longest_life: LongestLife::default(),
            lists_everyone: false,
        };
        let now = || Timestamp::parse("2026-03-02T08:00:00Z").unwrap();
        let board = LiveBoard::new(tables.clone(), settings, 2_000);
        (tables, Server::new(board, now, "key".to_owned(), None))
    }

    fn request() -> http::request::Builder {
        Request::get("/key/board.json").header("host", "127.0.0.1:8080")
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn a_reading_goes_on_when_the_browser_that_began_it_leaves() {
        runtime().block_on(async {
            let (tables, server) = server(0);
            let asked = request().body(()).unwrap();
            let left = tokio::time::timeout(Duration::from_millis(20), server.reply(&asked)).await;
            assert!(left.is_err(), "the tables have not answered");
            tables.may_answer.add_permits(1);
            assert_eq!(server.reply(&asked).await.status(), StatusCode::OK);
            assert_eq!(tables.readings.load(Ordering::Relaxed), 1);
        });
    }

    #[test]
    fn an_unchanged_document_is_not_sent_again_and_gzip_only_if_it_is_accepted() {
        runtime().block_on(async {
            let (_, server) = server(10);
            let first = server.reply(&request().body(()).unwrap()).await;
            let etag = first.headers()[ETAG].to_str().unwrap().to_owned();
            assert!(etag.starts_with("W/\""), "{etag}");
            for known in [&etag, etag.trim_start_matches("W/"), "*", &format!("\"a\", {etag}")] {
                let reply = server.reply(&request().header(IF_NONE_MATCH, known).body(()).unwrap()).await;
                assert_eq!(reply.status(), StatusCode::NOT_MODIFIED, "{known}");
            }
            let other = server.reply(&request().header(IF_NONE_MATCH, "\"a\"").body(()).unwrap()).await;
            assert_eq!(other.status(), StatusCode::OK);
            for (accepted, is_compressed) in
                [("gzip, br", true), ("gzip;q=0, identity", false), ("br", false)]
            {
                let reply =
                    server.reply(&request().header(ACCEPT_ENCODING, accepted).body(()).unwrap()).await;
                assert_eq!(reply.headers().contains_key(CONTENT_ENCODING), is_compressed, "{accepted}");
            }
        });
        assert!(accepts_gzip("gzip ; q=0.5") && accepts_gzip("GZIP") && !accepts_gzip("gzip; q=0.0"));
    }
}
