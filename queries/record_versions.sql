-- Record versions: how many versions of contact records arrived, how often they were delivered, and how late the last was.
--
-- Amazon Connect has no such metric. Rows written by a backfill (rows with an arrival_place) do not count as
-- deliveries. Days are values of contact_date, in UTC.
--
-- Columns: contact_date, contacts (number of contacts), versions (number of different contents), deliveries (number
--          of rows delivered by Firehose), contacts_with_versions (contacts with more than one version),
--          latest_arrival_hours (longest time, in hours, from a contact's disconnection to the last delivery of its
--          record)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
SELECT
    contact_date,
    count(*) AS contacts,
    sum(versions) AS versions,
    sum(deliveries) AS deliveries,
    count_if(versions > 1) AS contacts_with_versions,
    max(arrival_hours) AS latest_arrival_hours
FROM (
    SELECT
        contact_date,
        contact_id,
        count(DISTINCT content_hash) AS versions,
        count(CASE WHEN arrival_place IS NULL THEN arrival_timestamp END) AS deliveries,
        CAST(max(CASE
            WHEN arrival_place IS NULL THEN date_diff('second', disconnect_timestamp, arrival_timestamp)
        END) AS double) / 3600 AS arrival_hours
    FROM contact_records
    WHERE contact_date BETWEEN ? AND ?
    GROUP BY contact_date, contact_id
)
GROUP BY contact_date
ORDER BY contact_date
