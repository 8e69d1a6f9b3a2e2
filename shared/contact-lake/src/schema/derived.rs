//! Columns computed from the record, and columns about the row itself. A rule is next to its column, or in a function below
//! with the column's name.
//!
//! Definitions follow Amazon Connect's own
//! [metric definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). A rule that
//! deviates says so. A negative interval has no value.

use std::borrow::Cow;

use connect_streams::arn;

use super::column::{Column, Kind, RowValue, computed, of_the_row};
use super::{contact, lists, source};
use crate::facts::{Computed, Facts};
use crate::row::Cell;

pub(super) const COLUMNS: &[Column] = &[
    of_the_row(
        "extra",
        Kind::Json,
        RowValue::Extra,
        "JSON text, keyed by field path, of source fields that have no column and of values that do not fit their column",
    ),
    of_the_row(
        "record_kind",
        Kind::Text,
        RowValue::RecordKind,
        "kind of the record: `contact_record`, or `demo` for a record from the console's \"Test with demo data\"",
    )
    .not_personal(),
    computed(
        "instance_id",
        Kind::Text,
        |facts| Computed::text(facts.part(INSTANCE_ARN, arn::instance_id)),
        "ID in `instance_arn`",
    )
    .open(),
    computed(
        "agent_id",
        Kind::Text,
        |facts| Computed::text(facts.part(AGENT_ARN, |arn| arn::resource_id(arn, "agent"))),
        "ID in `agent_arn`",
    )
    .open(),
    computed(
        "queue_id",
        Kind::Text,
        |facts| Computed::text(facts.part(QUEUE_ARN, |arn| arn::resource_id(arn, "queue"))),
        "ID in `queue_arn`; for an agent queue, the agent's ID",
    )
    .open(),
    computed(
        "contact_duration_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.seconds_between(INITIATION, DISCONNECT)),
        "`disconnect_timestamp` − `initiation_timestamp`, in seconds (metric: contact duration)",
    ),
    computed(
        "queue_wait_seconds",
        Kind::Integer,
        |facts| {
            let between = || facts.seconds_between(ENQUEUE, DEQUEUE);
            Computed::interval(facts.whole(QUEUE_DURATION).or_else(between))
        },
        "`queue_duration_seconds` or, if absent, `queue_dequeue_timestamp` − `queue_enqueue_timestamp`, in seconds",
    ),
    computed(
        "answer_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.seconds_between(ENQUEUE, CONNECTED_TO_AGENT)),
        "`agent_connected_to_agent_timestamp` − `queue_enqueue_timestamp`, in seconds",
    ),
    computed(
        "talk_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.whole(INTERACTION)),
        "`agent_interaction_duration_seconds` (metric: agent interaction time)",
    ),
    computed(
        "hold_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.whole(HOLD)),
        "`agent_customer_hold_duration_seconds` (metric: customer hold time)",
    ),
    computed(
        "after_contact_work_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.whole(AFTER_CONTACT_WORK)),
        "`agent_after_contact_work_duration_seconds` (metric: after contact work time)",
    ),
    computed(
        "handle_seconds",
        Kind::Integer,
        handle_seconds,
        "sum, in seconds, of `talk_seconds`, `hold_seconds`, `after_contact_work_seconds`, and `agent_pause_duration_seconds`; absent \
         ones are left out (metric: average handle time)",
    ),
    computed(
        "answered",
        Kind::Boolean,
        |facts| Computed::truth(answered(facts)),
        "whether `agent_connected_to_agent_timestamp` is set",
    ),
    computed(
        "abandoned",
        Kind::Boolean,
        |facts| Computed::truth(abandoned(facts)),
        "whether the contact was queued and ended (for any reason) without being answered, and has neither `next_contact_id` nor \
         `transfer_completed_timestamp` (metric: contacts abandoned)",
    ),
    computed(
        "abandoned_in",
        Kind::Text,
        |facts| Computed::text(abandoned_in(facts).map(Cow::Borrowed)),
        "`ringing` if `abandoned` and offered to an agent; `queue` if `abandoned` and not offered; `ivr` if inbound, ended by \
         CUSTOMER_DISCONNECT, and without queue, agent, transfer, or next contact",
    )
    .not_personal(),
    computed(
        "transferred",
        Kind::Boolean,
        |facts| Computed::truth(transferred(facts)),
        "whether `transfer_completed_timestamp` is set. Connect sets it only for cold transfers, in which the first agent leaves before \
         the next agent joins (metric: contacts transferred out)",
    ),
    computed(
        "recorded",
        Kind::Boolean,
        |facts| {
            const LOCATION: usize = lists::index(contact::RECORDING, "location");
            Computed::truth(facts.has(RECORDING_LOCATION) || facts.any_has(RECORDINGS, LOCATION))
        },
        "whether any recording has a location",
    ),
    of_the_row("schema_version", Kind::Integer, RowValue::SchemaVersion, "schema version of the row"),
    of_the_row(
        "content_hash",
        Kind::Text,
        RowValue::ContentHash,
        "hash of the canonical record before the PII policy, 32 hex digits: the same for all rows with the same content, in every schema \
         version since 2",
    )
    .not_personal(),
    of_the_row(
        "arrival_timestamp",
        Kind::Timestamp,
        RowValue::ArrivalTimestamp,
        "when the record reached Firehose; in a row created by a backfill, when the oldest record in the raw copy's S3 object did so",
    ),
    of_the_row(
        "arrival_place",
        Kind::Integer,
        RowValue::ArrivalPlace,
        "position, from 0, of the record in the S3 object that a backfill read; null in rows delivered by Firehose",
    ),
];

/// Only a negative pause is reported here, because the pause has no computed column of its own. Other negative parts are
/// reported under their own columns.
fn handle_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let pause = facts.whole(PAUSE);
    let parts = [facts.whole(INTERACTION), facts.whole(HOLD), facts.whole(AFTER_CONTACT_WORK), pause];
    Computed { cell: sum(parts).map(Cell::Whole), is_impossible: pause.is_some_and(|pause| pause < 0) }
}

/// The sum of the seconds that are present and not negative.
pub(super) fn sum(parts: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    let mut valid = parts.into_iter().flatten().filter(|seconds| *seconds >= 0);
    let first = valid.next()?;
    valid.try_fold(first, i64::checked_add)
}

pub(super) fn answered(facts: &Facts<'_, '_>) -> bool {
    facts.has(CONNECTED_TO_AGENT)
}

pub(super) fn transferred(facts: &Facts<'_, '_>) -> bool {
    facts.has(TRANSFER_COMPLETED)
}

/// Ended without reaching an agent, being transferred, or having a next contact.
fn was_lost(facts: &Facts<'_, '_>) -> bool {
    facts.has(DISCONNECT) && !answered(facts) && !transferred(facts) && !facts.has(NEXT_CONTACT_ID)
}

pub(super) fn abandoned(facts: &Facts<'_, '_>) -> bool {
    was_lost(facts) && facts.has(ENQUEUE)
}

fn abandoned_in(facts: &Facts<'_, '_>) -> Option<&'static str> {
    if abandoned(facts) {
        let was_offered = facts.whole(ATTEMPTS).is_some_and(|attempts| attempts > 0);
        return Some(if was_offered { "ringing" } else { "queue" });
    }
    let left_in_ivr = was_lost(facts)
        && !facts.has(ENQUEUE)
        && facts.text(DISCONNECT_REASON) == Some("CUSTOMER_DISCONNECT")
        && facts.text(INITIATION_METHOD) == Some("INBOUND");
    left_in_ivr.then_some("ivr")
}

/// The index of a column that a rule reads.
const fn index(name: &str) -> usize {
    lists::index(source::COLUMNS, name)
}

pub(super) const INSTANCE_ARN: usize = index("instance_arn");
const AGENT_ARN: usize = index("agent_arn");
pub(super) const QUEUE_ARN: usize = index("queue_arn");
pub(super) const INITIATION_METHOD: usize = index("initiation_method");
pub(super) const DISCONNECT_REASON: usize = index("disconnect_reason");
pub(super) const NEXT_CONTACT_ID: usize = index("next_contact_id");
pub(super) const INITIATION: usize = index("initiation_timestamp");
pub(super) const DISCONNECT: usize = index("disconnect_timestamp");
pub(super) const ENQUEUE: usize = index("queue_enqueue_timestamp");
const DEQUEUE: usize = index("queue_dequeue_timestamp");
const QUEUE_DURATION: usize = index("queue_duration_seconds");
pub(super) const CONNECTED_TO_AGENT: usize = index("agent_connected_to_agent_timestamp");
pub(super) const INTERACTION: usize = index("agent_interaction_duration_seconds");
pub(super) const HOLD: usize = index("agent_customer_hold_duration_seconds");
const PAUSE: usize = index("agent_pause_duration_seconds");
pub(super) const AFTER_CONTACT_WORK: usize = index("agent_after_contact_work_duration_seconds");
const ATTEMPTS: usize = index("agent_connection_attempts");
pub(super) const TRANSFER_COMPLETED: usize = index("transfer_completed_timestamp");
const RECORDING_LOCATION: usize = index("recording_location");
const RECORDINGS: usize = index("recordings");
