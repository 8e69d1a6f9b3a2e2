//! The columns that were added since the table was published, whatever their origin, in the order of their adding: a new one
//! goes to the end, and so to the end of the table (see docs/deploy.md, "Upgrading").
//!
//! Rules follow Amazon Connect's own metrics, as `derived` does.

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
    text("agent_active_region", "Agent.ActiveRegion", "the Region in which the agent worked; not in every export").open(),
    text(
        "agent_voice_enhancement_mode",
        "Agent.VoiceEnhancementMode",
        "VOICE_ISOLATION, NOISE_SUPPRESSION, NONE, as the call ended; not in every export",
    )
    .open(),
    integer(
        "queue_callback_total_queue_duration_seconds",
        "Queue.CallbackTotalQueueDuration",
        "wait of a customer-first callback in its queues, queued and dialed contact together, seconds",
    )
    .or("CallbackTotalQueueDuration"),
    integer(
        "callback_total_queue_duration_milliseconds",
        "CallbackTotalQueueDurationMillis",
        "the same under Amazon's other name for it, milliseconds",
    )
    .or("Queue.CallbackTotalQueueDurationMillis"),
    computed(
        "stream_region",
        Kind::Text,
        |facts| Computed::text(facts.part(INSTANCE_ARN, arn::region)),
        "the Region in `instance_arn`: that of the stream",
    )
    .open(),
    computed(
        "routing_profile_id",
        Kind::Text,
        |facts| Computed::text(facts.part(ROUTING_PROFILE_ARN, |arn| arn::resource_id(arn, "routing-profile"))),
        "the id in `agent_routing_profile_arn`",
    )
    .open(),
    computed(
        "agent_queue",
        Kind::Boolean,
        |facts| Computed::truth(facts.text(QUEUE_ARN).is_some_and(|arn| arn.contains("/queue/agent/"))),
        "whether the queue is an agent's own; GetMetricDataV2 has standard queues only",
    ),
    computed(
        "subtype",
        Kind::Text,
        |facts| of_segment(facts, "connect:Subtype"),
        "`connect:Subtype` of the segment attributes, such as `connect:Assistant`",
    )
    .open(),
    computed(
        "validation_test_type",
        Kind::Text,
        |facts| of_segment(facts, "connect:ValidationTestType"),
        "`connect:ValidationTestType` of the segment attributes: EXPERIENCE_VALIDATION, FLOW_VALIDATION",
    )
    .open(),
    computed(
        "traffic_type",
        Kind::Text,
        |facts| of_segment(facts, "connect:TrafficType"),
        "`connect:TrafficType` of the segment attributes, such as CUSTOMER_FIRST_CALLBACK",
    )
    .open(),
    computed(
        "redacted_fields",
        Kind::Text,
        |facts| of_segment(facts, "connect:RedactedFields"),
        "`connect:RedactedFields` of the segment attributes: what was taken out of the record, such as CUSTOMER_ENDPOINT",
    )
    .open(),
    computed(
        "assistant",
        Kind::Boolean,
        |facts| {
            Computed::truth(facts.entry(SEGMENT_ATTRIBUTES, "connect:Subtype").as_deref() == Some("connect:Assistant"))
        },
        "whether it is an agent's or manager's conversation with an assistant, which Amazon's reports leave out",
    ),
    computed(
        "simulated",
        Kind::Boolean,
        |facts| Computed::truth(facts.entry(SEGMENT_ATTRIBUTES, "connect:ValidationTestType").is_some()),
        "whether it is a simulated contact, with a `connect:ValidationTestType`",
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
        "whether there is a `next_contact_id` without a completed transfer: a disconnect flow, a callback or a conference went on",
    ),
    computed(
        "transferred_external",
        Kind::Boolean,
        |facts| Computed::truth(transferred(facts) && TRANSFERRED_TO.iter().any(|place| facts.has(*place))),
        "whether it was `transferred` to an endpoint of its own, such as a number outside; known also where a policy hides the address \
         (metric: contacts transferred out external)",
    ),
    computed(
        "customer_gave_up",
        Kind::Boolean,
        |facts| Computed::truth(customer_gave_up(facts)),
        "`abandoned`, with disconnect reason `CUSTOMER_DISCONNECT`; not a metric of Amazon's",
    ),
    computed(
        "active_seconds",
        Kind::Integer,
        active_seconds,
        "`talk_seconds` + `hold_seconds` + `after_contact_work_seconds`, those that there are, seconds (metric: average active time)",
    ),
    computed(
        "resolution_seconds",
        Kind::Integer,
        resolution_seconds,
        "from `initiation_timestamp` to the later of `agent_after_contact_work_end_timestamp` and `disconnect_timestamp`, at least 0, \
         seconds (metric: average resolution time)",
    ),
    computed(
        "flow_seconds",
        Kind::Integer,
        flow_seconds,
        "from `connected_to_system_timestamp` to `queue_enqueue_timestamp`, or else `transfer_completed_timestamp`, or else \
         `disconnect_timestamp`, at least 0; 0 without a beginning; of INBOUND, TRANSFER, QUEUE_TRANSFER and API, seconds (metric: \
         contact flow time)",
    ),
    computed(
        "callback_wait_milliseconds",
        Kind::Integer,
        |facts| {
            let from_seconds = facts.whole(CALLBACK_WAIT).and_then(|seconds| seconds.checked_mul(1000));
            Computed::interval(from_seconds.or_else(|| facts.whole(CALLBACK_WAIT_MILLISECONDS)))
        },
        "`queue_callback_total_queue_duration_seconds`, or else `callback_total_queue_duration_milliseconds`, milliseconds (metric: average \
         queue answer time of customer-first callbacks)",
    ),
    computed(
        "wait_after_greeting_milliseconds",
        Kind::Integer,
        wait_after_greeting,
        "of a CALLBACK_CUSTOMER_FIRST_DIALED that was HUMAN_ANSWERED: from the end of the greeting to the agent, or else to the disconnection, \
         milliseconds (metric: average wait time after customer first callback connection)",
    ),
    computed(
        "first_response_milliseconds",
        Kind::Integer,
        |facts| Computed::interval(facts.milliseconds_between(ENQUEUE, FIRST_RESPONSE)),
        "from `queue_enqueue_timestamp` to `chat_metrics_contact_metrics_agent_first_response_timestamp`, milliseconds (metric: average \
         contact first response time agent)",
    ),
];

fn of_segment<'a>(facts: &Facts<'_, 'a>, name: &str) -> Computed<'a> {
    Computed::text(facts.entry(SEGMENT_ATTRIBUTES, name))
}

fn customer_gave_up(facts: &Facts<'_, '_>) -> bool {
    abandoned(facts) && facts.text(DISCONNECT_REASON) == Some("CUSTOMER_DISCONNECT")
}

fn active_seconds<'a>(facts: &Facts<'_, 'a>) -> Computed<'a> {
    let parts = [facts.whole(INTERACTION), facts.whole(HOLD), facts.whole(AFTER_CONTACT_WORK)];
    // What is impossible counts where the part is.
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
    let is_meant = facts.text(INITIATION_METHOD) == Some("CALLBACK_CUSTOMER_FIRST_DIALED")
        && facts.text(ANSWERED_BY) == Some("HUMAN_ANSWERED");
    let end = if answered(facts) { CONNECTED_TO_AGENT } else { DISCONNECT };
    Computed::interval(facts.milliseconds_between(GREETING_END, end).filter(|_| is_meant))
}

/// The place of a column that a rule reads.
const fn place(name: &str) -> usize {
    lists::place_in(&LISTS, name)
}

const ROUTING_PROFILE_ARN: usize = place("agent_routing_profile_arn");
const SEGMENT_ATTRIBUTES: usize = place("segment_attributes");
const HOLDS: usize = place("agent_number_of_holds");
const TRANSFERRED_TO: [usize; 2] =
    [place("transferred_to_endpoint_type"), place("transferred_to_endpoint_address")];
const CONNECTED_TO_SYSTEM: usize = place("connected_to_system_timestamp");
const AFTER_CONTACT_WORK_END: usize = place("agent_after_contact_work_end_timestamp");
const CALLBACK_WAIT: usize = place("queue_callback_total_queue_duration_seconds");
const CALLBACK_WAIT_MILLISECONDS: usize = place("callback_total_queue_duration_milliseconds");
const ANSWERED_BY: usize = place("answering_machine_detection_status");
const GREETING_END: usize = place("customer_voice_activity_greeting_end_timestamp");
const FIRST_RESPONSE: usize = place("chat_metrics_contact_metrics_agent_first_response_timestamp");
