//! What was measured, analyzed and decided about the contact.

use super::column::{Column, Kind, boolean, double, field, integer, json, text, text_list, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    boolean(
        "chat_metrics_contact_metrics_multi_party",
        "ChatMetrics.ContactMetrics.MultiParty",
        "whether more than two took part",
    )
    .or("ChatMetrics.ChatContactMetrics.MultiParty"),
    integer(
        "chat_metrics_contact_metrics_total_messages",
        "ChatMetrics.ContactMetrics.TotalMessages",
        "messages of everybody",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalMessages"),
    integer(
        "chat_metrics_contact_metrics_total_bot_messages",
        "ChatMetrics.ContactMetrics.TotalBotMessages",
        "messages of bots",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalBotMessages"),
    integer(
        "chat_metrics_contact_metrics_total_bot_message_length_characters",
        "ChatMetrics.ContactMetrics.TotalBotMessageLengthInChars",
        "length of all messages of bots, characters",
    )
    .or("ChatMetrics.ChatContactMetrics.TotalBotMessageLengthInChars"),
    integer(
        "chat_metrics_contact_metrics_conversation_close_time_milliseconds",
        "ChatMetrics.ContactMetrics.ConversationCloseTimeInMillis",
        "from the last message of the customer to the end, milliseconds",
    )
    .or("ChatMetrics.ChatContactMetrics.ConversationCloseTimeInMillis"),
    integer(
        "chat_metrics_contact_metrics_conversation_turn_count",
        "ChatMetrics.ContactMetrics.ConversationTurnCount",
        "turns of the conversation",
    )
    .or("ChatMetrics.ChatContactMetrics.ConversationTurnCount"),
    timestamp(
        "chat_metrics_contact_metrics_agent_first_response_timestamp",
        "ChatMetrics.ContactMetrics.AgentFirstResponseTimestamp",
        "first response of the agent",
    )
    .or("ChatMetrics.ChatContactMetrics.AgentFirstResponseTimestamp"),
    integer(
        "chat_metrics_contact_metrics_agent_first_response_time_milliseconds",
        "ChatMetrics.ContactMetrics.AgentFirstResponseTimeInMillis",
        "from the agent's joining to the first response, milliseconds",
    )
    .or("ChatMetrics.ChatContactMetrics.AgentFirstResponseTimeInMillis"),
    text(
        "chat_metrics_agent_metrics_participant_id",
        "ChatMetrics.AgentMetrics.ParticipantId",
        "the agent's participant id",
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
        "messages of the agent",
    ),
    integer(
        "chat_metrics_agent_metrics_num_responses",
        "ChatMetrics.AgentMetrics.NumResponses",
        "responses of the agent",
    ),
    integer(
        "chat_metrics_agent_metrics_message_length_characters",
        "ChatMetrics.AgentMetrics.MessageLengthInChars",
        "length of all messages of the agent, characters",
    ),
    integer(
        "chat_metrics_agent_metrics_total_response_time_milliseconds",
        "ChatMetrics.AgentMetrics.TotalResponseTimeInMillis",
        "all response times of the agent, milliseconds",
    ),
    integer(
        "chat_metrics_agent_metrics_max_response_time_milliseconds",
        "ChatMetrics.AgentMetrics.MaxResponseTimeInMillis",
        "longest response time of the agent, milliseconds",
    ),
    timestamp(
        "chat_metrics_agent_metrics_last_message_timestamp",
        "ChatMetrics.AgentMetrics.LastMessageTimestamp",
        "last message of the agent",
    ),
    text(
        "chat_metrics_customer_metrics_participant_id",
        "ChatMetrics.CustomerMetrics.ParticipantId",
        "the customer's participant id",
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
        "messages of the customer",
    ),
    integer(
        "chat_metrics_customer_metrics_num_responses",
        "ChatMetrics.CustomerMetrics.NumResponses",
        "responses of the customer",
    ),
    integer(
        "chat_metrics_customer_metrics_message_length_characters",
        "ChatMetrics.CustomerMetrics.MessageLengthInChars",
        "length of all messages of the customer, characters",
    ),
    integer(
        "chat_metrics_customer_metrics_total_response_time_milliseconds",
        "ChatMetrics.CustomerMetrics.TotalResponseTimeInMillis",
        "all response times of the customer, milliseconds",
    ),
    integer(
        "chat_metrics_customer_metrics_max_response_time_milliseconds",
        "ChatMetrics.CustomerMetrics.MaxResponseTimeInMillis",
        "longest response time of the customer, milliseconds",
    ),
    timestamp(
        "chat_metrics_customer_metrics_last_message_timestamp",
        "ChatMetrics.CustomerMetrics.LastMessageTimestamp",
        "last message of the customer",
    ),
    double(
        "quality_metrics_agent_audio_quality_score",
        "QualityMetrics.Agent.Audio.QualityScore",
        "audio quality of the agent, 1.00 to 5.00",
    ),
    text_list(
        "quality_metrics_agent_audio_potential_quality_issues",
        "QualityMetrics.Agent.Audio.PotentialQualityIssues",
        "likely causes of bad audio of the agent",
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
        "likely causes of bad audio of the customer",
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
        "PostContact, RealTime, ContactLens",
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
        "which transcripts are kept",
    )
    .open(),
    text_list(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_entities",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.Entities",
        "what is redacted",
    ),
    text(
        "contact_lens_conversational_analytics_configuration_redaction_configuration_mask_mode",
        "ContactLens.ConversationalAnalytics.Configuration.RedactionConfiguration.MaskMode",
        "how it is masked",
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
        "which summaries are made",
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
        "the last routing criteria",
    ),
    text("wisdom_info_session_arn", "WisdomInfo.SessionArn", "the assistant's session")
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
        "threshold, 0 to 100",
    )
    .sensitive(),
    integer(
        "voice_id_result_authentication_minimum_speech_duration_seconds",
        "VoiceIdResult.Authentication.MinimumSpeechInSeconds",
        "speech needed, seconds",
    )
    .sensitive(),
    text(
        "voice_id_result_authentication_result",
        "VoiceIdResult.Authentication.Result",
        "result of the authentication",
    )
    .sensitive(),
    json(
        "voice_id_result_fraud_detection",
        "VoiceIdResult.FraudDetection",
        "the fraud detection's result, as JSON text",
    )
    .sensitive(),
    text("voice_id_result_generated_speaker_id", "VoiceIdResult.GeneratedSpeakerId", "the speaker's id")
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

/// The first field is the key of the source's map.
const EVALUATION: &[Column] = &[
    text("form_id", "FormId", "the form").open(),
    text("evaluation_arn", "EvaluationArn", "the evaluation's ARN").open(),
    text("status", "Status", "COMPLETE, IN_PROGRESS, DELETED").open(),
    timestamp("start_timestamp", "StartTimestamp", "when it began"),
    timestamp("end_timestamp", "EndTimestamp", "when it was complete"),
    timestamp("delete_timestamp", "DeleteTimestamp", "when it was deleted"),
    text("export_location", "ExportLocation", "where it was exported to"),
];

const ROUTING_CRITERION: &[Column] = &[
    timestamp("activation_timestamp", "ActivationTimestamp", "when it became active"),
    integer("index", "Index", "its place among the contact's criteria"),
    field("steps", Kind::StructList(ROUTING_STEP), "Steps", "its steps"),
];

const ROUTING_STEP: &[Column] = &[
    text("status", "Status", "ACTIVE, INACTIVE, JOINED, EXPIRED, INTERRUPTED, DEACTIVATED").open(),
    integer("expiry_duration_seconds", "Expiry.DurationInSeconds", "how long it may last, seconds"),
    timestamp("expiry_timestamp", "Expiry.ExpiryTimestamp", "when it expires"),
    json("expression", "Expression", "which agents it asks for, as JSON text"),
];

const AI_AGENT: &[Column] = &[
    text("ai_use_case", "AiUseCase", "what it was used for").open(),
    text("ai_agent_version_id", "AiAgentVersionId", "its version").open(),
    boolean("ai_agent_escalated", "AiAgentEscalated", "whether it passed the contact on"),
];
