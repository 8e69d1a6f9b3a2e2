-- Agent non-response: contacts offered to agents but not answered, with and without those that the customer abandoned.
--
-- Amazon Connect: agent non-response and agent non-response without customer abandons
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). The second metric counts only
-- voice contacts, and excludes contacts whose record shows that the customer disconnected before any agent was
-- connected. A contact whose record has not arrived yet is counted.
--
-- Columns: local_start, instance_id, agent_id, channel, agent_non_response,
--          agent_non_response_without_customer_abandons
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          look-back in days
WITH
{given asked=by_offer},
{archive agent_state_intervals}
offers_read AS (
    SELECT *, end_timestamp AS instant
    FROM agent_state_intervals
    CROSS JOIN given
    WHERE is_offer
      AND outcome IN ('missed', 'rejected', 'error', 'gone')
),
{local name=offers of=offers_read},
given_up AS (
    SELECT instance_id, contact_id
    FROM contact_metrics
    CROSS JOIN given
    WHERE contact_date BETWEEN
            date_format(date_add('day', -look_back, first_instant), '%Y-%m-%d')
            AND date_format(date_add('second', -1, end_instant), '%Y-%m-%d')
      AND connected_timestamp IS NULL
      AND disconnect_reason = 'CUSTOMER_DISCONNECT'
)
SELECT
    local_start,
    offers.instance_id,
    offers.agent_id,
    offers.channel,
    count(*) AS agent_non_response,
    count(CASE WHEN channel = 'VOICE' AND given_up.contact_id IS NULL THEN 1 END)
        AS agent_non_response_without_customer_abandons
FROM offers
LEFT JOIN given_up
    ON given_up.instance_id = offers.instance_id
    AND given_up.contact_id = offers.contact_id
GROUP BY local_start, offers.instance_id, offers.agent_id, offers.channel
ORDER BY min(min(instant)) OVER (PARTITION BY local_start), offers.instance_id, offers.agent_id, offers.channel
