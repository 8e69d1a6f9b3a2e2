-- Agent activity: how long agents were online, on a contact, idle, or in a custom status.
--
-- Amazon Connect: online time, agent on contact time, agent idle time, non-productive time, error status time,
-- occupancy, and contact time, idle time, and non-productive time as shares of online time
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Time is split at interval
-- boundaries. Two Amazon pages count ringing as idle time and one does not. We count it as idle time.
--
-- missed_or_rejected_time is our own metric. It is idle time during which the agent had a missed or rejected
-- contact. is_open is true if a state had not ended by the agent's last event. The state is counted up to that
-- event.
--
-- Columns: local_start, instance_id, agent_id, agent_username (null if no record has one), routing_profile_id,
--          routing_profile_name, sum_online_time_agent, sum_contact_time_agent, sum_idle_time_agent,
--          sum_non_productive_time_agent, sum_error_status_time_agent, missed_or_rejected_time (seconds),
--          percent_agent_on_contact_time, percent_agent_idle_time, percent_non_productive_time, agent_occupancy (0 to
--          1), is_open
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          routing profile (name or ID, or *)
WITH
{given asked=by_routing_profile},
{agents view=agent_intervals},
{names}
SELECT
    local_start,
    agents.instance_id,
    agents.agent_id,
    max(agent_username) AS agent_username,
    routing_profile_id,
    max_by(routing_profile_name, instant) AS routing_profile_name,
    round(sum(sum_online_time_agent), 3) AS sum_online_time_agent,
    round(sum(sum_contact_time_agent), 3) AS sum_contact_time_agent,
    round(sum(sum_idle_time_agent), 3) AS sum_idle_time_agent,
    round(sum(sum_non_productive_time_agent), 3) AS sum_non_productive_time_agent,
    round(sum(sum_error_status_time_agent), 3) AS sum_error_status_time_agent,
    round(sum(missed_or_rejected_time), 3) AS missed_or_rejected_time,
    CAST(sum(sum_contact_time_agent) AS double) / nullif(sum(sum_online_time_agent), 0) AS percent_agent_on_contact_time,
    CAST(sum(sum_idle_time_agent) AS double) / nullif(sum(sum_online_time_agent), 0) AS percent_agent_idle_time,
    CAST(sum(sum_non_productive_time_agent) AS double) / nullif(sum(sum_online_time_agent), 0) AS percent_non_productive_time,
    CAST(sum(sum_contact_time_agent) AS double) / nullif(sum(sum_contact_time_agent) + sum(sum_idle_time_agent), 0)
        AS agent_occupancy,
    bool_or(is_open) AS is_open
FROM agents
LEFT JOIN names
    ON names.instance_id = agents.instance_id
    AND names.agent_id = agents.agent_id
GROUP BY local_start, agents.instance_id, agents.agent_id, routing_profile_id
ORDER BY min(min(interval_start)) OVER (PARTITION BY local_start), agents.instance_id, agents.agent_id, routing_profile_id
