-- The requested parameters.
given AS (
    SELECT
        *,
        CAST(at_timezone(with_timezone(CAST(first_day AS timestamp(3)), time_zone), 'UTC') AS timestamp(3)) AS first_instant,
        CAST(at_timezone(
            with_timezone(CAST(last_day AS timestamp(3)) + INTERVAL '1' DAY, time_zone), 'UTC'
        ) AS timestamp(3)) AS end_instant
    FROM (
        SELECT
            CAST(? AS varchar) AS time_zone,
            CAST(? AS date) AS first_day,
            CAST(? AS date) AS last_day,
            CAST(? AS boolean) AS include_simulated
    )
)
