//! The registers of an agent's state, each in its own item, and how they are written.
//!
//! Any event with a current snapshot sets the *snapshot* register (`snapshot.rs`). Only LOGIN and LOGOUT set the
//! *login* and *logout* registers (`session.rs`). LOGIN and LOGOUT do not share a register: if both happen in the same
//! millisecond, neither is lost, and later events show which was last ([`crate::agents`]).
//!
//! Each item expires by its own event. In a single item, the registers would share `expires_at`. Then it would either
//! depend on which register was written last, or an old snapshot would expire a new login with it.

use connect_streams::agent_event::AgentEvent;

use crate::register::Register;
use crate::{AgentKey, Continuity, Version};
use tables::{Attribute, present_and_absent};

/// One conditional update: it takes effect when the register's version is absent or smaller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterWrite {
    /// The item's key.
    pub key: AgentKey,
    /// The register to write.
    pub register: Register,
    /// Its new version.
    pub version: Version,
    /// The attributes to set, including the version.
    pub set: Vec<(&'static str, Attribute)>,
    /// The attributes to remove, because this event does not have them.
    pub remove: Vec<&'static str>,
    /// The state that the event before it must have left; `None` without a previous snapshot.
    pub expects: Option<Continuity>,
    /// The state that it leaves; only the snapshot register has it.
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
