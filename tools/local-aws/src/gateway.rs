//! A reverse proxy in front of a service, where a test can interfere with single requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

/// Called with the number of each request, counted from 1, before it is passed on.
pub type Interference = Arc<dyn Fn(u64) + Send + Sync>;

#[derive(Clone)]
struct Gateway {
    client: Client<HttpConnector, Body>,
    target: String,
    requests: Arc<AtomicU64>,
    interference: Interference,
}

/// Passes every request on `listener` to `target`.
pub(crate) async fn serve(listener: TcpListener, target: String, interference: Interference) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let gateway = Gateway { client, target, requests: Arc::default(), interference };
    let router = Router::new().fallback(pass_on).with_state(gateway);
    // Ends only with the task it runs in.
    let _ = axum::serve(listener, router).await;
}

async fn pass_on(State(gateway): State<Gateway>, mut request: Request) -> Response {
    (gateway.interference)(gateway.requests.fetch_add(1, Ordering::Relaxed) + 1);
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
