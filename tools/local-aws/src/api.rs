//! Kinesis, Firehose and Lambda for the AWS CLI and SDKs: as much of their protocols as puts records, reads them back,
//! invokes a function, and shows or changes what an operator looks at.
//!
//! Source: the API References of Kinesis, Amazon Data Firehose and Lambda, the operations named in the modules.

mod firehose;
mod kinesis;
mod lambda;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::door::{self, Door, Protocol, is_lambda};
use crate::event_source_mapping::EventSourceMapping;
use crate::firehose::Producer;
use crate::function::Function;
use crate::kinesis::{KinesisError, Stream};
use crate::listen::{listen, url};
use lambda_io::limits::kinesis::PUT_RECORDS;
use served_stack::Keys;

/// What is served.
pub struct Services {
    /// The Kinesis stream.
    pub stream: Arc<Stream>,
    /// The Firehose stream, by name.
    pub firehose: (String, Producer),
    /// The functions.
    pub functions: Vec<Arc<Function>>,
    /// The mapping of the Kinesis stream to its function.
    pub mapping: Arc<EventSourceMapping>,
}

/// A running server; it ends when dropped.
pub struct Api {
    /// Where it listens.
    pub endpoint: String,
    task: JoinHandle<()>,
}

impl Api {
    /// Serves on `port`, or on a free port for 0, what is signed with these keys.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, services: Services, keys: &Keys) -> anyhow::Result<Self> {
        let listener = listen(port, "Kinesis, Firehose and Lambda").await?;
        let endpoint = url(&listener)?;
        let router = Router::new()
            .merge(lambda::routes())
            .fallback(serve)
            // The door bounds what comes in.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(services));
        let task = tokio::spawn(door::serve(listener, Door::new(Protocol::Streams, keys), router));
        Ok(Self { endpoint, task })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Refusal {
    code: &'static str,
    message: String,
}

type Answer = Result<Value, Refusal>;

impl From<KinesisError> for Refusal {
    fn from(error: KinesisError) -> Self {
        let code = match &error {
            KinesisError::InvalidArgument(_) => "InvalidArgumentException",
            KinesisError::ResourceNotFound(_) => "ResourceNotFoundException",
        };
        Self { code, message: error.to_string() }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: "InvalidArgumentException", message: message.into() }
}

fn unknown(operation: &str) -> Refusal {
    Refusal {
        code: "UnknownOperationException",
        message: format!("{operation:?} is no operation that is served here"),
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
            message: "CBOR is not served here; let the client speak JSON (AWS SDK for Java: set aws.cborEnabled=false)"
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
            _ => Err(unknown(target)),
        }
    }
}

/// The records of a request.
fn batch(request: &Value) -> Result<&[Value], Refusal> {
    let records = request["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    if (1..=PUT_RECORDS).contains(&records.len()) {
        return Ok(records);
    }
    Err(Refusal {
        code: "ValidationException",
        message: format!("a request has 1 to {PUT_RECORDS} records, not {}", records.len()),
    })
}

fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    request[name].as_str().ok_or_else(|| invalid(format!("{name} is missing")))
}

fn blob(record: &Value, name: &str) -> Result<Bytes, Refusal> {
    let text = text(record, name)?;
    let data = base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|_| Refusal { code: "SerializationException", message: format!("{name} is not base64") })?;
    Ok(data.into())
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}
