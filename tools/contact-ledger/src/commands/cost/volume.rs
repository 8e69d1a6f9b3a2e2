//! The number of events from a contact center's agents and contacts, and the number of writes they cause.
//!
//! The numbers per agent and contact are those of the generated center, whose heartbeats and state changes follow Amazon
//! Connect's [agent event streams](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-streams.html).
//! A test compares them with the generator and the planner.

/// State changes per contact: offered, connected, ended, cleared.
const CHANGES_PER_CONTACT: f64 = 3.93;
/// Status changes per agent and day not caused by contacts, and a LOGIN and a LOGOUT.
const CHANGES_PER_AGENT: f64 = 6.6;
const SESSION_EVENTS_PER_AGENT: f64 = 2.0;
/// Heartbeats per hour of an idle agent, and heartbeats that a contact replaces.
const HEARTBEATS_PER_HOUR: f64 = 29.1;
const HEARTBEATS_PER_CONTACT: f64 = 1.36;
/// Intervals that a change closes.
const INTERVALS_PER_CHANGE: f64 = 0.77;
/// Write units per write of an agent's state; a usual item is below 1 KB.
pub const STATE_WRITE_UNITS: f64 = 1.0;
/// Bytes per history entry, including DynamoDB's overhead per item: of an event that is not a heartbeat,
pub const EVENT_ENTRY_BYTES: f64 = 390.0;
/// of a heartbeat, most of which are of agents without contacts,
pub const HEARTBEAT_ENTRY_BYTES: f64 = 335.0;
/// and of an interval.
pub const INTERVAL_BYTES: f64 = 545.0;

/// A day of a contact center.
#[derive(Debug, Clone, Copy)]
pub struct Center {
    /// Agents who are logged in.
    pub agents: f64,
    /// Contacts per day.
    pub contacts_per_day: f64,
    /// Hours that each agent is logged in.
    pub hours: f64,
}

/// The resulting volume.
#[derive(Debug, Clone, Copy)]
pub struct Volume {
    /// Contact records.
    pub contact_records: f64,
    /// Agent events, including heartbeats.
    pub agent_events: f64,
    /// Heartbeats.
    pub heartbeats: f64,
    /// Writes to AgentState, before merging.
    pub state_writes: f64,
    /// LOGIN and LOGOUT events.
    pub session_events: f64,
    /// Events that are neither these nor heartbeats.
    pub changes: f64,
    /// Intervals that these close, which are history entries.
    pub intervals: f64,
}

impl Volume {
    /// The volume of one day.
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
            session_events: session,
            changes,
            intervals: INTERVALS_PER_CHANGE * changes,
        }
    }

    /// The volume of several such days.
    #[must_use]
    pub fn times(self, days: f64) -> Self {
        Self {
            contact_records: self.contact_records * days,
            agent_events: self.agent_events * days,
            heartbeats: self.heartbeats * days,
            state_writes: self.state_writes * days,
            session_events: self.session_events * days,
            changes: self.changes * days,
            intervals: self.intervals * days,
        }
    }
}
