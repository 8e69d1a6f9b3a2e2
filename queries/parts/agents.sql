{archive $view}
agents_read AS (
    SELECT *, interval_start AS instant
    FROM $view
    CROSS JOIN given
    WHERE routing_profile IN ('*', routing_profile_id, routing_profile_name)
),
{local name=agents of=agents_read}
