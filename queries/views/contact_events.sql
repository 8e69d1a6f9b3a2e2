-- Every well-formed contact event in the archive, without duplicates.
--
-- The archive has one line of JSON per event, in its EventBridge envelope. Lines that are not contact events, or that lack a
-- field that contact-event-upserter requires, are excluded. Amazon prints the names of an event in lower camel case and in
-- Pascal case; both are read. A time on the first day of 1970 means "not yet", and is null here. detail is JSON text.
--
-- Columns: instance_id varchar, contact_id varchar, event_id varchar, event_type varchar, event_timestamp timestamp(3),
--          region varchar, channel varchar, initiation_method varchar, initiation_timestamp timestamp(3), queue_id varchar,
--          enqueue_timestamp timestamp(3), agent_id varchar, connected_to_agent_timestamp timestamp(3),
--          disconnect_timestamp timestamp(3), detail varchar
SELECT
    instance_id,
    contact_id,
    event_id,
    event_type,
    event_timestamp,
    region,
    channel,
    initiation_method,
    CASE WHEN initiated >= TIMESTAMP '1970-01-02 00:00:00' THEN initiated END AS initiation_timestamp,
    queue_id,
    CASE WHEN enqueued >= TIMESTAMP '1970-01-02 00:00:00' THEN enqueued END AS enqueue_timestamp,
    agent_id,
    CASE WHEN connected >= TIMESTAMP '1970-01-02 00:00:00' THEN connected END AS connected_to_agent_timestamp,
    CASE WHEN disconnected >= TIMESTAMP '1970-01-02 00:00:00' THEN disconnected END AS disconnect_timestamp,
    detail
FROM (
    SELECT
        nullif(regexp_extract(instance_arn, '^arn:[^:]*::?connect:[^:]*:[^:]*:instance/([^/]+)', 1), '') AS instance_id,
        contact_id,
        event_id,
        event_type,
        contact_id_json,
        try(CAST(from_iso8601_timestamp(event_time) AT TIME ZONE 'UTC' AS timestamp(3))) AS event_timestamp,
        region,
        upper(channel) AS channel,
        initiation_method,
        try(CAST(from_iso8601_timestamp(initiated) AT TIME ZONE 'UTC' AS timestamp(3))) AS initiated,
        nullif(regexp_extract(queue_arn, '/queue/(?:agent/)?([^/]+)$', 1), '') AS queue_id,
        try(CAST(from_iso8601_timestamp(enqueued) AT TIME ZONE 'UTC' AS timestamp(3))) AS enqueued,
        nullif(regexp_extract(agent_arn, '/agent/([^/]+)$', 1), '') AS agent_id,
        try(CAST(from_iso8601_timestamp(connected) AT TIME ZONE 'UTC' AS timestamp(3))) AS connected,
        try(CAST(from_iso8601_timestamp(disconnected) AT TIME ZONE 'UTC' AS timestamp(3))) AS disconnected,
        detail,
        row_number() OVER (
            PARTITION BY instance_arn, contact_id_json, event_id, event_type, event_time ORDER BY region
        ) AS copy
    FROM (
        SELECT
            json_extract_scalar(event, '$.id') AS event_id,
            json_extract_scalar(event, '$.time') AS event_time,
            json_extract_scalar(event, '$.region') AS region,
            coalesce(
                json_extract_scalar(event, '$.detail.eventType'),
                json_extract_scalar(event, '$.detail.EventType')
            ) AS event_type,
            coalesce(
                json_extract_scalar(event, '$.detail.contactId'),
                json_extract_scalar(event, '$.detail.ContactId')
            ) AS contact_id,
            coalesce(
                json_extract_scalar(event, '$.detail.instanceArn'),
                json_extract_scalar(event, '$.detail.InstanceArn'),
                json_extract_scalar(event, '$.resources[0]')
            ) AS instance_arn,
            coalesce(
                json_extract_scalar(event, '$.detail.channel'),
                json_extract_scalar(event, '$.detail.Channel')
            ) AS channel,
            coalesce(
                json_extract_scalar(event, '$.detail.initiationMethod'),
                json_extract_scalar(event, '$.detail.InitiationMethod')
            ) AS initiation_method,
            coalesce(
                json_extract_scalar(event, '$.detail.initiationTimestamp'),
                json_extract_scalar(event, '$.detail.InitiationTimestamp')
            ) AS initiated,
            coalesce(
                json_extract_scalar(event, '$.detail.queueInfo.queueArn'),
                json_extract_scalar(event, '$.detail.QueueInfo.QueueArn')
            ) AS queue_arn,
            coalesce(
                json_extract_scalar(event, '$.detail.queueInfo.enqueueTimestamp'),
                json_extract_scalar(event, '$.detail.QueueInfo.EnqueueTimestamp')
            ) AS enqueued,
            coalesce(
                json_extract_scalar(event, '$.detail.agentInfo.agentArn'),
                json_extract_scalar(event, '$.detail.AgentInfo.AgentArn')
            ) AS agent_arn,
            coalesce(
                json_extract_scalar(event, '$.detail.agentInfo.connectedToAgentTimestamp'),
                json_extract_scalar(event, '$.detail.AgentInfo.ConnectedToAgentTimestamp')
            ) AS connected,
            coalesce(
                json_extract_scalar(event, '$.detail.disconnectTimestamp'),
                json_extract_scalar(event, '$.detail.DisconnectTimestamp')
            ) AS disconnected,
            coalesce(
                json_format(json_extract(event, '$.detail.contactId')),
                json_format(json_extract(event, '$.detail.ContactId'))
            ) AS contact_id_json,
            json_format(json_extract(event, '$.detail')) AS detail
        FROM (SELECT try(json_parse(event)) AS event FROM raw_contact_events)
    )
)
WHERE copy = 1
  AND instance_id IS NOT NULL
  AND event_id <> ''
  AND contact_id <> ''
  -- A text, not a number.
  AND substr(contact_id_json, 1, 1) = '"'
  AND event_type <> ''
  AND event_timestamp IS NOT NULL
