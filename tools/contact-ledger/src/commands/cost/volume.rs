//! How many events a center makes of its agents and contacts, and how many writes they become.
//!
//! The numbers per agent and contact are those of the generated center, whose heartbeats and changes of state follow
//! the Administrator Guide; a test holds them to what the generator makes and the planner plans.

/// Changes of state per contact: offered, connected, ended, cleared.
const CHANGES_PER_CONTACT: f64 = 3.93;
/// Changes of status of an agent's day, beside its contacts, and one LOGIN and one LOGOUT.
const CHANGES_PER_AGENT: f64 = 6.6;
const SESSION_EVENTS_PER_AGENT: f64 = 2.0;
/// Heartbeats of an agent who does nothing else, and those that a contact takes the place of.
const HEARTBEATS_PER_HOUR: f64 = 29.1;
const HEARTBEATS_PER_CONTACT: f64 = 1.36;
/// Entries of the history per change: the event, and the intervals that it closes.
const ENTRIES_PER_CHANGE: f64 = 1.77;
/// Write units of one write of an agent's state: a usual item is below 1 KB.
pub const STATE_WRITE_UNITS: f64 = 1.0;
/// Bytes of a history entry, with what DynamoDB adds for each item.
pub const HISTORY_ENTRY_BYTES: f64 = 400.0;

/// A center's day.
#[derive(Debug, Clone, Copy)]
pub struct Center {
    /// Agents who are logged in.
    pub agents: f64,
    /// Contacts of the day.
    pub contacts_per_day: f64,
    /// Hours that an agent is logged in.
    pub hours: f64,
}

/// What comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Volume {
    /// Contact records.
    pub contact_records: f64,
    /// Agent events, heartbeats among them.
    pub agent_events: f64,
    /// Heartbeats.
    pub heartbeats: f64,
    /// Writes of an agent's state, if none were merged.
    pub state_writes: f64,
    /// Entries of the history, without heartbeats.
    pub history_entries: f64,
}

impl Volume {
    /// Of one day.
    #[must_use]
    pub fn of_a_day(center: &Center) -> Self {
        let Center { agents, contacts_per_day, hours } = *center;
        let changes = CHANGES_PER_CONTACT * contacts_per_day + CHANGES_PER_AGENT * agents;
        let idle = HEARTBEATS_PER_HOUR * hours * agents - HEARTBEATS_PER_CONTACT * contacts_per_day;
        let heartbeats = idle.max(0.0);
        let session = SESSION_EVENTS_PER_AGENT * agents;
        Self {
            contact_records: contacts_per_day,
            agent_events: changes + heartbeats + session,
            heartbeats,
            state_writes: changes + heartbeats + session * 1.5,
            history_entries: ENTRIES_PER_CHANGE * changes + session,
        }
    }

    /// Of several such days.
    #[must_use]
    pub fn times(self, days: f64) -> Self {
        Self {
            contact_records: self.contact_records * days,
            agent_events: self.agent_events * days,
            heartbeats: self.heartbeats * days,
            state_writes: self.state_writes * days,
            history_entries: self.history_entries * days,
        }
    }
}
