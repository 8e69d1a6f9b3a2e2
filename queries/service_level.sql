-- Service level: of the contacts that queued, how many an agent answered within the threshold.
--
-- Amazon Connect: service level. Connect counts a contact when it leaves the queue, here it counts for the day on
-- which it began. Who gave up within the threshold counts as queued and not answered.
--
-- Columns: contact_date, queue_name, channel, queued, answered, answered_in_time, service_level (0 to 1)
-- Parameters: 1 threshold in seconds, 2 first day, 3 last day (YYYY-MM-DD, UTC)
SELECT
    contact_date,
    queue_name,
    channel,
    count(*) AS queued,
    count_if(answered) AS answered,
    count_if(answered AND answer_seconds <= threshold) AS answered_in_time,
    CAST(count_if(answered AND answer_seconds <= threshold) AS double) / count(*) AS service_level
FROM contact_records_latest
CROSS JOIN (SELECT CAST(? AS double) AS threshold) AS given
WHERE queue_enqueue_timestamp IS NOT NULL
  AND contact_date BETWEEN ? AND ?
GROUP BY contact_date, queue_name, channel
ORDER BY contact_date, queue_name, channel
