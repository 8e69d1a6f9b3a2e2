-- Contact chains: what became of a customer's matter that took more than one contact (transfers, callbacks).
--
-- Amazon Connect has no such metric; it is what contact search shows as related contacts.
--
-- Columns: initial_contact_id, contacts, contact_ids (in the order of their beginning), initiation_methods, agents (how many
--          worked on it), began, ended, handle_seconds (of all)
-- Parameters: 1 first day, 2 last day of its contacts (YYYY-MM-DD, UTC)
SELECT
    initial_contact_id,
    count(*) AS contacts,
    array_agg(contact_id ORDER BY initiation_timestamp, contact_id) AS contact_ids,
    array_agg(initiation_method ORDER BY initiation_timestamp, contact_id) AS initiation_methods,
    count(DISTINCT agent_id) AS agents,
    min(initiation_timestamp) AS began,
    max(disconnect_timestamp) AS ended,
    sum(handle_seconds) AS handle_seconds
FROM (
    SELECT
        coalesce(initial_contact_id, contact_id) AS initial_contact_id,
        contact_id,
        initiation_method,
        agent_id,
        initiation_timestamp,
        disconnect_timestamp,
        handle_seconds
    FROM contact_records_latest
    WHERE contact_date BETWEEN ? AND ?
)
GROUP BY initial_contact_id
HAVING count(*) > 1
ORDER BY initial_contact_id
