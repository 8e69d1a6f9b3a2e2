-- Every status, contact state, and configuration of each agent. Each row is one period, with its start and end times.
--
-- Derived from the sequence of an agent's snapshots. A state lasts from its start to the start of the next one. It starts at
-- its own timestamp or, if this timestamp is not later than that of the previous state (a hold may keep the timestamp of the
-- connection), at the time of the event that shows the state. A contact that is missing from the next current snapshot ended
-- at the time of that event. Previous snapshots are used only if they show a state that began after every known state, which
-- means that an earlier event was lost. No time before the first event of a session or after its last event is included. A
-- session begins with LOGIN and ends with LOGOUT; heartbeats may follow. A period of more than one hour without events also
-- ends a session, because heartbeats arrive every two minutes. The next event of any type then begins another session.
-- is_open is true for a state that had not ended by the last event of a session without a LOGOUT. Each Region of an instance
-- has its own sessions and rows. Events that name another Region as the agent's current Region are excluded.
--
-- kind is status, contact, or configuration. status_class is ROUTABLE, CUSTOM, or OFFLINE; a status without a type is
-- classified by its name. next_state is the contact's state after this one, or null if the contact disappeared from the
-- agent's list. outcome is how ringing ended: connected, missed, rejected, error, gone (the contact disappeared), or other.
-- is_offer is true if routing offered the contact and the agent did not start it (OUTBOUND, EXTERNAL_OUTBOUND, MONITOR). A
-- contact state of zero length also has a row, because it may have been an offer. Routing profile and hierarchy have no
-- timestamp of their own. A configuration begins at the first event that contains it. The first configuration of a session
-- begins at the start of the session, and the first one of an agent in a Region at 0001-01-01.
--
-- Columns: instance_id varchar, region varchar, agent_id varchar, kind varchar, state varchar, status_class varchar,
--          contact_id varchar, channel varchar, initiation_method varchar, queue_id varchar, next_state varchar,
--          outcome varchar, is_offer boolean, is_open boolean, configuration varchar, start_timestamp timestamp(3),
--          end_timestamp timestamp(3)
WITH
-- The sign of an event: the agent is logged in from then on, or logged out.
events AS (
    SELECT
        *,
        CASE
            WHEN event_type = 'LOGOUT' THEN version || '>out'
            WHEN event_type = 'LOGIN' OR follows_silence THEN version || '>in'
        END AS sign
    FROM (
        SELECT
            *,
            coalesce(event_timestamp > lag(event_timestamp) OVER of_agent + INTERVAL '1' HOUR, true) AS follows_silence
        FROM agent_events
        WHERE coalesce(active_region, region) = region
        WINDOW of_agent AS (PARTITION BY instance_id, region, agent_id ORDER BY version)
    )
),
numbered AS (
    SELECT
        *,
        sum(CASE WHEN begins_session THEN 1 ELSE 0 END) OVER (
            PARTITION BY instance_id, region, agent_id ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS session
    FROM (
        SELECT *, follows_silence OR (is_out AND event_type = 'LOGIN') AS begins_session
        FROM (
            SELECT
                *,
                coalesce(max(sign) OVER (
                    PARTITION BY instance_id, region, agent_id
                    ORDER BY version
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) LIKE '%>out', false) AS is_out
            FROM events
        )
    )
    WHERE begins_session
       OR NOT is_out
),
sessions AS (
    SELECT
        *,
        min(event_timestamp) OVER of_session AS session_start,
        max(event_timestamp) OVER of_session AS session_end,
        count(CASE WHEN event_type = 'LOGOUT' THEN 1 END) OVER of_session = 0 AS is_running,
        session = min(session) OVER (PARTITION BY instance_id, region, agent_id) AS is_first_session,
        -- Current snapshots are numbered; a previous snapshot has the number of the next current one.
        count(CASE WHEN has_current THEN 1 END) OVER before AS current_before,
        max(CASE WHEN has_current THEN event_timestamp END) OVER before AS shown_before,
        min(CASE WHEN has_current THEN event_timestamp END) OVER from_here AS shown_next,
        min(CASE WHEN has_current THEN event_timestamp END) OVER behind AS shown_behind
    FROM (SELECT *, coalesce(substr(current_snapshot, 1, 1) = '{', false) AS has_current FROM numbered)
    WINDOW
        of_session AS (PARTITION BY instance_id, region, agent_id, session),
        before AS (
            PARTITION BY instance_id, region, agent_id, session
            ORDER BY version
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        from_here AS (
            PARTITION BY instance_id, region, agent_id, session
            ORDER BY version
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ),
        behind AS (
            PARTITION BY instance_id, region, agent_id, session
            ORDER BY version
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        )
),
-- Each event's previous snapshot (place 0) and current one (place 1).
snapshots AS (
    SELECT
        *,
        current_before + 1 AS number,
        CASE place WHEN 1 THEN shown_behind ELSE shown_next END AS next_timestamp,
        CASE place WHEN 1 THEN current_snapshot ELSE previous_snapshot END AS snapshot
    FROM sessions
    CROSS JOIN (VALUES 0, 1) AS places (place)
),
-- The content of a snapshot, one row each: the status, each contact, the configuration.
shown AS (
    SELECT
        *,
        CASE kind WHEN 'contact' THEN nullif(nullif(json_extract_scalar(thing, '$.ContactId'), ''), 'null') ELSE kind END
            AS contact_id,
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
        FROM (SELECT * FROM snapshots WHERE substr(snapshot, 1, 1) = '{')
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
            WHEN 'status' THEN status_name
            WHEN 'contact' THEN coalesce(nullif(json_extract_scalar(thing, '$.State'), 'null'), '')
            WHEN 'configuration' THEN
                coalesce(regexp_extract(json_extract_scalar(thing, '$.RoutingProfile.ARN'),
                    '/routing-profile/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level1.ARN'),
                    '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level2.ARN'),
                    '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level3.ARN'),
                    '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level4.ARN'),
                    '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(regexp_extract(json_extract_scalar(thing, '$.AgentHierarchyGroups.Level5.ARN'),
                    '/agent-group/(.+)$', 1), '') || '|'
                || coalesce(json_extract_scalar(thing, '$.RoutingProfile.Name'), '')
        END AS state,
        CASE
            WHEN kind <> 'status' THEN NULL
            WHEN status_type IN ('ROUTABLE', 'CUSTOM', 'OFFLINE') THEN status_type
            WHEN status_name IN ('Available', 'Error') THEN 'ROUTABLE'
            WHEN status_name = 'Offline' THEN 'OFFLINE'
            ELSE 'CUSTOM'
        END AS status_class,
        CASE json_extract_scalar(thing, '$.Channel') WHEN 'TASKS'
            THEN 'TASK' ELSE nullif(nullif(json_extract_scalar(thing, '$.Channel'), ''), 'null') END
            AS channel,
        nullif(nullif(json_extract_scalar(thing, '$.InitiationMethod'), ''), 'null') AS initiation_method,
        nullif(regexp_extract(json_extract_scalar(thing, '$.Queue.ARN'), '/queue/(agent/|)(.+)$', 2), '') AS queue_id,
        nullif(nullif(json_extract_scalar(thing, '$.ConnectedToAgentTimestamp'), ''), 'null') IS NOT NULL AS is_connected
    FROM shown
    WHERE contact_id IS NOT NULL
),
-- Previous snapshots count only for states that began after every known one.
news AS (
    SELECT *
    FROM (
        SELECT
            *,
            max(CASE WHEN place = 1 THEN number END) OVER so_far AS number_held,
            max(CASE WHEN place = 1 THEN stamp END) OVER so_far AS stamp_held
        FROM read
        WINDOW so_far AS (
            PARTITION BY instance_id, region, agent_id, session, kind, contact_id
            ORDER BY version, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    )
    WHERE place = 1
       OR CASE
            WHEN kind = 'configuration' THEN is_first_session AND number_held IS NULL
            WHEN stamp IS NULL OR stamp > event_timestamp THEN false
            WHEN kind = 'status' THEN stamp_held IS NULL OR stamp > stamp_held
            WHEN number_held = number - 1 THEN stamp_held IS NULL OR stamp > stamp_held
            ELSE shown_before IS NULL OR stamp > shown_before
        END
),
-- A run is a contact from its first snapshot until it is gone.
runs AS (
    SELECT
        *,
        sum(CASE WHEN number_before IS NULL OR (kind = 'contact' AND number_before < number - 1) THEN 1 ELSE 0 END) OVER (
            PARTITION BY instance_id, region, agent_id, session, kind, contact_id
            ORDER BY version, place
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS run
    FROM (
        SELECT
            *,
            lag(number) OVER (PARTITION BY instance_id, region, agent_id, session, kind, contact_id ORDER BY version, place)
                AS number_before
        FROM news
    )
),
-- Only rows in which something changed.
changes AS (
    SELECT
        *,
        CASE WHEN stamp_before IS NULL
            OR stamp > stamp_before THEN coalesce(stamp, event_timestamp) ELSE event_timestamp END AS claimed_start
    FROM (
        SELECT
            *,
            lag(state) OVER of_run AS state_before,
            lag(stamp) OVER of_run AS stamp_before,
            row_number() OVER of_run AS in_run,
            CASE WHEN kind = 'contact' THEN max(coalesce(next_timestamp, session_end)) OVER whole_run ELSE session_end END
                AS run_end,
            kind <> 'contact' OR bool_or(next_timestamp IS NULL) OVER whole_run AS reaches_end
        FROM runs
        WINDOW
            of_run AS (PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run ORDER BY version, place),
            whole_run AS (PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run)
    )
    WHERE in_run = 1
       OR state IS DISTINCT FROM state_before
       OR (kind = 'status' AND stamp IS DISTINCT FROM stamp_before)
),
-- A state never begins before the previous one, nor before the session.
guarded AS (
    SELECT
        *,
        CASE
            WHEN kind = 'configuration' AND in_run = 1 AND is_first_session THEN TIMESTAMP '0001-01-01 00:00:00.000'
            WHEN kind = 'configuration' AND in_run = 1 THEN session_start
            ELSE max(greatest(
                CASE WHEN claimed_before IS NULL OR claimed_start > claimed_before THEN claimed_start ELSE event_timestamp END,
                session_start
            )) OVER (
                PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run
                ORDER BY version, place
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        END AS start_timestamp
    FROM (
        SELECT
            *,
            max(claimed_start) OVER (
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
    outcome IS NOT NULL AND coalesce(initiation_method NOT IN ('OUTBOUND', 'EXTERNAL_OUTBOUND', 'MONITOR'), true) AS is_offer,
    is_open,
    CASE WHEN kind = 'configuration' THEN state END AS configuration,
    start_timestamp,
    end_timestamp
FROM (
    SELECT
        *,
        CASE
            WHEN is_open OR state NOT IN ('CONNECTING', 'INCOMING') OR kind <> 'contact' THEN NULL
            WHEN next_state IS NULL THEN 'gone'
            WHEN next_state IN ('CONNECTING', 'INCOMING') THEN NULL
            WHEN next_state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED') OR (next_state = 'ENDED' AND next_is_connected)
                THEN 'connected'
            WHEN next_state IN ('MISSED', 'REJECTED', 'ERROR') THEN lower(next_state)
            ELSE 'other'
        END AS outcome
    FROM (
        SELECT
            *,
            lead(state) OVER of_run AS next_state,
            coalesce(lead(is_connected) OVER of_run, false) AS next_is_connected,
            greatest(coalesce(lead(start_timestamp) OVER of_run, run_end), start_timestamp) AS end_timestamp,
            lead(number) OVER of_run IS NULL AND is_running AND reaches_end AS is_open
        FROM (SELECT * FROM guarded WHERE kind <> 'contact' OR start_timestamp <= session_end)
        WINDOW of_run AS (PARTITION BY instance_id, region, agent_id, session, kind, contact_id, run ORDER BY version, place)
    )
)
WHERE kind = 'contact'
   OR start_timestamp < end_timestamp
   -- If two configurations fall into one millisecond, the later one.
   OR (kind = 'configuration' AND next_state IS NULL)
