//! The writes of LOGIN and LOGOUT. No other event changes the session, such as a heartbeat before or after a logout.
//!
//! A LOGIN, whose snapshots are null, never erases a name or a status, and a heartbeat after a LOGOUT never logs the
//! agent in again.

use connect_streams::agent_event::{AgentEvent, EventType};

use crate::Version;
use crate::register::Register;
use crate::write::{RegisterWrite, write};
use tables::{Attribute, expires_at};

/// The update of the login or logout register; `None` for events that are neither.
pub(crate) fn session_write(
    event: &AgentEvent<'_>,
    version: &Version,
    retention_days: u32,
) -> Option<RegisterWrite> {
    let (register, session) = match event.event_type {
        EventType::Login => (Register::Login, "in"),
        EventType::Logout => (Register::Logout, "out"),
        EventType::StateChange | EventType::HeartBeat | EventType::Other(_) => return None,
    };
    let attributes = [
        ("session", Some(Attribute::text(session))),
        ("session_since", Some(Attribute::timestamp(event.timestamp))),
        ("expires_at", Some(expires_at(event.timestamp, retention_days))),
    ];
    Some(write(event, version, register, attributes))
}
