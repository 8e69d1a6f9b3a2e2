-- Handle time: how long agents worked on a contact, by agent, queue and channel.
--
-- Amazon Connect: average handle time, which is interaction, hold and after-contact work; the agent's pauses (tasks)
-- are counted in. Percentiles are by nearest rank, exact.
--
-- Columns: agent_username, queue_name, channel, handled, average_seconds, median_seconds, p90_seconds, longest_seconds,
--          average_talk_seconds, average_hold_seconds, average_after_contact_work_seconds
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    agent_username,
    queue_name,
    channel,
    count(*) AS handled,
    avg(CAST(handle_seconds AS double)) AS average_seconds,
    element_at(array_sort(array_agg(handle_seconds)), CAST(ceil(0.5 * count(*)) AS integer)) AS median_seconds,
    element_at(array_sort(array_agg(handle_seconds)), CAST(ceil(0.9 * count(*)) AS integer)) AS p90_seconds,
    max(handle_seconds) AS longest_seconds,
    avg(CAST(talk_seconds AS double)) AS average_talk_seconds,
    avg(CAST(coalesce(hold_seconds, 0) AS double)) AS average_hold_seconds,
    avg(CAST(coalesce(after_contact_work_seconds, 0) AS double)) AS average_after_contact_work_seconds
FROM contact_records_latest
WHERE answered
  AND handle_seconds IS NOT NULL
  AND contact_date BETWEEN ? AND ?
GROUP BY agent_username, queue_name, channel
ORDER BY agent_username, queue_name, channel
