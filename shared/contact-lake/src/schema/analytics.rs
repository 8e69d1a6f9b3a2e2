//! Columns about chat and audio metrics, Contact Lens, evaluations, routing, AI agents, and Voice ID.

use super::column::{Column, Kind, boolean, double, field, integer, json, text, text_list, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    boolean(
        "chat_metrics_contact_metrics_multi_party",
        "ChatMetrics.ContactMetrics.MultiParty",
        "whether there were more than two participants",
    )
    .or("ChatMetrics.ChatContactMetrics.MultiParty"),
    integer(
        "chat_metrics_contact_metrics_total_messages",
        "ChatMetrics.ContactMetrics.TotalMessages",
        "number of messages from all participants",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalMessages"),
    integer(
        "chat_metrics_contact_metrics_total_bot_messages",
        "ChatMetrics.ContactMetrics.TotalBotMessages",
        "number of messages from bots",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalBotMessages"),
    integer(
        "chat_metrics_contact_metrics_total_bot_message_length_characters",
        "ChatMetrics.ContactMetrics.TotalBotMessageLengthInChars",
        "total length of bot messages, in characters",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalBotMessageLengthInChars"),
    integer(
        "chat_metrics_contact_metrics_conversation_close_time_milliseconds",
        "ChatMetrics.ContactMetrics.ConversationCloseTimeInMillis",
        "time from the customer's last message to the end of the conversation, in milliseconds",
    )
    .or("ChatMetrics.ChatContactMetrics.ConversationCloseTimeInMillis"),
    integer(
        "chat_metrics_contact_metrics_conversation_turn_count",
        "ChatMetrics.ContactMetrics.ConversationTurnCount",
        "number of conversation turns",
    )
    .or("ChatMetrics.ChatContactMetrics.ConversationTurnCount"),
    timestamp(
        "chat_metrics_contact_metrics_agent_first_response_timestamp",
        "ChatMetrics.ContactMetrics.AgentFirstResponseTimestamp",
        "when the agent first responded",
    )
    .or("ChatMetrics.ChatContactMetrics.AgentFirstResponseTimestamp"),
    integer(
        "chat_metrics_contact_metrics_agent_first_response_time_milliseconds",
        "ChatMetrics.ContactMetrics.AgentFirstResponseTimeInMillis",
        "time from when the agent joined to the agent's first response, in milliseconds",
    )
    .or("ChatMetrics.ChatContactMetrics.AgentFirstResponseTimeInMillis"),
    text(
        "chat_metrics_agent_metrics_participant_id",
        "ChatMetrics.AgentMetrics.ParticipantId",
        "the agent's participant ID",
    ),
    text(
        "chat_metrics_agent_metrics_participant_type",
        "ChatMetrics.AgentMetrics.ParticipantType",
        "the agent's participant type",
    )
    .open(),
    boolean(
        "chat_metrics_agent_metrics_conversation_abandon",
        "ChatMetrics.AgentMetrics.ConversationAbandon",
        "whether the agent left the chat",
    ),
    integer(
        "chat_metrics_agent_metrics_messages_sent",
        "ChatMetrics.AgentMetrics.MessagesSent",
        "number of messages from the agent",
    ),
    integer(
        "chat_metrics_agent_metrics_num_responses",
        "ChatMetrics.AgentMetrics.NumResponses",
        "number of responses from the agent",
    ),
    integer(
        "chat_metrics_agent_metrics_message_length_characters",
        "ChatMetrics.AgentMetrics.MessageLengthInChars",
        "total length of the agent's messages, in characters",
    ),
    integer(
        "chat_metrics_agent_metrics_total_response_time_milliseconds",
        "ChatMetrics.AgentMetrics.TotalResponseTimeInMillis",
        "total response time of the agent, in milliseconds",
    ),
    integer(
        "chat_metrics_agent_metrics_max_response_time_milliseconds",
        "ChatMetrics.AgentMetrics.MaxResponseTimeInMillis",
        "longest response time of the agent, in milliseconds",
    ),
    timestamp(
        "chat_metrics_agent_metrics_last_message_timestamp",
        "ChatMetrics.AgentMetrics.LastMessageTimestamp",
        "when the agent sent their last message",
    ),
    text(
        "chat_metrics_customer_metrics_participant_id",
        "ChatMetrics.CustomerMetrics.ParticipantId",
        "the customer's participant ID",
    ),
    text(
        "chat_metrics_customer_metrics_participant_type",
        "ChatMetrics.CustomerMetrics.ParticipantType",
        "the customer's participant type",
    )
    .open(),
    boolean(
        "chat_metrics_customer_metrics_conversation_abandon",
        "ChatMetrics.CustomerMetrics.ConversationAbandon",
        "whether the customer left the chat",
    ),
    integer(
        "chat_metrics_customer_metrics_messages_sent",
        "ChatMetrics.CustomerMetrics.MessagesSent",
        "number of messages from the customer",
    ),
    integer(
        "chat_metrics_customer_metrics_num_responses",
        "ChatMetrics.CustomerMetrics.NumResponses",
        "number of responses from the customer",
    ),
    integer(
        "chat_metrics_customer_metrics_message_length_characters",
        "ChatMetrics.CustomerMetrics.MessageLengthInChars",
        "total length of the customer's messages, in characters",
    ),
    integer(
        "chat_metrics_customer_metrics_total_response_time_milliseconds",
        "ChatMetrics.CustomerMetrics.TotalResponseTimeInMillis",
        "total response time of the customer, in milliseconds",
    ),
    integer(
        "chat_metrics_customer_metrics_max_response_time_milliseconds",
        "ChatMetrics.CustomerMetrics.MaxResponseTimeInMillis",
        "longest response time of the customer, in milliseconds",
    ),
    timestamp(
        "chat_metrics_customer_metrics_last_message_timestamp",
        "ChatMetrics.CustomerMetrics.LastMessageTimestamp",
        "when the customer sent their last message",
    ),
    double(
        "quality_metrics_agent_audio_quality_score",
        "QualityMetrics.Agent.Audio.QualityScore",
        "audio quality of the agent, 1.00 to 5.00",
    ),
    text_list(
        "quality_metrics_agent_audio_potential_quality_issues",
        "QualityMetrics.Agent.Audio.PotentialQualityIssues",
        "likely causes of poor agent audio",
    )
    .open(),
    double(
        "quality_metrics_customer_audio_quality_score",
        "QualityMetrics.Customer.Audio.QualityScore",
        "audio quality of the customer, 1.00 to 5.00",
    ),
    text_list(
        "quality_metrics_customer_audio_potential_quality_issues",
        "QualityMetrics.Customer.Audio.PotentialQualityIssues",
        "likely causes of poor customer audio",
    )
    .open(),
    boolean(
        "contact_lens_conversational_analytics_configuration_enabled",
        "ContactLens.ConversationalAnalytics.Configuration.Enabled",
        "whether Contact Lens analyzed the contact",
    ),
    text_list(
        "contact_lens_conversational_analytics_configuration_channel_configuration_analytics_modes",
        "ContactLens.ConversationalAnalytics.Configuration.ChannelConfiguration.AnalyticsModes",
        "analytics modes: PostContact, RealTime, ContactLens",
    )
    .open(),
    text(
        "contact_lens_conversational_analytics_configuration_language_locale",
        "ContactLens.ConversationalAnalytics.Configuration.LanguageLocale",
        "language of the analysis",
    )
    .open(),
    text(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_behavior",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.Behavior",
        "whether transcripts are redacted",
    )
    .open(),
    text(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_policy",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.Policy",
        "which transcripts are kept: redacted only, or redacted and original",
    )
    .open(),
    text_list(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_entities",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.Entities",
        "entities that are redacted",
    ),
    text(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_mask_mode",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.MaskMode",
        "how redacted entities are masked",
    )
    .open(),
    text(
        "contact_lens_conversational_analytics_configuration_sentiment_configuration_behavior",
        "ContactLens.ConversationalAnalytics.Configuration.SentimentConfiguration.Behavior",
        "whether sentiment is analyzed",
    )
    .open(),
    text_list(
        "contact_lens_conversational_analytics_configuration_summary_configuration_summary_modes",
        "ContactLens.ConversationalAnalytics.Configuration.SummaryConfiguration.SummaryModes",
        "which summaries are generated",
    ),
    field(
        "contact_evaluations",
        Kind::StructMap(EVALUATION),
        "ContactEvaluations",
        "evaluations of the contact",
    ),
    field(
        "routing_criteria",
        Kind::StructList(ROUTING_CRITERION),
        "RoutingCriteria",
        "the latest routing criteria",
    ),
    text("wisdom_info_session_arn", "WisdomInfo.SessionArn", "ARN of the assistant session")
        .or("WisdomInfo.SessionARN")
        .open(),
    field(
        "wisdom_info_ai_agents",
        Kind::StructList(AI_AGENT),
        "WisdomInfo.AiAgents",
        "the AI agents that took part",
    ),
    double(
        "voice_id_result_authentication_score",
        "VoiceIdResult.Authentication.Score",
        "authentication score, 0 to 100",
    )
    .sensitive(),
    double(
        "voice_id_result_authentication_score_threshold",
        "VoiceIdResult.Authentication.ScoreThreshold",
        "authentication score threshold, 0 to 100",
    )
    .sensitive(),
    integer(
        "voice_id_result_authentication_minimum_speech_duration_seconds",
        "VoiceIdResult.Authentication.MinimumSpeechInSeconds",
        "minimum speech needed for authentication, in seconds",
    )
    .sensitive(),
    text(
        "voice_id_result_authentication_result",
        "VoiceIdResult.Authentication.Result",
        "authentication result",
    )
    .sensitive(),
    json(
        "voice_id_result_fraud_detection",
        "VoiceIdResult.FraudDetection",
        "fraud detection result, as JSON text",
    )
    .sensitive(),
    text("voice_id_result_generated_speaker_id", "VoiceIdResult.GeneratedSpeakerId", "the speaker's ID")
        .sensitive(),
    boolean(
        "voice_id_result_speaker_enrolled",
        "VoiceIdResult.SpeakerEnrolled",
        "whether the speaker was enrolled",
    )
    .sensitive(),
    boolean(
        "voice_id_result_speaker_opted_out",
        "VoiceIdResult.SpeakerOptedOut",
        "whether the speaker opted out",
    )
    .sensitive(),
];

/// The first field holds the key of the source map.
const EVALUATION: &[Column] = &[
    text("form_id", "FormId", "ID of the evaluation form").open(),
    text("evaluation_arn", "EvaluationArn", "the evaluation's ARN").open(),
    text("status", "Status", "status of the evaluation: COMPLETE, IN_PROGRESS, DELETED").open(),
    timestamp("start_timestamp", "StartTimestamp", "when the evaluation began"),
    timestamp("end_timestamp", "EndTimestamp", "when the evaluation was completed"),
    timestamp("delete_timestamp", "DeleteTimestamp", "when the evaluation was deleted"),
    text("export_location", "ExportLocation", "location that the evaluation was exported to"),
];

const ROUTING_CRITERION: &[Column] = &[
    timestamp("activation_timestamp", "ActivationTimestamp", "when the routing criteria became active"),
    integer("index", "Index", "position in the contact's list of routing criteria"),
    field("steps", Kind::StructList(ROUTING_STEP), "Steps", "steps of the routing criteria"),
];

const ROUTING_STEP: &[Column] = &[
    text(
        "status",
        "Status",
        "status of the step: ACTIVE, INACTIVE, JOINED, EXPIRED, INTERRUPTED, DEACTIVATED",
    )
    .open(),
    integer("expiry_duration_seconds", "Expiry.DurationInSeconds", "how long the step may last, in seconds"),
    timestamp("expiry_timestamp", "Expiry.ExpiryTimestamp", "when the step expires"),
    json("expression", "Expression", "expression that defines which agents qualify, as JSON text"),
];

const AI_AGENT: &[Column] = &[
    text("ai_use_case", "AiUseCase", "what the AI agent was used for").open(),
    text("ai_agent_version_id", "AiAgentVersionId", "version of the AI agent").open(),
    boolean("ai_agent_escalated", "AiAgentEscalated", "whether the AI agent escalated the contact"),
];
