//! `doctor`: looks a stack over and says, of everything that is wrong, how to make it right.
//!
//! Three steps: [`gather`] looks, [`findings`] judges what was seen, and nothing is changed.

pub mod facts;
pub mod findings;
mod gather;

use std::fmt::Write as _;

use clap::Args;
use connect_streams::Timestamp;
use console::Style;

use self::findings::{Finding, Severity, findings};
use self::gather::gather;
use crate::stack::connection::StackArguments;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::render::output::{say, sentence};
use ledger_console::render::terminal::{counted, json_lines, width, wrapped};

/// Arguments of `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// The instance that streams to the stack [default: that of the stack's parameter `ConnectInstanceArn`]
    #[arg(long, value_name = "ARN")]
    instance: Option<String>,
    /// Print JSON, one finding a line
    #[arg(long)]
    json: bool,
}

/// Looks; answers with what to print.
///
/// # Errors
/// When what was found cannot be written as JSON.
pub async fn doctor(arguments: &DoctorArguments, now: Timestamp) -> Answer {
    let connection = match arguments.stack.connect().await {
        Ok(connection) => connection,
        Err(error) => {
            say(&format!("error: nothing could be looked at: {}", sentence(&error)));
            return Ok((String::new(), Outcome::NotSeen));
        }
    };
    let instance = arguments.instance.as_ref().or(connection.deployed.instance_arn.as_ref());
    let findings = findings(&gather(&connection, instance.map(String::as_str), now).await);
    let outcomes = findings.iter().map(|finding| finding.severity.outcome());
    let outcome = outcomes.fold(Outcome::Done, Outcome::and);
    let said = if arguments.json { json_lines(&findings)? } else { told(&findings, width()) };
    Ok((said, outcome))
}

fn told(findings: &[Finding], width: usize) -> String {
    let mut text = String::new();
    for Finding { check, severity, says, fix } in findings {
        let (mark, style) = match severity {
            Severity::Good => ("ok", Style::new().green()),
            Severity::Unknown => ("?", Style::new().yellow()),
            Severity::Warning => ("warning", Style::new().yellow()),
            Severity::Error => ("ERROR", Style::new().red().bold()),
        };
        let mark = style.apply_to(format!("{mark:<8}"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{mark}{}", wrapped(&format!("{check}: {says}"), width, 8));
        if let Some(fix) = fix {
            let _ = writeln!(text, "        {}", wrapped(&format!("→ {fix}"), width, 10));
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let _ = writeln!(
        text,
        "\n{} ok, {}, {}, {} not looked at",
        count(Severity::Good),
        counted(count(Severity::Warning), "warning", "warnings"),
        counted(count(Severity::Error), "error", "errors"),
        count(Severity::Unknown)
    );
    text
}
