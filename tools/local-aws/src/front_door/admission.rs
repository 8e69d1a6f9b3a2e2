//! Admits or refuses a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::service::TowerToHyperService;
use loopback::{Callers, READ_TIMEOUT};
use served_stack::Keys;
use tokio::net::TcpListener;

use super::bounds::bounded;
use super::protocol::{Protocol, is_lambda};
use super::refusal::Refusal;
use super::signature;
use super::signature::Verifier;
use crate::now;

/// DynamoDB's own limit for a request; Kinesis, Firehose and Lambda accept less.
/// Source: [Quotas in Amazon DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html), batch
/// operations.
const BUFFERED_BYTES: usize = 16 * 1024 * 1024;
/// Source: [Uploading objects](https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html) (S3 User Guide):
/// up to 5 GB in a single PUT.
const OBJECT_BYTES: usize = 5 * 1024 * 1024 * 1024;
/// A function keeps its connection open while it works, up to Lambda's 15 minutes.
const RUNTIME_TIMEOUT: Duration = Duration::from_mins(16);

/// The front door of one server.
#[derive(Clone)]
pub(crate) struct FrontDoor {
    protocol: Protocol,
    verifier: Option<Arc<Verifier>>,
    read_timeout: Duration,
    body_bytes: usize,
}

impl FrontDoor {
    /// For a service whose requests are signed with these keys.
    pub(crate) fn new(protocol: Protocol, keys: &Keys) -> Self {
        // S3 bodies are streamed and can be signed in chunks, so `s3s` verifies them.
        let verifier = (protocol != Protocol::S3).then(|| Arc::new(Verifier::new(keys)));
        let body_bytes = if protocol == Protocol::S3 { OBJECT_BYTES } else { BUFFERED_BYTES };
        Self { protocol, verifier, read_timeout: READ_TIMEOUT, body_bytes }
    }

    /// For the Runtime API. Only the function's process knows its port, but a page can try them all.
    pub(crate) fn for_runtime_api() -> Self {
        let (protocol, read_timeout) = (Protocol::Runtime, RUNTIME_TIMEOUT);
        Self { protocol, verifier: None, read_timeout, body_bytes: BUFFERED_BYTES }
    }

    /// Returns the request if it passes every check.
    async fn admit(&self, request: Request) -> Result<Request, Response> {
        let (head, body) = request.into_parts();
        let refused = |refusal: Refusal| refusal.response(self.protocol, is_lambda(head.uri.path()));
        let callers = Callers { bucket_hosts: self.protocol == Protocol::S3, own_pages: false };
        let refusal =
            |message| Refusal { status: StatusCode::FORBIDDEN, code: "AccessDeniedException", message };
        loopback::check(callers, &head.method, &head.uri, &head.headers).map_err(refusal).map_err(refused)?;
        let services = self.protocol.services(&head);
        let Some(verifier) = &self.verifier else {
            if self.protocol == Protocol::S3 {
                // `s3s` verifies the rest. It also accepts signatures for AWS STS, version 2, and longer expiry.
                signature::check_form(services, &head).map_err(refused)?;
            }
            return Ok(Request::from_parts(head, bounded(body, self.body_bytes, self.read_timeout)));
        };
        // The keys are checked first, so that a client without them cannot make the server buffer a body.
        let claim = verifier.claim(services, &head, now()).map_err(refused)?;
        let body = self.buffered(body).await.map_err(refused)?;
        verifier.verify(&claim, &head, &body).map_err(refused)?;
        Ok(Request::from_parts(head, Body::from(body)))
    }

    async fn buffered(&self, body: Body) -> Result<axum::body::Bytes, Refusal> {
        let whole = tokio::time::timeout(self.read_timeout, Limited::new(body, self.body_bytes).collect());
        match whole.await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                code: "RequestEntityTooLargeException",
                message: format!("the request is larger than {} bytes", self.body_bytes),
            }),
            Ok(Err(_)) => Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                code: "IncompleteBodyException",
                message: "the request ended before its body was complete".to_owned(),
            }),
            Err(_) => Err(Refusal {
                status: StatusCode::REQUEST_TIMEOUT,
                code: "RequestTimeoutException",
                message: format!("the request's body did not arrive within {:?}", self.read_timeout),
            }),
        }
    }
}

/// Runs first for every request and last for every response.
async fn enter(State(door): State<FrontDoor>, request: Request, next: Next) -> Response {
    let mut response = match door.admit(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused,
    };
    let is_cors = |name: &&HeaderName| name.as_str().starts_with("access-control-");
    let cors: Vec<_> = response.headers().keys().filter(is_cors).cloned().collect();
    for name in cors {
        response.headers_mut().remove(name);
    }
    response
}

/// Serves the router behind the front door until this future is dropped, which also ends its connections.
pub(crate) async fn serve(listener: TcpListener, door: FrontDoor, router: Router) {
    let router = router.layer(from_fn_with_state(door.clone(), enter));
    loopback::serve(listener, door.read_timeout, TowerToHyperService::new(router)).await;
}
