//! The registers of an agent's state, each an item of its own, and how one is written.
//!
//! The *snapshot* register is set by any event that carries a current snapshot (`snapshot.rs`); the *login* and *logout*
//! registers by LOGIN and LOGOUT alone (`session.rs`). LOGIN and LOGOUT do not share a register: when both happen within one
//! millisecond, none of them is lost, and what follows tells which was last ([`crate::agents`]).
//!
//! Each item expires by its own event. In one item they would share `expires_at`, and then either it would depend on which
//! register was written last, or an old snapshot would take a new login along.

use connect_streams::agent_event::AgentEvent;

use crate::item::{Attribute, present_and_absent};
use crate::register::Register;
use crate::{AgentKey, Continuity, Version};

/// One conditional update: it takes effect when the register's version is absent or smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterWrite {
    /// Whose state.
    pub key: AgentKey,
    /// Which register.
    pub register: Register,
    /// The version it gets.
    pub version: Version,
    /// The attributes it gets; the version is among them.
    pub set: Vec<(&'static str, Attribute)>,
    /// The attributes it loses, because this event does not know them.
    pub remove: Vec<&'static str>,
    /// What the event before it must have left; unknown without a previous snapshot.
    pub expects: Option<Continuity>,
    /// What it leaves; only the snapshot register has it.
    pub leaves: Option<Continuity>,
}

pub(crate) fn write<const N: usize>(
    event: &AgentEvent<'_>,
    version: &Version,
    register: Register,
    attributes: [(&'static str, Option<Attribute>); N],
) -> RegisterWrite {
    let (mut set, remove) = present_and_absent(attributes);
    set.push((register.version_attribute(), Attribute::text(version.as_str())));
    let (key, version) = (AgentKey::of(event, register), version.clone());
    RegisterWrite { key, register, version, set, remove, expects: None, leaves: None }
}
