-- Names from the contact records of these days, if the PII policy keeps them.
names AS (
    SELECT instance_id, agent_id, max_by(agent_username, last_update_timestamp) AS agent_username
    FROM contact_records
    CROSS JOIN given
    WHERE contact_date BETWEEN
            date_format(date_add('day', -1, first_instant), '%Y-%m-%d')
            AND date_format(date_add('second', -1, end_instant), '%Y-%m-%d')
    GROUP BY instance_id, agent_id
)
