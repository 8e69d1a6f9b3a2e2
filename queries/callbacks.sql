-- Callbacks: how many were asked for, how many reached an agent, and how long the customers waited for them.
--
-- Amazon Connect: callback contacts, callback contacts handled. A callback that is tried again is a contact of its
-- own for each try.
--
-- Columns: contact_date, queue_name, requested, handled, handled_rate (0 to 1), average_wait_seconds (from queueing to the
--          agent, of those handled)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    contact_date,
    queue_name,
    count(*) AS requested,
    count_if(answered) AS handled,
    CAST(count_if(answered) AS double) / count(*) AS handled_rate,
    avg(CASE WHEN answered THEN CAST(answer_seconds AS double) END) AS average_wait_seconds
FROM contact_records_latest
WHERE initiation_method = 'CALLBACK'
  AND contact_date BETWEEN ? AND ?
GROUP BY contact_date, queue_name
ORDER BY contact_date, queue_name
