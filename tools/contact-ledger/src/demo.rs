//! `demo`: start the stack, send input, wait until everything has landed, leave the result in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use local_aws::stack::{Stack, StackSettings};

use crate::demo_day::demo_day;
use crate::input::{Input, read_records};
use crate::summary::Summary;

/// Marks a folder as the result of a demo, so that the next one may replace it and nothing else.
const MARKER: &str = ".contact-ledger-demo";

/// What `demo` can be told.
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// Send the contact records of this file or folder (one JSON object, an array, or one object a line)
    #[arg(long, value_name = "PATH")]
    pub contact_records: Option<PathBuf>,
    /// Send the agent events of this file or folder (one JSON object, an array, or one object a line)
    #[arg(long, value_name = "PATH")]
    pub agent_events: Option<PathBuf>,
    /// Send the whole input so many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Leave the result in this folder; the result of an earlier demo is replaced
    #[arg(long, value_name = "FOLDER", default_value = "demo-output")]
    pub output: PathBuf,
    /// Folder of the function binaries [default: the folder of this program]
    #[arg(long, value_name = "FOLDER")]
    pub functions: Option<PathBuf>,
    /// Port for DynamoDB on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub dynamodb_port: u16,
    /// Port for S3 on 127.0.0.1; 0 lets the system choose
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub s3_port: u16,
}

/// Runs the demo and prints its summary.
///
/// # Errors
/// A sentence for the user; nothing is left running.
pub async fn demo(arguments: &DemoArguments) -> anyhow::Result<()> {
    let input = input(arguments)?;
    let functions = functions(arguments)?;
    prepare(&arguments.output)?;
    let settings = StackSettings {
        dynamodb_port: arguments.dynamodb_port,
        s3_port: arguments.s3_port,
        ..StackSettings::new(functions, arguments.output.clone())
    };
    #[expect(clippy::disallowed_methods, reason = "the summary tells how long the demo took")]
    let begin = Instant::now();
    let mut stack = Stack::start(settings).await?;
    send(&mut stack, &input, arguments.times).await?;
    let summary = Summary::of(&stack, begin.elapsed())?;
    leave(&stack, &summary, &arguments.output)?;
    print(&summary, &arguments.output);
    Ok(())
}

fn input(arguments: &DemoArguments) -> anyhow::Result<Input> {
    let read = |path: &Option<PathBuf>| path.as_deref().map(read_records).transpose();
    let (contact_records, agent_events) = (read(&arguments.contact_records)?, read(&arguments.agent_events)?);
    if contact_records.is_none() && agent_events.is_none() {
        return Ok(demo_day());
    }
    Ok(Input {
        contact_records: contact_records.unwrap_or_default(),
        agent_events: agent_events.unwrap_or_default(),
    })
}

fn functions(arguments: &DemoArguments) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &arguments.functions {
        return Ok(folder.clone());
    }
    let program =
        std::env::current_exe().context("the folder of this program cannot be found; say --functions")?;
    program.parent().map(Path::to_owned).context("this program is in no folder; say --functions")
}

/// Makes an empty output folder, in place of an earlier demo's, but never of anything else.
fn prepare(output: &Path) -> anyhow::Result<()> {
    let shown = output.display();
    if output.join(MARKER).is_file() {
        fs::remove_dir_all(output)
            .with_context(|| format!("the earlier result in {shown} cannot be removed"))?;
    } else if output.exists() && fs::read_dir(output).map_or(true, |mut entries| entries.next().is_some()) {
        bail!("{shown} is there and is not the result of a demo; choose another folder with --output");
    }
    fs::create_dir_all(output)
        .with_context(|| format!("folder {shown} cannot be made; choose another with --output"))?;
    fs::write(output.join(MARKER), "").with_context(|| format!("folder {shown} cannot be written"))
}

async fn send(stack: &mut Stack, input: &Input, times: u32) -> anyhow::Result<()> {
    let records = (input.contact_records.len() + input.agent_events.len()) as u64 * u64::from(times);
    let bar = ProgressBar::new(records);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} records landed, {elapsed}");
    bar.set_style(style.expect("the template names known parts"));
    let (contact_records, agent_events) = (stack.contact_records.clone(), stack.agent_events.clone());
    let landed = || contact_records.done() + agent_events.done.load(Ordering::Relaxed);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let sent = async {
        for _ in 0..times {
            put(stack, input).await;
        }
        stack.drain().await
    };
    tokio::pin!(sent);
    let result = loop {
        tokio::select! {
            result = &mut sent => break result,
            _ = tick.tick() => bar.set_position(landed()),
        }
    };
    bar.set_position(landed());
    bar.finish();
    result
}

/// Puts the whole input on its streams.
pub async fn put(stack: &Stack, input: &Input) {
    for event in &input.agent_events {
        stack.put_agent_event(&partition_key(event), event.clone().into());
        // Putting never waits, and the progress bar and an interruption want their turn.
        tokio::task::consume_budget().await;
    }
    for record in &input.contact_records {
        stack.put_contact_record(record.clone().into()).await;
    }
}

/// Amazon Connect's key for agent events is the agent's ARN. What has none still needs a shard.
fn partition_key(event: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(event).unwrap_or_default();
    event["AgentARN"].as_str().unwrap_or("unknown").to_owned()
}

fn leave(stack: &Stack, summary: &Summary, output: &Path) -> anyhow::Result<()> {
    let write = |name: &str, value: serde_json::Value| {
        let text = format!("{value:#}\n");
        fs::write(output.join(name), text)
            .with_context(|| format!("{name} cannot be written to {}", output.display()))
    };
    write("agent-state.json", serde_json::to_value(stack.agent_state()?)?)?;
    write("agent-history.json", serde_json::to_value(stack.agent_history()?)?)?;
    write("summary.json", summary.to_json())
}

#[expect(clippy::print_stdout, reason = "the summary is the command's output")]
fn print(summary: &Summary, output: &Path) {
    let shown = output.display();
    println!("{summary}");
    println!("The result is in {shown}:");
    println!("  lake/contact_records/           rows, one JSON object a line, by contact_date");
    println!(
        "  lake/errors/                    contact records that failed, with their bytes; the log has the reasons"
    );
    println!("  lake/rejected/agent-events/     agent events set aside, with their bytes and the reason");
    println!("  agent-state.json                what every agent is doing");
    println!("  agent-history.json              what every agent did, with durations");
    println!("  logs/                           the functions' own logs");
}
