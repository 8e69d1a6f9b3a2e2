-- Beyond the look-back: contacts that ended in these days and began too long before to be read by the other queries.
--
-- Amazon Connect has no such metric. Contacts count when they end, and are stored by the day they began; queries read a number
-- of days before. This one reads everything before those: run it now and then, and give a longer look-back if it finds some.
--
-- Columns: local_start, channel, contacts, longest_days (from the day a contact began to the day it ended), first_contact_date
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5 include
--             simulated contacts (true, false), 6 look-back in days
WITH
{given asked=of_look_back}
SELECT
    local_start,
    channel,
    count(*) AS contacts,
    max(date_diff('day', CAST(contact_date AS date), CAST(disconnect_timestamp AS date))) AS longest_days,
    min(contact_date) AS first_contact_date
FROM (
    SELECT
        *,
        {local_start}
    FROM (
        SELECT *, date_diff('minute', disconnect_timestamp, local_time) AS local_offset
        FROM (
            SELECT
                *,
                CAST(at_timezone(with_timezone(disconnect_timestamp, 'UTC'), time_zone) AS timestamp(3)) AS local_time
            FROM contact_metrics
            CROSS JOIN given
            WHERE contact_date < date_format(date_add('day', -look_back, first_instant), '%Y-%m-%d')
              AND (include_simulated OR NOT simulated)
        )
    )
    WHERE CAST(local_time AS date) BETWEEN first_day AND last_day
)
GROUP BY local_start, channel
ORDER BY min(disconnect_timestamp), channel
