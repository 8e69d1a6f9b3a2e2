//! Contacts, and the contact records that tell of them.

use fastrand::Rng;
use serde_json::{Value, json};

use super::{Ids, MINUTE, OPENING, QUEUES, SECOND, Sent, arn, milliseconds, seconds};

/// Contacts that nobody answers.
const ABANDONED: usize = 18;
/// Amazon Connect sends a contact record about a minute after the contact is over.
const SENT_AFTER: i64 = 64 * SECOND;

/// One contact, with everything that happens to it. Times are milliseconds since 1970, on whole seconds.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) channel: &'static str,
    /// Index into [`QUEUES`].
    pub(super) queue: usize,
    pub(super) customer: u64,
    pub(super) initiated: i64,
    pub(super) enqueued: i64,
    /// When the agent's phone rang, and the agent; `None` for an abandoned contact.
    pub(super) agent: Option<Handling>,
    pub(super) disconnected: i64,
}

/// An agent's part in a contact.
#[derive(Debug, Clone)]
pub(super) struct Handling {
    pub(super) agent_id: String,
    pub(super) username: String,
    pub(super) rang: i64,
    pub(super) connected: i64,
    /// Begin and end of a hold.
    pub(super) hold: Option<(i64, i64)>,
    pub(super) after_contact_work_end: i64,
}

impl Contact {
    /// The records sent for this contact: one, now and then the same twice, and now and then a newer version
    /// hours later.
    pub(super) fn deliveries(&self, rng: &mut Rng) -> Vec<Sent> {
        let over = self.agent.as_ref().map_or(self.disconnected, |agent| agent.after_contact_work_end);
        let first = over.max(self.disconnected) + SENT_AFTER;
        let mut sent = vec![Sent { at: first, record: self.record(first, &json!({"language": "en"})) }];
        if rng.usize(..20) == 0 {
            sent.push(Sent {
                at: first + rng.i64(1..30) * SECOND,
                record: self.record(first, &json!({"language": "en"})),
            });
        }
        if rng.usize(..15) == 0 {
            let later = first + rng.i64(60..180) * MINUTE;
            sent.push(Sent {
                at: later,
                record: self.record(later, &json!({"language": "en", "survey": "5"})),
            });
        }
        sent
    }

    fn record(&self, updated: i64, attributes: &Value) -> Value {
        let (queue_id, queue_name) = QUEUES[self.queue];
        let dequeued = self.agent.as_ref().map_or(self.disconnected, |agent| agent.connected);
        json!({
            "AWSAccountId": "111122223333",
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "Agent": self.agent.as_ref().map(|agent| agent.record(self.disconnected)),
            "AgentConnectionAttempts": i32::from(self.agent.is_some()),
            "Attributes": attributes,
            "Campaign": {"CampaignId": null},
            "Channel": self.channel,
            "ConnectedToSystemTimestamp": seconds(self.initiated),
            "ContactDetails": {},
            "ContactId": self.id,
            "CustomerEndpoint": {"Address": format!("+441632960{:03}", self.customer), "Type": "TELEPHONE_NUMBER"},
            "DisconnectReason": "CUSTOMER_DISCONNECT",
            "DisconnectTimestamp": seconds(self.disconnected),
            "InitialContactId": null,
            "InitiationMethod": "INBOUND",
            "InitiationTimestamp": seconds(self.initiated),
            "InstanceARN": arn(""),
            "LastUpdateTimestamp": seconds(updated),
            "NextContactId": null,
            "PreviousContactId": null,
            "Queue": {
                "ARN": arn(&format!("/queue/{queue_id}")),
                "Name": queue_name,
                "EnqueueTimestamp": seconds(self.enqueued),
                "DequeueTimestamp": seconds(dequeued),
                "Duration": (dequeued - self.enqueued) / SECOND,
            },
            "Recordings": null,
            "References": [],
            "SystemEndpoint": {"Address": "+441632960999", "Type": "TELEPHONE_NUMBER"},
            "Tags": {"aws:connect:instanceId": "10000000-0000-4000-8000-000000000001"},
            "TransferCompletedTimestamp": null,
            "TransferredToEndpoint": null,
        })
    }

    /// The contact as an agent snapshot lists it.
    pub(super) fn in_snapshot(&self, state: &str, since: i64) -> Value {
        let (queue_id, queue_name) = QUEUES[self.queue];
        let connected =
            self.agent.as_ref().map(|agent| agent.connected).filter(|connected| *connected <= since);
        json!({
            "Channel": self.channel,
            "ConnectedToAgentTimestamp": connected.map(milliseconds),
            "ContactId": self.id,
            "InitialContactId": null,
            "InitiationMethod": "INBOUND",
            "Queue": {"ARN": arn(&format!("/queue/{queue_id}")), "Name": queue_name},
            "QueueTimestamp": milliseconds(self.enqueued),
            "State": state,
            "StateStartTimestamp": milliseconds(since),
        })
    }
}

impl Handling {
    fn record(&self, disconnected: i64) -> Value {
        let held = self.hold.map_or(0, |(begin, end)| end - begin);
        json!({
            "ARN": arn(&format!("/agent/{}", self.agent_id)),
            "Username": self.username,
            "AfterContactWorkStartTimestamp": seconds(disconnected),
            "AfterContactWorkEndTimestamp": seconds(self.after_contact_work_end),
            "AfterContactWorkDuration": (self.after_contact_work_end - disconnected) / SECOND,
            "AgentInteractionDuration": (disconnected - self.connected - held) / SECOND,
            "ConnectedToAgentTimestamp": seconds(self.connected),
            "CustomerHoldDuration": held / SECOND,
            "HierarchyGroups": null,
            "LongestHoldDuration": held / SECOND,
            "NumberOfHolds": i32::from(self.hold.is_some()),
            "RoutingProfile": {"ARN": arn("/routing-profile/rp-general"), "Name": "General"},
        })
    }
}

/// Callers who hang up in the queue.
pub(super) fn abandoned(rng: &mut Rng, ids: &mut Ids) -> Vec<Contact> {
    let mut contact = || {
        let initiated = OPENING + rng.i64(0..450) * MINUTE + rng.i64(0..60) * SECOND;
        let enqueued = initiated + rng.i64(5..30) * SECOND;
        Contact {
            id: ids.next(),
            channel: "VOICE",
            queue: rng.usize(..QUEUES.len()),
            customer: rng.u64(..900),
            initiated,
            enqueued,
            agent: None,
            disconnected: enqueued + rng.i64(10..240) * SECOND,
        }
    };
    (0..ABANDONED).map(|_| contact()).collect()
}
