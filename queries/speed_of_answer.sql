-- Speed of answer: how long the contacts that an agent answered had queued.
--
-- Amazon Connect: average queue answer time. Connect averages the time in the queue; here it ends when the agent is
-- connected, so it includes the ringing of an agent whom the contact had left the queue for.
--
-- Columns: contact_date, queue_name, channel, answered, average_seconds, longest_seconds
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    contact_date,
    queue_name,
    channel,
    count(*) AS answered,
    avg(CAST(answer_seconds AS double)) AS average_seconds,
    max(answer_seconds) AS longest_seconds
FROM contact_records_latest
WHERE answered
  AND answer_seconds IS NOT NULL
  AND contact_date BETWEEN ? AND ?
GROUP BY contact_date, queue_name, channel
ORDER BY contact_date, queue_name, channel
