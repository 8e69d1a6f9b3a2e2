-- Occupancy: of the time in which agents were there for contacts, how much they had one.
--
-- On contact is the time with at least one contact in conversation, on hold, paused or in after-contact work, within a
-- status of type ROUTABLE; two at once count once. The rest of such a status is idle, ringing included.
--
-- Amazon Connect: occupancy, which is agent on contact time divided by that and agent idle time. Connect has on
-- contact only what the agent had in a routable status, and so has this.
--
-- Columns: status_date, instance_id, agent_id, on_contact_hours, idle_hours, occupancy (0 to 1)
-- Parameters: 1 first day, 2 last day (YYYY-MM-DD, UTC)
WITH
routable AS (
    SELECT
        CAST(CAST(start_timestamp AS date) AS varchar) AS status_date,
        instance_id,
        agent_id,
        start_timestamp,
        end_timestamp
    FROM agent_status_intervals
    WHERE status_type = 'ROUTABLE'
      AND CAST(CAST(start_timestamp AS date) AS varchar) BETWEEN ? AND ?
),
worked AS (
    SELECT
        routable.status_date,
        routable.instance_id,
        routable.agent_id,
        greatest(contact.start_timestamp, routable.start_timestamp) AS start_timestamp,
        least(contact.end_timestamp, routable.end_timestamp) AS end_timestamp
    FROM routable
    INNER JOIN agent_contact_intervals AS contact
        ON contact.instance_id = routable.instance_id
        AND contact.agent_id = routable.agent_id
        AND contact.start_timestamp < routable.end_timestamp
        AND contact.end_timestamp > routable.start_timestamp
    WHERE contact.state IN ('CONNECTED', 'CONNECTED_ONHOLD', 'PAUSED', 'ENDED')
),
-- What overlaps becomes one stretch: a new one begins where everything before has ended.
marked AS (
    SELECT
        *,
        CASE
            WHEN start_timestamp <= max(end_timestamp) OVER (
                PARTITION BY instance_id, agent_id ORDER BY start_timestamp, end_timestamp
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) THEN 0
            ELSE 1
        END AS begins
    FROM worked
),
numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY instance_id, agent_id ORDER BY start_timestamp, end_timestamp
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stretch
    FROM marked
),
stretches AS (
    SELECT
        status_date,
        instance_id,
        agent_id,
        min(start_timestamp) AS start_timestamp,
        max(end_timestamp) AS end_timestamp
    FROM numbered
    GROUP BY status_date, instance_id, agent_id, stretch
),
on_contact AS (
    SELECT
        status_date,
        instance_id,
        agent_id,
        sum(CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double)) / 3600000 AS hours
    FROM stretches
    GROUP BY status_date, instance_id, agent_id
),
present AS (
    SELECT
        status_date,
        instance_id,
        agent_id,
        sum(CAST(date_diff('millisecond', start_timestamp, end_timestamp) AS double)) / 3600000 AS hours
    FROM routable
    GROUP BY status_date, instance_id, agent_id
)
SELECT
    present.status_date,
    present.instance_id,
    present.agent_id,
    coalesce(on_contact.hours, 0) AS on_contact_hours,
    present.hours - coalesce(on_contact.hours, 0) AS idle_hours,
    coalesce(on_contact.hours, 0) / present.hours AS occupancy
FROM present
LEFT JOIN on_contact
    ON on_contact.status_date = present.status_date
    AND on_contact.instance_id = present.instance_id
    AND on_contact.agent_id = present.agent_id
ORDER BY present.status_date, present.instance_id, present.agent_id
