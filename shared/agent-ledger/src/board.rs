//! The keys of items in `AgentState`.
//!
//! An item is one register of one agent in one Region. An instance and its replica in another Region share the instance
//! ID and the agent IDs, and an event of one Region must not damage what the other Region's events wrote. So the Region
//! is part of the sort key, and all items of an agent are adjacent on one board.

use connect_streams::agent_event::AgentEvent;

use crate::Register;

/// Partition key and sort key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentKey {
    /// `<instance id>#<NN>`, or `<instance id>#routing-profiles`.
    pub board: String,
    /// `<agent id>#<Region>`, followed by `#login` or `#logout` for those registers; or `<routing profile id>#<Region>`.
    pub agent_id: String,
}

impl AgentKey {
    /// The key of a register of the event's agent.
    #[must_use]
    pub fn of(event: &AgentEvent<'_>, register: Register) -> Self {
        Self::new(event.instance_id, event.region, event.agent_id, register)
    }

    /// The key of a register of an agent in a Region.
    #[must_use]
    pub fn new(instance_id: &str, region: &str, agent_id: &str, register: Register) -> Self {
        let agent = match register.key_suffix() {
            None => [agent_id, region].join("#"),
            Some(suffix) => [agent_id, region, suffix].join("#"),
        };
        Self { board: Self::board(instance_id, agent_id), agent_id: agent }
    }

    /// The key of a routing profile in a Region. It is in a partition of its own, so that who reads the boards sees
    /// agents only.
    #[must_use]
    pub fn of_routing_profile(instance_id: &str, region: &str, routing_profile_id: &str) -> Self {
        let agent_id = [routing_profile_id, region].join("#");
        Self { board: Self::routing_profiles(instance_id), agent_id }
    }

    /// The partition key of the routing profiles of an instance.
    #[must_use]
    pub fn routing_profiles(instance_id: &str) -> String {
        [instance_id, "routing-profiles"].join("#")
    }

    /// The partition key of all items of an agent.
    ///
    /// ```
    /// use agent_ledger::AgentKey;
    ///
    /// let board = AgentKey::board("10000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000001");
    /// assert_eq!(board, "10000000-0000-4000-8000-000000000001#12");
    /// ```
    #[must_use]
    pub fn board(instance_id: &str, agent_id: &str) -> String {
        tables::board(instance_id, agent_id)
    }

    /// The partition keys of all boards of an instance.
    pub fn boards(instance_id: &str) -> impl Iterator<Item = String> {
        tables::boards(instance_id)
    }
}

/// Amazon Connect's own limit for a contact ID. Longer IDs could exceed DynamoDB's limit of 1,024 bytes for a sort key,
/// and so block the shard.
const ID_BYTES: usize = 256;

/// Whether an ID may be part of a key. The sort key joins the parts with `#`. With `#` inside a part, two entries could
/// have the same key.
pub(crate) fn fits_key(id: &str) -> bool {
    id.len() <= ID_BYTES && !id.contains('#')
}

#[cfg(test)]
mod tests {
    use super::AgentKey;
    use crate::Register;

    #[test]
    fn the_items_of_an_agent_are_adjacent() {
        let key = |region, register| AgentKey::new("i-1", region, "foobar", register);
        let keys = [
            key("eu-west-2", Register::Snapshot),
            key("eu-west-2", Register::Login),
            key("eu-west-2", Register::Logout),
            key("us-east-1", Register::Snapshot),
        ];
        assert_eq!(
            keys.clone().map(|key| key.agent_id),
            ["foobar#eu-west-2", "foobar#eu-west-2#login", "foobar#eu-west-2#logout", "foobar#us-east-1"]
        );
        assert!(keys.iter().all(|key| key.board == "i-1#08"));
    }
}
