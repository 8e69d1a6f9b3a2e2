-- Contact chains: contacts linked by transfers or callbacks.
--
-- Amazon Connect has no such metric, but contact search in the console shows these contacts as related contacts.
-- Only contacts that started on the queried days are included. Contacts that a disconnect flow starts, such as a
-- survey, are not part of a chain.
--
-- Columns: instance_id, initial_contact_id, contacts (number of contacts in the chain), contact_ids (in the order in
--          which they began), initiation_methods (in the same order), agents (number of agents in the chain), began
--          (first initiation, UTC), ended (last disconnection, UTC), handle_seconds (sum of handle time)
-- Parameters: 1 time zone (IANA), 2 first day, 3 last day (local, YYYY-MM-DD), 4 include simulated contacts (true, false)
WITH
{days}
SELECT
    instance_id,
    initial_contact_id,
    count(*) AS contacts,
    array_agg(contact_id ORDER BY initiation_timestamp, contact_id) AS contact_ids,
    array_agg(initiation_method ORDER BY initiation_timestamp, contact_id) AS initiation_methods,
    count(DISTINCT agent_id) AS agents,
    min(initiation_timestamp) AS began,
    max(disconnect_timestamp) AS ended,
    sum(handle_time) AS handle_seconds
FROM (
    SELECT *
    FROM contact_metrics
    CROSS JOIN given
    WHERE contact_date BETWEEN
            date_format(first_instant, '%Y-%m-%d')
            AND date_format(date_add('second', -1, end_instant), '%Y-%m-%d')
      AND initiation_timestamp >= first_instant
      AND initiation_timestamp < end_instant
      AND (include_simulated OR NOT simulated)
      -- Contacts that a disconnect flow starts, such as a survey, are not part of the chain.
      AND coalesce(initiation_method <> 'DISCONNECT', true)
)
GROUP BY instance_id, initial_contact_id
HAVING count(*) > 1
ORDER BY instance_id, initial_contact_id
