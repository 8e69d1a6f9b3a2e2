//! Wiring: settings, clients, the runtime.

use agent_event_upserter::Upserter;
use agent_event_upserter::settings::UpserterSettings;
use agent_ledger::KnownProfiles;
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
    let config = aws_clients::config(aws_clients::timeouts_of_writes()).await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    Ok(Upserter {
        store: DynamoDbStore::new(dynamodb, settings.agent_state_table, settings.agent_history_table),
        rejected_store: S3RejectedStore::new(settings.rejected_bucket, move || {
            aws_sdk_s3::Client::new(&config)
        }),
        rules: settings.rules,
        write_concurrency: settings.write_concurrency.get(),
        known_profiles: KnownProfiles::default(),
    })
}
