-- After-contact work: how long agents spent in after-contact work (ACW).
--
-- Amazon Connect: average after contact work time
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). The average is over all handled
-- contacts; contacts without after-contact work count as 0.
--
-- average_of_those_with_work is our own metric. It is the average over the contacts with after-contact work.
--
-- Columns: local_start, instance_id, agent_id, agent_username (null if no record has one), routing_profile_id,
--          routing_profile_name, channel, contacts_handled, avg_after_contact_work_time (seconds), contacts_with_work
--          (handled contacts with after-contact work), average_of_those_with_work (seconds), longest_seconds (longest
--          after-contact work)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          routing profile (name or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days
WITH
{given asked=by_routing_profile_of_contacts},
{contacts view=agent_contact_metrics_intervals instant=interval_start name=routing_profile}
SELECT
    local_start,
    instance_id,
    agent_id,
    max(agent_username) AS agent_username,
    routing_profile_id,
    max_by(routing_profile_name, instant) AS routing_profile_name,
    channel,
    sum(contacts_handled) AS contacts_handled,
    CAST(sum(sum_after_contact_work_time) AS double) / nullif(sum(after_contact_work_time_contacts), 0)
        AS avg_after_contact_work_time,
    sum(contacts_with_after_contact_work) AS contacts_with_work,
    CAST(sum(sum_after_contact_work_time) AS double) / nullif(sum(contacts_with_after_contact_work), 0)
        AS average_of_those_with_work,
    max(max_after_contact_work_time) AS longest_seconds
FROM contacts
GROUP BY local_start, instance_id, agent_id, routing_profile_id, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, agent_id, routing_profile_id, channel
