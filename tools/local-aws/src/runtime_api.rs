//! The Lambda Runtime API for one function process.
//!
//! Source: [Using the Lambda runtime API for custom runtimes](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::front_door::{self, FrontDoor};
use crate::now;
use loopback::listen;

/// The error that a function reports when it fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionError {
    #[serde(default)]
    pub(crate) error_type: String,
    #[serde(default)]
    pub(crate) error_message: String,
}

pub(crate) type Answer = Result<Bytes, FunctionError>;

pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// The API's server. Dropping it stops it.
pub(crate) struct RuntimeApi {
    /// `127.0.0.1:<port>`, the form that the function expects.
    pub(crate) address: String,
    pub(crate) invocations: mpsc::Sender<Invocation>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Larger than Lambda's 6 MB, so that an oversized response reaches the caller, which reports it.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

struct Shared {
    function_arn: String,
    waiting: Mutex<mpsc::Receiver<Invocation>>,
    running: std::sync::Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    /// Whether the process has asked for an invocation.
    is_initialized: AtomicBool,
    /// The process's reason for not starting.
    init_error: std::sync::Mutex<Option<FunctionError>>,
}

impl RuntimeApi {
    pub(crate) async fn start(function_arn: String) -> anyhow::Result<Self> {
        let listener = listen(0, "the Lambda Runtime API").await?;
        let address = listener.local_addr()?.to_string();
        let (invocations, waiting) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            function_arn,
            waiting: Mutex::new(waiting),
            running: std::sync::Mutex::default(),
            is_initialized: AtomicBool::new(false),
            init_error: std::sync::Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, invocations, shared, task })
    }

    /// Whether the process has asked for an invocation. A process that exits before that has failed to start.
    pub(crate) fn is_initialized(&self) -> bool {
        self.shared.is_initialized.load(Ordering::Acquire)
    }

    /// The process's reason for not starting.
    pub(crate) fn init_error(&self) -> Option<FunctionError> {
        lock(&self.shared.init_error).clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared);
    front_door::serve(listener, FrontDoor::for_runtime_api(), router).await;
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.is_initialized.store(true, Ordering::Release);
    let Some(invocation) = shared.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = now().as_millisecond() + i64::try_from(invocation.timeout.as_millis()).unwrap_or(i64::MAX);
    let response = Response::builder()
        .header("lambda-runtime-aws-request-id", &invocation.request_id)
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", &shared.function_arn)
        .header("content-type", "application/json")
        .body(Body::from(invocation.payload));
    *lock(&shared.running) = Some((invocation.request_id, invocation.answer));
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    shared.answer(&request_id, Ok(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(request_id): Path<String>, body: Bytes) -> StatusCode {
    shared.answer(&request_id, Err(FunctionError::read(&body)))
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    *lock(&shared.init_error) = Some(FunctionError::read(&body));
    StatusCode::ACCEPTED
}

impl FunctionError {
    fn read(body: &[u8]) -> Self {
        let unreadable = |_| Self { error_type: "Unreadable".to_owned(), error_message: String::new() };
        serde_json::from_slice(body).unwrap_or_else(unreadable)
    }
}

impl Shared {
    fn answer(&self, request_id: &str, answer: Answer) -> StatusCode {
        match lock(&self.running).take_if(|(running, _)| running == request_id) {
            None => StatusCode::BAD_REQUEST,
            Some((_, sender)) => {
                // The caller may have stopped waiting.
                let _ = sender.send(answer);
                StatusCode::ACCEPTED
            }
        }
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
