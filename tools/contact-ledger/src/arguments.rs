//! The commands with their help texts. docs/cli.md is generated from them.

use std::fmt::Write as _;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use contact_lake::schema::SCHEMA_VERSION;
use ledger_console::arguments::demo::DemoArguments;

use crate::commands::agents::AgentsArguments;
use crate::commands::backfill::BackfillArguments;
use crate::commands::connect::ConnectArguments;
use crate::commands::cost::CostArguments;
use crate::commands::doctor::DoctorArguments;
use crate::commands::explain::ExplainArguments;
use crate::commands::generate::GenerateArguments;
use crate::commands::history::HistoryArguments;
use crate::commands::query::QueryArguments;
use crate::commands::redrive::RedriveArguments;
use crate::commands::schema::SchemaFormat;
use crate::commands::send::SendArguments;
use crate::commands::tail::TailArguments;
use crate::commands::validate::ValidateArguments;

/// Contact records and agent events of Amazon Connect: every one counts exactly once.
#[derive(Debug, Parser)]
#[command(name = "contact-ledger", version = version(), about)]
pub struct Arguments {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The program's version and its schema version.
fn version() -> String {
    format!("{} (schema version {SCHEMA_VERSION})", env!("CARGO_PKG_VERSION"))
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on this machine and write the output to a folder
    #[command(
        after_help = "Examples:\n  contact-ledger demo\n  contact-ledger demo --agents 100 --chaos 1\n  contact-ledger demo --contact-records my/ctrs --agent-events my/events.jsonl\n  contact-ledger demo --serve"
    )]
    Demo(DemoArguments),
    /// Diagnose a stack and suggest fixes
    #[command(
        after_help = "Exit codes: 0 no problems, 3 warnings, 4 data is being lost or is not arriving, 5 a check could not run.\n\nExamples:\n  contact-ledger doctor --stack ledger\n  contact-ledger doctor --local"
    )]
    Doctor(DoctorArguments),
    /// Turn data streaming from an Amazon Connect instance to a stack on or off
    #[command(
        after_help = "Examples:\n  contact-ledger connect status --stack ledger\n  contact-ledger connect enable --stack ledger --apply"
    )]
    Connect(ConnectArguments),
    /// Check records with the functions' own code, without a stack
    #[command(
        long_about = "Check records with the functions' own code, without a stack.\n\nReports which records would be written and why others would fail. The environment variables PII_POLICY and PII_HASH_KEY apply. Values that may be personal data are shown as (hidden).",
        after_help = "Exit codes: 0 every record would be accepted, 1 an input cannot be read, 3 some records would fail.\n\nExamples:\n  contact-ledger validate my/ctrs\n  contact-ledger validate s3://my-lake/raw/contact-records/arrival_date=2026-03-02/ --json"
    )]
    Validate(ValidateArguments),
    /// Show why dead letters failed, and whether a redrive would succeed now
    #[command(
        long_about = "Show why dead letters failed, and whether a redrive would succeed now.\n\nReads one object under errors/, rejected/agent-events/, or aws/lambda/ in the lake bucket, or a copy of one. Values that may be personal data are shown as (hidden).",
        after_help = "Exit codes: 0 the whole object was read, 1 it cannot be read, 3 parts of it are unreadable.\n\nExamples:\n  contact-ledger explain s3://my-lake/errors/processing-failed/2026/03/02/08/contact-records-1-…\n  aws s3 cp s3://my-lake/rejected/agent-events/… - | contact-ledger explain - --json"
    )]
    Explain(ExplainArguments),
    /// Show the records in a stream as they arrive
    #[command(
        long_about = "Show the records in a stream as they arrive.\n\nOn a terminal, it runs until interrupted. It reads each shard once per second, out of the five reads per second that all consumers share. If contact records go directly to Firehose, there is no stream to read, and their raw copies in the lake are shown instead. Values that may be personal data are shown as (hidden).",
        after_help = "Examples:\n  contact-ledger tail agent-events --stack ledger\n  contact-ledger tail contact-records --local --since 1h --json"
    )]
    Tail(TailArguments),
    /// Send records as Amazon Connect would, and trace each one to its destination
    #[command(
        long_about = "Send records as Amazon Connect would, and trace each one to its destination.\n\nWithout files, it sends one demo record, whose row goes to the partition `demo`, which contact queries do not read. Records from your files and generated records become rows and agents like any others.",
        after_help = "Examples:\n  contact-ledger send --stack ledger\n  contact-ledger send --local --generated 5\n  contact-ledger send --local --contact-records my/ctrs --agent-events my/events.jsonl"
    )]
    Send(SendArguments),
    /// Show the current state of all agents
    #[command(
        after_help = "Examples:\n  contact-ledger agents --stack ledger\n  contact-ledger agents --stack ledger --activity on_contact --queue Sales --sort since\n  contact-ledger agents --local --all --json"
    )]
    Agents(AgentsArguments),
    /// Show the history of one agent
    #[command(
        after_help = "Examples:\n  contact-ledger history ada.lovelace --stack ledger\n  contact-ledger history 20000000-0000-4000-8000-000000000001 --stack ledger --from 2026-03-02 --format csv"
    )]
    History(HistoryArguments),
    /// Run a named query on the lake: service level, handle time, and more, as Amazon Connect defines them
    #[command(
        long_about = "Run a named query on the lake: service level, handle time, and more, as Amazon Connect defines them.\n\nWith --stack, it runs in Athena, in the stack's workgroup, and Ctrl-C cancels it there. With --local, it runs in DuckDB, which must be installed on this machine, on the output folder of `contact-ledger demo`. Each query has its own help.",
        after_help = "Examples:\n  contact-ledger query --list\n  contact-ledger query service_level --help\n  contact-ledger query service_level --stack ledger --from 2026-03-02 --to 2026-03-08 --grain day\n  contact-ledger query service_level --local"
    )]
    Query(QueryArguments),
    /// Redrive dead letters after the cause is fixed
    #[command(
        long_about = "Redrive dead letters after the cause is fixed.\n\nContact records go back through Firehose. Agent events go directly to agent-event-upserter, with their original shards and sequence numbers. Records that would fail again are not sent; they stay where they are and are reported. Nothing is deleted. An object whose records are all sent is tagged, and later runs skip it. Redrive is idempotent: sending a record twice changes no table or view. An interrupted run resumes when you run the same command again.",
        after_help = "Examples:\n  contact-ledger redrive --stack ledger\n  contact-ledger redrive --stack ledger --since 2026-03-02 --reason Lambda.FunctionError --send"
    )]
    Redrive(RedriveArguments),
    /// Generate a contact center and write its contact records and agent events to files
    #[command(after_help = "Example:\n  contact-ledger generate --agents 50 --output day")]
    Generate(GenerateArguments),
    /// Rebuild rows from the raw contact records after the schema or the PII policy changes
    #[command(
        long_about = "Rebuild rows from the raw contact records after the schema or the PII policy changes.\n\nThe environment variables PII_POLICY and PII_HASH_KEY must have the same values as in contact-record-normalizer. An interrupted backfill resumes when you run the same command again. Duplicate rows count once.",
        after_help = "Example:\n  PII_POLICY='{}' contact-ledger backfill --lake s3://my-lake --since 2026-01-01 --dry-run"
    )]
    Backfill(BackfillArguments),
    /// Estimate the monthly cost for a contact center, and what other settings would change
    #[command(after_help = "Example:\n  contact-ledger cost --agents 1000 --contacts-per-day 50000")]
    Cost(CostArguments),
    /// Print the columns of a contact record row
    Schema {
        /// Output format
        format: SchemaFormat,
    },
    /// Print a shell completion script
    #[command(
        after_help = "Example:\n  contact-ledger completions bash > ~/.local/share/bash-completion/completions/contact-ledger"
    )]
    Completions {
        /// Shell to complete for
        shell: Shell,
    },
}

/// The completion script for a shell.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "contact-ledger", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The help of every command, for docs/cli.md.
#[must_use]
pub fn reference() -> String {
    let mut page = String::new();
    let mut program = Arguments::command().term_width(100);
    program.build();
    for command in program.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        section(command, "contact-ledger", &mut page);
    }
    page
}

fn section(command: &mut clap::Command, parent: &str, page: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    let help = command.render_long_help().to_string();
    let help: Vec<_> = help.lines().map(str::trim_end).collect();
    // Writing to a string cannot fail.
    let _ = write!(page, "## {name}\n\n```text\n{}\n```\n\n", help.join("\n").trim_end());
    // docs/queries.md documents the queries.
    let is_query = command.get_name() == "query";
    let subcommands = command.get_subcommands_mut().filter(|command| command.get_name() != "help");
    for command in subcommands.filter(|command| !is_query || command.get_name() == "service_level") {
        section(command, &name, page);
    }
}
