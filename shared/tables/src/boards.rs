//! Boards: the partition keys of a table of an instance.
//!
//! The items of an instance are spread over sixteen *boards*. Reading one item takes one query of a board, reading all
//! takes sixteen parallel queries, and no partition is hot. The board is computed from the IDs alone, so any reader can
//! compute it.

/// The number of boards per instance.
pub const BOARDS: u32 = 16;

/// The partition key of an agent or a contact: `<instance id>#<NN>`.
///
/// ```
/// let board = tables::board("10000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000001");
/// assert_eq!(board, "10000000-0000-4000-8000-000000000001#12");
/// ```
#[must_use]
pub fn board(instance_id: &str, id: &str) -> String {
    numbered(instance_id, fnv_1a_32(id.as_bytes()) % BOARDS)
}

/// The partition keys of all boards of an instance.
pub fn boards(instance_id: &str) -> impl Iterator<Item = String> {
    (0..BOARDS).map(move |number| numbered(instance_id, number))
}

fn numbered(instance_id: &str, number: u32) -> String {
    format!("{instance_id}#{number:02}")
}

/// FNV-1a, 32 bits: easy to implement in any language.
fn fnv_1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{board, fnv_1a_32};

    #[test]
    fn the_hash_is_fnv_1a() {
        // Test vectors published by the algorithm's authors.
        assert_eq!(
            (fnv_1a_32(b""), fnv_1a_32(b"a"), fnv_1a_32(b"foobar")),
            (0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968)
        );
    }

    #[test]
    fn a_board_has_two_digits() {
        assert_eq!(board("i-1", "foobar"), "i-1#08");
        // The example in docs/agent-state.md.
        assert_eq!(board("i-1", "20000000-0000-4000-8000-000000000001"), "i-1#12");
    }
}
