-- Beyond the look-back: contacts in the queried days that started before the look-back window, so that other queries miss them.
--
-- Amazon Connect has no such metric. This query reads all data before the look-back window, so run it only
-- occasionally. If it finds contacts, use a longer look-back.
--
-- Columns: local_start, channel, contacts_ended, contacts_queued_by_enqueue, contacts_handled_by_connected_to_agent,
--          longest_days (the longest time, in days, from the day on which a contact began to the day on which it is
--          counted), first_contact_date (earliest day on which one of these contacts began, UTC)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5 include
--          simulated contacts (true, false), 6 look-back in days
WITH
{given asked=by_contact},
contacts_read AS (
    SELECT *, interval_start AS instant
    FROM queue_intervals
    CROSS JOIN given
    WHERE contact_date < date_format(date_add('day', -look_back, first_instant), '%Y-%m-%d')
      AND (include_simulated OR NOT simulated)
),
{local name=contacts of=contacts_read}
SELECT
    local_start,
    channel,
    sum(contacts_ended) AS contacts_ended,
    sum(contacts_queued_by_enqueue) AS contacts_queued_by_enqueue,
    sum(contacts_handled_by_connected_to_agent) AS contacts_handled_by_connected_to_agent,
    max(date_diff('day', CAST(contact_date AS date), CAST(interval_start AS date))) AS longest_days,
    min(contact_date) AS first_contact_date
FROM contacts
GROUP BY local_start, channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), channel
