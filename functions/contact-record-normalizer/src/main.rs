//! Wiring: logs, then the runtime.

use contact_record_normalizer::transform;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_support::firehose::{TransformEvent, TransformResponse};
use lambda_support::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<TransformEvent>) -> Result<TransformResponse, Error> {
    let (response, summary) = transform(&event.payload)?;
    summary.log();
    Ok(response)
}
