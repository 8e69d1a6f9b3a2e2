//! The key of an agent's state.
//!
//! A centre's agents are spread over sixteen *boards*: one agent is one `GetItem`, a whole centre sixteen
//! parallel queries, and no partition is hot. The board comes from the ids alone, so that any reader can
//! compute it.

use connect_streams::agent_event::AgentEvent;

/// How many boards an instance has.
pub const BOARDS: u32 = 16;

/// Partition and sort key of an agent's state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentKey {
    /// `<instance id>#<NN>`
    pub board: String,
    /// The agent's id.
    pub agent_id: String,
}

impl AgentKey {
    /// The key of the event's agent.
    #[must_use]
    pub fn of(event: &AgentEvent<'_>) -> Self {
        Self::new(event.instance_id, event.agent_id)
    }

    /// The key of an agent.
    #[must_use]
    pub fn new(instance_id: &str, agent_id: &str) -> Self {
        let number = fnv_1a_32(agent_id.as_bytes()) % BOARDS;
        Self { board: board(instance_id, number), agent_id: agent_id.to_owned() }
    }

    /// The partition keys of all agents of an instance.
    pub fn boards(instance_id: &str) -> impl Iterator<Item = String> {
        (0..BOARDS).map(move |number| board(instance_id, number))
    }
}

fn board(instance_id: &str, number: u32) -> String {
    format!("{instance_id}#{number:02}")
}

/// FNV-1a, 32 bits: small enough to be written in any language.
fn fnv_1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{AgentKey, fnv_1a_32};

    #[test]
    fn the_hash_is_fnv_1a() {
        // The published test vectors of the algorithm's authors.
        assert_eq!(
            (fnv_1a_32(b""), fnv_1a_32(b"a"), fnv_1a_32(b"foobar")),
            (0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968)
        );
    }

    #[test]
    fn a_board_has_two_digits() {
        assert_eq!(AgentKey::new("i-1", "foobar").board, "i-1#08");
        // The example of docs/agent-state.md.
        assert_eq!(AgentKey::new("i-1", "20000000-0000-4000-8000-000000000001").board, "i-1#12");
    }
}
