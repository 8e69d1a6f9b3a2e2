-- Contact times: contact duration, resolution time, and flow time; for chats, also agent first response time.
--
-- Amazon Connect: average contact duration, average resolution time, contact flow time, average contact first
-- response time agent, and contacts resolved in X seconds
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Flow time ends when the contact
-- is queued or, if it never is, when it is transferred or, if it never is, when it disconnects.
--
-- First response time is the only chat metric that is computed.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, avg_contact_duration, avg_resolution_time,
--          sum_contact_flow_time, avg_contact_flow_time, avg_contact_first_response_time_agent (seconds),
--          contacts_resolved_in_60, contacts_resolved_in_600
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
    CAST(sum(sum_contact_duration) AS double) / nullif(sum(contact_duration_contacts), 0) AS avg_contact_duration,
    CAST(sum(sum_resolution_time) AS double) / nullif(sum(resolution_time_contacts), 0) AS avg_resolution_time,
    sum(sum_contact_flow_time) AS sum_contact_flow_time,
    CAST(sum(sum_contact_flow_time) AS double) / nullif(sum(contact_flow_time_contacts), 0) AS avg_contact_flow_time,
    CAST(sum(sum_contact_first_response_time_agent) AS double) / nullif(sum(contact_first_response_time_agent_contacts), 0)
        AS avg_contact_first_response_time_agent,
    sum(contacts_resolved_in_60) AS contacts_resolved_in_60,
    sum(contacts_resolved_in_600) AS contacts_resolved_in_600
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
