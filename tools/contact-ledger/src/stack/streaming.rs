//! Data streaming of an Amazon Connect instance.
//!
//! Source: [`ListInstanceStorageConfigs`](https://docs.aws.amazon.com/connect/latest/APIReference/API_ListInstanceStorageConfigs.html).

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use connect_streams::{StreamKind, Timestamp};
use serde_json::Value;

use crate::stack::signed::{Call, call, why};

/// A storage config: where Connect streams one kind of record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The association ID.
    pub id: String,
    /// ARN of a Kinesis or Firehose stream.
    pub target: String,
}

/// Nothing has to be switched on for contact events, so no storage config is ever asked for.
const NOT_STREAMED: &str = "contact events go to EventBridge, not to a stream";

/// Amazon Connect's resource type for a kind of record.
pub(crate) const fn resource_type(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::ContactRecords => "CONTACT_TRACE_RECORDS",
        StreamKind::AgentEvents => "AGENT_EVENTS",
        StreamKind::ContactEvents => panic!("{}", NOT_STREAMED),
    }
}

/// The logical ID of the template resource that creates the association.
pub(crate) const fn association_resource(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::ContactRecords => "ContactRecordStreaming",
        StreamKind::AgentEvents => "AgentEventStreaming",
        StreamKind::ContactEvents => panic!("{}", NOT_STREAMED),
    }
}

/// The Region in an ARN.
pub(crate) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// Where the instance streams one kind of record.
pub(crate) async fn association(
    config: &SdkConfig,
    now: Timestamp,
    instance_id: &str,
    kind: StreamKind,
) -> anyhow::Result<Option<Association>> {
    let path = format!("/instance/{instance_id}/storage-configs?resourceType={}", resource_type(kind));
    let list = Call { service: "connect", method: "GET", path, target: None, body: &Value::Null };
    let response = call(config, now, &list).await.map_err(|error| {
        // Kept as the source, because `doctor` distinguishes errors by their codes.
        let why = why(&error, "connect:ListInstanceStorageConfigs");
        error.context(format!("Amazon Connect did not return the instance's streaming settings: {why}"))
    })?;
    let first = &response["StorageConfigs"][0];
    let target = first["KinesisStreamConfig"]["StreamArn"]
        .as_str()
        .or_else(|| first["KinesisFirehoseConfig"]["FirehoseArn"].as_str());
    let id = first["AssociationId"].as_str();
    Ok(id.zip(target).map(|(id, target)| Association { id: id.to_owned(), target: target.to_owned() }))
}

/// The ARNs to stream to, from the stack's outputs.
pub(crate) fn targets(outputs: &BTreeMap<String, String>) -> BTreeMap<StreamKind, String> {
    [(StreamKind::ContactRecords, "ContactRecordTarget"), (StreamKind::AgentEvents, "AgentEventStreamArn")]
        .into_iter()
        .filter_map(|(kind, output)| Some((kind, outputs.get(output)?.clone())))
        .collect()
}
