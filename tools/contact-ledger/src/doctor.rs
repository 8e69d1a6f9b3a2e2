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
use crate::connection::StackArguments;
use crate::terminal::{json_lines, width, wrapped};

/// What `doctor` can be told.
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

/// Looks; answers with what to print, and how bad the worst finding is, if anything could be looked at.
///
/// # Errors
/// When the stack cannot be found.
pub async fn doctor(
    arguments: &DoctorArguments,
    now: Timestamp,
) -> anyhow::Result<(String, Option<Severity>)> {
    let connection = arguments.stack.connect().await?;
    let instance = arguments.instance.as_ref().or(connection.deployed.instance_arn.as_ref());
    let findings = findings(&gather(&connection, instance.map(String::as_str), now).await);
    let has_seen = findings.iter().any(|finding| finding.severity != Severity::Unknown);
    let worst = findings.iter().map(|finding| finding.severity).max().filter(|_| has_seen);
    let said = if arguments.json { json_lines(&findings)? } else { told(&findings, width()) };
    Ok((said, worst))
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
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let _ = writeln!(
        text,
        "\n{} ok, {} warnings, {} errors, {} not looked at",
        count(Severity::Good),
        count(Severity::Warning),
        count(Severity::Error),
        count(Severity::Unknown)
    );
    text
}
