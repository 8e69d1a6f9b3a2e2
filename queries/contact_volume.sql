-- Contact volume: for each initiation method, how many contacts started, were queued, and were handled.
--
-- Amazon Connect: contacts created, incoming, transferred in, queued, and handled, including the console's
-- breakdowns by initiation method (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html).
-- contacts_created is counted at initiation, contacts_queued_by_enqueue when a contact is queued,
-- contacts_handled_by_connected_to_agent when the agent is connected, and all other counts at disconnection.
--
-- simulated_contacts is the number of simulated contacts that ended. It is 0 if they are excluded.
--
-- Columns: local_start (start of the interval, as local time with UTC offset; for days and weeks, the date),
--          instance_id, queue_id, queue_name, agent_queue, channel, contacts_created, contacts_incoming,
--          contacts_transferred_in, contacts_transferred_in_by_agent, contacts_transferred_in_from_queue,
--          api_contacts, callback_contacts, customer_first_callback_contacts, contacts_queued,
--          contacts_queued_by_enqueue, contacts_handled, contacts_handled_by_connected_to_agent,
--          contacts_handled_incoming, contacts_handled_outbound, callback_contacts_handled, api_contacts_handled,
--          contacts_ended, simulated_contacts
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
    sum(contacts_created) AS contacts_created,
    sum(CASE WHEN initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN contacts_created ELSE 0 END)
        AS contacts_incoming,
    sum(CASE WHEN initiation_method IN ('TRANSFER', 'QUEUE_TRANSFER') THEN contacts_created ELSE 0 END)
        AS contacts_transferred_in,
    sum(CASE WHEN initiation_method IN ('TRANSFER') THEN contacts_created ELSE 0 END) AS contacts_transferred_in_by_agent,
    sum(CASE WHEN initiation_method IN ('QUEUE_TRANSFER') THEN contacts_created ELSE 0 END)
        AS contacts_transferred_in_from_queue,
    sum(CASE WHEN initiation_method IN ('API') THEN contacts_created ELSE 0 END) AS api_contacts,
    sum(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_created ELSE 0 END) AS callback_contacts,
    sum(CASE WHEN initiation_method IN ('CALLBACK_CUSTOMER_FIRST_QUEUED') THEN contacts_created ELSE 0 END)
        AS customer_first_callback_contacts,
    sum(contacts_queued) AS contacts_queued,
    sum(contacts_queued_by_enqueue) AS contacts_queued_by_enqueue,
    sum(contacts_handled) AS contacts_handled,
    sum(contacts_handled_by_connected_to_agent) AS contacts_handled_by_connected_to_agent,
    sum(CASE WHEN initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER') THEN contacts_handled ELSE 0 END)
        AS contacts_handled_incoming,
    sum(CASE WHEN initiation_method IN ('OUTBOUND') THEN contacts_handled ELSE 0 END) AS contacts_handled_outbound,
    sum(CASE WHEN initiation_method IN ('CALLBACK') THEN contacts_handled ELSE 0 END) AS callback_contacts_handled,
    sum(CASE WHEN initiation_method IN ('API') THEN contacts_handled ELSE 0 END) AS api_contacts_handled,
    sum(contacts_ended) AS contacts_ended,
    sum(simulated_contacts) AS simulated_contacts
FROM contacts
GROUP BY local_start, instance_id, queue_id, agent_queue, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), instance_id, queue_id, agent_queue, channel
