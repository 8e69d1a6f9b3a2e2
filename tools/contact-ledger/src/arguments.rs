//! The command line: what there is to say. The page docs/cli.md is written from here.

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
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The program's version, and that of the rows it knows.
fn version() -> String {
    format!("{} (schema version {SCHEMA_VERSION})", env!("CARGO_PKG_VERSION"))
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole pipeline on this machine and leave the result in a folder
    #[command(
        after_help = "Examples:\n  contact-ledger demo\n  contact-ledger demo --agents 100 --chaos 1\n  contact-ledger demo --contact-records my/ctrs --agent-events my/events.jsonl\n  contact-ledger demo --serve"
    )]
    Demo(DemoArguments),
    /// Look a stack over, and say how to make right what is wrong
    #[command(
        after_help = "Exit code: 0 all is well, 3 warnings, 4 data is being lost or does not arrive, 5 something could not be looked at.\n\nExamples:\n  contact-ledger doctor --stack ledger\n  contact-ledger doctor --local"
    )]
    Doctor(DoctorArguments),
    /// Switch the streaming of an instance of Amazon Connect on, or off
    #[command(
        after_help = "Examples:\n  contact-ledger connect status --stack ledger\n  contact-ledger connect enable --stack ledger --apply"
    )]
    Connect(ConnectArguments),
    /// Say what the functions would do with records, and why some would fail, without a stack
    #[command(
        long_about = "Say what the functions would do with records, and why some would fail, without a stack.\n\nThe functions' own code decides, with PII_POLICY and PII_HASH_KEY of the environment. Values that may be personal data are hidden.",
        after_help = "Exit code: 0 every record would be taken, 3 some would fail, 1 something cannot be read.\n\nExamples:\n  contact-ledger validate my/ctrs\n  contact-ledger validate s3://my-lake/raw/contact-records/arrival_date=2026-03-02/ --json"
    )]
    Validate(ValidateArguments),
    /// Say why the records in a failure object failed, and whether they would pass now
    #[command(
        long_about = "Say why the records in a failure object failed, and whether they would pass now.\n\nAn object is one below errors/, rejected/agent-events/ or aws/lambda/ in the lake bucket, or a copy of one. Values that may be personal data are hidden.",
        after_help = "Exit code: 0 everything was read, 3 something in it is unreadable, 1 it cannot be read.\n\nExamples:\n  contact-ledger explain s3://my-lake/errors/processing-failed/2026/03/02/08/contact-records-1-…\n  aws s3 cp s3://my-lake/rejected/agent-events/… - | contact-ledger explain - --json"
    )]
    Explain(ExplainArguments),
    /// Show the records of a stream as they come
    #[command(
        long_about = "Show the records of a stream as they come.\n\nOn a terminal it goes on until interrupted. It reads each shard once a second, beside the functions. Contact records that are put on Firehose directly are on no stream; their raw copies in the lake are shown. Values that may be personal data are hidden.",
        after_help = "Examples:\n  contact-ledger tail agent-events --stack ledger\n  contact-ledger tail contact-records --local --since 1h --json"
    )]
    Tail(TailArguments),
    /// Send records as Amazon Connect would, and follow them to where they end
    #[command(
        long_about = "Send records as Amazon Connect would, and follow them to where they end.\n\nWithout files it is one demo record, whose row goes to the partition `demo`, which no query for contacts sees. Files of your own and generated records become rows and agents like any other.",
        after_help = "Examples:\n  contact-ledger send --stack ledger\n  contact-ledger send --local --generated 5\n  contact-ledger send --local --contact-records my/ctrs --agent-events my/events.jsonl"
    )]
    Send(SendArguments),
    /// Show what every agent is doing
    #[command(
        after_help = "Examples:\n  contact-ledger agents --stack ledger\n  contact-ledger agents --stack ledger --activity on_contact --queue Sales --sort since\n  contact-ledger agents --local --all --json"
    )]
    Agents(AgentsArguments),
    /// Show what one agent did
    #[command(
        after_help = "Examples:\n  contact-ledger history ada.lovelace --stack ledger\n  contact-ledger history 20000000-0000-4000-8000-000000000001 --stack ledger --from 2026-03-02 --format csv"
    )]
    History(HistoryArguments),
    /// Run a named query on the lake: service level, speed of answer, handle time and more, as Amazon Connect defines them
    #[command(
        long_about = "Run a named query on the lake: service level, speed of answer, handle time and more, as Amazon Connect defines them.\n\nWith --stack it runs on Athena, in the stack's workgroup; Ctrl-C cancels it there. With --local it runs in a DuckDB that is found on this machine, on the output folder of `contact-ledger demo`. Each query has its own help.",
        after_help = "Examples:\n  contact-ledger query --list\n  contact-ledger query service_level --help\n  contact-ledger query service_level --stack ledger --from 2026-03-02 --to 2026-03-08 --grain day\n  contact-ledger query service_level --local"
    )]
    Query(QueryArguments),
    /// Send again what failed, once its cause is gone
    #[command(
        long_about = "Send again what failed, once its cause is gone.\n\nContact records go back through their Firehose, agent events to agent-event-upserter with their places in the stream. What would fail again is not sent: it stays where it is and is reported. Nothing is deleted; an object whose records are all sent is tagged, and left alone from then on. Sending a record twice changes no table and no view. An interrupted run goes on where it was.",
        after_help = "Examples:\n  contact-ledger redrive --stack ledger\n  contact-ledger redrive --stack ledger --since 2026-03-02 --reason Lambda.FunctionError --send"
    )]
    Redrive(RedriveArguments),
    /// Write the streams of a contact center that does not exist to files
    #[command(after_help = "Example:\n  contact-ledger generate --agents 50 --output day")]
    Generate(GenerateArguments),
    /// Make rows anew from contact records as they came, after a change of the schema or of the policy
    #[command(
        long_about = "Make rows anew from contact records as they came, after a change of the schema or of the policy.\n\nPII_POLICY and PII_HASH_KEY must be those of the function. It can be interrupted and goes on where it was; rows that it makes twice count once.",
        after_help = "Example:\n  PII_POLICY='{}' contact-ledger backfill --lake s3://my-lake --since 2026-01-01 --dry-run"
    )]
    Backfill(BackfillArguments),
    /// Print what a center's pipeline costs in a month, and which settings would change that
    #[command(after_help = "Example:\n  contact-ledger cost --agents 1000 --contacts-per-day 50000")]
    Cost(CostArguments),
    /// Print the columns of a contact record's row
    Schema {
        /// In which form
        format: SchemaFormat,
    },
    /// Print what lets a shell complete commands and options
    #[command(
        after_help = "Example:\n  contact-ledger completions bash > ~/.local/share/bash-completion/completions/contact-ledger"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// What lets the shell complete our commands.
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
    // docs/queries.md says what each query means.
    let is_query = command.get_name() == "query";
    let subcommands = command.get_subcommands_mut().filter(|command| command.get_name() != "help");
    for command in subcommands.filter(|command| !is_query || command.get_name() == "service_level") {
        section(command, &name, page);
    }
}
