//! What an agent is doing, in one word: Amazon Connect's own Agent Activity, by its own precedence.
//!
//! Any contact in error comes first, then a missed one, a rejected one, then contacts that the agent is on, after-contact
//! work, what is coming in; without a telling contact the status decides. It is folded over *all* contacts, so the order
//! of the list never matters.
//!
//! Sources: Administrator Guide, "Real-time metrics definitions", Agent Activity; "Agent event streams data model",
//! Contact, `State`; "About contact states".

use connect_streams::agent_event::{EventType, Snapshot};

/// Amazon Connect's Agent Activity, in the order of its precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// A contact is in error.
    Error,
    /// A contact was missed.
    Missed,
    /// A contact was rejected.
    Rejected,
    /// A contact is connected, on hold, paused, or being dialed.
    OnContact,
    /// After-contact work.
    AfterContactWork,
    /// A contact is offered.
    Incoming,
    /// A custom status.
    Custom,
    /// Available, without a contact.
    Available,
    /// Offline.
    Offline,
    /// Nothing is known of the status.
    Unknown,
}

impl Activity {
    /// All of them, in the order of their precedence.
    pub const ALL: [Self; 9] = [
        Self::Error,
        Self::Missed,
        Self::Rejected,
        Self::OnContact,
        Self::AfterContactWork,
        Self::Incoming,
        Self::Custom,
        Self::Available,
        Self::Offline,
    ];

    /// The public name, as in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Missed => "missed",
            Self::Rejected => "rejected",
            Self::OnContact => "on_contact",
            Self::AfterContactWork => "after_contact_work",
            Self::Incoming => "incoming",
            Self::Custom => "custom",
            Self::Available => "available",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }

    /// Of an agent with these contacts, each with its state and initiation method, and this status.
    pub(crate) fn of<'a>(
        contacts: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        status_type: Option<&str>,
        status_name: Option<&str>,
    ) -> Self {
        let telling = contacts.filter_map(|(state, method)| Self::of_contact(state, method)).min();
        telling.unwrap_or_else(|| Self::of_status(status_type, status_name))
    }

    /// What an event says by itself. Whoever logs out while Offline works on nothing, even if Connect still lists contacts
    /// that ended.
    pub(crate) fn of_event(event_type: EventType, snapshot: &Snapshot<'_>) -> Self {
        match event_type {
            EventType::Logout if Self::is_offline(snapshot.status.status_type, snapshot.status.name) => {
                let states = snapshot.contacts.iter().map(|contact| contact.state.unwrap_or_default());
                if Self::all_ended(states) { Self::Offline } else { Self::of_snapshot(snapshot) }
            }
            _ => Self::of_snapshot(snapshot),
        }
    }

    /// Whether there are contacts, and all have ended.
    pub(crate) fn all_ended<'a>(states: impl IntoIterator<Item = &'a str>) -> bool {
        let mut states = states.into_iter().peekable();
        states.peek().is_some() && states.all(|state| state == "ENDED")
    }

    pub(crate) fn of_snapshot(snapshot: &Snapshot<'_>) -> Self {
        let contacts = snapshot.contacts.iter();
        let contacts = contacts.filter_map(|contact| Some((contact.state?, contact.initiation_method)));
        Self::of(contacts, snapshot.status.status_type, snapshot.status.name)
    }

    /// What a contact stands for; `None` for a state that Amazon Connect added later.
    pub(crate) fn of_contact(state: &str, initiation_method: Option<&str>) -> Option<Self> {
        Some(match state {
            "ERROR" => Self::Error,
            "MISSED" => Self::Missed,
            "REJECTED" => Self::Rejected,
            "CONNECTED" | "CONNECTED_ONHOLD" | "PAUSED" => Self::OnContact,
            "ENDED" => Self::AfterContactWork,
            // Who dials is on contact while it rings at the other end.
            "CONNECTING" if initiation_method.is_some_and(is_dialed_by_the_agent) => Self::OnContact,
            "CONNECTING" | "INCOMING" | "PENDING" => Self::Incoming,
            _ => return None,
        })
    }

    /// Older events have no status type; there the names of the two built-in statuses tell.
    fn of_status(status_type: Option<&str>, name: Option<&str>) -> Self {
        match (status_type, name) {
            (Some("ROUTABLE"), _) | (None, Some("Available")) => Self::Available,
            (Some("OFFLINE"), _) | (None, Some("Offline")) => Self::Offline,
            (None, None) => Self::Unknown,
            _ => Self::Custom,
        }
    }

    /// Whether a status is Offline, whatever the contacts are.
    pub(crate) fn is_offline(status_type: Option<&str>, name: Option<&str>) -> bool {
        Self::of_status(status_type, name) == Self::Offline
    }
}

/// A customer-first callback is not among them: its customer is on the line when an agent is offered the contact.
fn is_dialed_by_the_agent(initiation_method: &str) -> bool {
    matches!(initiation_method, "OUTBOUND" | "CALLBACK" | "CAMPAIGN_PREVIEW")
}

#[cfg(test)]
mod tests {
    use super::Activity;

    fn activity(status: &str, contacts: &[(&str, &str)]) -> &'static str {
        let contacts = contacts.iter().map(|(state, method)| (*state, Some(*method)));
        Activity::of(contacts, None, Some(status)).as_str()
    }

    /// The precedence of Amazon's page, as a list: each beats all that come after it.
    #[test]
    fn the_first_that_holds_decides_wherever_it_stands() {
        let order = [
            (("ERROR", "INBOUND"), "error"),
            (("MISSED", "INBOUND"), "missed"),
            (("REJECTED", "INBOUND"), "rejected"),
            (("CONNECTED", "INBOUND"), "on_contact"),
            (("ENDED", "INBOUND"), "after_contact_work"),
            (("CONNECTING", "INBOUND"), "incoming"),
        ];
        for (place, (first, expected)) in order.iter().enumerate() {
            assert_eq!(activity("Available", &[*first]), *expected);
            for (later, _) in &order[place..] {
                assert_eq!(activity("Lunch", &[*first, *later]), *expected, "{first:?} {later:?}");
                assert_eq!(activity("Lunch", &[*later, *first]), *expected, "{later:?} {first:?}");
            }
        }
    }

    #[test]
    fn on_contact_is_connected_held_paused_or_dialing() {
        for contact in [
            ("CONNECTED", "INBOUND"),
            ("CONNECTED_ONHOLD", "INBOUND"),
            ("PAUSED", "API"),
            ("CONNECTING", "OUTBOUND"),
            ("CONNECTING", "CALLBACK"),
        ] {
            assert_eq!(activity("Available", &[contact]), "on_contact", "{contact:?}");
            assert_eq!(activity("Available", &[("ENDED", "INBOUND"), contact]), "on_contact", "{contact:?}");
        }
        for contact in [
            ("CONNECTING", "INBOUND"),
            ("CONNECTING", "CALLBACK_CUSTOMER_FIRST_DIALED"),
            ("INCOMING", "CALLBACK"),
            ("PENDING", "CALLBACK"),
            ("CONNECTING", "SOMETHING_NEW"),
        ] {
            assert_eq!(activity("Available", &[contact]), "incoming", "{contact:?}");
        }
    }

    #[test]
    fn without_a_telling_contact_the_status_decides() {
        assert_eq!(activity("Available", &[("SOMETHING_NEW", "INBOUND")]), "available");
        assert_eq!(activity("Available", &[]), "available");
        assert_eq!(activity("Offline", &[]), "offline");
        assert_eq!(activity("Lunch", &[]), "custom");
        assert_eq!(Activity::of(std::iter::empty(), Some("ROUTABLE"), Some("Ready")).as_str(), "available");
        assert_eq!(Activity::of(std::iter::empty(), Some("CUSTOM"), Some("Available")).as_str(), "custom");
        assert_eq!(Activity::of(std::iter::empty(), None, None).as_str(), "unknown");
    }
}
