-- Rows that count in the requested days, by local time. An hour that occurs twice (DST change) gives two intervals.
$name AS (
    SELECT
        *,
        CASE grain
            WHEN 'day' THEN date_format(local_time, '%Y-%m-%d')
            WHEN 'week' THEN date_format(date_trunc('week', local_time), '%Y-%m-%d')
            ELSE
                date_format(date_add('minute', -(minute(local_time) % CAST(grain AS bigint)), local_time), '%Y-%m-%dT%H:%i')
                || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END
                || lpad(CAST(CAST((abs(local_offset) - abs(local_offset) % 60) / 60 AS bigint) AS varchar), 2, '0') || ':'
                || lpad(CAST(abs(local_offset) % 60 AS varchar), 2, '0')
        END AS local_start
    FROM (
        SELECT *, date_diff('minute', instant, local_time) AS local_offset
        FROM (
            SELECT *, CAST(at_timezone(with_timezone(instant, 'UTC'), time_zone) AS timestamp(3)) AS local_time
            FROM $of
        )
    )
    WHERE CAST(local_time AS date) BETWEEN first_day AND last_day
)
