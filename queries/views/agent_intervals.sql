-- Amazon Connect agent activity metrics in 15-minute intervals (UTC), with durations split exactly at interval boundaries.
--
-- An agent is online in any status except Offline. On contact time is time in a status of type ROUTABLE (Available) with at
-- least one contact connected, on hold, paused, or in after-contact work. Time with two contacts at once is counted once.
-- The rest of the time in such a status is idle time, including time with ringing, missed, rejected, or failed contacts.
-- Error status time is part of idle time. Time in a custom status is non-productive time, whether the agent works or not.
-- Online time is the sum of on contact time, idle time, and non-productive time. An offer is either accepted or not
-- responded to. A non-response is an offer that was missed, was rejected, failed, or disappeared from the agent's list. An
-- offer is counted in the interval in which the ringing ended. Connecting time is time in state CONNECTING before CONNECTED,
-- MISSED, ERROR, or REJECTED, summed over contacts. is_open is true if a state had not ended by the agent's last event. The
-- state is counted up to that event.
--
-- Columns: instance_id varchar, agent_id varchar, routing_profile_id varchar, routing_profile_name varchar,
--          level1_id varchar, level2_id varchar, level3_id varchar, level4_id varchar, level5_id varchar,
--          interval_start timestamp(3), sum_online_time_agent double, sum_contact_time_agent double,
--          sum_idle_time_agent double, sum_non_productive_time_agent double, sum_error_status_time_agent double,
--          missed_or_rejected_time double, agent_non_response bigint, offers_accepted bigint,
--          sum_connecting_time_agent double, connecting_attempts bigint, sum_connecting_time_agent_inbound double,
--          connecting_attempts_inbound bigint, sum_connecting_time_agent_outbound double,
--          connecting_attempts_outbound bigint, sum_connecting_time_agent_callback double,
--          connecting_attempts_callback bigint, sum_connecting_time_agent_api double, connecting_attempts_api bigint,
--          sum_connecting_time_agent_callback_customer_first_dialed double,
--          connecting_attempts_callback_customer_first_dialed bigint, is_open boolean
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
    CAST(coalesce(sum(CASE WHEN status_class IN ('ROUTABLE', 'CUSTOM') THEN milliseconds END), 0) AS double) / 1000
        AS sum_online_time_agent,
    CAST(coalesce(sum(CASE WHEN status_class = 'ROUTABLE' AND is_on_contact THEN milliseconds END), 0) AS double) / 1000
        AS sum_contact_time_agent,
    CAST(coalesce(sum(CASE WHEN status_class = 'ROUTABLE'
        AND NOT is_on_contact THEN milliseconds END), 0) AS double) / 1000 AS sum_idle_time_agent,
    CAST(coalesce(sum(CASE WHEN status_class = 'CUSTOM' THEN milliseconds END), 0) AS double) / 1000
        AS sum_non_productive_time_agent,
    CAST(coalesce(sum(CASE WHEN status_class = 'ROUTABLE' AND NOT is_on_contact
        AND is_in_error THEN milliseconds END), 0) AS double) / 1000 AS sum_error_status_time_agent,
    CAST(coalesce(sum(CASE WHEN status_class = 'ROUTABLE' AND NOT is_on_contact
        AND is_missed THEN milliseconds END), 0) AS double) / 1000 AS missed_or_rejected_time,
    sum(agent_non_response) AS agent_non_response,
    sum(offers_accepted) AS offers_accepted,
    CAST(sum(connecting * milliseconds) AS double) / 1000 AS sum_connecting_time_agent,
    sum(connecting_attempts) AS connecting_attempts,
    CAST(sum(connecting_inbound * milliseconds) AS double) / 1000 AS sum_connecting_time_agent_inbound,
    sum(connecting_attempts_inbound) AS connecting_attempts_inbound,
    CAST(sum(connecting_outbound * milliseconds) AS double) / 1000 AS sum_connecting_time_agent_outbound,
    sum(connecting_attempts_outbound) AS connecting_attempts_outbound,
    CAST(sum(connecting_callback * milliseconds) AS double) / 1000 AS sum_connecting_time_agent_callback,
    sum(connecting_attempts_callback) AS connecting_attempts_callback,
    CAST(sum(connecting_api * milliseconds) AS double) / 1000 AS sum_connecting_time_agent_api,
    sum(connecting_attempts_api) AS connecting_attempts_api,
    CAST(sum(connecting_callback_customer_first_dialed * milliseconds) AS double) / 1000
        AS sum_connecting_time_agent_callback_customer_first_dialed,
    sum(connecting_attempts_callback_customer_first_dialed) AS connecting_attempts_callback_customer_first_dialed,
    bool_or(is_open AND milliseconds > 0) AS is_open
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
    interval_start
