-- Every status of an agent that has ended, once: the same intervals as status#… in AgentHistory, for as long as the
-- archive reaches back.
--
-- An interval is read off the event that ended it: the status of its previous snapshot against that of its current one. If
-- two events say that they ended it, the earlier is right.
--
-- Columns: agent_id varchar, name varchar, status_type varchar, start_timestamp timestamp(3), end_timestamp
--          timestamp(3), seconds double, closed_by varchar
SELECT agent_id, name, status_type, start_timestamp, end_timestamp, seconds, closed_by
FROM (
    SELECT
        agent_id,
        name,
        status_type,
        start_timestamp,
        end_timestamp,
        CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double) / 1000 AS seconds,
        version AS closed_by,
        row_number() OVER (PARTITION BY agent_id, start_timestamp ORDER BY version) AS claim
    FROM (
        SELECT
            agent_id,
            version,
            nullif(nullif(json_extract_scalar(previous_snapshot, '$.AgentStatus.Name'), ''), 'null') AS name,
            nullif(nullif(json_extract_scalar(previous_snapshot, '$.AgentStatus.Type'), ''), 'null') AS status_type,
            try(CAST(from_iso8601_timestamp(json_extract_scalar(previous_snapshot, '$.AgentStatus.StartTimestamp'))
                AT TIME ZONE 'UTC' AS timestamp(3))) AS start_timestamp,
            try(CAST(from_iso8601_timestamp(json_extract_scalar(current_snapshot, '$.AgentStatus.StartTimestamp'))
                AT TIME ZONE 'UTC' AS timestamp(3))) AS end_timestamp
        FROM agent_events
    )
    WHERE start_timestamp < end_timestamp
)
WHERE claim = 1
