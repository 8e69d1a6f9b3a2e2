-- Disconnect reasons: how contacts ended.
--
-- Amazon Connect: contacts by disconnect reason. Records of chats and tasks before 2021 have none.
--
-- Columns: channel, disconnect_reason, contacts, share (0 to 1, of the channel's)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    channel,
    disconnect_reason,
    count(*) AS contacts,
    CAST(count(*) AS double) / sum(count(*)) OVER (PARTITION BY channel) AS share
FROM contact_records_latest
WHERE contact_date BETWEEN ? AND ?
GROUP BY channel, disconnect_reason
ORDER BY channel, contacts DESC, disconnect_reason
