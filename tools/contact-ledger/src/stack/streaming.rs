//! What an instance of Amazon Connect streams, and where to.
//!
//! Source: Amazon Connect API Reference, `ListInstanceStorageConfigs`.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use connect_streams::{StreamKind, Timestamp};
use serde_json::Value;

use crate::stack::signed::{Call, call, why};

/// Where Connect streams a kind of record to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// Its id.
    pub id: String,
    /// ARN of a Kinesis stream or of a Firehose.
    pub target: String,
}

/// The name of a kind of record in Amazon Connect.
pub(crate) const fn resource_type(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::ContactRecords => "CONTACT_TRACE_RECORDS",
        StreamKind::AgentEvents => "AGENT_EVENTS",
    }
}

/// The template's resource that makes the streaming.
pub(crate) const fn association_resource(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::ContactRecords => "ContactRecordStreaming",
        StreamKind::AgentEvents => "AgentEventStreaming",
    }
}

/// The region in an ARN.
pub(crate) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// Where the instance streams a kind of record to.
pub(crate) async fn association(
    config: &SdkConfig,
    now: Timestamp,
    instance_id: &str,
    kind: StreamKind,
) -> anyhow::Result<Option<Association>> {
    let path = format!("/instance/{instance_id}/storage-configs?resourceType={}", resource_type(kind));
    let list = Call { service: "connect", method: "GET", path, target: None, body: &Value::Null };
    let listed = call(config, now, &list).await.map_err(|error| {
        // Whoever looks at several things tells of the refusal by its code.
        let why = why(&error, "connect:ListInstanceStorageConfigs");
        error.context(format!("Amazon Connect does not say where the instance streams to: {why}"))
    })?;
    let first = &listed["StorageConfigs"][0];
    let target = first["KinesisStreamConfig"]["StreamArn"]
        .as_str()
        .or_else(|| first["KinesisFirehoseConfig"]["FirehoseArn"].as_str());
    let id = first["AssociationId"].as_str();
    Ok(id.zip(target).map(|(id, target)| Association { id: id.to_owned(), target: target.to_owned() }))
}

/// What the outputs of a stack say about where to stream to.
pub(crate) fn targets(outputs: &BTreeMap<String, String>) -> BTreeMap<StreamKind, String> {
    [(StreamKind::ContactRecords, "ContactRecordTarget"), (StreamKind::AgentEvents, "AgentEventStreamArn")]
        .into_iter()
        .filter_map(|(kind, output)| Some((kind, outputs.get(output)?.clone())))
        .collect()
}
