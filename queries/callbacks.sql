-- Callbacks: how many callbacks were requested, how many were handled by an agent, and how long customers waited.
--
-- Amazon Connect: callback contacts, callback contacts handled, and, for customer-first callbacks, the average queue
-- answer time and the average wait time after the connection
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). A customer-first callback has
-- one contact that waits (CALLBACK_CUSTOMER_FIRST_QUEUED) and one contact for each dial attempt
-- (CALLBACK_CUSTOMER_FIRST_DIALED): https://docs.aws.amazon.com/connect/latest/adminguide/customer-first-cb.html.
--
-- callbacks_asked_for is counted at initiation; the other counts are made at disconnection. callbacks_retried is a
-- substitute for Amazon's callback attempts, whose printed rule contradicts its text. callbacks_retried counts
-- callbacks that did not reach an agent and continued as another contact.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, callbacks_asked_for, callback_contacts_handled,
--          customer_first_callbacks_dialed, customer_first_callbacks_handled, callbacks_abandoned, callbacks_retried,
--          avg_callback_queue_answer_time, avg_queue_answer_time_customer_first_callback,
--          avg_wait_time_after_customer_first_callback_connection (seconds)
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
    sum(CASE WHEN initiation_method IN ('CALLBACK', 'CALLBACK_CUSTOMER_FIRST_QUEUED') THEN contacts_created ELSE 0 END)
        AS callbacks_asked_for,
    sum(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_handled ELSE 0 END) AS callback_contacts_handled,
    sum(CASE WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_DIALED') THEN contacts_ended ELSE 0 END)
        AS customer_first_callbacks_dialed,
    sum(CASE WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_DIALED') THEN contacts_handled ELSE 0 END)
        AS customer_first_callbacks_handled,
    sum(CASE WHEN initiation_method IN ('CALLBACK', 'CALLBACK_CUSTOMER_FIRST_QUEUED',
        'CALLBACK_CUSTOMER_FIRST_DIALED') THEN contacts_abandoned ELSE 0 END) AS callbacks_abandoned,
    sum(callbacks_retried) AS callbacks_retried,
    CAST(sum(CASE WHEN initiation_method IN ('CALLBACK')
        THEN sum_queue_answer_time
        ELSE 0 END) AS double) / nullif(sum(CASE WHEN initiation_method IN ('CALLBACK')
        THEN queue_answer_time_contacts ELSE 0 END), 0) AS avg_callback_queue_answer_time,
    CAST(sum(sum_queue_answer_time_customer_first_callback) AS double) / nullif(sum(queue_answer_time_customer_first_callback_contacts), 0)
        AS avg_queue_answer_time_customer_first_callback,
    CAST(sum(sum_wait_time_after_customer_first_callback_connection) AS double) / nullif(sum(wait_time_after_customer_first_callback_connection_contacts), 0)
        AS avg_wait_time_after_customer_first_callback_connection
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
