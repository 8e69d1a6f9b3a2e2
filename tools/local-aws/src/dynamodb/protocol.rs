//! DynamoDB's JSON protocol over `dynoxide`'s database, which is called in this process. `dynoxide`'s own server accepts
//! only a TCP listener, which every program on the machine could reach without a signature.
//!
//! Well-formed requests get the same responses as from that server. Requests that an AWS SDK never sends, such as one with
//! a number in place of a string, get the same error with a simpler message.
//!
//! Source: [DynamoDB low-level API](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html)
//! and [Error handling with DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

const MEDIA_TYPE: &str = "application/x-amz-json-1.0";
/// DynamoDB and DynamoDB Streams.
const TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];

/// The service. The front door limits the size of bodies.
pub(super) fn router(database: Database) -> Router {
    Router::new().fallback(serve).layer(DefaultBodyLimit::disable()).with_state(database)
}

async fn serve(State(database): State<Database>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = TARGETS.iter().find_map(|prefix| target.strip_prefix(prefix));
    let answer = operation.and_then(|operation| answer(&database, operation, &body));
    let (status, json) = match answer {
        Some(Ok(json)) => (StatusCode::OK, json),
        Some(Err(error)) => failed(error),
        None => {
            let message = format!("operation {target:?} is not supported");
            let error = json!({
                "__type": "com.amazon.coral.service#UnknownOperationException", "message": message,
            });
            (StatusCode::BAD_REQUEST, error.to_string())
        }
    };
    let request_id = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
    (status, [(CONTENT_TYPE.as_str(), MEDIA_TYPE), ("x-amzn-requestid", &request_id)], json).into_response()
}

/// Runs an operation. Returns `None` if it is not supported.
fn answer(database: &Database, operation: &str, body: &[u8]) -> Option<Result<String, DynoxideError>> {
    macro_rules! operations {
        ($($name:literal => $method:ident,)*) => {
            match operation {
                $($name => run(body, |request| database.$method(request)),)*
                _ => return None,
            }
        };
    }
    let answer = operations! {
        "BatchExecuteStatement" => batch_execute_statement,
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "CreateTable" => create_table,
        "DeleteItem" => delete_item,
        "DeleteTable" => delete_table,
        "DescribeStream" => describe_stream,
        "DescribeTable" => describe_table,
        "DescribeTimeToLive" => describe_time_to_live,
        "ExecuteStatement" => execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "GetItem" => get_item,
        "GetRecords" => get_records,
        "GetShardIterator" => get_shard_iterator,
        "ListStreams" => list_streams,
        "ListTables" => list_tables,
        "ListTagsOfResource" => list_tags_of_resource,
        "PutItem" => put_item,
        "Query" => query,
        "Scan" => scan,
        "TagResource" => tag_resource,
        "TransactGetItems" => transact_get_items,
        "TransactWriteItems" => transact_write_items,
        "UntagResource" => untag_resource,
        "UpdateItem" => update_item,
        "UpdateTable" => update_table,
        "UpdateTimeToLive" => update_time_to_live,
    };
    Some(answer.map_err(|error| adjusted(operation, error)))
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Turns the message of `dynoxide`'s deserializers into an error. Some of their messages begin with a marker of its kind.
fn unreadable(message: &str) -> DynoxideError {
    type Make = fn(String) -> DynoxideError;

    let text = |marked: &str| {
        let position = marked.rfind(" at line ").unwrap_or(marked.len());
        marked[..position].to_owned()
    };
    let markers: [(&str, Make); 5] = [
        ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("VALIDATION:", DynoxideError::ValidationException),
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException),
        ("SERIALIZATION:", DynoxideError::SerializationException),
    ];
    for (marker, error) in markers {
        if let Some(marked) = message.strip_prefix(marker) {
            return error(text(marked));
        }
    }
    let is_about_values = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    if is_about_values.iter().any(|part| message.contains(part)) {
        return DynoxideError::ValidationException(text(message));
    }
    DynoxideError::SerializationException(text(message))
}

/// Adjusts the two errors that look different for some operations.
fn adjusted(operation: &str, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(message) => {
            let is_wrapped = ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation);
            let envelope = if is_wrapped { "1 validation error detected: " } else { "" };
            DynoxideError::ValidationException(format!("{envelope}{message}"))
        }
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if operation == "ExecuteStatement" =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        error => error,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn failed(error: DynoxideError) -> (StatusCode, String) {
    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, error.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(database: &Database, operation: &str, request: &serde_json::Value) -> Result<String, String> {
        let answer =
            answer(database, operation, request.to_string().as_bytes()).expect("the operation is supported");
        answer.map_err(|error| failed(error).1)
    }

    fn database() -> Database {
        let database = Database::memory().unwrap();
        let table = json!({
            "TableName": "Items", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        });
        ask(&database, "CreateTable", &table).unwrap();
        database
    }

    #[test]
    fn get_returns_the_item_that_was_put_and_a_failed_condition_returns_the_stored_item() {
        let database = database();
        let put = json!({
            "TableName": "Items", "Item": {"k": {"S": "a"}, "n": {"N": "1"}},
            "ConditionExpression": "attribute_not_exists(k)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        assert_eq!(ask(&database, "PutItem", &put).unwrap(), "{}");
        let got =
            ask(&database, "GetItem", &json!({"TableName": "Items", "Key": {"k": {"S": "a"}}})).unwrap();
        assert!(got.contains(r#""n":{"N":"1"}"#), "{got}");
        let failed = ask(&database, "PutItem", &put).unwrap_err();
        assert!(
            failed.contains("ConditionalCheckFailedException") && failed.contains(r#""Item":"#),
            "{failed}"
        );
    }

    #[test]
    fn an_unreadable_request_gets_the_services_error_and_no_marker() {
        let database = database();
        let put = |item: serde_json::Value| {
            ask(&database, "PutItem", &json!({"TableName": "Items", "Item": item})).unwrap_err()
        };
        for (item, expected) in [
            (json!({"k": {"S": "a"}, "n": {"N": "x"}}), "ValidationException"),
            (json!({"k": {"S": "a"}, "n": {"SS": []}}), "ValidationException"),
            (json!({"k": {"S": "a"}, "n": {"NULL": false}}), "ValidationException"),
            (json!({"k": {"S": "a"}, "n": {}}), "ValidationException"),
            (json!({"k": {"S": 7}}), "SerializationException"),
            (json!("text"), "SerializationException"),
        ] {
            let error = put(item.clone());
            assert!(error.contains(expected), "{item}: {error}");
            for marker in ["VALIDATION", "SERIALIZATION", "at line"] {
                assert!(!error.contains(marker), "{item}: {error}");
            }
        }
        assert!(answer(&database, "NoSuchOperation", b"{}").is_none());
    }
}
