-- Service level: of the contacts that queued, how many left the queue in time, however they left it.
--
-- Amazon Connect: service level X, contacts removed from queue in X, contacts answered in X seconds, contacts abandoned in
-- X seconds (https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Connect counts a contact that
-- gave up in time as a success.
--
-- By the time in the queue as the record has it, in whole seconds. LT compares as Connect does by default, LTE takes in
-- exactly so many seconds. answered_in_time_rate is what one of Amazon's pages calls service level, and no figure of
-- Connect's. For the thresholds that queue_intervals has, its columns say the same.
--
-- Columns: local_start (of the interval, by the clock of the time zone, with its offset; a day or the Monday of a week as a
-- date), instance_id, queue_id, queue_name, channel, contacts_queued, contacts_removed_from_queue_in_x,
-- sum_contacts_answered_in_x, sum_contacts_abandoned_in_x, service_level (0 to 1), answered_in_time_rate (0 to 1)
-- Parameters: 1 time zone (IANA), 2 grain (15, 30, 60, day, week), 3 first day, 4 last day (local, YYYY-MM-DD), 5 queue (name or
--             id, or *), 6 include simulated contacts (true, false), 7 look-back in days, 8 threshold in seconds, 9 comparison (LT, LTE)
WITH
{given asked=of_contacts},
wanted AS (SELECT CAST(? AS bigint) AS threshold, CAST(? AS varchar) AS comparison),
{contacts view=contact_metrics instant=disconnect_timestamp name=queue}
SELECT
    local_start,
    instance_id,
    queue_id,
    max(queue_name) AS queue_name,
    channel,
    count(CASE WHEN queued THEN 1 END) AS contacts_queued,
    count(CASE WHEN queued_time < threshold OR (comparison = 'LTE' AND queued_time = threshold) THEN 1 END) AS contacts_removed_from_queue_in_x,
    count(CASE WHEN queue_answer_time < threshold OR (comparison = 'LTE' AND queue_answer_time = threshold) THEN 1 END) AS sum_contacts_answered_in_x,
    count(CASE WHEN abandon_time < threshold OR (comparison = 'LTE' AND abandon_time = threshold) THEN 1 END) AS sum_contacts_abandoned_in_x,
    CAST(count(CASE WHEN queued_time < threshold OR (comparison = 'LTE' AND queued_time = threshold) THEN 1 END) AS double) / nullif(count(CASE WHEN queued THEN 1 END), 0) AS service_level,
    CAST(count(CASE WHEN queue_answer_time < threshold OR (comparison = 'LTE' AND queue_answer_time = threshold) THEN 1 END) AS double) / nullif(count(CASE WHEN queued THEN 1 END), 0) AS answered_in_time_rate
FROM contacts
CROSS JOIN wanted
GROUP BY local_start, instance_id, queue_id, channel
ORDER BY min(instant), instance_id, queue_id, channel
