//! The decisions of a deployment: retention, the longest life of a contact, the PII policy.

use contact_lake::Policy;

/// Everything that is decided outside the event.
#[derive(Clone, Default)]
pub struct Rules {
    /// How long items are kept.
    pub retention: Retention,
    /// The PII policy of contact records.
    pub policy: Policy,
    /// The instance whose events are written; those of every instance if there is none.
    pub instance_id: Option<String>,
}

/// How long items are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days from its last event until the item of an ended contact may be deleted. An event older than this creates
    /// nothing, so an ended contact never comes back.
    pub ended_days: u32,
    /// Days from its last event until the item of a contact without an end may be deleted.
    pub unended_days: u32,
}

impl Default for Retention {
    /// An email or a task lives for up to 90 days.
    fn default() -> Self {
        Self { ended_days: 30, unended_days: 91 }
    }
}

/// How long contacts of a channel can be in flight, in hours. An older one without an end is unconfirmed: its event
/// COMPLETED was probably lost.
///
/// Sources: [Metric definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html) for voice,
/// [Amazon Connect feature specifications](https://docs.aws.amazon.com/connect/latest/adminguide/feature-limits.html) for the
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongestLife {
    /// Calls and tasks.
    pub voice_task_hours: u32,
    /// Chats.
    pub chat_hours: u32,
    /// Emails, and contacts of other channels or without one.
    pub other_hours: u32,
}

impl Default for LongestLife {
    fn default() -> Self {
        Self { voice_task_hours: 7 * 24, chat_hours: 25, other_hours: 14 * 24 }
    }
}
