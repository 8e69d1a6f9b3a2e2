//! The live board, by Amazon Connect's definitions: what the document says about events.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use agent_ledger::memory::MemoryStore;
use connect_streams::Timestamp;
use contact_state::LongestLife;
use futures::FutureExt as _;
use ledger_tests::{far_future, stream_event, upserter};
use live_board::{Board, Reading, Settings};
use serde_json::{Value, json};
use tables::{Attribute, Item};

const INSTANCE: &str = "arn:aws:connect:eu-west-2:111122223333:instance/i-1";

/// What happened, and the documents that follow from it.
#[derive(Default)]
struct Center {
    agent_events: Vec<Vec<u8>>,
    contact_events: Vec<Vec<u8>>,
}

/// The time `seconds` after eight.
fn time(seconds: i64) -> String {
    Timestamp::from_epoch_milliseconds(1_772_438_400_000 + seconds * 1000).unwrap().to_string()
}

/// A contact as an agent event lists it.
fn listed(id: &str, channel: &str, method: &str, state: &str, since: i64, queue: &str) -> Value {
    json!({
        "ContactId": id, "Channel": channel, "InitiationMethod": method, "State": state,
        "StateStartTimestamp": time(since),
        "Queue": {"ARN": format!("{INSTANCE}/queue/{queue}"), "Name": queue.to_uppercase()},
    })
}

fn call(id: &str, state: &str, since: i64) -> Value {
    listed(id, "VOICE", "INBOUND", state, since, "sales")
}

/// An agent's snapshot: status and contacts. Agents of the profile `both` have the queues `sales` and `help`.
fn snapshot(status: &str, kind: &str, contacts: &[Value]) -> Value {
    let queue = |id: &str| json!({"ARN": format!("{INSTANCE}/queue/{id}"), "Name": id.to_uppercase()});
    json!({
        "AgentStatus": {"Name": status, "Type": kind, "StartTimestamp": time(0)},
        "Configuration": {
            "FirstName": "Ada", "LastName": "Example", "Username": "ada",
            "RoutingProfile": {
                "Name": "Both", "ARN": format!("{INSTANCE}/routing-profile/both"),
                // As in Amazon's example, the first one is the agent's own queue.
                "InboundQueues": [queue("agent/a-1"), queue("sales"), queue("help")], "DefaultOutboundQueue": queue("outbound"),
            },
        },
        "Contacts": contacts,
    })
}

impl Center {
    fn agent(mut self, agent: &str, at: i64, snapshot: Value) -> Self {
        self.event(INSTANCE, agent, at, "STATE_CHANGE", snapshot);
        self
    }

    fn session(mut self, agent: &str, at: i64, event_type: &str) -> Self {
        self.event(INSTANCE, agent, at, event_type, Value::Null);
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "a literal reads better without a reference")]
    fn event(&mut self, instance: &str, agent: &str, at: i64, event_type: &str, snapshot: Value) {
        let event = json!({
            "AgentARN": format!("{instance}/agent/{agent}"), "EventId": format!("e-{agent}-{at}-{event_type}"),
            "EventTimestamp": time(at), "EventType": event_type, "CurrentAgentSnapshot": snapshot,
        });
        self.agent_events.push(event.to_string().into_bytes());
    }

    /// A contact event, which has the contact so far.
    #[expect(clippy::needless_pass_by_value, reason = "a literal reads better without a reference")]
    fn contact(mut self, contact: &str, at: i64, event_type: &str, detail: Value) -> Self {
        let mut all = json!({
            "eventType": event_type, "contactId": contact, "instanceArn": INSTANCE, "channel": "VOICE",
            "initiationMethod": "INBOUND", "initiationTimestamp": time(0),
        });
        for (name, value) in detail.as_object().unwrap() {
            all[name] = value.clone();
        }
        let event = json!({
            "id": format!("{contact}-{at}-{event_type}"), "detail-type": "Amazon Connect Contact Event",
            "source": "aws.connect", "time": time(at), "region": "eu-west-2", "resources": [INSTANCE], "detail": all,
        });
        self.contact_events.push(event.to_string().into_bytes());
        self
    }

    fn queued(self, contact: &str, at: i64, queue: &str) -> Self {
        let queue = json!({"queueInfo": {"queueArn": format!("{INSTANCE}/queue/{queue}"), "enqueueTimestamp": time(at)}});
        self.contact(contact, at, "QUEUED", queue)
    }

    fn reading(&self) -> Reading {
        let function = upserter(MemoryStore::default());
        let event = stream_event(0, self.agent_events.iter().map(Vec::as_slice));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (_, summary) = runtime.block_on(function.handle(&event, far_future()));
        assert_eq!(summary.rejected.total(), 0);
        let with_key = |key: [(&str, &str); 2], mut item: Item| {
            item.extend(key.map(|(name, value)| (name.to_owned(), Attribute::text(value))));
            item
        };
        let tables = function.store.tables();
        let state = tables.state.into_iter();
        let agent_state =
            state.map(|(key, item)| with_key([("board", &key.board), ("agent_id", &key.agent_id)], item));
        let contacts = contact_state::memory::MemoryStore::default();
        for event in &self.contact_events {
            let write = contact_state::read(event, &contact_state::Rules::default()).unwrap().unwrap();
            let now = Timestamp::parse(&time(0)).unwrap();
            contact_state::write(&contacts, &write, now).now_or_never().unwrap().value.unwrap();
        }
        let contacts = contacts.table().into_iter().filter(|(_, item)| item.contains_key("in_flight"));
        let contacts = contacts
            .map(|(key, item)| with_key([("board", &key.board), ("contact_id", &key.contact_id)], item));
        Reading { agent_state: agent_state.collect(), contacts: Some(contacts.collect()), read_units: 0.0 }
    }

    fn document(reading: Reading, at: i64) -> Value {
        let settings = Settings {
            instance_id: "i-1".to_owned(),
            ghost_minutes: 5,
            longest_life: LongestLife::default(),
            lists_everyone: false,
        };
        serde_json::to_value(Board::of(reading, &settings, Timestamp::parse(&time(at)).unwrap())).unwrap()
    }

    /// The document `at` this second.
    fn board(&self, at: i64) -> Value {
        Self::document(self.reading(), at)
    }
}

/// The figures with these names of the whole instance.
fn totals<const N: usize>(board: &Value, names: [&str; N]) -> [i64; N] {
    names.map(|name| board["totals"][name].as_i64().unwrap_or_else(|| panic!("{name}: {}", board["totals"])))
}

fn queue<'b>(board: &'b Value, id: &str) -> &'b Value {
    let queues = board["queues"].as_array().unwrap();
    queues.iter().find(|queue| queue["queue_id"] == id).unwrap_or_else(|| panic!("no {id}: {queues:?}"))
}

fn contact<'b>(board: &'b Value, id: &str) -> &'b Value {
    board["contacts"].as_array().unwrap().iter().find(|contact| contact["contact_id"] == id).unwrap()
}

const AGENTS: [&str; 5] =
    ["agents_online", "agents_staffed", "agents_available", "agents_on_contact", "agents_non_productive"];

/// `AGENTS_STAFFED` counts available agents on a contact or not, `AGENTS_AVAILABLE` only those without any contact, and
/// `AGENTS_ON_CONTACT` those with a contact connected, on hold, in after-contact work, paused, or ringing outbound, in
/// any status.
#[test]
fn agents_count_as_amazon_defines() {
    let outbound = listed("c", "VOICE", "OUTBOUND", "CONNECTING", 10, "sales");
    for (status, kind, contacts, expected) in [
        ("Available", "ROUTABLE", vec![], [1, 1, 1, 0, 0]),
        ("Available", "ROUTABLE", vec![call("c", "CONNECTED", 10)], [1, 1, 0, 1, 0]),
        ("Available", "ROUTABLE", vec![call("c", "CONNECTED_ONHOLD", 10)], [1, 1, 0, 1, 0]),
        ("Available", "ROUTABLE", vec![call("c", "PAUSED", 10)], [1, 1, 0, 1, 0]),
        ("Available", "ROUTABLE", vec![call("c", "ENDED", 10)], [1, 1, 0, 1, 0]),
        ("Available", "ROUTABLE", vec![call("c", "CONNECTING", 10)], [1, 1, 0, 0, 0]),
        ("Available", "ROUTABLE", vec![outbound], [1, 1, 0, 1, 0]),
        ("Available", "ROUTABLE", vec![call("c", "MISSED", 10)], [1, 1, 0, 0, 0]),
        ("Lunch", "CUSTOM", vec![], [1, 0, 0, 0, 1]),
        ("Lunch", "CUSTOM", vec![call("c", "CONNECTED", 10)], [1, 0, 0, 1, 1]),
        ("Offline", "OFFLINE", vec![], [0, 0, 0, 0, 0]),
        ("Offline", "OFFLINE", vec![call("c", "CONNECTED", 10)], [0, 0, 0, 1, 0]),
    ] {
        let board = Center::default().agent("a-1", 20, snapshot(status, kind, &contacts)).board(30);
        assert_eq!(totals(&board, AGENTS), expected, "{status} {contacts:?}");
        // The agent counts in every queue of its routing profile.
        for id in ["sales", "help"] {
            assert_eq!(queue(&board, id)["agents_on_contact"], expected[3], "{status} {contacts:?}");
            assert_eq!(queue(&board, id)["agents_staffed"], expected[1], "{status} {contacts:?}");
        }
    }
}

#[test]
fn a_missed_chat_beside_a_running_one_is_an_error_and_waits_again() {
    let contacts = [
        listed("c-1", "CHAT", "API", "CONNECTED", 10, "sales"),
        listed("c-2", "CHAT", "API", "MISSED", 15, "sales"),
    ];
    let center = Center::default().queued("c-1", 5, "sales").queued("c-2", 6, "sales").agent(
        "a-1",
        16,
        snapshot("Available", "ROUTABLE", &contacts),
    );
    let board = center.board(20);
    assert_eq!(board["agents"][0]["activity"], "missed");
    assert_eq!(totals(&board, ["agents_error", "agents_on_contact", "agents_available"]), [1, 1, 0]);
    assert_eq!(contact(&board, "c-1")["state"], "connected");
    assert_eq!(contact(&board, "c-2")["state"], "queued");
    assert_eq!(queue(&board, "sales")["contacts_in_queue"], 1);
    assert_eq!(queue(&board, "sales")["oldest_contact_since"], time(6));
}

/// A contact leaves `CONTACTS_IN_QUEUE` when it is offered to an agent, before the agent accepts it.
#[test]
fn a_contact_that_an_agent_has_never_waits() {
    let waits = Center::default().queued("c-1", 5, "sales").queued("c-2", 9, "sales");
    let board = waits.board(20);
    assert_eq!(totals(&board, ["contacts_in_queue", "contacts_in_conversation"]), [2, 0]);
    assert_eq!(board["totals"]["oldest_contact_since"], time(5));
    for (state, conversation, work) in [
        ("CONNECTING", 0, 0),
        ("CONNECTED", 1, 0),
        ("CONNECTED_ONHOLD", 1, 0),
        ("PAUSED", 1, 0),
        ("ENDED", 0, 1),
        ("SOMETHING_NEW", 0, 0),
    ] {
        let agent = snapshot("Available", "ROUTABLE", &[call("c-1", state, 12)]);
        let center =
            Center::default().queued("c-1", 5, "sales").queued("c-2", 9, "sales").agent("a-1", 12, agent);
        let board = center.board(20);
        let names = ["contacts_in_queue", "contacts_in_conversation", "agents_after_contact_work"];
        assert_eq!(totals(&board, names), [1, conversation, work], "{state}");
        assert_eq!(board["totals"]["oldest_contact_since"], time(9));
        assert_eq!(contact(&board, "c-1")["agent_id"], "a-1");
        assert_ne!(contact(&board, "c-1")["state"], "queued");
        // A ghost has no contact: the contact that was offered to it waits again.
        let board = center.board(12 + 301);
        assert_eq!(
            (&board["agents"][0]["silence"], &board["totals"]["ghosts"]),
            (&json!("ghost"), &json!(1))
        );
        assert_eq!(totals(&board, names), [2, 0, 0], "{state}");
        assert_eq!(totals(&board, AGENTS), [0; 5]);
    }
}

#[test]
fn a_contact_whose_agent_went_on_without_it_is_unconfirmed() {
    let agent = json!({"agentArn": format!("{INSTANCE}/agent/a-1"), "connectedToAgentTimestamp": time(10)});
    let connected = json!({"queueInfo": {"queueArn": format!("{INSTANCE}/queue/sales"), "enqueueTimestamp": time(5)}, "agentInfo": agent});
    let center = |at: i64| {
        Center::default().contact("c-1", 10, "CONNECTED_TO_AGENT", connected.clone()).agent(
            "a-1",
            at,
            snapshot("Available", "ROUTABLE", &[]),
        )
    };
    let names = ["contacts_in_conversation", "contacts_unconfirmed"];
    // The event of the agent may be on its way.
    assert_eq!(totals(&center(19).board(30), names), [1, 0]);
    // The event of the contact's end may be on its way.
    assert_eq!(totals(&center(21).board(31), names), [1, 0]);
    let board = center(21).board(32);
    assert_eq!(totals(&board, names), [0, 1]);
    assert_eq!(contact(&board, "c-1")["unconfirmed"], true);
    assert_eq!(queue(&board, "sales")["contacts_unconfirmed"], 1);
    // Contact events alone say that it is with its agent.
    let alone = Center::default().contact("c-1", 10, "CONNECTED_TO_AGENT", connected);
    assert_eq!(totals(&alone.board(30), names), [1, 0]);
}

#[test]
fn ended_simulated_and_old_contacts_do_not_wait() {
    let center = Center::default()
        .queued("waits", 5, "sales")
        .queued("abandoned", 6, "sales")
        .contact("abandoned", 9, "DISCONNECTED", json!({"disconnectTimestamp": time(9)}))
        .contact("abandoned", 9, "COMPLETED", json!({"disconnectTimestamp": time(9)}))
        .contact(
            "test",
            7,
            "QUEUED",
            json!({
                "queueInfo": {"queueArn": format!("{INSTANCE}/queue/sales"), "enqueueTimestamp": time(7)},
                "segmentAttributes": {"connect:ValidationTestType": {"ValueString": "EXPERIENCE_VALIDATION"}},
            }),
        );
    let names = ["contacts_in_queue", "contacts_unconfirmed"];
    assert_eq!(totals(&center.board(60), names), [1, 0]);
    // A call lasts at most seven days.
    assert_eq!(totals(&center.board(7 * 86_400 + 60), names), [0, 1]);
}

#[test]
fn an_agent_who_is_silent_is_stale_and_then_a_ghost_and_then_forgotten() {
    let center =
        Center::default().session("a-1", 0, "LOGIN").agent("a-1", 1, snapshot("Available", "ROUTABLE", &[]));
    let silence = |at: i64| center.board(at)["agents"][0]["silence"].clone();
    assert_eq!([silence(181), silence(182)], [Value::Null, json!("stale")]);
    assert_eq!([silence(301), silence(302)], [json!("stale"), json!("ghost")]);
    let day = 86_400;
    assert_eq!(center.board(1 + day)["agents"][0]["silence"], "ghost");
    let board = center.board(2 + day);
    assert_eq!((board["agents"].as_array().unwrap().len(), &board["agents_not_listed"]), (0, &json!(1)));
    // Who logged out is shown for ten minutes, and is no ghost.
    let left = center.session("a-1", 10, "LOGOUT");
    let board = left.board(600);
    assert_eq!(
        (&board["agents"][0]["session"], &board["agents"][0]["silence"]),
        (&json!("out"), &Value::Null)
    );
    assert_eq!(totals(&board, AGENTS), [0; 5]);
    assert_eq!(left.board(611)["agents"].as_array().unwrap().len(), 0);
}

/// A login, or an event of another Region, does not make an old snapshot current.
#[test]
fn what_a_frozen_snapshot_says_does_not_count() {
    let on_call = || snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTED", 5)]);
    let names = ["agents_on_contact", "contacts_in_conversation", "agents_available", "ghosts"];
    // The agent lost the connection during a call, and logs in eleven hours later.
    let board = Center::default().agent("a-1", 10, on_call()).session("a-1", 40_000, "LOGIN").board(40_010);
    assert_eq!(totals(&board, names), [0, 0, 0, 1]);
    assert_eq!(board["agents"][0]["snapshot_at"], time(10));
    assert_eq!(board["agents"][0]["last_event"], time(40_000));
    // The Region in which the agent works sends nothing any more; the other one goes on.
    let other = INSTANCE.replace("eu-west-2", "us-east-1");
    let mut elsewhere = snapshot("Available", "ROUTABLE", &[]);
    elsewhere["AgentCrossRegionRoutingConfiguration"] = json!({"CurrentRegion": "eu-west-2"});
    let mut center = Center::default().agent("a-1", 10, on_call());
    center.event(&other, "a-1", 1_800, "HEART_BEAT", elsewhere);
    let board = center.board(1_810);
    assert_eq!(board["agents"][0]["region"], "eu-west-2");
    assert_eq!(totals(&board, names), [0, 0, 0, 1]);
    // One who comes back within minutes keeps the contact: the snapshot is still current.
    let board = Center::default().agent("a-1", 10, on_call()).session("a-1", 60, "LOGIN").board(70);
    assert_eq!(totals(&board, names), [1, 1, 0, 0]);
}

/// A contact that decides, and does not say when its state began, leaves the start unknown.
#[test]
fn the_start_of_the_status_is_not_that_of_a_contact() {
    let mut connected = call("c-1", "CONNECTED", 5);
    connected["StateStartTimestamp"] = Value::Null;
    let board = Center::default().agent("a-1", 10, snapshot("Available", "ROUTABLE", &[connected])).board(20);
    assert_eq!(
        (&board["agents"][0]["activity"], &board["agents"][0]["since"]),
        (&json!("on_contact"), &Value::Null)
    );
}

/// The agent of an agent's own queue is known also after the agent has left.
#[test]
fn the_own_queue_of_an_agent_who_is_not_listed_has_its_name() {
    let board = Center::default()
        .agent("a-1", 0, snapshot("Offline", "OFFLINE", &[]))
        .queued("c-1", 1_000, "agent/a-1")
        .board(1_200);
    assert_eq!(board["agents"], json!([]));
    let row = queue(&board, "a-1");
    assert_eq!((&row["name"], &row["agent_queue"]), (&json!("Ada Example"), &json!(true)));
    assert_eq!((&row["contacts_in_queue"], &row["agents_online"]), (&json!(1), &json!(0)));
}

#[test]
fn a_row_has_what_the_page_shows() {
    let mut state = snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTED", 12)]);
    state["NextAgentStatus"] = json!({"Name": "Lunch", "EnqueuedTimestamp": time(15)});
    state["Configuration"]["AgentHierarchyGroups"] =
        json!({"Level1": {"Name": "Europe"}, "Level2": {"Name": "Lisbon"}});
    state["Configuration"]["RoutingProfile"]["Concurrency"] =
        json!([{"Channel": "VOICE", "AvailableSlots": 0, "MaximumSlots": 1}]);
    let center =
        Center::default().session("a-1", 2, "LOGIN").queued("c-1", 5, "sales").agent("a-1", 16, state);
    let mut board = center.board(20);
    let version = board["agents"][0].as_object_mut().unwrap().remove("version").unwrap();
    assert_eq!(version.as_str().unwrap().len(), 6);
    assert_eq!(
        board["agents"][0],
        json!({
            "agent_id": "a-1", "name": "Ada Example", "username": "ada", "region": "eu-west-2",
            "activity": "on_contact", "since": time(12), "status": "Available", "status_type": "ROUTABLE",
            "status_since": time(0), "next_status": "Lunch", "next_status_since": time(15),
            "session": "in",
            "contacts": [{
                "contact_id": "c-1", "channel": "VOICE", "initiation_method": "INBOUND", "state": "connected",
                "since": time(12), "queue_id": "sales", "queue": "SALES",
            }],
            "slots": {"VOICE": {"available": 0, "maximum": 1}}, "routing_profile_id": "both",
            "routing_profile": "Both", "hierarchy": ["Europe", "Lisbon"], "last_event": time(16),
        })
    );
    let row = contact(&board, "c-1");
    let names = ["state", "since", "queue", "agent", "enqueued", "initiated"];
    let expected = [
        json!("connected"),
        json!(time(12)),
        json!("SALES"),
        json!("Ada Example"),
        json!(time(5)),
        json!(time(0)),
    ];
    assert_eq!(names.map(|name| row[name].clone()), expected);
    let profile = &board["routing_profiles"][0];
    assert_eq!((&profile["name"], &profile["queues"]), (&json!("Both"), &json!(["help", "sales"])));
    assert_eq!(board["newest_agent_event"], time(16));
}

/// An instance and its replica have the same agents; the Region where the agent works counts.
#[test]
fn an_agent_who_switches_the_region_is_one_row() {
    let mut center = Center::default().agent("a-1", 10, snapshot("Available", "ROUTABLE", &[]));
    let other = INSTANCE.replace("eu-west-2", "us-east-1");
    let mut there = snapshot("Lunch", "CUSTOM", &[]);
    there["AgentCrossRegionRoutingConfiguration"] = json!({"CurrentRegion": "us-east-1"});
    center.event(&other, "a-1", 20, "STATE_CHANGE", there);
    let board = center.board(30);
    assert_eq!(board["agents"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&board["agents"][0]["region"], &board["agents"][0]["status"]),
        (&json!("us-east-1"), &json!("Lunch"))
    );
    assert_eq!(totals(&board, AGENTS), [1, 0, 0, 0, 1]);
}

/// What waits is unknown, which is not the same as 0.
#[test]
fn without_contact_events_what_waits_is_absent() {
    let agent = snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTED", 12)]);
    let reading = Center::default().agent("a-1", 12, agent).reading();
    let board = Center::document(Reading { contacts: None, ..reading }, 20);
    assert_eq!((&board["contact_events"], board.get("contacts")), (&json!(false), None));
    for figures in [&board["totals"], queue(&board, "sales")] {
        for name in
            ["contacts_in_queue", "oldest_contact_since", "contacts_scheduled", "contacts_unconfirmed"]
        {
            assert_eq!(figures.get(name), None, "{name}");
        }
        assert_eq!(
            (&figures["contacts_in_conversation"], &figures["agents_staffed"]),
            (&json!(1), &json!(1))
        );
    }
}

/// docs/board.md is the reference of the document: its tables have every field of every struct that becomes JSON.
#[test]
fn every_field_is_documented() {
    let sources = [
        include_str!("../../../shared/live-board/src/agents.rs"),
        include_str!("../../../shared/live-board/src/contacts.rs"),
        include_str!("../../../shared/live-board/src/document.rs"),
        include_str!("../../../shared/live-board/src/live.rs"),
        include_str!("../../../shared/live-board/src/queues.rs"),
        include_str!("../../../shared/live-board/src/routing_profiles.rs"),
    ];
    let tables: Vec<_> =
        include_str!("../../../docs/board.md").lines().filter(|line| line.starts_with('|')).collect();
    let (mut fields, mut missing) = (0, Vec::new());
    for item in
        sources.iter().flat_map(|source| source.split("#[derive")).filter(|item| item.contains("pub struct"))
    {
        let (derived, body) = item.split_once("pub struct").unwrap();
        let body = body.split_once("\n}").unwrap_or((body, "")).0;
        let is_hidden = |at: usize| {
            body[..at].trim_end().ends_with("#[serde(skip)]")
                || body[..at].trim_end().ends_with("#[serde(flatten)]")
        };
        for (at, _) in body.match_indices("    pub ").filter(|_| derived.contains("Serialize")) {
            let name = body[at + 8..].split(':').next().unwrap();
            fields += 1;
            if !is_hidden(at) && !tables.iter().any(|line| line.contains(&format!("`{name}`"))) {
                missing.push(name);
            }
        }
    }
    assert!(fields > 60 && missing.is_empty(), "{fields} fields; not documented: {missing:?}");
}

/// A version changes with its row, and only then.
#[test]
fn each_row_has_a_version() {
    let center = Center::default()
        .queued("c-1", 5, "sales")
        .agent("a-1", 8, snapshot("Available", "ROUTABLE", &[]))
        .agent("b-1", 8, snapshot("Available", "ROUTABLE", &[]));
    let versions = |board: &Value| {
        let all = ["agents", "queues", "contacts", "routing_profiles"]
            .map(|name| board[name].as_array().unwrap().clone());
        all.concat().iter().map(|row| row["version"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = versions(&center.board(20));
    assert_eq!(versions(&center.board(21)), before);
    let ringing = snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTING", 12)]);
    let after = versions(&center.agent("a-1", 12, ringing).board(20));
    let changed: Vec<_> = before.iter().zip(&after).map(|(before, after)| before != after).collect();
    // Agent A, the queues of both agents, and the contact; not agent B, nor the routing profile.
    assert_eq!(changed, [true, false, true, true, true, false]);
}

/// The order of arrival changes nothing.
#[test]
fn the_document_does_not_depend_on_the_order_of_events() {
    let mut center = Center::default()
        .session("a-1", 1, "LOGIN")
        .agent("a-1", 2, snapshot("Available", "ROUTABLE", &[]))
        .queued("c-1", 5, "sales")
        .agent("a-1", 8, snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTING", 8)]))
        .agent("a-1", 12, snapshot("Available", "ROUTABLE", &[call("c-1", "CONNECTED", 12)]))
        .agent("b-1", 13, snapshot("Lunch", "CUSTOM", &[]));
    let expected = center.board(30);
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..50 {
        rng.shuffle(&mut center.agent_events);
        center.agent_events.push(center.agent_events[0].clone());
        rng.shuffle(&mut center.contact_events);
        assert_eq!(center.board(30), expected);
    }
}

/// A state that Amazon adds later is a contact all the same, and one that is listed twice counts once.
#[test]
fn an_unknown_contact_makes_nobody_available_and_a_repeated_one_counts_once() {
    let board = |contacts: &[Value]| {
        Center::default().agent("a-1", 10, snapshot("Available", "ROUTABLE", contacts)).board(20)
    };
    let unknown = board(&[call("c-1", "SOMETHING_NEW", 5)]);
    assert_eq!(totals(&unknown, ["agents_staffed", "agents_available"]), [1, 0]);
    let twice = board(&[call("c-1", "CONNECTED", 5), call("c-1", "CONNECTED", 5)]);
    assert_eq!(totals(&twice, ["contacts_in_conversation", "agents_on_contact"]), [1, 1]);
}

/// An agent who has logged out counts in no figure, although the last snapshot lists a contact.
#[test]
fn agents_who_logged_out_count_in_no_figure() {
    let with = |state: &str| snapshot("Available", "ROUTABLE", &[call("c-1", state, 5)]);
    for state in ["CONNECTED", "MISSED"] {
        let center = Center::default().agent("a-1", 10, with(state)).session("a-1", 12, "LOGOUT");
        assert_eq!(totals(&center.board(20), AGENTS), [0; 5], "{state}");
        assert_eq!(totals(&center.board(20), ["agents_error", "ghosts"]), [0, 0], "{state}");
    }
}

/// One clock that is ahead must not hide that no event arrives.
#[test]
fn the_newest_event_is_not_one_of_the_future() {
    let available = || snapshot("Available", "ROUTABLE", &[]);
    let center = Center::default().agent("a-1", 10, available()).agent("b-1", 3600, available());
    assert_eq!(center.board(20)["newest_agent_event"], time(10));
    assert_eq!(center.board(3600)["newest_agent_event"], time(3600));
}

/// Two agents may list one contact for a moment: the newer snapshot counts.
#[test]
fn a_contact_that_two_agents_list_counts_once() {
    let with = |state: &str| snapshot("Available", "ROUTABLE", &[call("c-1", state, 10)]);
    let center = Center::default().queued("c-1", 5, "sales").agent("a-1", 10, with("CONNECTING")).agent(
        "b-1",
        12,
        with("CONNECTED"),
    );
    let board = center.board(20);
    assert_eq!(totals(&board, ["contacts_in_queue", "contacts_in_conversation"]), [0, 1]);
    assert_eq!(contact(&board, "c-1")["agent_id"], "b-1");
}

/// Contacts in an agent's own queue are in a row with the agent's name.
#[test]
fn an_agents_own_queue_has_the_agents_name() {
    let own = json!({"queueInfo": {"queueArn": format!("{INSTANCE}/queue/agent/a-1"), "queueType": "AGENT", "enqueueTimestamp": time(5)}});
    let center = Center::default().contact("c-1", 5, "QUEUED", own).agent(
        "a-1",
        6,
        snapshot("Available", "ROUTABLE", &[]),
    );
    let board = center.board(20);
    let queues: Vec<_> =
        board["queues"].as_array().unwrap().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert_eq!(queues, ["HELP", "SALES", "Ada Example"]);
    let row = queue(&board, "a-1");
    let names = ["agent_queue", "contacts_in_queue", "agents_available"];
    assert_eq!(names.map(|name| row[name].clone()), [json!(true), json!(1), json!(1)]);
}
