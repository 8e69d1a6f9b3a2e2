-- Every contact record as it came, one a row: what the copies below raw/contact-records/ hold.
--
-- Firehose writes the copies one behind the other without a line end. A record begins where an object ends and another
-- with a name in it begins: inside of a text, a quotation mark would be escaped or end it, and no name could follow. It
-- also begins with the name that Amazon Connect puts first, so that a record cut short does not take the next one along.
-- What is no JSON and stands behind a record is parted from it.
--
-- Columns: arrival_date varchar, record varchar
SELECT arrival_date, part AS record
FROM (
    SELECT
        arrival_date,
        CASE
            WHEN try(json_parse(record)) IS NULL AND try(json_parse(whole)) IS NOT NULL
                THEN ARRAY[whole, substr(record, length(whole) + 1)]
            ELSE ARRAY[record]
        END AS parts
    FROM (
        SELECT arrival_date, record, regexp_extract(record, '^(.*\})[^}]*$', 1) AS whole
        FROM (
            SELECT
                arrival_date,
                split(
                    regexp_replace(
                        regexp_replace(line, '(\{\s*"AWSAccountId"\s*:)', chr(30) || '$1'),
                        '\}\s*(\{\s*"[A-Za-z0-9_]+"\s*:)',
                        '}' || chr(30) || '$1'
                    ),
                    chr(30)
                ) AS records
            FROM raw_contact_records
        )
        CROSS JOIN UNNEST(records) AS one (record)
    )
)
CROSS JOIN UNNEST(parts) AS several (part)
WHERE trim(part) <> ''
