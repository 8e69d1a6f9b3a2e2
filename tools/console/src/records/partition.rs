//! The partition key of an agent event.

use std::borrow::Cow;

use lambda_io::limits::kinesis::PARTITION_KEY;
use serde::Deserialize;

/// The agent's ARN, as Amazon Connect does it. An event without one still needs a shard, and gets a constant key.
#[must_use]
pub fn partition_key(event: &[u8]) -> String {
    #[derive(Deserialize)]
    struct OfAgent<'a> {
        #[serde(rename = "AgentARN", borrow)]
        arn: Cow<'a, str>,
    }
    let arn = serde_json::from_slice::<OfAgent<'_>>(event).map(|event| event.arn.into_owned());
    arn.ok()
        .filter(|arn| (1..=PARTITION_KEY).contains(&arn.chars().count()))
        .unwrap_or_else(|| "unknown".to_owned())
}
