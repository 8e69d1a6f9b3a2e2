//! Columns added since the table was published, of any origin, in the order they were added. A new column goes at the end of
//! this list, and so at the end of the table (see docs/deploy.md, "Upgrading").
//!
//! Rules follow Amazon Connect's own metrics, as in `derived`.

use connect_streams::arn;

use super::column::{Column, Kind, computed, integer, text};
use super::derived::{
    self, AFTER_CONTACT_WORK, CONNECTED_TO_AGENT, DISCONNECT, DISCONNECT_REASON, ENQUEUE, HOLD, INITIATION,
    INITIATION_METHOD, INSTANCE_ARN, INTERACTION, NEXT_CONTACT_ID, QUEUE_ARN, TRANSFER_COMPLETED, abandoned,
    answered, sum, transferred,
};
use super::{lists, source};
use crate::facts::{Computed, Facts};
use crate::row::Cell;

/// All lists of the table, in order.
pub(super) const LISTS: [&[Column]; 3] = [source::COLUMNS, derived::COLUMNS, COLUMNS];

const COLUMNS: &[Column] = &[
    // Version 3.
    text("agent_active_region", "Agent.ActiveRegion", "Region where the agent worked; not present in all contact records").open(),
    text(
        "agent_voice_enhancement_mode",
        "Agent.VoiceEnhancementMode",
        "voice enhancement mode when the call ended: VOICE_ISOLATION, NOISE_SUPPRESSION, NONE; not present in all contact records",
    )
    .open(),
    integer(
        "queue_callback_total_queue_duration_seconds",
        "Queue.CallbackTotalQueueDuration",
        "total queue time of a customer-first callback, in seconds; present in the records of the queued and of the dialed contact",
    )
    .or("CallbackTotalQueueDuration"),
    integer(
        "callback_total_queue_duration_milliseconds",
        "CallbackTotalQueueDurationMillis",
        "total queue time of a customer-first callback, under Amazon's other name for this field, in milliseconds",
    )
    .or("Queue.CallbackTotalQueueDurationMillis"),
    computed(
        "stream_region",
        Kind::Text,
        |facts| Computed::text(facts.part(INSTANCE_ARN, arn::region)),
        "Region in `instance_arn`; the Region of the stream",
    )
    .open(),
    computed(
        "routing_profile_id",
        Kind::Text,
        |facts| Computed::text(facts.part(ROUTING_PROFILE_ARN, |arn| arn::resource_id(arn, "routing-profile"))),
        "ID in `agent_routing_profile_arn`",
    )
    .open(),
    computed(
        "agent_queue",
        Kind::Boolean,
        |facts| Computed::truth(facts.text(QUEUE_ARN).is_some_and(|arn| arn.contains("/queue/agent/"))),
        "whether the queue is an agent queue, which belongs to one agent. GetMetricDataV2 covers only standard queues, so exclude these \
         rows to compare results with it",
    ),
    computed(
        "subtype",
        Kind::Text,
        |facts| segment_attribute(facts, "connect:Subtype"),
        "segment attribute `connect:Subtype`, such as `connect:Assistant`",
    )
    .open(),
    computed(
        "validation_test_type",
        Kind::Text,
        |facts| segment_attribute(facts, "connect:ValidationTestType"),
        "segment attribute `connect:ValidationTestType`: EXPERIENCE_VALIDATION, FLOW_VALIDATION",
    )
    .open(),
    computed(
        "traffic_type",
        Kind::Text,
        |facts| segment_attribute(facts, "connect:TrafficType"),
        "segment attribute `connect:TrafficType`, such as CUSTOMER_FIRST_CALLBACK",
    )
    .open(),
    computed(
        "redacted_fields",
        Kind::Text,
        |facts| segment_attribute(facts, "connect:RedactedFields"),
        "segment attribute `connect:RedactedFields`: fields that were removed from the record, such as CUSTOMER_ENDPOINT",
    )
    .open(),
    computed(
        "assistant",
        Kind::Boolean,
        |facts| {
            Computed::truth(facts.entry(SEGMENT_ATTRIBUTES, "connect:Subtype").as_deref() == Some("connect:Assistant"))
        },
        "whether the contact is a conversation between an agent or manager and an AI assistant; Amazon's reports exclude such contacts",
    ),
    computed(
        "simulated",
        Kind::Boolean,
        |facts| Computed::truth(facts.entry(SEGMENT_ATTRIBUTES, "connect:ValidationTestType").is_some()),
        "whether the contact is a simulated contact, which has `connect:ValidationTestType`",
    ),
    computed(
        "held",
        Kind::Boolean,
        |facts| Computed::truth(facts.whole(HOLDS).is_some_and(|holds| holds > 0)),
        "whether `agent_number_of_holds` is above 0 (metric: contacts put on hold)",
    ),
    computed(
        "continued",
        Kind::Boolean,
        |facts| Computed::truth(facts.has(NEXT_CONTACT_ID) && !transferred(facts)),
        "whether `next_contact_id` is set without a completed transfer, because a disconnect flow, a callback, or a conference followed",
    ),
    computed(
        "transferred_external",
        Kind::Boolean,
        |facts| Computed::truth(transferred(facts) && TRANSFERRED_TO.iter().any(|index| facts.has(*index))),
        "whether the contact was `transferred` to an external endpoint, such as a phone number; correct even if the PII policy hides the \
         address (metric: contacts transferred out external)",
    ),
    computed(
        "customer_gave_up",
        Kind::Boolean,
        |facts| Computed::truth(customer_gave_up(facts)),
        "whether the contact was `abandoned` and its disconnect reason is `CUSTOMER_DISCONNECT`; not an Amazon metric",
    ),
    computed(
        "active_seconds",
        Kind::Integer,
        active_seconds,
        "sum, in seconds, of `talk_seconds`, `hold_seconds`, and `after_contact_work_seconds`; absent ones are left out (metric: average \
         active time)",
    ),
    computed(
        "resolution_seconds",
        Kind::Integer,
        resolution_seconds,
        "time from `initiation_timestamp` to the later of `agent_after_contact_work_end_timestamp` and `disconnect_timestamp`, in seconds; \
         never negative (metric: average resolution time)",
    ),
    computed(
        "flow_seconds",
        Kind::Integer,
        flow_seconds,
        "seconds from `connected_to_system_timestamp` until queued, else transferred, else disconnected; 0 without a start; absent unless \
         INBOUND, TRANSFER, QUEUE_TRANSFER, or API (metric: contact flow time)",
    ),
    computed(
        "callback_wait_milliseconds",
        Kind::Integer,
        |facts| {
            let from_seconds = facts.whole(CALLBACK_WAIT).and_then(|seconds| seconds.checked_mul(1000));
            Computed::interval(from_seconds.or_else(|| facts.whole(CALLBACK_WAIT_MILLISECONDS)))
        },
        "`queue_callback_total_queue_duration_seconds` or, if absent, `callback_total_queue_duration_milliseconds`, in milliseconds \
         (metric: average queue answer time, customer first callback)",
    ),
    computed(
        "wait_after_greeting_milliseconds",
        Kind::Integer,
        wait_after_greeting,
        "for dialed, HUMAN_ANSWERED customer-first callbacks: milliseconds from the greeting's end to the agent or, if none, the \
         disconnect (metric: average wait time after customer first callback connection)",
    ),
    computed(
        "first_response_milliseconds",
        Kind::Integer,
        |facts| Computed::interval(facts.milliseconds_between(ENQUEUE, FIRST_RESPONSE)),
        "time from `queue_enqueue_timestamp` to `chat_metrics_contact_metrics_agent_first_response_timestamp`, in milliseconds (metric: \
         average contact first response time agent)",
    ),
];

fn segment_attribute<'a>(facts: &Facts<'_, 'a>, name: &str) -> Computed<'a> {
    Computed::text(facts.entry(SEGMENT_ATTRIBUTES, name))
}

fn customer_gave_up(facts: &Facts<'_, '_>) -> bool {
    abandoned(facts) && facts.text(DISCONNECT_REASON) == Some("CUSTOMER_DISCONNECT")
}

fn active_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let parts = [facts.whole(INTERACTION), facts.whole(HOLD), facts.whole(AFTER_CONTACT_WORK)];
    // A negative part is reported under its own column.
    Computed { cell: sum(parts).map(Cell::Whole), is_impossible: false }
}

fn resolution_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let ends = [AFTER_CONTACT_WORK_END, DISCONNECT].map(|end| facts.seconds_between(INITIATION, end));
    let seconds = ends.into_iter().flatten().max().filter(|_| facts.has(DISCONNECT));
    Computed::interval(seconds.map(|seconds| seconds.max(0)))
}

fn flow_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    if !matches!(facts.text(INITIATION_METHOD), Some("INBOUND" | "TRANSFER" | "QUEUE_TRANSFER" | "API")) {
        return Computed::interval(None);
    }
    let end = [ENQUEUE, TRANSFER_COMPLETED, DISCONNECT].into_iter().find(|end| facts.has(*end));
    let seconds = end.map(|end| facts.seconds_between(CONNECTED_TO_SYSTEM, end).unwrap_or(0).max(0));
    Computed::interval(seconds)
}

fn wait_after_greeting<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let is_answered_callback = facts.text(INITIATION_METHOD) == Some("CALLBACK_CUSTOMER_FIRST_DIALED")
        && facts.text(ANSWERED_BY) == Some("HUMAN_ANSWERED");
    let end = if answered(facts) { CONNECTED_TO_AGENT } else { DISCONNECT };
    Computed::interval(facts.milliseconds_between(GREETING_END, end).filter(|_| is_answered_callback))
}

/// The index of a column that a rule reads.
const fn index(name: &str) -> usize {
    lists::index_in(&LISTS, name)
}

const ROUTING_PROFILE_ARN: usize = index("agent_routing_profile_arn");
const SEGMENT_ATTRIBUTES: usize = index("segment_attributes");
const HOLDS: usize = index("agent_number_of_holds");
const TRANSFERRED_TO: [usize; 2] =
    [index("transferred_to_endpoint_type"), index("transferred_to_endpoint_address")];
const CONNECTED_TO_SYSTEM: usize = index("connected_to_system_timestamp");
const AFTER_CONTACT_WORK_END: usize = index("agent_after_contact_work_end_timestamp");
const CALLBACK_WAIT: usize = index("queue_callback_total_queue_duration_seconds");
const CALLBACK_WAIT_MILLISECONDS: usize = index("callback_total_queue_duration_milliseconds");
const ANSWERED_BY: usize = index("answering_machine_detection_status");
const GREETING_END: usize = index("customer_voice_activity_greeting_end_timestamp");
const FIRST_RESPONSE: usize = index("chat_metrics_contact_metrics_agent_first_response_timestamp");
