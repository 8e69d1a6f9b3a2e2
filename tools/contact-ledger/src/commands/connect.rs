//! `connect`: turns on or turns off data streaming from an Amazon Connect instance to a stack.
//!
//! Source: [`ListInstanceStorageConfigs`](https://docs.aws.amazon.com/connect/latest/APIReference/API_ListInstanceStorageConfigs.html),
//! [`AssociateInstanceStorageConfig`](https://docs.aws.amazon.com/connect/latest/APIReference/API_AssociateInstanceStorageConfig.html),
//! [`UpdateInstanceStorageConfig`](https://docs.aws.amazon.com/connect/latest/APIReference/API_UpdateInstanceStorageConfig.html),
//! [`DisassociateInstanceStorageConfig`](https://docs.aws.amazon.com/connect/latest/APIReference/API_DisassociateInstanceStorageConfig.html).
//! An instance streams each kind of record to at most one target.

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
    /// Stream contact records and agent events to the stack
    Enable(ChangeArguments),
    /// Show where contact records and agent events are streamed to
    Status(InstanceArguments),
    /// Stop streaming to the stack
    Disable(ChangeArguments),
}

#[derive(Debug, Clone, Args)]
struct InstanceArguments {
    #[command(flatten)]
    stack: DeployedStackArguments,
    /// ARN of the Amazon Connect instance [default: the value of the stack's `ConnectInstanceArn` parameter]
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
    /// Apply the changes instead of only printing them
    #[arg(long)]
    apply: bool,
}

/// The change planned for one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// Nothing to change.
    None,
    Associate(String),
    Update(Association, String),
    Disassociate(Association),
    /// Streamed to a target that is not this stack's.
    Leave(String),
    /// Streamed to an existing stream, which other consumers may read.
    LeaveToItsOwner(String),
}

/// Runs the command and returns the report.
///
/// # Errors
/// If the stack has no instance, or Amazon Connect returns an error.
pub async fn connect(arguments: &ConnectArguments, now: Timestamp) -> Answer {
    let (instance, change): (_, Option<(&ChangeArguments, bool)>) = match &arguments.command {
        ConnectCommand::Status(instance) => (instance, None),
        ConnectCommand::Enable(change) => (&change.instance, Some((change, true))),
        ConnectCommand::Disable(change) => (&change.instance, Some((change, false))),
    };
    let connection = instance.stack.connect().await?;
    let arn = instance.instance.clone().or_else(|| connection.deployed.instance_arn.clone());
    let arn = arn.context(
        "the stack was deployed without ConnectInstanceArn; pass --instance <ARN>, which `aws connect list-instances` shows",
    )?;
    let region = connection.region();
    if region_of(&arn) != region {
        bail!(
            "the instance is in {}, and the stack is in {region}: Amazon Connect streams only within its Region; deploy the stack there",
            region_of(&arn)
        );
    }
    let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
    if change.is_some_and(|(change, _)| change.apply) {
        connection.announce();
    }
    let mut streaming = Vec::new();
    let mut text = format!("Instance {arn}\n");
    for kind in [StreamKind::ContactRecords, StreamKind::AgentEvents] {
        let is = association(connection.config(), now, &id, kind).await?;
        let target = connection.deployed.targets.get(&kind).cloned();
        let target = target
            .with_context(|| format!("the stack has no output with the target for {}", kind.as_str()))?;
        let is_existing = connection.deployed.existing.contains_key(&kind);
        let planned = change.map(|(_, on)| plan(is.as_ref(), &target, on, is_existing));
        let is_applied = change.is_some_and(|(change, _)| change.apply);
        if let (Some(planned), true) = (&planned, is_applied) {
            apply(connection.config(), now, &id, kind, planned).await?;
        }
        let sentence = sentence(is.as_ref(), &target, planned.as_ref(), is_applied);
        let _ = writeln!(text, "  {:<16} {sentence}", kind.as_str());
        let is_owned_by_stack = connection.deployed.resources.contains_key(association_resource(kind));
        if is_owned_by_stack && matches!(planned, Some(Change::Update(..) | Change::Disassociate(_))) {
            text.push_str(OWNED_BY_STACK);
        }
        streaming.push(json!({"kind": kind.as_str(), "streams_to": is.as_ref().map(|is| &is.target), "stack": target, "says": sentence}));
    }
    if change.is_some_and(|(change, _)| !change.apply) {
        text.push_str("Nothing was changed. To apply this, run the same command with --apply.\n");
    }
    if instance.json {
        return Ok((json_pretty(&json!({"instance": arn, "streaming": streaming}))?, Outcome::Done));
    }
    Ok((safe_lines(&text).into_owned(), Outcome::Done))
}

/// A warning: the change causes drift from the CloudFormation stack.
const OWNED_BY_STACK: &str = "  CloudFormation created this association. Instead, deploy the stack with an empty\n  ConnectInstanceArn; otherwise, the association will be missing when the stack is\n  updated or deleted.\n";

/// Never turns off streaming to an existing stream, because it may have other consumers.
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

fn sentence(is: Option<&Association>, target: &str, change: Option<&Change>, is_applied: bool) -> String {
    let done = |would: &str, did: &str| if is_applied { did.to_owned() } else { would.to_owned() };
    match change {
        None => match is {
            None => "are not streamed".to_owned(),
            Some(is) if is.target == target => format!("are streamed to this stack: {target}"),
            Some(is) => format!("are streamed elsewhere: {}", is.target),
        },
        Some(Change::None) => "are already as requested; nothing changes".to_owned(),
        Some(Change::Associate(to)) => {
            format!("{} {to}", done("would be streamed to", "are now streamed to"))
        }
        Some(Change::Update(from, to)) => {
            format!(
                "{} {to}, no longer to {}",
                done("would be streamed to", "are now streamed to"),
                from.target
            )
        }
        Some(Change::Disassociate(from)) => {
            format!("{} {}", done("would no longer be streamed to", "are no longer streamed to"), from.target)
        }
        Some(Change::Leave(to)) => format!("are streamed elsewhere, which does not change: {to}"),
        Some(Change::LeaveToItsOwner(to)) => {
            format!("are still streamed to {to}, which is not the stack's own: other consumers may read it")
        }
    }
}

async fn apply(
    config: &SdkConfig,
    now: Timestamp,
    instance_id: &str,
    kind: StreamKind,
    change: &Change,
) -> anyhow::Result<()> {
    let resource_type = resource_type(kind);
    let path = format!("/instance/{instance_id}/storage-config");
    let of = |association: &Association| format!("{path}/{}?resourceType={resource_type}", association.id);
    let (method, path, body) = match change {
        Change::None | Change::Leave(_) | Change::LeaveToItsOwner(_) => return Ok(()),
        Change::Associate(target) => {
            ("PUT", path, json!({"ResourceType": resource_type, "StorageConfig": storage(target)?}))
        }
        Change::Update(association, target) => {
            ("POST", of(association), json!({"StorageConfig": storage(target)?}))
        }
        Change::Disassociate(association) => ("DELETE", of(association), Value::Null),
    };
    let change = Call { service: "connect", method, path, target: None, body: &body };
    let changed = call(config, now, &change).await;
    changed.map(drop).map_err(|error| {
        const PERMISSIONS: &str =
            "connect:*InstanceStorageConfig, permissions on the stream, and iam:PutRolePolicy on Connect's role";
        anyhow!("Amazon Connect did not change the streaming of {}: {}", kind.as_str(), why(&error, PERMISSIONS))
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
        _ => bail!("{target} is not the ARN of a Kinesis or Firehose stream"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_changes_only_differences_and_removes_only_our_own_association() {
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
    fn a_target_is_a_kinesis_or_firehose_stream() {
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
