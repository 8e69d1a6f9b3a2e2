//! `cost`: estimates the monthly cost for a contact center by service, and what other settings would change.
//!
//! Prices are in `cost/prices.json`, and volumes in [`volume`]. `make bench` measures processor time per event, and
//! `make write-cost` write units per event.

mod prices;
pub mod volume;

use std::fmt::Write as _;

use agent_ledger::EventEntries;
use clap::{Args, ValueEnum};
use ledger_console::arguments::event_entries;

use self::prices::Prices;
use self::volume::{Center, Volume};

/// Number of metrics in the template's alarms, which is what CloudWatch bills, and of custom metrics.
const ALARMS: f64 = 39.0;
const METRICS: f64 = 30.0;
/// Those that contact events add, and a second dashboard.
const CONTACT_EVENT_ALARMS: f64 = 15.0;
const CONTACT_EVENT_METRICS: f64 = 10.0;
/// Requests by Connect, Firehose, and the functions to the KMS key. Data keys are cached for minutes.
const KMS_REQUESTS_PER_HOUR: f64 = 700.0;
/// Firehose's buffer for batches to the normalizer: interval and size.
const TRANSFORM_BUFFER_SECONDS: f64 = 60.0;
const TRANSFORM_BUFFER_BYTES: f64 = 1e6;
/// Seconds of rows per file in the lake, and of raw copies per file.
const LAKE_BUFFER_SECONDS: f64 = 300.0;
const ARCHIVE_BUFFER_SECONDS: f64 = 900.0;
/// Firehose bills a record in multiples of this size.
const FIREHOSE_BYTES: f64 = 5.0 * 1024.0;
/// Kinesis bills a record in multiples of this size.
const PUT_UNIT_BYTES: f64 = 25.0 * 1024.0;
/// The planned load of a shard; the rest of its capacity is for peaks.
const SHARD_RECORDS_PER_SECOND: f64 = 700.0;
const SHARD_BYTES_PER_SECOND: f64 = 0.7e6;
/// Ratio of the busiest minute to the average of the open hours.
pub const PEAK: f64 = 2.0;
/// Function memory in megabytes that gives one vCPU.
const MEGABYTES_PER_CORE: f64 = 1769.0;
/// vCPU seconds of runtime overhead per invocation, including logs.
const CPU_PER_INVOCATION: f64 = 0.001;
/// vCPU seconds per byte of contact record, from `make bench` plus 50%.
const CPU_PER_CONTACT_BYTE: f64 = 6e-9;
/// vCPU seconds per agent event, including its requests to DynamoDB, from `make bench` plus 50%.
const CPU_PER_AGENT_EVENT: f64 = 30e-6;
/// vCPU seconds per contact event, including its request to DynamoDB, from `make bench` plus 50%.
const CPU_PER_CONTACT_EVENT: f64 = 105e-6;
/// Messages that Lambda receives from a queue, and deletes, with one request.
const QUEUE_BATCH: f64 = 10.0;
/// Pollers of a quiet queue, each of which sends a request that waits up to 20 seconds.
const POLLERS: f64 = 5.0;
const POLL_SECONDS: f64 = 20.0;
/// Average size of a contact event and of a contact's item, with its entry in the index.
const CONTACT_EVENT_BYTES: u32 = 1400;
const CONTACT_ITEM_BYTES: f64 = 1200.0;
/// Write units per contact event, from `make write-cost`.
pub const CONTACT_EVENT_WRITE_UNITS: f64 = 1.6;
/// Routing profiles per agent, and write units of a routing profile with 20 queues.
const AGENTS_PER_ROUTING_PROFILE: f64 = 25.0;
const ROUTING_PROFILE_UNITS: f64 = 2.0;
/// Size of an agent's items: snapshot, LOGIN, and LOGOUT. `make test-board` measures the read units of 10,000 agents.
const AGENT_ITEMS_BYTES: f64 = 1060.0;
/// A reading of the board has a query for each board of both tables, and one for the routing profiles.
const BOARD_QUERIES: f64 = 33.0;
/// DynamoDB reads 4 KB per read unit.
const READ_UNIT_BYTES: f64 = 4096.0;
/// Seconds between two readings of a board that somebody watches.
const BOARD_SECONDS: f64 = 2.0;
/// Average seconds from a contact's start to its end.
const CONTACT_SECONDS: f64 = 500.0;
/// Seconds per round of requests to DynamoDB, and rounds per invocation.
const STORE_SECONDS: f64 = 0.008;
const STORE_ROUNDS: f64 = 2.0;
/// Bytes of log per invocation.
const LOG_BYTES: f64 = 2500.0;
/// Size ratio of a row in Parquet, and of a raw copy in GZIP, to its record.
const PARQUET_RATIO: f64 = 0.12;
const GZIP_RATIO: f64 = 0.10;

/// Capacity mode of the Kinesis stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StreamMode {
    /// Scales automatically
    OnDemand,
    /// Has a fixed number of shards
    Provisioned,
}

/// Processor architecture of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// Graviton
    Arm64,
    /// Intel and AMD
    #[value(name = "x86_64")]
    X86,
}

/// A contact center, and the settings of its stack that affect cost.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct CostArguments {
    /// Number of agents who log in per day
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub agents: u32,
    /// Number of contacts per day
    #[arg(long, value_name = "N")]
    pub contacts_per_day: u32,
    /// Hours per day that each agent is logged in
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub hours: u32,
    /// Days per month that the contact center is open
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=31))]
    pub days: u32,
    /// Assume `ContactEvents=true`, with this many contact events per contact: 4 if it was abandoned in a flow, about 8 if an agent handled it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub contact_events: u32,
    /// Average contact record size in bytes
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub contact_record_bytes: u32,
    /// Average agent event size in bytes
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub agent_event_bytes: u32,
    /// Value of the template parameter `StreamMode`
    #[arg(long, value_enum, default_value_t = StreamMode::OnDemand)]
    pub stream_mode: StreamMode,
    /// Value of the template parameter `StreamRetentionHours`
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u32).range(24..=8760))]
    pub stream_retention_hours: u32,
    /// Value of the template parameter `BatchingWindowSeconds`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=300))]
    pub batching_window_seconds: u32,
    /// Value of the template parameter `ParallelizationFactor`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub parallelization_factor: u32,
    /// Value of the template parameter `FunctionMemory`, in MB
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(128..=10240))]
    pub function_memory: u32,
    /// Value of the template parameter `Architecture`
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    pub architecture: Architecture,
    /// Value of the template parameter `HistoryEvents`
    #[arg(long, value_name = "WHICH", default_value = "all", value_parser = event_entries())]
    pub history_events: EventEntries,
    /// Assume `HistoryHeartbeats=true`: heartbeats are stored as history entries
    #[arg(long)]
    pub history_heartbeats: bool,
    /// Value of the template parameter `HistoryRetentionDays`
    #[arg(long, value_name = "N", default_value_t = 90)]
    pub history_retention_days: u32,
    /// Value of the template parameter `EndedContactDays`
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(30..=90))]
    pub ended_contact_days: u32,
    /// Value of the template parameter `RawRetentionDays`
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub raw_retention_days: u32,
    /// Assume `AgentEventArchive=false`
    #[arg(long)]
    pub no_archive: bool,
    /// Assume `Alarms=false`
    #[arg(long)]
    pub no_alarms: bool,
    /// Assume provisioned capacity for the agent tables, although the template does not offer provisioned capacity
    #[arg(long)]
    pub provisioned_tables: bool,
}

/// A line of the bill.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The AWS service.
    pub service: &'static str,
    /// What is billed.
    pub what: String,
    /// Dollars per month.
    pub dollars: f64,
}

/// Prints the bill, and what other settings would change.
///
/// # Errors
/// If the prices cannot be read.
pub fn cost(arguments: &CostArguments) -> anyhow::Result<String> {
    let prices = Prices::published()?;
    let items = bill(arguments, &prices);
    let total: f64 = items.iter().map(|item| item.dollars).sum();
    let volume = volume_of(arguments);
    let of_contacts = match contact_events(arguments) {
        0.0 => String::new(),
        events => format!(", {:.1} million contact events", events / 1e6),
    };
    let mut text = format!(
        "{} agents, {} contacts per day, {} days: {:.1} million agent events, {:.2} million contact records{of_contacts} per month\n\
         Dollars per month in {}, prices as of {}; without tax, support, reads, and free tiers\n\n",
        arguments.agents,
        arguments.contacts_per_day,
        arguments.days,
        volume.agent_events / 1e6,
        volume.contact_records / 1e6,
        prices.region,
        prices.as_of,
    );
    for Item { service, what, dollars } in &items {
        let _ = writeln!(text, "{service:<12} {dollars:>10.2}  {what}");
    }
    let _ = writeln!(text, "{:<12} {total:>10.2}", "total");
    let (units, dollars) = board(arguments, &prices);
    let _ = write!(
        text,
        "\nLive board, not in the total: {units:.0} read units per reading, every {BOARD_SECONDS:.0} seconds while somebody watches\n\
         {dollars:>12.2}  one page, or a hundred pages of one command, open {} hours a day\n\
         {:>12.2}  a hundred people, each with a command of their own\n",
        arguments.hours,
        dollars * 100.0,
    );
    let savings = savings(arguments, &prices, total);
    if !savings.is_empty() {
        text.push_str("\nEffect of other settings\n");
        for (setting, difference) in savings {
            let _ = writeln!(text, "{difference:>+12.2}  {setting}");
        }
    }
    Ok(text)
}

/// The volume of a month.
#[must_use]
pub fn volume_of(arguments: &CostArguments) -> Volume {
    let center = Center {
        agents: arguments.agents.into(),
        contacts_per_day: arguments.contacts_per_day.into(),
        hours: arguments.hours.into(),
    };
    Volume::of_a_day(&center).times(arguments.days.into())
}

/// Contact events per month.
#[must_use]
pub fn contact_events(arguments: &CostArguments) -> f64 {
    volume_of(arguments).contact_records * f64::from(arguments.contact_events)
}

/// The read units of a reading of the live board, and the dollars per month of a board that is open all hours.
fn board(arguments: &CostArguments, prices: &Prices) -> (f64, f64) {
    let per_second = volume_of(arguments).contact_records / open_seconds(arguments);
    let contacts = if arguments.contact_events > 0 { per_second * CONTACT_SECONDS } else { 0.0 };
    let units = BOARD_QUERIES + f64::from(arguments.agents) * AGENT_ITEMS_BYTES / READ_UNIT_BYTES + contacts;
    let readings = open_seconds(arguments) / BOARD_SECONDS;
    (units, units * readings / 1e6 * prices.dynamodb.million_read_units)
}

/// Other settings, and how much each would change the total. Differences below half a dollar are omitted.
fn savings(arguments: &CostArguments, prices: &Prices, total: f64) -> Vec<(String, f64)> {
    let with = |change: &dyn Fn(&mut CostArguments)| {
        let mut changed = arguments.clone();
        change(&mut changed);
        bill(&changed, prices).iter().map(|item| item.dollars).sum::<f64>() - total
    };
    let shards = shards(arguments);
    let on = if arguments.contact_events == 0 { 8 } else { 0 };
    let contact_events = format!("ContactEvents={}, {on} events per contact", on > 0);
    let contact_events = contact_events.trim_end_matches(", 0 events per contact").to_owned();
    let candidates: [(String, f64); 11] = [
        (
            format!("StreamMode=Provisioned ShardCount={shards}"),
            with(&|changed| changed.stream_mode = StreamMode::Provisioned),
        ),
        ("StreamMode=OnDemand".to_owned(), with(&|changed| changed.stream_mode = StreamMode::OnDemand)),
        ("StreamRetentionHours=24".to_owned(), with(&|changed| changed.stream_retention_hours = 24)),
        ("BatchingWindowSeconds=10".to_owned(), with(&|changed| changed.batching_window_seconds = 10)),
        match arguments.history_events {
            EventEntries::All => (
                "HistoryEvents=sessions".to_owned(),
                with(&|changed| changed.history_events = EventEntries::Sessions),
            ),
            EventEntries::Sessions | EventEntries::None => {
                ("HistoryEvents=all".to_owned(), with(&|changed| changed.history_events = EventEntries::All))
            }
        },
        ("HistoryHeartbeats=true".to_owned(), with(&|changed| changed.history_heartbeats = true)),
        ("AgentEventArchive=false".to_owned(), with(&|changed| changed.no_archive = true)),
        ("FunctionMemory=256".to_owned(), with(&|changed| changed.function_memory = 256)),
        (contact_events, with(&|changed| changed.contact_events = on)),
        ("Alarms=false".to_owned(), with(&|changed| changed.no_alarms = true)),
        (
            "provisioned capacity with auto scaling for the agent tables".to_owned(),
            with(&|changed| changed.provisioned_tables = true),
        ),
    ];
    let mut savings: Vec<_> =
        candidates.into_iter().filter(|(_, difference)| difference.abs() >= 0.5).collect();
    savings.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    savings
}

/// The number of shards that the agent event stream needs in its busiest minute.
#[must_use]
pub fn shards(arguments: &CostArguments) -> u32 {
    let per_second = events_per_second(arguments) * PEAK;
    let bytes = per_second * f64::from(arguments.agent_event_bytes);
    let shards = (per_second / SHARD_RECORDS_PER_SECOND).max(bytes / SHARD_BYTES_PER_SECOND);
    whole(shards.max(1.0))
}

/// Agent events per second, averaged over the open hours.
#[must_use]
pub fn events_per_second(arguments: &CostArguments) -> f64 {
    volume_of(arguments).agent_events / open_seconds(arguments)
}

fn open_seconds(arguments: &CostArguments) -> f64 {
    f64::from(arguments.days) * f64::from(arguments.hours) * 3600.0
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of shards are small")]
fn whole(number: f64) -> u32 {
    number.ceil() as u32
}

fn bill(arguments: &CostArguments, prices: &Prices) -> Vec<Item> {
    let volume = volume_of(arguments);
    let invocations = Invocations::of(arguments, &volume);
    let sqs = (arguments.contact_events > 0).then(|| sqs(arguments, prices));
    let others = [
        kinesis(arguments, &volume, prices),
        firehose(arguments, &volume, prices),
        lambda(arguments, &volume, &invocations, prices),
        dynamodb(arguments, &volume, prices),
        s3(arguments, &volume, prices),
        cloudwatch(arguments, &invocations, prices),
        Item {
            service: "KMS",
            what: "one key and requests to it".to_owned(),
            dollars: prices.kms.key
                + KMS_REQUESTS_PER_HOUR * prices.hours_per_month / 1e4 * prices.kms.ten_thousand_requests,
        },
    ];
    others.into_iter().chain(sqs).collect()
}

/// Invocations of each function per month.
struct Invocations {
    normalizer: f64,
    upserter: f64,
    contact_events: f64,
}

impl Invocations {
    fn of(arguments: &CostArguments, volume: &Volume) -> Self {
        let open = open_seconds(arguments);
        let bytes = volume.contact_records * f64::from(arguments.contact_record_bytes);
        let normalizer = (bytes / TRANSFORM_BUFFER_BYTES).max(open / TRANSFORM_BUFFER_SECONDS);
        // Lambda polls a lane again after its batching window. With less than one event per window, each event is a
        // batch.
        let window = f64::from(arguments.batching_window_seconds) + STORE_SECONDS * STORE_ROUNDS;
        let lanes = f64::from(shards(arguments) * arguments.parallelization_factor);
        let per_lane_and_window = volume.agent_events / open * window / lanes;
        let batches = open / window * lanes * (1.0 - (-per_lane_and_window).exp());
        Self {
            normalizer: normalizer.min(volume.contact_records),
            upserter: batches.min(volume.agent_events),
            contact_events: contact_event_batches(arguments),
        }
    }
}

/// Invocations for contact events: each poller waits up to a second for more messages.
fn contact_event_batches(arguments: &CostArguments) -> f64 {
    let (events, open) = (contact_events(arguments), open_seconds(arguments));
    let window = 1.0 + STORE_SECONDS;
    let per_poller_and_window = events / open * window / POLLERS;
    (open / window * POLLERS * (1.0 - (-per_poller_and_window).exp())).min(events)
}

/// EventBridge does not bill events of AWS services on the default bus.
fn sqs(arguments: &CostArguments, prices: &Prices) -> Item {
    let events = contact_events(arguments);
    // Each message is sent by a request of its own.
    let received = (events / QUEUE_BATCH).max(contact_event_batches(arguments));
    let idle = POLLERS * prices.hours_per_month * 3600.0 / POLL_SECONDS;
    let requests = events + 2.0 * received + idle;
    Item {
        service: "SQS",
        what: format!("{:.1} million requests", requests / 1e6),
        dollars: requests / 1e6 * prices.sqs.million_requests,
    }
}

fn kinesis(arguments: &CostArguments, volume: &Volume, prices: &Prices) -> Item {
    let kinesis = &prices.kinesis;
    let gigabytes = volume.agent_events * f64::from(arguments.agent_event_bytes) / 1e9;
    let readers = if arguments.no_archive { 1.0 } else { 2.0 };
    let late_hours = f64::from(arguments.stream_retention_hours - 24);
    let (dollars, what) = match arguments.stream_mode {
        StreamMode::OnDemand => {
            let held = gigabytes * late_hours / prices.hours_per_month;
            let dollars = prices.hours_per_month * kinesis.on_demand_stream_hour
                + gigabytes * (kinesis.on_demand_gb_in + readers * kinesis.on_demand_gb_out)
                + held * kinesis.on_demand_gb_month_beyond_24_hours;
            (dollars, format!("one on-demand stream of agent events, {gigabytes:.1} GB"))
        }
        StreamMode::Provisioned => {
            let shards = shards(arguments);
            let late = if late_hours > 0.0 { kinesis.shard_hour_beyond_24_hours } else { 0.0 };
            let units =
                (f64::from(arguments.agent_event_bytes) / PUT_UNIT_BYTES).ceil() * volume.agent_events;
            let dollars = f64::from(shards) * prices.hours_per_month * (kinesis.shard_hour + late)
                + units / 1e6 * kinesis.million_put_units;
            (dollars, format!("{shards} shards"))
        }
    };
    Item { service: "Kinesis", what, dollars }
}

fn firehose(arguments: &CostArguments, volume: &Volume, prices: &Prices) -> Item {
    let firehose = &prices.firehose;
    let counted = |bytes: u32| (f64::from(bytes) / FIREHOSE_BYTES).ceil() * FIREHOSE_BYTES / 1e9;
    let contacts = volume.contact_records * counted(arguments.contact_record_bytes);
    let archived =
        if arguments.no_archive { 0.0 } else { volume.agent_events * counted(arguments.agent_event_bytes) };
    let files = open_seconds(arguments) / LAKE_BUFFER_SECONDS;
    let contact_events = contact_events(arguments) * counted(CONTACT_EVENT_BYTES);
    let dollars = (contacts + archived + contact_events) * firehose.gb
        + contacts * (firehose.gb_converted + firehose.gb_partitioned)
        + files / 1e3 * firehose.thousand_objects_partitioned;
    let of_contacts = match contact_events {
        0.0 => String::new(),
        gigabytes => format!(", {gigabytes:.1} GB of contact events"),
    };
    let what = format!(
        "{contacts:.1} GB of contact records, {archived:.1} GB of agent events{of_contacts}, at least 5 KB each"
    );
    Item { service: "Firehose", what, dollars }
}

fn lambda(arguments: &CostArguments, volume: &Volume, invocations: &Invocations, prices: &Prices) -> Item {
    let share = (f64::from(arguments.function_memory) / MEGABYTES_PER_CORE).min(1.0);
    let contact_cpu =
        volume.contact_records * f64::from(arguments.contact_record_bytes) * CPU_PER_CONTACT_BYTE
            + invocations.normalizer * CPU_PER_INVOCATION;
    let agent_cpu = volume.agent_events * CPU_PER_AGENT_EVENT + invocations.upserter * CPU_PER_INVOCATION;
    let event_cpu =
        contact_events(arguments) * CPU_PER_CONTACT_EVENT + invocations.contact_events * CPU_PER_INVOCATION;
    let waiting = (invocations.upserter * STORE_ROUNDS + invocations.contact_events) * STORE_SECONDS;
    let seconds = (contact_cpu + agent_cpu + event_cpu) / share + waiting;
    let price = match arguments.architecture {
        Architecture::Arm64 => prices.lambda.gb_second_arm64,
        Architecture::X86 => prices.lambda.gb_second_x86_64,
    };
    let requests = invocations.normalizer + invocations.upserter + invocations.contact_events;
    let dollars = requests / 1e6 * prices.lambda.million_requests
        + seconds * f64::from(arguments.function_memory) / 1024.0 * price;
    Item {
        service: "Lambda",
        what: format!(
            "{:.2} million invocations, {seconds:.0} s at {} MB",
            requests / 1e6,
            arguments.function_memory
        ),
        dollars,
    }
}

fn dynamodb(arguments: &CostArguments, volume: &Volume, prices: &Prices) -> Item {
    let dynamodb = &prices.dynamodb;
    let (state, history) = write_units(arguments, volume);
    let contact_units = contact_events(arguments) * CONTACT_EVENT_WRITE_UNITS;
    // The template has on-demand capacity for contacts in flight in any case.
    let units = state + history;
    let writes = if arguments.provisioned_tables {
        // Auto scaling keeps utilization near 70% in open hours, and capacity near zero otherwise.
        let peak = units / open_seconds(arguments) * PEAK / 0.7;
        let open_hours = open_seconds(arguments) / 3600.0;
        peak * open_hours * dynamodb.write_unit_hour
    } else {
        units / 1e6 * dynamodb.million_write_units
    };
    let kept_days = f64::from(arguments.history_retention_days);
    let gigabytes = history_bytes(arguments, volume) / 1e9 / f64::from(arguments.days) * kept_days;
    let contacts = match arguments.contact_events {
        0 => 0.0,
        _ => {
            f64::from(arguments.contacts_per_day)
                * f64::from(arguments.ended_contact_days)
                * CONTACT_ITEM_BYTES
                / 1e9
        }
    };
    let of_contacts = match arguments.contact_events {
        0 => String::new(),
        _ => format!(", {contacts:.1} GB of contacts"),
    };
    let dollars = writes
        + contact_units / 1e6 * dynamodb.million_write_units
        + (gigabytes + contacts) * (dynamodb.gb_month + dynamodb.gb_month_of_point_in_time_recovery);
    let units = units + contact_units;
    Item {
        service: "DynamoDB",
        what: format!("{:.1} million write units, {gigabytes:.1} GB of history{of_contacts}", units / 1e6),
        dollars,
    }
}

/// Write units for AgentState, and for AgentHistory.
#[must_use]
pub fn write_units(arguments: &CostArguments, volume: &Volume) -> (f64, f64) {
    // Several events of one agent in a batch are merged into one write; arrivals are Poisson-distributed.
    let per_window = volume.agent_events / f64::from(arguments.agents) / open_seconds(arguments)
        * f64::from(arguments.batching_window_seconds).max(0.001);
    let merged = (1.0 - (-per_window).exp()) / per_window;
    // Each execution environment writes a routing profile once per period, or tries to.
    let profiles = (f64::from(arguments.agents) / AGENTS_PER_ROUTING_PROFILE).ceil();
    let environments = f64::from(shards(arguments)) * f64::from(arguments.parallelization_factor);
    let periods = open_seconds(arguments) / f64::from(agent_ledger::PERIOD_SECONDS);
    let profiles = profiles * environments * periods * ROUTING_PROFILE_UNITS;
    let state = volume.state_writes * merged * volume::STATE_WRITE_UNITS + profiles;
    let (events, heartbeats) = kept_events(arguments, volume);
    (state, events + heartbeats + volume.intervals)
}

/// Events with a history entry of their own, and heartbeats with one.
fn kept_events(arguments: &CostArguments, volume: &Volume) -> (f64, f64) {
    let events = match arguments.history_events {
        EventEntries::All => volume.changes + volume.session_events,
        EventEntries::Sessions => volume.session_events,
        EventEntries::None => 0.0,
    };
    let heartbeats = if arguments.history_heartbeats { volume.heartbeats } else { 0.0 };
    (events, heartbeats)
}

/// The bytes that are added to AgentHistory.
#[must_use]
pub fn history_bytes(arguments: &CostArguments, volume: &Volume) -> f64 {
    let (events, heartbeats) = kept_events(arguments, volume);
    events * volume::EVENT_ENTRY_BYTES
        + heartbeats * volume::HEARTBEAT_ENTRY_BYTES
        + volume.intervals * volume::INTERVAL_BYTES
}

fn s3(arguments: &CostArguments, volume: &Volume, prices: &Prices) -> Item {
    let contacts = volume.contact_records * f64::from(arguments.contact_record_bytes) / 1e9;
    let events = volume.agent_events * f64::from(arguments.agent_event_bytes) / 1e9;
    let months = f64::from(arguments.raw_retention_days) / 30.0;
    let archived = if arguments.no_archive { 0.0 } else { events };
    let contact_events = contact_events(arguments) * f64::from(CONTACT_EVENT_BYTES) / 1e9;
    // Rows are never deleted, so this counts one year of them.
    let gigabytes =
        contacts * PARQUET_RATIO * 12.0 + (contacts + archived + contact_events) * GZIP_RATIO * months;
    let files = open_seconds(arguments) / LAKE_BUFFER_SECONDS * 2.0
        + open_seconds(arguments) / ARCHIVE_BUFFER_SECONDS;
    let dollars = gigabytes * prices.s3.gb_month + files / 1e3 * prices.s3.thousand_puts;
    Item { service: "S3", what: format!("{gigabytes:.1} GB after a year"), dollars }
}

fn cloudwatch(arguments: &CostArguments, invocations: &Invocations, prices: &Prices) -> Item {
    let cloudwatch = &prices.cloudwatch;
    let invocations = invocations.normalizer + invocations.upserter + invocations.contact_events;
    let logs = invocations * LOG_BYTES / 1e9;
    let (alarms, metrics, dashboards) = match arguments.contact_events {
        0 => (ALARMS, METRICS, 1.0),
        _ => (ALARMS + CONTACT_EVENT_ALARMS, METRICS + CONTACT_EVENT_METRICS, 2.0),
    };
    let alarms = if arguments.no_alarms { 0.0 } else { alarms * cloudwatch.alarm };
    let dollars = alarms
        + metrics * cloudwatch.metric
        + dashboards * cloudwatch.dashboard
        + logs * cloudwatch.gb_of_logs;
    Item {
        service: "CloudWatch",
        what: format!("alarms, metrics, a dashboard, {logs:.1} GB of logs"),
        dollars,
    }
}
