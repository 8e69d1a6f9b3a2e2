//! `connect`: switches the streaming of an instance of Amazon Connect to a stack on, and off again.
//!
//! Source: Amazon Connect API Reference, `ListInstanceStorageConfigs`, `AssociateInstanceStorageConfig`,
//! `UpdateInstanceStorageConfig`, `DisassociateInstanceStorageConfig`. An instance has at most one streaming of a kind.

use std::fmt::Write as _;

use anyhow::{Context, anyhow, bail};
use aws_config::SdkConfig;
use clap::{Args, Subcommand};
use connect_streams::Timestamp;
use serde_json::{Value, json};

use crate::stack::connection::DeployedStackArguments;
use crate::stack::signed::{Call, call, why};
use crate::stack::streaming::{Association, association, association_resource, region_of, resource_type};
use connect_streams::StreamKind;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::render::terminal::{json_pretty, safe_lines};

/// Arguments of `connect`.
#[derive(Debug, Clone, Args)]
pub struct ConnectArguments {
    #[command(subcommand)]
    command: ConnectCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ConnectCommand {
    /// Stream both kinds of records to the stack
    Enable(ChangeArguments),
    /// Show where both kinds of records are streamed to
    Status(InstanceArguments),
    /// Stream nothing to the stack any more
    Disable(ChangeArguments),
}

#[derive(Debug, Clone, Args)]
struct InstanceArguments {
    #[command(flatten)]
    stack: DeployedStackArguments,
    /// The instance's ARN [default: that of the stack's parameter `ConnectInstanceArn`]
    #[arg(long, value_name = "ARN")]
    instance: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Args)]
struct ChangeArguments {
    #[command(flatten)]
    instance: InstanceArguments,
    /// Do it; without it, only say what would change
    #[arg(long)]
    apply: bool,
}

/// What would be done about one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// It is as it should be.
    None,
    Associate(String),
    Update(Association, String),
    Disassociate(Association),
    /// It belongs to somebody else.
    Leave(String),
    /// It fills a stream that the stack reads beside others.
    LeaveToItsOwner(String),
}

/// Carries it out; answers with what to print.
///
/// # Errors
/// When the stack has no instance, or Amazon Connect refuses.
pub async fn connect(arguments: &ConnectArguments, now: Timestamp) -> Answer {
    let (instance, change): (_, Option<(&ChangeArguments, bool)>) = match &arguments.command {
        ConnectCommand::Status(instance) => (instance, None),
        ConnectCommand::Enable(change) => (&change.instance, Some((change, true))),
        ConnectCommand::Disable(change) => (&change.instance, Some((change, false))),
    };
    let connection = instance.stack.connect().await?;
    let arn = instance.instance.clone().or_else(|| connection.deployed.instance_arn.clone());
    let arn = arn.context(
        "the stack was deployed without ConnectInstanceArn; say --instance <ARN>, which `aws connect list-instances` shows",
    )?;
    let region = connection.region();
    if region_of(&arn) != region {
        bail!(
            "the instance is in {}, and the stack in {region}: Amazon Connect streams within its region only; deploy the stack there",
            region_of(&arn)
        );
    }
    let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
    if change.is_some_and(|(change, _)| change.apply) {
        connection.announce();
    }
    let mut told = Vec::new();
    let mut text = format!("Instance {arn}\n");
    for kind in [StreamKind::ContactRecords, StreamKind::AgentEvents] {
        let is = association(connection.config(), now, &id, kind).await?;
        let target = connection.deployed.targets.get(&kind).cloned();
        let target = target.with_context(|| {
            format!("the stack has no output that says where to stream {}", kind.as_str())
        })?;
        let is_existing = connection.deployed.existing.contains_key(&kind);
        let planned = change.map(|(_, on)| plan(is.as_ref(), &target, on, is_existing));
        let does = change.is_some_and(|(change, _)| change.apply);
        if let (Some(planned), true) = (&planned, does) {
            carry_out(connection.config(), now, &id, kind, planned).await?;
        }
        let sentence = sentence(is.as_ref(), &target, planned.as_ref(), does);
        let _ = writeln!(text, "  {:<16} {sentence}", kind.as_str());
        let is_made_by_the_stack = connection.deployed.resources.contains_key(association_resource(kind));
        if is_made_by_the_stack && matches!(planned, Some(Change::Update(..) | Change::Disassociate(_))) {
            text.push_str(MADE_BY_THE_STACK);
        }
        told.push(json!({"kind": kind.as_str(), "streams_to": is.as_ref().map(|is| &is.target), "stack": target, "says": sentence}));
    }
    if change.is_some_and(|(change, _)| !change.apply) {
        text.push_str("Nothing was changed. To do it: the same command with --apply.\n");
    }
    if instance.json {
        return Ok((json_pretty(&json!({"instance": arn, "streaming": told}))?, Outcome::Done));
    }
    Ok((safe_lines(&text).into_owned(), Outcome::Done))
}

/// What the next deployment would trip over.
const MADE_BY_THE_STACK: &str = "  CloudFormation made this streaming: rather deploy the stack with an empty ConnectInstanceArn,\n  or it will miss what it made when the stack is updated or deleted.\n";

/// A stream that is not the stack's own may have other readers: who owns it switches it off.
fn plan(is: Option<&Association>, target: &str, on: bool, is_existing: bool) -> Change {
    match (is, on) {
        (Some(is), false) if is.target == target && is_existing => Change::LeaveToItsOwner(is.target.clone()),
        (Some(is), true) if is.target == target => Change::None,
        (Some(is), true) => Change::Update(is.clone(), target.to_owned()),
        (None, true) => Change::Associate(target.to_owned()),
        (Some(is), false) if is.target == target => Change::Disassociate(is.clone()),
        (Some(is), false) => Change::Leave(is.target.clone()),
        (None, false) => Change::None,
    }
}

fn sentence(is: Option<&Association>, target: &str, change: Option<&Change>, does: bool) -> String {
    let done = |would: &str, did: &str| if does { did.to_owned() } else { would.to_owned() };
    match change {
        None => match is {
            None => "are not streamed".to_owned(),
            Some(is) if is.target == target => format!("are streamed to this stack: {target}"),
            Some(is) => format!("are streamed elsewhere: {}", is.target),
        },
        Some(Change::None) => "are as they should be; nothing changes".to_owned(),
        Some(Change::Associate(to)) => {
            format!("{} {to}", done("would be streamed to", "are streamed now to"))
        }
        Some(Change::Update(from, to)) => {
            format!(
                "{} {to}, and no longer to {}",
                done("would be streamed to", "are streamed now to"),
                from.target
            )
        }
        Some(Change::Disassociate(from)) => {
            format!("{} {}", done("would no longer be streamed to", "are no longer streamed to"), from.target)
        }
        Some(Change::Leave(to)) => format!("are streamed elsewhere, and that stays: {to}"),
        Some(Change::LeaveToItsOwner(to)) => {
            format!("stay streamed to {to}, which is not the stack's own: others may read it")
        }
    }
}

async fn carry_out(
    config: &SdkConfig,
    now: Timestamp,
    instance_id: &str,
    kind: StreamKind,
    change: &Change,
) -> anyhow::Result<()> {
    let resource_type = resource_type(kind);
    let place = format!("/instance/{instance_id}/storage-config");
    let of = |association: &Association| format!("{place}/{}?resourceType={resource_type}", association.id);
    let (method, path, body) = match change {
        Change::None | Change::Leave(_) | Change::LeaveToItsOwner(_) => return Ok(()),
        Change::Associate(target) => {
            ("PUT", place, json!({"ResourceType": resource_type, "StorageConfig": storage(target)?}))
        }
        Change::Update(association, target) => {
            ("POST", of(association), json!({"StorageConfig": storage(target)?}))
        }
        Change::Disassociate(association) => ("DELETE", of(association), Value::Null),
    };
    let change = Call { service: "connect", method, path, target: None, body: &body };
    let changed = call(config, now, &change).await;
    changed.map(drop).map_err(|error| {
        const RIGHTS: &str =
            "connect:*InstanceStorageConfig, rights on the stream, and iam:PutRolePolicy on Connect's role";
        anyhow!("Amazon Connect does not change the streaming of {}: {}", kind.as_str(), why(&error, RIGHTS))
    })
}

fn storage(target: &str) -> anyhow::Result<Value> {
    match target.split(':').nth(2) {
        Some("kinesis") => {
            Ok(json!({"StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {"StreamArn": target}}))
        }
        Some("firehose") => {
            Ok(json!({"StorageType": "KINESIS_FIREHOSE", "KinesisFirehoseConfig": {"FirehoseArn": target}}))
        }
        _ => bail!("{target} is no ARN of a Kinesis stream or a Firehose"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_changed_and_only_ours_is_taken_away() {
        let ours = "arn:aws:kinesis:eu-west-2:111122223333:stream/ours";
        let to = |target: &str| Association { id: "a".to_owned(), target: target.to_owned() };
        for is_existing in [false, true] {
            let plan = |is: Option<&Association>, on| plan(is, ours, on, is_existing);
            assert_eq!(plan(None, true), Change::Associate(ours.to_owned()));
            assert_eq!(plan(Some(&to(ours)), true), Change::None);
            assert_eq!(plan(Some(&to("other")), true), Change::Update(to("other"), ours.to_owned()));
            assert_eq!(plan(Some(&to("other")), false), Change::Leave("other".to_owned()));
            assert_eq!(plan(None, false), Change::None);
        }
        assert_eq!(plan(Some(&to(ours)), ours, false, false), Change::Disassociate(to(ours)));
        assert_eq!(plan(Some(&to(ours)), ours, false, true), Change::LeaveToItsOwner(ours.to_owned()));
    }

    #[test]
    fn a_target_is_a_stream_or_a_firehose() {
        let kind =
            |target: &str| storage(target).map(|storage| storage["StorageType"].as_str().unwrap().to_owned());
        assert_eq!(kind("arn:aws:kinesis:eu-west-2:111122223333:stream/s").unwrap(), "KINESIS_STREAM");
        assert_eq!(
            kind("arn:aws:firehose:eu-west-2:111122223333:deliverystream/f").unwrap(),
            "KINESIS_FIREHOSE"
        );
        assert!(kind("stream").is_err());
    }
}
