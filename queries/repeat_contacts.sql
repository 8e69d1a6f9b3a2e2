-- Repeat contacts: how many contacts were followed by another contact from the same customer within a given number of days.
--
-- Amazon Connect has no such metric. Only inbound contacts are counted. A customer is identified by the type and the
-- address of the customer endpoint. This requires that the PII policy keeps or hashes the address. Anonymous callers
-- are excluded. Contacts that resulted from the first one (transfers, callbacks) are not repeat contacts. For
-- contacts near the last day, the figures may be too low, because later contacts may not have arrived yet.
--
-- Columns: local_date, channel, contacts (number of contacts), repeated (contacts that were followed by another one),
--          repeat_rate (repeated, divided by contacts, 0 to 1)
-- Parameters: 1 time zone (IANA), 2 first day, 3 last day (local, YYYY-MM-DD), 4 include simulated contacts (true,
--          false), 5 days
WITH
{days},
wanted AS (SELECT CAST(? AS bigint) AS days)
SELECT
    local_date,
    channel,
    count(*) AS contacts,
    count(CASE WHEN next_timestamp <= date_add('day', days, initiation_timestamp) THEN 1 END) AS repeated,
    CAST(count(CASE WHEN next_timestamp <= date_add('day', days, initiation_timestamp) THEN 1 END) AS double) / count(*)
        AS repeat_rate
FROM (
    SELECT
        *,
        date_format(CAST(at_timezone(with_timezone(initiation_timestamp, 'UTC'), time_zone) AS timestamp(3)), '%Y-%m-%d')
            AS local_date,
        lead(initiation_timestamp) OVER (
            PARTITION BY instance_id, customer_endpoint_type, customer_endpoint_address
            ORDER BY initiation_timestamp, contact_id
        ) AS next_timestamp
    FROM contact_metrics
    CROSS JOIN given
    WHERE contact_date >= date_format(first_instant, '%Y-%m-%d')
      AND initiation_method = 'INBOUND'
      AND lower(customer_endpoint_address) <> 'anonymous'
      AND (include_simulated OR NOT simulated)
)
CROSS JOIN wanted
WHERE initiation_timestamp >= first_instant
  AND initiation_timestamp < end_instant
GROUP BY local_date, channel
ORDER BY local_date, channel
