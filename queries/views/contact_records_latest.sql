-- One row per contact: the latest version of its record.
--
-- Connect sends a contact record again whenever the contact changes, for up to 24 months, and may deliver any version more
-- than once. The latest version has the greatest last_update_timestamp. Rows of one contact with the same
-- last_update_timestamp and content_hash have the same content, regardless of the schema version that they were written
-- with. The row with the highest schema version represents that content. If there are several such rows, a row written by a
-- backfill is preferred. If two versions have the same last_update_timestamp, the one whose first arrival is later is the
-- latest. If the first arrivals are also equal, the one with the greater arrival_place, and then the one with the greater
-- content_hash, is the latest. A late copy of an older version therefore changes nothing, and neither does a backfill: rows
-- delivered by Firehose have the exact arrival time, and the arrival time of a raw copy is used only if the content has no
-- other row. All versions of a contact have the same contact_date. If you filter on it, Athena reads only the selected days.
--
-- Columns: those of contact_records
SELECT {columns}
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY contact_date, contact_id
            ORDER BY
                last_update_timestamp DESC NULLS LAST,
                first_arrival DESC NULLS LAST,
                first_place DESC NULLS LAST,
                content_hash DESC,
                schema_version DESC,
                CASE WHEN arrival_place IS NULL THEN 1 ELSE 0 END,
                arrival_timestamp NULLS LAST,
                arrival_place NULLS LAST
        ) AS version_rank
    FROM (
        SELECT
            *,
            first_value(arrival_timestamp) OVER content AS first_arrival,
            first_value(arrival_place) OVER content AS first_place
        FROM contact_records
        WINDOW content AS (
            PARTITION BY contact_date, contact_id, last_update_timestamp, content_hash
            ORDER BY
                CASE WHEN arrival_place IS NULL AND arrival_timestamp IS NOT NULL THEN 0 ELSE 1 END,
                arrival_timestamp NULLS LAST,
                arrival_place NULLS LAST
        )
    )
)
WHERE version_rank = 1
