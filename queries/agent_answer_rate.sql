-- Agent answer rate: the fraction of offered contacts that agents accepted, and how long contacts rang.
--
-- Amazon Connect: agent answer rate, agent non-response, and agent incoming, outbound, callback, and API connecting
-- time (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). If the customer hangs up
-- while the contact is ringing, this counts as an agent non-response. To exclude these cases, use the query
-- agent_non_response.
--
-- Averages are per attempt. They cover attempts that ended because the contact was connected, was missed, failed, or
-- was rejected.
--
-- Columns: local_start, instance_id, agent_id, agent_username (null if no record has one), routing_profile_id,
--          routing_profile_name, offers_accepted, agent_non_response, agent_answer_rate (0 to 1),
--          sum_connecting_time_agent, avg_agent_incoming_connecting_time, avg_agent_outbound_connecting_time,
--          avg_agent_callback_connecting_time, avg_agent_api_connecting_time (seconds)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          routing profile (name or ID, or *)
WITH
{given asked=by_routing_profile},
{agents view=agent_intervals},
{names}
SELECT
    local_start,
    agents.instance_id,
    agents.agent_id,
    max(agent_username) AS agent_username,
    routing_profile_id,
    max_by(routing_profile_name, instant) AS routing_profile_name,
    sum(offers_accepted) AS offers_accepted,
    sum(agent_non_response) AS agent_non_response,
    CAST(sum(offers_accepted) AS double) / nullif(sum(offers_accepted) + sum(agent_non_response), 0) AS agent_answer_rate,
    round(sum(sum_connecting_time_agent), 3) AS sum_connecting_time_agent,
    CAST(sum(sum_connecting_time_agent_inbound) AS double) / nullif(sum(connecting_attempts_inbound), 0)
        AS avg_agent_incoming_connecting_time,
    CAST(sum(sum_connecting_time_agent_outbound) AS double) / nullif(sum(connecting_attempts_outbound), 0)
        AS avg_agent_outbound_connecting_time,
    CAST(sum(sum_connecting_time_agent_callback) AS double) / nullif(sum(connecting_attempts_callback), 0)
        AS avg_agent_callback_connecting_time,
    CAST(sum(sum_connecting_time_agent_api) AS double) / nullif(sum(connecting_attempts_api), 0)
        AS avg_agent_api_connecting_time
FROM agents
LEFT JOIN names
    ON names.instance_id = agents.instance_id
    AND names.agent_id = agents.agent_id
GROUP BY local_start, agents.instance_id, agents.agent_id, routing_profile_id
ORDER BY min(min(interval_start)) OVER (PARTITION BY local_start), agents.instance_id, agents.agent_id, routing_profile_id
