-- Abandonment: of the contacts that queued in a quarter of an hour, how many the customer gave up in the queue.
--
-- Amazon Connect: contacts abandoned, contacts abandoned rate. Like there, callbacks are left out, and so are those
-- who gave up before they were queued (the column abandoned_in has them).
--
-- Columns: queue_name, quarter (begin, UTC), queued, abandoned, abandonment_rate (0 to 1), average_seconds (that those who
--          gave up had waited)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    queue_name,
    quarter,
    count(*) AS queued,
    count_if(abandoned) AS abandoned,
    CAST(count_if(abandoned) AS double) / count(*) AS abandonment_rate,
    avg(CASE WHEN abandoned THEN CAST(queue_wait_seconds AS double) END) AS average_seconds
FROM (
    SELECT
        queue_name,
        abandoned,
        queue_wait_seconds,
        date_trunc('hour', queue_enqueue_timestamp)
            + (minute(queue_enqueue_timestamp) - minute(queue_enqueue_timestamp) % 15) * INTERVAL '1' MINUTE AS quarter
    FROM contact_records_latest
    WHERE queue_enqueue_timestamp IS NOT NULL
      AND initiation_method <> 'CALLBACK'
      AND contact_date BETWEEN ? AND ?
)
GROUP BY queue_name, quarter
ORDER BY queue_name, quarter
