-- Speed of answer: how long contacts waited in queue before being connected to an agent.
--
-- Amazon Connect: average queue answer time (ASA), by disconnection and by enqueue timestamp, and maximum queued
-- time (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Time in the queue includes
-- ringing and whispers. The maximum is over all queued contacts, including those that were not answered.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, answered, avg_queue_answer_time (seconds),
--          answered_by_enqueue, avg_queue_answer_time_by_enqueue (seconds), max_queued_time (seconds)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          queue (name or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days
WITH
{given asked=by_queue},
{contacts view=queue_intervals instant=interval_start name=queue}
SELECT
    local_start,
    instance_id,
    queue_id,
    max_by(queue_name, instant) AS queue_name,
    agent_queue,
    channel,
    sum(queue_answer_time_contacts) AS answered,
    CAST(sum(sum_queue_answer_time) AS double) / nullif(sum(queue_answer_time_contacts), 0) AS avg_queue_answer_time,
    sum(queue_answer_time_by_enqueue_contacts) AS answered_by_enqueue,
    CAST(sum(sum_queue_answer_time_by_enqueue) AS double) / nullif(sum(queue_answer_time_by_enqueue_contacts), 0)
        AS avg_queue_answer_time_by_enqueue,
    max(max_queued_time) AS max_queued_time
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
