-- Every state of a contact at an agent that has ended, once: the same intervals as contact#… in AgentHistory, for as long
-- as the archive reaches back. State ENDED is after-contact work.
--
-- An interval is read off the event that ended it: a contact of its previous snapshot against the same contact in its
-- current one. Gone, the contact's state ended with the event. If two events say that they ended it, the earlier is right.
--
-- Columns: agent_id varchar, contact_id varchar, state varchar, channel varchar, queue_name varchar,
--          start_timestamp timestamp(3), end_timestamp timestamp(3), seconds double, closed_by varchar
SELECT agent_id, contact_id, state, channel, queue_name, start_timestamp, end_timestamp, seconds, closed_by
FROM (
    SELECT
        agent_id,
        contact_id,
        state,
        CASE channel WHEN 'TASKS' THEN 'TASK' ELSE channel END AS channel,
        queue_name,
        start_timestamp,
        end_timestamp,
        CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double) / 1000 AS seconds,
        version AS closed_by,
        row_number() OVER (PARTITION BY agent_id, start_timestamp, contact_id, state ORDER BY version) AS claim
    FROM (
        SELECT
            agent_id,
            version,
            contact_id,
            nullif(nullif(json_extract_scalar(contact, '$.State'), ''), 'null') AS state,
            nullif(nullif(json_extract_scalar(contact, '$.Channel'), ''), 'null') AS channel,
            nullif(nullif(json_extract_scalar(contact, '$.Queue.Name'), ''), 'null') AS queue_name,
            try(CAST(from_iso8601_timestamp(json_extract_scalar(contact, '$.StateStartTimestamp'))
                AT TIME ZONE 'UTC' AS timestamp(3))) AS start_timestamp,
            CASE
                WHEN successor IS NULL THEN event_timestamp
                ELSE try(CAST(from_iso8601_timestamp(json_extract_scalar(successor, '$.StateStartTimestamp'))
                    AT TIME ZONE 'UTC' AS timestamp(3)))
            END AS end_timestamp
        FROM (
            SELECT
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
                    agent_id,
                    version,
                    event_timestamp,
                    try(CAST(json_extract(previous_snapshot, '$.Contacts') AS array(json))) AS previous_contacts,
                    coalesce(try(CAST(json_extract(current_snapshot, '$.Contacts') AS array(json))), ARRAY[])
                        AS current_contacts
                FROM agent_events
                WHERE substr(current_snapshot, 1, 1) = '{'
            )
            CROSS JOIN UNNEST(previous_contacts) AS previous (contact)
        )
        WHERE contact_id IS NOT NULL
    )
    WHERE start_timestamp < end_timestamp
      AND state IS NOT NULL
)
WHERE claim = 1
