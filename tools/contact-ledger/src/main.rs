//! `contact-ledger`: the operator's command line.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Parser;
use contact_ledger::agents::{AgentsArguments, agents};
use contact_ledger::arguments::{Arguments, Command, completions};
use contact_ledger::backfill::backfill;
use contact_ledger::connect::connect;
use contact_ledger::cost::cost;
use contact_ledger::demo::{DemoArguments, demo};
use contact_ledger::doctor::findings::Severity;
use contact_ledger::doctor::{DoctorArguments, doctor};
use contact_ledger::explain::explain;
use contact_ledger::generate::generate;
use contact_ledger::history::history;
use contact_ledger::redrive::{RedriveArguments, redrive};
use contact_ledger::schema::schema;
use contact_ledger::send::send;
use contact_ledger::tail::{TailArguments, tail};
use contact_ledger::validate::validate;
use lambda_support::telemetry::now;

/// A demo moves hundreds of thousands of small values between threads: with the system's allocator, a quarter of its
/// time goes into that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo(arguments) => run_demo(arguments).await,
        Command::Doctor(arguments) => run_doctor(&arguments).await,
        Command::Connect(arguments) => ended(connect(&arguments, now()).await.and_then(|said| print(&said))),
        Command::Validate(arguments) => judged(validate(&arguments, &mut std::io::stdout()).await),
        Command::Explain(arguments) => judged(explain(&arguments, &mut std::io::stdout()).await),
        Command::Tail(arguments) => run_tail(&arguments).await,
        Command::Send(arguments) => ended(send(&arguments, now).await.and_then(|said| print(&said))),
        Command::Agents(arguments) => run_agents(arguments).await,
        Command::History(arguments) => ended(history(&arguments, now()).await.and_then(|said| print(&said))),
        Command::Redrive(arguments) => run_redrive(arguments).await,
        Command::Generate(arguments) => ended(generate(&arguments).and_then(|said| print(&said))),
        Command::Backfill(arguments) => ended(backfill(&arguments).await.and_then(|said| print(&said))),
        Command::Cost(arguments) => ended(cost(&arguments).and_then(|said| print(&said))),
        Command::Schema { format } => ended(print(&schema(format))),
        Command::Completions { shell } => ended(print(&completions(shell))),
    }
}

/// What was found decides the exit code, so that a script can tell.
fn judged(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => ended(Err(error)),
    }
}

async fn run_demo(arguments: DemoArguments) -> ExitCode {
    // Who serves until interrupted has done what was asked for.
    let interruption = if arguments.serve { ExitCode::SUCCESS } else { ExitCode::from(130) };
    // A task of its own, so that signals are heard whatever the work is doing.
    let mut work = tokio::spawn(async move { demo(&arguments, print).await });
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

/// What was found decides the exit code, so that a script can tell.
async fn run_doctor(arguments: &DoctorArguments) -> ExitCode {
    let looked = doctor(arguments, now()).await.and_then(|(said, worst)| print(&said).map(|()| worst));
    match looked {
        Ok(None) => ended(Err(anyhow::anyhow!(
            "nothing of the stack could be looked at; see that it is there, and the network and your credentials"
        ))),
        Ok(Some(Severity::Good | Severity::Unknown)) => ExitCode::SUCCESS,
        Ok(Some(Severity::Warning)) => ExitCode::from(3),
        Ok(Some(Severity::Error)) => ExitCode::from(4),
        Err(error) => ended(Err(error)),
    }
}

/// Who watches until interrupted has seen what was asked for.
async fn run_agents(arguments: AgentsArguments) -> ExitCode {
    tokio::select! {
        result = agents(&arguments, now, print) => ended(result),
        () = interrupted() => ExitCode::SUCCESS,
    }
}

/// Who watches until interrupted has seen what was asked for.
async fn run_tail(arguments: &TailArguments) -> ExitCode {
    let mut out = std::io::stdout();
    tokio::select! {
        result = tail(arguments, now, &mut out, say) => ended(result),
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
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("the output cannot be written; see where it goes to")
        }
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
