//! The arguments of `demo`. `contact-ledger` parses them too, although a separate program runs the demo.

use std::path::PathBuf;

use clap::Args;

use super::center::CenterArguments;
use super::policies::PolicyArguments;

/// The default folder of the result.
pub const OUTPUT: &str = "demo-output";
/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// Send the contact records of this file or folder, or of standard input (-): one JSON object, a list, or one object a line
    #[arg(long, value_name = "PATH")]
    pub contact_records: Option<PathBuf>,
    /// Send the agent events of this file or folder, or of standard input (-): one JSON object, a list, or one object a line
    #[arg(long, value_name = "PATH")]
    pub agent_events: Option<PathBuf>,
    /// What is generated when no files are given.
    #[command(flatten)]
    pub center: CenterArguments,
    /// How often to send the whole input
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Personal data that the functions hide.
    #[command(flatten)]
    pub policies: PolicyArguments,
    /// Inject faults by this seed: duplicates, delays, throttling, lost responses, denied access, crashes
    #[arg(long, value_name = "SEED")]
    pub chaos: Option<u64>,
    /// Keep everything running afterwards, for the AWS CLI and SDKs, until interrupted
    #[arg(long)]
    pub serve: bool,
    /// Leave the result in this folder; the result of an earlier demo is replaced
    #[arg(long, value_name = "FOLDER", default_value = OUTPUT)]
    pub output: PathBuf,
    /// Folder of the function binaries [default: the folder of this program]
    #[arg(long, value_name = "FOLDER")]
    pub functions: Option<PathBuf>,
    /// Port for DynamoDB on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub dynamodb_port: u16,
    /// Port for S3 on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub s3_port: u16,
    /// Port for Kinesis and Firehose on 127.0.0.1, with --serve; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0, requires = "serve")]
    pub streams_port: u16,
}
