-- Every well-formed agent event in the archive, without duplicates.
--
-- The archive has one line of JSON per event. Lines that are not agent events, or that lack a field that
-- agent-event-upserter requires, are excluded. Snapshots are JSON text. version puts the events of an agent in a Region in
-- order: by time, with ties broken by event ID. region is the Region of the stream; active_region is the Region in which the
-- agent works, if the instance routes across Regions.
--
-- Columns: instance_id varchar, agent_id varchar, event_id varchar, event_type varchar, event_timestamp timestamp(3),
--          version varchar, previous_snapshot varchar, current_snapshot varchar, region varchar, active_region varchar
SELECT
    instance_id,
    agent_id,
    event_id,
    event_type,
    event_timestamp,
    date_format(event_timestamp, '%Y-%m-%dT%H:%i:%s.') || substr(date_format(event_timestamp, '%f'), 1, 3) || 'Z#'
        || event_id AS version,
    previous_snapshot,
    current_snapshot,
    region,
    active_region
FROM (
    SELECT
        nullif(regexp_extract(agent_arn, '^arn:[^:]*:connect:([^:]*):', 1), '') AS region,
        regexp_extract(agent_arn, ':instance/([^/]+)/agent/', 1) AS instance_id,
        regexp_extract(agent_arn, '/agent/([^/]+)', 1) AS agent_id,
        event_id,
        event_type,
        try(CAST(from_iso8601_timestamp(event_time) AT TIME ZONE 'UTC' AS timestamp(3))) AS event_timestamp,
        previous_snapshot,
        current_snapshot,
        coalesce(
            nullif(nullif(json_extract_scalar(
                current_snapshot, '$.AgentCrossRegionRoutingConfiguration.CurrentRegion'
            ), ''), 'null'),
            nullif(nullif(json_extract_scalar(
                previous_snapshot, '$.AgentCrossRegionRoutingConfiguration.CurrentRegion'
            ), ''), 'null')
        ) AS active_region,
        row_number() OVER (PARTITION BY agent_arn, event_time, event_id ORDER BY event_type) AS copy
    FROM (
        SELECT
            json_extract_scalar(event, '$.AgentARN') AS agent_arn,
            json_extract_scalar(event, '$.EventId') AS event_id,
            json_extract_scalar(event, '$.EventType') AS event_type,
            json_extract_scalar(event, '$.EventTimestamp') AS event_time,
            json_format(json_extract(event, '$.PreviousAgentSnapshot')) AS previous_snapshot,
            json_format(json_extract(event, '$.CurrentAgentSnapshot')) AS current_snapshot
        FROM (SELECT try(json_parse(event)) AS event FROM raw_agent_events)
    )
)
WHERE copy = 1
  AND agent_id IS NOT NULL
  AND region IS NOT NULL
  AND instance_id IS NOT NULL
  AND event_id <> ''
  AND event_type <> ''
  AND event_timestamp IS NOT NULL
