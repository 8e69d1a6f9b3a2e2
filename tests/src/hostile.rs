//! Hostile input and input at a limit, with the expected outcomes: the table of docs/reliability.md, which the test
//! `hostile_input` checks.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One row of the table.
pub struct Case {
    /// Describes the input.
    pub description: &'static str,
    /// The input.
    pub record: Vec<u8>,
    /// The outcome: `row`, `applied`, `failed: <reason>`, `rejected: <reason>`.
    pub outcome: &'static str,
    /// A column or attribute of the row or state, with its expected value.
    pub holds: Option<(&'static str, Value)>,
}

fn case(description: &'static str, record: impl Into<Vec<u8>>, outcome: &'static str) -> Case {
    Case { description, record: record.into(), outcome, holds: None }
}

impl Case {
    fn holds(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.holds = Some((column, value.into()));
        self
    }
}

fn with_members(mut record: Value, members: Value) -> Vec<u8> {
    let Value::Object(members) = members else { panic!("members are an object") };
    record.as_object_mut().expect("a record is an object").extend(members);
    record.to_string().into_bytes()
}

/// A contact record with these members added to the required ones, or replacing them.
///
/// # Panics
/// When `members` is not an object.
#[must_use]
pub fn contact(members: Value) -> Vec<u8> {
    let record = json!({
        "AWSAccountId": "111122223333", "ContactId": "30000000-0000-4000-8000-000000000001",
        "InstanceARN": "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001",
        "InitiationTimestamp": "2026-03-02T08:00:00Z", "LastUpdateTimestamp": "2026-03-02T08:05:00Z",
    });
    with_members(record, members)
}

/// A record whose key `ContactId` has a Cyrillic letter. It is still recognized by the version of its format.
fn with_a_key_that_looks_like_contact_id() -> Vec<u8> {
    let key = "\"AWSContactTraceRecordFormatVersion\":\"2017-03-10\",\"\u{421}ontactId\"";
    replaced(contact(json!({})), "\"ContactId\"", key)
}

fn contact_with(member: &str) -> Vec<u8> {
    let mut record = contact(json!({}));
    record.pop();
    record.extend(format!(",{member}}}").bytes());
    record
}

fn attribute(bytes: usize) -> Vec<u8> {
    contact(json!({"Attributes": {"k": "x".repeat(bytes)}}))
}

fn started(timestamp: &str) -> Vec<u8> {
    contact(json!({"InitiationTimestamp": timestamp}))
}

/// Contact records.
///
/// # Panics
/// Never.
#[must_use]
pub fn contact_records() -> Vec<Case> {
    let nested =
        |levels: usize| contact_with(&format!("\"New\":{}1{}", "[".repeat(levels), "]".repeat(levels)));
    let spoof = "\u{202e}gnp.exe\u{202c}";
    vec![
        case("32 KB of attributes, which is Amazon Connect's limit", attribute(32 * 1024), "row"),
        case("a record of 1 MiB, which is Firehose's limit", attribute(1_024_000 - 400), "row"),
        case("a record of 4 MB: its row fits the response", attribute(4_000_000), "row"),
        case(
            "a record of 10 MiB, which is Kinesis's limit: its row does not fit the response",
            attribute(10 << 20),
            "failed: too_large $",
        ),
        case("64 levels of nesting", nested(63), "row"),
        case("65 levels of nesting", nested(64), "failed: too_deep $"),
        case("a million levels of nesting", nested(1_000_000), "failed: too_deep $"),
        case("a million opening braces", "{".repeat(1_000_000), "failed: not_json $"),
        case(
            "a number too large for any type: its digits are kept",
            contact_with("\"AgentConnectionAttempts\":1e400"),
            "row",
        )
        .holds("extra", r#"{"AgentConnectionAttempts":1e400}"#),
        case("a whole number of 40 digits", contact_with(&format!("\"New\":{}", "9".repeat(40))), "row")
            .holds("extra", format!(r#"{{"New":{}}}"#, "9".repeat(40))),
        case("NaN", contact_with("\"New\":NaN"), "failed: not_json $"),
        case("an unescaped control character", contact_with("\"New\":\"\u{1}\""), "failed: not_json $"),
        case(
            "escaped control characters and line breaks: the row stays one line",
            contact(json!({"CustomerId": "a\0\u{1b}[2J\r\n\u{2028}b"})),
            "row",
        )
        .holds("customer_id", "a\0\u{1b}[2J\r\n\u{2028}b"),
        case("right-to-left text", contact(json!({"CustomerId": spoof})), "row").holds("customer_id", spoof),
        case(
            "a key that only looks like `CustomerId` (Cyrillic С): an unknown field",
            contact(json!({"\u{421}ustomerId": "x"})),
            "row",
        )
        .holds("extra", "{\"\u{421}ustomerId\":\"x\"}"),
        case(
            "a required key with a look-alike letter of another alphabet",
            with_a_key_that_looks_like_contact_id(),
            "failed: missing_field ContactId",
        ),
        case(
            "keys that differ only in case: only the documented spelling is the field",
            contact(json!({"Channel": "VOICE", "CHANNEL": "CHAT"})),
            "row",
        )
        .holds("channel", "VOICE"),
        case(
            "a repeated key: the last value is used, the first is kept in `extra`",
            contact_with(r#""Channel":"VOICE","Channel":"CHAT""#),
            "row",
        )
        .holds("channel", "CHAT"),
        case("the year 0001", started("0001-01-01T00:00:00Z"), "row")
            .holds("initiation_timestamp", "0001-01-01T00:00:00.000Z"),
        case("the end of the year 9999", started("9999-12-30T21:59:59Z"), "row")
            .holds("initiation_timestamp", "9999-12-30T21:59:59.000Z"),
        case("the year 10000", started("10000-01-01T00:00:00Z"), "failed: bad_field InitiationTimestamp"),
        case("a leap second: the last second of its minute", started("2016-12-31T23:59:60Z"), "row")
            .holds("initiation_timestamp", "2016-12-31T23:59:59.000Z"),
        case(
            "February 29 of a year that is not a leap year",
            started("2026-02-29T00:00:00Z"),
            "failed: bad_field InitiationTimestamp",
        ),
        case("an offset: the contact date is in UTC", started("2026-03-02T00:30:00+14:00"), "row")
            .holds("initiation_timestamp", "2026-03-01T10:30:00.000Z"),
        case(
            "a timestamp without an offset: the time zone is unknown",
            started("2026-03-02T08:00:00"),
            "failed: bad_field InitiationTimestamp",
        ),
        case(
            "a file path instead of a timestamp: it never becomes part of an S3 key",
            started("../../raw/x"),
            "failed: bad_field InitiationTimestamp",
        ),
        case(
            "a spreadsheet formula in an attribute: rows hold it unchanged",
            contact(json!({"Attributes": {"=k": "=HYPERLINK(\"http://a\")"}})),
            "row",
        )
        .holds("attributes", json!({"=k": "=HYPERLINK(\"http://a\")"})),
        case(
            "an ID that contains a log line: it is kept as plain text",
            contact(json!({"CustomerId": "x\n{\"level\":\"ERROR\"}"})),
            "row",
        )
        .holds("customer_id", "x\n{\"level\":\"ERROR\"}"),
        case(
            "a `ContactId` that is a number",
            replaced(contact(json!({})), "\"30000000-0000-4000-8000-000000000001\"", "7"),
            "failed: bad_field ContactId",
        ),
    ]
}

/// The record with one text replaced by another.
fn replaced(record: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(record).expect("a record is text");
    assert!(text.contains(from), "{from} is in the record");
    text.replace(from, to).into_bytes()
}

fn agent(id: &str, members: Value) -> Vec<u8> {
    let event = json!({
        "AgentARN": format!("arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/{id}"),
        "EventId": format!("e-{id}"), "EventTimestamp": "2026-03-02T08:00:00.000Z", "EventType": "STATE_CHANGE",
        "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available", "StartTimestamp": "2026-03-02T08:00:00.000Z"}},
    });
    with_members(event, members)
}

/// An event with contacts that take about `bytes` bytes of an item.
fn contacts(id: &str, bytes: usize) -> Vec<u8> {
    let contact = |number: usize| {
        json!({"ContactId": format!("{number:0>256}"), "Channel": "VOICE", "State": "CONNECTED",
            "StateStartTimestamp": "2026-03-02T08:00:00.000Z"})
    };
    let contacts: Vec<_> = (0..bytes / 420).map(contact).collect();
    agent(id, json!({"CurrentAgentSnapshot": {"Contacts": contacts}}))
}

/// Agent events.
///
/// # Panics
/// Never.
#[must_use]
pub fn agent_events() -> Vec<Case> {
    let status =
        |name: &str| json!({"AgentStatus": {"Name": name, "StartTimestamp": "2026-03-02T08:00:00.000Z"}});
    vec![
        case("an item of about 300 KB: DynamoDB's limit is 400 KB", contacts("a-300", 300 << 10), "applied"),
        case(
            "an item above 400 KB, which DynamoDB would always refuse",
            contacts("a-500", 500 << 10),
            "rejected: too_large CurrentAgentSnapshot",
        ),
        case(
            "an interval above 400 KB",
            agent(
                "a-status",
                json!({
                    "PreviousAgentSnapshot": status(&"x".repeat(500 << 10)),
                    "CurrentAgentSnapshot": {
                        "AgentStatus": {"Name": "Available", "StartTimestamp": "2026-03-02T08:01:00.000Z"},
                    },
                }),
            ),
            "rejected: too_large PreviousAgentSnapshot",
        ),
        case(
            "an event of 4.4 MB, the largest that Lambda can deliver",
            contacts("a-all", 7 << 20),
            "rejected: too_large CurrentAgentSnapshot",
        ),
        case("an ID of 256 bytes", agent(&"x".repeat(254), json!({})), "applied"),
        case(
            "a longer ID: a sort key has at most 1,024 bytes",
            agent("a-long", json!({"EventId": "x".repeat(257)})),
            "rejected: bad_field EventId",
        ),
        case(
            "an ID with `#`, which separates the parts of a key",
            agent("a-1", json!({"EventId": "e#1"})),
            "rejected: bad_field EventId",
        ),
        case("an agent ID that is a path", agent("../../x", json!({})), "rejected: bad_field AgentARN"),
        case(
            "an ARN of another service",
            agent("a-2", json!({"AgentARN": "arn:aws:s3:::bucket"})),
            "rejected: bad_field AgentARN",
        ),
        case(
            "a name with control characters and right-to-left text",
            agent("a-3", json!({"CurrentAgentSnapshot": status("\u{202e}\0\n")})),
            "applied",
        )
        .holds("status_name", "\u{202e}\0\n"),
        case(
            "an empty name, which DynamoDB accepts",
            agent("a-4", json!({"CurrentAgentSnapshot": status("")})),
            "applied",
        ),
        case("a formula as a name", agent("a-5", json!({"CurrentAgentSnapshot": status("=1+1")})), "applied")
            .holds("status_name", "=1+1"),
        case(
            "the year 9999: no later event replaces it",
            agent("a-6", json!({"EventTimestamp": "9999-12-30T00:00:00Z"})),
            "applied",
        ),
        case("a leap second", agent("a-7", json!({"EventTimestamp": "2016-12-31T23:59:60Z"})), "applied"),
        case(
            "a timestamp without an offset",
            agent("a-8", json!({"EventTimestamp": "2026-03-02T08:00:00"})),
            "rejected: bad_field EventTimestamp",
        ),
        case(
            "a snapshot that is not a JSON object: it is ignored",
            agent("a-9", json!({"CurrentAgentSnapshot": "x"})),
            "applied",
        ),
        case("an unknown event type", agent("a-10", json!({"EventType": "PAUSED"})), "applied"),
        case(
            "keys that differ only in case",
            agent("a-11", json!({"eventtype": "LOGIN", "EVENTID": "x"})),
            "applied",
        ),
        case(
            "65 levels of nesting",
            format!("{{\"AgentARN\":{}{}}}", "[".repeat(65), "]".repeat(65)),
            "rejected: too_deep $",
        ),
        case(
            "the magic bytes of an aggregated record, followed by invalid data",
            b"\xf3\x89\x9a\xc2rubbish".to_vec(),
            "rejected: aggregated $",
        ),
        case("an empty record", Vec::new(), "rejected: not_json $"),
    ]
}

/// The table of docs/reliability.md.
#[must_use]
pub fn table() -> String {
    let mut table = String::new();
    for (heading, cases) in [("contact record", contact_records()), ("agent event", agent_events())] {
        // Writing to a string cannot fail.
        let _ =
            write!(table, "{}| {heading} | outcome |\n|---|---|\n", if table.is_empty() { "" } else { "\n" });
        for Case { description, outcome, .. } in cases {
            let _ = writeln!(table, "| {description} | {} |", outcome.replacen(" $", "", 1));
        }
    }
    table
}
