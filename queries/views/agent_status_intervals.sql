-- Every completed status of each agent, exactly once. Like AgentHistory's status#… entries, but for the whole archive.
--
-- An interval is computed from the event that ended it: the status in the event's previous snapshot is compared with the
-- status in its current snapshot. If two events report the end of the same interval, the earlier event is used. If the
-- instance has a replica in another Region, two things are excluded: events that name another Region as the agent's current
-- Region, and offline intervals in one Region that overlap with another status in the other Region.
--
-- Columns: agent_id varchar, name varchar, status_type varchar, start_timestamp timestamp(3),
--          end_timestamp timestamp(3), seconds double, closed_by varchar, instance_id varchar, region varchar
SELECT agent_id, name, status_type, start_timestamp, end_timestamp, seconds, closed_by, instance_id, region
FROM (
    SELECT
        *,
        min(region) OVER (PARTITION BY instance_id, agent_id)
            <> max(region) OVER (PARTITION BY instance_id, agent_id) AS has_regions,
        max(CASE WHEN is_offline THEN NULL ELSE end_timestamp END) OVER (
            PARTITION BY instance_id, agent_id
            ORDER BY start_timestamp, region
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS worked_until,
        min(CASE WHEN is_offline THEN NULL ELSE start_timestamp END) OVER (
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
            status_type = 'OFFLINE' OR (status_type IS NULL AND name = 'Offline') AS is_offline,
            start_timestamp,
            end_timestamp,
            CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double) / 1000 AS seconds,
            version AS closed_by,
            row_number() OVER (
                PARTITION BY instance_id, region, agent_id, start_timestamp ORDER BY version
            ) AS claim
        FROM (
            SELECT
                instance_id,
                region,
                agent_id,
                version,
                nullif(nullif(json_extract_scalar(previous_snapshot, '$.AgentStatus.Name'), ''), 'null') AS name,
                nullif(nullif(json_extract_scalar(previous_snapshot, '$.AgentStatus.Type'), ''), 'null') AS status_type,
                try(CAST(from_iso8601_timestamp(json_extract_scalar(previous_snapshot, '$.AgentStatus.StartTimestamp'))
                    AT TIME ZONE 'UTC' AS timestamp(3))) AS start_timestamp,
                try(CAST(from_iso8601_timestamp(json_extract_scalar(current_snapshot, '$.AgentStatus.StartTimestamp'))
                    AT TIME ZONE 'UTC' AS timestamp(3))) AS end_timestamp
            FROM agent_events
            WHERE coalesce(active_region, region) = region
        )
        WHERE start_timestamp < end_timestamp
    )
    WHERE claim = 1
)
WHERE NOT (
    has_regions
    AND coalesce(is_offline, false)
    AND (coalesce(worked_until > start_timestamp, false) OR coalesce(works_from < end_timestamp, false))
)
