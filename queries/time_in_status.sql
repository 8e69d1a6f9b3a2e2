-- Time in status: how much time agents spent in each status, split at interval boundaries.
--
-- Amazon Connect: agent status time by status
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
--
-- Columns: local_start, instance_id, agent_id, agent_username (null if no record has one), routing_profile_id,
--          routing_profile_name, status_name, status_class, hours, is_open
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          routing profile (name or ID, or *)
WITH
{given asked=by_routing_profile},
{agents view=agent_segments},
{names}
SELECT
    local_start,
    agents.instance_id,
    agents.agent_id,
    max(agent_username) AS agent_username,
    routing_profile_id,
    max_by(routing_profile_name, instant) AS routing_profile_name,
    status_name,
    status_class,
    CAST(sum(milliseconds) AS double) / 3600000 AS hours,
    bool_or(is_open AND milliseconds > 0) AS is_open
FROM agents
LEFT JOIN names
    ON names.instance_id = agents.instance_id
    AND names.agent_id = agents.agent_id
WHERE status_class IS NOT NULL
GROUP BY local_start, agents.instance_id, agents.agent_id, routing_profile_id, status_name, status_class
ORDER BY min(min(interval_start)) OVER (PARTITION BY local_start), agents.instance_id, agents.agent_id, routing_profile_id, status_name, status_class
