-- Handle time percentiles: median, 90th percentile, and maximum handle time.
--
-- Amazon Connect reports only averages. Percentiles are exact, by the nearest-rank method.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts (number of contacts with a handle time),
--          median_seconds, p90_seconds (90th percentile), longest_seconds (maximum)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          queue (name or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days
WITH
{given asked=by_queue},
{contacts view=contact_metrics instant=disconnect_timestamp name=queue},
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY local_start, instance_id, queue_id, agent_queue, channel ORDER BY handle_time) AS place,
        count(*) OVER (PARTITION BY local_start, instance_id, queue_id, agent_queue, channel) AS contacts
    FROM contacts
    WHERE handle_time IS NOT NULL
)
SELECT
    local_start,
    instance_id,
    queue_id,
    max_by(queue_name, instant) AS queue_name,
    agent_queue,
    channel,
    count(*) AS contacts,
    min(CASE WHEN place * 2 >= contacts THEN handle_time END) AS median_seconds,
    min(CASE WHEN place * 10 >= contacts * 9 THEN handle_time END) AS p90_seconds,
    max(handle_time) AS longest_seconds
FROM ranked
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
