//! Which of the kinds that Amazon Connect can put on one stream an object is. Contact records and agent
//! events may share a stream; contact events reach it when somebody forwards them from EventBridge.

use crate::Object;

/// The kind of a record, told by the fields that only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// A contact record (contact trace record, CTR).
    ContactRecord,
    /// An event of the agent event stream.
    AgentEvent,
    /// A contact event in its EventBridge envelope.
    ContactEvent,
    /// A record of the Firehose console's "Test with demo data".
    DemoRecord,
    /// A row that the normalizer made and that found no place in the lake; redrive sends it again.
    Row,
}

impl RecordKind {
    /// The kind of the object, or `None` if it is of no kind we know. One telling field is enough, so that
    /// a record which lacks another is reported as incomplete and not as unknown.
    #[must_use]
    pub fn of(object: Object<'_>) -> Option<Self> {
        let has = |key| object.get(key).is_some();
        let mut is_contact_record = false;
        for (name, _) in object.iter() {
            match name {
                "AgentARN" | "EventType" | "CurrentAgentSnapshot" => return Some(Self::AgentEvent),
                "ContactId" | "AWSContactTraceRecordFormatVersion" => is_contact_record = true,
                _ => {}
            }
        }
        if is_contact_record {
            return Some(Self::ContactRecord);
        }
        if has("detail-type") && has("detail") {
            return Some(Self::ContactEvent);
        }
        if ["ticker_symbol", "sector", "change", "price"].into_iter().all(has) {
            return Some(Self::DemoRecord);
        }
        if ["content_hash", "schema_version"].into_iter().all(has) {
            return Some(Self::Row);
        }
        None
    }

    /// The public name, as in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContactRecord => "contact_record",
            Self::AgentEvent => "agent_event",
            Self::ContactEvent => "contact_event",
            Self::DemoRecord => "demo_record",
            Self::Row => "row",
        }
    }
}
