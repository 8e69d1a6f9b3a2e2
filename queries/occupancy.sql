-- Occupancy: of the time that agents were on contacts or idle, the fraction that they were on contacts, by routing profile.
--
-- Amazon Connect: occupancy and average agent concurrency
-- (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Occupancy is the ratio of the
-- sums, not the average of the agents' rates. Concurrency is the handle time of all contacts, divided by the sum of
-- on contact time and idle time. Amazon's page divides by "handle + idle"; if that meant the handle time of all
-- contacts, the result could never exceed 1. Handle time is counted when a contact ends, and the other times when
-- they pass, so for intervals shorter than a day concurrency is not meaningful.
--
-- Columns: local_start, instance_id, routing_profile_id, routing_profile_name, agents (number of agents with on
--          contact time or idle time), sum_contact_time_agent, sum_idle_time_agent (seconds), agent_occupancy (0 to
--          1), avg_agent_concurrency (contacts at the same time)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5
--          routing profile (name or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days
WITH
{given asked=by_routing_profile_of_contacts},
{agents view=agent_intervals},
{contacts view=agent_contact_metrics_intervals instant=interval_start name=routing_profile},
handled AS (
    SELECT local_start, instance_id, routing_profile_id, sum(sum_handle_time) AS sum_handle_time
    FROM contacts
    GROUP BY local_start, instance_id, routing_profile_id
),
present AS (
    SELECT
        local_start,
        instance_id,
        routing_profile_id,
        min(interval_start) AS first_start,
        max_by(routing_profile_name, instant) AS routing_profile_name,
        count(DISTINCT CASE WHEN sum_contact_time_agent + sum_idle_time_agent > 0 THEN agent_id END) AS agents,
        round(sum(sum_contact_time_agent), 3) AS sum_contact_time_agent,
        round(sum(sum_idle_time_agent), 3) AS sum_idle_time_agent
    FROM agents
    GROUP BY local_start, instance_id, routing_profile_id
)
SELECT
    present.local_start,
    present.instance_id,
    present.routing_profile_id,
    present.routing_profile_name,
    present.agents,
    present.sum_contact_time_agent,
    present.sum_idle_time_agent,
    present.sum_contact_time_agent / nullif(present.sum_contact_time_agent + present.sum_idle_time_agent, 0)
        AS agent_occupancy,
    coalesce(CAST(handled.sum_handle_time AS double), 0)
        / nullif(present.sum_contact_time_agent + present.sum_idle_time_agent, 0) AS avg_agent_concurrency
FROM present
LEFT JOIN handled
    ON handled.local_start = present.local_start
    AND handled.instance_id = present.instance_id
    AND coalesce(handled.routing_profile_id, '') = coalesce(present.routing_profile_id, '')
ORDER BY present.first_start, present.instance_id, present.routing_profile_id
