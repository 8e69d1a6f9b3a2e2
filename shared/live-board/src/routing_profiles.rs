//! The routing profiles of the board.

use std::collections::HashSet;

use serde::Serialize;

use crate::agents::Agent;
use crate::version::version_of;

/// A routing profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoutingProfile {
    /// Its ID.
    pub routing_profile_id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The Region whose events have these queues.
    pub region: String,
    /// The IDs of its queues.
    pub queues: Vec<String>,
    /// Changes whenever the row does.
    pub version: String,
}

impl RoutingProfile {
    pub(crate) fn key(&self) -> (Option<&str>, Option<&str>) {
        (Some(&self.routing_profile_id), Some(&self.region))
    }

    /// The key of an agent's routing profile.
    pub(crate) fn key_of(agent: &Agent) -> (Option<&str>, Option<&str>) {
        (agent.routing_profile_id.as_deref(), agent.region.as_deref())
    }
}

/// The routing profiles of these agents.
pub(crate) fn routing_profiles_of(
    agents: &[Agent],
    stored: &[agent_ledger::RoutingProfile],
) -> Vec<RoutingProfile> {
    let wanted: HashSet<_> = agents.iter().map(RoutingProfile::key_of).collect();
    let is_wanted = |profile: &&agent_ledger::RoutingProfile| {
        wanted.contains(&(Some(profile.id.as_str()), Some(profile.region.as_str())))
    };
    let of_board = |profile: &agent_ledger::RoutingProfile| RoutingProfile {
        routing_profile_id: profile.id.clone(),
        name: profile.name.clone(),
        region: profile.region.clone(),
        queues: profile.queues.iter().map(|(id, _)| id.clone()).collect(),
        version: String::new(),
    };
    let mut profiles: Vec<_> = stored.iter().filter(is_wanted).map(of_board).collect();
    for profile in &mut profiles {
        profile.version = version_of(profile);
    }
    profiles.sort_by(|left, right| left.key().cmp(&right.key()));
    profiles
}
