-- Service level: how many queued contacts left the queue within the threshold, regardless of outcome.
--
-- Amazon Connect: service level X, contacts removed from queue in X seconds, contacts answered in X seconds, and
-- contacts abandoned in X seconds (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
-- Connect counts a contact that was abandoned within the threshold as a success.
--
-- Time in the queue is Queue.Duration, in whole seconds. LT (Connect's default) means less than the threshold X. LTE
-- means less than or equal to X. On another Amazon page, service level is defined like answered_in_time_rate, but
-- Connect does not show that value. The view queue_intervals has the LT counts for fixed thresholds.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts_queued,
--          contacts_removed_from_queue_in_x, sum_contacts_answered_in_x, sum_contacts_abandoned_in_x, service_level
--          (0 to 1), answered_in_time_rate (0 to 1)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          queue (name or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days, 8 threshold in
--          seconds, 9 comparison (LT, LTE)
WITH
{given asked=by_queue},
wanted AS (
    SELECT
        threshold,
        CASE
            WHEN comparison = 'LT' THEN false
            WHEN comparison = 'LTE' THEN true
            ELSE CAST(CAST('the comparison ' || comparison || ' is neither LT nor LTE' AS bigint) AS boolean)
        END AS or_equal
    FROM (SELECT CAST(? AS bigint) AS threshold, CAST(? AS varchar) AS comparison)
),
{contacts view=contact_metrics instant=disconnect_timestamp name=queue},
compared AS (
    SELECT
        *,
        queued_time < threshold OR (or_equal AND queued_time = threshold) AS is_in_time
    FROM contacts
    CROSS JOIN wanted
)
SELECT
    local_start,
    instance_id,
    queue_id,
    max_by(queue_name, instant) AS queue_name,
    agent_queue,
    channel,
    count(CASE WHEN queued THEN 1 END) AS contacts_queued,
    count(CASE WHEN is_in_time THEN 1 END) AS contacts_removed_from_queue_in_x,
    count(CASE WHEN is_in_time AND queue_answer_time IS NOT NULL THEN 1 END) AS sum_contacts_answered_in_x,
    count(CASE WHEN is_in_time AND abandon_time IS NOT NULL THEN 1 END) AS sum_contacts_abandoned_in_x,
    CAST(count(CASE WHEN is_in_time THEN 1 END) AS double) / nullif(count(CASE WHEN queued THEN 1 END), 0) AS service_level,
    CAST(count(CASE WHEN is_in_time AND queue_answer_time IS NOT NULL THEN 1 END) AS double)
        / nullif(count(CASE WHEN queued THEN 1 END), 0) AS answered_in_time_rate
FROM compared
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
