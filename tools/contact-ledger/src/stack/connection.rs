//! The stack that a command works on: a deployed stack, or the local stack that `demo --serve` or `demo --live` runs on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, bail};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use clap::Args;
use redrive::{AwsDestination, AwsLake, AwsQueues, ContactRecordTarget};
use served_stack::{NotServed, Served};

use crate::stack::aws::AwsArguments;
use crate::stack::parts::{ContactEventNames, Deployed, Names, kept_events};
use connect_streams::StreamKind;
use ledger_console::arguments::demo::OUTPUT;
use ledger_console::render::output::say;

const HEADING: &str = "Stack";
/// After this time without a response, a server on this machine counts as hung.
const LOCAL_TIMEOUT: Duration = Duration::from_mins(1);

/// Selects a stack.
#[derive(Debug, Clone, Args)]
pub struct StackArguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    aws: AwsArguments,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// CloudFormation stack name
    #[arg(long, value_name = "NAME", help_heading = HEADING, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    stack: Option<String>,
    /// Use the local stack of the running `contact-ledger demo --serve` or `demo --live` with this output folder [default: demo-output]
    #[arg(long, value_name = "FOLDER", help_heading = HEADING, num_args = 0..=1, default_missing_value = OUTPUT, conflicts_with_all = crate::stack::aws::ARGUMENTS)]
    local: Option<PathBuf>,
}

/// Selects a deployed stack. The local stack has no Amazon Connect instance.
#[derive(Debug, Clone, Args)]
pub struct DeployedStackArguments {
    /// CloudFormation stack name
    #[arg(long, value_name = "NAME", help_heading = HEADING, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

/// A connection to a stack.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The names of the stack's parts.
    pub names: Names,
    /// What CloudFormation reports about the stack.
    pub deployed: Deployed,
    config: SdkConfig,
    /// The endpoints and the folder, if the stack runs on this machine.
    local: Option<Served>,
    folder: Option<PathBuf>,
}

impl StackArguments {
    /// Finds the stack.
    ///
    /// # Errors
    /// If there is no such stack, or CloudFormation returns an error.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        match (&self.which.local, &self.which.stack) {
            (Some(folder), _) => local(folder),
            (None, Some(stack)) => deployed(stack, &self.aws).await,
            (None, None) => bail!("no stack given; pass --stack or --local"),
        }
    }
}

impl DeployedStackArguments {
    /// Finds the stack.
    ///
    /// # Errors
    /// If there is no such stack, or CloudFormation returns an error.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        deployed(&self.stack, &self.aws).await
    }
}

async fn deployed(stack: &str, aws: &AwsArguments) -> anyhow::Result<Connection> {
    // Boxed, because these futures are large and every command would carry them.
    let config = Box::pin(aws.config()).await?;
    let (names, deployed) = Box::pin(crate::stack::resources::find(&config, stack)).await?;
    Ok(Connection { names, deployed, config, local: None, folder: None })
}

/// The stack that wrote `stack.json` to this folder.
fn local(folder: &Path) -> anyhow::Result<Connection> {
    let shown = folder.display();
    let served = Served::read(folder).map_err(|error| match error {
        NotServed::NotThere(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            anyhow!("the stack in {shown} belongs to another user; you may not read its stack.json")
        }
        NotServed::NotThere(_) => anyhow!(
            "no stack is running in {shown}; start one with `contact-ledger demo --serve` or `--live` and wait until it says that it keeps running, or pass its folder: --local <FOLDER>"
        ),
        NotServed::Gone => anyhow!(
            "the stack in {shown} has ended; start it again with `contact-ledger demo --serve`"
        ),
        NotServed::OtherVersion(_) => anyhow!(
            "the stack in {shown} was started by another version; stop it, and start it with this version"
        ),
    })?;
    let keys = &served.keys;
    let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "served");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(served_stack::REGION))
        .timeout_config(
            TimeoutConfig::builder().connect_timeout(LOCAL_TIMEOUT).read_timeout(LOCAL_TIMEOUT).build(),
        )
        .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(credentials))
        .build();
    let queue_url = |name: &str| format!("{}/{}/{name}", served.streams, served_stack::ACCOUNT);
    let names = Names {
        lake_bucket: served_stack::LAKE_BUCKET.to_owned(),
        agent_state_table: served_stack::AGENT_STATE_TABLE.to_owned(),
        agent_history_table: served_stack::AGENT_HISTORY_TABLE.to_owned(),
        agent_event_stream: served_stack::AGENT_EVENT_STREAM.to_owned(),
        agent_event_function: served_stack::UPSERTER.to_owned(),
        contact_records: ContactRecordTarget::Firehose(served_stack::CONTACT_RECORD_STREAM.to_owned()),
        contact_events: Some(ContactEventNames {
            table: served_stack::CONTACT_STATE_TABLE.to_owned(),
            function: served_stack::CONTACT_EVENT_UPSERTER.to_owned(),
            queue: queue_url(served_stack::CONTACT_EVENTS),
            dead_letters: queue_url(served_stack::CONTACT_EVENT_DEAD_LETTERS),
            rule_dead_letters: queue_url(served_stack::CONTACT_EVENT_RULE_DEAD_LETTERS),
        }),
    };
    let resources = [
        ("ContactRecordNormalizer", served_stack::NORMALIZER),
        ("AgentEventUpserter", served_stack::UPSERTER),
        ("ContactRecordFirehose", served_stack::CONTACT_RECORD_STREAM),
        ("ContactEventUpserter", served_stack::CONTACT_EVENT_UPSERTER),
        ("ContactEventRule", served_stack::CONTACT_EVENTS),
    ];
    let deployed = Deployed {
        resources: resources.map(|(logical, name)| (logical.to_owned(), name.to_owned())).into(),
        outputs: [("AgentEventMappingId".to_owned(), served.agent_event_mapping.clone())].into(),
        kept_events: kept_events(served.history_events.as_ref(), None),
        ..Deployed::default()
    };
    Ok(Connection { names, deployed, config, local: Some(served), folder: Some(folder.to_owned()) })
}

impl Connection {
    /// Prints which stack is about to be changed.
    pub fn announce(&self) {
        if self.is_local() {
            return say("The local stack on this machine");
        }
        let Deployed { stack, account, .. } = &self.deployed;
        let account = account.as_deref().unwrap_or("unknown");
        say(&format!("Account {account}, Region {}, stack {stack}", self.region()));
    }

    /// The warning that other consumers also receive these records, if the stream is not the stack's own.
    #[must_use]
    pub fn sharing(&self, kind: StreamKind) -> Option<String> {
        let stream = self.deployed.existing.get(&kind)?;
        Some(format!(
            "{} is not the stack's own stream: its other consumers also receive these {}.",
            stream.name,
            kind.as_str()
        ))
    }

    /// The configuration for all clients.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The stack's Region.
    #[must_use]
    pub fn region(&self) -> String {
        self.config.region().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether the stack runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// The output folder of the stack that runs on this machine.
    #[must_use]
    pub fn local_folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The configuration for Kinesis, Firehose, SQS, EventBridge, and Lambda, which share one endpoint in the local stack.
    #[must_use]
    pub fn streams(&self) -> SdkConfig {
        let mut config = self.config.to_builder();
        if let Some(served) = &self.local {
            config = config.endpoint_url(&served.streams);
        }
        config.build()
    }

    /// The lake bucket.
    #[must_use]
    pub fn lake(&self) -> AwsLake {
        let mut config = aws_sdk_s3::config::Builder::from(&self.config);
        if let Some(served) = &self.local {
            config = config.endpoint_url(&served.s3).force_path_style(true);
        } else if self.config.endpoint_url().is_some() {
            // Emulators have no host name per bucket.
            config = config.force_path_style(true);
        }
        AwsLake {
            client: aws_sdk_s3::Client::from_conf(config.build()),
            bucket: self.names.lake_bucket.clone(),
        }
    }

    /// The streams and the function that records are sent to.
    #[must_use]
    pub fn destination(&self) -> AwsDestination {
        let config = self.streams();
        AwsDestination {
            firehose: aws_sdk_firehose::Client::new(&config),
            kinesis: aws_sdk_kinesis::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            contact_records: self.names.contact_records.clone(),
            agent_event_function: self.names.agent_event_function.clone(),
            contact_event_function: self.names.contact_events.as_ref().map(|names| names.function.clone()),
        }
    }

    /// The client of SQS.
    #[must_use]
    pub fn queues(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.streams())
    }

    /// The dead-letter queues of contact events.
    #[must_use]
    pub fn dead_letter_queues(&self) -> AwsQueues {
        let urls = self
            .names
            .contact_events
            .iter()
            .flat_map(|names| [&names.dead_letters, &names.rule_dead_letters]);
        let named = |url: &String| (url.rsplit('/').next().unwrap_or(url).to_owned(), url.clone());
        AwsQueues { client: self.queues(), urls: urls.map(named).collect() }
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.tables_config().build())
    }

    /// The tables, for requests that end after this time, including their retries.
    #[must_use]
    pub fn tables_within(&self, limit: Duration) -> aws_sdk_dynamodb::Client {
        let timeouts = TimeoutConfig::builder().operation_timeout(limit).build();
        aws_sdk_dynamodb::Client::from_conf(self.tables_config().timeout_config(timeouts).build())
    }

    fn tables_config(&self) -> aws_sdk_dynamodb::config::Builder {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        if let Some(served) = &self.local {
            config = config.endpoint_url(&served.dynamodb);
        }
        config
    }
}
