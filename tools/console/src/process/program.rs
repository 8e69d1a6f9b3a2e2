//! From the command line to the exit code, for every program.

use std::process::ExitCode;

use clap::Parser;

use crate::process::outcome::{Answer, Outcome};
use crate::render::output::{Closed, print, say, sentence};

/// Parses the arguments, runs the command, and returns its exit code.
pub fn run<A: Parser>(command: impl AsyncFnOnce(A) -> anyhow::Result<Outcome>) -> ExitCode {
    let outcome = match A::try_parse() {
        Err(error) if error.use_stderr() => {
            say(error.render().to_string().trim_end());
            Outcome::Usage
        }
        // The user asked for the help or the version.
        Err(help) => reported(print(&help.render().to_string()).map(|()| Outcome::Done)),
        Ok(arguments) => match tokio::runtime::Runtime::new() {
            Err(error) => reported(Err(anyhow::Error::from(error).context("threads cannot be started"))),
            Ok(runtime) => {
                let outcome = reported(runtime.block_on(command(arguments)));
                // An interrupted command does not wait for blocking work in progress.
                runtime.shutdown_background();
                outcome
            }
        },
    };
    ExitCode::from(outcome.code())
}

/// Prints the text of a command.
///
/// # Errors
/// When the command failed, or the output cannot be written.
pub fn printed(answer: Answer) -> anyhow::Result<Outcome> {
    let (text, outcome) = answer?;
    print(&text)?;
    Ok(outcome)
}

/// A usage error that only the command itself detects.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

impl WrongUsage {
    /// A usage error with the text of another error.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
    pub fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// The outcome of a command, with the error of a failed one on standard error.
fn reported(result: anyhow::Result<Outcome>) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(error) if error.is::<Closed>() => Outcome::Done,
        Err(error) => {
            // A name with a line break must not start a line that looks like ours.
            say(&format!("error: {}", sentence(&error)).replace('\n', "\n  "));
            if error.is::<WrongUsage>() { Outcome::Usage } else { Outcome::Failed }
        }
    }
}
