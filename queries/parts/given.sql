-- The requested parameters. Weeks are whole and start on Monday. An unknown grain fails in a cast whose message says so.
given AS (
    SELECT
        *,
        CAST(at_timezone(with_timezone(CAST(first_day AS timestamp(3)), time_zone), 'UTC') AS timestamp(3)) AS first_instant,
        CAST(at_timezone(
            with_timezone(CAST(last_day AS timestamp(3)) + INTERVAL '1' DAY, time_zone), 'UTC'
        ) AS timestamp(3)) AS end_instant
    FROM (
        SELECT
            *,
            CASE grain WHEN 'week' THEN date_trunc('week', first_asked) ELSE first_asked END AS first_day,
            CASE
                WHEN last_asked < first_asked THEN CAST('the last day is before the first' AS date)
                WHEN grain = 'week' THEN date_add('day', 6, date_trunc('week', last_asked))
                ELSE last_asked
            END AS last_day
        FROM (
            SELECT
                *,
                CASE
                    WHEN grain_asked IN ('15', '30', '60', 'day', 'week') THEN grain_asked
                    ELSE CAST(CAST('the grain ' || grain_asked || ' is none of 15, 30, 60, day, week' AS bigint) AS varchar)
                END AS grain
            FROM (
                SELECT
                    CAST(? AS varchar) AS time_zone,
                    CAST(? AS varchar) AS grain_asked,
                    CAST(? AS date) AS first_asked,
                    CAST(? AS date) AS last_asked,
                    {$asked}
            )
        )
    )
)
