//! `contact-ledger`: the operator's command line.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use contact_ledger::backfill::{BackfillArguments, backfill};
use contact_ledger::cost::{CostArguments, cost};
use contact_ledger::demo::{DemoArguments, demo};
use contact_ledger::generate::{GenerateArguments, generate};
use contact_ledger::schema::{SchemaFormat, schema};

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
