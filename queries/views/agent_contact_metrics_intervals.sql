-- Counts, sums, and maximums for handled contacts, per agent and routing profile, in 15-minute intervals (UTC).
--
-- Like queue_intervals, but only for handled contacts. Each contact is counted in the interval in which it was disconnected,
-- for the agent and the routing profile in its record. agent_username is null if the PII policy drops it.
--
-- Columns: contact_date varchar, instance_id varchar, agent_id varchar, agent_username varchar,
--          routing_profile_id varchar, routing_profile_name varchar, channel varchar, simulated boolean,
--          interval_start timestamp(3), contacts_handled bigint, contacts_put_on_hold bigint,
--          contacts_transferred_out_by_agent bigint, contacts_transferred_out_internal bigint,
--          contacts_transferred_out_external bigint, contacts_agent_hung_up_first bigint,
--          contacts_with_after_contact_work bigint, sum_interaction_time bigint, interaction_time_contacts bigint,
--          sum_hold_time bigint, hold_time_contacts bigint, sum_interaction_and_hold_time bigint,
--          interaction_and_hold_time_contacts bigint, sum_after_contact_work_time bigint,
--          after_contact_work_time_contacts bigint, sum_handle_time bigint, handle_time_contacts bigint,
--          sum_active_time bigint, active_time_contacts bigint, sum_agent_pause_time bigint,
--          agent_pause_time_contacts bigint, max_after_contact_work_time bigint, max_handle_time bigint
SELECT
    contact_date,
    instance_id,
    agent_id,
    max(agent_username) AS agent_username,
    routing_profile_id,
    routing_profile_name,
    channel,
    simulated,
    interval_start,
    count(*) AS contacts_handled,
    count(CASE WHEN put_on_hold THEN 1 END) AS contacts_put_on_hold,
    count(CASE WHEN transferred_out_by_agent THEN 1 END) AS contacts_transferred_out_by_agent,
    count(CASE WHEN transferred_out_by_agent AND NOT transferred_out_external THEN 1 END)
        AS contacts_transferred_out_internal,
    count(CASE WHEN transferred_out_external THEN 1 END) AS contacts_transferred_out_external,
    count(CASE WHEN agent_hung_up THEN 1 END) AS contacts_agent_hung_up_first,
    count(CASE WHEN after_contact_work_time > 0 THEN 1 END) AS contacts_with_after_contact_work,
    coalesce(sum(interaction_time), 0) AS sum_interaction_time,
    count(interaction_time) AS interaction_time_contacts,
    coalesce(sum(hold_time), 0) AS sum_hold_time,
    count(hold_time) AS hold_time_contacts,
    coalesce(sum(interaction_and_hold_time), 0) AS sum_interaction_and_hold_time,
    count(interaction_and_hold_time) AS interaction_and_hold_time_contacts,
    coalesce(sum(after_contact_work_time), 0) AS sum_after_contact_work_time,
    count(after_contact_work_time) AS after_contact_work_time_contacts,
    coalesce(sum(handle_time), 0) AS sum_handle_time,
    count(handle_time) AS handle_time_contacts,
    coalesce(sum(active_time), 0) AS sum_active_time,
    count(active_time) AS active_time_contacts,
    coalesce(sum(agent_pause_time), 0) AS sum_agent_pause_time,
    count(agent_pause_time) AS agent_pause_time_contacts,
    max(after_contact_work_time) AS max_after_contact_work_time,
    max(handle_time) AS max_handle_time
FROM (
    SELECT
        *,
        date_trunc('hour', disconnect_timestamp)
            + (minute(disconnect_timestamp) - minute(disconnect_timestamp) % 15) * INTERVAL '1' MINUTE AS interval_start
    FROM contact_metrics
    WHERE handled
      AND disconnect_timestamp IS NOT NULL
)
GROUP BY
    contact_date,
    instance_id,
    agent_id,
    routing_profile_id,
    routing_profile_name,
    channel,
    simulated,
    interval_start
