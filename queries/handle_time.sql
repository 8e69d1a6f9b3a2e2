-- Handle time: how long agents worked on each contact, in total and per component of handle time.
--
-- Amazon Connect: average handle time, agent interaction time, customer hold time of all contacts, after contact
-- work time, active time, and agent pause time
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). The averages of after-contact
-- work and of the hold time of all contacts include zeros.
--
-- avg_hold_time_all_contacts is divided by the number of contacts handled, as Amazon's text and Connect's figures
-- show. The formula printed on Amazon's page is actually that of avg_hold_time (see hold_and_transfer).
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts_handled, sum_handle_time,
--          avg_handle_time, avg_interaction_time, avg_hold_time_all_contacts, avg_interaction_and_hold_time,
--          avg_after_contact_work_time, avg_active_time, avg_agent_pause_time (seconds)
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
    sum(sum_handle_time) AS sum_handle_time,
    CAST(sum(sum_handle_time) AS double) / nullif(sum(handle_time_contacts), 0) AS avg_handle_time,
    CAST(sum(sum_interaction_time) AS double) / nullif(sum(interaction_time_contacts), 0) AS avg_interaction_time,
    CAST(sum(sum_hold_time) AS double) / nullif(sum(contacts_handled), 0) AS avg_hold_time_all_contacts,
    CAST(sum(sum_interaction_and_hold_time) AS double) / nullif(sum(interaction_and_hold_time_contacts), 0)
        AS avg_interaction_and_hold_time,
    CAST(sum(sum_after_contact_work_time) AS double) / nullif(sum(after_contact_work_time_contacts), 0)
        AS avg_after_contact_work_time,
    CAST(sum(sum_active_time) AS double) / nullif(sum(active_time_contacts), 0) AS avg_active_time,
    CAST(sum(sum_agent_pause_time) AS double) / nullif(sum(agent_pause_time_contacts), 0) AS avg_agent_pause_time
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
