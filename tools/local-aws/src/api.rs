//! Kinesis, Firehose, EventBridge, SQS and Lambda for the AWS CLI and SDKs: the operations that put and read records, invoke a function, and
//! describe or change the resources that an operator works with.
//!
//! Source: the API References of [Kinesis](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Operations.html),
//! [Amazon Data Firehose](https://docs.aws.amazon.com/firehose/latest/APIReference/API_Operations.html),
//! [EventBridge](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html),
//! [SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html) and
//! [Lambda](https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html), for the operations named in the modules.

mod answer;
mod events;
mod firehose;
mod kinesis;
mod lambda;
mod services;
mod sqs;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinHandle;

use self::answer::{Answer, Refusal, unknown};
pub use self::services::Services;
use crate::front_door::{self, FrontDoor, Protocol, is_lambda};
use loopback::{listen, url};
use served_stack::Keys;

/// The services of this endpoint, for messages.
pub(crate) const STREAMS: &str = "Kinesis, Firehose, EventBridge, SQS and Lambda";

/// A running server. Dropping it stops it.
pub struct Api {
    /// Its URL.
    pub endpoint: String,
    task: JoinHandle<()>,
}

impl Api {
    /// Starts the server on `port`, or on a free port for 0. Requests must be signed with these keys.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, mut services: Services, keys: &Keys) -> anyhow::Result<Self> {
        let listener = listen(port, STREAMS).await?;
        let endpoint = url(&listener)?;
        services.endpoint.clone_from(&endpoint);
        let router = Router::new()
            .merge(lambda::routes())
            .fallback(serve)
            // The front door limits the size of bodies.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(services));
        let task = tokio::spawn(front_door::serve(listener, FrontDoor::new(Protocol::Streams, keys), router));
        Ok(Self { endpoint, task })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    State(services): State<Arc<Services>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if is_lambda(uri.path()) {
        return lambda::unknown(method, uri).await.into_response();
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = if header("content-type").contains("cbor") {
        Err(Refusal {
            code: "SerializationException",
            message: "CBOR is not supported; configure the client to speak JSON (AWS SDK for Java: set aws.cborEnabled=false)"
                .to_owned(),
        })
    } else {
        services.answer(header("x-amz-target"), &body).await
    };
    let (status, body) = match answer {
        Ok(answer) => (StatusCode::OK, answer),
        Err(Refusal { code, message }) => {
            (StatusCode::BAD_REQUEST, json!({"__type": code, "message": message}))
        }
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

impl Services {
    async fn answer(&self, target: &str, body: &[u8]) -> Answer {
        let (service, operation) = target.split_once('.').unwrap_or((target, ""));
        let request = || {
            serde_json::from_slice(body).map_err(|_| Refusal {
                code: "SerializationException",
                message: "the request is not JSON".to_owned(),
            })
        };
        match service {
            "Kinesis_20131202" => self.kinesis(operation, &request()?),
            "Firehose_20150804" => self.firehose(operation, &request()?).await,
            "AWSEvents" => self.events(operation, &request()?),
            "AmazonSQS" => self.sqs(operation, &request()?).await,
            _ => Err(unknown(target)),
        }
    }
}
