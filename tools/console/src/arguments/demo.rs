//! The arguments of `demo`. `contact-ledger` parses them too, although a separate program runs the demo.

use std::path::PathBuf;

use agent_ledger::EventEntries;
use clap::Args;

use super::center::CenterArguments;
use super::event_entries;
use super::policies::PolicyArguments;

/// The default folder of the result.
pub const OUTPUT: &str = "demo-output";
/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("served").multiple(true))]
pub struct DemoArguments {
    /// Send the contact records (a JSON object, a JSON array, or JSON Lines) in this file or folder, or from standard input (-)
    #[arg(long, value_name = "PATH")]
    pub contact_records: Option<PathBuf>,
    /// Send the agent events (a JSON object, a JSON array, or JSON Lines) in this file or folder, or from standard input (-)
    #[arg(long, value_name = "PATH")]
    pub agent_events: Option<PathBuf>,
    /// Send the contact events (a JSON object, a JSON array, or JSON Lines) in this file or folder, or from standard input (-)
    #[arg(long, value_name = "PATH")]
    pub contact_events: Option<PathBuf>,
    /// What is generated when no files are given.
    #[command(flatten)]
    pub center: CenterArguments,
    /// Number of times to send the whole input
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Personal data that the functions hide.
    #[command(flatten)]
    pub policies: PolicyArguments,
    /// Which agent events other than heartbeats get an entry of their own in AgentHistory
    #[arg(long, value_name = "WHICH", default_value = "all", value_parser = event_entries())]
    pub history_events: EventEntries,
    /// Inject faults (duplicates, delays, throttling, lost responses, denied access, and crashes), using this random seed
    #[arg(long, value_name = "SEED")]
    pub chaos: Option<u64>,
    /// Keep the local stack running until you interrupt it, for use with the AWS CLI and SDKs
    #[arg(long, group = "served")]
    pub serve: bool,
    /// Generate a contact center around the present moment, and keep it and the local stack running until you interrupt it
    #[arg(long, group = "served", conflicts_with_all = ["contact_records", "agent_events", "contact_events", "times", "chaos"])]
    pub live: bool,
    /// Multiply the number of contacts per hour; clocks run at real speed (only with --live)
    #[arg(long, value_name = "N", default_value_t = 1, requires = "live", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub pace: u32,
    /// Write the output to this folder, replacing the output of an earlier demo
    #[arg(long, value_name = "FOLDER", default_value = OUTPUT)]
    pub output: PathBuf,
    /// Folder that contains the Lambda function binaries [default: the folder that contains `contact-ledger-demo`]
    #[arg(long, value_name = "FOLDER")]
    pub functions: Option<PathBuf>,
    /// DynamoDB port on 127.0.0.1; 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub dynamodb_port: u16,
    /// S3 port on 127.0.0.1; 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub s3_port: u16,
    /// Port of Kinesis, Firehose, EventBridge, SQS, and Lambda on 127.0.0.1 (only with --serve or --live); 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "served")]
    pub streams_port: u16,
}

impl DemoArguments {
    /// Whether the local stack keeps running.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        self.serve || self.live
    }

    /// Whether the demo sends a generated center.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        [&self.contact_records, &self.agent_events, &self.contact_events].into_iter().all(Option::is_none)
    }
}
