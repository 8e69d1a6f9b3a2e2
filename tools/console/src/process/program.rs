//! From the command line to the exit code: the same for every program.

use std::process::ExitCode;

use clap::Parser;

use crate::process::outcome::{Answer, Outcome};
use crate::render::output::{Closed, print, say, sentence};

/// Reads the arguments, runs the command, and ends as it says.
pub fn run<A: Parser>(command: impl AsyncFnOnce(A) -> anyhow::Result<Outcome>) -> ExitCode {
    let outcome = match A::try_parse() {
        Err(error) if error.use_stderr() => {
            say(error.render().to_string().trim_end());
            Outcome::Usage
        }
        // What was asked for is the help, or the version.
        Err(help) => reported(print(&help.render().to_string()).map(|()| Outcome::Done)),
        Ok(arguments) => match tokio::runtime::Runtime::new() {
            Err(error) => reported(Err(anyhow::Error::from(error).context("no threads can be started"))),
            Ok(runtime) => {
                let outcome = reported(runtime.block_on(command(arguments)));
                // Who was interrupted does not wait for what is under way.
                runtime.shutdown_background();
                outcome
            }
        },
    };
    ExitCode::from(outcome.code())
}

/// Prints what a command has to say.
///
/// # Errors
/// When it has failed, or the output cannot be written.
pub fn printed(answer: Answer) -> anyhow::Result<Outcome> {
    let (text, outcome) = answer?;
    print(&text)?;
    Ok(outcome)
}

/// The command line is wrong in a way that only the command itself sees.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

impl WrongUsage {
    /// Of an error that says so itself.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
    pub fn of(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Says why a command failed.
fn reported(result: anyhow::Result<Outcome>) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(error) if error.is::<Closed>() => Outcome::Done,
        Err(error) => {
            // What a name holds begins no line: it could be taken for ours.
            say(&format!("error: {}", sentence(&error)).replace('\n', "\n  "));
            if error.is::<WrongUsage>() { Outcome::Usage } else { Outcome::Failed }
        }
    }
}
