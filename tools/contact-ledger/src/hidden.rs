//! What of a record may be shown without being asked for: ids, types, times, numbers, the names of queues and statuses.
//! Everything else counts as personal data, fields that nobody knows among it.
//!
//! The fields are those of the library: the columns of the lake, by their sources, and the fields of agent events. What a
//! column holds as a number, a truth or a time is shown; of its texts, those that are named here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use connect_streams::{Value, parse};
use contact_lake::schema::{Column, DERIVED_COLUMNS, Kind, SOURCE_COLUMNS};
use serde_json::value::RawValue;
use serde_json::{Map, json};

/// What stands in the place of a value.
pub(crate) const HIDDEN: &str = "(hidden)";
/// A text is shown up to so many characters.
const SHOWN_CHARACTERS: usize = 256;

/// Columns with text that is shown, also of the elements of a list.
const TEXTS: &[&str] = &[
    "abandoned_in",
    "agent_arn",
    "agent_capabilities_screen_share",
    "agent_capabilities_video",
    "agent_hierarchy_level1_arn",
    "agent_hierarchy_level2_arn",
    "agent_hierarchy_level3_arn",
    "agent_hierarchy_level4_arn",
    "agent_hierarchy_level5_arn",
    "agent_id",
    "agent_routing_profile_arn",
    "agent_routing_profile_name",
    "agent_state_transitions.state",
    "answering_machine_detection_status",
    "aws_account_id",
    "aws_contact_trace_record_format_version",
    "campaign_id",
    "channel",
    "chat_metrics_agent_metrics_participant_type",
    "chat_metrics_customer_metrics_participant_type",
    "contact_association_id",
    "contact_evaluations.evaluation_arn",
    "contact_evaluations.form_id",
    "contact_evaluations.status",
    "contact_id",
    "contact_lens_conversational_analytics_configuration_channel_configuration_analytics_modes",
    "contact_lens_conversational_analytics_configuration_language_locale",
    "contact_lens_conversational_analytics_configuration_redaction_configuration_behavior",
    "contact_lens_conversational_analytics_configuration_redaction_configuration_mask_mode",
    "contact_lens_conversational_analytics_configuration_redaction_configuration_policy",
    "contact_lens_conversational_analytics_configuration_sentiment_configuration_behavior",
    "content_hash",
    "customer_capabilities_screen_share",
    "customer_capabilities_video",
    "customer_endpoint_type",
    "disconnect_details_potential_disconnect_issue",
    "disconnect_reason",
    "global_resiliency_metadata_active_region",
    "global_resiliency_metadata_origin_region",
    "global_resiliency_metadata_traffic_distribution_group_id",
    "initial_contact_id",
    "initiation_method",
    "instance_arn",
    "instance_id",
    "media_streams.type",
    "next_contact_id",
    "outbound_strategy_type",
    "previous_contact_id",
    "quality_metrics_agent_audio_potential_quality_issues",
    "quality_metrics_customer_audio_potential_quality_issues",
    "queue_arn",
    "queue_id",
    "queue_name",
    "record_kind",
    "recording_status",
    "recording_type",
    "recordings.media_stream_type",
    "recordings.participant_type",
    "recordings.status",
    "recordings.storage_type",
    "recordings.type",
    "references.status",
    "references.type",
    "related_contact_id",
    "routing_criteria.steps.status",
    "system_endpoint_type",
    "task_template_info_arn",
    "task_template_info_name",
    "transferred_to_endpoint_type",
    "wisdom_info_ai_agents.ai_agent_version_id",
    "wisdom_info_ai_agents.ai_use_case",
    "wisdom_info_session_arn",
];

/// A group of columns of which nothing is shown, whatever its type: what a voice says about a person.
const PERSONAL_GROUP: &str = "voice_id_result_";

/// Fields of agent events. `*` stands for both snapshots.
const AGENT_EVENT: &[&str] = &[
    "AWSAccountId",
    "AgentARN",
    "EventId",
    "EventTimestamp",
    "EventType",
    "InstanceARN",
    "Version",
    "*.AgentStatus.ARN",
    "*.AgentStatus.Name",
    "*.AgentStatus.StartTimestamp",
    "*.AgentStatus.Type",
    "*.NextAgentStatus.ARN",
    "*.NextAgentStatus.EnqueuedTimestamp",
    "*.NextAgentStatus.Name",
    "*.NextAgentStatus.Type",
    "*.AgentCrossRegionRoutingConfiguration.CurrentRegion",
    "*.Configuration.AgentHierarchyGroups.Level1.ARN",
    "*.Configuration.AgentHierarchyGroups.Level2.ARN",
    "*.Configuration.AgentHierarchyGroups.Level3.ARN",
    "*.Configuration.AgentHierarchyGroups.Level4.ARN",
    "*.Configuration.AgentHierarchyGroups.Level5.ARN",
    "*.Configuration.RoutingProfile.ARN",
    "*.Configuration.RoutingProfile.Name",
    "*.Configuration.RoutingProfile.Concurrency.AvailableSlots",
    "*.Configuration.RoutingProfile.Concurrency.Channel",
    "*.Configuration.RoutingProfile.Concurrency.MaximumSlots",
    "*.Configuration.RoutingProfile.DefaultOutboundQueue.ARN",
    "*.Configuration.RoutingProfile.DefaultOutboundQueue.Channels",
    "*.Configuration.RoutingProfile.DefaultOutboundQueue.Name",
    "*.Configuration.RoutingProfile.InboundQueues.ARN",
    "*.Configuration.RoutingProfile.InboundQueues.Channels",
    "*.Configuration.RoutingProfile.InboundQueues.Name",
    "*.Contacts.Channel",
    "*.Contacts.ConnectedToAgentTimestamp",
    "*.Contacts.ContactId",
    "*.Contacts.InitialContactId",
    "*.Contacts.InitiationMethod",
    "*.Contacts.Queue.ARN",
    "*.Contacts.Queue.Name",
    "*.Contacts.QueueTimestamp",
    "*.Contacts.RelatedContactId",
    "*.Contacts.State",
    "*.Contacts.StateStartTimestamp",
];

/// Fields of contact events, in their envelope and without it, and of the console's demo records.
const OTHERS: &[&str] = &[
    "account",
    "change",
    "channel",
    "contactId",
    "detail-type",
    "detail.channel",
    "detail.contactId",
    "detail.eventType",
    "detail.initiationMethod",
    "detail.instanceArn",
    "eventType",
    "id",
    "initiationMethod",
    "instanceArn",
    "price",
    "region",
    "sector",
    "source",
    "ticker_symbol",
    "time",
    "version",
];

/// What is shown below a field.
#[derive(Debug)]
enum Shown {
    /// Its value.
    Value,
    /// These fields of it; `*` are all that are not named.
    Fields(BTreeMap<String, Shown>),
}

static SHOWN: LazyLock<Shown> = LazyLock::new(|| {
    let mut shown = Shown::Fields(BTreeMap::new());
    for column in SOURCE_COLUMNS.iter().chain(DERIVED_COLUMNS) {
        shown.add_column(column, "", "", "");
    }
    for snapshot in ["CurrentAgentSnapshot", "PreviousAgentSnapshot"] {
        AGENT_EVENT.iter().for_each(|path| shown.add(&path.replacen('*', snapshot, 1)));
    }
    OTHERS.iter().for_each(|path| shown.add(path));
    shown
});

impl Shown {
    /// A column by its sources and, for rows, by its name; `above` are the same of the list that it is a field of.
    fn add_column(&mut self, column: &Column, name_above: &str, source_above: &str, map: &str) {
        let name = format!("{name_above}{}", column.name);
        let sources = [Some(column.source).filter(|source| !source.is_empty()), column.alias];
        let sources: Vec<_> =
            sources.into_iter().flatten().map(|source| format!("{source_above}{map}{source}")).collect();
        match column.kind {
            Kind::StructList(fields) | Kind::StructMap(fields) => {
                let map = if matches!(column.kind, Kind::StructMap(_)) { "*." } else { "" };
                for field in fields {
                    for source in &sources {
                        self.add_column(field, &format!("{name}."), &format!("{source}."), map);
                    }
                }
            }
            _ if is_shown_column(&name, column.kind) => {
                self.add(&name);
                sources.iter().for_each(|source| self.add(source));
            }
            _ => {}
        }
    }

    fn add(&mut self, path: &str) {
        let mut place = self;
        for field in path.split('.') {
            let Self::Fields(fields) = place else { return };
            place = fields.entry(field.to_owned()).or_insert_with(|| Self::Fields(BTreeMap::new()));
        }
        *place = Self::Value;
    }

    fn below(&self, field: &str) -> Option<&Self> {
        match self {
            Self::Fields(fields) => fields.get(field).or_else(|| fields.get("*")),
            Self::Value => None,
        }
    }

    fn of(&self, value: Value<'_>) -> serde_json::Value {
        match (self, value) {
            (_, absent) if absent.is_absent() => as_json(absent),
            (_, Value::Array(elements)) => elements.iter().map(|element| self.of(element)).collect(),
            (Self::Fields(fields), Value::Object(object)) if !fields.is_empty() => {
                let member = |(name, value): (&str, Value<'_>)| {
                    let value = self.below(name).map_or_else(|| hide(value), |shown| shown.of(value));
                    (shown_name(name), value)
                };
                object.iter().map(member).collect::<Map<_, _>>().into()
            }
            (Self::Value, Value::Bool(_) | Value::Number(_) | Value::String(_)) => as_json(value),
            _ => HIDDEN.into(),
        }
    }
}

fn is_shown_column(name: &str, kind: Kind) -> bool {
    match kind {
        _ if name.starts_with(PERSONAL_GROUP) => false,
        Kind::Integer | Kind::Double | Kind::Boolean | Kind::Timestamp => true,
        Kind::Text | Kind::TextList => TEXTS.contains(&name),
        Kind::TextMap | Kind::UnionMap | Kind::Json | Kind::StructList(_) | Kind::StructMap(_) => false,
    }
}

/// A record as it may be shown: every value that may be personal is hidden.
#[must_use]
pub(crate) fn hidden(record: Value<'_>) -> serde_json::Value {
    match record {
        Value::Object(_) => SHOWN.of(record),
        _ => HIDDEN.into(),
    }
}

/// Whether the value of a field, by its path, may be shown.
pub(crate) fn is_shown(path: &str) -> bool {
    let found = path.split('.').try_fold(&*SHOWN, |shown, field| shown.below(field));
    matches!(found, Some(Shown::Value))
}

/// The value of a field by its path; of a list, that of its first element.
pub(crate) fn at<'t>(record: Value<'t>, path: &str) -> Option<Value<'t>> {
    path.split('.').try_fold(record, |value, field| {
        let value = value.as_array().map_or(Some(value), |elements| elements.iter().next())?;
        value.as_object()?.get(field)
    })
}

/// A record's bytes, as they may be shown.
pub(crate) fn shown_record(bytes: &[u8], show_values: bool) -> Box<RawValue> {
    let json = match (parse(bytes), show_values) {
        (Ok(document), true) => {
            let mut json = Vec::with_capacity(bytes.len());
            document.root().write_json(&mut json);
            String::from_utf8_lossy(&json).into_owned()
        }
        (Ok(document), false) => hidden(document.root()).to_string(),
        (Err(_), true) => serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string(),
        (Err(_), false) => json!(format!("(hidden: {} bytes that cannot be read)", bytes.len())).to_string(),
    };
    RawValue::from_string(json).expect("what was written as JSON is JSON")
}

/// A value in one line, shortened.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as JSON, its texts shortened.
pub(crate) fn as_json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => truth.into(),
        Value::Number(digits) => {
            serde_json::from_str(digits).unwrap_or_else(|_| shortened(digits, 40).into())
        }
        Value::String(text) => shortened(text, SHOWN_CHARACTERS).into(),
        Value::Array(elements) => elements.iter().map(as_json).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.to_owned(), as_json(value))).collect::<Map<_, _>>().into()
        }
    }
}

fn hide(value: Value<'_>) -> serde_json::Value {
    if value.is_absent() { as_json(value) } else { HIDDEN.into() }
}

/// A field's name, if it looks like one; who wrote the record may have put anything there.
fn shown_name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
    if is_name { name.to_owned() } else { HIDDEN.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::Input;

    const MARK: &str = "marked-value";

    fn of(record: &serde_json::Value) -> serde_json::Value {
        hidden(parse(record.to_string().as_bytes()).unwrap().root())
    }

    /// The value below these levels.
    fn nested(path: &str, value: &serde_json::Value) -> serde_json::Value {
        path.split('.').rev().fold(value.clone(), |inner, level| json!({ level: inner }))
    }

    #[test]
    fn a_text_is_shown_only_where_it_is_named_and_in_no_other_form() {
        let mut shown = 0;
        for column in SOURCE_COLUMNS.iter() {
            for source in [Some(column.source), column.alias].into_iter().flatten() {
                let text = of(&nested(source, &json!(MARK))).to_string();
                let is_named = is_shown_column(column.name, column.kind);
                assert_eq!(text.contains(MARK), is_named, "{source}: {text}");
                shown += usize::from(is_named);
                for other in [json!({"a": MARK}), json!([{"a": MARK}]), json!([[{"a": {"b": MARK}}]])] {
                    let text = of(&nested(source, &other)).to_string();
                    assert!(!text.contains(MARK), "{source}: {text}");
                }
            }
        }
        assert!(shown > 100, "{shown}");
        for unknown in
            ["Brand", "Agent.Brand", "CurrentAgentSnapshot.Brand", "Recordings.Brand", "detail.brand"]
        {
            assert!(!of(&nested(unknown, &json!([MARK]))).to_string().contains(MARK), "{unknown}");
        }
        let name =
            of(&json!({"ada@example.com": 1, "Attributes": {"ada@example.com": "x"}, "ContactId": "c"}));
        assert!(!name.to_string().contains("ada@"), "{name}");
    }

    #[test]
    fn every_name_in_the_list_is_a_column_with_text() {
        fn names(columns: &[Column], above: &str, all: &mut Vec<String>) {
            for column in columns {
                let name = format!("{above}{}", column.name);
                match column.kind {
                    Kind::StructList(fields) | Kind::StructMap(fields) => {
                        names(fields, &format!("{name}."), all)
                    }
                    Kind::Text | Kind::TextList => all.push(name),
                    _ => {}
                }
            }
        }
        let mut all = Vec::new();
        names(&SOURCE_COLUMNS, "", &mut all);
        names(DERIVED_COLUMNS, "", &mut all);
        for name in TEXTS {
            assert!(all.iter().any(|column| column == name), "{name}");
        }
        assert!(TEXTS.is_sorted());
    }

    /// Of the hand-made records, nothing that tells of a person.
    #[test]
    fn the_fixtures_show_no_person() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/contact-records");
        let personal = [
            "/CustomerEndpoint/Address",
            "/CustomerEndpoint/DisplayName",
            "/SystemEndpoint/Address",
            "/TransferredToEndpoint/Address",
            "/CustomerId",
            "/Agent/Username",
            "/Agent/HierarchyGroups/Level1/GroupName",
            "/Attributes",
            "/ContactDetails",
            "/References",
            "/Tags",
            "/SegmentAttributes",
            "/AdditionalEmailRecipients",
            "/Recording/Location",
            "/Customer/DeviceInfo/PlatformName",
            "/VoiceIdResult/GeneratedSpeakerId",
        ];
        let mut checked = 0;
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let record: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let shown = of(&record);
            for path in personal {
                let (Some(value), shown) = (record.pointer(path), shown.pointer(path)) else { continue };
                let is_absent = parse(value.to_string().as_bytes()).unwrap().root().is_absent();
                if !is_absent && value.is_string() {
                    assert_eq!(shown, Some(&json!(HIDDEN)), "{} {path}", file.display());
                    checked += 1;
                } else if !is_absent {
                    let texts = value.to_string();
                    let shown = shown.map(ToString::to_string).unwrap_or_default();
                    let leaves = texts.split('"').filter(|text| text.len() > 12);
                    assert_eq!(leaves.filter(|leaf| shown.contains(*leaf)).count(), 0, "{path}: {shown}");
                    checked += 1;
                }
            }
            if record.pointer("/Queue/Name").is_some_and(serde_json::Value::is_string) {
                assert_eq!(shown.pointer("/Queue/Name"), record.pointer("/Queue/Name"));
            }
        }
        assert!(checked > 40, "{checked}");
    }

    #[test]
    fn agent_events_show_what_is_done_and_not_by_whom() {
        let mut checked = 0;
        for event in Input::demo_day().agent_events {
            let Ok(event) = serde_json::from_slice::<serde_json::Value>(&event) else { continue };
            let shown = of(&event);
            for snapshot in ["/CurrentAgentSnapshot", "/PreviousAgentSnapshot"] {
                for name in ["Username", "FirstName", "LastName"] {
                    let path = format!("{snapshot}/Configuration/{name}");
                    if event.pointer(&path).is_some_and(serde_json::Value::is_string) {
                        assert_eq!(shown.pointer(&path), Some(&json!(HIDDEN)));
                        checked += 1;
                    }
                }
                for path in ["/AgentStatus/Name", "/Contacts/0/Queue/Name", "/Contacts/0/State"] {
                    let path = format!("{snapshot}{path}");
                    assert_eq!(shown.pointer(&path), event.pointer(&path), "{path}");
                }
            }
            assert_eq!(shown["EventTimestamp"], event["EventTimestamp"]);
        }
        assert!(checked > 10_000, "{checked}");
    }

    #[test]
    fn what_cannot_be_read_is_hidden_whole() {
        assert_eq!(shown_record(b"Ada", false).get(), "\"(hidden: 3 bytes that cannot be read)\"");
        assert_eq!(shown_record(b"\"Ada\"", false).get(), "\"(hidden)\"");
        assert_eq!(shown_record(b"[\"Ada\"]", false).get(), "\"(hidden)\"");
        assert_eq!(shown_record(b"Ada\xff", true).get(), "\"Ada\u{fffd}\"");
        assert_eq!(shown_record(b"{ \"a\" : 1.10 }", true).get(), "{\"a\":1.10}");
    }

    #[test]
    fn a_path_says_whether_its_value_is_shown() {
        for path in ["InitiationTimestamp", "AgentARN", "EventTimestamp", "Recordings.Status", "contact_id"] {
            assert!(is_shown(path), "{path}");
        }
        for path in
            ["$", "CustomerEndpoint.Address", "CurrentAgentSnapshot", "Brand", "attributes", "Attributes.a"]
        {
            assert!(!is_shown(path), "{path}");
        }
    }
}
