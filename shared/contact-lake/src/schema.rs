//! The columns, declared once. A row is written in this order; `normalize` finds a column by its source
//! path.
//!
//! Names: `snake_case` of the source path without dots, acronyms as one word, durations with their unit.
//! Source of the fields: Administrator Guide, "Contact records data model".

/// Written into every row as `schema_version`; raised when a column changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// One column that comes straight from a field of the record.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in the lake.
    pub name: &'static str,
    /// Type in the lake.
    pub column_type: ColumnType,
    /// Path of the source field, levels separated by dots.
    pub source: &'static str,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text as it came.
    Text,
    /// A whole number as it came.
    Integer,
    /// `YYYY-MM-DDTHH:MM:SS.sssZ`
    Timestamp,
    /// A map of text to text, ordered by key.
    TextMap,
}

const fn text(name: &'static str, source: &'static str) -> Column {
    Column { name, column_type: ColumnType::Text, source }
}

const fn integer(name: &'static str, source: &'static str) -> Column {
    Column { name, column_type: ColumnType::Integer, source }
}

const fn timestamp(name: &'static str, source: &'static str) -> Column {
    Column { name, column_type: ColumnType::Timestamp, source }
}

const fn text_map(name: &'static str, source: &'static str) -> Column {
    Column { name, column_type: ColumnType::TextMap, source }
}

/// Every column with a source field. A field that no column names is kept in `extra`.
pub const COLUMNS: &[Column] = &[
    text("aws_account_id", "AWSAccountId"),
    text("aws_contact_trace_record_format_version", "AWSContactTraceRecordFormatVersion"),
    text("instance_arn", "InstanceARN"),
    text("contact_id", "ContactId"),
    text("initial_contact_id", "InitialContactId"),
    text("previous_contact_id", "PreviousContactId"),
    text("next_contact_id", "NextContactId"),
    text("related_contact_id", "RelatedContactId"),
    text("channel", "Channel"),
    text("initiation_method", "InitiationMethod"),
    text("disconnect_reason", "DisconnectReason"),
    timestamp("initiation_timestamp", "InitiationTimestamp"),
    timestamp("scheduled_timestamp", "ScheduledTimestamp"),
    timestamp("connected_to_system_timestamp", "ConnectedToSystemTimestamp"),
    timestamp("transfer_completed_timestamp", "TransferCompletedTimestamp"),
    timestamp("disconnect_timestamp", "DisconnectTimestamp"),
    timestamp("last_update_timestamp", "LastUpdateTimestamp"),
    text("customer_id", "CustomerId"),
    text("customer_endpoint_address", "CustomerEndpoint.Address"),
    text("customer_endpoint_type", "CustomerEndpoint.Type"),
    text("system_endpoint_address", "SystemEndpoint.Address"),
    text("system_endpoint_type", "SystemEndpoint.Type"),
    text("transferred_to_endpoint_address", "TransferredToEndpoint.Address"),
    text("transferred_to_endpoint_type", "TransferredToEndpoint.Type"),
    integer("agent_connection_attempts", "AgentConnectionAttempts"),
    text("agent_arn", "Agent.ARN"),
    text("agent_username", "Agent.Username"),
    text("agent_routing_profile_arn", "Agent.RoutingProfile.ARN"),
    text("agent_routing_profile_name", "Agent.RoutingProfile.Name"),
    timestamp("agent_connected_to_agent_timestamp", "Agent.ConnectedToAgentTimestamp"),
    integer("agent_interaction_duration_seconds", "Agent.AgentInteractionDuration"),
    integer("agent_customer_hold_duration_seconds", "Agent.CustomerHoldDuration"),
    integer("agent_longest_hold_duration_seconds", "Agent.LongestHoldDuration"),
    integer("agent_number_of_holds", "Agent.NumberOfHolds"),
    timestamp("agent_after_contact_work_start_timestamp", "Agent.AfterContactWorkStartTimestamp"),
    timestamp("agent_after_contact_work_end_timestamp", "Agent.AfterContactWorkEndTimestamp"),
    integer("agent_after_contact_work_duration_seconds", "Agent.AfterContactWorkDuration"),
    text("queue_arn", "Queue.ARN"),
    text("queue_name", "Queue.Name"),
    timestamp("queue_enqueue_timestamp", "Queue.EnqueueTimestamp"),
    timestamp("queue_dequeue_timestamp", "Queue.DequeueTimestamp"),
    integer("queue_duration_seconds", "Queue.Duration"),
    text("recording_location", "Recording.Location"),
    text("recording_status", "Recording.Status"),
    text("recording_type", "Recording.Type"),
    text_map("attributes", "Attributes"),
    text_map("tags", "Tags"),
];

#[cfg(test)]
mod tests {
    use super::COLUMNS;
    use std::collections::HashSet;

    #[test]
    fn names_and_sources_are_unique_and_names_are_what_hive_accepts() {
        let names: HashSet<_> = COLUMNS.iter().map(|column| column.name).collect();
        let sources: HashSet<_> = COLUMNS.iter().map(|column| column.source).collect();
        assert_eq!((names.len(), sources.len()), (COLUMNS.len(), COLUMNS.len()));
        for name in names {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
                "{name}"
            );
        }
    }
}
