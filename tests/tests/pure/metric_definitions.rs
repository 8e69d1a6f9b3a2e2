//! The columns derived from one contact's record, against Amazon Connect's
//! [metric definitions](https://docs.aws.amazon.com/connect/latest/adminguide/metrics-definitions.html). Each rule is tested
//! with records that differ in one field.

use ledger_tests::golden::row_of;
use serde_json::{Value, json};

/// A contact that waited in a queue for 20 seconds and was not answered.
fn queued() -> Value {
    json!({
        "ContactId": "c0000000-0000-4000-8000-000000000001",
        "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-02T09:00:00Z",
        "ConnectedToSystemTimestamp": "2026-03-02T09:00:01Z",
        "DisconnectTimestamp": "2026-03-02T09:01:00Z",
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": "2026-03-02T09:02:00Z",
        "Queue": {"EnqueueTimestamp": "2026-03-02T09:00:30Z", "Duration": 20},
    })
}

/// The same contact, answered.
fn answered() -> Value {
    with(queued(), json!({"Agent": {"ConnectedToAgentTimestamp": "2026-03-02T09:00:50Z"}}))
}

/// The record with these fields replaced.
fn with(mut record: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    for (name, value) in fields {
        match (&mut record[&name], value) {
            (Value::Object(inner), Value::Object(more)) => inner.extend(more),
            (place, value) => *place = value,
        }
    }
    record
}

fn column(name: &str, record: &Value) -> Value {
    row_of(record.to_string().as_bytes()).get(name).cloned().unwrap_or(Value::Null)
}

/// Checks a column: each case is a description, a record, and the column's value.
fn check(name: &str, cases: impl IntoIterator<Item = (&'static str, Value, Value)>) {
    for (case, record, expected) in cases {
        assert_eq!(column(name, &record), expected, "{name}: {case}");
    }
}

/// A queued contact without agent, transfer, or next contact is abandoned, for any disconnect reason and initiation
/// method.
#[test]
fn a_contact_is_abandoned_without_agent_transfer_and_next_contact() {
    check(
        "abandoned",
        [
            ("abandoned in the queue", queued(), json!(true)),
            ("never queued", with(queued(), json!({"Queue": null})), json!(false)),
            ("answered", answered(), json!(false)),
            ("continued as another contact", with(queued(), json!({"NextContactId": "n"})), json!(false)),
            (
                "transferred from the queue",
                with(queued(), json!({"TransferCompletedTimestamp": "2026-03-02T09:00:50Z"})),
                json!(false),
            ),
            // An endpoint is not a completed transfer.
            (
                "an endpoint",
                with(queued(), json!({"TransferredToEndpoint": {"Address": "+441632960100"}})),
                json!(true),
            ),
            ("not ended", with(queued(), json!({"DisconnectTimestamp": null})), json!(false)),
            ("an empty next contact", with(queued(), json!({"NextContactId": ""})), json!(true)),
        ],
    );
    for reason in ["OTHER", "CONTACT_FLOW_DISCONNECT", "EXPIRED", "TELECOM_PROBLEM", "AGENT_DISCONNECT"] {
        assert_eq!(
            column("abandoned", &with(queued(), json!({"DisconnectReason": reason}))),
            true,
            "{reason}"
        );
    }
    assert_eq!(column("abandoned", &with(queued(), json!({"DisconnectReason": null}))), true, "no reason");
    for method in ["CALLBACK", "API", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK_CUSTOMER_FIRST_DIALED"] {
        assert_eq!(
            column("abandoned", &with(queued(), json!({"InitiationMethod": method}))),
            true,
            "{method}"
        );
    }
}

#[test]
fn an_abandoned_contact_that_the_customer_disconnected_is_marked() {
    check(
        "customer_gave_up",
        [
            ("hung up", queued(), json!(true)),
            (
                "ended by the flow",
                with(queued(), json!({"DisconnectReason": "CONTACT_FLOW_DISCONNECT"})),
                json!(false),
            ),
            ("no reason", with(queued(), json!({"DisconnectReason": null})), json!(false)),
            ("answered", answered(), json!(false)),
        ],
    );
}

#[test]
fn a_contact_is_abandoned_where_it_was_last() {
    let before_the_queue = || with(queued(), json!({"Queue": null}));
    check(
        "abandoned_in",
        [
            ("in the queue", queued(), json!("queue")),
            ("while it rang", with(queued(), json!({"AgentConnectionAttempts": 1})), json!("ringing")),
            ("before the queue", before_the_queue(), json!("ivr")),
            ("… by the flow", with(before_the_queue(), json!({"DisconnectReason": "OTHER"})), Value::Null),
            (
                "… of a call by an agent",
                with(before_the_queue(), json!({"InitiationMethod": "OUTBOUND"})),
                Value::Null,
            ),
            ("… not ended", with(before_the_queue(), json!({"DisconnectTimestamp": null})), Value::Null),
            ("… that continued", with(before_the_queue(), json!({"NextContactId": "n"})), Value::Null),
            (
                "… that was transferred",
                with(before_the_queue(), json!({"TransferCompletedTimestamp": "2026-03-02T09:00:50Z"})),
                Value::Null,
            ),
            ("answered", answered(), Value::Null),
        ],
    );
}

/// Only a completed transfer counts. A survey, a consultation, or a callback has a next contact.
#[test]
fn a_contact_is_transferred_by_its_completed_transfer() {
    let transfer = json!({"TransferCompletedTimestamp": "2026-03-02T09:00:55Z"});
    let outside = json!({"TransferredToEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+441632960100"}});
    let next = json!({"NextContactId": "n"});
    let both = |record| with(with(record, transfer.clone()), outside.clone());
    check(
        "transferred",
        [
            ("completed", with(answered(), transfer.clone()), json!(true)),
            ("completed in the queue", with(queued(), transfer.clone()), json!(true)),
            ("a next contact", with(answered(), next.clone()), json!(false)),
            ("an endpoint", with(answered(), outside.clone()), json!(false)),
            ("neither", answered(), json!(false)),
        ],
    );
    check(
        "transferred_external",
        [
            ("to a number", both(answered()), json!(true)),
            ("to an agent or queue", with(answered(), transfer.clone()), json!(false)),
            ("an endpoint alone", with(answered(), outside.clone()), json!(false)),
        ],
    );
    check(
        "continued",
        [
            ("a disconnect flow", with(answered(), next.clone()), json!(true)),
            ("a transfer", with(with(answered(), next), transfer.clone()), json!(false)),
            ("neither", answered(), json!(false)),
        ],
    );
}

/// A call that was never held has 0 holds. A hold shorter than a second has a duration of 0.
#[test]
fn a_contact_was_held_if_it_has_holds() {
    check(
        "held",
        [
            ("none", answered(), json!(false)),
            (
                "0",
                with(answered(), json!({"Agent": {"NumberOfHolds": 0, "CustomerHoldDuration": 0}})),
                json!(false),
            ),
            (
                "short",
                with(answered(), json!({"Agent": {"NumberOfHolds": 1, "CustomerHoldDuration": 0}})),
                json!(true),
            ),
        ],
    );
}

#[test]
fn handle_time_is_the_sum_of_the_parts_that_exist() {
    let agent = |fields: Value| with(answered(), json!({ "Agent": fields }));
    let all = json!({
        "AgentInteractionDuration": 100, "CustomerHoldDuration": 20, "AfterContactWorkDuration": 3, "AgentPauseDurationInSeconds": 4000,
    });
    check(
        "handle_seconds",
        [
            ("all", agent(all.clone()), json!(4123)),
            ("none", answered(), Value::Null),
            ("after-contact work only", agent(json!({"AfterContactWorkDuration": 3})), json!(3)),
            ("hold only", agent(json!({"CustomerHoldDuration": 20})), json!(20)),
            ("pause only", agent(json!({"AgentPauseDurationInSeconds": 4000})), json!(4000)),
        ],
    );
    check(
        "active_seconds",
        [
            ("all", agent(all), json!(123)),
            ("pause only", agent(json!({"AgentPauseDurationInSeconds": 4000})), Value::Null),
        ],
    );
}

/// Resolution time ends with the later of the disconnection and after-contact work.
#[test]
fn a_contact_is_resolved_when_its_last_work_ends() {
    let work = |end: &str| with(answered(), json!({"Agent": {"AfterContactWorkEndTimestamp": end}}));
    check(
        "resolution_seconds",
        [
            ("no work", answered(), json!(60)),
            ("work after the disconnection", work("2026-03-02T09:02:00Z"), json!(120)),
            ("work before it", work("2026-03-02T09:00:55Z"), json!(60)),
            ("not ended", with(answered(), json!({"DisconnectTimestamp": null})), Value::Null),
            (
                "ended before it started",
                with(answered(), json!({"DisconnectTimestamp": "2026-03-02T08:59:00Z"})),
                json!(0),
            ),
        ],
    );
}

/// Only four initiation methods have flow time.
#[test]
fn flow_time_ends_at_the_queue_or_else_the_transfer_or_else_the_disconnection() {
    let transfer = json!({"TransferCompletedTimestamp": "2026-03-02T09:00:50Z"});
    let unqueued = || with(queued(), json!({"Queue": null}));
    check(
        "flow_seconds",
        [
            ("queue", with(queued(), transfer.clone()), json!(29)),
            ("transfer", with(unqueued(), transfer), json!(49)),
            ("disconnection", unqueued(), json!(59)),
            ("no start", with(queued(), json!({"ConnectedToSystemTimestamp": null})), json!(0)),
            (
                "started late",
                with(queued(), json!({"ConnectedToSystemTimestamp": "2026-03-02T09:00:40Z"})),
                json!(0),
            ),
        ],
    );
    for (method, expected) in [
        ("TRANSFER", json!(29)),
        ("QUEUE_TRANSFER", json!(29)),
        ("API", json!(29)),
        ("OUTBOUND", Value::Null),
        ("CALLBACK", Value::Null),
        ("CALLBACK_CUSTOMER_FIRST_DIALED", Value::Null),
    ] {
        let record = with(queued(), json!({"InitiationMethod": method}));
        assert_eq!(column("flow_seconds", &record), expected, "{method}");
    }
}

/// The field's name in the stream is not certain: Amazon's documentation has two names, in two units, in two places.
#[test]
fn the_wait_of_a_customer_first_callback_is_read_under_either_name() {
    check(
        "callback_wait_milliseconds",
        [
            ("none", answered(), Value::Null),
            (
                "in the queue",
                with(answered(), json!({"Queue": {"CallbackTotalQueueDuration": 90}})),
                json!(90_000),
            ),
            ("at the top level", with(answered(), json!({"CallbackTotalQueueDuration": 90})), json!(90_000)),
            (
                "at the top level, milliseconds",
                with(answered(), json!({"CallbackTotalQueueDurationMillis": 90_500})),
                json!(90_500),
            ),
            (
                "in the queue, milliseconds",
                with(answered(), json!({"Queue": {"CallbackTotalQueueDurationMillis": 90_500}})),
                json!(90_500),
            ),
        ],
    );
}

#[test]
fn only_customer_first_callbacks_answered_by_a_human_have_a_wait_after_the_greeting() {
    let dialed = |record| {
        with(
            record,
            json!({
                "InitiationMethod": "CALLBACK_CUSTOMER_FIRST_DIALED",
                "AnsweringMachineDetectionStatus": "HUMAN_ANSWERED",
                "CustomerVoiceActivity": {"GreetingEndTimestamp": "2026-03-02T09:00:10.250Z"},
            }),
        )
    };
    check(
        "wait_after_greeting_milliseconds",
        [
            ("until the agent", dialed(answered()), json!(39_750)),
            ("until the disconnection", dialed(queued()), json!(49_750)),
            (
                "a machine",
                with(dialed(answered()), json!({"AnsweringMachineDetectionStatus": "VOICEMAIL_BEEP"})),
                Value::Null,
            ),
            ("a campaign", with(dialed(answered()), json!({"InitiationMethod": "API"})), Value::Null),
        ],
    );
}

#[test]
fn the_first_response_counts_from_the_queue() {
    let response = json!({"ChatMetrics": {"ContactMetrics": {"AgentFirstResponseTimestamp": "2026-03-02T09:00:58.500Z"}}});
    check(
        "first_response_milliseconds",
        [
            ("queued", with(answered(), response.clone()), json!(28_500)),
            ("not queued", with(with(answered(), response), json!({"Queue": null})), Value::Null),
            ("no response", answered(), Value::Null),
        ],
    );
}

/// Contacts without a customer.
#[test]
fn assistants_and_simulated_contacts_are_recognized_by_their_segment_attributes() {
    let of = |name: &str, value: Value| with(queued(), json!({"SegmentAttributes": {name: value}}));
    let text = |text: &str| json!({ "ValueString": text });
    for (case, record, is_assistant, is_simulated) in [
        ("neither", queued(), false, false),
        ("telephony", of("connect:Subtype", text("connect:Telephony")), false, false),
        ("an assistant", of("connect:Subtype", text("connect:Assistant")), true, false),
        ("… as bare text", of("connect:Subtype", json!("connect:Assistant")), true, false),
        ("a test", of("connect:ValidationTestType", text("EXPERIENCE_VALIDATION")), false, true),
        ("a test of the flow", of("connect:ValidationTestType", text("FLOW_VALIDATION")), false, true),
        ("an unknown value", of("connect:ValidationTestType", text("SOMETHING_ELSE")), false, true),
        ("no test", of("connect:ValidationTestType", json!(null)), false, false),
        ("an empty text", of("connect:ValidationTestType", text("")), false, false),
    ] {
        let found = (column("assistant", &record), column("simulated", &record));
        assert_eq!(found, (json!(is_assistant), json!(is_simulated)), "{case}");
    }
}
