-- Abandonment: how many queued contacts ended although they reached no agent, were not transferred, and had no next contact.
--
-- Amazon Connect: contacts abandoned, abandonment rate, average queue abandon time
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Contacts are counted regardless
-- of their disconnect reason. Callbacks and API contacts are also counted.
--
-- contacts_customer_gave_up is our own metric. It counts abandoned contacts that the customer disconnected.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts_queued, contacts_abandoned,
--          abandonment_rate (0 to 1), avg_abandon_time (seconds), contacts_customer_gave_up
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
    sum(contacts_queued) AS contacts_queued,
    sum(contacts_abandoned) AS contacts_abandoned,
    CAST(sum(contacts_abandoned) AS double) / nullif(sum(contacts_queued), 0) AS abandonment_rate,
    CAST(sum(sum_abandon_time) AS double) / nullif(sum(abandon_time_contacts), 0) AS avg_abandon_time,
    sum(contacts_customer_gave_up) AS contacts_customer_gave_up
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
