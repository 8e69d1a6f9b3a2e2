-- What counts in the days that are asked for, by the clock of the time zone. An hour that comes twice is two.
contacts AS (
    SELECT
        *,
        {local_start}
    FROM (
        SELECT *, date_diff('minute', instant, local_time) AS local_offset
        FROM (
            SELECT
                *,
                $instant AS instant,
                CAST(at_timezone(with_timezone($instant, 'UTC'), time_zone) AS timestamp(3)) AS local_time
            FROM $view
            CROSS JOIN given
            WHERE contact_date BETWEEN
                    date_format(date_add('day', -look_back, first_instant), '%Y-%m-%d')
                    AND date_format(last_instant, '%Y-%m-%d')
              AND (include_simulated OR NOT simulated)
              AND $name IN ('*', $name_id, $name_name)
        )
    )
    WHERE CAST(local_time AS date) BETWEEN first_day AND last_day
)
