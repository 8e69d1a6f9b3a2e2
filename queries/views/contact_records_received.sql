-- Every contact record as it came, one a row: what the copies below raw/contact-records/ hold.
--
-- Firehose writes the copies one behind the other without a line end. A record begins where an object ends and another
-- with a name in it begins: inside of a text, a quotation mark would be escaped or end it, and no name could follow. It
-- also begins with the name that Amazon Connect puts first, so that a record cut short does not take the next one along.
--
-- Columns: arrival_date varchar, record varchar
SELECT arrival_date, record
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
WHERE trim(record) <> ''
