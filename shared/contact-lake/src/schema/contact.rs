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
    text("instance_arn", "InstanceARN", "ARN of the instance; required").open(),
    text("contact_id", "ContactId", "ID of the contact, the same in all versions of its record; required")
        .identity(),
    text(
        "initial_contact_id",
        "InitialContactId",
        "ID of the first contact in the chain; absent in the first contact's own record",
    )
    .open(),
    text("previous_contact_id", "PreviousContactId", "ID of the previous contact in the chain").open(),
    text("next_contact_id", "NextContactId", "ID of the next contact in the chain").open(),
    text("related_contact_id", "RelatedContactId", "ID of a related contact").open(),
    text("contact_association_id", "ContactAssociationId", "ID shared by all email contacts in a thread")
        .open(),
    text("channel", "Channel", "channel of the contact: VOICE, CHAT, TASK, EMAIL").open(),
    text(
        "initiation_method",
        "InitiationMethod",
        "how the contact was initiated: INBOUND, OUTBOUND, TRANSFER, CALLBACK, API, …",
    )
    .open(),
    text(
        "disconnect_reason",
        "DisconnectReason",
        "reason why the contact ended; not present in records before 2021",
    )
    .open(),
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
        "when the contact began; required; never changes",
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
        "when the record last changed; used as the version of the record; required",
    )
    .identity(),
    integer("total_pause_count", "TotalPauseCount", "number of times a task was paused"),
    integer(
        "total_pause_duration_seconds",
        "TotalPauseDurationInSeconds",
        "total time that a task was paused, in seconds",
    ),
    integer(
        "agent_connection_attempts",
        "AgentConnectionAttempts",
        "number of times the contact was offered to an agent",
    ),
    text("campaign_id", "Campaign.CampaignId", "ID of the outbound campaign").open(),
    text("customer_id", "CustomerId", "customer ID set by the flow"),
    text("customer_endpoint_address", "CustomerEndpoint.Address", "the customer's phone number or address"),
    text(
        "customer_endpoint_type",
        "CustomerEndpoint.Type",
        "type of the customer's endpoint: TELEPHONE_NUMBER, EMAIL_ADDRESS, …",
    )
    .open(),
    text("customer_endpoint_display_name", "CustomerEndpoint.DisplayName", "the customer's display name"),
    text("system_endpoint_address", "SystemEndpoint.Address", "the center's phone number or address"),
    text(
        "system_endpoint_type",
        "SystemEndpoint.Type",
        "type of the center's endpoint: TELEPHONE_NUMBER, EMAIL_ADDRESS, …",
    )
    .open(),
    text("system_endpoint_display_name", "SystemEndpoint.DisplayName", "the center's display name"),
    text(
        "transferred_to_endpoint_address",
        "TransferredToEndpoint.Address",
        "external phone number or address that the contact was transferred to",
    ),
    text(
        "transferred_to_endpoint_type",
        "TransferredToEndpoint.Type",
        "type of the external endpoint: TELEPHONE_NUMBER, …",
    )
    .open(),
    text(
        "transferred_to_endpoint_display_name",
        "TransferredToEndpoint.DisplayName",
        "display name of the external endpoint",
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
        "version of the customer's browser or application",
    ),
    text(
        "customer_device_info_operating_system",
        "Customer.DeviceInfo.OperatingSystem",
        "the customer's operating system",
    ),
    timestamp(
        "customer_voice_activity_greeting_start_timestamp",
        "CustomerVoiceActivity.GreetingStartTimestamp",
        "on an outbound call: when the customer's greeting began",
    ),
    timestamp(
        "customer_voice_activity_greeting_end_timestamp",
        "CustomerVoiceActivity.GreetingEndTimestamp",
        "on an outbound call: when the customer's greeting ended",
    ),
    integer(
        "external_third_party_interaction_duration_seconds",
        "ExternalThirdParty.ExternalThirdPartyInteractionDuration",
        "time that an external third party took part, in seconds",
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
    text("queue_name", "Queue.Name", "the queue's name; absent for an agent queue").open(),
    timestamp("queue_enqueue_timestamp", "Queue.EnqueueTimestamp", "when the contact entered the queue"),
    timestamp("queue_dequeue_timestamp", "Queue.DequeueTimestamp", "when the contact left the queue"),
    integer("queue_duration_seconds", "Queue.Duration", "time in the queue, in seconds"),
    text("recording_location", "Recording.Location", "location of the first recording"),
    text("recording_status", "Recording.Status", "status of the first recording: AVAILABLE, DELETED").open(),
    text("recording_type", "Recording.Type", "type of the first recording: AUDIO, CHAT").open(),
    text("recording_deletion_reason", "Recording.DeletionReason", "why the first recording was deleted"),
    field("recordings", Kind::StructList(RECORDING), "Recordings", "all recordings"),
    field(
        "media_streams",
        Kind::StructList(MEDIA_STREAM),
        "MediaStreams",
        "types of media that the contact used",
    ),
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
        "actions that the agent may take during a preview",
    ),
    integer(
        "outbound_strategy_config_agent_first_preview_post_accept_timeout_config_duration_seconds",
        "OutboundStrategy.Config.AgentFirst.Preview.PostAcceptTimeoutConfig.DurationInSeconds",
        "preview time after the agent accepts, in seconds",
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
    text("status", "Status", "status of the recording: AVAILABLE, DELETED").open(),
    text("location", "Location", "location of the recording: bucket and key, or a stream's ARN"),
    text("type", "Type", "type of the recording: AUDIO, CHAT").open(),
    text("deletion_reason", "DeletionReason", "why the recording was deleted"),
    text("storage_type", "StorageType", "where the recording is stored: S3 or KINESIS_VIDEO_STREAM").open(),
    text("media_stream_type", "MediaStreamType", "type of the recorded media: AUDIO, VIDEO, CHAT").open(),
    text("participant_type", "ParticipantType", "type of the recorded participant").open(),
    text("fragment_start_number", "FragmentStartNumber", "number of the first fragment in the video stream"),
    text("fragment_stop_number", "FragmentStopNumber", "number of the last fragment in the video stream"),
    timestamp("start_timestamp", "StartTimestamp", "when the recording began"),
    timestamp("stop_timestamp", "StopTimestamp", "when the recording ended"),
];

const MEDIA_STREAM: &[Column] =
    &[text("type", "Type", "type of the media: AUDIO, CHAT, AUTOMATED_INTERACTION").open()];

const REFERENCE: &[Column] = &[
    text("name", "Name", "name of the reference"),
    text("type", "Type", "type of the reference: URL, ATTACHMENT, NUMBER, STRING, DATE, EMAIL").open(),
    text("value", "Value", "value of the reference"),
    text("status", "Status", "status of the reference: APPROVED, REJECTED").open(),
];
