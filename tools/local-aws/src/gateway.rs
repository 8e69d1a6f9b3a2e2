//! The layer between the front door and a service. It injects faults, counts requests and checks permissions.

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

/// How the gateway handles a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// Serves it.
    Pass,
    /// Serves it after a delay.
    Slow(Duration),
    /// Serves it, and breaks the connection before the response arrives.
    DropResponse,
    /// Refuses it as throttled.
    Throttle,
    /// Refuses it with a server error.
    ServerError,
    /// Refuses it as not permitted.
    Deny,
}

/// Decides what to do with a request, given its number, which counts from 1.
pub type Interference = Arc<dyn Fn(u64) -> Intervention + Send + Sync>;

/// The checks and faults in front of a service.
#[derive(Clone)]
pub struct Gate {
    /// The keys that requests are signed with.
    pub keys: Keys,
    /// Fault injection.
    pub interference: Option<Interference>,
    /// Permissions. Without a guard, everything is permitted.
    pub guard: Option<Guard>,
}

impl Default for Gate {
    /// New keys; every request signed with them passes.
    fn default() -> Self {
        Self::of(Keys::random())
    }
}

impl Gate {
    /// Every request signed with these keys passes.
    #[must_use]
    pub fn of(keys: Keys) -> Self {
        Self { keys, interference: None, guard: None }
    }

    /// Whether every signed request passes.
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
            // An error in the body also closes the connection.
            let broken = futures::stream::once(async { Err::<&[u8], _>(std::io::Error::other("dropped")) });
            Response::new(Body::from_stream(broken))
        }
        Intervention::Throttle => gateway.service.throttled(),
        Intervention::ServerError => gateway.service.server_error(),
        Intervention::Deny => gateway.service.denied(),
    }
}

/// Returns the request if everything it does is permitted. A request that cannot be understood is not.
async fn permitted(service: Service, guard: &Guard, request: Request) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    // The body of an S3 request does not affect its permissions, and can be large.
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

/// Errors in the format of the services.
/// Source: [Error handling with DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html);
/// [Error responses](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) of S3.
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
                json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected"})
                    .to_string(),
            ),
            Self::S3 => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"
                ),
            ),
        };
        (status, [("content-type", content_type)], body).into_response()
    }
}
