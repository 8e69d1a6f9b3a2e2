-- Only the requested days of the archive, plus one day before and two days after.
raw_agent_events AS (
    SELECT event
    FROM raw_agent_events
    CROSS JOIN given
    WHERE arrival_date BETWEEN
            date_format(date_add('day', -1, first_instant), '%Y-%m-%d')
            AND date_format(date_add('day', 2, date_add('second', -1, end_instant)), '%Y-%m-%d')
),
