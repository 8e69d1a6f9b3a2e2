//! `demo`: starts the stack, sends input, waits until everything has arrived, and writes the result to a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use local_aws::faults::{Faults, Part};
use local_aws::stack::{Stack, StackSettings};
use rustix::fs::Mode;
use served_stack::{
    ACCOUNT, AGENT_EVENT_STREAM, AGENT_HISTORY_TABLE, AGENT_STATE_TABLE, CONTACT_RECORD_STREAM,
    CONTACT_STATE_TABLE, HISTORY_EVENTS, Keys, LAKE_BUCKET, REGION,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::expected::Expected;
use crate::live::live;
use crate::put::put_record;
use crate::report::RunResult;
use connect_streams::StreamKind;
use lake_parquet::contact_records as glue_table;
use ledger_console::arguments::demo::{DemoArguments, OUTPUT};
use ledger_console::output_folder::OutputFolder;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::records::judge::Judge;
use ledger_console::records::streams::{OwnFailures, ReadFailure, Streams, ensure_read_whole};
use ledger_console::render::output::{print, say};
use synthetic_center::{INSTANCE_ID, Sent};

/// The capacity of the queue between the producer and the sender.
const QUEUE_RECORDS: usize = 2000;
/// Fewer agents per shard mean more events per agent in a batch, and so fewer writes.
const AGENTS_PER_SHARD: usize = 125;
/// Each active shard runs a process.
const MOST_SHARDS: usize = 8;
/// The interval of row deliveries while the stack is served, so that rows appear soon.
const SERVED_DELIVERY: Duration = Duration::from_secs(5);

/// Runs the demo and prints its summary.
///
/// # Errors
/// An error message for the user. Nothing keeps running.
pub async fn demo(arguments: &DemoArguments, interruption: &Interruption) -> anyhow::Result<Outcome> {
    // An interruption of a served stack is its normal end, with the outcome that is set here.
    let served = Arc::new(OnceLock::new());
    // A separate task, so that signals are handled even if the work blocks.
    let mut work = tokio::spawn(run(arguments.clone(), served.clone()));
    tokio::select! {
        result = &mut work => result.unwrap_or_else(|failure| Err(failure.into())),
        () = interruption.requested() => {
            work.abort();
            // The task ends once everything it started is stopped.
            let _ = work.await;
            say("interrupted: everything is stopped");
            Ok(served.get().copied().unwrap_or(Outcome::Interrupted))
        }
    }
}

async fn run(arguments: DemoArguments, served: Arc<OnceLock<Outcome>>) -> anyhow::Result<Outcome> {
    let arguments = &arguments;
    let mut expected = Expected::new(arguments.policies.contact_records()?, arguments.policies.agents()?);
    expected.expect_entries_of(arguments.history_events);
    if arguments.is_generated() {
        expected.expect_only(INSTANCE_ID);
    }
    let source = source(arguments)?;
    let functions = functions(arguments)?;
    let [normalizer_environment, mut upserter_environment] = arguments.policies.environments();
    upserter_environment.insert(HISTORY_EVENTS.to_owned(), arguments.history_events.to_string());
    let contact_event_environment = contact_event_environment(&normalizer_environment, arguments);
    let mut settings = StackSettings {
        tables_file: tables_file(&arguments.output),
        dynamodb_port: arguments.dynamodb_port,
        s3_port: arguments.s3_port,
        // Smaller batches mean more requests, and more of them get a fault.
        batch_size: if arguments.chaos.is_some() { 100 } else { 1000 },
        shards: (arguments.center.agents / AGENTS_PER_SHARD).clamp(2, MOST_SHARDS),
        faults: arguments.chaos.map(Faults::new),
        normalizer_environment,
        upserter_environment,
        contact_event_environment,
        ..StackSettings::new(functions, arguments.output.clone(), glue_table()?)
    };
    if arguments.is_served() {
        settings.streams_port = Some(arguments.streams_port);
        // Until the past has arrived, a live center would look as if nobody was there.
        settings.is_published = !arguments.live;
        settings.delivery_interval = SERVED_DELIVERY;
    }
    // Checked before the result of an earlier demo is removed.
    settings.check().await?;
    // Everything written from here on may contain customers' data.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let folder = OutputFolder::claim(&arguments.output)?;
    settings.note = Some(folder.noting());
    #[expect(clippy::disallowed_methods, reason = "the summary shows the duration of the demo")]
    let begin = Instant::now();
    let mut stack = Stack::start(settings).await?;
    if arguments.live {
        let endpoints = endpoints(&stack, &arguments.output, true);
        return live(&mut stack, arguments, &endpoints, &served).await;
    }
    let own = source.own.clone();
    let expected = send(&mut stack, source, expected, arguments).await?;
    let own = own.map(|own| std::mem::take(&mut *own.lock().unwrap_or_else(PoisonError::into_inner)));
    let mut result =
        RunResult::of(&stack, begin.elapsed(), expected, own.unwrap_or_default(), arguments, &folder)?;
    result.leave(&folder)?;
    print(&summary(&result, &arguments.output))?;
    let outcome = result.outcome();
    if arguments.serve {
        print(&endpoints(&stack, &arguments.output, false))?;
        let _ = served.set(outcome);
        stack.run().await?;
    }
    Ok(outcome)
}

/// Where the tables are while the demo runs; in memory if the path is not UTF-8, which `SQLite` requires.
fn tables_file(output: &Path) -> Option<PathBuf> {
    let file = output.join("tables.sqlite");
    let is_text = std::path::absolute(&file).is_ok_and(|path| path.to_str().is_some());
    is_text.then_some(file)
}

/// The environment of contact-event-upserter: the policy of rows applies, and events of other instances than the generated
/// one are skipped.
fn contact_event_environment(
    normalizer: &BTreeMap<String, String>,
    arguments: &DemoArguments,
) -> BTreeMap<String, String> {
    let mut environment = normalizer.clone();
    if arguments.is_generated() {
        environment.insert("CONNECT_INSTANCE_ID".to_owned(), INSTANCE_ID.to_owned());
    }
    environment
}

/// The records to send.
struct Source {
    records: Box<dyn Iterator<Item = Sent> + Send>,
    /// The number of records, if known. Otherwise, progress is that of the simulated day.
    total: Option<u64>,
    /// The error that ended the input early, if there was one.
    failure: ReadFailure,
    /// The user's own records that fail.
    own: Option<OwnFailures>,
}

fn source(arguments: &DemoArguments) -> anyhow::Result<Source> {
    let times = arguments.times;
    let (contact_records, agent_events) =
        (arguments.contact_records.as_deref(), arguments.agent_events.as_deref());
    let streams = Streams::open(contact_records, agent_events, arguments.contact_events.as_deref(), times)?;
    let Some(streams) = streams else {
        let center = arguments.center.clone();
        let records = (0..times).flat_map(move |_| center.records());
        let (failure, own) = (ReadFailure::default(), None);
        return Ok(Source { records: Box::new(records), total: None, failure, own });
    };
    let total = streams.total().map(|records| records * u64::from(times));
    let (failure, own) = (streams.failure(), Some(streams.own_failures()));
    let policies = &arguments.policies;
    // A repeated record fails each time; it is noted once.
    let mut judge = Some(Judge::new(None, policies.contact_records()?, policies.agents()?));
    let repeated = (0..times).flat_map(move |_| streams.records(judge.take()));
    Ok(Source { records: Box::new(repeated), total, failure, own })
}

fn functions(arguments: &DemoArguments) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &arguments.functions {
        return Ok(folder.clone());
    }
    let program =
        std::env::current_exe().context("the folder of this program cannot be found; set --functions")?;
    program.parent().map(Path::to_owned).context("this program has no folder; set --functions")
}

/// The progress of the producer.
#[derive(Debug, Default)]
struct Progress {
    records: AtomicU64,
    /// The time of the last record in the simulated day.
    at: AtomicI64,
}

/// Produces the records in a thread, and computes the expected result.
fn produce(
    source: Source,
    mut expected: Expected,
    faults: Option<Faults>,
) -> (mpsc::Receiver<Sent>, Arc<Progress>, JoinHandle<Expected>) {
    let (sender, receiver) = mpsc::channel(QUEUE_RECORDS);
    let progress = Arc::new(Progress::default());
    let updated = progress.clone();
    let producer = tokio::task::spawn_blocking(move || {
        // An event bus has only text, so another event cannot arrive. It is listed among the user's own failures.
        let can_arrive = |sent: &Sent| {
            sent.stream != StreamKind::ContactEvents || std::str::from_utf8(&sent.record).is_ok()
        };
        let noted = source.records.filter(can_arrive).inspect(|sent| {
            expected.note(sent);
            updated.at.store(sent.at, Ordering::Relaxed);
        });
        let records: Box<dyn Iterator<Item = Sent>> = match faults {
            Some(faults) => Box::new(faults.of_streams(noted, |sent| match sent.stream {
                StreamKind::ContactRecords => Part::ContactRecords,
                StreamKind::AgentEvents => Part::AgentEvents,
                StreamKind::ContactEvents => Part::ContactEvents,
            })),
            None => Box::new(noted),
        };
        for record in records {
            updated.records.fetch_add(1, Ordering::Relaxed);
            // The receiver is dropped when the demo is interrupted or fails.
            if sender.blocking_send(record).is_err() {
                break;
            }
        }
        expected
    });
    (receiver, progress, producer)
}

async fn send(
    stack: &mut Stack,
    source: Source,
    expected: Expected,
    arguments: &DemoArguments,
) -> anyhow::Result<Expected> {
    let (total, failure) = (source.total, source.failure.clone());
    let (records, progress, producer) = produce(source, expected, stack.faults.clone());
    let bar = ProgressBar::new(total.unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:12} {msg}, {elapsed}");
    bar.set_style(style.expect("the template names known parts"));
    let counters = stack.contact_records.clone();
    let events = stack.agent_events.clone();
    let queue = stack.contact_events.clone();
    let (mut first, mut last) = (0, 0);
    let mut show = || {
        let (contact_records, agent_events) = (counters.over(), events.counters.over());
        let contact_events = queue.done.load(Ordering::Relaxed);
        let at = progress.at.load(Ordering::Relaxed);
        first = if first == 0 { at } else { first.min(at) };
        last = at.max(last);
        let clock = jiff::Timestamp::from_millisecond(last).map(|at| at.strftime("%H:%M").to_string());
        let clock = clock.ok().filter(|_| total.is_none()).map(|clock| format!("at {clock}: "));
        if total.is_none() {
            let day = i64::from(arguments.center.hours) * 3_600_000 * 5 / 4;
            bar.set_length(u64::try_from(day).unwrap_or(1));
            bar.set_position(u64::try_from((last - first).min(day)).unwrap_or_default());
        } else {
            bar.set_position(contact_records + agent_events + contact_events);
        }
        let clock = clock.unwrap_or_default();
        bar.set_message(format!(
            "{clock}{contact_records} contact records, {agent_events} agent events, {contact_events} contact events"
        ));
    };
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let sent = async {
        if let Err(refused) = put(stack, records).await {
            // The stream refuses records because its reader failed. Draining returns the reader's error.
            stack.drain().await?;
            return Err(refused);
        }
        if arguments.serve {
            stack.settle(progress.records.load(Ordering::Relaxed)).await
        } else {
            stack.drain().await
        }
    };
    tokio::pin!(sent);
    loop {
        tokio::select! {
            result = &mut sent => break result,
            _ = tick.tick() => show(),
        }
    }?;
    show();
    bar.finish_and_clear();
    ensure_read_whole(&failure)?;
    producer.await.context("the input could not be produced")
}

/// Puts records on their streams as they arrive.
async fn put(stack: &Stack, mut records: mpsc::Receiver<Sent>) -> anyhow::Result<()> {
    while let Some(sent) = records.recv().await {
        put_record(stack, sent).await?;
    }
    Ok(())
}

fn summary(result: &RunResult, output: &Path) -> String {
    format!(
        "{}
{}{}

The result is in {}:
  report.html                     the report, for a browser
  lake.sql                        the lake's views and queries, for DuckDB
  lake/contact_records/           rows as Parquet, by contact_date
  lake/raw/contact-records/       raw contact records
  lake/errors/                    failed contact records, with original bytes
  lake/rejected/                  rejected events, with the reasons
  agent-state.jsonl               current state of every agent
  contact-state.jsonl             contacts in flight, and those that ended
  agent-history.jsonl             history of every agent, with durations
  summary.json                    the counts above, as JSON
  logs/                           the logs of the functions and of Firehose
",
        result.summary,
        result.own_failures(),
        result.verdict(),
        output.display(),
    )
}

/// The endpoints of a served stack. Each line fits a terminal of 80 columns and can be copied and run.
fn endpoints(stack: &Stack, output: &Path, is_live: bool) -> String {
    let Some(streams) = &stack.streams else { return String::new() };
    let folder = if output == Path::new(OUTPUT) { String::new() } else { format!(" {}", output.display()) };
    let (streams, dynamodb, s3) = (&streams.endpoint, &stack.dynamodb.endpoint, &stack.s3.endpoint);
    // The queries read what the demo writes at its end.
    let query = format!("  contact-ledger query service_level --local{folder}\n");
    // A center of the past has nobody at work, so its board would be empty.
    let board = format!("  contact-ledger board --local{folder} --open\n");
    let (board, query) = if is_live { (board.as_str(), "") } else { ("", query.as_str()) };
    let Keys { access_key_id, secret_access_key } = &stack.dynamodb.keys;
    format!(
        r#"
Everything keeps running until you press Ctrl-C. Inspect it, or send records:

{board}  contact-ledger agents --all --local{folder}
  contact-ledger contacts --local{folder}
  contact-ledger doctor --local{folder}
{query}  contact-ledger redrive --local{folder}
  contact-ledger send --local{folder}

Use the AWS CLI and SDKs with these credentials, which are valid only for this
run:

  export AWS_ACCESS_KEY_ID={access_key_id}
  export AWS_SECRET_ACCESS_KEY={secret_access_key}
  export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}
  export AWS_ENDPOINT_URL_DYNAMODB={dynamodb}
  export AWS_ENDPOINT_URL_S3={s3}
  export AWS_ENDPOINT_URL={streams}
  aws dynamodb scan --table-name {AGENT_STATE_TABLE} --max-items 1
  instance=10000000-0000-4000-8000-000000000001
  agent=$instance#20000000-0000-4000-8000-000000000001
  aws dynamodb query --table-name {AGENT_HISTORY_TABLE} --max-items 3 \
      --key-condition-expression 'agent_id = :a' --expression-attribute-values \
      "{{\":a\": {{\"S\": \"$agent\"}}}}"
  aws s3 ls --recursive s3://{LAKE_BUCKET}/contact_records/
  contact-ledger generate --agents 5 --output day
  head -n 1 day/contact-records.jsonl > record.json
  aws firehose put-record --delivery-stream-name {CONTACT_RECORD_STREAM} \
      --record Data@=fileb://record.json
  head -n 1 day/agent-events.jsonl > event.json
  aws kinesis put-record --stream-name {AGENT_EVENT_STREAM} --partition-key k \
      --data fileb://event.json
  aws dynamodb scan --table-name {CONTACT_STATE_TABLE} --max-items 1
  detail='{{"eventType": "QUEUED", "contactId": "test", "instanceArn":
      "arn:aws:connect:{REGION}:{ACCOUNT}:instance/'$instance'"}}'
  kind="Amazon Connect Contact Event"
  aws events put-events --entries \
      "Source=aws.connect,DetailType=$kind,Detail='$detail'"

Rows reach the lake within {} seconds.
"#,
        SERVED_DELIVERY.as_secs(),
    )
}
