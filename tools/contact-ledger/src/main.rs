//! `contact-ledger`: the operator's command line.

use std::io::Write;
use std::process::ExitCode;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand};
use contact_ledger::agents::{AgentsArguments, agents};
use contact_ledger::backfill::{BackfillArguments, backfill};
use contact_ledger::cost::{CostArguments, cost};
use contact_ledger::demo::{DemoArguments, demo};
use contact_ledger::generate::{GenerateArguments, generate};
use contact_ledger::history::{HistoryArguments, history};
use contact_ledger::redrive::{RedriveArguments, redrive};
use contact_ledger::schema::{SchemaFormat, schema};
use lambda_support::telemetry::now;

/// A demo moves hundreds of thousands of small values between threads: with the system's allocator, a quarter of its
/// time goes into that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Contact records and agent events of Amazon Connect: every one counts exactly once.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole pipeline on this machine and leave the result in a folder
    Demo(DemoArguments),
    /// Show what every agent is doing
    Agents(AgentsArguments),
    /// Show what one agent did
    History(HistoryArguments),
    /// Send again what failed, once its cause is gone
    #[command(
        long_about = "Send again what failed, once its cause is gone.\n\nContact records go back through their Firehose, agent events to agent-event-upserter with their places in the stream. What would fail again is not sent: it stays where it is and is reported. Nothing is deleted; an object whose records are all sent is tagged, and left alone from then on. Sending a record twice changes no table and no view. An interrupted run goes on where it was."
    )]
    Redrive(RedriveArguments),
    /// Write the streams of a contact centre that does not exist to files
    Generate(GenerateArguments),
    /// Make rows anew from contact records as they came, after a change of the schema or of the policy
    #[command(
        long_about = "Make rows anew from contact records as they came, after a change of the schema or of the policy.\n\nPII_POLICY and PII_HASH_KEY must be those of the function. It can be interrupted and goes on where it was; rows that it makes twice count once."
    )]
    Backfill(BackfillArguments),
    /// Print what a centre's pipeline costs in a month, and which settings would change that
    Cost(CostArguments),
    /// Print the columns of a contact record's row
    Schema {
        /// In which form
        format: SchemaFormat,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo(arguments) => run_demo(arguments).await,
        Command::Agents(arguments) => run_agents(arguments).await,
        Command::History(arguments) => ended(history(&arguments, now()).await.and_then(|said| print(&said))),
        Command::Redrive(arguments) => run_redrive(arguments).await,
        Command::Generate(arguments) => ended(generate(&arguments).and_then(|said| print(&said))),
        Command::Backfill(arguments) => ended(backfill(&arguments).await.and_then(|said| print(&said))),
        Command::Cost(arguments) => ended(cost(&arguments).and_then(|said| print(&said))),
        Command::Schema { format } => ended(print(&schema(format))),
    }
}

async fn run_demo(arguments: DemoArguments) -> ExitCode {
    // Who serves until interrupted has done what was asked for.
    let interruption = if arguments.serve { ExitCode::SUCCESS } else { ExitCode::from(130) };
    // A task of its own, so that signals are heard whatever the work is doing.
    let mut work = tokio::spawn(async move { demo(&arguments).await });
    tokio::select! {
        result = &mut work => ended(result.unwrap_or_else(|failure| Err(failure.into()))),
        () = interrupted() => {
            work.abort();
            // It ends when everything it started is gone.
            let _ = work.await;
            say("interrupted: everything that was started has been stopped");
            interruption
        }
    }
}

/// Who watches until interrupted has seen what was asked for.
async fn run_agents(arguments: AgentsArguments) -> ExitCode {
    tokio::select! {
        result = agents(&arguments, now, print) => ended(result),
        () = interrupted() => ExitCode::SUCCESS,
    }
}

/// Interrupted once, it ends what it is sending and marks it; interrupted twice, it ends.
async fn run_redrive(arguments: RedriveArguments) -> ExitCode {
    let stop = Arc::new(AtomicBool::new(false));
    let listener = tokio::spawn({
        let stop = stop.clone();
        async move {
            interrupted().await;
            stop.store(true, Ordering::Relaxed);
            say("stopping after what is under way; interrupt once more to end at once");
            interrupted().await;
        }
    });
    tokio::select! {
        result = redrive(&arguments, &now, &stop) => {
            let code = ended(result.and_then(|said| print(&said)));
            if stop.load(Ordering::Relaxed) { ExitCode::from(130) } else { code }
        }
        _ = listener => ExitCode::from(130),
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    // A reader that has seen enough and closes the pipe is no error.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place where the command speaks to its user about itself")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}

/// Ctrl-C, or a polite request to end.
async fn interrupted() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("the process may handle its own signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
