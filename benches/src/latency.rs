//! A DynamoDB stand-in that answers after a fixed latency and counts requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;

/// The server, in its own thread.
pub(crate) struct LatencyServer {
    pub(crate) endpoint: String,
    requests: Arc<AtomicUsize>,
}

impl LatencyServer {
    /// Starts a server that answers every request with success.
    pub(crate) fn start(latency: Duration) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let answer = move |headers: HeaderMap, body: Bytes| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(latency).await;
                let is_batch = headers
                    .get("x-amz-target")
                    .is_some_and(|target| target.as_bytes().ends_with(b"BatchExecuteStatement"));
                let answer = if is_batch { batch_answer(&body) } else { "{}".to_owned() };
                ([("content-type", "application/x-amz-json-1.0")], answer)
            }
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                axum::serve(listener, Router::new().route("/", post(answer))).await.unwrap();
            });
        });
        Self { endpoint, requests }
    }

    /// Requests since the last call.
    pub(crate) fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

fn batch_answer(body: &[u8]) -> String {
    let statements = body.windows(12).filter(|window| window == b"\"Statement\":").count();
    format!(r#"{{"Responses":[{}]}}"#, vec!["{}"; statements].join(","))
}

/// A client of a server.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-2"))
        .credentials_provider(Credentials::new("local", "local", None, None, "benchmark"));
    Client::from_conf(config.build())
}
