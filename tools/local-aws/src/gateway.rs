//! What a request passes between the door and its service: faults are injected, requests counted and permissions
//! checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::permission::{Guard, Service, needed};
use served_stack::Keys;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// It is served.
    Pass,
    /// It is served after a while.
    Slow(Duration),
    /// It is served, and the connection breaks before the answer arrives.
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
#[derive(Clone)]
pub struct Gate {
    /// The keys that it is signed with.
    pub keys: Keys,
    /// Fault injection.
    pub interference: Option<Interference>,
    /// Permissions. Without it everything is permitted.
    pub guard: Option<Guard>,
}

impl Default for Gate {
    /// Keys of its own, and whatever they sign passes.
    fn default() -> Self {
        Self::of(Keys::random())
    }
}

impl Gate {
    /// Whatever these keys sign passes.
    #[must_use]
    pub fn of(keys: Keys) -> Self {
        Self { keys, interference: None, guard: None }
    }

    /// Whether everything that is signed passes.
    fn is_open(&self) -> bool {
        self.interference.is_none() && self.guard.is_none()
    }
}

#[derive(Clone)]
struct Gateway {
    service: Service,
    requests: Arc<AtomicU64>,
    gate: Gate,
}

/// The service behind its gate.
pub(crate) fn guarded(router: Router, service: Service, gate: Gate) -> Router {
    if gate.is_open() {
        return router;
    }
    router.layer(from_fn_with_state(Gateway { service, requests: Arc::default(), gate }, intervene))
}

async fn intervene(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
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
        Intervention::Pass => next.run(request).await,
        Intervention::Slow(pause) => {
            tokio::time::sleep(pause).await;
            next.run(request).await
        }
        Intervention::DropResponse => {
            next.run(request).await;
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
    // An object's bytes need no permission, and may be many.
    let (body, bytes) = match service {
        Service::S3 => (body, Bytes::new()),
        Service::DynamoDb => {
            let whole = to_bytes(body, usize::MAX).await;
            let bytes = whole.map_err(|_| StatusCode::BAD_REQUEST.into_response())?;
            (Body::from(bytes.clone()), bytes)
        }
    };
    match needed(service, &head.method, head.uri.path(), &head.headers, &bytes) {
        Some(needed) if needed.iter().all(|permission| guard(permission)) => {
            Ok(Request::from_parts(head, body))
        }
        _ => Err(service.denied()),
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
