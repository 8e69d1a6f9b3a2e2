-- Hold and transfer: how often agents put contacts on hold or pass them on.
--
-- Amazon Connect: contacts put on hold, average customer hold time, contacts transferred out. A contact counts as
-- transferred too if a disconnect flow made a next contact out of it; the record does not tell the difference.
--
-- Columns: queue_name, channel, handled, held, hold_rate (0 to 1), average_hold_seconds (of those held), transferred,
--          transfer_rate (0 to 1)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    queue_name,
    channel,
    count(*) AS handled,
    count_if(hold_seconds > 0) AS held,
    CAST(count_if(hold_seconds > 0) AS double) / count(*) AS hold_rate,
    avg(CASE WHEN hold_seconds > 0 THEN CAST(hold_seconds AS double) END) AS average_hold_seconds,
    count_if(transferred) AS transferred,
    CAST(count_if(transferred) AS double) / count(*) AS transfer_rate
FROM contact_records_latest
WHERE answered
  AND contact_date BETWEEN ? AND ?
GROUP BY queue_name, channel
ORDER BY queue_name, channel
