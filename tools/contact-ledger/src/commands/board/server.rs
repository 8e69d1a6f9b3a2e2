//! The server of the page and its document.
//!
//! Every path begins with a secret, so other users of the machine, and pages that try all ports, find
//! nothing. The browser is opened with a ticket instead, which is valid once, because other users can see the arguments
//! of processes.

use std::convert::Infallible;
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
    board: LiveBoard<S>,
    now: fn() -> Timestamp,
    secret: String,
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

impl<S: Source> Server<S> {
    /// Every path begins with the secret.
    pub(super) fn new(board: LiveBoard<S>, now: fn() -> Timestamp, secret: String) -> Self {
        Self { board, now, secret, ticket: Mutex::default() }
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
                say(
                    "the address that --open gave to the browser was used twice; if that was not you, another user of this machine can see the board: stop it, and start it without --open",
                );
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
        match self.board.answer(self.now).await {
            Answer::Board(rendered) => self.rendered(request, &rendered),
            Answer::Nothing(problem) => {
                let body = serde_json::json!({ "problem": problem }).to_string();
                with_body(StatusCode::SERVICE_UNAVAILABLE, "application/json", body.into())
            }
        }
    }

    fn rendered<B>(&self, request: &Request<B>, rendered: &Rendered) -> Reply {
        let headers = request.headers();
        let has = |name: HeaderName, wanted: &str| {
            let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|value| {
                let value = value.trim();
                value.split(';').next() == Some(wanted) || value.trim_start_matches("W/") == wanted
            })
        };
        let mut reply = if has(IF_NONE_MATCH, &rendered.etag) {
            let mut reply = Reply::default();
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            reply
        } else if has(ACCEPT_ENCODING, "gzip") {
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
