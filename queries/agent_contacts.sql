-- Agent contacts: how many contacts each agent handled, and the handle time of those contacts.
--
-- Amazon Connect: contacts handled, contacts agent hung up first, contacts put on hold, contacts transferred out by
-- agent, and the averages of handle time and its components, by agent
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
--
-- Columns: local_start, instance_id, agent_id, agent_username (null if no record has one), routing_profile_id,
--          routing_profile_name, channel, contacts_handled, contacts_agent_hung_up_first, contacts_put_on_hold,
--          contacts_transferred_out_by_agent, contacts_transferred_out_internal, contacts_transferred_out_external,
--          sum_handle_time, avg_handle_time, avg_interaction_time, avg_hold_time, avg_hold_time_all_contacts,
--          avg_after_contact_work_time, avg_active_time, avg_agent_pause_time (seconds)
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
    sum(contacts_agent_hung_up_first) AS contacts_agent_hung_up_first,
    sum(contacts_put_on_hold) AS contacts_put_on_hold,
    sum(contacts_transferred_out_by_agent) AS contacts_transferred_out_by_agent,
    sum(contacts_transferred_out_internal) AS contacts_transferred_out_internal,
    sum(contacts_transferred_out_external) AS contacts_transferred_out_external,
    sum(sum_handle_time) AS sum_handle_time,
    CAST(sum(sum_handle_time) AS double) / nullif(sum(handle_time_contacts), 0) AS avg_handle_time,
    CAST(sum(sum_interaction_time) AS double) / nullif(sum(interaction_time_contacts), 0) AS avg_interaction_time,
    CAST(sum(sum_hold_time) AS double) / nullif(sum(hold_time_contacts), 0) AS avg_hold_time,
    CAST(sum(sum_hold_time) AS double) / nullif(sum(contacts_handled), 0) AS avg_hold_time_all_contacts,
    CAST(sum(sum_after_contact_work_time) AS double) / nullif(sum(after_contact_work_time_contacts), 0)
        AS avg_after_contact_work_time,
    CAST(sum(sum_active_time) AS double) / nullif(sum(active_time_contacts), 0) AS avg_active_time,
    CAST(sum(sum_agent_pause_time) AS double) / nullif(sum(agent_pause_time_contacts), 0) AS avg_agent_pause_time
FROM contacts
GROUP BY local_start, instance_id, agent_id, routing_profile_id, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, agent_id, routing_profile_id, channel
