-- Forecasting: contact volume and handle time by queue, in the format that Amazon Connect forecasting imports.
--
-- Amazon Connect imports this CSV file as described in "Import data for forecasting"
-- (https://docs.aws.amazon.com/connect/latest/adminguide/import-data-for-forecasting.html). Upload daily data and
-- 15-minute or 30-minute data as separate files.
--
-- Contacts are counted when they are queued or, if they have no enqueue timestamp, at initiation. API contacts
-- (which include new chats and tasks) are excluded, because Amazon's page lists only inbound contacts, transfers,
-- and callbacks. Contacts without a queue and contacts in agent queues are also excluded. Intervals without contacts
-- have no row. TimeStamp is the start of the local interval, in UTC.
--
-- Columns: QueueName, QueueId, ChannelType, TimeStamp, IntervalDuration (15mins, 30mins, daily), IncomingContactVolume,
--          AverageHandleTime (seconds), ContactsHandled
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, day), 3 first day, 4 last day (local, YYYY-MM-DD), 5 queue (name
--          or ID, or *), 6 include simulated contacts (true, false), 7 look-back in days, 8 instance (ID, or *)
WITH
{given asked=by_queue},
wanted AS (
    SELECT
        CASE
            WHEN grain = 'day' THEN 'daily'
            WHEN grain IN ('15', '30') THEN grain || 'mins'
            ELSE CAST(CAST('the grain ' || grain || ' is none of 15, 30, day' AS bigint) AS varchar)
        END AS duration
    FROM given
),
instances AS (SELECT CAST(? AS varchar) AS instance),
{contacts view=contact_metrics instant=arrived_timestamp name=queue},
arrived AS (
    SELECT
        *,
        max_by(queue_name, instant) OVER (PARTITION BY instance_id, queue_id) AS newest_name,
        date_format(
            CASE grain
                WHEN 'day' THEN CAST(at_timezone(with_timezone(date_trunc('day', local_time), time_zone),
                    'UTC') AS timestamp(3))
                ELSE date_add('minute', -(minute(local_time) % try_cast(grain AS bigint)), date_trunc('minute', instant))
            END,
            '%Y-%m-%dT%H:%i:%sZ'
        ) AS interval_start
    FROM contacts
    CROSS JOIN wanted
    CROSS JOIN instances
    WHERE instance IN ('*', instance_id)
      AND initiation_method IN ('INBOUND', 'TRANSFER', 'QUEUE_TRANSFER', 'CALLBACK', 'CALLBACK_CUSTOMER_FIRST_DIALED')
      AND queue_id IS NOT NULL
      AND NOT agent_queue
)
SELECT
    newest_name AS "QueueName",
    queue_id AS "QueueId",
    channel AS "ChannelType",
    interval_start AS "TimeStamp",
    duration AS "IntervalDuration",
    count(*) AS "IncomingContactVolume",
    round(coalesce(
        CAST(sum(CASE WHEN handled THEN coalesce(handle_time,
            0) END) AS double) / nullif(count(CASE WHEN handled THEN 1 END), 0), 0
    ), 2) AS "AverageHandleTime",
    count(CASE WHEN handled THEN 1 END) AS "ContactsHandled"
FROM arrived
GROUP BY newest_name, instance_id, queue_id, channel, interval_start, duration
ORDER BY queue_id, channel, interval_start
