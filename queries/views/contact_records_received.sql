-- Every contact record in the raw copies under raw/contact-records/, unchanged, one per row.
--
-- Firehose concatenates the copies without line breaks. A record begins where one object ends and another object that
-- contains a name begins. Such a boundary cannot occur inside a string, where a quotation mark would be escaped or would end
-- the string. A record also begins at the name that Amazon Connect puts first (AWSAccountId), so that a truncated record
-- does not absorb the next one. Text after a record that is not JSON is split off.
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
