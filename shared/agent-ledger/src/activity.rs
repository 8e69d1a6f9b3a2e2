//! An agent's activity in one word: Amazon Connect's Agent Activity, with Amazon's precedence.
//!
//! A contact in error wins, then a missed one, a rejected one, a contact the agent is on, after-contact work, and an
//! incoming contact. If no contact decides, the status does. All contacts are considered, so their order in the list
//! never matters.
//!
//! Sources: [Real-time metrics definitions](https://docs.aws.amazon.com/connect/latest/adminguide/real-time-metrics-definitions.html),
//! Agent Activity; [Agent event streams data model](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html),
//! Contact, `State`; [About contact states](https://docs.aws.amazon.com/connect/latest/adminguide/about-contact-states.html).

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
    /// The status is not known; or it is Available, and the agent has a contact in a state that is not known.
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

    /// The activity of an agent with these contacts, each given as state and initiation method, and this status. A contact
    /// without a state has the empty one.
    pub(crate) fn of<'a>(
        contacts: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        status_type: Option<&str>,
        status_name: Option<&str>,
    ) -> Self {
        let (mut deciding, mut has_unknown) = (None, false);
        for (state, method) in contacts {
            match Self::of_contact(state, method) {
                Some(activity) => {
                    deciding = Some(deciding.map_or(activity, |other: Self| other.min(activity)));
                }
                None => has_unknown = true,
            }
        }
        match deciding.unwrap_or_else(|| Self::of_status(status_type, status_name)) {
            // Whatever the contact's state means, the agent has a contact.
            Self::Available if has_unknown => Self::Unknown,
            activity => activity,
        }
    }

    /// The activity according to one event. An agent who logs out while Offline is `Offline`, even if Connect still
    /// lists contacts that ended.
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
        let contacts = contacts.map(|contact| (contact.state.unwrap_or_default(), contact.initiation_method));
        Self::of(contacts, snapshot.status.status_type, snapshot.status.name)
    }

    /// The activity that a contact stands for; `None` for a state that Amazon Connect added later.
    #[must_use]
    pub fn of_contact(state: &str, initiation_method: Option<&str>) -> Option<Self> {
        Some(match state {
            "ERROR" => Self::Error,
            "MISSED" => Self::Missed,
            "REJECTED" => Self::Rejected,
            "CONNECTED" | "CONNECTED_ONHOLD" | "PAUSED" => Self::OnContact,
            "ENDED" => Self::AfterContactWork,
            // An agent who dials is on contact while the other end rings.
            "CONNECTING" if initiation_method.is_some_and(is_dialed_by_the_agent) => Self::OnContact,
            "CONNECTING" | "INCOMING" | "PENDING" => Self::Incoming,
            _ => return None,
        })
    }

    /// The activity without a deciding contact. Older events have no status type; for them, the names of the two
    /// built-in statuses decide.
    #[must_use]
    pub fn of_status(status_type: Option<&str>, name: Option<&str>) -> Self {
        match (status_type, name) {
            (Some("ROUTABLE"), _) | (None, Some("Available")) => Self::Available,
            (Some("OFFLINE"), _) | (None, Some("Offline")) => Self::Offline,
            (None, None) => Self::Unknown,
            _ => Self::Custom,
        }
    }

    /// Whether the status is Offline, regardless of contacts.
    pub(crate) fn is_offline(status_type: Option<&str>, name: Option<&str>) -> bool {
        Self::of_status(status_type, name) == Self::Offline
    }
}

/// Customer-first callbacks are excluded: the customer is already on the line when an agent is offered the contact.
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

    /// The precedence from Amazon's page: each entry beats all that follow.
    #[test]
    fn the_contact_with_the_highest_precedence_decides_in_any_order() {
        let order = [
            (("ERROR", "INBOUND"), "error"),
            (("MISSED", "INBOUND"), "missed"),
            (("REJECTED", "INBOUND"), "rejected"),
            (("CONNECTED", "INBOUND"), "on_contact"),
            (("ENDED", "INBOUND"), "after_contact_work"),
            (("CONNECTING", "INBOUND"), "incoming"),
        ];
        for (index, (first, expected)) in order.iter().enumerate() {
            assert_eq!(activity("Available", &[*first]), *expected);
            for (later, _) in &order[index..] {
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
    fn without_a_deciding_contact_the_status_decides() {
        // An agent with a contact is never available.
        assert_eq!(activity("Available", &[("SOMETHING_NEW", "INBOUND")]), "unknown");
        assert_eq!(activity("Available", &[("", "INBOUND"), ("CONNECTED", "INBOUND")]), "on_contact");
        assert_eq!(activity("Lunch", &[("SOMETHING_NEW", "INBOUND")]), "custom");
        assert_eq!(activity("Available", &[]), "available");
        assert_eq!(activity("Offline", &[]), "offline");
        assert_eq!(activity("Lunch", &[]), "custom");
        assert_eq!(Activity::of(std::iter::empty(), Some("ROUTABLE"), Some("Ready")).as_str(), "available");
        assert_eq!(Activity::of(std::iter::empty(), Some("CUSTOM"), Some("Available")).as_str(), "custom");
        assert_eq!(Activity::of(std::iter::empty(), None, None).as_str(), "unknown");
    }
}
