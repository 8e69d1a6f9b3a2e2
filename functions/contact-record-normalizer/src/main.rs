//! Wiring: logs, the policy, the runtime.

use contact_record_normalizer::settings::read_policy;
use contact_record_normalizer::transform;
use lambda_io::firehose::{TransformEvent, TransformResponse};
use lambda_io::settings::Settings;
use lambda_io::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let policy = read_policy(&Settings::from_lookup(&|name| std::env::var(name).ok()));
    let policy = policy.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    let handle = async |event: LambdaEvent<TransformEvent>| -> Result<TransformResponse, Error> {
        let (response, summary) = transform(event.payload, &policy);
        summary.log(&event.context.env_config.function_name, telemetry::now());
        Ok(response)
    };
    lambda_runtime::run(service_fn(handle)).await
}
