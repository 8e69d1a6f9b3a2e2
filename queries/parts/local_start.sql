CASE grain
    WHEN 'day' THEN date_format(local_time, '%Y-%m-%d')
    WHEN 'week' THEN date_format(date_trunc('week', local_time), '%Y-%m-%d')
    ELSE
        date_format(date_add('minute', -(minute(local_time) % try_cast(grain AS bigint)), local_time), '%Y-%m-%dT%H:%i')
        || CASE WHEN local_offset < 0 THEN '-' ELSE '+' END
        || lpad(CAST(CAST((abs(local_offset) - abs(local_offset) % 60) / 60 AS bigint) AS varchar), 2, '0') || ':'
        || lpad(CAST(abs(local_offset) % 60 AS varchar), 2, '0')
END AS local_start
