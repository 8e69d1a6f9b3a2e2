//! Lambda: invocations, reserved concurrency, and the event source mapping.
//!
//! Source: [`Invoke`](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html),
//! [`GetFunction`](https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html),
//! [`PutFunctionConcurrency`](https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html),
//! [`DeleteFunctionConcurrency`](https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html),
//! [`GetEventSourceMapping`](https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html),
//! [`UpdateEventSourceMapping`](https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html).

use std::sync::Arc;

use anyhow::{Context, bail};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::services::Services;
use crate::event_source_mapping::filter::FilterCriteria;
use crate::event_source_mapping::{EventSourceMapping, MappingSettings};
use crate::front_door::Refusal;
use crate::function::{Function, Invoke, InvokeError};

/// The service's value for "no limit".
const UNLIMITED: i64 = -1;

pub(super) fn routes() -> Router<Arc<Services>> {
    Router::new()
        .route("/2015-03-31/functions/{name}", get(get_function))
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .route("/2017-10-31/functions/{name}/concurrency", put(put_concurrency).delete(delete_concurrency))
        .route("/2015-03-31/event-source-mappings/{id}", get(get_mapping).put(update_mapping))
        .method_not_allowed_fallback(unknown)
}

fn missing(what: &str, name: &str) -> Refusal {
    let message = format!("{what} {name} does not exist");
    Refusal { status: StatusCode::NOT_FOUND, code: "ResourceNotFoundException", message }
}

fn invalid(error: &anyhow::Error) -> Refusal {
    let message = format!("{error:#}");
    Refusal { status: StatusCode::BAD_REQUEST, code: "InvalidParameterValueException", message }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.rest()
    }
}

pub(super) async fn unknown(method: Method, uri: Uri) -> Refusal {
    let message = format!("operation {method} {} is not supported", uri.path());
    Refusal { status: StatusCode::NOT_FOUND, code: "UnknownOperationException", message }
}

fn json_of(body: &[u8]) -> Result<Value, Refusal> {
    let status = StatusCode::BAD_REQUEST;
    serde_json::from_slice(body).map_err(|error| Refusal {
        status,
        code: "InvalidRequestContentException",
        message: format!("the request is not JSON: {error}"),
    })
}

type Answer = Result<Response, Refusal>;

impl Services {
    fn function(&self, name: &str) -> Result<&Arc<Function>, Refusal> {
        let is_named = |function: &&Arc<Function>| {
            function.name() == name || function.arn() == name || function.arn().ends_with(&format!(":{name}"))
        };
        self.functions.iter().find(is_named).ok_or_else(|| missing("function", name))
    }

    fn mapping(&self, id: &str) -> Result<&EventSourceMapping, Refusal> {
        Some(&*self.mapping)
            .filter(|mapping| mapping.id == id)
            .ok_or_else(|| missing("event source mapping", id))
    }
}

/// Invokes a function synchronously.
async fn invoke(State(services): State<Arc<Services>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let version = ("x-amz-executed-version", "$LATEST");
    match services.function(&name)?.invoke(body).await {
        Ok(response) => Ok(([version], response).into_response()),
        Err(error @ InvokeError::TooLarge { what: "event", .. }) => Err(Refusal {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: "RequestTooLargeException",
            message: error.to_string(),
        }),
        Err(error @ InvokeError::Throttled) => Err(Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "TooManyRequestsException",
            message: error.to_string(),
        }),
        Err(error) => {
            let headers = [version, ("x-amz-function-error", "Unhandled")];
            Ok((headers, Json(json!({"errorMessage": error.to_string()}))).into_response())
        }
    }
}

async fn get_function(State(services): State<Arc<Services>>, Path(name): Path<String>) -> Answer {
    let function = services.function(&name)?;
    let mut described = json!({"Configuration": {
        "FunctionName": function.name(), "FunctionArn": function.arn(),
        "State": "Active", "LastUpdateStatus": "Successful",
    }});
    if let Some(reserved) = function.reserved_concurrency() {
        described["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    Ok(Json(described).into_response())
}

async fn put_concurrency(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer {
    let request = json_of(&body)?;
    let reserved = request["ReservedConcurrentExecutions"]
        .as_u64()
        .context("ReservedConcurrentExecutions must be a whole number");
    let reserved = reserved.and_then(|reserved| Ok(usize::try_from(reserved)?));
    let reserved = reserved.map_err(|error| invalid(&error))?;
    services.function(&name)?.reserve_concurrency(Some(reserved));
    Ok(Json(json!({"ReservedConcurrentExecutions": reserved})).into_response())
}

async fn delete_concurrency(State(services): State<Arc<Services>>, Path(name): Path<String>) -> Answer {
    services.function(&name)?.reserve_concurrency(None);
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn get_mapping(State(services): State<Arc<Services>>, Path(id): Path<String>) -> Answer {
    Ok(Json(described(services.mapping(&id)?)).into_response())
}

async fn update_mapping(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let (mapping, request) = (services.mapping(&id)?, json_of(&body)?);
    let settings = changed(mapping.settings(), &request).map_err(|error| invalid(&error))?;
    mapping.update(settings);
    Ok((StatusCode::ACCEPTED, Json(described(mapping))).into_response())
}

fn described(mapping: &EventSourceMapping) -> Value {
    let settings = mapping.settings();
    let (stream_arn, function_arn) = mapping.ends();
    json!({
        "UUID": mapping.id, "EventSourceArn": stream_arn, "FunctionArn": function_arn,
        "State": if settings.is_enabled { "Enabled" } else { "Disabled" },
        "LastProcessingResult": mapping.last_result(),
        "BatchSize": settings.batches.batch_size,
        "ParallelizationFactor": settings.parallelization_factor,
        "BisectBatchOnFunctionError": settings.retries.bisect_on_error,
        "MaximumRetryAttempts": settings.retries.maximum_retry_attempts.map_or(UNLIMITED, i64::from),
        "MaximumRecordAgeInSeconds": settings.retries.maximum_record_age.map_or(UNLIMITED, |age| age / 1000),
        "FunctionResponseTypes": if settings.reports_failures { vec!["ReportBatchItemFailures"] } else { vec![] },
        "DestinationConfig": {"OnFailure": {
            "Destination": settings.on_failure_bucket.map(|bucket| format!("arn:aws:s3:::{bucket}")),
        }},
        "FilterCriteria": {"Filters": settings.filter.patterns()},
    })
}

/// The settings with the request's changes.
fn changed(mut settings: MappingSettings, request: &Value) -> anyhow::Result<MappingSettings> {
    for (name, value) in request.as_object().context("the request is not a JSON object")? {
        let number = || value.as_i64().with_context(|| format!("{name} is not a whole number"));
        let switch = || value.as_bool().with_context(|| format!("{name} is neither true nor false"));
        match name.as_str() {
            "Enabled" => settings.is_enabled = switch()?,
            "BisectBatchOnFunctionError" => settings.retries.bisect_on_error = switch()?,
            "MaximumRetryAttempts" => {
                settings.retries.maximum_retry_attempts = u32::try_from(number()?).ok();
            }
            "MaximumRecordAgeInSeconds" => {
                settings.retries.maximum_record_age =
                    Some(number()?).filter(|age| *age != UNLIMITED).map(|age| age.saturating_mul(1000));
            }
            "FunctionResponseTypes" => {
                settings.reports_failures =
                    value.as_array().is_some_and(|types| types.contains(&json!("ReportBatchItemFailures")));
            }
            "DestinationConfig" => {
                let destination = value["OnFailure"]["Destination"].as_str().unwrap_or_default();
                settings.on_failure_bucket = destination.rsplit(':').next().map(str::to_owned);
                settings.on_failure_bucket.take_if(|bucket| bucket.is_empty());
            }
            "FilterCriteria" => {
                let filters = value["Filters"].as_array().map(Vec::as_slice).unwrap_or_default();
                settings.filter =
                    FilterCriteria::read(filters.iter().filter_map(|filter| filter["Pattern"].as_str()))?;
            }
            "UUID" | "FunctionName" => {}
            _ => bail!("{name} cannot be changed in the local stack, only on AWS"),
        }
    }
    Ok(settings)
}
