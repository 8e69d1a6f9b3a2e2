//! The decisions of a deployment: retention, and the policy for agents' names.

use crate::NamePolicy;
use crate::retention::Retention;

/// Everything that is decided outside the event.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Which items are kept, and for how long.
    pub retention: Retention,
    /// What happens to an agent's names.
    pub names: NamePolicy,
}
