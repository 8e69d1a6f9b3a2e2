-- Every completed contact state of each agent, exactly once. Like AgentHistory's contact#… entries, but with corrected starts.
--
-- Covers the whole archive. The ENDED state is after-contact work. An entry of AgentHistory has the start that Connect sent,
-- which may be earlier than the start of the state.
--
-- An interval is computed from the event that ended it. Each contact in the event's previous snapshot is compared with the
-- same contact in the current snapshot. If the contact is no longer there, its state ended at the time of the event. If two
-- events report the end of the same interval, the earlier event is used. A contact is in one state at a time, so an interval
-- never begins before the previous one ended: a contact that is put on hold, paused, or resumed may keep an earlier
-- StateStartTimestamp. In that case, the previous state ended at the time of the event that shows the next state. Events
-- that name another Region as the agent's current Region are excluded.
--
-- Columns: agent_id varchar, contact_id varchar, state varchar, channel varchar, queue_name varchar,
--          start_timestamp timestamp(3), end_timestamp timestamp(3), seconds double, closed_by varchar,
--          instance_id varchar, region varchar
SELECT
    agent_id,
    contact_id,
    state,
    channel,
    queue_name,
    start_timestamp,
    end_timestamp,
    CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double) / 1000 AS seconds,
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
        greatest(
            start_timestamp,
            coalesce(
                lag(end_timestamp) OVER (
                    PARTITION BY instance_id, region, agent_id, contact_id
                    ORDER BY end_timestamp, closed_by
                ),
                start_timestamp
            )
        ) AS start_timestamp,
        end_timestamp,
        closed_by,
        instance_id,
        region
    FROM (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY
                    instance_id,
                    region,
                    agent_id,
                    start_timestamp,
                    contact_id,
                    state,
                    end_timestamp
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
                    WHEN successor IS NULL OR keeps_start THEN event_timestamp
                    ELSE successor_start
                END AS end_timestamp,
                version AS closed_by
            FROM (
                SELECT
                    *,
                    coalesce(
                        state <> successor_state
                        AND state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED')
                        AND successor_state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED')
                        AND successor_start <= start_timestamp,
                        false
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
                        nullif(nullif(json_extract_scalar(contact, '$.State'), ''), 'null') AS state,
                        nullif(nullif(json_extract_scalar(contact, '$.Channel'), ''), 'null') AS channel,
                        nullif(nullif(json_extract_scalar(contact, '$.Queue.Name'), ''), 'null') AS queue_name,
                        nullif(nullif(json_extract_scalar(successor, '$.State'), ''), 'null') AS successor_state,
                        try(CAST(from_iso8601_timestamp(json_extract_scalar(contact, '$.StateStartTimestamp'))
                            AT TIME ZONE 'UTC' AS timestamp(3))) AS start_timestamp,
                        try(CAST(from_iso8601_timestamp(json_extract_scalar(successor, '$.StateStartTimestamp'))
                            AT TIME ZONE 'UTC' AS timestamp(3))) AS successor_start
                    FROM (
                        SELECT
                            instance_id,
                            region,
                            agent_id,
                            version,
                            event_timestamp,
                            contact,
                            nullif(nullif(json_extract_scalar(contact, '$.ContactId'), ''), 'null') AS contact_id,
                            element_at(
                                filter(
                                    current_contacts,
                                    candidate -> json_extract_scalar(candidate, '$.ContactId')
                                        = json_extract_scalar(contact, '$.ContactId')
                                ),
                                1
                            ) AS successor
                        FROM (
                            SELECT
                                instance_id,
                                region,
                                agent_id,
                                version,
                                event_timestamp,
                                try(CAST(json_extract(previous_snapshot, '$.Contacts') AS array(json)))
                                    AS previous_contacts,
                                coalesce(
                                    try(CAST(json_extract(current_snapshot, '$.Contacts') AS array(json))),
                                    ARRAY[]
                                ) AS current_contacts
                            FROM agent_events
                            WHERE substr(current_snapshot, 1, 1) = '{'
                              AND coalesce(active_region, region) = region
                        )
                        CROSS JOIN UNNEST(previous_contacts) AS previous (contact)
                    )
                    WHERE contact_id IS NOT NULL
                )
            )
        )
        WHERE start_timestamp < end_timestamp
          AND state IS NOT NULL
    )
    WHERE claim = 1
)
WHERE start_timestamp < end_timestamp
