//! A DynamoDB with the tables of a large contact center, for `contact-ledger board --local <folder>`, until standard
//! input ends.
//!
//! Usage: board-center <agents> <contacts in flight> <folder>

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test's program prints, and panics on errors"
)]

use std::io::Read as _;
use std::path::Path;

use connect_streams::Timestamp;
use contact_state::Rules;
use fastrand::Rng;
use futures::{StreamExt as _, stream};
use lambda_io::telemetry::now;
use ledger_tests::{dynamodb_client, far_future, stream_event, upserter};
use local_aws::Gate;
use local_aws::dynamodb::DynamoDb;
use local_aws::stack::{create_agent_tables, create_contact_table};
use serde_json::{Value, json};
use served_stack::{AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_STATE_TABLE, Served};
use synthetic_center::{FIRST_NAMES, LAST_NAMES};
use tables_dynamodb::agents::DynamoDbStore;
use tables_dynamodb::contacts::DynamoDbContacts;

const ARN: &str = "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000-4000-8000-000000000001";
const PROFILES: usize = 40;
const QUEUES: usize = 120;
const QUEUES_OF_A_PROFILE: usize = 12;

/// A center that draws everything at random, as IDs are: they compress badly.
struct Center {
    rng: Rng,
    queues: Vec<String>,
    profiles: Vec<String>,
    contacts: Vec<String>,
    /// The number of contacts that agents have; the others wait.
    with_agents: usize,
}

fn uuid(rng: &mut Rng) -> String {
    let digits = format!("{:032x}", rng.u128(..));
    let part = |range: std::ops::Range<usize>| &digits[range];
    format!("{}-{}-4{}-8{}-{}", part(0..8), part(8..12), part(13..16), part(17..20), part(20..32))
}

impl Center {
    fn new(contacts: usize) -> Self {
        let mut rng = Rng::with_seed(26);
        let queues = (0..QUEUES).map(|_| uuid(&mut rng)).collect();
        let profiles = (0..PROFILES).map(|_| uuid(&mut rng)).collect();
        let contacts: Vec<_> = (0..contacts).map(|_| uuid(&mut rng)).collect();
        let with_agents = contacts.len() * 3 / 4;
        Self { rng, queues, profiles, contacts, with_agents }
    }

    fn ago(&mut self, seconds: i64) -> String {
        let milliseconds = now().epoch_milliseconds() - self.rng.i64(0..seconds * 1000);
        Timestamp::from_epoch_milliseconds(milliseconds).unwrap().to_string()
    }

    fn queue(&self, number: usize) -> Value {
        json!({"ARN": format!("{ARN}/queue/{}", self.queues[number]), "Name": format!("Queue {number}")})
    }

    /// An agent's event. Each agent has one of the contacts, until there are no more.
    fn agent_event(&mut self, number: usize) -> Vec<u8> {
        let profile = self.rng.usize(..PROFILES);
        let of_profile = |place: usize| (profile * 7 + place * 3) % QUEUES;
        let contacts: Vec<_> = self.contacts[..self.with_agents]
            .get(number)
            .cloned()
            .into_iter()
            .map(|contact| {
                let queue = of_profile(self.rng.usize(..QUEUES_OF_A_PROFILE));
                json!({
                    "ContactId": contact, "Channel": self.rng.choice(["VOICE", "CHAT", "TASK"]),
                    "InitiationMethod": "INBOUND", "State": self.rng.choice(["CONNECTED", "CONNECTED_ONHOLD", "ENDED"]),
                    "StateStartTimestamp": self.ago(900), "ConnectedToAgentTimestamp": self.ago(900),
                    "QueueTimestamp": self.ago(900), "Queue": self.queue(queue),
                })
            })
            .collect();
        let status = self
            .rng
            .choice([("Available", "ROUTABLE"), ("Available", "ROUTABLE"), ("Lunch", "CUSTOM")])
            .unwrap();
        json!({
            "AgentARN": format!("{ARN}/agent/{}", uuid(&mut self.rng)), "EventId": uuid(&mut self.rng),
            "EventTimestamp": self.ago(120), "EventType": "STATE_CHANGE",
            "CurrentAgentSnapshot": {
                "AgentStatus": {
                    "Name": status.0, "Type": status.1, "StartTimestamp": self.ago(7200),
                    "ARN": format!("{ARN}/agent-state/{}", uuid(&mut self.rng)),
                },
                "Configuration": {
                    "FirstName": self.rng.choice(FIRST_NAMES), "LastName": self.rng.choice(LAST_NAMES),
                    "Username": format!("agent.{number}"),
                    "AgentHierarchyGroups": {
                        "Level1": {"Name": format!("Site {}", number % 6)}, "Level2": {"Name": format!("Team {}", number % 60)},
                    },
                    "RoutingProfile": {
                        "ARN": format!("{ARN}/routing-profile/{}", self.profiles[profile]), "Name": format!("Profile {profile}"),
                        "InboundQueues": (0..QUEUES_OF_A_PROFILE).map(|place| self.queue(of_profile(place))).collect::<Vec<_>>(),
                        "DefaultOutboundQueue": self.queue(0),
                        "Concurrency": [
                            {"Channel": "VOICE", "AvailableSlots": 0, "MaximumSlots": 1},
                            {"Channel": "CHAT", "AvailableSlots": 2, "MaximumSlots": 3},
                        ],
                    },
                },
                "Contacts": contacts,
            },
        })
        .to_string()
        .into_bytes()
    }

    fn login(&mut self, event: &[u8]) -> Vec<u8> {
        let event: Value = serde_json::from_slice(event).unwrap();
        let login = json!({
            "AgentARN": event["AgentARN"], "EventId": uuid(&mut self.rng), "EventTimestamp": self.ago(7200),
            "EventType": "LOGIN",
        });
        login.to_string().into_bytes()
    }

    fn contact_event(&mut self, number: usize) -> Value {
        let queue = self.rng.usize(..QUEUES);
        json!({
            "id": uuid(&mut self.rng), "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
            "time": self.ago(600), "region": "eu-west-2", "resources": [ARN],
            "detail": {
                "eventType": "QUEUED", "contactId": self.contacts[number], "instanceArn": ARN, "channel": "VOICE",
                "initiationMethod": "INBOUND", "initiationTimestamp": self.ago(600),
                "queueInfo": {"queueArn": format!("{ARN}/queue/{}", self.queues[queue]), "enqueueTimestamp": self.ago(600)},
            },
        })
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let agents: usize = arguments.next().unwrap().parse().unwrap();
    let contacts: usize = arguments.next().unwrap().parse().unwrap();
    let folder = arguments.next().unwrap();
    let server = DynamoDb::start(0, Gate::default()).await.unwrap();
    create_agent_tables(&server).unwrap();
    create_contact_table(&server).unwrap();
    let client = dynamodb_client(&server.endpoint, &server.keys);
    let mut center = Center::new(contacts);
    let function = upserter(DynamoDbStore::new(
        client.clone(),
        AGENT_STATE_TABLE.to_owned(),
        AGENT_HISTORY_TABLE.to_owned(),
    ));
    for start in (0..agents).step_by(500) {
        let events: Vec<_> =
            (start..agents.min(start + 500)).map(|number| center.agent_event(number)).collect();
        let logins: Vec<_> = events.iter().map(|event| center.login(event)).collect();
        let event = stream_event(0, logins.iter().chain(&events).map(Vec::as_slice));
        function.handle(&event, far_future()).await;
    }
    let store = DynamoDbContacts::new(client, CONTACT_STATE_TABLE.to_owned());
    let events: Vec<_> = (0..contacts).map(|number| center.contact_event(number).to_string()).collect();
    let write = async |event: &String| {
        let write = contact_state::read(event.as_bytes(), &Rules::default()).unwrap().unwrap();
        contact_state::write(&store, &write, now()).await.value.unwrap();
    };
    stream::iter(&events).for_each_concurrent(16, write).await;
    let served = Served {
        keys: server.keys.clone(),
        dynamodb: server.endpoint.clone(),
        s3: String::new(),
        streams: String::new(),
        agent_event_mapping: String::new(),
        history_events: None,
    };
    std::fs::create_dir_all(&folder).unwrap();
    let _file = served.leave(Path::new(&folder)).unwrap();
    println!("ready");
    // The program that started it closes the pipe.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}
