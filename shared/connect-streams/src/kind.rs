//! The kinds of records that Amazon Connect can put on one stream. Contact records and agent events may share a stream;
//! contact events are on it if someone forwards them from EventBridge.
//!
//! A kind is recognized by the fields that only it has, never by a field that Amazon could add to another kind. So a
//! contact record stays one regardless of its other fields. One distinguishing field is enough: a record that lacks
//! another is reported as incomplete and not as unknown.
//!
//! Sources: [Contact records data model](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html),
//! [Agent event streams data model](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html),
//! [Contact events](https://docs.aws.amazon.com/connect/latest/adminguide/contact-events.html)
//! (Amazon Connect Administrator Guide).

use crate::{Object, Value};

/// The kind of a record, recognized by the fields that only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// A contact record (contact trace record, CTR).
    ContactRecord,
    /// An event of the agent event stream.
    AgentEvent,
    /// A contact event, in its EventBridge envelope or without it.
    ContactEvent,
    /// A record of the Firehose console's "Test with demo data".
    DemoRecord,
    /// A row from the normalizer that did not reach the lake; redrive sends it again.
    Row,
}

/// Which distinguishing fields an object has.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each field is present or absent")]
struct Fields {
    contact_id: bool,
    contact_record_version: bool,
    agent_snapshot_or_arn: bool,
    event_type: bool,
    any_contact_id: bool,
    any_event_type: bool,
    detail: bool,
    detail_type: bool,
}

impl Fields {
    fn of(object: Object<'_>) -> Self {
        let mut fields = Self::default();
        // A null member counts as absent.
        for (name, _) in object.iter().filter(|(_, value)| *value != Value::Null) {
            match name {
                "ContactId" => (fields.contact_id, fields.any_contact_id) = (true, true),
                "AWSContactTraceRecordFormatVersion" | "LastUpdateTimestamp" => {
                    fields.contact_record_version = true;
                }
                "AgentARN" | "CurrentAgentSnapshot" | "PreviousAgentSnapshot" => {
                    fields.agent_snapshot_or_arn = true;
                }
                "EventType" => (fields.event_type, fields.any_event_type) = (true, true),
                // Amazon's samples of contact events have names in camel case and in Pascal case.
                _ if name.eq_ignore_ascii_case("contactId") => fields.any_contact_id = true,
                _ if name.eq_ignore_ascii_case("eventType") => fields.any_event_type = true,
                _ if name.eq_ignore_ascii_case("detail") => fields.detail = true,
                _ if name.eq_ignore_ascii_case("detail-type") => fields.detail_type = true,
                _ => {}
            }
        }
        fields
    }
}

impl RecordKind {
    /// The kind of the object; `None` if it is unknown.
    #[must_use]
    pub fn of(object: Object<'_>) -> Option<Self> {
        let fields = Fields::of(object);
        let has = |key| object.get(key).is_some_and(|value| value != Value::Null);
        match fields {
            Fields { contact_id: true, contact_record_version: true, .. } => Some(Self::ContactRecord),
            Fields { agent_snapshot_or_arn: true, .. } => Some(Self::AgentEvent),
            Fields { detail: true, detail_type: true, .. }
            | Fields { any_contact_id: true, any_event_type: true, .. } => Some(Self::ContactEvent),
            // Incomplete, but it can be no other kind.
            Fields { contact_id: true, .. } => Some(Self::ContactRecord),
            _ if has("AWSContactTraceRecordFormatVersion") => Some(Self::ContactRecord),
            Fields { event_type: true, .. } => Some(Self::AgentEvent),
            _ if ["ticker_symbol", "sector", "change", "price"].into_iter().all(has) => {
                Some(Self::DemoRecord)
            }
            _ if ["content_hash", "schema_version"].into_iter().all(has) => Some(Self::Row),
            _ => None,
        }
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

#[cfg(test)]
mod tests {
    use super::RecordKind;
    use crate::parse;

    #[test]
    fn a_kind_is_recognized_by_the_fields_that_only_it_has() {
        const RECORD: &str = r#""ContactId":"c","LastUpdateTimestamp":"t""#;
        for (text, kind) in [
            (r#"{"ContactId":"c","LastUpdateTimestamp":"t"}"#, "contact_record"),
            (r#"{"ContactId":"c"}"#, "contact_record"),
            (
                r#"{"AgentARN":"a","EventType":"LOGIN","ContactId":null,"LastUpdateTimestamp":null,"AWSContactTraceRecordFormatVersion":null}"#,
                "agent_event",
            ),
            (r#"{"AWSContactTraceRecordFormatVersion":"2017-03-10"}"#, "contact_record"),
            // With any field that Amazon might add.
            (&format!(r#"{{{RECORD},"EventType":"CONTACT_RECORD"}}"#), "contact_record"),
            (&format!(r#"{{"AgentARN":"a","CurrentAgentSnapshot":{{}},{RECORD}}}"#), "contact_record"),
            (&format!(r#"{{"detail-type":"t","detail":{{}},{RECORD}}}"#), "contact_record"),
            (&format!(r#"{{"content_hash":"h","schema_version":1,{RECORD}}}"#), "contact_record"),
            (
                r#"{"AWSContactTraceRecordFormatVersion":"v","ContactId":"c","EventType":"E"}"#,
                "contact_record",
            ),
            (r#"{"AgentARN":"a","EventType":"LOGIN","EventId":"e"}"#, "agent_event"),
            (r#"{"AgentARN":"a","EventType":"LOGIN","ContactId":"c"}"#, "agent_event"),
            (r#"{"CurrentAgentSnapshot":{}}"#, "agent_event"),
            (r#"{"PreviousAgentSnapshot":{}}"#, "agent_event"),
            (r#"{"PreviousAgentSnapshot":null}"#, ""),
            (r#"{"EventType":"LOGIN"}"#, "agent_event"),
            // Without an envelope, in every letter case that Amazon shows, and in others.
            (r#"{"ContactId":"c","EventType":"CONNECTED_TO_AGENT"}"#, "contact_event"),
            (r#"{"contactId":"c","eventType":"QUEUED","agentInfo":{}}"#, "contact_event"),
            (r#"{"CONTACTID":"c","eventtype":"QUEUED"}"#, "contact_event"),
            (r#"{"detail-type":"Amazon Connect Contact Event","detail":{"contactId":"c"}}"#, "contact_event"),
            (
                r#"{"Detail-Type":"Connect Customer Contact Event","Detail":{"ContactId":"c"}}"#,
                "contact_event",
            ),
            (r#"{"ticker_symbol":"Q","sector":"S","change":1,"price":2}"#, "demo_record"),
            (r#"{"content_hash":"h","schema_version":2,"contact_id":"c"}"#, "row"),
            (r#"{"contactId":"c"}"#, ""),
            (r#"{"LastUpdateTimestamp":"t"}"#, ""),
            (r#"{"detail":{}}"#, ""),
            ("{}", ""),
        ] {
            let document = parse(text.as_bytes()).unwrap();
            let found = RecordKind::of(document.as_object().unwrap()).map_or("", RecordKind::as_str);
            assert_eq!(found, kind, "{text}");
        }
    }
}
