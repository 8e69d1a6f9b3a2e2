//! The Lambda Runtime API for one function process.
//!
//! Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use std::sync::Arc;
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

use crate::listen::listen;
use crate::now;

/// What a function says when it fails.
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

/// The API's server; it ends when dropped.
pub(crate) struct RuntimeApi {
    /// `127.0.0.1:<port>`, as the function expects it.
    pub(crate) address: String,
    pub(crate) invocations: mpsc::Sender<Invocation>,
    task: JoinHandle<()>,
}

/// Lambda takes 6 MB; the rest is for the function to exceed, so that the model of the caller can notice.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

struct Shared {
    function_arn: String,
    waiting: Mutex<mpsc::Receiver<Invocation>>,
    running: std::sync::Mutex<Option<(String, oneshot::Sender<Answer>)>>,
}

impl RuntimeApi {
    pub(crate) async fn start(function_arn: String) -> anyhow::Result<Self> {
        let listener = listen(0, "the Lambda Runtime API").await?;
        let address = listener.local_addr()?.to_string();
        let (invocations, waiting) = mpsc::channel(1);
        let shared =
            Shared { function_arn, waiting: Mutex::new(waiting), running: std::sync::Mutex::default() };
        Ok(Self { address, invocations, task: tokio::spawn(serve(listener, shared)) })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::new(shared));
    // Ends only with the task it runs in.
    let _ = axum::serve(listener, router).await;
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
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
    let unreadable = |_| FunctionError { error_type: "Unreadable".to_owned(), error_message: String::new() };
    shared.answer(&request_id, Err(serde_json::from_slice(&body).unwrap_or_else(unreadable)))
}

impl Shared {
    fn answer(&self, request_id: &str, answer: Answer) -> StatusCode {
        match lock(&self.running).take_if(|(running, _)| running == request_id) {
            None => StatusCode::BAD_REQUEST,
            Some((_, sender)) => {
                // The caller may have given up on it.
                let _ = sender.send(answer);
                StatusCode::ACCEPTED
            }
        }
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
