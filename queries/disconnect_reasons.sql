-- Disconnect reasons: why contacts ended: one count for all contacts, and one for handled contacts only.
--
-- Amazon Connect: contacts handled by disconnect reason; the metric "Contacts agent hung up first" counts those with
-- the reason AGENT_DISCONNECT (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, disconnect_reason, contacts_ended,
--          contacts_handled, contacts_abandoned
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
    disconnect_reason,
    sum(contacts_ended) AS contacts_ended,
    sum(contacts_handled) AS contacts_handled,
    sum(contacts_abandoned) AS contacts_abandoned
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel, disconnect_reason
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel, disconnect_reason
