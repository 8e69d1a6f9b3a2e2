//! `cost`: estimates the monthly cost for a contact center by service, and what other settings would change.
//!
//! Prices are in `cost/prices.json`, and volumes in [`volume`]. `make bench` measures processor time per event, and
//! `make write-cost` write units per event.

mod prices;
pub mod volume;

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use self::prices::Prices;
use self::volume::{Center, Volume};

/// Number of metrics in the template's alarms, which is what CloudWatch bills, and of custom metrics.
const ALARMS: f64 = 39.0;
const METRICS: f64 = 30.0;
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
    /// Average contact record size in bytes
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub contact_record_bytes: u32,
    /// Average agent event size in bytes
    #[arg(long, value_name = "N", default_value_t = 4200)]
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
    /// Assume `HistoryHeartbeats=true`: heartbeats are stored as history entries
    #[arg(long)]
    pub history_heartbeats: bool,
    /// Value of the template parameter `HistoryRetentionDays`
    #[arg(long, value_name = "N", default_value_t = 90)]
    pub history_retention_days: u32,
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
    let mut text = format!(
        "{} agents, {} contacts per day, {} days: {:.1} million agent events, {:.2} million contact records per month\n\
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

/// Other settings, and how much each would change the total. Differences below half a dollar are omitted.
fn savings(arguments: &CostArguments, prices: &Prices, total: f64) -> Vec<(String, f64)> {
    let with = |change: &dyn Fn(&mut CostArguments)| {
        let mut changed = arguments.clone();
        change(&mut changed);
        bill(&changed, prices).iter().map(|item| item.dollars).sum::<f64>() - total
    };
    let shards = shards(arguments);
    let candidates: [(String, f64); 9] = [
        (
            format!("StreamMode=Provisioned ShardCount={shards}"),
            with(&|changed| changed.stream_mode = StreamMode::Provisioned),
        ),
        ("StreamMode=OnDemand".to_owned(), with(&|changed| changed.stream_mode = StreamMode::OnDemand)),
        ("StreamRetentionHours=24".to_owned(), with(&|changed| changed.stream_retention_hours = 24)),
        ("BatchingWindowSeconds=10".to_owned(), with(&|changed| changed.batching_window_seconds = 10)),
        ("HistoryHeartbeats=true".to_owned(), with(&|changed| changed.history_heartbeats = true)),
        ("AgentEventArchive=false".to_owned(), with(&|changed| changed.no_archive = true)),
        ("FunctionMemory=256".to_owned(), with(&|changed| changed.function_memory = 256)),
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
    vec![
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
    ]
}

/// Invocations of each function per month.
struct Invocations {
    normalizer: f64,
    upserter: f64,
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
        }
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
    let dollars = (contacts + archived) * firehose.gb
        + contacts * (firehose.gb_converted + firehose.gb_partitioned)
        + files / 1e3 * firehose.thousand_objects_partitioned;
    let what =
        format!("{contacts:.1} GB of contact records, {archived:.1} GB of agent events, at least 5 KB each");
    Item { service: "Firehose", what, dollars }
}

fn lambda(arguments: &CostArguments, volume: &Volume, invocations: &Invocations, prices: &Prices) -> Item {
    let share = (f64::from(arguments.function_memory) / MEGABYTES_PER_CORE).min(1.0);
    let contact_cpu =
        volume.contact_records * f64::from(arguments.contact_record_bytes) * CPU_PER_CONTACT_BYTE
            + invocations.normalizer * CPU_PER_INVOCATION;
    let agent_cpu = volume.agent_events * CPU_PER_AGENT_EVENT + invocations.upserter * CPU_PER_INVOCATION;
    let waiting = invocations.upserter * STORE_SECONDS * STORE_ROUNDS;
    let seconds = (contact_cpu + agent_cpu) / share + waiting;
    let price = match arguments.architecture {
        Architecture::Arm64 => prices.lambda.gb_second_arm64,
        Architecture::X86 => prices.lambda.gb_second_x86_64,
    };
    let requests = invocations.normalizer + invocations.upserter;
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
    let gigabytes = history * volume::HISTORY_ENTRY_BYTES / 1e9 / f64::from(arguments.days) * kept_days;
    let dollars = writes + gigabytes * (dynamodb.gb_month + dynamodb.gb_month_of_point_in_time_recovery);
    Item {
        service: "DynamoDB",
        what: format!("{:.1} million write units, {gigabytes:.1} GB of history", units / 1e6),
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
    let state = volume.state_writes * merged * volume::STATE_WRITE_UNITS;
    let heartbeats = if arguments.history_heartbeats { volume.heartbeats } else { 0.0 };
    (state, volume.history_entries + heartbeats)
}

fn s3(arguments: &CostArguments, volume: &Volume, prices: &Prices) -> Item {
    let contacts = volume.contact_records * f64::from(arguments.contact_record_bytes) / 1e9;
    let events = volume.agent_events * f64::from(arguments.agent_event_bytes) / 1e9;
    let months = f64::from(arguments.raw_retention_days) / 30.0;
    let archived = if arguments.no_archive { 0.0 } else { events };
    // Rows are never deleted, so this counts one year of them.
    let gigabytes = contacts * PARQUET_RATIO * 12.0 + (contacts + archived) * GZIP_RATIO * months;
    let files = open_seconds(arguments) / LAKE_BUFFER_SECONDS * 2.0
        + open_seconds(arguments) / ARCHIVE_BUFFER_SECONDS;
    let dollars = gigabytes * prices.s3.gb_month + files / 1e3 * prices.s3.thousand_puts;
    Item { service: "S3", what: format!("{gigabytes:.1} GB after a year"), dollars }
}

fn cloudwatch(arguments: &CostArguments, invocations: &Invocations, prices: &Prices) -> Item {
    let cloudwatch = &prices.cloudwatch;
    let logs = (invocations.normalizer + invocations.upserter) * LOG_BYTES / 1e9;
    let alarms = if arguments.no_alarms { 0.0 } else { ALARMS * cloudwatch.alarm };
    let dollars = alarms + METRICS * cloudwatch.metric + cloudwatch.dashboard + logs * cloudwatch.gb_of_logs;
    Item {
        service: "CloudWatch",
        what: format!("alarms, metrics, a dashboard, {logs:.1} GB of logs"),
        dollars,
    }
}
