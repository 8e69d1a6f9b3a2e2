//! Plans the writes of an agent event. Pure: this module decides, and only the store writes.

use connect_streams::agent_event::AgentEvent;
use connect_streams::{Reject, RejectCode};

use crate::board::fits_key;
use crate::history::{event_entry, intervals};
use crate::routing_profile::routing_profile_write;
use crate::rules::Rules;
use crate::session::session_write;
use crate::snapshot::snapshot_write;
use crate::{HistoryEntry, KnownProfiles, RegisterWrite, Version};

/// DynamoDB rejects items above 400 KB. The difference leaves room for the keys.
/// Source: [Quotas in Amazon DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html), item size.
const ITEM_BYTES: usize = 390 * 1024;

/// The writes of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// At most one per register; each is its own item.
    pub registers: Vec<RegisterWrite>,
    /// The queues of the agent's routing profile; `None` if they are known to be stored. It does not count for the
    /// outcome of the event.
    pub routing_profile: Option<Box<RegisterWrite>>,
    /// The event's own entry; `None` if the settings do not keep it.
    pub event: Option<HistoryEntry>,
    /// The intervals that the event closes.
    pub intervals: Vec<HistoryEntry>,
}

impl Plan {
    /// Everything that the event writes to AgentState.
    pub fn state_writes(&self) -> impl Iterator<Item = &RegisterWrite> {
        self.registers.iter().chain(self.routing_profile.as_deref())
    }

    /// Whether there is nothing to write, as for a heartbeat without a snapshot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.event.is_none() && self.intervals.is_empty()
    }
}

/// Plans the writes of an event.
///
/// # Errors
/// [`RejectCode::BadField`] or [`RejectCode::TooLarge`] for an event that DynamoDB would reject every time.
pub fn plan(event: &AgentEvent<'_>, rules: &Rules) -> Result<Plan, Reject> {
    plan_knowing(event, rules, &KnownProfiles::default())
}

/// Plans the writes of an event, without a routing profile that is known to be stored.
///
/// # Errors
/// As [`plan`].
pub fn plan_knowing(event: &AgentEvent<'_>, rules: &Rules, known: &KnownProfiles) -> Result<Plan, Reject> {
    check_ids(event)?;
    let retention = &rules.retention;
    let version = Version::of(event);
    let snapshot = event.current.as_ref().map(|current| snapshot_write(event, &version, current, rules));
    let current = event.current.as_ref();
    let plan = Plan {
        registers: snapshot.into_iter().chain(session_write(event, &version, retention.state_days)).collect(),
        routing_profile: current
            .and_then(|current| routing_profile_write(event, current, retention.state_days, known))
            .map(Box::new),
        event: retention
            .keeps(event.event_type)
            .then(|| event_entry(event, &version, retention.history_days)),
        intervals: intervals(event, &version, retention.history_days),
    };
    let is_too_large = |attributes: &tables::Attributes| tables::bytes(attributes) > ITEM_BYTES;
    if plan.registers.iter().any(|write| is_too_large(&write.set))
        || plan.event.iter().any(|entry| is_too_large(&entry.attributes))
    {
        return Err(Reject::field(RejectCode::TooLarge, "CurrentAgentSnapshot"));
    }
    if plan.intervals.iter().any(|entry| is_too_large(&entry.attributes)) {
        return Err(Reject::field(RejectCode::TooLarge, "PreviousAgentSnapshot"));
    }
    Ok(plan)
}

fn check_ids(event: &AgentEvent<'_>) -> Result<(), Reject> {
    let bad = |path| Err(Reject::field(RejectCode::BadField, path));
    if !fits_key(event.agent_id) || !fits_key(event.instance_id) || !fits_key(event.region) {
        return bad("AgentARN");
    }
    if !fits_key(event.event_id) {
        return bad("EventId");
    }
    let contacts = event.previous.iter().chain(&event.current).flat_map(|snapshot| &snapshot.contacts);
    if contacts
        .into_iter()
        .any(|contact| !fits_key(contact.contact_id) || !contact.state.is_none_or(fits_key))
    {
        return bad("CurrentAgentSnapshot.Contacts");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Rules, plan};
    use connect_streams::agent_event::AgentEvent;
    use connect_streams::parse;

    fn planned(agent: &str, event_id: &str, contact: &str, state: &str, is_previous: bool) -> String {
        let snapshot = format!(r#"{{"Contacts":[{{"ContactId":"{contact}","State":"{state}"}}]}}"#);
        let (previous, current) = if is_previous { (&*snapshot, "{}") } else { ("{}", &*snapshot) };
        let event = format!(
            r#"{{"AgentARN":"{agent}","EventId":"{event_id}","EventTimestamp":"2026-03-02T08:00:00Z",
            "EventType":"STATE_CHANGE","PreviousAgentSnapshot":{previous},"CurrentAgentSnapshot":{current}}}"#
        );
        let document = parse(event.as_bytes()).unwrap();
        let event = AgentEvent::from_object(document.as_object().unwrap()).unwrap();
        plan(&event, &Rules::default()).map_or_else(|reject| reject.to_string(), |_| "planned".to_owned())
    }

    /// The parts of a key are joined with `#`. With `#` inside a part, two entries could have the same key.
    #[test]
    fn parts_of_a_key_have_no_separator_and_a_limited_length() {
        let arn = |region: &str, instance: &str, agent: &str| {
            format!("arn:aws:connect:{region}:111122223333:instance/{instance}/agent/{agent}")
        };
        let good = arn("eu-west-2", "i", "a");
        let (long, longest) = ("x".repeat(257), "x".repeat(256));
        for is_previous in [false, true] {
            let result = |contact: &str, state: &str| planned(&good, "e", contact, state, is_previous);
            assert_eq!(result("c", "CONNECTED"), "planned");
            assert_eq!(result(&longest, &longest), "planned");
            for bad in ["c#1", "#", &long] {
                assert_eq!(result(bad, "CONNECTED"), "bad_field at CurrentAgentSnapshot.Contacts", "{bad}");
                assert_eq!(result("c", bad), "bad_field at CurrentAgentSnapshot.Contacts", "{bad}");
            }
        }
        for bad in ["a#1", &long] {
            for agent in [arn("eu-west-2", "i", bad), arn("eu-west-2", bad, "a"), arn(bad, "i", "a")] {
                assert_eq!(planned(&agent, "e", "c", "s", false), "bad_field at AgentARN", "{agent}");
            }
            assert_eq!(planned(&good, bad, "c", "s", false), "bad_field at EventId");
        }
    }
}
