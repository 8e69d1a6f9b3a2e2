-- Time in status: how long agents were in each status.
--
-- Amazon Connect: agent status time, which counts a status by the interval it was in; here it counts for the day on
-- which it began, and once it has ended.
--
-- Columns: status_date, instance_id, agent_id, status_name, status_type, times, hours
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    CAST(CAST(start_timestamp AS date) AS varchar) AS status_date,
    instance_id,
    agent_id,
    name AS status_name,
    status_type,
    count(*) AS times,
    sum(seconds) / 3600 AS hours
FROM agent_status_intervals
WHERE CAST(CAST(start_timestamp AS date) AS varchar) BETWEEN ? AND ?
GROUP BY CAST(CAST(start_timestamp AS date) AS varchar), instance_id, agent_id, name, status_type
ORDER BY status_date, instance_id, agent_id, status_name, status_type
