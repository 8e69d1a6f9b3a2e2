-- Speed of answer: how long the contacts that an agent answered had queued.
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
