-- After-contact work: how long agents work on a contact when it is over.
--
-- Amazon Connect: after contact work time, average after contact work time.
--
-- Columns: agent_username, channel, handled, with_work, average_seconds (of those with), longest_seconds, total_hours
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    agent_username,
    channel,
    count(*) AS handled,
    count_if(after_contact_work_seconds > 0) AS with_work,
    avg(CASE WHEN after_contact_work_seconds > 0 THEN CAST(after_contact_work_seconds AS double) END) AS average_seconds,
    max(after_contact_work_seconds) AS longest_seconds,
    CAST(sum(coalesce(after_contact_work_seconds, 0)) AS double) / 3600 AS total_hours
FROM contact_records_latest
WHERE answered
  AND contact_date BETWEEN ? AND ?
GROUP BY agent_username, channel
ORDER BY agent_username, channel
