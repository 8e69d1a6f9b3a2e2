//! Reads the fields of a request, and builds responses.

use axum::body::Bytes;
use lambda_io::limits::kinesis::PUT_RECORDS;
use serde_json::Value;

use crate::kinesis::KinesisError;

pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

pub(super) type Answer = Result<Value, Refusal>;

impl From<KinesisError> for Refusal {
    fn from(error: KinesisError) -> Self {
        let code = match &error {
            KinesisError::InvalidArgument(_) => "InvalidArgumentException",
            KinesisError::ResourceNotFound(_) => "ResourceNotFoundException",
        };
        Self { code, message: error.to_string() }
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: "InvalidArgumentException", message: message.into() }
}

pub(super) fn unknown(operation: &str) -> Refusal {
    Refusal {
        code: "UnknownOperationException",
        message: format!("operation {operation:?} is not supported"),
    }
}

/// The records of a request.
pub(super) fn batch(request: &Value) -> Result<&[Value], Refusal> {
    let records = request["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    if (1..=PUT_RECORDS).contains(&records.len()) {
        return Ok(records);
    }
    Err(Refusal {
        code: "ValidationException",
        message: format!(
            "a request must have 1 to {PUT_RECORDS} records, but this one has {}",
            records.len()
        ),
    })
}

pub(super) fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    request[name].as_str().ok_or_else(|| invalid(format!("{name} is missing")))
}

pub(super) fn blob(record: &Value, name: &str) -> Result<Bytes, Refusal> {
    let text = text(record, name)?;
    let data = base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|_| Refusal { code: "SerializationException", message: format!("{name} is not base64") })?;
    Ok(data.into())
}

pub(super) fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}
