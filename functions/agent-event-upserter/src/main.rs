//! Wiring: settings, clients, the runtime.

use std::time::Duration;

use agent_event_upserter::Upserter;
use agent_event_upserter::settings::UpserterSettings;
use agent_ledger::KnownProfiles;
use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use lambda_io::deadline::time_for_writes;
use lambda_io::kinesis::{BatchResponse, StreamEvent};
use lambda_io::settings::Settings;
use lambda_io::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rejected_records::S3RejectedStore;
use tables_dynamodb::agents::DynamoDbStore;
use tokio::time::Instant;

/// A batch is thousands of small values. The system allocator would take a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(&std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default());
    let upserter =
        upserter().await.inspect_err(|error| tracing::error!(%error, "the function cannot start"))?;
    let handle = async |event: LambdaEvent<StreamEvent>| -> Result<BatchResponse, Error> {
        let (response, summary) =
            upserter.handle(&event.payload, Instant::now() + time_for_writes(event.context.deadline())).await;
        summary.log(&event.context.env_config.function_name, telemetry::now());
        Ok(response)
    };
    lambda_runtime::run(service_fn(handle)).await
}

async fn upserter() -> Result<Upserter<DynamoDbStore, S3RejectedStore>, Error> {
    let settings = UpserterSettings::read(&Settings::from_lookup(&|name| std::env::var(name).ok()))?;
    // The SDK sets no timeouts by default, so one lost packet would cost the whole invocation.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10));
    let config =
        aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts.build()).load().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    Ok(Upserter {
        store: DynamoDbStore::new(dynamodb, settings.agent_state_table, settings.agent_history_table),
        rejected_store: S3RejectedStore {
            client: aws_sdk_s3::Client::new(&config),
            bucket: settings.rejected_bucket,
        },
        rules: settings.rules,
        write_concurrency: settings.write_concurrency.get(),
        known_profiles: KnownProfiles::default(),
    })
}
