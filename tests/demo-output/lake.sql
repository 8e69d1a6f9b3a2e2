-- The lake's tables, views, and named queries for DuckDB 1.3 or newer, generated from queries/ (make generate). A demo adds the
-- path of its output. Named queries are table macros: pass the first and the last day, then other parameters by name.
--
--     duckdb -init lake.sql -c "FROM service_level('2026-03-02', '2026-03-02', grain := '60')"

-- The path of the lake. If you move the lake, change this line.
SET VARIABLE lake = '/work/main/tests/demo-output/lake';
SET TimeZone = 'UTC';
-- Two Athena functions that DuckDB has under another name.
CREATE OR REPLACE MACRO with_timezone(instant, zone) AS timezone(zone, instant);
CREATE OR REPLACE MACRO at_timezone(instant, zone) AS timezone(zone, instant);

CREATE OR REPLACE VIEW contact_records AS
SELECT * EXCLUDE (filename), regexp_extract(filename, 'contact_date=([^/]*)/[^/]*$', 1) AS contact_date FROM read_parquet(getvariable('lake') || '/contact_records/*/*.parquet', filename = true, hive_partitioning = false, union_by_name = true);
CREATE OR REPLACE VIEW raw_agent_events AS
SELECT event, regexp_extract(filename, 'arrival_date=([^/]*)/[^/]*$', 1) AS arrival_date FROM read_csv(getvariable('lake') || '/raw/agent-events/*/*.gz', columns = {'event': 'VARCHAR'}, header = false, delim = E'\x01', quote = '', escape = '', auto_detect = false, ignore_errors = true, max_line_size = 4194304, filename = true, hive_partitioning = false);
CREATE OR REPLACE VIEW raw_contact_events AS
SELECT event, regexp_extract(filename, 'arrival_date=([^/]*)/[^/]*$', 1) AS arrival_date FROM read_csv(getvariable('lake') || '/raw/contact-events/*/*.gz', columns = {'event': 'VARCHAR'}, header = false, delim = E'\x01', quote = '', escape = '', auto_detect = false, ignore_errors = true, max_line_size = 4194304, filename = true, hive_partitioning = false);

-- One row per contact: the latest version of its record.
CREATE OR REPLACE VIEW contact_records_latest AS
SELECT
  aws_account_id,
  aws_contact_trace_record_format_version,
  instance_arn,
  contact_id,
  initial_contact_id,
  previous_contact_id,
  next_contact_id,
  related_contact_id,
  contact_association_id,
  channel,
  initiation_method,
  disconnect_reason,
  disconnect_details_potential_disconnect_issue,
  answering_machine_detection_status,
  initiation_timestamp,
  scheduled_timestamp,
  connected_to_system_timestamp,
  last_paused_timestamp,
  last_resumed_timestamp,
  transfer_completed_timestamp,
  disconnect_timestamp,
  last_update_timestamp,
  total_pause_count,
  total_pause_duration_seconds,
  agent_connection_attempts,
  campaign_id,
  customer_id,
  customer_endpoint_address,
  customer_endpoint_type,
  customer_endpoint_display_name,
  system_endpoint_address,
  system_endpoint_type,
  system_endpoint_display_name,
  transferred_to_endpoint_address,
  transferred_to_endpoint_type,
  transferred_to_endpoint_display_name,
  additional_email_recipients,
  customer_capabilities_video,
  customer_capabilities_screen_share,
  customer_device_info_platform_name,
  customer_device_info_platform_version,
  customer_device_info_operating_system,
  customer_voice_activity_greeting_start_timestamp,
  customer_voice_activity_greeting_end_timestamp,
  external_third_party_interaction_duration_seconds,
  global_resiliency_metadata_active_region,
  global_resiliency_metadata_origin_region,
  global_resiliency_metadata_traffic_distribution_group_id,
  queue_arn,
  queue_name,
  queue_enqueue_timestamp,
  queue_dequeue_timestamp,
  queue_duration_seconds,
  recording_location,
  recording_status,
  recording_type,
  recording_deletion_reason,
  recordings,
  media_streams,
  "references",
  task_template_info_arn,
  task_template_info_name,
  outbound_strategy_type,
  outbound_strategy_config_agent_first_preview_allowed_user_actions,
  outbound_strategy_config_agent_first_preview_post_accept_timeout_config_duration_seconds,
  attributes,
  contact_details,
  segment_attributes,
  tags,
  agent_arn,
  agent_username,
  agent_routing_profile_arn,
  agent_routing_profile_name,
  agent_hierarchy_level1_arn,
  agent_hierarchy_level1_name,
  agent_hierarchy_level2_arn,
  agent_hierarchy_level2_name,
  agent_hierarchy_level3_arn,
  agent_hierarchy_level3_name,
  agent_hierarchy_level4_arn,
  agent_hierarchy_level4_name,
  agent_hierarchy_level5_arn,
  agent_hierarchy_level5_name,
  agent_connected_to_agent_timestamp,
  agent_accepted_by_agent_timestamp,
  agent_preview_end_timestamp,
  agent_interaction_duration_seconds,
  agent_customer_hold_duration_seconds,
  agent_initiated_hold_duration_seconds,
  agent_longest_hold_duration_seconds,
  agent_number_of_holds,
  agent_pause_duration_seconds,
  agent_after_contact_work_start_timestamp,
  agent_after_contact_work_end_timestamp,
  agent_after_contact_work_duration_seconds,
  agent_capabilities_video,
  agent_capabilities_screen_share,
  agent_device_info_platform_name,
  agent_device_info_platform_version,
  agent_device_info_operating_system,
  agent_state_transitions,
  chat_metrics_contact_metrics_multi_party,
  chat_metrics_contact_metrics_total_messages,
  chat_metrics_contact_metrics_total_bot_messages,
  chat_metrics_contact_metrics_total_bot_message_length_characters,
  chat_metrics_contact_metrics_conversation_close_time_milliseconds,
  chat_metrics_contact_metrics_conversation_turn_count,
  chat_metrics_contact_metrics_agent_first_response_timestamp,
  chat_metrics_contact_metrics_agent_first_response_time_milliseconds,
  chat_metrics_agent_metrics_participant_id,
  chat_metrics_agent_metrics_participant_type,
  chat_metrics_agent_metrics_conversation_abandon,
  chat_metrics_agent_metrics_messages_sent,
  chat_metrics_agent_metrics_num_responses,
  chat_metrics_agent_metrics_message_length_characters,
  chat_metrics_agent_metrics_total_response_time_milliseconds,
  chat_metrics_agent_metrics_max_response_time_milliseconds,
  chat_metrics_agent_metrics_last_message_timestamp,
  chat_metrics_customer_metrics_participant_id,
  chat_metrics_customer_metrics_participant_type,
  chat_metrics_customer_metrics_conversation_abandon,
  chat_metrics_customer_metrics_messages_sent,
  chat_metrics_customer_metrics_num_responses,
  chat_metrics_customer_metrics_message_length_characters,
  chat_metrics_customer_metrics_total_response_time_milliseconds,
  chat_metrics_customer_metrics_max_response_time_milliseconds,
  chat_metrics_customer_metrics_last_message_timestamp,
  quality_metrics_agent_audio_quality_score,
  quality_metrics_agent_audio_potential_quality_issues,
  quality_metrics_customer_audio_quality_score,
  quality_metrics_customer_audio_potential_quality_issues,
  contact_lens_conversational_analytics_configuration_enabled,
  contact_lens_conversational_analytics_configuration_channel_configuration_analytics_modes,
  contact_lens_conversational_analytics_configuration_language_locale,
  contact_lens_conversational_analytics_configuration_redaction_configuration_behavior,
  contact_lens_conversational_analytics_configuration_redaction_configuration_policy,
  contact_lens_conversational_analytics_configuration_redaction_configuration_entities,
  contact_lens_conversational_analytics_configuration_redaction_configuration_mask_mode,
  contact_lens_conversational_analytics_configuration_sentiment_configuration_behavior,
  contact_lens_conversational_analytics_configuration_summary_configuration_summary_modes,
  contact_evaluations,
  routing_criteria,
  wisdom_info_session_arn,
  wisdom_info_ai_agents,
  voice_id_result_authentication_score,
  voice_id_result_authentication_score_threshold,
  voice_id_result_authentication_minimum_speech_duration_seconds,
  voice_id_result_authentication_result,
  voice_id_result_fraud_detection,
  voice_id_result_generated_speaker_id,
  voice_id_result_speaker_enrolled,
  voice_id_result_speaker_opted_out,
  extra,
  record_kind,
  instance_id,
  agent_id,
  queue_id,
  contact_duration_seconds,
  queue_wait_seconds,
  answer_seconds,
  talk_seconds,
  hold_seconds,
  after_contact_work_seconds,
  handle_seconds,
  answered,
  abandoned,
  abandoned_in,
  transferred,
  recorded,
  schema_version,
  content_hash,
  arrival_timestamp,
  arrival_place,
  agent_active_region,
  agent_voice_enhancement_mode,
  queue_callback_total_queue_duration_seconds,
  callback_total_queue_duration_milliseconds,
  stream_region,
  routing_profile_id,
  agent_queue,
  subtype,
  validation_test_type,
  traffic_type,
  redacted_fields,
  assistant,
  simulated,
  held,
  continued,
  transferred_external,
  customer_gave_up,
  active_seconds,
  resolution_seconds,
  flow_seconds,
  callback_wait_milliseconds,
  wait_after_greeting_milliseconds,
  first_response_milliseconds,
  contact_date
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY contact_date, contact_id
      ORDER BY last_update_timestamp DESC, first_arrival DESC, first_place DESC, content_hash DESC, schema_version DESC, CASE WHEN arrival_place IS NULL THEN 1 ELSE 0 END, arrival_timestamp, arrival_place
    ) AS version_rank
  FROM (
    SELECT
      *,
      FIRST_VALUE(arrival_timestamp) OVER content AS first_arrival,
      FIRST_VALUE(arrival_place) OVER content AS first_place
    FROM contact_records
    WINDOW content AS (
      PARTITION BY contact_date, contact_id, last_update_timestamp, content_hash
      ORDER BY CASE WHEN arrival_place IS NULL AND NOT arrival_timestamp IS NULL THEN 0 ELSE 1 END, arrival_timestamp, arrival_place
    )
  )
)
WHERE
  version_rank = 1;

-- One row per contact, with columns that implement Amazon Connect's contact metrics. This view defines all of those metrics.
CREATE OR REPLACE VIEW contact_metrics AS
SELECT
  contact_date,
  contact_id,
  COALESCE(initial_contact_id, contact_id) AS initial_contact_id,
  instance_id,
  queue_id,
  queue_name,
  COALESCE(agent_queue, FALSE) AS agent_queue,
  channel,
  initiation_method,
  disconnect_reason,
  agent_id,
  agent_username,
  routing_profile_id,
  agent_routing_profile_name AS routing_profile_name,
  COALESCE(simulated, FALSE) AS simulated,
  initiation_timestamp,
  queue_enqueue_timestamp AS enqueue_timestamp,
  agent_connected_to_agent_timestamp AS connected_timestamp,
  disconnect_timestamp,
  COALESCE(queue_enqueue_timestamp, initiation_timestamp) AS arrived_timestamp,
  customer_endpoint_type,
  customer_endpoint_address,
  queued,
  handled,
  abandoned,
  transferred AS transferred_out,
  transferred AND handled AS transferred_out_by_agent,
  COALESCE(transferred_external, FALSE) AND handled AS transferred_out_external,
  transferred AND queued AND NOT answered AS transferred_unanswered,
  COALESCE(continued, FALSE) AS continued,
  COALESCE(held, FALSE) AS put_on_hold,
  COALESCE(initiation_method = 'CALLBACK', FALSE)
  AND NOT answered
  AND NOT next_contact_id IS NULL AS callback_retried,
  handled AND COALESCE(disconnect_reason = 'AGENT_DISCONNECT', FALSE) AS agent_hung_up,
  COALESCE(customer_gave_up, FALSE) AS customer_gave_up,
  queued_time,
  CASE WHEN handled AND queued THEN queued_time END AS queue_answer_time,
  CASE WHEN abandoned THEN queued_time END AS abandon_time,
  CASE WHEN handled THEN talk_seconds END AS interaction_time,
  CASE
    WHEN handled AND (
      COALESCE(held, FALSE) OR hold_seconds > 0
    )
    THEN hold_seconds
  END AS hold_time,
  CASE
    WHEN is_customers AND (
      NOT talk_seconds IS NULL OR NOT hold_seconds IS NULL
    )
    THEN COALESCE(talk_seconds, 0) + COALESCE(hold_seconds, 0)
  END AS interaction_and_hold_time,
  CASE
    WHEN is_customers
    THEN COALESCE(after_contact_work_seconds, CASE WHEN answered THEN 0 END)
  END AS after_contact_work_time,
  CASE WHEN is_customers THEN handle_seconds END AS handle_time,
  CASE WHEN is_customers THEN active_seconds END AS active_time,
  CASE
    WHEN is_customers AND agent_pause_duration_seconds > 0
    THEN agent_pause_duration_seconds
  END AS agent_pause_time,
  contact_duration_seconds AS contact_duration,
  resolution_seconds AS resolution_time,
  flow_seconds AS contact_flow_time,
  COALESCE(agent_number_of_holds, 0) AS holds,
  CASE WHEN handled THEN CAST(callback_wait_milliseconds AS DOUBLE) / 1000 END AS callback_queue_answer_time,
  CAST(wait_after_greeting_milliseconds AS DOUBLE) / 1000 AS wait_after_greeting_time,
  CAST(first_response_milliseconds AS DOUBLE) / 1000 AS first_response_time
FROM (
  SELECT
    *,
    NOT queue_enqueue_timestamp IS NULL AS queued,
    CASE WHEN queue_duration_seconds >= 0 THEN queue_duration_seconds END AS queued_time,
    COALESCE(initiation_method <> 'MONITOR', TRUE) AS is_customers,
    answered AND COALESCE(initiation_method <> 'MONITOR', TRUE) AS handled
  FROM contact_records_latest
  WHERE
    NOT COALESCE(assistant, FALSE)
);

-- Counts, sums, and maximums for contacts per queue, in 15-minute intervals (UTC), which can be aggregated for any time zone and grain.
CREATE OR REPLACE VIEW queue_intervals AS
SELECT
  contact_date,
  instance_id,
  queue_id,
  queue_name,
  agent_queue,
  channel,
  initiation_method,
  disconnect_reason,
  simulated,
  interval_start,
  COUNT(CASE WHEN began THEN 1 END) AS contacts_created,
  COUNT(CASE WHEN ended AND queued THEN 1 END) AS contacts_queued,
  COUNT(CASE WHEN was_queued THEN 1 END) AS contacts_queued_by_enqueue,
  COUNT(CASE WHEN ended AND handled THEN 1 END) AS contacts_handled,
  COUNT(CASE WHEN was_connected THEN 1 END) AS contacts_handled_by_connected_to_agent,
  COUNT(CASE WHEN ended AND abandoned THEN 1 END) AS contacts_abandoned,
  COUNT(CASE WHEN ended AND transferred_out THEN 1 END) AS contacts_transferred_out,
  COUNT(CASE WHEN ended AND transferred_out_by_agent THEN 1 END) AS contacts_transferred_out_by_agent,
  COUNT(
    CASE
      WHEN ended AND transferred_out_by_agent AND NOT transferred_out_external
      THEN 1
    END
  ) AS contacts_transferred_out_internal,
  COUNT(CASE WHEN ended AND transferred_out_external THEN 1 END) AS contacts_transferred_out_external,
  COUNT(CASE WHEN ended AND put_on_hold THEN 1 END) AS contacts_put_on_hold,
  COUNT(CASE WHEN ended AND transferred_unanswered THEN 1 END) AS contacts_transferred_unanswered,
  COUNT(CASE WHEN ended AND continued THEN 1 END) AS contacts_continued,
  COUNT(CASE WHEN ended AND customer_gave_up THEN 1 END) AS contacts_customer_gave_up,
  COUNT(CASE WHEN ended AND callback_retried THEN 1 END) AS callbacks_retried,
  COUNT(CASE WHEN ended THEN 1 END) AS contacts_ended,
  COUNT(CASE WHEN ended AND simulated THEN 1 END) AS simulated_contacts,
  COALESCE(SUM(CASE WHEN ended THEN queue_answer_time END), 0) AS sum_queue_answer_time,
  COUNT(CASE WHEN ended THEN queue_answer_time END) AS queue_answer_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN abandon_time END), 0) AS sum_abandon_time,
  COUNT(CASE WHEN ended THEN abandon_time END) AS abandon_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN interaction_time END), 0) AS sum_interaction_time,
  COUNT(CASE WHEN ended THEN interaction_time END) AS interaction_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN hold_time END), 0) AS sum_hold_time,
  COUNT(CASE WHEN ended THEN hold_time END) AS hold_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN interaction_and_hold_time END), 0) AS sum_interaction_and_hold_time,
  COUNT(CASE WHEN ended THEN interaction_and_hold_time END) AS interaction_and_hold_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN after_contact_work_time END), 0) AS sum_after_contact_work_time,
  COUNT(CASE WHEN ended THEN after_contact_work_time END) AS after_contact_work_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN handle_time END), 0) AS sum_handle_time,
  COUNT(CASE WHEN ended THEN handle_time END) AS handle_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN active_time END), 0) AS sum_active_time,
  COUNT(CASE WHEN ended THEN active_time END) AS active_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN agent_pause_time END), 0) AS sum_agent_pause_time,
  COUNT(CASE WHEN ended THEN agent_pause_time END) AS agent_pause_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN contact_duration END), 0) AS sum_contact_duration,
  COUNT(CASE WHEN ended THEN contact_duration END) AS contact_duration_contacts,
  COALESCE(SUM(CASE WHEN ended THEN resolution_time END), 0) AS sum_resolution_time,
  COUNT(CASE WHEN ended THEN resolution_time END) AS resolution_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN contact_flow_time END), 0) AS sum_contact_flow_time,
  COUNT(CASE WHEN ended THEN contact_flow_time END) AS contact_flow_time_contacts,
  COALESCE(SUM(CASE WHEN ended THEN holds END), 0) AS sum_holds,
  COUNT(CASE WHEN ended THEN holds END) AS holds_contacts,
  COALESCE(SUM(CASE WHEN was_queued THEN queue_answer_time END), 0) AS sum_queue_answer_time_by_enqueue,
  COUNT(CASE WHEN was_queued THEN queue_answer_time END) AS queue_answer_time_by_enqueue_contacts,
  COALESCE(SUM(CASE WHEN ended THEN callback_queue_answer_time END), 0) AS sum_queue_answer_time_customer_first_callback,
  COUNT(CASE WHEN ended THEN callback_queue_answer_time END) AS queue_answer_time_customer_first_callback_contacts,
  COALESCE(SUM(CASE WHEN ended THEN wait_after_greeting_time END), 0) AS sum_wait_time_after_customer_first_callback_connection,
  COUNT(CASE WHEN ended THEN wait_after_greeting_time END) AS wait_time_after_customer_first_callback_connection_contacts,
  COALESCE(SUM(CASE WHEN ended THEN first_response_time END), 0) AS sum_contact_first_response_time_agent,
  COUNT(CASE WHEN ended THEN first_response_time END) AS contact_first_response_time_agent_contacts,
  MAX(CASE WHEN ended THEN queued_time END) AS max_queued_time,
  COUNT(CASE WHEN ended AND queued_time < 5 THEN 1 END) AS contacts_removed_from_queue_in_5,
  COUNT(CASE WHEN ended AND queued_time < 10 THEN 1 END) AS contacts_removed_from_queue_in_10,
  COUNT(CASE WHEN ended AND queued_time < 15 THEN 1 END) AS contacts_removed_from_queue_in_15,
  COUNT(CASE WHEN ended AND queued_time < 20 THEN 1 END) AS contacts_removed_from_queue_in_20,
  COUNT(CASE WHEN ended AND queued_time < 25 THEN 1 END) AS contacts_removed_from_queue_in_25,
  COUNT(CASE WHEN ended AND queued_time < 30 THEN 1 END) AS contacts_removed_from_queue_in_30,
  COUNT(CASE WHEN ended AND queued_time < 45 THEN 1 END) AS contacts_removed_from_queue_in_45,
  COUNT(CASE WHEN ended AND queued_time < 60 THEN 1 END) AS contacts_removed_from_queue_in_60,
  COUNT(CASE WHEN ended AND queued_time < 90 THEN 1 END) AS contacts_removed_from_queue_in_90,
  COUNT(CASE WHEN ended AND queued_time < 120 THEN 1 END) AS contacts_removed_from_queue_in_120,
  COUNT(CASE WHEN ended AND queued_time < 180 THEN 1 END) AS contacts_removed_from_queue_in_180,
  COUNT(CASE WHEN ended AND queued_time < 240 THEN 1 END) AS contacts_removed_from_queue_in_240,
  COUNT(CASE WHEN ended AND queued_time < 300 THEN 1 END) AS contacts_removed_from_queue_in_300,
  COUNT(CASE WHEN ended AND queued_time < 600 THEN 1 END) AS contacts_removed_from_queue_in_600,
  COUNT(CASE WHEN ended AND queue_answer_time < 5 THEN 1 END) AS sum_contacts_answered_in_5,
  COUNT(CASE WHEN ended AND queue_answer_time < 10 THEN 1 END) AS sum_contacts_answered_in_10,
  COUNT(CASE WHEN ended AND queue_answer_time < 15 THEN 1 END) AS sum_contacts_answered_in_15,
  COUNT(CASE WHEN ended AND queue_answer_time < 20 THEN 1 END) AS sum_contacts_answered_in_20,
  COUNT(CASE WHEN ended AND queue_answer_time < 25 THEN 1 END) AS sum_contacts_answered_in_25,
  COUNT(CASE WHEN ended AND queue_answer_time < 30 THEN 1 END) AS sum_contacts_answered_in_30,
  COUNT(CASE WHEN ended AND queue_answer_time < 45 THEN 1 END) AS sum_contacts_answered_in_45,
  COUNT(CASE WHEN ended AND queue_answer_time < 60 THEN 1 END) AS sum_contacts_answered_in_60,
  COUNT(CASE WHEN ended AND queue_answer_time < 90 THEN 1 END) AS sum_contacts_answered_in_90,
  COUNT(CASE WHEN ended AND queue_answer_time < 120 THEN 1 END) AS sum_contacts_answered_in_120,
  COUNT(CASE WHEN ended AND queue_answer_time < 180 THEN 1 END) AS sum_contacts_answered_in_180,
  COUNT(CASE WHEN ended AND queue_answer_time < 240 THEN 1 END) AS sum_contacts_answered_in_240,
  COUNT(CASE WHEN ended AND queue_answer_time < 300 THEN 1 END) AS sum_contacts_answered_in_300,
  COUNT(CASE WHEN ended AND queue_answer_time < 600 THEN 1 END) AS sum_contacts_answered_in_600,
  COUNT(CASE WHEN ended AND abandon_time < 5 THEN 1 END) AS sum_contacts_abandoned_in_5,
  COUNT(CASE WHEN ended AND abandon_time < 10 THEN 1 END) AS sum_contacts_abandoned_in_10,
  COUNT(CASE WHEN ended AND abandon_time < 15 THEN 1 END) AS sum_contacts_abandoned_in_15,
  COUNT(CASE WHEN ended AND abandon_time < 20 THEN 1 END) AS sum_contacts_abandoned_in_20,
  COUNT(CASE WHEN ended AND abandon_time < 25 THEN 1 END) AS sum_contacts_abandoned_in_25,
  COUNT(CASE WHEN ended AND abandon_time < 30 THEN 1 END) AS sum_contacts_abandoned_in_30,
  COUNT(CASE WHEN ended AND abandon_time < 45 THEN 1 END) AS sum_contacts_abandoned_in_45,
  COUNT(CASE WHEN ended AND abandon_time < 60 THEN 1 END) AS sum_contacts_abandoned_in_60,
  COUNT(CASE WHEN ended AND abandon_time < 90 THEN 1 END) AS sum_contacts_abandoned_in_90,
  COUNT(CASE WHEN ended AND abandon_time < 120 THEN 1 END) AS sum_contacts_abandoned_in_120,
  COUNT(CASE WHEN ended AND abandon_time < 180 THEN 1 END) AS sum_contacts_abandoned_in_180,
  COUNT(CASE WHEN ended AND abandon_time < 240 THEN 1 END) AS sum_contacts_abandoned_in_240,
  COUNT(CASE WHEN ended AND abandon_time < 300 THEN 1 END) AS sum_contacts_abandoned_in_300,
  COUNT(CASE WHEN ended AND abandon_time < 600 THEN 1 END) AS sum_contacts_abandoned_in_600,
  COUNT(CASE WHEN ended AND resolution_time < 5 THEN 1 END) AS contacts_resolved_in_5,
  COUNT(CASE WHEN ended AND resolution_time < 10 THEN 1 END) AS contacts_resolved_in_10,
  COUNT(CASE WHEN ended AND resolution_time < 15 THEN 1 END) AS contacts_resolved_in_15,
  COUNT(CASE WHEN ended AND resolution_time < 20 THEN 1 END) AS contacts_resolved_in_20,
  COUNT(CASE WHEN ended AND resolution_time < 25 THEN 1 END) AS contacts_resolved_in_25,
  COUNT(CASE WHEN ended AND resolution_time < 30 THEN 1 END) AS contacts_resolved_in_30,
  COUNT(CASE WHEN ended AND resolution_time < 45 THEN 1 END) AS contacts_resolved_in_45,
  COUNT(CASE WHEN ended AND resolution_time < 60 THEN 1 END) AS contacts_resolved_in_60,
  COUNT(CASE WHEN ended AND resolution_time < 90 THEN 1 END) AS contacts_resolved_in_90,
  COUNT(CASE WHEN ended AND resolution_time < 120 THEN 1 END) AS contacts_resolved_in_120,
  COUNT(CASE WHEN ended AND resolution_time < 180 THEN 1 END) AS contacts_resolved_in_180,
  COUNT(CASE WHEN ended AND resolution_time < 240 THEN 1 END) AS contacts_resolved_in_240,
  COUNT(CASE WHEN ended AND resolution_time < 300 THEN 1 END) AS contacts_resolved_in_300,
  COUNT(CASE WHEN ended AND resolution_time < 600 THEN 1 END) AS contacts_resolved_in_600
FROM (
  SELECT
    *,
    DATE_TRUNC('HOUR', "at") + (
      MINUTE("at") - MINUTE("at") % 15
    ) * INTERVAL '1' MINUTE AS interval_start
  FROM (
    SELECT
      *,
      moment = 'initiation' AS began,
      moment = 'enqueue' AS was_queued,
      moment = 'connected' AS was_connected,
      moment = 'disconnect' AS ended,
      CASE moment
        WHEN 'initiation'
        THEN initiation_timestamp
        WHEN 'enqueue'
        THEN enqueue_timestamp
        WHEN 'connected'
        THEN CASE WHEN handled THEN connected_timestamp END
        WHEN 'disconnect'
        THEN disconnect_timestamp
      END AS "at"
    FROM contact_metrics
    CROSS JOIN (VALUES
      ('initiation'),
      ('enqueue'),
      ('connected'),
      ('disconnect')) AS moments(moment)
  )
  WHERE
    NOT "at" IS NULL
)
GROUP BY
  contact_date,
  instance_id,
  queue_id,
  queue_name,
  agent_queue,
  channel,
  initiation_method,
  disconnect_reason,
  simulated,
  interval_start;

-- Counts, sums, and maximums for handled contacts, per agent and routing profile, in 15-minute intervals (UTC).
CREATE OR REPLACE VIEW agent_contact_metrics_intervals AS
SELECT
  contact_date,
  instance_id,
  agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  routing_profile_name,
  channel,
  simulated,
  interval_start,
  COUNT(*) AS contacts_handled,
  COUNT(CASE WHEN put_on_hold THEN 1 END) AS contacts_put_on_hold,
  COUNT(CASE WHEN transferred_out_by_agent THEN 1 END) AS contacts_transferred_out_by_agent,
  COUNT(CASE WHEN transferred_out_by_agent AND NOT transferred_out_external THEN 1 END) AS contacts_transferred_out_internal,
  COUNT(CASE WHEN transferred_out_external THEN 1 END) AS contacts_transferred_out_external,
  COUNT(CASE WHEN agent_hung_up THEN 1 END) AS contacts_agent_hung_up_first,
  COUNT(CASE WHEN after_contact_work_time > 0 THEN 1 END) AS contacts_with_after_contact_work,
  COALESCE(SUM(interaction_time), 0) AS sum_interaction_time,
  COUNT(interaction_time) AS interaction_time_contacts,
  COALESCE(SUM(hold_time), 0) AS sum_hold_time,
  COUNT(hold_time) AS hold_time_contacts,
  COALESCE(SUM(interaction_and_hold_time), 0) AS sum_interaction_and_hold_time,
  COUNT(interaction_and_hold_time) AS interaction_and_hold_time_contacts,
  COALESCE(SUM(after_contact_work_time), 0) AS sum_after_contact_work_time,
  COUNT(after_contact_work_time) AS after_contact_work_time_contacts,
  COALESCE(SUM(handle_time), 0) AS sum_handle_time,
  COUNT(handle_time) AS handle_time_contacts,
  COALESCE(SUM(active_time), 0) AS sum_active_time,
  COUNT(active_time) AS active_time_contacts,
  COALESCE(SUM(agent_pause_time), 0) AS sum_agent_pause_time,
  COUNT(agent_pause_time) AS agent_pause_time_contacts,
  MAX(after_contact_work_time) AS max_after_contact_work_time,
  MAX(handle_time) AS max_handle_time
FROM (
  SELECT
    *,
    DATE_TRUNC('HOUR', disconnect_timestamp) + (
      MINUTE(disconnect_timestamp) - MINUTE(disconnect_timestamp) % 15
    ) * INTERVAL '1' MINUTE AS interval_start
  FROM contact_metrics
  WHERE
    handled AND NOT disconnect_timestamp IS NULL
)
GROUP BY
  contact_date,
  instance_id,
  agent_id,
  routing_profile_id,
  routing_profile_name,
  channel,
  simulated,
  interval_start;

-- Every well-formed agent event in the archive, without duplicates.
CREATE OR REPLACE VIEW agent_events AS
SELECT
  instance_id,
  agent_id,
  event_id,
  event_type,
  event_timestamp,
  STRFTIME(event_timestamp, '%Y-%m-%dT%H:%M:%S.') || SUBSTRING(STRFTIME(event_timestamp, '%f'), 1, 3) || 'Z#' || event_id AS version,
  previous_snapshot,
  current_snapshot,
  region,
  active_region
FROM (
  SELECT
    NULLIF(REGEXP_EXTRACT(agent_arn, '^arn:[^:]*:connect:([^:]*):', 1), '') AS region,
    REGEXP_EXTRACT(agent_arn, ':instance/([^/]+)/agent/', 1) AS instance_id,
    REGEXP_EXTRACT(agent_arn, '/agent/([^/]+)', 1) AS agent_id,
    event_id,
    event_type,
    TRY(CAST(CAST(event_time AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS event_timestamp,
    previous_snapshot,
    current_snapshot,
    COALESCE(
      NULLIF(
        NULLIF(current_snapshot ->> '$.AgentCrossRegionRoutingConfiguration.CurrentRegion', ''),
        'null'
      ),
      NULLIF(
        NULLIF(previous_snapshot ->> '$.AgentCrossRegionRoutingConfiguration.CurrentRegion', ''),
        'null'
      )
    ) AS active_region,
    ROW_NUMBER() OVER (PARTITION BY agent_arn, event_time, event_id ORDER BY event_type) AS copy
  FROM (
    SELECT
      event ->> '$.AgentARN' AS agent_arn,
      event ->> '$.EventId' AS event_id,
      event ->> '$.EventType' AS event_type,
      event ->> '$.EventTimestamp' AS event_time,
      CAST(TO_JSON(event -> '$.PreviousAgentSnapshot') AS TEXT) AS previous_snapshot,
      CAST(TO_JSON(event -> '$.CurrentAgentSnapshot') AS TEXT) AS current_snapshot
    FROM (
      SELECT
        TRY(JSON(event)) AS event
      FROM raw_agent_events
    )
  )
)
WHERE
  copy = 1
  AND NOT agent_id IS NULL
  AND NOT region IS NULL
  AND NOT instance_id IS NULL
  AND event_id <> ''
  AND event_type <> ''
  AND NOT event_timestamp IS NULL;

-- Every completed status of each agent, exactly once. Like AgentHistory's status#… entries, but for the whole archive.
CREATE OR REPLACE VIEW agent_status_intervals AS
SELECT
  agent_id,
  name,
  status_type,
  start_timestamp,
  end_timestamp,
  seconds,
  closed_by,
  instance_id,
  region
FROM (
  SELECT
    *,
    MIN(region) OVER (PARTITION BY instance_id, agent_id) <> MAX(region) OVER (PARTITION BY instance_id, agent_id) AS has_regions,
    MAX(CASE WHEN is_offline THEN NULL ELSE end_timestamp END) OVER (
      PARTITION BY instance_id, agent_id
      ORDER BY start_timestamp, region
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS worked_until,
    MIN(CASE WHEN is_offline THEN NULL ELSE start_timestamp END) OVER (
      PARTITION BY instance_id, agent_id
      ORDER BY start_timestamp, region
      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS works_from
  FROM (
    SELECT
      instance_id,
      region,
      agent_id,
      name,
      status_type,
      status_type = 'OFFLINE' OR (
        status_type IS NULL AND name = 'Offline'
      ) AS is_offline,
      start_timestamp,
      end_timestamp,
      CAST(DATE_DIFF('MILLISECOND', start_timestamp, end_timestamp) AS DOUBLE) / 1000 AS seconds,
      version AS closed_by,
      ROW_NUMBER() OVER (PARTITION BY instance_id, region, agent_id, start_timestamp ORDER BY version) AS claim
    FROM (
      SELECT
        instance_id,
        region,
        agent_id,
        version,
        NULLIF(NULLIF(previous_snapshot ->> '$.AgentStatus.Name', ''), 'null') AS name,
        NULLIF(NULLIF(previous_snapshot ->> '$.AgentStatus.Type', ''), 'null') AS status_type,
        TRY(
          CAST(CAST(previous_snapshot ->> '$.AgentStatus.StartTimestamp' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))
        ) AS start_timestamp,
        TRY(
          CAST(CAST(current_snapshot ->> '$.AgentStatus.StartTimestamp' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))
        ) AS end_timestamp
      FROM agent_events
      WHERE
        COALESCE(active_region, region) = region
    )
    WHERE
      start_timestamp < end_timestamp
  )
  WHERE
    claim = 1
)
WHERE
  NOT (
    has_regions
    AND COALESCE(is_offline, FALSE)
    AND (
      COALESCE(worked_until > start_timestamp, FALSE)
      OR COALESCE(works_from < end_timestamp, FALSE)
    )
  );

-- Every completed contact state of each agent, exactly once. Like AgentHistory's contact#… entries, but with corrected starts.
CREATE OR REPLACE VIEW agent_contact_intervals AS
SELECT
  agent_id,
  contact_id,
  state,
  channel,
  queue_name,
  start_timestamp,
  end_timestamp,
  CAST(DATE_DIFF('MILLISECOND', start_timestamp, end_timestamp) AS DOUBLE) / 1000 AS seconds,
  closed_by,
  instance_id,
  region
FROM (
  SELECT
    agent_id,
    contact_id,
    state,
    channel,
    queue_name,
    CASE
      WHEN start_timestamp IS NULL
      OR COALESCE(
        LAG(end_timestamp) OVER (
          PARTITION BY instance_id, region, agent_id, contact_id
          ORDER BY end_timestamp, closed_by
        ),
        start_timestamp
      ) IS NULL
      THEN NULL
      ELSE GREATEST(
        start_timestamp,
        COALESCE(
          LAG(end_timestamp) OVER (
            PARTITION BY instance_id, region, agent_id, contact_id
            ORDER BY end_timestamp, closed_by
          ),
          start_timestamp
        )
      )
    END AS start_timestamp,
    end_timestamp,
    closed_by,
    instance_id,
    region
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY instance_id, region, agent_id, start_timestamp, contact_id, state, end_timestamp
        ORDER BY closed_by
      ) AS claim
    FROM (
      SELECT
        instance_id,
        region,
        agent_id,
        contact_id,
        state,
        CASE channel WHEN 'TASKS' THEN 'TASK' ELSE channel END AS channel,
        queue_name,
        start_timestamp,
        CASE
          WHEN successor IS NULL OR keeps_start
          THEN event_timestamp
          ELSE successor_start
        END AS end_timestamp,
        version AS closed_by
      FROM (
        SELECT
          *,
          COALESCE(
            state <> successor_state
            AND state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED')
            AND successor_state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED')
            AND successor_start <= start_timestamp,
            FALSE
          ) AS keeps_start
        FROM (
          SELECT
            instance_id,
            region,
            agent_id,
            version,
            event_timestamp,
            contact_id,
            successor,
            NULLIF(NULLIF(contact ->> '$.State', ''), 'null') AS state,
            NULLIF(NULLIF(contact ->> '$.Channel', ''), 'null') AS channel,
            NULLIF(NULLIF(contact ->> '$.Queue.Name', ''), 'null') AS queue_name,
            NULLIF(NULLIF(successor ->> '$.State', ''), 'null') AS successor_state,
            TRY(
              CAST(CAST(contact ->> '$.StateStartTimestamp' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))
            ) AS start_timestamp,
            TRY(
              CAST(CAST(successor ->> '$.StateStartTimestamp' AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))
            ) AS successor_start
          FROM (
            SELECT
              instance_id,
              region,
              agent_id,
              version,
              event_timestamp,
              contact,
              NULLIF(NULLIF(contact ->> '$.ContactId', ''), 'null') AS contact_id,
              LIST_FILTER(
                current_contacts,
                LAMBDA candidate : (
                  candidate ->> '$.ContactId'
                ) = (
                  contact ->> '$.ContactId'
                )
              )[1] AS successor
            FROM (
              SELECT
                instance_id,
                region,
                agent_id,
                version,
                event_timestamp,
                TRY(CAST(previous_snapshot -> '$.Contacts' AS JSON[])) AS previous_contacts,
                COALESCE(TRY(CAST(current_snapshot -> '$.Contacts' AS JSON[])), []) AS current_contacts
              FROM agent_events
              WHERE
                SUBSTRING(current_snapshot, 1, 1) = '{'
                AND COALESCE(active_region, region) = region
            )
            CROSS JOIN UNNEST(previous_contacts) AS previous(contact)
          )
          WHERE
            NOT contact_id IS NULL
        )
      )
    )
    WHERE
      start_timestamp < end_timestamp AND NOT state IS NULL
  )
  WHERE
    claim = 1
)
WHERE
  start_timestamp < end_timestamp;

-- Every status, contact state, and configuration of each agent. Each row is one period, with its start and end times.
CREATE OR REPLACE VIEW agent_state_intervals AS
WITH events AS (
  SELECT
    *,
    CASE
      WHEN event_type = 'LOGOUT'
      THEN version || '>out'
      WHEN event_type = 'LOGIN' OR follows_silence
      THEN version || '>in'
    END AS sign
  FROM (
    SELECT
      *,
      COALESCE(event_timestamp > LAG(event_timestamp) OVER of_agent + INTERVAL '1' HOUR, TRUE) AS follows_silence
    FROM agent_events
    WHERE
      COALESCE(active_region, region) = region
    WINDOW of_agent AS (PARTITION BY instance_id, region, agent_id ORDER BY version)
  )
), numbered AS (
  SELECT
    *,
    SUM(CASE WHEN begins_session THEN 1 ELSE 0 END) OVER (
      PARTITION BY instance_id, region, agent_id
      ORDER BY version
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS session
  FROM (
    SELECT
      *,
      follows_silence OR (
        is_out AND event_type = 'LOGIN'
      ) AS begins_session
    FROM (
      SELECT
        *,
        COALESCE(
          MAX(sign) OVER (
            PARTITION BY instance_id, region, agent_id
            ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
          ) LIKE '%>out',
          FALSE
        ) AS is_out
      FROM events
    )
  )
  WHERE
    begins_session OR NOT is_out
), sessions AS (
  SELECT
    *,
    MIN(event_timestamp) OVER of_session AS session_start,
    MAX(event_timestamp) OVER of_session AS session_end,
    COUNT(CASE WHEN event_type = 'LOGOUT' THEN 1 END) OVER of_session = 0 AS is_running,
    session = MIN(session) OVER (PARTITION BY instance_id, region, agent_id) AS is_first_session,
    COUNT(CASE WHEN has_current THEN 1 END) OVER before AS current_before,
    MAX(CASE WHEN has_current THEN event_timestamp END) OVER before AS shown_before,
    MIN(CASE WHEN has_current THEN event_timestamp END) OVER from_here AS shown_next,
    MIN(CASE WHEN has_current THEN event_timestamp END) OVER behind AS shown_behind
  FROM (
    SELECT
      *,
      COALESCE(SUBSTRING(current_snapshot, 1, 1) = '{', FALSE) AS has_current
    FROM numbered
  )
  WINDOW of_session AS (PARTITION BY instance_id, region, agent_id, session), before AS (
    PARTITION BY instance_id, region, agent_id, session
    ORDER BY version
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ), from_here AS (
    PARTITION BY instance_id, region, agent_id, session
    ORDER BY version
    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
  ), behind AS (
    PARTITION BY instance_id, region, agent_id, session
    ORDER BY version
    ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
  )
), snapshots AS (
  SELECT
    *,
    current_before + 1 AS number,
    CASE place WHEN 1 THEN shown_behind ELSE shown_next END AS next_timestamp,
    CASE place WHEN 1 THEN current_snapshot ELSE previous_snapshot END AS snapshot
  FROM sessions
  CROSS JOIN (VALUES
    (0),
    (1)) AS places(place)
), shown AS (
  SELECT
    *,
    CASE kind
      WHEN 'contact'
      THEN NULLIF(NULLIF(thing ->> '$.ContactId', ''), 'null')
      ELSE kind
    END AS contact_id,
    NULLIF(NULLIF(thing ->> '$.Name', ''), 'null') AS status_name,
    NULLIF(NULLIF(thing ->> '$.Type', ''), 'null') AS status_type,
    TRY(
      CAST(CAST(CASE kind
        WHEN 'status'
        THEN thing ->> '$.StartTimestamp'
        WHEN 'contact'
        THEN thing ->> '$.StateStartTimestamp'
      END AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))
    ) AS stamp
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *
      FROM snapshots
      WHERE
        SUBSTRING(snapshot, 1, 1) = '{'
    )
    CROSS JOIN (VALUES
      ('status'),
      ('contact'),
      ('configuration')) AS kinds(kind)
    CROSS JOIN UNNEST(CASE kind
      WHEN 'status'
      THEN [snapshot -> '$.AgentStatus']
      WHEN 'configuration'
      THEN [snapshot -> '$.Configuration']
      ELSE COALESCE(TRY(CAST(snapshot -> '$.Contacts' AS JSON[])), [])
    END) AS things(thing)
  )
  WHERE
    SUBSTRING(CAST(TO_JSON(thing) AS TEXT), 1, 1) = '{'
), read AS (
  SELECT
    instance_id,
    region,
    agent_id,
    session,
    session_start,
    session_end,
    is_running,
    is_first_session,
    version,
    event_timestamp,
    shown_before,
    place,
    number,
    next_timestamp,
    kind,
    contact_id,
    stamp,
    CASE kind
      WHEN 'status'
      THEN status_name
      WHEN 'contact'
      THEN COALESCE(NULLIF(thing ->> '$.State', 'null'), '')
      WHEN 'configuration'
      THEN COALESCE(REGEXP_EXTRACT(thing ->> '$.RoutingProfile.ARN', '/routing-profile/(.+)$', 1), '') || '|' || COALESCE(
        REGEXP_EXTRACT(thing ->> '$.AgentHierarchyGroups.Level1.ARN', '/agent-group/(.+)$', 1),
        ''
      ) || '|' || COALESCE(
        REGEXP_EXTRACT(thing ->> '$.AgentHierarchyGroups.Level2.ARN', '/agent-group/(.+)$', 1),
        ''
      ) || '|' || COALESCE(
        REGEXP_EXTRACT(thing ->> '$.AgentHierarchyGroups.Level3.ARN', '/agent-group/(.+)$', 1),
        ''
      ) || '|' || COALESCE(
        REGEXP_EXTRACT(thing ->> '$.AgentHierarchyGroups.Level4.ARN', '/agent-group/(.+)$', 1),
        ''
      ) || '|' || COALESCE(
        REGEXP_EXTRACT(thing ->> '$.AgentHierarchyGroups.Level5.ARN', '/agent-group/(.+)$', 1),
        ''
      ) || '|' || COALESCE(thing ->> '$.RoutingProfile.Name', '')
    END AS state,
    CASE
      WHEN kind <> 'status'
      THEN NULL
      WHEN status_type IN ('ROUTABLE', 'CUSTOM', 'OFFLINE')
      THEN status_type
      WHEN status_name IN ('Available', 'Error')
      THEN 'ROUTABLE'
      WHEN status_name = 'Offline'
      THEN 'OFFLINE'
      ELSE 'CUSTOM'
    END AS status_class,
    CASE thing ->> '$.Channel'
      WHEN 'TASKS'
      THEN 'TASK'
      ELSE NULLIF(NULLIF(thing ->> '$.Channel', ''), 'null')
    END AS channel,
    NULLIF(NULLIF(thing ->> '$.InitiationMethod', ''), 'null') AS initiation_method,
    NULLIF(REGEXP_EXTRACT(thing ->> '$.Queue.ARN', '/queue/(agent/|)(.+)$', 2), '') AS queue_id,
    NOT NULLIF(NULLIF(thing ->> '$.ConnectedToAgentTimestamp', ''), 'null') IS NULL AS is_connected
  FROM shown
  WHERE
    NOT contact_id IS NULL
), news AS (
  SELECT
    *
  FROM (
    SELECT
      *,
      MAX(CASE WHEN place = 1 THEN number END) OVER so_far AS number_held,
      MAX(CASE WHEN place = 1 THEN stamp END) OVER so_far AS stamp_held
    FROM read
    WINDOW so_far AS (
      PARTITION BY instance_id, region, agent_id, session, kind, contact_id
      ORDER BY version, place
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  )
  WHERE
    place = 1
    OR CASE
      WHEN kind = 'configuration'
      THEN is_first_session AND number_held IS NULL
      WHEN stamp IS NULL OR stamp > event_timestamp
      THEN FALSE
      WHEN kind = 'status'
      THEN stamp_held IS NULL OR stamp > stamp_held
      WHEN number_held = number - 1
      THEN stamp_held IS NULL OR stamp > stamp_held
      ELSE shown_before IS NULL OR stamp > shown_before
    END
), runs AS (
  SELECT
    *,
    SUM(
      CASE
        WHEN number_before IS NULL OR (
          kind = 'contact' AND number_before < number - 1
        )
        THEN 1
        ELSE 0
      END
    ) OVER (
      PARTITION BY instance_id, region, agent_id, session, kind, contact_id
      ORDER BY version, place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM (
    SELECT
      *,
      LAG(number) OVER (
        PARTITION BY instance_id, region, agent_id, session, kind, contact_id
        ORDER BY version, place
      ) AS number_before
    FROM news
  )
), changes AS (
  SELECT
    *,
    CASE
      WHEN stamp_before IS NULL OR stamp > stamp_before
      THEN COALESCE(stamp, event_timestamp)
      ELSE event_timestamp
    END AS claimed_start
  FROM (
    SELECT
      *,
      LAG(state) OVER of_run AS state_before,
      LAG(stamp) OVER of_run AS stamp_before,
      ROW_NUMBER() OVER of_run AS in_run,
      CASE
        WHEN kind = 'contact'
        THEN MAX(COALESCE(next_timestamp, session_end)) OVER whole_run
        ELSE session_end
      END AS run_end,
      kind <> 'contact'
      OR BOOL_OR(CAST(next_timestamp IS NULL AS BOOLEAN)) OVER whole_run AS reaches_end
    FROM runs
    WINDOW of_run AS (
      PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run
      ORDER BY version, place
    ), whole_run AS (PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run)
  )
  WHERE
    in_run = 1
    OR state IS DISTINCT FROM state_before
    OR (
      kind = 'status' AND stamp IS DISTINCT FROM stamp_before
    )
), guarded AS (
  SELECT
    *,
    CASE
      WHEN kind = 'configuration' AND in_run = 1 AND is_first_session
      THEN CAST('0001-01-01 00:00:00.000' AS TIMESTAMP(3))
      WHEN kind = 'configuration' AND in_run = 1
      THEN session_start
      ELSE MAX(
        CASE
          WHEN CASE
            WHEN claimed_before IS NULL OR claimed_start > claimed_before
            THEN claimed_start
            ELSE event_timestamp
          END IS NULL
          OR session_start IS NULL
          THEN NULL
          ELSE GREATEST(
            CASE
              WHEN claimed_before IS NULL OR claimed_start > claimed_before
              THEN claimed_start
              ELSE event_timestamp
            END,
            session_start
          )
        END
      ) OVER (
        PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run
        ORDER BY version, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      )
    END AS start_timestamp
  FROM (
    SELECT
      *,
      MAX(claimed_start) OVER (
        PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run
        ORDER BY version, place
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS claimed_before
    FROM changes
  )
)
SELECT
  instance_id,
  region,
  agent_id,
  kind,
  CASE WHEN kind <> 'configuration' THEN state END AS state,
  status_class,
  CASE WHEN kind = 'contact' THEN contact_id END AS contact_id,
  channel,
  initiation_method,
  queue_id,
  CASE WHEN kind = 'contact' THEN next_state END AS next_state,
  outcome,
  NOT outcome IS NULL
  AND COALESCE(NOT initiation_method IN ('OUTBOUND', 'EXTERNAL_OUTBOUND', 'MONITOR'), TRUE) AS is_offer,
  is_open,
  CASE WHEN kind = 'configuration' THEN state END AS configuration,
  start_timestamp,
  end_timestamp
FROM (
  SELECT
    *,
    CASE
      WHEN is_open OR NOT state IN ('CONNECTING', 'INCOMING') OR kind <> 'contact'
      THEN NULL
      WHEN next_state IS NULL
      THEN 'gone'
      WHEN next_state IN ('CONNECTING', 'INCOMING')
      THEN NULL
      WHEN next_state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED')
      OR (
        next_state = 'ENDED' AND next_is_connected
      )
      THEN 'connected'
      WHEN next_state IN ('MISSED', 'REJECTED', 'ERROR')
      THEN LOWER(next_state)
      ELSE 'other'
    END AS outcome
  FROM (
    SELECT
      *,
      LEAD(state) OVER of_run AS next_state,
      COALESCE(LEAD(is_connected) OVER of_run, FALSE) AS next_is_connected,
      CASE
        WHEN COALESCE(LEAD(start_timestamp) OVER of_run, run_end) IS NULL
        OR start_timestamp IS NULL
        THEN NULL
        ELSE GREATEST(COALESCE(LEAD(start_timestamp) OVER of_run, run_end), start_timestamp)
      END AS end_timestamp,
      LEAD(number) OVER of_run IS NULL AND is_running AND reaches_end AS is_open
    FROM (
      SELECT
        *
      FROM guarded
      WHERE
        kind <> 'contact' OR start_timestamp <= session_end
    )
    WINDOW of_run AS (
      PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run
      ORDER BY version, place
    )
  )
)
WHERE
  kind = 'contact'
  OR start_timestamp < end_timestamp
  OR (
    kind = 'configuration' AND next_state IS NULL
  );

-- Each agent's time, in segments without a change of state. Segments are split at 15-minute interval boundaries (UTC).
CREATE OR REPLACE VIEW agent_segments AS
WITH edges AS (
  SELECT
    *,
    CASE side WHEN 1 THEN start_timestamp ELSE end_timestamp END AS moment,
    side = -1 AND is_offer AS ends_offer,
    side = -1 AND is_connecting AS ends_attempt
  FROM (
    SELECT
      *,
      COALESCE(
        state = 'CONNECTING'
        AND next_state IN ('CONNECTED', 'MISSED', 'ERROR', 'REJECTED'),
        FALSE
      ) AS is_connecting
    FROM agent_state_intervals
  )
  CROSS JOIN (VALUES
    (1),
    (-1)) AS sides(side)
  WHERE
    kind <> 'configuration' OR side = 1
), moments AS (
  SELECT
    instance_id,
    agent_id,
    moment,
    MAX(CASE WHEN kind = 'configuration' THEN configuration END) AS configuration,
    MAX(
      CASE
        WHEN kind = 'status' AND side = 1 AND status_class <> 'OFFLINE'
        THEN COALESCE(state, '')
      END
    ) AS online_name,
    MAX(
      CASE
        WHEN kind = 'status' AND side = 1 AND status_class = 'OFFLINE'
        THEN COALESCE(state, '')
      END
    ) AS offline_name,
    SUM(CASE WHEN kind = 'status' AND status_class = 'ROUTABLE' THEN side ELSE 0 END) AS routable,
    SUM(CASE WHEN kind = 'status' AND status_class = 'CUSTOM' THEN side ELSE 0 END) AS custom,
    SUM(CASE WHEN kind = 'status' AND status_class = 'OFFLINE' THEN side ELSE 0 END) AS offline,
    SUM(
      CASE
        WHEN kind = 'contact'
        AND state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED')
        THEN side
        ELSE 0
      END
    ) AS on_contact,
    SUM(CASE WHEN kind = 'contact' AND state = 'ERROR' THEN side ELSE 0 END) AS in_error,
    SUM(
      CASE WHEN kind = 'contact' AND state IN ('MISSED', 'REJECTED') THEN side ELSE 0 END
    ) AS missed,
    SUM(CASE WHEN kind <> 'configuration' THEN side ELSE 0 END) AS present,
    SUM(CASE WHEN kind <> 'configuration' AND is_open THEN side ELSE 0 END) AS open,
    SUM(CASE WHEN is_connecting THEN side ELSE 0 END) AS connecting,
    SUM(CASE WHEN is_connecting AND initiation_method = 'INBOUND' THEN side ELSE 0 END) AS connecting_inbound,
    SUM(CASE WHEN is_connecting AND initiation_method = 'OUTBOUND' THEN side ELSE 0 END) AS connecting_outbound,
    SUM(CASE WHEN is_connecting AND initiation_method = 'CALLBACK' THEN side ELSE 0 END) AS connecting_callback,
    SUM(CASE WHEN is_connecting AND initiation_method = 'API' THEN side ELSE 0 END) AS connecting_api,
    SUM(
      CASE
        WHEN is_connecting AND initiation_method = 'CALLBACK_CUSTOMER_FIRST_DIALED'
        THEN side
        ELSE 0
      END
    ) AS connecting_callback_customer_first_dialed,
    COUNT(
      CASE
        WHEN ends_offer AND outcome IN ('missed', 'rejected', 'error', 'gone')
        THEN 1
      END
    ) AS agent_non_response,
    COUNT(CASE WHEN ends_offer AND outcome = 'connected' THEN 1 END) AS offers_accepted,
    COUNT(CASE WHEN ends_attempt THEN 1 END) AS connecting_attempts,
    COUNT(CASE WHEN ends_attempt AND initiation_method = 'INBOUND' THEN 1 END) AS connecting_attempts_inbound,
    COUNT(CASE WHEN ends_attempt AND initiation_method = 'OUTBOUND' THEN 1 END) AS connecting_attempts_outbound,
    COUNT(CASE WHEN ends_attempt AND initiation_method = 'CALLBACK' THEN 1 END) AS connecting_attempts_callback,
    COUNT(CASE WHEN ends_attempt AND initiation_method = 'API' THEN 1 END) AS connecting_attempts_api,
    COUNT(
      CASE
        WHEN ends_attempt AND initiation_method = 'CALLBACK_CUSTOMER_FIRST_DIALED'
        THEN 1
      END
    ) AS connecting_attempts_callback_customer_first_dialed
  FROM edges
  GROUP BY
    instance_id,
    agent_id,
    moment
), in_order AS (
  SELECT
    *,
    LPAD(
      CAST(ROW_NUMBER() OVER (PARTITION BY instance_id, agent_id ORDER BY moment) AS TEXT),
      12,
      '0'
    ) || '|' AS place
  FROM moments
), segments AS (
  SELECT
    instance_id,
    agent_id,
    moment,
    LEAD(moment) OVER of_agent AS next_moment,
    MAX(CASE WHEN NOT configuration IS NULL THEN place || configuration END) OVER so_far AS configuration,
    MAX(CASE WHEN NOT online_name IS NULL THEN place || online_name END) OVER so_far AS online_name,
    MAX(CASE WHEN NOT offline_name IS NULL THEN place || offline_name END) OVER so_far AS offline_name,
    SUM(routable) OVER so_far AS routable,
    SUM(custom) OVER so_far AS custom,
    SUM(offline) OVER so_far AS offline,
    SUM(on_contact) OVER so_far AS on_contact,
    SUM(in_error) OVER so_far AS in_error,
    SUM(missed) OVER so_far AS missed,
    SUM(present) OVER so_far AS present,
    SUM(open) OVER so_far AS open,
    SUM(connecting) OVER so_far AS connecting,
    SUM(connecting_inbound) OVER so_far AS connecting_inbound,
    SUM(connecting_outbound) OVER so_far AS connecting_outbound,
    SUM(connecting_callback) OVER so_far AS connecting_callback,
    SUM(connecting_api) OVER so_far AS connecting_api,
    SUM(connecting_callback_customer_first_dialed) OVER so_far AS connecting_callback_customer_first_dialed,
    agent_non_response,
    offers_accepted,
    connecting_attempts,
    connecting_attempts_inbound,
    connecting_attempts_outbound,
    connecting_attempts_callback,
    connecting_attempts_api,
    connecting_attempts_callback_customer_first_dialed
  FROM in_order
  WINDOW of_agent AS (PARTITION BY instance_id, agent_id ORDER BY moment), so_far AS (
    PARTITION BY instance_id, agent_id
    ORDER BY moment
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )
), cut AS (
  SELECT
    *,
    DATE_TRUNC('DAY', moment) + day * INTERVAL '1' DAY + quarter * INTERVAL '15' MINUTE AS interval_start
  FROM (
    SELECT
      *,
      DATE_DIFF('DAY', DATE_TRUNC('DAY', moment), DATE_TRUNC('DAY', end_moment)) AS days,
      CAST((
        HOUR(moment) * 60 + MINUTE(moment) - MINUTE(moment) % 15
      ) / 15 AS BIGINT) AS first_quarter,
      CAST((
        HOUR(end_moment) * 60 + MINUTE(end_moment) - MINUTE(end_moment) % 15
      ) / 15 AS BIGINT) AS last_quarter
    FROM (
      SELECT
        *,
        CASE WHEN present > 0 THEN COALESCE(next_moment, moment) ELSE moment END AS end_moment
      FROM segments
    )
    WHERE
      present > 0 OR agent_non_response + offers_accepted + connecting_attempts > 0
  )
  CROSS JOIN UNNEST(GENERATE_SERIES(0, days)) AS of_days(day)
  CROSS JOIN UNNEST(GENERATE_SERIES(
    CASE WHEN day = 0 THEN first_quarter ELSE 0 END,
    CASE WHEN day = days THEN last_quarter ELSE 95 END
  )) AS of_quarters(quarter)
), named AS (
  SELECT
    *,
    SPLIT_PART(configuration, '|', 2) AS routing_profile_id,
    REGEXP_EXTRACT(configuration, '^([^|]*[|]){7}(.*)$', 2) AS routing_profile_name,
    SPLIT_PART(configuration, '|', 3) AS level1_id,
    SPLIT_PART(configuration, '|', 4) AS level2_id,
    SPLIT_PART(configuration, '|', 5) AS level3_id,
    SPLIT_PART(configuration, '|', 6) AS level4_id,
    SPLIT_PART(configuration, '|', 7) AS level5_id
  FROM cut
)
SELECT
  instance_id,
  agent_id,
  CASE WHEN routing_profile_id <> '' THEN routing_profile_id END AS routing_profile_id,
  CASE WHEN routing_profile_name <> '' THEN routing_profile_name END AS routing_profile_name,
  CASE WHEN level1_id <> '' THEN level1_id END AS level1_id,
  CASE WHEN level2_id <> '' THEN level2_id END AS level2_id,
  CASE WHEN level3_id <> '' THEN level3_id END AS level3_id,
  CASE WHEN level4_id <> '' THEN level4_id END AS level4_id,
  CASE WHEN level5_id <> '' THEN level5_id END AS level5_id,
  interval_start,
  CASE
    WHEN moment IS NULL OR interval_start IS NULL
    THEN NULL
    ELSE GREATEST(moment, interval_start)
  END AS start_timestamp,
  CASE
    WHEN end_moment IS NULL OR (
      interval_start + INTERVAL '15' MINUTE
    ) IS NULL
    THEN NULL
    ELSE LEAST(end_moment, interval_start + INTERVAL '15' MINUTE)
  END AS end_timestamp,
  DATE_DIFF(
    'MILLISECOND',
    CASE
      WHEN moment IS NULL OR interval_start IS NULL
      THEN NULL
      ELSE GREATEST(moment, interval_start)
    END,
    CASE
      WHEN end_moment IS NULL OR (
        interval_start + INTERVAL '15' MINUTE
      ) IS NULL
      THEN NULL
      ELSE LEAST(end_moment, interval_start + INTERVAL '15' MINUTE)
    END
  ) AS milliseconds,
  CASE
    WHEN routable + custom > 0
    THEN SUBSTRING(online_name, STRPOS(online_name, '|') + 1)
    WHEN offline > 0
    THEN SUBSTRING(offline_name, STRPOS(offline_name, '|') + 1)
  END AS status_name,
  CASE
    WHEN routable > 0
    THEN 'ROUTABLE'
    WHEN custom > 0
    THEN 'CUSTOM'
    WHEN offline > 0
    THEN 'OFFLINE'
  END AS status_class,
  on_contact > 0 AS is_on_contact,
  in_error > 0 AS is_in_error,
  missed > 0 AS is_missed,
  open > 0 AS is_open,
  connecting,
  connecting_inbound,
  connecting_outbound,
  connecting_callback,
  connecting_api,
  connecting_callback_customer_first_dialed,
  CASE WHEN interval_start <= moment THEN agent_non_response ELSE 0 END AS agent_non_response,
  CASE WHEN interval_start <= moment THEN offers_accepted ELSE 0 END AS offers_accepted,
  CASE WHEN interval_start <= moment THEN connecting_attempts ELSE 0 END AS connecting_attempts,
  CASE WHEN interval_start <= moment THEN connecting_attempts_inbound ELSE 0 END AS connecting_attempts_inbound,
  CASE WHEN interval_start <= moment THEN connecting_attempts_outbound ELSE 0 END AS connecting_attempts_outbound,
  CASE WHEN interval_start <= moment THEN connecting_attempts_callback ELSE 0 END AS connecting_attempts_callback,
  CASE WHEN interval_start <= moment THEN connecting_attempts_api ELSE 0 END AS connecting_attempts_api,
  CASE
    WHEN interval_start <= moment
    THEN connecting_attempts_callback_customer_first_dialed
    ELSE 0
  END AS connecting_attempts_callback_customer_first_dialed
FROM named
WHERE
  interval_start < end_moment OR interval_start <= moment;

-- Amazon Connect agent activity metrics in 15-minute intervals (UTC), with durations split exactly at interval boundaries.
CREATE OR REPLACE VIEW agent_intervals AS
SELECT
  instance_id,
  agent_id,
  routing_profile_id,
  routing_profile_name,
  level1_id,
  level2_id,
  level3_id,
  level4_id,
  level5_id,
  interval_start,
  CAST(COALESCE(SUM(CASE WHEN status_class IN ('ROUTABLE', 'CUSTOM') THEN milliseconds END), 0) AS DOUBLE) / 1000 AS sum_online_time_agent,
  CAST(COALESCE(
    SUM(CASE WHEN status_class = 'ROUTABLE' AND is_on_contact THEN milliseconds END),
    0
  ) AS DOUBLE) / 1000 AS sum_contact_time_agent,
  CAST(COALESCE(
    SUM(CASE WHEN status_class = 'ROUTABLE' AND NOT is_on_contact THEN milliseconds END),
    0
  ) AS DOUBLE) / 1000 AS sum_idle_time_agent,
  CAST(COALESCE(SUM(CASE WHEN status_class = 'CUSTOM' THEN milliseconds END), 0) AS DOUBLE) / 1000 AS sum_non_productive_time_agent,
  CAST(COALESCE(
    SUM(
      CASE
        WHEN status_class = 'ROUTABLE' AND NOT is_on_contact AND is_in_error
        THEN milliseconds
      END
    ),
    0
  ) AS DOUBLE) / 1000 AS sum_error_status_time_agent,
  CAST(COALESCE(
    SUM(
      CASE
        WHEN status_class = 'ROUTABLE' AND NOT is_on_contact AND is_missed
        THEN milliseconds
      END
    ),
    0
  ) AS DOUBLE) / 1000 AS missed_or_rejected_time,
  SUM(agent_non_response) AS agent_non_response,
  SUM(offers_accepted) AS offers_accepted,
  CAST(SUM(connecting * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent,
  SUM(connecting_attempts) AS connecting_attempts,
  CAST(SUM(connecting_inbound * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent_inbound,
  SUM(connecting_attempts_inbound) AS connecting_attempts_inbound,
  CAST(SUM(connecting_outbound * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent_outbound,
  SUM(connecting_attempts_outbound) AS connecting_attempts_outbound,
  CAST(SUM(connecting_callback * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent_callback,
  SUM(connecting_attempts_callback) AS connecting_attempts_callback,
  CAST(SUM(connecting_api * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent_api,
  SUM(connecting_attempts_api) AS connecting_attempts_api,
  CAST(SUM(connecting_callback_customer_first_dialed * milliseconds) AS DOUBLE) / 1000 AS sum_connecting_time_agent_callback_customer_first_dialed,
  SUM(connecting_attempts_callback_customer_first_dialed) AS connecting_attempts_callback_customer_first_dialed,
  BOOL_OR(CAST(is_open AND milliseconds > 0 AS BOOLEAN)) AS is_open
FROM agent_segments
GROUP BY
  instance_id,
  agent_id,
  routing_profile_id,
  routing_profile_name,
  level1_id,
  level2_id,
  level3_id,
  level4_id,
  level5_id,
  interval_start;

-- Every well-formed contact event in the archive, without duplicates.
CREATE OR REPLACE VIEW contact_events AS
SELECT
  instance_id,
  contact_id,
  event_id,
  event_type,
  event_timestamp,
  region,
  channel,
  initiation_method,
  CASE
    WHEN initiated >= CAST('1970-01-02 00:00:00' AS TIMESTAMP(0))
    THEN initiated
  END AS initiation_timestamp,
  queue_id,
  CASE WHEN enqueued >= CAST('1970-01-02 00:00:00' AS TIMESTAMP(0)) THEN enqueued END AS enqueue_timestamp,
  agent_id,
  CASE
    WHEN connected >= CAST('1970-01-02 00:00:00' AS TIMESTAMP(0))
    THEN connected
  END AS connected_to_agent_timestamp,
  CASE
    WHEN disconnected >= CAST('1970-01-02 00:00:00' AS TIMESTAMP(0))
    THEN disconnected
  END AS disconnect_timestamp,
  detail
FROM (
  SELECT
    NULLIF(
      REGEXP_EXTRACT(instance_arn, '^arn:[^:]*::?connect:[^:]*:[^:]*:instance/([^/]+)', 1),
      ''
    ) AS instance_id,
    contact_id,
    event_id,
    event_type,
    contact_id_json,
    TRY(CAST(CAST(event_time AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS event_timestamp,
    region,
    UPPER(channel) AS channel,
    initiation_method,
    TRY(CAST(CAST(initiated AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS initiated,
    NULLIF(REGEXP_EXTRACT(queue_arn, '/queue/(?:agent/)?([^/]+)$', 1), '') AS queue_id,
    TRY(CAST(CAST(enqueued AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS enqueued,
    NULLIF(REGEXP_EXTRACT(agent_arn, '/agent/([^/]+)$', 1), '') AS agent_id,
    TRY(CAST(CAST(connected AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS connected,
    TRY(CAST(CAST(disconnected AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP(3))) AS disconnected,
    detail,
    ROW_NUMBER() OVER (
      PARTITION BY instance_arn, contact_id_json, event_id, event_type, event_time
      ORDER BY region
    ) AS copy
  FROM (
    SELECT
      event ->> '$.id' AS event_id,
      event ->> '$.time' AS event_time,
      event ->> '$.region' AS region,
      COALESCE(event ->> '$.detail.eventType', event ->> '$.detail.EventType') AS event_type,
      COALESCE(event ->> '$.detail.contactId', event ->> '$.detail.ContactId') AS contact_id,
      COALESCE(
        event ->> '$.detail.instanceArn',
        event ->> '$.detail.InstanceArn',
        event ->> '$.resources[0]'
      ) AS instance_arn,
      COALESCE(event ->> '$.detail.channel', event ->> '$.detail.Channel') AS channel,
      COALESCE(event ->> '$.detail.initiationMethod', event ->> '$.detail.InitiationMethod') AS initiation_method,
      COALESCE(event ->> '$.detail.initiationTimestamp', event ->> '$.detail.InitiationTimestamp') AS initiated,
      COALESCE(event ->> '$.detail.queueInfo.queueArn', event ->> '$.detail.QueueInfo.QueueArn') AS queue_arn,
      COALESCE(
        event ->> '$.detail.queueInfo.enqueueTimestamp',
        event ->> '$.detail.QueueInfo.EnqueueTimestamp'
      ) AS enqueued,
      COALESCE(event ->> '$.detail.agentInfo.agentArn', event ->> '$.detail.AgentInfo.AgentArn') AS agent_arn,
      COALESCE(
        event ->> '$.detail.agentInfo.connectedToAgentTimestamp',
        event ->> '$.detail.AgentInfo.ConnectedToAgentTimestamp'
      ) AS connected,
      COALESCE(event ->> '$.detail.disconnectTimestamp', event ->> '$.detail.DisconnectTimestamp') AS disconnected,
      COALESCE(
        CAST(TO_JSON(event -> '$.detail.contactId') AS TEXT),
        CAST(TO_JSON(event -> '$.detail.ContactId') AS TEXT)
      ) AS contact_id_json,
      CAST(TO_JSON(event -> '$.detail') AS TEXT) AS detail
    FROM (
      SELECT
        TRY(JSON(event)) AS event
      FROM raw_contact_events
    )
  )
)
WHERE
  copy = 1
  AND NOT instance_id IS NULL
  AND event_id <> ''
  AND contact_id <> ''
  AND SUBSTRING(contact_id_json, 1, 1) = '"'
  AND event_type <> ''
  AND NOT event_timestamp IS NULL;

-- Abandonment: how many queued contacts ended although they reached no agent, were not transferred, and had no next contact.
CREATE OR REPLACE MACRO abandonment(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(contacts_queued) AS contacts_queued,
  SUM(contacts_abandoned) AS contacts_abandoned,
  CAST(SUM(contacts_abandoned) AS DOUBLE) / NULLIF(SUM(contacts_queued), 0) AS abandonment_rate,
  CAST(SUM(sum_abandon_time) AS DOUBLE) / NULLIF(SUM(abandon_time_contacts), 0) AS avg_abandon_time,
  SUM(contacts_customer_gave_up) AS contacts_customer_gave_up
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- After-contact work: how long agents spent in after-contact work (ACW).
CREATE OR REPLACE MACRO after_contact_work(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_contact_metrics_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
  channel,
  SUM(contacts_handled) AS contacts_handled,
  CAST(SUM(sum_after_contact_work_time) AS DOUBLE) / NULLIF(SUM(after_contact_work_time_contacts), 0) AS avg_after_contact_work_time,
  SUM(contacts_with_after_contact_work) AS contacts_with_work,
  CAST(SUM(sum_after_contact_work_time) AS DOUBLE) / NULLIF(SUM(contacts_with_after_contact_work), 0) AS average_of_those_with_work,
  MAX(max_after_contact_work_time) AS longest_seconds
FROM contacts
GROUP BY
  local_start,
  instance_id,
  agent_id,
  routing_profile_id,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  agent_id,
  routing_profile_id,
  channel;

-- Agent activity: how long agents were online, on a contact, idle, or in a custom status.
CREATE OR REPLACE MACRO agent_activity(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*') AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given
      )
    )
  )
), agents_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_intervals
  CROSS JOIN given
  WHERE
    routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), agents AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM agents_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), names AS (
  SELECT
    instance_id,
    agent_id,
    ARG_MAX(agent_username, last_update_timestamp) AS agent_username
  FROM contact_records
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-1) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
  GROUP BY
    instance_id,
    agent_id
)
SELECT
  local_start,
  agents.instance_id,
  agents.agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
  ROUND(SUM(sum_online_time_agent), 3) AS sum_online_time_agent,
  ROUND(SUM(sum_contact_time_agent), 3) AS sum_contact_time_agent,
  ROUND(SUM(sum_idle_time_agent), 3) AS sum_idle_time_agent,
  ROUND(SUM(sum_non_productive_time_agent), 3) AS sum_non_productive_time_agent,
  ROUND(SUM(sum_error_status_time_agent), 3) AS sum_error_status_time_agent,
  ROUND(SUM(missed_or_rejected_time), 3) AS missed_or_rejected_time,
  CAST(SUM(sum_contact_time_agent) AS DOUBLE) / NULLIF(SUM(sum_online_time_agent), 0) AS percent_agent_on_contact_time,
  CAST(SUM(sum_idle_time_agent) AS DOUBLE) / NULLIF(SUM(sum_online_time_agent), 0) AS percent_agent_idle_time,
  CAST(SUM(sum_non_productive_time_agent) AS DOUBLE) / NULLIF(SUM(sum_online_time_agent), 0) AS percent_non_productive_time,
  CAST(SUM(sum_contact_time_agent) AS DOUBLE) / NULLIF(SUM(sum_contact_time_agent) + SUM(sum_idle_time_agent), 0) AS agent_occupancy,
  BOOL_OR(CAST(is_open AS BOOLEAN)) AS is_open
FROM agents
LEFT JOIN names
  ON names.instance_id = agents.instance_id AND names.agent_id = agents.agent_id
GROUP BY
  local_start,
  agents.instance_id,
  agents.agent_id,
  routing_profile_id
ORDER BY
  MIN(MIN(interval_start)) OVER (PARTITION BY local_start),
  agents.instance_id,
  agents.agent_id,
  routing_profile_id;

-- Agent answer rate: the fraction of offered contacts that agents accepted, and how long contacts rang.
CREATE OR REPLACE MACRO agent_answer_rate(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*') AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given
      )
    )
  )
), agents_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_intervals
  CROSS JOIN given
  WHERE
    routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), agents AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM agents_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), names AS (
  SELECT
    instance_id,
    agent_id,
    ARG_MAX(agent_username, last_update_timestamp) AS agent_username
  FROM contact_records
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-1) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
  GROUP BY
    instance_id,
    agent_id
)
SELECT
  local_start,
  agents.instance_id,
  agents.agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
  SUM(offers_accepted) AS offers_accepted,
  SUM(agent_non_response) AS agent_non_response,
  CAST(SUM(offers_accepted) AS DOUBLE) / NULLIF(SUM(offers_accepted) + SUM(agent_non_response), 0) AS agent_answer_rate,
  ROUND(SUM(sum_connecting_time_agent), 3) AS sum_connecting_time_agent,
  CAST(SUM(sum_connecting_time_agent_inbound) AS DOUBLE) / NULLIF(SUM(connecting_attempts_inbound), 0) AS avg_agent_incoming_connecting_time,
  CAST(SUM(sum_connecting_time_agent_outbound) AS DOUBLE) / NULLIF(SUM(connecting_attempts_outbound), 0) AS avg_agent_outbound_connecting_time,
  CAST(SUM(sum_connecting_time_agent_callback) AS DOUBLE) / NULLIF(SUM(connecting_attempts_callback), 0) AS avg_agent_callback_connecting_time,
  CAST(SUM(sum_connecting_time_agent_api) AS DOUBLE) / NULLIF(SUM(connecting_attempts_api), 0) AS avg_agent_api_connecting_time
FROM agents
LEFT JOIN names
  ON names.instance_id = agents.instance_id AND names.agent_id = agents.agent_id
GROUP BY
  local_start,
  agents.instance_id,
  agents.agent_id,
  routing_profile_id
ORDER BY
  MIN(MIN(interval_start)) OVER (PARTITION BY local_start),
  agents.instance_id,
  agents.agent_id,
  routing_profile_id;

-- Agent contacts: how many contacts each agent handled, and the handle time of those contacts.
CREATE OR REPLACE MACRO agent_contacts(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_contact_metrics_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
  channel,
  SUM(contacts_handled) AS contacts_handled,
  SUM(contacts_agent_hung_up_first) AS contacts_agent_hung_up_first,
  SUM(contacts_put_on_hold) AS contacts_put_on_hold,
  SUM(contacts_transferred_out_by_agent) AS contacts_transferred_out_by_agent,
  SUM(contacts_transferred_out_internal) AS contacts_transferred_out_internal,
  SUM(contacts_transferred_out_external) AS contacts_transferred_out_external,
  SUM(sum_handle_time) AS sum_handle_time,
  CAST(SUM(sum_handle_time) AS DOUBLE) / NULLIF(SUM(handle_time_contacts), 0) AS avg_handle_time,
  CAST(SUM(sum_interaction_time) AS DOUBLE) / NULLIF(SUM(interaction_time_contacts), 0) AS avg_interaction_time,
  CAST(SUM(sum_hold_time) AS DOUBLE) / NULLIF(SUM(hold_time_contacts), 0) AS avg_hold_time,
  CAST(SUM(sum_hold_time) AS DOUBLE) / NULLIF(SUM(contacts_handled), 0) AS avg_hold_time_all_contacts,
  CAST(SUM(sum_after_contact_work_time) AS DOUBLE) / NULLIF(SUM(after_contact_work_time_contacts), 0) AS avg_after_contact_work_time,
  CAST(SUM(sum_active_time) AS DOUBLE) / NULLIF(SUM(active_time_contacts), 0) AS avg_active_time,
  CAST(SUM(sum_agent_pause_time) AS DOUBLE) / NULLIF(SUM(agent_pause_time_contacts), 0) AS avg_agent_pause_time
FROM contacts
GROUP BY
  local_start,
  instance_id,
  agent_id,
  routing_profile_id,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  agent_id,
  routing_profile_id,
  channel;

-- Agent non-response: contacts offered to agents but not answered, with and without those that the customer abandoned.
CREATE OR REPLACE MACRO agent_non_response(first_day, last_day, time_zone := 'UTC', grain := 'day', look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), offers_read AS (
  SELECT
    *,
    end_timestamp AS instant
  FROM agent_state_intervals
  CROSS JOIN given
  WHERE
    is_offer AND outcome IN ('missed', 'rejected', 'error', 'gone')
), offers AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM offers_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), given_up AS (
  SELECT
    instance_id,
    contact_id
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND connected_timestamp IS NULL
    AND disconnect_reason = 'CUSTOMER_DISCONNECT'
)
SELECT
  local_start,
  offers.instance_id,
  offers.agent_id,
  offers.channel,
  COUNT(*) AS agent_non_response,
  COUNT(CASE WHEN channel = 'VOICE' AND given_up.contact_id IS NULL THEN 1 END) AS agent_non_response_without_customer_abandons
FROM offers
LEFT JOIN given_up
  ON given_up.instance_id = offers.instance_id
  AND given_up.contact_id = offers.contact_id
GROUP BY
  local_start,
  offers.instance_id,
  offers.agent_id,
  offers.channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  offers.instance_id,
  offers.agent_id,
  offers.channel;

-- Beyond the look-back: contacts in the queried days that started before the look-back window, so that other queries miss them.
CREATE OR REPLACE MACRO beyond_look_back(first_day, last_day, time_zone := 'UTC', grain := 'day', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date < STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  channel,
  SUM(contacts_ended) AS contacts_ended,
  SUM(contacts_queued_by_enqueue) AS contacts_queued_by_enqueue,
  SUM(contacts_handled_by_connected_to_agent) AS contacts_handled_by_connected_to_agent,
  MAX(DATE_DIFF('DAY', CAST(contact_date AS DATE), CAST(interval_start AS DATE))) AS longest_days,
  MIN(contact_date) AS first_contact_date
FROM contacts
GROUP BY
  local_start,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  channel;

-- Callbacks: how many callbacks were requested, how many were handled by an agent, and how long customers waited.
CREATE OR REPLACE MACRO callbacks(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(
    CASE
      WHEN initiation_method IN ('CALLBACK', 'CALLBACK_CUSTOMER_FIRST_QUEUED')
      THEN contacts_created
      ELSE 0
    END
  ) AS callbacks_asked_for,
  SUM(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_handled ELSE 0 END) AS callback_contacts_handled,
  SUM(
    CASE
      WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_DIALED')
      THEN contacts_ended
      ELSE 0
    END
  ) AS customer_first_callbacks_dialed,
  SUM(
    CASE
      WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_DIALED')
      THEN contacts_handled
      ELSE 0
    END
  ) AS customer_first_callbacks_handled,
  SUM(
    CASE
      WHEN initiation_method IN ('CALLBACK', 'CALLBACK_CUSTOMER_FIRST_QUEUED', 'CALLBACK_CUSTOMER_FIRST_DIALED')
      THEN contacts_abandoned
      ELSE 0
    END
  ) AS callbacks_abandoned,
  SUM(callbacks_retried) AS callbacks_retried,
  CAST(SUM(
    CASE WHEN initiation_method IN ('CALLBACK') THEN sum_queue_answer_time ELSE 0 END
  ) AS DOUBLE) / NULLIF(
    SUM(
      CASE
        WHEN initiation_method IN ('CALLBACK')
        THEN queue_answer_time_contacts
        ELSE 0
      END
    ),
    0
  ) AS avg_callback_queue_answer_time,
  CAST(SUM(sum_queue_answer_time_customer_first_callback) AS DOUBLE) / NULLIF(SUM(queue_answer_time_customer_first_callback_contacts), 0) AS avg_queue_answer_time_customer_first_callback,
  CAST(SUM(sum_wait_time_after_customer_first_callback_connection) AS DOUBLE) / NULLIF(SUM(wait_time_after_customer_first_callback_connection_contacts), 0) AS avg_wait_time_after_customer_first_callback_connection
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Contact chains: contacts linked by transfers or callbacks.
CREATE OR REPLACE MACRO contact_chains(first_day, last_day, time_zone := 'UTC', include_simulated := false) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      CAST(time_zone AS TEXT) AS time_zone_given,
      CAST(first_day AS DATE) AS first_day_given,
      CAST(last_day AS DATE) AS last_day_given,
      CAST(include_simulated AS BOOLEAN) AS include_simulated_given
  )
)
SELECT
  instance_id,
  initial_contact_id,
  COUNT(*) AS contacts,
  ARRAY_AGG(contact_id ORDER BY initiation_timestamp, contact_id) AS contact_ids,
  ARRAY_AGG(initiation_method ORDER BY initiation_timestamp, contact_id) AS initiation_methods,
  COUNT(DISTINCT agent_id) AS agents,
  MIN(initiation_timestamp) AS began,
  MAX(disconnect_timestamp) AS ended,
  SUM(handle_time) AS handle_seconds
FROM (
  SELECT
    *
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND initiation_timestamp >= first_instant
    AND initiation_timestamp < end_instant
    AND (
      include_simulated_given OR NOT simulated
    )
    AND COALESCE(initiation_method <> 'DISCONNECT', TRUE)
)
GROUP BY
  instance_id,
  initial_contact_id
HAVING
  COUNT(*) > 1
ORDER BY
  instance_id,
  initial_contact_id;

-- Contact times: contact duration, resolution time, and flow time; for chats, also agent first response time.
CREATE OR REPLACE MACRO contact_times(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  CAST(SUM(sum_contact_duration) AS DOUBLE) / NULLIF(SUM(contact_duration_contacts), 0) AS avg_contact_duration,
  CAST(SUM(sum_resolution_time) AS DOUBLE) / NULLIF(SUM(resolution_time_contacts), 0) AS avg_resolution_time,
  SUM(sum_contact_flow_time) AS sum_contact_flow_time,
  CAST(SUM(sum_contact_flow_time) AS DOUBLE) / NULLIF(SUM(contact_flow_time_contacts), 0) AS avg_contact_flow_time,
  CAST(SUM(sum_contact_first_response_time_agent) AS DOUBLE) / NULLIF(SUM(contact_first_response_time_agent_contacts), 0) AS avg_contact_first_response_time_agent,
  SUM(contacts_resolved_in_60) AS contacts_resolved_in_60,
  SUM(contacts_resolved_in_600) AS contacts_resolved_in_600
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Contact volume: for each initiation method, how many contacts started, were queued, and were handled.
CREATE OR REPLACE MACRO contact_volume(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(contacts_created) AS contacts_created,
  SUM(
    CASE
      WHEN initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')
      THEN contacts_created
      ELSE 0
    END
  ) AS contacts_incoming,
  SUM(
    CASE
      WHEN initiation_method IN ('TRANSFER', 'QUEUE_TRANSFER')
      THEN contacts_created
      ELSE 0
    END
  ) AS contacts_transferred_in,
  SUM(CASE WHEN initiation_method IN ('TRANSFER') THEN contacts_created ELSE 0 END) AS contacts_transferred_in_by_agent,
  SUM(
    CASE WHEN initiation_method IN ('QUEUE_TRANSFER') THEN contacts_created ELSE 0 END
  ) AS contacts_transferred_in_from_queue,
  SUM(CASE WHEN initiation_method IN ('API') THEN contacts_created ELSE 0 END) AS api_contacts,
  SUM(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_created ELSE 0 END) AS callback_contacts,
  SUM(
    CASE
      WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_QUEUED')
      THEN contacts_created
      ELSE 0
    END
  ) AS customer_first_callback_contacts,
  SUM(contacts_queued) AS contacts_queued,
  SUM(contacts_queued_by_enqueue) AS contacts_queued_by_enqueue,
  SUM(contacts_handled) AS contacts_handled,
  SUM(contacts_handled_by_connected_to_agent) AS contacts_handled_by_connected_to_agent,
  SUM(
    CASE
      WHEN initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER')
      THEN contacts_handled
      ELSE 0
    END
  ) AS contacts_handled_incoming,
  SUM(CASE WHEN initiation_method IN ('OUTBOUND') THEN contacts_handled ELSE 0 END) AS contacts_handled_outbound,
  SUM(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_handled ELSE 0 END) AS callback_contacts_handled,
  SUM(CASE WHEN initiation_method IN ('API') THEN contacts_handled ELSE 0 END) AS api_contacts_handled,
  SUM(contacts_ended) AS contacts_ended,
  SUM(simulated_contacts) AS simulated_contacts
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Disconnect reasons: why contacts ended: one count for all contacts, and one for handled contacts only.
CREATE OR REPLACE MACRO disconnect_reasons(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  disconnect_reason,
  SUM(contacts_ended) AS contacts_ended,
  SUM(contacts_handled) AS contacts_handled,
  SUM(contacts_abandoned) AS contacts_abandoned
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel,
  disconnect_reason
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel,
  disconnect_reason;

-- Forecasting: contact volume and handle time by queue, in the format that Amazon Connect forecasting imports.
CREATE OR REPLACE MACRO forecasting_csv(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8, instance := '*') AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), wanted AS (
  SELECT
    CASE
      WHEN grain_given = 'day'
      THEN 'daily'
      WHEN grain_given IN ('15', '30')
      THEN grain_given || 'mins'
      ELSE CAST(CAST('the grain ' || grain_given || ' is none of 15, 30, day' AS BIGINT) AS TEXT)
    END AS duration
  FROM given
), instances AS (
  SELECT
    CAST(instance AS TEXT) AS instance_given
), contacts_read AS (
  SELECT
    *,
    arrived_timestamp AS instant
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), arrived AS (
  SELECT
    *,
    ARG_MAX(queue_name, instant) OVER (PARTITION BY instance_id, queue_id) AS newest_name,
    STRFTIME(
      CASE grain_given
        WHEN 'day'
        THEN CAST(AT_TIMEZONE(WITH_TIMEZONE(DATE_TRUNC('DAY', local_time), time_zone_given), 'UTC') AS TIMESTAMP(3))
        ELSE DATE_TRUNC('MINUTE', instant) + INTERVAL (-(
          MINUTE(local_time) % TRY_CAST(grain_given AS BIGINT)
        )) MINUTE
      END,
      '%Y-%m-%dT%H:%M:%SZ'
    ) AS interval_start
  FROM contacts
  CROSS JOIN wanted
  CROSS JOIN instances
  WHERE
    instance_given IN ('*', instance_id)
    AND initiation_method IN (
      'INBOUND',
      'TRANSFER',
      'QUEUE_TRANSFER',
      'CALLBACK',
      'CALLBACK_CUSTOMER_FIRST_DIALED'
    )
    AND NOT queue_id IS NULL
    AND NOT agent_queue
)
SELECT
  newest_name AS "QueueName",
  queue_id AS "QueueId",
  channel AS "ChannelType",
  interval_start AS "TimeStamp",
  duration AS "IntervalDuration",
  COUNT(*) AS "IncomingContactVolume",
  ROUND(
    COALESCE(
      CAST(SUM(CASE WHEN handled THEN COALESCE(handle_time, 0) END) AS DOUBLE) / NULLIF(COUNT(CASE WHEN handled THEN 1 END), 0),
      0
    ),
    2
  ) AS "AverageHandleTime",
  COUNT(CASE WHEN handled THEN 1 END) AS "ContactsHandled"
FROM arrived
GROUP BY
  newest_name,
  instance_id,
  queue_id,
  channel,
  interval_start,
  duration
ORDER BY
  queue_id,
  channel,
  interval_start;

-- Handle time: how long agents worked on each contact, in total and per component of handle time.
CREATE OR REPLACE MACRO handle_time(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(contacts_handled) AS contacts_handled,
  SUM(sum_handle_time) AS sum_handle_time,
  CAST(SUM(sum_handle_time) AS DOUBLE) / NULLIF(SUM(handle_time_contacts), 0) AS avg_handle_time,
  CAST(SUM(sum_interaction_time) AS DOUBLE) / NULLIF(SUM(interaction_time_contacts), 0) AS avg_interaction_time,
  CAST(SUM(sum_hold_time) AS DOUBLE) / NULLIF(SUM(contacts_handled), 0) AS avg_hold_time_all_contacts,
  CAST(SUM(sum_interaction_and_hold_time) AS DOUBLE) / NULLIF(SUM(interaction_and_hold_time_contacts), 0) AS avg_interaction_and_hold_time,
  CAST(SUM(sum_after_contact_work_time) AS DOUBLE) / NULLIF(SUM(after_contact_work_time_contacts), 0) AS avg_after_contact_work_time,
  CAST(SUM(sum_active_time) AS DOUBLE) / NULLIF(SUM(active_time_contacts), 0) AS avg_active_time,
  CAST(SUM(sum_agent_pause_time) AS DOUBLE) / NULLIF(SUM(agent_pause_time_contacts), 0) AS avg_agent_pause_time
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Handle time percentiles: median, 90th percentile, and maximum handle time.
CREATE OR REPLACE MACRO handle_time_percentiles(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    disconnect_timestamp AS instant
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY local_start, instance_id, queue_id, agent_queue, channel
      ORDER BY handle_time
    ) AS place,
    COUNT(*) OVER (PARTITION BY local_start, instance_id, queue_id, agent_queue, channel) AS contacts
  FROM contacts
  WHERE
    NOT handle_time IS NULL
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  COUNT(*) AS contacts,
  MIN(CASE WHEN place * 2 >= contacts THEN handle_time END) AS median_seconds,
  MIN(CASE WHEN place * 10 >= contacts * 9 THEN handle_time END) AS p90_seconds,
  MAX(handle_time) AS longest_seconds
FROM ranked
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Hold and transfer: how often contacts were put on hold or transferred.
CREATE OR REPLACE MACRO hold_and_transfer(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(contacts_handled) AS contacts_handled,
  SUM(contacts_put_on_hold) AS contacts_put_on_hold,
  CAST(SUM(contacts_put_on_hold) AS DOUBLE) / NULLIF(SUM(contacts_handled), 0) AS hold_rate,
  CAST(SUM(sum_hold_time) AS DOUBLE) / NULLIF(SUM(hold_time_contacts), 0) AS avg_hold_time,
  CAST(SUM(sum_holds) AS DOUBLE) / NULLIF(SUM(holds_contacts), 0) AS avg_holds,
  SUM(contacts_transferred_out) AS contacts_transferred_out,
  SUM(contacts_transferred_out_by_agent) AS contacts_transferred_out_by_agent,
  SUM(contacts_transferred_out_internal) AS contacts_transferred_out_internal,
  SUM(contacts_transferred_out_external) AS contacts_transferred_out_external,
  SUM(contacts_transferred_unanswered) AS contacts_transferred_unanswered,
  SUM(contacts_continued) AS contacts_continued
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Occupancy: of the time that agents were on contacts or idle, the fraction that they were on contacts, by routing profile.
CREATE OR REPLACE MACRO occupancy(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), agents_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_intervals
  CROSS JOIN given
  WHERE
    routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), agents AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM agents_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_contact_metrics_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), handled AS (
  SELECT
    local_start,
    instance_id,
    routing_profile_id,
    SUM(sum_handle_time) AS sum_handle_time
  FROM contacts
  GROUP BY
    local_start,
    instance_id,
    routing_profile_id
), present AS (
  SELECT
    local_start,
    instance_id,
    routing_profile_id,
    MIN(interval_start) AS first_start,
    ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
    COUNT(
      DISTINCT CASE WHEN sum_contact_time_agent + sum_idle_time_agent > 0 THEN agent_id END
    ) AS agents,
    ROUND(SUM(sum_contact_time_agent), 3) AS sum_contact_time_agent,
    ROUND(SUM(sum_idle_time_agent), 3) AS sum_idle_time_agent
  FROM agents
  GROUP BY
    local_start,
    instance_id,
    routing_profile_id
)
SELECT
  present.local_start,
  present.instance_id,
  present.routing_profile_id,
  present.routing_profile_name,
  present.agents,
  present.sum_contact_time_agent,
  present.sum_idle_time_agent,
  present.sum_contact_time_agent / NULLIF(present.sum_contact_time_agent + present.sum_idle_time_agent, 0) AS agent_occupancy,
  COALESCE(CAST(handled.sum_handle_time AS DOUBLE), 0) / NULLIF(present.sum_contact_time_agent + present.sum_idle_time_agent, 0) AS avg_agent_concurrency
FROM present
LEFT JOIN handled
  ON handled.local_start = present.local_start
  AND handled.instance_id = present.instance_id
  AND COALESCE(handled.routing_profile_id, '') = COALESCE(present.routing_profile_id, '')
ORDER BY
  present.first_start,
  present.instance_id,
  present.routing_profile_id;

-- Record versions: how many versions of contact records arrived, how often they were delivered, and how late the last was.
CREATE OR REPLACE MACRO record_versions(first_day, last_day) AS TABLE
SELECT
  contact_date,
  COUNT(*) AS contacts,
  SUM(versions) AS versions,
  SUM(deliveries) AS deliveries,
  COUNT_IF(versions > 1) AS contacts_with_versions,
  MAX(arrival_hours) AS latest_arrival_hours
FROM (
  SELECT
    contact_date,
    contact_id,
    COUNT(DISTINCT content_hash) AS versions,
    COUNT(CASE WHEN arrival_place IS NULL THEN arrival_timestamp END) AS deliveries,
    CAST(MAX(
      CASE
        WHEN arrival_place IS NULL
        THEN DATE_DIFF('SECOND', disconnect_timestamp, arrival_timestamp)
      END
    ) AS DOUBLE) / 3600 AS arrival_hours
  FROM contact_records
  WHERE
    contact_date BETWEEN first_day AND last_day
  GROUP BY
    contact_date,
    contact_id
)
GROUP BY
  contact_date
ORDER BY
  contact_date;

-- Repeat contacts: how many contacts were followed by another contact from the same customer within a given number of days.
CREATE OR REPLACE MACRO repeat_contacts(first_day, last_day, time_zone := 'UTC', include_simulated := false, days := 7) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      CAST(time_zone AS TEXT) AS time_zone_given,
      CAST(first_day AS DATE) AS first_day_given,
      CAST(last_day AS DATE) AS last_day_given,
      CAST(include_simulated AS BOOLEAN) AS include_simulated_given
  )
), wanted AS (
  SELECT
    CAST(days AS BIGINT) AS days_given
)
SELECT
  local_date,
  channel,
  COUNT(*) AS contacts,
  COUNT(
    CASE
      WHEN next_timestamp <= (
        initiation_timestamp + INTERVAL (days_given) DAY
      )
      THEN 1
    END
  ) AS repeated,
  CAST(COUNT(
    CASE
      WHEN next_timestamp <= (
        initiation_timestamp + INTERVAL (days_given) DAY
      )
      THEN 1
    END
  ) AS DOUBLE) / COUNT(*) AS repeat_rate
FROM (
  SELECT
    *,
    STRFTIME(
      CAST(AT_TIMEZONE(WITH_TIMEZONE(initiation_timestamp, 'UTC'), time_zone_given) AS TIMESTAMP(3)),
      '%Y-%m-%d'
    ) AS local_date,
    LEAD(initiation_timestamp) OVER (
      PARTITION BY instance_id, customer_endpoint_type, customer_endpoint_address
      ORDER BY initiation_timestamp, contact_id
    ) AS next_timestamp
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date >= STRFTIME(first_instant, '%Y-%m-%d')
    AND initiation_method = 'INBOUND'
    AND LOWER(customer_endpoint_address) <> 'anonymous'
    AND (
      include_simulated_given OR NOT simulated
    )
)
CROSS JOIN wanted
WHERE
  initiation_timestamp >= first_instant AND initiation_timestamp < end_instant
GROUP BY
  local_date,
  channel
ORDER BY
  local_date,
  channel;

-- Service level: how many queued contacts left the queue within the threshold, regardless of outcome.
CREATE OR REPLACE MACRO service_level(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8, threshold := 20, comparison := 'LT') AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), wanted AS (
  SELECT
    threshold_given,
    CASE
      WHEN comparison_given = 'LT'
      THEN FALSE
      WHEN comparison_given = 'LTE'
      THEN TRUE
      ELSE CAST(CAST('the comparison ' || comparison_given || ' is neither LT nor LTE' AS BIGINT) AS BOOLEAN)
    END AS or_equal
  FROM (
    SELECT
      CAST(threshold AS BIGINT) AS threshold_given,
      CAST(comparison AS TEXT) AS comparison_given
  )
), contacts_read AS (
  SELECT
    *,
    disconnect_timestamp AS instant
  FROM contact_metrics
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), compared AS (
  SELECT
    *,
    queued_time < threshold_given OR (
      or_equal AND queued_time = threshold_given
    ) AS is_in_time
  FROM contacts
  CROSS JOIN wanted
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  COUNT(CASE WHEN queued THEN 1 END) AS contacts_queued,
  COUNT(CASE WHEN is_in_time THEN 1 END) AS contacts_removed_from_queue_in_x,
  COUNT(CASE WHEN is_in_time AND NOT queue_answer_time IS NULL THEN 1 END) AS sum_contacts_answered_in_x,
  COUNT(CASE WHEN is_in_time AND NOT abandon_time IS NULL THEN 1 END) AS sum_contacts_abandoned_in_x,
  CAST(COUNT(CASE WHEN is_in_time THEN 1 END) AS DOUBLE) / NULLIF(COUNT(CASE WHEN queued THEN 1 END), 0) AS service_level,
  CAST(COUNT(CASE WHEN is_in_time AND NOT queue_answer_time IS NULL THEN 1 END) AS DOUBLE) / NULLIF(COUNT(CASE WHEN queued THEN 1 END), 0) AS answered_in_time_rate
FROM compared
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Speed of answer: how long contacts waited in queue before being connected to an agent.
CREATE OR REPLACE MACRO speed_of_answer(first_day, last_day, time_zone := 'UTC', grain := 'day', queue := '*', include_simulated := false, look_back := 8) AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(queue AS TEXT) AS queue_given,
          CAST(include_simulated AS BOOLEAN) AS include_simulated_given,
          CAST(look_back AS BIGINT) AS look_back_given
      )
    )
  )
), contacts_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM queue_intervals
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-look_back_given) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
    AND (
      include_simulated_given OR NOT simulated
    )
    AND queue_given IN ('*', queue_id, queue_name)
), contacts AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM contacts_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
)
SELECT
  local_start,
  instance_id,
  queue_id,
  ARG_MAX(queue_name, instant) AS queue_name,
  agent_queue,
  channel,
  SUM(queue_answer_time_contacts) AS answered,
  CAST(SUM(sum_queue_answer_time) AS DOUBLE) / NULLIF(SUM(queue_answer_time_contacts), 0) AS avg_queue_answer_time,
  SUM(queue_answer_time_by_enqueue_contacts) AS answered_by_enqueue,
  CAST(SUM(sum_queue_answer_time_by_enqueue) AS DOUBLE) / NULLIF(SUM(queue_answer_time_by_enqueue_contacts), 0) AS avg_queue_answer_time_by_enqueue,
  MAX(max_queued_time) AS max_queued_time
FROM contacts
GROUP BY
  local_start,
  instance_id,
  queue_id,
  agent_queue,
  channel
ORDER BY
  MIN(MIN(instant)) OVER (PARTITION BY local_start),
  instance_id,
  queue_id,
  agent_queue,
  channel;

-- Time in status: how much time agents spent in each status, split at interval boundaries.
CREATE OR REPLACE MACRO time_in_status(first_day, last_day, time_zone := 'UTC', grain := 'day', routing_profile := '*') AS TABLE
WITH given AS (
  SELECT
    *,
    CAST(AT_TIMEZONE(WITH_TIMEZONE(CAST(first_day_given AS TIMESTAMP(3)), time_zone_given), 'UTC') AS TIMESTAMP(3)) AS first_instant,
    CAST(AT_TIMEZONE(
      WITH_TIMEZONE(CAST(last_day_given AS TIMESTAMP(3)) + INTERVAL '1' DAY, time_zone_given),
      'UTC'
    ) AS TIMESTAMP(3)) AS end_instant
  FROM (
    SELECT
      *,
      CASE grain_given
        WHEN 'week'
        THEN DATE_TRUNC('WEEK', first_asked)
        ELSE first_asked
      END AS first_day_given,
      CASE
        WHEN last_asked < first_asked
        THEN CAST('the last day is before the first' AS DATE)
        WHEN grain_given = 'week'
        THEN DATE_TRUNC('WEEK', last_asked) + INTERVAL 6 DAY
        ELSE last_asked
      END AS last_day_given
    FROM (
      SELECT
        *,
        CASE
          WHEN grain_asked IN ('15', '30', '60', 'day', 'week')
          THEN grain_asked
          ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS BIGINT) AS TEXT)
        END AS grain_given
      FROM (
        SELECT
          CAST(time_zone AS TEXT) AS time_zone_given,
          CAST(grain AS TEXT) AS grain_asked,
          CAST(first_day AS DATE) AS first_asked,
          CAST(last_day AS DATE) AS last_asked,
          CAST(routing_profile AS TEXT) AS routing_profile_given
      )
    )
  )
), agents_read AS (
  SELECT
    *,
    interval_start AS instant
  FROM agent_segments
  CROSS JOIN given
  WHERE
    routing_profile_given IN ('*', routing_profile_id, routing_profile_name)
), agents AS (
  SELECT
    *,
    CASE grain_given
      WHEN 'day'
      THEN STRFTIME(local_time, '%Y-%m-%d')
      WHEN 'week'
      THEN STRFTIME(DATE_TRUNC('WEEK', local_time), '%Y-%m-%d')
      ELSE STRFTIME(
        local_time + INTERVAL (-(
          MINUTE(local_time) % CAST(grain_given AS BIGINT)
        )) MINUTE,
        '%Y-%m-%dT%H:%M'
      ) || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END || LPAD(
        CAST(CAST((
          ABS(local_offset) - ABS(local_offset) % 60
        ) / 60 AS BIGINT) AS TEXT),
        2,
        '0'
      ) || ':' || LPAD(CAST(ABS(local_offset) % 60 AS TEXT), 2, '0')
    END AS local_start
  FROM (
    SELECT
      *,
      DATE_DIFF('MINUTE', instant, local_time) AS local_offset
    FROM (
      SELECT
        *,
        CAST(AT_TIMEZONE(WITH_TIMEZONE(instant, 'UTC'), time_zone_given) AS TIMESTAMP(3)) AS local_time
      FROM agents_read
    )
  )
  WHERE
    CAST(local_time AS DATE) BETWEEN first_day_given AND last_day_given
), names AS (
  SELECT
    instance_id,
    agent_id,
    ARG_MAX(agent_username, last_update_timestamp) AS agent_username
  FROM contact_records
  CROSS JOIN given
  WHERE
    contact_date BETWEEN STRFTIME(first_instant + INTERVAL (-1) DAY, '%Y-%m-%d') AND STRFTIME(end_instant + INTERVAL (-1) SECOND, '%Y-%m-%d')
  GROUP BY
    instance_id,
    agent_id
)
SELECT
  local_start,
  agents.instance_id,
  agents.agent_id,
  MAX(agent_username) AS agent_username,
  routing_profile_id,
  ARG_MAX(routing_profile_name, instant) AS routing_profile_name,
  status_name,
  status_class,
  CAST(SUM(milliseconds) AS DOUBLE) / 3600000 AS hours,
  BOOL_OR(CAST(is_open AND milliseconds > 0 AS BOOLEAN)) AS is_open
FROM agents
LEFT JOIN names
  ON names.instance_id = agents.instance_id AND names.agent_id = agents.agent_id
WHERE
  NOT status_class IS NULL
GROUP BY
  local_start,
  agents.instance_id,
  agents.agent_id,
  routing_profile_id,
  status_name,
  status_class
ORDER BY
  MIN(MIN(interval_start)) OVER (PARTITION BY local_start),
  agents.instance_id,
  agents.agent_id,
  routing_profile_id,
  status_name,
  status_class;

