-- What was asked for; a week is whole, from Monday on.
given AS (
    SELECT
        *,
        CAST(at_timezone(with_timezone(CAST(first_day AS timestamp(3)), time_zone), 'UTC') AS timestamp(3)) AS first_instant,
        CAST(at_timezone(
            with_timezone(CAST(last_day AS timestamp(3)) + INTERVAL '1' DAY, time_zone), 'UTC'
        ) AS timestamp(3)) - INTERVAL '1' SECOND AS last_instant
    FROM (
        SELECT
            *,
            CASE grain WHEN 'week' THEN date_trunc('week', first_asked) ELSE first_asked END AS first_day,
            CASE grain WHEN 'week' THEN date_add('day', 6, date_trunc('week', last_asked)) ELSE last_asked END AS last_day
        FROM (
            SELECT
                CAST(? AS varchar) AS time_zone,
                CAST(? AS varchar) AS grain,
                CAST(? AS date) AS first_asked,
                CAST(? AS date) AS last_asked,
                {$asked}
        )
    )
)
