-- Hold and transfer: how often contacts were put on hold or transferred.
--
-- Amazon Connect: contacts put on hold, average customer hold time, average holds, and contacts transferred out
-- (all, by agent, internal, external)
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Only completed cold transfers
-- are counted. A warm transfer, in which the first agent stays until the second agent joins, is not counted.
--
-- contacts_transferred_unanswered is a substitute for Amazon's contacts transferred out from queue, whose rule needs
-- a field that contact records do not have. It counts contacts that were queued and transferred without a connected
-- agent. contacts_continued is our own metric. It counts contacts with a next contact but without a completed
-- transfer, for example because a survey, a callback, or a conference followed. Holds are counted with
-- NumberOfHolds. A hold that lasts less than one second has a duration of 0.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts_handled, contacts_put_on_hold, hold_rate
--          (contacts put on hold, divided by contacts handled, 0 to 1), avg_hold_time (seconds, over contacts that
--          were on hold), avg_holds (over all contacts that ended), contacts_transferred_out,
--          contacts_transferred_out_by_agent, contacts_transferred_out_internal, contacts_transferred_out_external,
--          contacts_transferred_unanswered, contacts_continued
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
    sum(contacts_handled) AS contacts_handled,
    sum(contacts_put_on_hold) AS contacts_put_on_hold,
    CAST(sum(contacts_put_on_hold) AS double) / nullif(sum(contacts_handled), 0) AS hold_rate,
    CAST(sum(sum_hold_time) AS double) / nullif(sum(hold_time_contacts), 0) AS avg_hold_time,
    CAST(sum(sum_holds) AS double) / nullif(sum(holds_contacts), 0) AS avg_holds,
    sum(contacts_transferred_out) AS contacts_transferred_out,
    sum(contacts_transferred_out_by_agent) AS contacts_transferred_out_by_agent,
    sum(contacts_transferred_out_internal) AS contacts_transferred_out_internal,
    sum(contacts_transferred_out_external) AS contacts_transferred_out_external,
    sum(contacts_transferred_unanswered) AS contacts_transferred_unanswered,
    sum(contacts_continued) AS contacts_continued
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
