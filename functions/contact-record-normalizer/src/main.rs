//! Wiring: logs, the policy, the runtime.

use connect_streams::Timestamp;
use contact_record_normalizer::settings::read_policy;
use contact_record_normalizer::transform;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lambda_support::firehose::{TransformEvent, TransformResponse};
use lambda_support::settings::Settings;
use lambda_support::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let policy = read_policy(&Settings::from_lookup(&|name| std::env::var(name).ok()));
    let policy = policy.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    let handle = async |event: LambdaEvent<TransformEvent>| -> Result<TransformResponse, Error> {
        let (response, summary) = transform(&event.payload, &policy)?;
        summary.log(&event.context.env_config.function_name, now());
        Ok(response)
    };
    lambda_runtime::run(service_fn(handle)).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock: a metric is told with the time of its invocation"
)]
fn now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let milliseconds = i64::try_from(since_1970.as_millis()).unwrap_or_default();
    Timestamp::from_epoch_milliseconds(milliseconds).expect("the clock is within the years 0 to 9999")
}
