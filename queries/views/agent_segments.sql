-- Each agent's time, in segments without a change of state. Segments are split at 15-minute interval boundaries (UTC).
--
-- In a segment, an agent has one status, one routing profile, and one hierarchy. If the instance has a replica in another
-- Region, the states in both Regions are combined: a ROUTABLE status is used before a CUSTOM one, and both before OFFLINE,
-- and contacts in both Regions are counted. connecting is the number of contacts in a CONNECTING state that is followed by
-- CONNECTED, MISSED, ERROR, or REJECTED. agent_non_response, offers_accepted, and connecting_attempts count the offers and
-- attempts that ended at the start of the segment. They are counted under the configuration that applies from that time.
--
-- Columns: instance_id varchar, agent_id varchar, routing_profile_id varchar, routing_profile_name varchar,
--          level1_id varchar, level2_id varchar, level3_id varchar, level4_id varchar, level5_id varchar,
--          interval_start timestamp(3), start_timestamp timestamp(3), end_timestamp timestamp(3), milliseconds bigint,
--          status_name varchar, status_class varchar, is_on_contact boolean, is_in_error boolean, is_missed boolean,
--          is_open boolean, connecting bigint, connecting_inbound bigint, connecting_outbound bigint,
--          connecting_callback bigint, connecting_api bigint, connecting_callback_customer_first_dialed bigint,
--          agent_non_response bigint, offers_accepted bigint, connecting_attempts bigint,
--          connecting_attempts_inbound bigint, connecting_attempts_outbound bigint,
--          connecting_attempts_callback bigint, connecting_attempts_api bigint,
--          connecting_attempts_callback_customer_first_dialed bigint
WITH
-- Each interval has two edges. One-time outcomes, such as the outcome of an offer, are counted at the end edge.
edges AS (
    SELECT
        *,
        CASE side WHEN 1 THEN start_timestamp ELSE end_timestamp END AS moment,
        side = -1 AND is_offer AS ends_offer,
        side = -1 AND is_connecting AS ends_attempt
    FROM (
        SELECT
            *,
            coalesce(state = 'CONNECTING' AND next_state IN ('CONNECTED', 'MISSED', 'ERROR', 'REJECTED'), false) AS is_connecting
        FROM agent_state_intervals
    )
    CROSS JOIN (VALUES 1, -1) AS sides (side)
    -- A configuration lasts until the next one.
    WHERE kind <> 'configuration' OR side = 1
),
moments AS (
    SELECT
        instance_id,
        agent_id,
        moment,
        max(CASE WHEN kind = 'configuration' THEN configuration END) AS configuration,
        max(CASE WHEN kind = 'status' AND side = 1 AND status_class <> 'OFFLINE' THEN coalesce(state, '') END) AS online_name,
        max(CASE WHEN kind = 'status' AND side = 1 AND status_class = 'OFFLINE' THEN coalesce(state, '') END) AS offline_name,
        sum(CASE WHEN kind = 'status' AND status_class = 'ROUTABLE' THEN side ELSE 0 END) AS routable,
        sum(CASE WHEN kind = 'status' AND status_class = 'CUSTOM' THEN side ELSE 0 END) AS custom,
        sum(CASE WHEN kind = 'status' AND status_class = 'OFFLINE' THEN side ELSE 0 END) AS offline,
        sum(CASE WHEN kind = 'contact'
            AND state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED') THEN side ELSE 0 END) AS on_contact,
        sum(CASE WHEN kind = 'contact' AND state = 'ERROR' THEN side ELSE 0 END) AS in_error,
        sum(CASE WHEN kind = 'contact' AND state IN ('MISSED', 'REJECTED') THEN side ELSE 0 END) AS missed,
        sum(CASE WHEN kind <> 'configuration' THEN side ELSE 0 END) AS present,
        sum(CASE WHEN kind <> 'configuration' AND is_open THEN side ELSE 0 END) AS open,
        sum(CASE WHEN is_connecting THEN side ELSE 0 END) AS connecting,
        sum(CASE WHEN is_connecting AND initiation_method = 'INBOUND' THEN side ELSE 0 END) AS connecting_inbound,
        sum(CASE WHEN is_connecting AND initiation_method = 'OUTBOUND' THEN side ELSE 0 END) AS connecting_outbound,
        sum(CASE WHEN is_connecting AND initiation_method = 'CALLBACK' THEN side ELSE 0 END) AS connecting_callback,
        sum(CASE WHEN is_connecting AND initiation_method = 'API' THEN side ELSE 0 END) AS connecting_api,
        sum(CASE WHEN is_connecting AND initiation_method = 'CALLBACK_CUSTOMER_FIRST_DIALED' THEN side ELSE 0 END)
            AS connecting_callback_customer_first_dialed,
        count(CASE WHEN ends_offer AND outcome IN ('missed', 'rejected', 'error', 'gone') THEN 1 END) AS agent_non_response,
        count(CASE WHEN ends_offer AND outcome = 'connected' THEN 1 END) AS offers_accepted,
        count(CASE WHEN ends_attempt THEN 1 END) AS connecting_attempts,
        count(CASE WHEN ends_attempt AND initiation_method = 'INBOUND' THEN 1 END) AS connecting_attempts_inbound,
        count(CASE WHEN ends_attempt AND initiation_method = 'OUTBOUND' THEN 1 END) AS connecting_attempts_outbound,
        count(CASE WHEN ends_attempt AND initiation_method = 'CALLBACK' THEN 1 END) AS connecting_attempts_callback,
        count(CASE WHEN ends_attempt AND initiation_method = 'API' THEN 1 END) AS connecting_attempts_api,
        count(CASE WHEN ends_attempt AND initiation_method = 'CALLBACK_CUSTOMER_FIRST_DIALED' THEN 1 END)
            AS connecting_attempts_callback_customer_first_dialed
    FROM edges
    GROUP BY instance_id, agent_id, moment
),
in_order AS (
    SELECT *, lpad(CAST(row_number()
        OVER (PARTITION BY instance_id, agent_id ORDER BY moment) AS varchar), 12, '0') || '|' AS place
    FROM moments
),
segments AS (
    SELECT
        instance_id,
        agent_id,
        moment,
        lead(moment) OVER of_agent AS next_moment,
        -- The latest so far.
        max(CASE WHEN configuration IS NOT NULL THEN place || configuration END) OVER so_far AS configuration,
        max(CASE WHEN online_name IS NOT NULL THEN place || online_name END) OVER so_far AS online_name,
        max(CASE WHEN offline_name IS NOT NULL THEN place || offline_name END) OVER so_far AS offline_name,
        sum(routable) OVER so_far AS routable,
        sum(custom) OVER so_far AS custom,
        sum(offline) OVER so_far AS offline,
        sum(on_contact) OVER so_far AS on_contact,
        sum(in_error) OVER so_far AS in_error,
        sum(missed) OVER so_far AS missed,
        sum(present) OVER so_far AS present,
        sum(open) OVER so_far AS open,
        sum(connecting) OVER so_far AS connecting,
        sum(connecting_inbound) OVER so_far AS connecting_inbound,
        sum(connecting_outbound) OVER so_far AS connecting_outbound,
        sum(connecting_callback) OVER so_far AS connecting_callback,
        sum(connecting_api) OVER so_far AS connecting_api,
        sum(connecting_callback_customer_first_dialed) OVER so_far AS connecting_callback_customer_first_dialed,
        agent_non_response,
        offers_accepted,
        connecting_attempts,
        connecting_attempts_inbound,
        connecting_attempts_outbound,
        connecting_attempts_callback,
        connecting_attempts_api,
        connecting_attempts_callback_customer_first_dialed
    FROM in_order
    WINDOW
        of_agent AS (PARTITION BY instance_id, agent_id ORDER BY moment),
        so_far AS (PARTITION BY instance_id, agent_id ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
cut AS (
    SELECT
        *,
        date_trunc('day', moment) + day * INTERVAL '1' DAY + quarter * INTERVAL '15' MINUTE AS interval_start
    FROM (
        SELECT
            *,
            date_diff('day', date_trunc('day', moment), date_trunc('day', end_moment)) AS days,
            CAST((hour(moment) * 60 + minute(moment) - minute(moment) % 15) / 15 AS bigint) AS first_quarter,
            CAST((hour(end_moment) * 60 + minute(end_moment) - minute(end_moment) % 15) / 15 AS bigint) AS last_quarter
        FROM (
            SELECT *, CASE WHEN present > 0 THEN coalesce(next_moment, moment) ELSE moment END AS end_moment
            FROM segments
        )
        WHERE present > 0
           OR agent_non_response + offers_accepted + connecting_attempts > 0
    )
    CROSS JOIN UNNEST(sequence(0, days)) AS of_days (day)
    CROSS JOIN UNNEST(sequence(
        CASE WHEN day = 0 THEN first_quarter ELSE 0 END,
        CASE WHEN day = days THEN last_quarter ELSE 95 END
    )) AS of_quarters (quarter)
),
-- The parts of a configuration.
named AS (
    SELECT
        *,
        split_part(configuration, '|', 2) AS routing_profile_id,
        regexp_extract(configuration, '^([^|]*[|]){7}(.*)$', 2) AS routing_profile_name,
        split_part(configuration, '|', 3) AS level1_id,
        split_part(configuration, '|', 4) AS level2_id,
        split_part(configuration, '|', 5) AS level3_id,
        split_part(configuration, '|', 6) AS level4_id,
        split_part(configuration, '|', 7) AS level5_id
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
    greatest(moment, interval_start) AS start_timestamp,
    least(end_moment, interval_start + INTERVAL '15' MINUTE) AS end_timestamp,
    date_diff('millisecond', greatest(moment, interval_start), least(end_moment, interval_start + INTERVAL '15' MINUTE))
        AS milliseconds,
    -- An instance with a replica may show an agent as offline in the Region in which the agent does not work.
    CASE
        WHEN routable + custom > 0 THEN substr(online_name, strpos(online_name, '|') + 1)
        WHEN offline > 0 THEN substr(offline_name, strpos(offline_name, '|') + 1)
    END AS status_name,
    CASE WHEN routable > 0 THEN 'ROUTABLE' WHEN custom > 0 THEN 'CUSTOM' WHEN offline > 0 THEN 'OFFLINE' END
        AS status_class,
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
    CASE WHEN interval_start <= moment THEN connecting_attempts_callback_customer_first_dialed ELSE 0 END
        AS connecting_attempts_callback_customer_first_dialed
FROM named
-- A segment that ends on an interval boundary has no time in the interval that begins there.
WHERE interval_start < end_moment
   OR interval_start <= moment
