//! `doctor`: diagnoses a stack and suggests fixes.
//!
//! `gather` collects facts, and [`findings`](mod@findings) evaluates them. Nothing is changed.

pub mod facts;
pub mod findings;
mod gather;
mod oldest;
mod unavailable;

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
    /// ARN of the Amazon Connect instance [default: the value of the stack's `ConnectInstanceArn` parameter]
    #[arg(long, value_name = "ARN")]
    instance: Option<String>,
    /// Print JSON Lines, one finding per line
    #[arg(long)]
    json: bool,
}

/// Checks the stack and returns the report.
///
/// # Errors
/// If the findings cannot be written as JSON.
pub async fn doctor(arguments: &DoctorArguments, now: Timestamp) -> Answer {
    let connection = match arguments.stack.connect().await {
        Ok(connection) => connection,
        Err(error) => {
            say(&format!("error: nothing could be checked: {}", sentence(&error)));
            return Ok((String::new(), Outcome::NotSeen));
        }
    };
    let instance = arguments.instance.as_ref().or(connection.deployed.instance_arn.as_ref());
    let findings = findings(&gather(&connection, instance.map(String::as_str), now).await);
    let outcomes = findings.iter().map(|finding| finding.severity.outcome());
    let outcome = outcomes.fold(Outcome::Done, Outcome::and);
    let text = if arguments.json { json_lines(&findings)? } else { report(&findings, width()) };
    Ok((text, outcome))
}

fn report(findings: &[Finding], width: usize) -> String {
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
        "\n{} ok, {}, {}, {} not checked",
        count(Severity::Good),
        counted(count(Severity::Warning), "warning", "warnings"),
        counted(count(Severity::Error), "error", "errors"),
        count(Severity::Unknown)
    );
    text
}
