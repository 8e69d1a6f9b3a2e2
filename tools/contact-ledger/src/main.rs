//! `contact-ledger`: the operator's command line.

use std::process::ExitCode;

use clap::Parser;
use contact_ledger::agents::agents;
use contact_ledger::arguments::{Arguments, Command, completions};
use contact_ledger::backfill::backfill;
use contact_ledger::connect::connect;
use contact_ledger::cost::cost;
use contact_ledger::demo::demo;
use contact_ledger::doctor::doctor;
use contact_ledger::explain::explain;
use contact_ledger::generate::generate;
use contact_ledger::history::history;
use contact_ledger::interruption::Interruption;
use contact_ledger::outcome::{Answer, Outcome};
use contact_ledger::output::{Closed, print, say, sentence};
use contact_ledger::redrive::redrive;
use contact_ledger::schema::schema;
use contact_ledger::send::send;
use contact_ledger::tail::tail;
use contact_ledger::validate::validate;
use lambda_support::telemetry::now;

/// A demo moves hundreds of thousands of small values between threads: with the system's allocator, a quarter of its
/// time goes into that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Err(error) if error.use_stderr() => {
            say(error.render().to_string().trim_end());
            Outcome::Usage
        }
        // What was asked for is the help, or the version.
        Err(help) => told(print(&help.render().to_string()).map(|()| Outcome::Done)),
        Ok(arguments) => match tokio::runtime::Runtime::new() {
            Err(error) => told(Err(anyhow::Error::from(error).context("no threads can be started"))),
            Ok(runtime) => {
                let outcome = runtime.block_on(run(arguments.command));
                // Who was interrupted does not wait for what is under way.
                runtime.shutdown_background();
                outcome
            }
        },
    };
    ExitCode::from(outcome.code())
}

async fn run(command: Command) -> Outcome {
    let interruption = Interruption::listen(match command {
        // It stops what it has started, however often it is asked.
        Command::Demo(_) => None,
        // These end what is under way by themselves, and say how far they came.
        Command::Send(_)
        | Command::Agents(_)
        | Command::Tail(_)
        | Command::Redrive(_)
        | Command::Generate(_) => Some(2),
        _ => Some(1),
    });
    let result = match command {
        Command::Demo(arguments) => demo(&arguments, &interruption).await,
        Command::Doctor(arguments) => printed(doctor(&arguments, now()).await),
        Command::Connect(arguments) => printed(connect(&arguments, now()).await),
        Command::Validate(arguments) => validate(&arguments).await,
        Command::Explain(arguments) => explain(&arguments).await,
        Command::Tail(arguments) => tail(&arguments, now, &interruption).await,
        Command::Send(arguments) => printed(send(&arguments, now, &interruption).await),
        Command::Agents(arguments) => agents(&arguments, now, &interruption).await,
        Command::History(arguments) => printed(history(&arguments, now()).await),
        Command::Redrive(arguments) => printed(redrive(&arguments, &now, &interruption).await),
        Command::Generate(arguments) => printed(generate(&arguments, &interruption)),
        Command::Backfill(arguments) => printed(backfill(&arguments).await),
        Command::Cost(arguments) => printed(cost(&arguments).map(done)),
        Command::Schema { format } => printed(Ok(done(schema(format)))),
        Command::Completions { shell } => printed(Ok(done(completions(shell)))),
    };
    told(result)
}

fn done(text: String) -> (String, Outcome) {
    (text, Outcome::Done)
}

fn printed(answer: Answer) -> anyhow::Result<Outcome> {
    let (text, outcome) = answer?;
    print(&text)?;
    Ok(outcome)
}

fn told(result: anyhow::Result<Outcome>) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(error) if error.is::<Closed>() => Outcome::Done,
        Err(error) => {
            say(&format!("error: {}", sentence(&error)));
            Outcome::Failed
        }
    }
}
