//! Finds the parts of a deployed stack by their logical IDs.

use std::collections::BTreeMap;
use std::error::Error;

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use aws_errors::why;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use redrive::ContactRecordTarget;

use crate::stack::parts::{ContactEventNames, Deployed, ExistingStream, Names, kept_events};
use crate::stack::streaming::targets;
use connect_streams::StreamKind;
use contact_state::LongestLife;

/// Looks up the stack in CloudFormation.
pub(crate) async fn find(config: &SdkConfig, stack: &str) -> anyhow::Result<(Names, Deployed)> {
    let client = Client::new(config);
    let mut resources = BTreeMap::new();
    let mut pages = client.list_stack_resources().stack_name(stack).into_paginator().items().send();
    while let Some(resource) = pages.next().await {
        let resource = resource.map_err(|error| refused(stack, error))?;
        if let (Some(logical), Some(physical)) = (resource.logical_resource_id, resource.physical_resource_id)
        {
            resources.insert(logical, physical);
        }
    }
    let described =
        client.describe_stacks().stack_name(stack).send().await.map_err(|error| refused(stack, error))?;
    let described = described.stacks.unwrap_or_default().into_iter().next();
    let described = described.with_context(|| format!("CloudFormation does not describe stack {stack}"))?;
    let outputs = described.outputs.unwrap_or_default().into_iter();
    let outputs: BTreeMap<_, _> =
        outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect();
    let parameters = described.parameters.unwrap_or_default().into_iter();
    let parameters: BTreeMap<_, _> = parameters
        .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let part = |name: &str| {
        let part = resources.get(name).cloned();
        part.with_context(|| format!("stack {stack} has no {name}; is it a contact-ledger stack?"))
    };
    let names = Names {
        lake_bucket: part("LakeBucket")?,
        agent_state_table: part("AgentStateTable")?,
        agent_history_table: part("AgentHistoryTable")?,
        agent_event_stream: match outputs.get("AgentEventStreamName") {
            Some(stream) => stream.clone(),
            None => part("AgentEventStream")?,
        },
        agent_event_function: part("AgentEventUpserter")?,
        contact_records: match outputs.get("ContactRecordStreamArn").and_then(|arn| arn.split_once('/')) {
            Some((_, stream)) => ContactRecordTarget::Stream(stream.to_owned()),
            None => ContactRecordTarget::Firehose(part("ContactRecordFirehose")?),
        },
        contact_events: ContactEventNames::of(|name| resources.get(name).cloned()),
    };
    // arn:aws:cloudformation:<Region>:<account>:stack/…
    let account = described.stack_id.as_ref().and_then(|arn| arn.split(':').nth(4)).map(str::to_owned);
    let deployed = Deployed {
        stack: stack.to_owned(),
        account,
        status: described.stack_status.map(|status| status.as_str().to_owned()),
        instance_arn: parameters.get("ConnectInstanceArn").cloned(),
        longest_life: longest_life(&parameters),
        ended_contact_days: parameters.get("EndedContactDays").and_then(|days| days.parse().ok()),
        history_retention_days: parameters.get("HistoryRetentionDays").and_then(|days| days.parse().ok()),
        kept_events: kept_events(parameters.get("HistoryEvents"), parameters.get("HistoryHeartbeats")),
        existing: existing(&outputs, &parameters),
        targets: targets(&outputs),
        outputs,
        resources,
    };
    Ok((names, deployed))
}

/// How long contacts can be in flight, as the stack was deployed.
fn longest_life(parameters: &BTreeMap<String, String>) -> LongestLife {
    let default = LongestLife::default();
    let hours =
        |name: &str, default| parameters.get(name).and_then(|hours| hours.parse().ok()).unwrap_or(default);
    LongestLife {
        voice_task_hours: hours("UnconfirmedVoiceTaskHours", default.voice_task_hours),
        chat_hours: hours("UnconfirmedChatHours", default.chat_hours),
        other_hours: hours("UnconfirmedOtherHours", default.other_hours),
    }
}

/// The streams that the stack reads but does not own.
fn existing(
    outputs: &BTreeMap<String, String>,
    parameters: &BTreeMap<String, String>,
) -> BTreeMap<StreamKind, ExistingStream> {
    let streams = [
        (StreamKind::ContactRecords, "ContactRecordStream", "ExistingContactRecordStreamKeyArn"),
        (StreamKind::AgentEvents, "AgentEventStream", "ExistingAgentEventStreamKeyArn"),
    ];
    let stream = |(kind, output, key): (StreamKind, &str, &str)| {
        let is_existing = outputs.get(&format!("{output}Owner")).is_some_and(|owner| owner == "existing");
        let arn = outputs.get(&format!("{output}Arn")).filter(|_| is_existing)?;
        let name = arn.split_once('/')?.1.to_owned();
        Some((kind, ExistingStream { name, key: parameters.get(key).cloned() }))
    };
    streams.into_iter().filter_map(stream).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
fn refused<E>(stack: &str, error: SdkError<E>) -> anyhow::Error
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let is_missing = error.code() == Some("ValidationError")
        && error.message().is_some_and(|message| message.contains("does not exist"));
    if is_missing {
        return anyhow!(
            "there is no stack {stack} in this account and Region; `aws cloudformation list-stacks` lists the stacks (--region and --profile select the Region and account)"
        );
    }
    let why = why(&error, "cloudformation:ListStackResources and cloudformation:DescribeStacks");
    anyhow!("CloudFormation did not return the resources of stack {stack}: {why}")
}
