//! Wiring: settings, clients, the runtime.

use std::time::Duration;

use aws_clients::TimeoutConfig;
use lambda_io::settings::Settings;
use lambda_io::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use redrive::{AwsDestination, AwsLake, AwsQueues, Control, Report, Request, run};
use redrive_function::settings::RedriveSettings;
use tokio::time::Instant;

/// Time reserved before the deadline for the request in flight and the final report.
const SAFETY_MARGIN: Duration = Duration::from_secs(75);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start(&std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let settings = RedriveSettings::read(&Settings::from_lookup(&|name| std::env::var(name).ok()));
    let settings = settings.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    let (lake, destination, queues) = clients(settings).await;
    let handle = async |event: LambdaEvent<Request>| -> Result<Report, Error> {
        let stop_at = stop_at(&event.context);
        let control =
            Control { now: &telemetry::now, stop: &|| Instant::now() >= stop_at, progress: &|_| () };
        let report = run(&lake, &destination, &queues, &event.payload, &control).await;
        let report = report.inspect_err(|error| tracing::error!(%error, "the redrive stopped"))?;
        let json = serde_json::to_string(&report)?;
        tracing::info!(report = json, "redrive");
        Ok(report)
    };
    lambda_runtime::run(service_fn(handle)).await
}

async fn clients(settings: RedriveSettings) -> (AwsLake, AwsDestination, AwsQueues) {
    // The SDK sets no timeouts by default. An invocation of agent-event-upserter may take a minute.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(65))
        .operation_timeout(Duration::from_mins(3));
    let config = aws_clients::config(timeouts.build()).await;
    let lake = AwsLake { client: aws_sdk_s3::Client::new(&config), bucket: settings.lake_bucket };
    let destination = AwsDestination {
        firehose: aws_sdk_firehose::Client::new(&config),
        kinesis: aws_sdk_kinesis::Client::new(&config),
        lambda: aws_sdk_lambda::Client::new(&config),
        contact_records: settings.contact_records,
        agent_event_function: settings.agent_event_function,
        contact_event_function: settings.contact_event_function,
    };
    let named = |url: String| (url.rsplit('/').next().unwrap_or(&url).to_owned(), url.clone());
    let urls = settings.contact_event_queues.into_iter().map(named).collect();
    (lake, destination, AwsQueues { client: aws_sdk_sqs::Client::new(&config), urls })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one clock: the invocation's deadline is a wall clock time"
)]
fn stop_at(context: &lambda_runtime::Context) -> Instant {
    let left = context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    Instant::now() + left.saturating_sub(SAFETY_MARGIN)
}
