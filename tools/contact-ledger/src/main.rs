//! `contact-ledger`: the operator's CLI.

use std::process::ExitCode;

use contact_ledger::arguments::{Arguments, Command, completions};
use contact_ledger::commands::agents::agents;
use contact_ledger::commands::backfill::backfill;
use contact_ledger::commands::board::board;
use contact_ledger::commands::connect::connect;
use contact_ledger::commands::contacts::contacts;
use contact_ledger::commands::cost::cost;
use contact_ledger::commands::demo::demo;
use contact_ledger::commands::doctor::doctor;
use contact_ledger::commands::explain::explain;
use contact_ledger::commands::generate::generate;
use contact_ledger::commands::history::history;
use contact_ledger::commands::query::query;
use contact_ledger::commands::redrive::redrive;
use contact_ledger::commands::schema::schema;
use contact_ledger::commands::send::send;
use contact_ledger::commands::tail::tail;
use contact_ledger::commands::trace::trace;
use contact_ledger::commands::validate::validate;
use lambda_io::telemetry::now;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::process::program::{printed, run};

/// A backfill allocates millions of small values. The system allocator would take a quarter of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(async |arguments: Arguments| command(arguments.command).await)
}

async fn command(command: Command) -> anyhow::Result<Outcome> {
    if let Command::Demo(_) = command {
        // Before signal handlers are installed: the demo binary installs its own.
        return Err(demo());
    }
    let interruption = Interruption::listen(match command {
        // These finish the work in progress and report how far they got.
        Command::Send(_)
        | Command::Agents(_)
        | Command::Contacts(_)
        | Command::Board(_)
        | Command::Tail(_)
        | Command::Query(_)
        | Command::Redrive(_)
        | Command::Generate(_) => Some(2),
        _ => Some(1),
    });
    match command {
        Command::Demo(_) => unreachable!("the demo binary has replaced this process"),
        Command::Doctor(arguments) => printed(doctor(&arguments, now()).await),
        Command::Connect(arguments) => printed(connect(&arguments, now()).await),
        Command::Validate(arguments) => validate(&arguments).await,
        Command::Explain(arguments) => explain(&arguments).await,
        Command::Tail(arguments) => tail(&arguments, now, &interruption).await,
        Command::Send(arguments) => printed(send(&arguments, now, &interruption).await),
        Command::Agents(arguments) => agents(&arguments, now, &interruption).await,
        Command::Board(arguments) => board(&arguments, now, &interruption).await,
        Command::Contacts(arguments) => contacts(&arguments, now, &interruption).await,
        Command::History(arguments) => printed(history(&arguments, now()).await),
        Command::Trace(arguments) => printed(trace(&arguments, now()).await),
        Command::Query(arguments) => query(&arguments, now, &interruption).await,
        Command::Redrive(arguments) => printed(redrive(&arguments, &now, &interruption).await),
        Command::Generate(arguments) => printed(generate(&arguments, &interruption)),
        Command::Backfill(arguments) => printed(backfill(&arguments).await),
        Command::Cost(arguments) => printed(cost(&arguments).map(done)),
        Command::Schema { format } => printed(Ok(done(schema(format)))),
        Command::Completions { shell } => printed(Ok(done(completions(shell)))),
    }
}

fn done(text: String) -> (String, Outcome) {
    (text, Outcome::Done)
}
