-- One row per contact: its newest version.
--
-- A contact record comes again whenever the contact changes, for up to 24 months, and any version may come twice. The
-- newest has the greatest last_update_timestamp; of two with the same one, content_hash decides, alike everywhere; and
-- of two copies of one version the one that was made with the newer schema. All versions of a contact have one
-- contact_date, so a filter on it reads those days only.
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
                content_hash DESC,
                schema_version DESC,
                arrival_timestamp DESC
        ) AS version_rank
    FROM contact_records
)
WHERE version_rank = 1
