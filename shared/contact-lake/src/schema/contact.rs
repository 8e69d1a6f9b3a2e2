//! Columns about the contact itself: identity, times, endpoints, queue, recordings, and maps.

use super::column::{Column, Kind, field, integer, json, text, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    text("aws_account_id", "AWSAccountId", "AWS account ID, 12 digits").open(),
    text(
        "aws_contact_trace_record_format_version",
        "AWSContactTraceRecordFormatVersion",
        "version of the source record's format",
    )
    .open(),
    text("instance_arn", "InstanceARN", "the instance's ARN; required").open(),
    text("contact_id", "ContactId", "the contact's ID, the same in all its versions; required").identity(),
    text("initial_contact_id", "InitialContactId", "first contact in the chain; absent on the first contact")
        .open(),
    text("previous_contact_id", "PreviousContactId", "previous contact in the chain").open(),
    text("next_contact_id", "NextContactId", "next contact in the chain").open(),
    text("related_contact_id", "RelatedContactId", "related contact").open(),
    text("contact_association_id", "ContactAssociationId", "ID shared by the email contacts of a thread")
        .open(),
    text("channel", "Channel", "VOICE, CHAT, TASK, EMAIL").open(),
    text("initiation_method", "InitiationMethod", "INBOUND, OUTBOUND, TRANSFER, CALLBACK, API, …").open(),
    text("disconnect_reason", "DisconnectReason", "how the contact ended; not in records before 2021").open(),
    text(
        "disconnect_details_potential_disconnect_issue",
        "DisconnectDetails.PotentialDisconnectIssue",
        "likely technical cause of the disconnect",
    )
    .open(),
    text(
        "answering_machine_detection_status",
        "AnsweringMachineDetectionStatus",
        "who or what answered an outbound call",
    )
    .open(),
    timestamp(
        "initiation_timestamp",
        "InitiationTimestamp",
        "when the contact began; required, never changes",
    )
    .identity(),
    timestamp("scheduled_timestamp", "ScheduledTimestamp", "when a scheduled task is due"),
    timestamp(
        "connected_to_system_timestamp",
        "ConnectedToSystemTimestamp",
        "when the customer reached Amazon Connect",
    ),
    timestamp("last_paused_timestamp", "LastPausedTimestamp", "when a task was last paused"),
    timestamp("last_resumed_timestamp", "LastResumedTimestamp", "when a task was last resumed"),
    timestamp(
        "transfer_completed_timestamp",
        "TransferCompletedTimestamp",
        "when a cold transfer was completed",
    ),
    timestamp("disconnect_timestamp", "DisconnectTimestamp", "when the customer left this contact"),
    timestamp(
        "last_update_timestamp",
        "LastUpdateTimestamp",
        "when the record last changed, the version of the record; required",
    )
    .identity(),
    integer("total_pause_count", "TotalPauseCount", "number of times a task was paused"),
    integer(
        "total_pause_duration_seconds",
        "TotalPauseDurationInSeconds",
        "total time a task was paused, seconds",
    ),
    integer(
        "agent_connection_attempts",
        "AgentConnectionAttempts",
        "number of times the contact was offered to an agent",
    ),
    text("campaign_id", "Campaign.CampaignId", "ID of the outbound campaign").open(),
    text("customer_id", "CustomerId", "customer ID set by the flow"),
    text("customer_endpoint_address", "CustomerEndpoint.Address", "the customer's phone number or address"),
    text("customer_endpoint_type", "CustomerEndpoint.Type", "TELEPHONE_NUMBER, EMAIL_ADDRESS, …").open(),
    text("customer_endpoint_display_name", "CustomerEndpoint.DisplayName", "the customer's display name"),
    text("system_endpoint_address", "SystemEndpoint.Address", "the center's phone number or address"),
    text("system_endpoint_type", "SystemEndpoint.Type", "TELEPHONE_NUMBER, EMAIL_ADDRESS, …").open(),
    text("system_endpoint_display_name", "SystemEndpoint.DisplayName", "the center's display name"),
    text(
        "transferred_to_endpoint_address",
        "TransferredToEndpoint.Address",
        "external phone number or address the contact was transferred to",
    ),
    text("transferred_to_endpoint_type", "TransferredToEndpoint.Type", "TELEPHONE_NUMBER, …").open(),
    text(
        "transferred_to_endpoint_display_name",
        "TransferredToEndpoint.DisplayName",
        "display name of that endpoint",
    ),
    json(
        "additional_email_recipients",
        "AdditionalEmailRecipients",
        "additional recipients of an email, as JSON text",
    ),
    text(
        "customer_capabilities_video",
        "Customer.Capabilities.Video",
        "whether the customer could send video",
    )
    .open(),
    text(
        "customer_capabilities_screen_share",
        "Customer.Capabilities.ScreenShare",
        "whether the customer could share their screen",
    )
    .open(),
    text(
        "customer_device_info_platform_name",
        "Customer.DeviceInfo.PlatformName",
        "the customer's browser or application",
    ),
    text(
        "customer_device_info_platform_version",
        "Customer.DeviceInfo.PlatformVersion",
        "version of that browser or application",
    ),
    text(
        "customer_device_info_operating_system",
        "Customer.DeviceInfo.OperatingSystem",
        "the customer's operating system",
    ),
    timestamp(
        "customer_voice_activity_greeting_start_timestamp",
        "CustomerVoiceActivity.GreetingStartTimestamp",
        "when an outbound customer's greeting began",
    ),
    timestamp(
        "customer_voice_activity_greeting_end_timestamp",
        "CustomerVoiceActivity.GreetingEndTimestamp",
        "when an outbound customer's greeting ended",
    ),
    integer(
        "external_third_party_interaction_duration_seconds",
        "ExternalThirdParty.ExternalThirdPartyInteractionDuration",
        "time an external third party took part, seconds",
    ),
    text(
        "global_resiliency_metadata_active_region",
        "GlobalResiliencyMetadata.ActiveRegion",
        "Region that handled the contact",
    )
    .open(),
    text(
        "global_resiliency_metadata_origin_region",
        "GlobalResiliencyMetadata.OriginRegion",
        "Region where the contact began",
    )
    .open(),
    text(
        "global_resiliency_metadata_traffic_distribution_group_id",
        "GlobalResiliencyMetadata.TrafficDistributionGroupId",
        "ID of the traffic distribution group",
    )
    .open(),
    text("queue_arn", "Queue.ARN", "the queue's ARN").open(),
    text("queue_name", "Queue.Name", "the queue's name; absent for an agent's own queue").open(),
    timestamp("queue_enqueue_timestamp", "Queue.EnqueueTimestamp", "when the contact entered the queue"),
    timestamp("queue_dequeue_timestamp", "Queue.DequeueTimestamp", "when the contact left the queue"),
    integer("queue_duration_seconds", "Queue.Duration", "time in the queue, seconds"),
    text("recording_location", "Recording.Location", "location of the first recording"),
    text("recording_status", "Recording.Status", "AVAILABLE, DELETED").open(),
    text("recording_type", "Recording.Type", "AUDIO, CHAT").open(),
    text("recording_deletion_reason", "Recording.DeletionReason", "why the recording was deleted"),
    field("recordings", Kind::StructList(RECORDING), "Recordings", "all recordings"),
    field("media_streams", Kind::StructList(MEDIA_STREAM), "MediaStreams", "types of media"),
    field("references", Kind::StructList(REFERENCE), "References", "links and files attached to the contact"),
    text("task_template_info_arn", "TaskTemplateInfo.Arn", "the task template's ARN")
        .or("TaskTemplateInfo.ARN")
        .open(),
    text("task_template_info_name", "TaskTemplateInfo.Name", "the task template's name").open(),
    text("outbound_strategy_type", "OutboundStrategy.Type", "the campaign's dialing strategy").open(),
    field(
        "outbound_strategy_config_agent_first_preview_allowed_user_actions",
        Kind::TextList,
        "OutboundStrategy.Config.AgentFirst.Preview.AllowedUserActions",
        "what the agent may do during a preview",
    ),
    integer(
        "outbound_strategy_config_agent_first_preview_post_accept_timeout_config_duration_seconds",
        "OutboundStrategy.Config.AgentFirst.Preview.PostAcceptTimeoutConfig.DurationInSeconds",
        "preview time after the agent accepts, seconds",
    ),
    field("attributes", Kind::TextMap, "Attributes", "attributes set by flows"),
    field("contact_details", Kind::TextMap, "ContactDetails", "details of a task"),
    field(
        "segment_attributes",
        Kind::UnionMap,
        "SegmentAttributes",
        "system and user attributes of this segment",
    ),
    field("tags", Kind::TextMap, "Tags", "tags of the contact"),
];

pub(super) const RECORDING: &[Column] = &[
    text("status", "Status", "AVAILABLE, DELETED").open(),
    text("location", "Location", "bucket and key, or a stream's ARN"),
    text("type", "Type", "AUDIO, CHAT").open(),
    text("deletion_reason", "DeletionReason", "why it was deleted"),
    text("storage_type", "StorageType", "S3 or KINESIS_VIDEO_STREAM").open(),
    text("media_stream_type", "MediaStreamType", "AUDIO, VIDEO, CHAT").open(),
    text("participant_type", "ParticipantType", "type of the recorded participant").open(),
    text("fragment_start_number", "FragmentStartNumber", "first fragment in the video stream"),
    text("fragment_stop_number", "FragmentStopNumber", "last fragment in the video stream"),
    timestamp("start_timestamp", "StartTimestamp", "when it began"),
    timestamp("stop_timestamp", "StopTimestamp", "when it ended"),
];

const MEDIA_STREAM: &[Column] = &[text("type", "Type", "AUDIO, CHAT, AUTOMATED_INTERACTION").open()];

const REFERENCE: &[Column] = &[
    text("name", "Name", "its name"),
    text("type", "Type", "URL, ATTACHMENT, NUMBER, STRING, DATE, EMAIL").open(),
    text("value", "Value", "its value"),
    text("status", "Status", "APPROVED, REJECTED").open(),
];
