-- Disconnect reasons: why contacts ended, all of them and those handled.
--
-- Amazon Connect: contacts handled by disconnect reason; contacts agent hung up first is reason AGENT_DISCONNECT
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
--
-- Columns: local_start (of the interval, by the clock of the time zone, with its offset; a day or the Monday of a week as a
-- date), instance_id, queue_id, queue_name, channel, disconnect_reason, contacts_ended, contacts_handled,
-- contacts_abandoned
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5 queue (name or
--             id, or *), 6 include simulated contacts (true, false), 7 look-back in days
WITH
{given asked=of_contacts},
{contacts view=queue_intervals instant=interval_start name=queue}
SELECT
    local_start,
    instance_id,
    queue_id,
    max(queue_name) AS queue_name,
    channel,
    disconnect_reason,
    sum(contacts_ended) AS contacts_ended,
    sum(contacts_handled) AS contacts_handled,
    sum(contacts_abandoned) AS contacts_abandoned
FROM contacts
GROUP BY local_start, instance_id, queue_id, channel, disconnect_reason
ORDER BY min(instant), instance_id, queue_id, channel, disconnect_reason
