//! A reverse proxy in front of a service, where faults are made, requests counted and permissions checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;

use crate::permission::{Guard, needed};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// It is served.
    Pass,
    /// It is served after a while.
    Slow(Duration),
    /// It is served, and the connection breaks before the answer is told.
    DropResponse,
    /// It is refused: too many.
    Throttle,
    /// It is refused: the service has a problem.
    ServerError,
    /// It is refused: no permission.
    Deny,
}

/// Called with the number of each request, counted from 1, before it is passed on.
pub type Interference = Arc<dyn Fn(u64) -> Intervention + Send + Sync>;

/// What a request passes on its way to a service.
#[derive(Clone, Default)]
pub struct Gate {
    /// Bad weather.
    pub interference: Option<Interference>,
    /// Permissions. Without it everything is permitted.
    pub guard: Option<Guard>,
}

impl Gate {
    /// Whether everything passes.
    pub(crate) fn is_open(&self) -> bool {
        self.interference.is_none() && self.guard.is_none()
    }
}

/// Whose errors are made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    DynamoDb,
    S3,
}

#[derive(Clone)]
struct Gateway {
    client: Client<HttpConnector, Body>,
    service: Service,
    target: String,
    requests: Arc<AtomicU64>,
    gate: Gate,
}

/// Passes every request on `listener` to `target`.
pub(crate) async fn serve(listener: TcpListener, service: Service, target: String, gate: Gate) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let gateway = Gateway { client, service, target, requests: Arc::default(), gate };
    let router = Router::new().fallback(intervene).with_state(gateway);
    // Ends only with the task it runs in.
    let _ = axum::serve(listener, router).await;
}

async fn intervene(State(gateway): State<Gateway>, request: Request) -> Response {
    let number = gateway.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let request = match &gateway.gate.guard {
        None => request,
        Some(guard) => match permitted(gateway.service, guard, request).await {
            Ok(request) => request,
            Err(denied) => return denied,
        },
    };
    let intervention =
        gateway.gate.interference.as_ref().map_or(Intervention::Pass, |interference| interference(number));
    match intervention {
        Intervention::Pass => pass_on(&gateway, request).await,
        Intervention::Slow(pause) => {
            tokio::time::sleep(pause).await;
            pass_on(&gateway, request).await
        }
        Intervention::DropResponse => {
            pass_on(&gateway, request).await;
            // A body that breaks takes the connection with it.
            let broken = futures::stream::once(async { Err::<&[u8], _>(std::io::Error::other("dropped")) });
            Response::new(Body::from_stream(broken))
        }
        Intervention::Throttle => gateway.service.throttled(),
        Intervention::ServerError => gateway.service.server_error(),
        Intervention::Deny => gateway.service.denied(),
    }
}

/// The request again, if all it does is permitted; what cannot be told is not.
async fn permitted(service: Service, guard: &Guard, request: Request) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| StatusCode::BAD_REQUEST.into_response())?;
    let path = head.uri.path();
    match needed(service, &head.method, path, &head.headers, &body) {
        Some(needed) if needed.iter().all(|permission| guard(permission)) => {
            Ok(Request::from_parts(head, Body::from(body)))
        }
        _ => Err(service.denied()),
    }
}

async fn pass_on(gateway: &Gateway, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", gateway.target).parse() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    match gateway.client.request(request).await {
        Ok(response) => response.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Errors as the services answer them.
/// Source: DynamoDB Developer Guide, "Error handling with DynamoDB"; S3 API Reference, "Error responses".
impl Service {
    fn throttled(self) -> Response {
        match self {
            Self::DynamoDb => self.error(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
            Self::S3 => self.error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        }
    }

    fn server_error(self) -> Response {
        match self {
            Self::DynamoDb => self.error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
            Self::S3 => self.error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }

    fn denied(self) -> Response {
        match self {
            Self::DynamoDb => self.error(StatusCode::BAD_REQUEST, "AccessDeniedException"),
            Self::S3 => self.error(StatusCode::FORBIDDEN, "AccessDenied"),
        }
    }

    fn error(self, status: StatusCode, code: &str) -> Response {
        let (content_type, body) = match self {
            Self::DynamoDb => (
                "application/x-amz-json-1.0",
                json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "on purpose"})
                    .to_string(),
            ),
            Self::S3 => (
                "application/xml",
                format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>on purpose</Message></Error>"),
            ),
        };
        (status, [("content-type", content_type)], body).into_response()
    }
}
