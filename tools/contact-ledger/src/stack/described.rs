//! A contact as Amazon Connect describes it.
//!
//! Source: [`DescribeContact`](https://docs.aws.amazon.com/connect/latest/APIReference/API_DescribeContact.html). Amazon
//! Connect keeps contacts for 24 months.

use anyhow::anyhow;
use aws_config::SdkConfig;
use connect_streams::Timestamp;
use serde_json::Value;

use crate::stack::signed::{Call, Refusal, call, why};

/// What is needed to look for a contact. It has personal data, too, which is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// When it began.
    pub(crate) initiated: Option<Timestamp>,
    /// When it ended; none if it has not.
    pub(crate) disconnected: Option<Timestamp>,
    /// When it was last updated.
    pub(crate) last_update: Option<Timestamp>,
    /// The agent who accepted it.
    pub(crate) agent_id: Option<String>,
}

/// The contact; `None` if Amazon Connect does not know it.
pub(crate) async fn described(
    config: &SdkConfig,
    now: Timestamp,
    instance_id: &str,
    contact_id: &str,
) -> anyhow::Result<Option<Described>> {
    let is_plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_plain(instance_id) || !is_plain(contact_id) {
        return Ok(None);
    }
    let path = format!("/contacts/{instance_id}/{contact_id}");
    let describe = Call { service: "connect", method: "GET", path, target: None, body: &Value::Null };
    match call(config, now, &describe).await {
        Ok(response) => Ok(Some(Described::of(&response["Contact"]))),
        Err(error) => match error.downcast_ref::<Refusal>() {
            Some(Refusal { code, .. }) if code == "ResourceNotFoundException" => Ok(None),
            _ => Err(anyhow!(
                "Amazon Connect did not describe the contact: {}",
                why(&error, "connect:DescribeContact on the instance's contacts")
            )),
        },
    }
}

impl Described {
    fn of(contact: &Value) -> Self {
        // Seconds since 1970, as a number with a fraction.
        let time = |name: &str| {
            let milliseconds = (contact[name].as_f64()? * 1000.0).round();
            #[expect(clippy::cast_possible_truncation, reason = "a time in this era fits")]
            Timestamp::from_epoch_milliseconds(milliseconds as i64)
        };
        Self {
            initiated: time("InitiationTimestamp"),
            disconnected: time("DisconnectTimestamp"),
            last_update: time("LastUpdateTimestamp"),
            agent_id: contact["AgentInfo"]["Id"].as_str().map(str::to_owned),
        }
    }
}
