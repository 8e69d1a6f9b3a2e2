-- One row per contact, with columns that implement Amazon Connect's contact metrics. This view defines all of those metrics.
--
-- A boolean column is true if the contact is counted in that metric. A time column is not null if the contact is counted in
-- that average. A null is in neither the numerator nor the denominator. Assistant contacts are excluded, as in Amazon's
-- reports. Simulated contacts are marked; queries exclude them unless asked to include them. Contacts of supervisors who
-- listen (MONITOR) are not handled contacts. Rows with a schema version below 3 were computed with different rules. Run
-- `contact-ledger backfill` before you query them.
--
-- Columns: contact_date varchar, contact_id varchar, initial_contact_id varchar, instance_id varchar, queue_id varchar,
--          queue_name varchar, agent_queue boolean, channel varchar, initiation_method varchar,
--          disconnect_reason varchar, agent_id varchar, agent_username varchar, routing_profile_id varchar,
--          routing_profile_name varchar, simulated boolean, initiation_timestamp timestamp(3),
--          enqueue_timestamp timestamp(3), connected_timestamp timestamp(3), disconnect_timestamp timestamp(3),
--          arrived_timestamp timestamp(3), customer_endpoint_type varchar, customer_endpoint_address varchar,
--          queued boolean, handled boolean, abandoned boolean, transferred_out boolean,
--          transferred_out_by_agent boolean, transferred_out_external boolean, transferred_unanswered boolean,
--          continued boolean, put_on_hold boolean, callback_retried boolean, agent_hung_up boolean,
--          customer_gave_up boolean, queued_time bigint, queue_answer_time bigint, abandon_time bigint,
--          interaction_time bigint, hold_time bigint, interaction_and_hold_time bigint, after_contact_work_time bigint,
--          handle_time bigint, active_time bigint, agent_pause_time bigint, contact_duration bigint,
--          resolution_time bigint, contact_flow_time bigint, holds bigint, callback_queue_answer_time double,
--          wait_after_greeting_time double, first_response_time double
SELECT
    contact_date,
    contact_id,
    coalesce(initial_contact_id, contact_id) AS initial_contact_id,
    instance_id,
    queue_id,
    queue_name,
    coalesce(agent_queue, false) AS agent_queue,
    channel,
    initiation_method,
    disconnect_reason,
    agent_id,
    agent_username,
    routing_profile_id,
    agent_routing_profile_name AS routing_profile_name,
    coalesce(simulated, false) AS simulated,
    initiation_timestamp,
    queue_enqueue_timestamp AS enqueue_timestamp,
    agent_connected_to_agent_timestamp AS connected_timestamp,
    disconnect_timestamp,
    coalesce(queue_enqueue_timestamp, initiation_timestamp) AS arrived_timestamp,
    customer_endpoint_type,
    customer_endpoint_address,
    queued,
    handled,
    abandoned,
    transferred AS transferred_out,
    transferred AND handled AS transferred_out_by_agent,
    coalesce(transferred_external, false) AND handled AS transferred_out_external,
    transferred AND queued AND NOT answered AS transferred_unanswered,
    coalesce(continued, false) AS continued,
    coalesce(held, false) AS put_on_hold,
    coalesce(initiation_method = 'CALLBACK', false) AND NOT answered AND next_contact_id IS NOT NULL AS callback_retried,
    handled AND coalesce(disconnect_reason = 'AGENT_DISCONNECT', false) AS agent_hung_up,
    coalesce(customer_gave_up, false) AS customer_gave_up,
    queued_time,
    CASE WHEN handled AND queued THEN queued_time END AS queue_answer_time,
    CASE WHEN abandoned THEN queued_time END AS abandon_time,
    CASE WHEN handled THEN talk_seconds END AS interaction_time,
    CASE WHEN handled AND (coalesce(held, false) OR hold_seconds > 0) THEN hold_seconds END AS hold_time,
    CASE
        WHEN is_customers AND (talk_seconds IS NOT NULL OR hold_seconds IS NOT NULL)
            THEN coalesce(talk_seconds, 0) + coalesce(hold_seconds, 0)
    END AS interaction_and_hold_time,
    CASE
        WHEN is_customers THEN coalesce(after_contact_work_seconds, CASE WHEN answered THEN 0 END)
    END AS after_contact_work_time,
    CASE WHEN is_customers THEN handle_seconds END AS handle_time,
    CASE WHEN is_customers THEN active_seconds END AS active_time,
    CASE WHEN is_customers AND agent_pause_duration_seconds > 0 THEN agent_pause_duration_seconds END AS agent_pause_time,
    contact_duration_seconds AS contact_duration,
    resolution_seconds AS resolution_time,
    flow_seconds AS contact_flow_time,
    coalesce(agent_number_of_holds, 0) AS holds,
    CASE WHEN handled THEN CAST(callback_wait_milliseconds AS double) / 1000 END AS callback_queue_answer_time,
    CAST(wait_after_greeting_milliseconds AS double) / 1000 AS wait_after_greeting_time,
    CAST(first_response_milliseconds AS double) / 1000 AS first_response_time
FROM (
    SELECT
        *,
        queue_enqueue_timestamp IS NOT NULL AS queued,
        CASE WHEN queue_duration_seconds >= 0 THEN queue_duration_seconds END AS queued_time,
        coalesce(initiation_method <> 'MONITOR', true) AS is_customers,
        answered AND coalesce(initiation_method <> 'MONITOR', true) AS handled
    FROM contact_records_latest
    WHERE NOT coalesce(assistant, false)
)
