-- What an agent was in, and for how long: every status, every state of every contact, and every configuration.
--
-- Read off the sequence of an agent's current snapshots. A state lasts from its start to the start of the next one: its own
-- timestamp says when, or else, where that is not later than the state before (a hold may keep the timestamp of the
-- connection), the time of the event that shows it. A contact that is not in the next snapshot ended with that event. Nothing counts
-- while an agent is logged out: LOGOUT ends everything, after it only LOGIN counts, and nothing begins before its LOGIN. What
-- the previous snapshot says counts for the first event of a session only. What was still going on at the agent's last event
-- ends there and is_open; nothing is counted after it. Events of a Region in which the agent does not work are left out.
--
-- kind is status, contact or configuration. A status is of class ROUTABLE, CUSTOM or OFFLINE; an event without a type is told by
-- the name. Of a contact, next_state is the state after this one, null if the contact was gone, and next_is_connected whether it
-- had been connected by then; a state that took no time has a row, too, because it may have been an offer. Routing profile and
-- hierarchy have no time of their own: a configuration counts from the event that shows it, the first of a session from its
-- LOGIN, the first of all from the beginning of time.
--
-- Columns: instance_id varchar, agent_id varchar, kind varchar, state varchar, status_class varchar, contact_id varchar,
--          channel varchar, initiation_method varchar, queue_id varchar, next_state varchar, next_is_connected boolean,
--          is_open boolean, configuration varchar, start_timestamp timestamp(3), end_timestamp timestamp(3)
WITH
-- Every event knows whether the agent was logged out before it.
events AS (
    SELECT
        *,
        coalesce(
            max(CASE WHEN event_type IN ('LOGIN', 'LOGOUT') THEN version || '>' || event_type END) OVER before LIKE '%>LOGOUT',
            false
        ) AS was_logged_out,
        count(CASE WHEN substr(current_snapshot, 1, 1) = '{' THEN 1 END) OVER before AS snapshots_before,
        max(event_timestamp) OVER (PARTITION BY instance_id, agent_id) AS last_timestamp
    FROM agent_events
    WHERE coalesce(active_region, region) = region
    WINDOW before AS (
        PARTITION BY instance_id, agent_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
-- Sessions by number; what comes before the first LOGIN is one, too.
numbered AS (
    SELECT
        *,
        sum(CASE WHEN begins_session THEN 1 ELSE 0 END) OVER (
            PARTITION BY instance_id, agent_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS session
    FROM (
        SELECT *, event_type = 'LOGIN' AND (was_logged_out OR snapshots_before = 0) AS begins_session
        FROM events
        WHERE NOT was_logged_out OR event_type = 'LOGIN'
    )
),
sessions AS (
    SELECT
        *,
        max(CASE WHEN begins_session THEN event_timestamp END) OVER of_session AS login_timestamp,
        coalesce(min(CASE WHEN event_type = 'LOGOUT' THEN event_timestamp END) OVER of_session, last_timestamp) AS session_end,
        count(CASE WHEN event_type = 'LOGOUT' THEN 1 END) OVER of_session = 0 AS is_running,
        session = min(session) OVER (PARTITION BY instance_id, agent_id) AS is_first_session,
        sum(CASE WHEN event_type <> 'LOGIN' THEN 1 ELSE 0 END) OVER (
            PARTITION BY instance_id, agent_id, session ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS event_number
    FROM numbered
    WINDOW of_session AS (PARTITION BY instance_id, agent_id, session)
),
-- Each current snapshot, and before the first of a session the previous one.
snapshots AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY instance_id, agent_id, session ORDER BY version, place) AS number,
        lead(event_timestamp) OVER (PARTITION BY instance_id, agent_id, session ORDER BY version, place) AS next_timestamp
    FROM (
        SELECT
            *,
            CASE
                WHEN place = 1 THEN current_snapshot
                WHEN event_number = 1 AND event_type <> 'LOGIN' THEN previous_snapshot
            END AS snapshot
        FROM sessions
        CROSS JOIN (VALUES 0, 1) AS places (place)
    )
    WHERE substr(snapshot, 1, 1) = '{'
),
-- What a snapshot shows, one a row: the status, each contact, the configuration.
shown AS (
    SELECT
        *,
        CASE kind WHEN 'contact' THEN nullif(nullif(json_extract_scalar(thing, '$.ContactId'), ''), 'null') ELSE kind END AS contact_id,
        nullif(nullif(json_extract_scalar(thing, '$.Name'), ''), 'null') AS status_name,
        nullif(nullif(json_extract_scalar(thing, '$.Type'), ''), 'null') AS status_type,
        try(CAST(from_iso8601_timestamp(
            CASE kind
                WHEN 'status' THEN json_extract_scalar(thing, '$.StartTimestamp')
                WHEN 'contact' THEN json_extract_scalar(thing, '$.StateStartTimestamp')
            END
        ) AT TIME ZONE 'UTC' AS timestamp(3))) AS stamp
    FROM (
        SELECT *
        FROM snapshots
        CROSS JOIN (VALUES 'status', 'contact', 'configuration') AS kinds (kind)
        CROSS JOIN UNNEST(
            CASE kind
                WHEN 'status' THEN ARRAY[json_extract(snapshot, '$.AgentStatus')]
                WHEN 'configuration' THEN ARRAY[json_extract(snapshot, '$.Configuration')]
                ELSE coalesce(try(CAST(json_extract(snapshot, '$.Contacts') AS array(json))), ARRAY[])
            END
        ) AS things (thing)
    )
    WHERE substr(json_format(thing), 1, 1) = '{'
),
read AS (
    SELECT
        instance_id,
        agent_id,
        session,
        login_timestamp,
        session_end,
        is_running,
        is_first_session,
        event_timestamp,
        number,
        next_timestamp,
        kind,
        contact_id,
        stamp,
        CASE kind
            WHEN 'status' THEN status_name
            WHEN 'contact' THEN coalesce(nullif(json_extract_scalar(thing, '$.State'), 'null'), '')
            WHEN 'configuration' THEN
                coalesce(regexp_extract(json_extract_scalar(thing, '$.RoutingProfile.ARN'), '/routing-profile/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level1.ARN'), '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level2.ARN'), '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level3.ARN'), '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level4.ARN'), '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level5.ARN'), '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(json_extract_scalar(thing, '$.RoutingProfile.Name'), '')
        END AS state,
        CASE
            WHEN kind <> 'status' THEN NULL
            WHEN status_type IN ('ROUTABLE', 'CUSTOM', 'OFFLINE') THEN status_type
            WHEN status_name IN ('Available', 'Error') THEN 'ROUTABLE'
            WHEN status_name = 'Offline' THEN 'OFFLINE'
            ELSE 'CUSTOM'
        END AS status_class,
        CASE json_extract_scalar(thing, '$.Channel') WHEN 'TASKS' THEN 'TASK' ELSE nullif(nullif(json_extract_scalar(thing, '$.Channel'), ''), 'null') END
            AS channel,
        nullif(nullif(json_extract_scalar(thing, '$.InitiationMethod'), ''), 'null') AS initiation_method,
        nullif(regexp_extract(json_extract_scalar(thing, '$.Queue.ARN'), '/queue/(.+)$', 1), '') AS queue_id,
        nullif(nullif(json_extract_scalar(thing, '$.ConnectedToAgentTimestamp'), ''), 'null') IS NOT NULL AS is_connected
    FROM shown
    WHERE contact_id IS NOT NULL
      AND (place = 1 OR CASE kind WHEN 'configuration' THEN is_first_session ELSE stamp <= event_timestamp END)
),
-- A run is a contact from its appearing in a snapshot to its being gone.
runs AS (
    SELECT
        *,
        sum(CASE WHEN number_before IS NULL OR (kind = 'contact' AND number_before < number - 1) THEN 1 ELSE 0 END) OVER (
            PARTITION BY instance_id, agent_id, session, kind, contact_id
            ORDER BY number
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS run
    FROM (
        SELECT
            *,
            lag(number) OVER (PARTITION BY instance_id, agent_id, session, kind, contact_id ORDER BY number) AS number_before
        FROM read
    )
),
-- Only where something is another than before.
changes AS (
    SELECT
        *,
        CASE WHEN stamp_before IS NULL OR stamp > stamp_before THEN coalesce(stamp, event_timestamp) ELSE event_timestamp END AS told
    FROM (
        SELECT
            *,
            lag(state) OVER of_run AS state_before,
            lag(stamp) OVER of_run AS stamp_before,
            row_number() OVER of_run AS in_run,
            CASE WHEN kind = 'contact' THEN max(coalesce(next_timestamp, session_end)) OVER whole_run ELSE session_end END AS run_end,
            kind <> 'contact' OR bool_or(next_timestamp IS NULL) OVER whole_run AS reaches_end
        FROM runs
        WINDOW
            of_run AS (PARTITION BY instance_id, agent_id, session, kind, contact_id, run ORDER BY number),
            whole_run AS (PARTITION BY instance_id, agent_id, session, kind, contact_id, run)
    )
    WHERE in_run = 1
       OR state IS DISTINCT FROM state_before
       OR (kind = 'status' AND stamp IS DISTINCT FROM stamp_before)
),
-- A state never begins before the one before it, nor before the agent's LOGIN.
guarded AS (
    SELECT
        *,
        CASE
            WHEN kind = 'configuration' AND in_run = 1 AND is_first_session THEN TIMESTAMP '0001-01-01 00:00:00.000'
            WHEN kind = 'configuration' AND in_run = 1 THEN coalesce(login_timestamp, event_timestamp)
            ELSE max(greatest(
                CASE WHEN told_before IS NULL OR told > told_before THEN told ELSE event_timestamp END,
                coalesce(login_timestamp, told)
            )) OVER (
                PARTITION BY instance_id, agent_id, session, kind, contact_id, run
                ORDER BY number
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        END AS start_timestamp
    FROM (
        SELECT
            *,
            max(told) OVER (
                PARTITION BY instance_id, agent_id, session, kind, contact_id, run
                ORDER BY number
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS told_before
        FROM changes
    )
)
SELECT
    instance_id,
    agent_id,
    kind,
    CASE WHEN kind <> 'configuration' THEN state END AS state,
    status_class,
    CASE WHEN kind = 'contact' THEN contact_id END AS contact_id,
    channel,
    initiation_method,
    queue_id,
    CASE WHEN kind = 'contact' THEN next_state END AS next_state,
    kind = 'contact' AND next_is_connected AS next_is_connected,
    is_open,
    CASE WHEN kind = 'configuration' THEN state END AS configuration,
    start_timestamp,
    end_timestamp
FROM (
    SELECT
        *,
        lead(state) OVER of_run AS next_state,
        coalesce(lead(is_connected) OVER of_run, false) AS next_is_connected,
        coalesce(lead(start_timestamp) OVER of_run, run_end) AS end_timestamp,
        lead(number) OVER of_run IS NULL AND is_running AND reaches_end AS is_open
    FROM guarded
    WINDOW of_run AS (PARTITION BY instance_id, agent_id, session, kind, contact_id, run ORDER BY number)
)
WHERE kind <> 'status'
   OR start_timestamp < end_timestamp
