{archive $view}
-- What counts in the days that are asked for, by the clock of the time zone. An hour that comes twice is two.
agents AS (
    SELECT
        *,
        {local_start}
    FROM (
        SELECT *, date_diff('minute', interval_start, local_time) AS local_offset
        FROM (
            SELECT
                *,
                CAST(at_timezone(with_timezone(interval_start, 'UTC'), time_zone) AS timestamp(3)) AS local_time
            FROM $view
            CROSS JOIN given
            WHERE routing_profile IN ('*', routing_profile_id, routing_profile_name)
        )
    )
    WHERE CAST(local_time AS date) BETWEEN first_day AND last_day
)
