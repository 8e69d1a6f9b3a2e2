//! The commands with their help texts. docs/cli.md is generated from them.

use std::fmt::Write as _;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use contact_lake::schema::SCHEMA_VERSION;
use ledger_console::arguments::demo::DemoArguments;

use crate::commands::agents::AgentsArguments;
use crate::commands::backfill::BackfillArguments;
use crate::commands::board::BoardArguments;
use crate::commands::connect::ConnectArguments;
use crate::commands::contacts::ContactsArguments;
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
use crate::commands::trace::TraceArguments;
use crate::commands::validate::ValidateArguments;

/// Contact records, agent events, and contact events of Amazon Connect: every one counts exactly once.
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
        after_help = "Examples:\n  contact-ledger demo\n  contact-ledger demo --agents 100 --chaos 1\n  contact-ledger demo --contact-records my/ctrs --agent-events my/events.jsonl\n  contact-ledger demo --serve\n  contact-ledger demo --live --pace 2"
    )]
    Demo(DemoArguments),
    /// Diagnose a stack and suggest fixes
    #[command(
        after_help = "Exit codes: 0 = no problems; 3 = warnings; 4 = data is being lost or is not arriving; 5 = a check could not run.\n\nExamples:\n  contact-ledger doctor --stack ledger\n  contact-ledger doctor --local"
    )]
    Doctor(DoctorArguments),
    /// Turn on or turn off data streaming from an Amazon Connect instance to a stack
    #[command(
        after_help = "Examples:\n  contact-ledger connect status --stack ledger\n  contact-ledger connect enable --stack ledger --apply"
    )]
    Connect(ConnectArguments),
    /// Check records with the same code that the Lambda functions run, without a stack
    #[command(
        long_about = "Check records with the same code that the Lambda functions run, without a stack.\n\nThe command reports which records would be written, and why the others would fail. It uses the environment variables PII_POLICY, AGENT_PII_POLICY, and PII_HASH_KEY. Values that might be personal data are replaced with (hidden).",
        after_help = "Exit codes: 0 = every record would be accepted; 1 = an input cannot be read; 3 = some records would fail.\n\nExamples:\n  contact-ledger validate my/ctrs\n  contact-ledger validate s3://my-lake/raw/contact-records/arrival_date=2026-03-02/ --json"
    )]
    Validate(ValidateArguments),
    /// Show why dead letters failed and whether redriving them would now succeed
    #[command(
        long_about = "Show why dead letters failed and whether redriving them would now succeed.\n\nThe command reads one object of the lake bucket (under errors/, rejected/, or aws/lambda/), or a copy of such an object. Values that might be personal data are replaced with (hidden).",
        after_help = "Exit codes: 0 = the whole object was read; 1 = the object could not be read; 3 = parts of the object could not be read.\n\nExamples:\n  contact-ledger explain s3://my-lake/errors/processing-failed/2026/03/02/08/contact-records-1-…\n  aws s3 cp s3://my-lake/rejected/agent-events/… - | contact-ledger explain - --json"
    )]
    Explain(ExplainArguments),
    /// Show the records in a stream as they arrive
    #[command(
        long_about = "Show the records in a stream as they arrive.\n\nOn a terminal, the command runs until you interrupt it. It reads each shard once per second, which uses one of the five reads per second that all consumers of a shard share. If contact records go directly to Firehose, there is no Kinesis stream to read. The command then shows the raw copies of the contact records in the lake instead. Contact events are always shown from their raw copies. Values that might be personal data are replaced with (hidden).",
        after_help = "Examples:\n  contact-ledger tail agent-events --stack ledger\n  contact-ledger tail contact-records --local --since 1h --json\n  contact-ledger tail contact-events --stack ledger"
    )]
    Tail(TailArguments),
    /// Trace one contact or one agent through the stack, and show where it stopped
    #[command(
        long_about = "Trace one contact or one agent through the stack, and show where it stopped.\n\nFor a contact, the command looks in Amazon Connect (with --stack), the raw copies, the rows, the failed records, the contact events, the contacts in flight, and the history of its agents. For an agent, it looks in the archive of agent events, the rejected and discarded events, the current state, and the history. It prints IDs, times, and states, and no other values. It changes nothing.\n\nThe objects of the searched days are downloaded. By default, these are the days of the contact if Amazon Connect or the contacts in flight know it, and otherwise yesterday and today; in a local stack, all days.",
        after_help = "Exit codes: 0 = everything that arrived is where it should be; 3 = something stopped, or nothing was found; 5 = a place could not be looked at.\n\nExamples:\n  contact-ledger trace 30000000-0000-4000-8000-000000000001 --stack ledger\n  contact-ledger trace 30000000-0000-4000-8000-000000000001 --stack ledger --from 2026-03-02\n  contact-ledger trace ada.lovelace --local"
    )]
    Trace(TraceArguments),
    /// Send records as Amazon Connect would, and trace each one to its destination
    #[command(
        long_about = "Send records as Amazon Connect would, and trace each one to its destination.\n\nIf you specify neither files nor --generated, the command sends one demo record. Its row goes to the partition `demo`, which no query reads. Generated records, and records from your files, create rows, agents, and contacts like any other records. Contact events go to the queue that EventBridge sends them to.",
        after_help = "Examples:\n  contact-ledger send --stack ledger\n  contact-ledger send --local --generated 5\n  contact-ledger send --local --contact-records my/ctrs --agent-events my/events.jsonl\n  contact-ledger send --local --contact-events my/contact-events.jsonl"
    )]
    Send(SendArguments),
    /// Show the current state of all agents
    #[command(
        after_help = "Examples:\n  contact-ledger agents --stack ledger\n  contact-ledger agents --stack ledger --activity on_contact --queue Billing --sort since\n  contact-ledger agents --local --all --json"
    )]
    Agents(AgentsArguments),
    /// Show the contacts in flight, by queue and one by one
    #[command(
        long_about = "Show the contacts in flight, by queue and one by one.\n\nThe stack must process contact events (template parameter ContactEvents). Amazon Connect sends contact events at best effort. If the last event of a contact is lost, the contact stays in flight; after the longest time that a contact of its channel can last, it is shown as unconfirmed and no longer counts as waiting. docs/contact-state.md describes the states.",
        after_help = "Examples:\n  contact-ledger contacts --stack ledger\n  contact-ledger contacts --stack ledger --state queued --queue 40000000-0000-4000-8000-000000000001\n  contact-ledger contacts --local --by-queue --json"
    )]
    Contacts(ContactsArguments),
    /// Serve the live board on this machine: agents, queues, and contacts in flight, as a page and as JSON
    #[command(
        long_about = "Serve the live board on this machine: agents, queues, and contacts in flight, as a page and as JSON.\n\nThe command reads the tables with your credentials and listens on 127.0.0.1 only. The address that it prints contains a key that is random for each run. docs/board.md describes the page, the figures, and the JSON document.",
        after_help = "Examples:\n  contact-ledger board --stack ledger --open\n  contact-ledger board --local --port 8080"
    )]
    Board(BoardArguments),
    /// Show the history of one agent
    #[command(
        after_help = "Examples:\n  contact-ledger history ada.lovelace --stack ledger\n  contact-ledger history 20000000-0000-4000-8000-000000000001 --stack ledger --from 2026-03-02 --format csv"
    )]
    History(HistoryArguments),
    /// Run a named query on the lake. The queries return service level, handle time, and more, as defined by Amazon Connect
    #[command(
        long_about = "Run a named query on the lake. The queries return service level, handle time, and more, as defined by Amazon Connect.\n\nWith --stack, the query runs in Athena, in the stack's workgroup. Ctrl-C cancels the query in Athena. With --local, the query runs in DuckDB and reads the output folder of `contact-ledger demo`. DuckDB must be installed on this machine. Each query has its own help.",
        after_help = "Examples:\n  contact-ledger query --list\n  contact-ledger query service_level --help\n  contact-ledger query service_level --stack ledger --from 2026-03-02 --to 2026-03-08 --grain day\n  contact-ledger query service_level --local"
    )]
    Query(QueryArguments),
    /// Redrive dead letters after you have fixed what made them fail
    #[command(
        long_about = "Redrive dead letters after you have fixed what made them fail.\n\nContact records go back through Firehose. Agent events go directly to the agent-event-upserter function and keep their original shards and sequence numbers. Contact events go directly to the contact-event-upserter function, also those in the dead-letter queues of the queue and of the rule. The command does not send records that would fail again. It leaves them where they are and reports them. No object is deleted; a message of a dead-letter queue is deleted after it was sent. When all records of an object have been sent, the command tags the object, and later runs skip it. Redrive is idempotent: sending a record a second time changes neither the tables nor what the views show. An interrupted run resumes when you run the same command again.",
        after_help = "Examples:\n  contact-ledger redrive --stack ledger\n  contact-ledger redrive --stack ledger --since 2026-03-02 --reason Lambda.FunctionError --send"
    )]
    Redrive(RedriveArguments),
    /// Generate a fictitious contact center, and write its contact records, agent events, and contact events to files
    #[command(after_help = "Example:\n  contact-ledger generate --agents 50 --output day")]
    Generate(GenerateArguments),
    /// Rebuild rows from the raw copies of contact records after a change to the schema or the PII policy
    #[command(
        long_about = "Rebuild rows from the raw copies of contact records after a change to the schema or the PII policy.\n\nThe environment variables PII_POLICY and PII_HASH_KEY must have the same values as in the contact-record-normalizer function. An interrupted backfill resumes when you run the same command again. Rebuilt rows duplicate existing rows, but views and queries count each contact only once.",
        after_help = "Example:\n  PII_POLICY='{}' contact-ledger backfill --lake s3://my-lake --since 2026-01-01 --dry-run"
    )]
    Backfill(BackfillArguments),
    /// Estimate the monthly cost of a stack for a contact center, and the effect of other values of its settings
    #[command(after_help = "Example:\n  contact-ledger cost --agents 1000 --contacts-per-day 50000")]
    Cost(CostArguments),
    /// Print the columns of the contact record table
    Schema {
        /// Output format
        format: SchemaFormat,
    },
    /// Print a shell completion script
    #[command(
        after_help = "Example:\n  contact-ledger completions bash > ~/.local/share/bash-completion/completions/contact-ledger"
    )]
    Completions {
        /// Shell to generate the completion script for
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
