//! What is computed from the record: `crate::derive` does it, and the rules stand here.
//!
//! Definitions follow Amazon Connect's own metrics (Administrator Guide, "Metric definitions"); where a rule
//! deviates, it says so. An interval that would be negative has no value.

use super::{Column, boolean, integer, json, text, timestamp};

pub(super) const COLUMNS: &[Column] = &[
    json(
        "extra",
        "",
        "every source field without a column, by path, and every value that its column cannot hold, as JSON text",
    ),
    text(
        "record_kind",
        "",
        "`contact_record`, or `demo` for a record of the console's \"Test with demo data\"",
    ),
    text("instance_id", "", "the id in `instance_arn`"),
    text("agent_id", "", "the id in `agent_arn`"),
    text("queue_id", "", "the id in `queue_arn`; for an agent's own queue that agent's id"),
    integer(
        "contact_duration_seconds",
        "",
        "`disconnect_timestamp` − `initiation_timestamp`, seconds (metric: contact duration)",
    ),
    integer(
        "queue_wait_seconds",
        "",
        "`queue_duration_seconds`, or else `queue_dequeue_timestamp` − `queue_enqueue_timestamp`, seconds",
    ),
    integer(
        "answer_seconds",
        "",
        "`agent_connected_to_agent_timestamp` − `queue_enqueue_timestamp`, seconds (compared with N by the metric: service level)",
    ),
    integer("talk_seconds", "", "`agent_interaction_duration_seconds` (metric: agent interaction time)"),
    integer("hold_seconds", "", "`agent_customer_hold_duration_seconds` (metric: customer hold time)"),
    integer(
        "after_contact_work_seconds",
        "",
        "`agent_after_contact_work_duration_seconds`, or else the end of after-contact work − its start, seconds",
    ),
    integer(
        "handle_seconds",
        "",
        "`talk_seconds` + `hold_seconds` + `after_contact_work_seconds` + `agent_pause_duration_seconds`, those that there are; only with \
         `talk_seconds`, seconds (metric: contact handle time)",
    ),
    boolean("answered", "", "whether there is an `agent_connected_to_agent_timestamp`"),
    boolean(
        "abandoned",
        "",
        "enqueued, disconnected by the customer (`CUSTOMER_DISCONNECT`, or no reason as in records before 2021), not answered, no \
         `next_contact_id`, no transfer, not a `CALLBACK` (metric: contacts abandoned, which leaves out contacts queued for callback)",
    ),
    text(
        "abandoned_in",
        "",
        "where the customer gave up: `ringing` if `abandoned` and offered to an agent, `queue` if `abandoned`; `ivr` if an inbound contact \
         ended by `CUSTOMER_DISCONNECT` without queue, agent and next contact (not abandoned in Amazon's sense)",
    ),
    boolean(
        "transferred",
        "",
        "whether there is a `transferred_to_endpoint_address`, a `transfer_completed_timestamp` or a `next_contact_id`; the latter is also \
         set by a disconnect flow",
    ),
    boolean("recorded", "", "whether the first or any other recording has a location"),
    integer("schema_version", "", "version of these columns"),
    text(
        "content_hash",
        "",
        "32 hex digits over the record in canonical form, before the policy for personal data: the same for every row of one \
         content, whichever version of the schema made it",
    ),
    timestamp(
        "arrival_timestamp",
        "",
        "when the record reached Firehose; in a row that a backfill made, when the oldest record of its raw copy did",
    ),
    integer(
        "arrival_place",
        "",
        "place of the record in the raw copy that a backfill read it from, from 0; null in rows that Firehose delivered",
    ),
];
