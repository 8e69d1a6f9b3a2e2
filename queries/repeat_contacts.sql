-- Repeat contacts: of the customers' contacts, how many were followed by another of the same customer within so many days.
--
-- A customer is an address at a channel's endpoint; contacts that came out of the first one (transfers, callbacks) are no
-- repetition. Days near the last one see only what has happened until then.
--
-- Amazon Connect has no such metric.
--
-- Columns: contact_date, channel, contacts, repeated, repeat_rate (0 to 1)
-- Parameters: 1 days, 2 first day, 3 last day (YYYY-MM-DD, UTC)
SELECT
    contact_date,
    channel,
    count(*) AS contacts,
    count_if(next_timestamp <= initiation_timestamp + days * INTERVAL '1' DAY) AS repeated,
    CAST(count_if(next_timestamp <= initiation_timestamp + days * INTERVAL '1' DAY) AS double) / count(*) AS repeat_rate
FROM (SELECT CAST(? AS integer) AS days) AS given
CROSS JOIN (
    SELECT
        contact_date,
        channel,
        initiation_timestamp,
        lead(initiation_timestamp) OVER (
            PARTITION BY customer_endpoint_type, customer_endpoint_address
            ORDER BY initiation_timestamp, contact_id
        ) AS next_timestamp
    FROM contact_records_latest
    WHERE initiation_method = 'INBOUND'
      AND customer_endpoint_address IS NOT NULL
      AND contact_date >= ?
)
WHERE contact_date <= ?
GROUP BY contact_date, channel
ORDER BY contact_date, channel
