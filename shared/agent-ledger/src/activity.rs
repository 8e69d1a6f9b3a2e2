//! What an agent is doing, in one word, folded over *all* contacts: the most pressing one decides, never the
//! last in the list. Without a telling contact the status decides.
//!
//! Contact states: Administrator Guide, "Agent event streams data model", Contact, `State`.

use connect_streams::agent_event::Snapshot;

/// Contact states and the activity they stand for, most pressing first.
const PRIORITY: [(&str, &[&str]); 7] = [
    ("on_contact", &["CONNECTED"]),
    ("on_hold", &["CONNECTED_ONHOLD"]),
    ("ringing", &["CONNECTING", "INCOMING", "PENDING"]),
    ("after_contact_work", &["ENDED"]),
    ("paused", &["PAUSED"]),
    ("missed", &["MISSED", "REJECTED"]),
    ("error", &["ERROR"]),
];

/// The agent's activity.
pub(crate) fn activity(snapshot: &Snapshot<'_>) -> &'static str {
    let states = || snapshot.contacts.iter().filter_map(|contact| contact.state);
    let pressing = PRIORITY.iter().find(|(_, telling)| states().any(|state| telling.contains(&state)));
    pressing.map_or_else(|| of_status(snapshot), |(activity, _)| *activity)
}

/// The contact states that an activity stands for; none if it is that of a status.
#[must_use]
pub fn contact_states_of(activity: &str) -> &'static [&'static str] {
    PRIORITY.iter().find(|(name, _)| *name == activity).map_or(&[], |(_, states)| states)
}

/// Older events have no status type; there the names of the two built-in statuses tell.
fn of_status(snapshot: &Snapshot<'_>) -> &'static str {
    match (snapshot.status.status_type, snapshot.status.name) {
        (Some("ROUTABLE"), _) | (None, Some("Available")) => "available",
        (Some("OFFLINE"), _) | (None, Some("Offline")) => "offline",
        (None, None) => "unknown",
        _ => "custom",
    }
}

#[cfg(test)]
mod tests {
    use super::activity;
    use connect_streams::agent_event::{AgentStatus, Contact, Snapshot};

    fn snapshot<'a>(status: &'a str, states: &[&'a str]) -> Snapshot<'a> {
        let contact = |state: &&'a str| Contact {
            contact_id: "c",
            channel: None,
            initiation_method: None,
            state: Some(*state),
            state_since: None,
            connected_since: None,
            queued_since: None,
            queue_name: None,
        };
        Snapshot {
            status: AgentStatus { name: Some(status), ..AgentStatus::default() },
            contacts: states.iter().map(contact).collect(),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_most_pressing_contact_decides_wherever_it_stands() {
        for (states, expected) in [
            (&["ENDED", "CONNECTED", "MISSED"][..], "on_contact"),
            (&["CONNECTED", "ENDED"], "on_contact"),
            (&["ENDED", "CONNECTED_ONHOLD"], "on_hold"),
            (&["ENDED", "CONNECTING"], "ringing"),
            (&["PAUSED", "ENDED"], "after_contact_work"),
            (&["SOMETHING_NEW"], "available"),
            (&[], "available"),
        ] {
            assert_eq!(activity(&snapshot("Available", states)), expected, "{states:?}");
        }
        assert_eq!(activity(&snapshot("Offline", &[])), "offline");
        assert_eq!(activity(&snapshot("Lunch", &[])), "custom");
    }
}
