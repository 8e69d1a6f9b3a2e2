-- Contact times: how long contacts lasted, until they were resolved, in the flow, and until an agent first answered in a
-- chat.
--
-- Amazon Connect: average contact duration, average resolution time, contact flow time, average contact first response time
-- agent, contacts resolved in X (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Of
-- several ends of the flow the queue counts before the transfer, and that before the disconnection.
--
-- Of chat metrics only the first response is here.
--
-- Columns: local_start (of the interval, by the clock of the time zone, with its offset; a day or the Monday of a week as a
-- date), instance_id, queue_id, queue_name, channel, avg_contact_duration, avg_resolution_time, sum_contact_flow_time,
-- avg_contact_flow_time, avg_contact_first_response_time_agent (seconds), contacts_resolved_in_60, contacts_resolved_in_600
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
    CAST(sum(sum_contact_duration) AS double) / nullif(sum(contact_duration_contacts), 0) AS avg_contact_duration,
    CAST(sum(sum_resolution_time) AS double) / nullif(sum(resolution_time_contacts), 0) AS avg_resolution_time,
    sum(sum_contact_flow_time) AS sum_contact_flow_time,
    CAST(sum(sum_contact_flow_time) AS double) / nullif(sum(contact_flow_time_contacts), 0) AS avg_contact_flow_time,
    CAST(sum(sum_contact_first_response_time_agent) AS double) / nullif(sum(contact_first_response_time_agent_contacts), 0) AS avg_contact_first_response_time_agent,
    sum(contacts_resolved_in_60) AS contacts_resolved_in_60,
    sum(contacts_resolved_in_600) AS contacts_resolved_in_600
FROM contacts
GROUP BY local_start, instance_id, queue_id, channel
ORDER BY min(instant), instance_id, queue_id, channel
