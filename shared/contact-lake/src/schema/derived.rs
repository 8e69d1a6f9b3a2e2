//! What is computed from the record, and what is known of the row itself. A rule stands beside its column, or below under
//! the column's name.
//!
//! Definitions follow Amazon Connect's own metrics (Administrator Guide, "Metric definitions"); where a rule
//! deviates, it says so. An interval that would be negative has no value.

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
        "every source field without a column, by path, and every value that its column cannot hold, as JSON text",
    ),
    of_the_row(
        "record_kind",
        Kind::Text,
        RowValue::RecordKind,
        "`contact_record`, or `demo` for a record of the console's \"Test with demo data\"",
    )
    .not_personal(),
    computed(
        "instance_id",
        Kind::Text,
        |facts| Computed::text(facts.part(INSTANCE_ARN, arn::instance_id)),
        "the id in `instance_arn`",
    )
    .open(),
    computed(
        "agent_id",
        Kind::Text,
        |facts| Computed::text(facts.part(AGENT_ARN, |arn| arn::resource_id(arn, "agent"))),
        "the id in `agent_arn`",
    )
    .open(),
    computed(
        "queue_id",
        Kind::Text,
        |facts| Computed::text(facts.part(QUEUE_ARN, |arn| arn::resource_id(arn, "queue"))),
        "the id in `queue_arn`; for an agent's own queue that agent's id",
    )
    .open(),
    computed(
        "contact_duration_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.seconds_between(INITIATION, DISCONNECT)),
        "`disconnect_timestamp` − `initiation_timestamp`, seconds (metric: contact duration)",
    ),
    computed(
        "queue_wait_seconds",
        Kind::Integer,
        |facts| {
            let between = || facts.seconds_between(ENQUEUE, DEQUEUE);
            Computed::interval(facts.whole(QUEUE_DURATION).or_else(between))
        },
        "`queue_duration_seconds`, or else `queue_dequeue_timestamp` − `queue_enqueue_timestamp`, seconds",
    ),
    computed(
        "answer_seconds",
        Kind::Integer,
        |facts| Computed::interval(facts.seconds_between(ENQUEUE, CONNECTED_TO_AGENT)),
        "`agent_connected_to_agent_timestamp` − `queue_enqueue_timestamp`, seconds",
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
        "`talk_seconds` + `hold_seconds` + `after_contact_work_seconds` + `agent_pause_duration_seconds`, those that there are, seconds \
         (metric: average handle time)",
    ),
    computed(
        "answered",
        Kind::Boolean,
        |facts| Computed::truth(answered(facts)),
        "whether there is an `agent_connected_to_agent_timestamp`",
    ),
    computed(
        "abandoned",
        Kind::Boolean,
        |facts| Computed::truth(abandoned(facts)),
        "ended, enqueued, not answered, no `next_contact_id` and no `transfer_completed_timestamp`, whatever the reason (metric: contacts \
         abandoned)",
    ),
    computed(
        "abandoned_in",
        Kind::Text,
        |facts| Computed::text(abandoned_in(facts).map(Cow::Borrowed)),
        "where the contact was lost: `ringing` if `abandoned` and offered to an agent, `queue` if `abandoned`; `ivr` if an inbound contact \
         ended by `CUSTOMER_DISCONNECT` without queue, agent, transfer and next contact (not abandoned in Amazon's sense)",
    )
    .not_personal(),
    computed(
        "transferred",
        Kind::Boolean,
        |facts| Computed::truth(transferred(facts)),
        "whether there is a `transfer_completed_timestamp`: set by cold transfers only, those in which the agent left before the next one \
         came (metric: contacts transferred out)",
    ),
    computed(
        "recorded",
        Kind::Boolean,
        |facts| {
            const LOCATION: usize = lists::place(contact::RECORDING, "location");
            Computed::truth(facts.has(RECORDING_LOCATION) || facts.any_has(RECORDINGS, LOCATION))
        },
        "whether the first or any other recording has a location",
    ),
    of_the_row("schema_version", Kind::Integer, RowValue::SchemaVersion, "version of these columns"),
    of_the_row(
        "content_hash",
        Kind::Text,
        RowValue::ContentHash,
        "32 hex digits over the record in canonical form, before the policy for personal data: the same for every row of one \
         content, whichever version of the schema made it",
    )
    .not_personal(),
    of_the_row(
        "arrival_timestamp",
        Kind::Timestamp,
        RowValue::ArrivalTimestamp,
        "when the record reached Firehose; in a row that a backfill made, when the oldest record of its raw copy did",
    ),
    of_the_row(
        "arrival_place",
        Kind::Integer,
        RowValue::ArrivalPlace,
        "place of the record in the raw copy that a backfill read it from, from 0; null in rows that Firehose delivered",
    ),
];

/// A negative pause is impossible here, because the pause has no computed column of its own. What is impossible elsewhere
/// counts there.
fn handle_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let pause = facts.whole(PAUSE);
    let parts = [facts.whole(INTERACTION), facts.whole(HOLD), facts.whole(AFTER_CONTACT_WORK), pause];
    Computed { cell: sum(parts).map(Cell::Whole), is_impossible: pause.is_some_and(|pause| pause < 0) }
}

/// The sum of the seconds that there are and that are possible.
pub(super) fn sum(parts: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    let mut possible = parts.into_iter().flatten().filter(|seconds| *seconds >= 0);
    let first = possible.next()?;
    possible.try_fold(first, i64::checked_add)
}

pub(super) fn answered(facts: &Facts<'_, '_>) -> bool {
    facts.has(CONNECTED_TO_AGENT)
}

pub(super) fn transferred(facts: &Facts<'_, '_>) -> bool {
    facts.has(TRANSFER_COMPLETED)
}

/// Ended without an agent, and nothing came of it.
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
    let gave_up_in_ivr = was_lost(facts)
        && !facts.has(ENQUEUE)
        && facts.text(DISCONNECT_REASON) == Some("CUSTOMER_DISCONNECT")
        && facts.text(INITIATION_METHOD) == Some("INBOUND");
    gave_up_in_ivr.then_some("ivr")
}

/// The place of a column that a rule reads.
const fn place(name: &str) -> usize {
    lists::place(source::COLUMNS, name)
}

pub(super) const INSTANCE_ARN: usize = place("instance_arn");
const AGENT_ARN: usize = place("agent_arn");
pub(super) const QUEUE_ARN: usize = place("queue_arn");
pub(super) const INITIATION_METHOD: usize = place("initiation_method");
pub(super) const DISCONNECT_REASON: usize = place("disconnect_reason");
pub(super) const NEXT_CONTACT_ID: usize = place("next_contact_id");
pub(super) const INITIATION: usize = place("initiation_timestamp");
pub(super) const DISCONNECT: usize = place("disconnect_timestamp");
pub(super) const ENQUEUE: usize = place("queue_enqueue_timestamp");
const DEQUEUE: usize = place("queue_dequeue_timestamp");
const QUEUE_DURATION: usize = place("queue_duration_seconds");
pub(super) const CONNECTED_TO_AGENT: usize = place("agent_connected_to_agent_timestamp");
pub(super) const INTERACTION: usize = place("agent_interaction_duration_seconds");
pub(super) const HOLD: usize = place("agent_customer_hold_duration_seconds");
const PAUSE: usize = place("agent_pause_duration_seconds");
pub(super) const AFTER_CONTACT_WORK: usize = place("agent_after_contact_work_duration_seconds");
const ATTEMPTS: usize = place("agent_connection_attempts");
pub(super) const TRANSFER_COMPLETED: usize = place("transfer_completed_timestamp");
const RECORDING_LOCATION: usize = place("recording_location");
const RECORDINGS: usize = place("recordings");
