//! The whole pipeline on one machine, with the real function binaries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use contact_ledger_demo::Summary;
use contact_ledger_demo::put::put_record;
use flate2::read::GzDecoder;
use lake_files::files_below;
use lake_parquet::contact_records as glue_table;
use lake_parquet::read_rows;
use ledger_console::records::input::Input;
use ledger_tests::functions_folder;
use local_aws::Intervention;
use local_aws::dynamodb::Item;
use local_aws::function::Function;
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};

/// The results of a run.
struct Run {
    summary: Summary,
    state: Vec<Item>,
    history: Vec<Item>,
    output: tempfile::TempDir,
}

impl Run {
    async fn of(day: &Input, times: usize) -> Self {
        let output = tempfile::tempdir().unwrap();
        let settings =
            StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap());
        let mut stack = Stack::start(settings).await.unwrap();
        Self::finish(&mut stack, day, times, output).await
    }

    async fn finish(stack: &mut Stack, day: &Input, times: usize, output: tempfile::TempDir) -> Self {
        for _ in 0..times {
            for sent in day.clone().into_records() {
                put_record(stack, sent).await.unwrap();
            }
        }
        stack.drain().await.unwrap();
        let (state, history) = (stack.agent_state().unwrap(), stack.agent_history().unwrap());
        let summary = Summary::of(stack, state.len(), history.len(), std::time::Duration::ZERO).unwrap();
        Self { summary, state, history, output }
    }

    /// All rows of the lake with their partition.
    fn rows(&self) -> Vec<(String, Value)> {
        let rows = |file: PathBuf| {
            let folder = file.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
            let rows = read_rows(fs::read(&file).unwrap().into()).unwrap();
            rows.into_iter().map(move |row| (folder.clone(), row))
        };
        files_below(&self.output.path().join("lake/contact_records"))
            .unwrap()
            .into_iter()
            .flat_map(rows)
            .collect()
    }

    fn rejected(&self) -> Vec<Value> {
        let files = files_below(&self.output.path().join("lake/rejected/agent-events")).unwrap();
        let lines = |file: &PathBuf| {
            fs::read_to_string(file)
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        };
        files.iter().flat_map(lines).collect()
    }
}

fn day() -> &'static Input {
    static DAY: OnceLock<Input> = OnceLock::new();
    DAY.get_or_init(Input::demo_day)
}

/// The expected outcomes of a day's records, computed without our own parser.
#[derive(Default, Debug, PartialEq, Eq)]
struct Outcomes {
    rows: u64,
    failed: u64,
    dropped: u64,
    events: u64,
    skipped: u64,
    rejected: u64,
}

fn expected_outcomes(day: &Input) -> Outcomes {
    let mut expected = Outcomes::default();
    let has_all = |record: &Value, fields: &[&str]| fields.iter().all(|field| record[*field].is_string());
    for record in &day.contact_records {
        let record = serde_json::from_slice::<Value>(record).unwrap_or_default();
        if record["AgentARN"].is_string() {
            expected.dropped += 1;
        } else if has_all(&record, &["ContactId", "LastUpdateTimestamp", "InitiationTimestamp"]) {
            expected.rows += 1;
        } else {
            expected.failed += 1;
        }
    }
    for event in &day.agent_events {
        let event = serde_json::from_slice::<Value>(event).unwrap_or_default();
        if has_all(&event, &["AgentARN", "EventId", "EventTimestamp", "EventType"]) {
            expected.events += 1;
        } else if event["ContactId"].is_string() {
            expected.skipped += 1;
        } else {
            expected.rejected += 1;
        }
    }
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_has_exactly_one_outcome() {
    let run = Run::of(day(), 1).await;
    let summary = &run.summary;
    let outcomes = summary.outcomes;
    let actual = Outcomes {
        rows: summary.rows,
        failed: summary.failed,
        dropped: summary.dropped,
        events: outcomes.applied + outcomes.duplicate + outcomes.stale,
        skipped: outcomes.skipped,
        rejected: outcomes.rejected,
    };
    let expected = expected_outcomes(day());
    assert!(expected.failed > 0 && expected.skipped > 0 && expected.rejected > 5, "{expected:?}");
    assert_eq!(actual, expected);
    assert_eq!((outcomes.retried, summary.discarded), (0, 0));
    assert_eq!(run.rejected().len() as u64, expected.rejected);

    // All rows of a contact are in one partition, and its newest version has the survey's answer.
    let rows = run.rows();
    assert_eq!(rows.len() as u64, summary.rows);
    let mut contacts: BTreeMap<String, Vec<&(String, Value)>> = BTreeMap::new();
    for row in &rows {
        contacts.entry(row.1["contact_id"].as_str().unwrap().to_owned()).or_default().push(row);
    }
    assert!(contacts.values().any(|versions| versions.len() > 1));
    for versions in contacts.values() {
        assert!(
            versions
                .iter()
                .all(|(partition, _)| *partition == versions[0].0 && partition.starts_with("contact_date="))
        );
        let version =
            |row: &Value| (row["last_update_timestamp"].to_string(), row["content_hash"].to_string());
        let newest = versions.iter().map(|(_, row)| row).max_by_key(|row| version(row)).unwrap();
        let has_survey = versions.iter().any(|(_, row)| row["attributes"]["survey"].is_string());
        assert_eq!(newest["attributes"]["survey"].is_string(), has_survey);
        for (_, row) in versions {
            let is_same_version = row["last_update_timestamp"] == newest["last_update_timestamp"];
            assert_eq!(is_same_version, row["content_hash"] == newest["content_hash"]);
        }
    }
}

/// A contact record stays a row if it also has fields of another kind. Every dropped record has a raw copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_record_is_counted_by_kind_and_copied_and_a_contact_record_is_never_dropped() {
    let bare = json!({"contactId": "c-1", "eventType": "CONNECTED_TO_AGENT", "initiationTimestamp": "2026-03-02T08:00:00Z"});
    let upper = json!({"CONTACTID": "c-2", "EVENTTYPE": "DISCONNECTED", "Channel": "VOICE"});
    let envelope = json!({"version": "0", "id": "e-1", "source": "aws.connect", "detail-type": "Amazon Connect Contact Event", "detail": bare});
    let agent_event: Value = serde_json::from_slice(&day().agent_events[0]).unwrap();
    assert!(agent_event["AgentARN"].is_string());
    let others = [
        ("contact_event", &bare),
        ("contact_event", &upper),
        ("contact_event", &envelope),
        ("agent_event", &agent_event),
    ];

    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contact-records");
    let mut contact_records = Vec::new();
    for file in files_below(&fixtures).unwrap() {
        if file.to_string_lossy().ends_with(".row.json") {
            continue;
        }
        let record: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for (_, other) in others {
            let mut record = record.clone();
            for (name, value) in other.as_object().unwrap() {
                record.as_object_mut().unwrap().entry(name).or_insert(value.clone());
            }
            contact_records.push(record.to_string().into_bytes());
        }
    }
    let rows = contact_records.len() as u64;
    assert!(rows > 50, "{rows}");
    let dropped: Vec<_> = others.iter().map(|(_, other)| other.to_string().into_bytes()).collect();
    contact_records.extend(dropped.clone());
    let run = Run::of(&Input { contact_records, ..Input::default() }, 1).await;
    assert_eq!((run.summary.rows, run.summary.dropped, run.summary.failed), (rows, others.len() as u64, 0));

    let mut copies = Vec::new();
    for file in files_below(&run.output.path().join("lake/raw/contact-records")).unwrap() {
        GzDecoder::new(fs::File::open(file).unwrap()).read_to_end(&mut copies).unwrap();
    }
    for record in &dropped {
        let has_copy = copies.windows(record.len()).any(|copy| copy == record);
        assert!(has_copy, "no copy of {}", String::from_utf8_lossy(record));
    }
    let log = fs::read_to_string(run.output.path().join("logs/contact-record-normalizer.jsonl")).unwrap();
    let mut by_kind: BTreeMap<String, u64> = BTreeMap::new();
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if let (Some(kind), Some(records)) = (line["Kind"].as_str(), line["RecordsDropped"].as_u64()) {
            *by_kind.entry(kind.to_owned()).or_default() += records;
        }
    }
    assert_eq!(by_kind, BTreeMap::from([("agent_event".to_owned(), 1), ("contact_event".to_owned(), 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_everything_twice_leaves_the_same_tables() {
    let once = Run::of(day(), 1).await;
    let twice = Run::of(day(), 2).await;
    assert!(once.state == twice.state, "the state differs");
    assert!(once.history == twice.history, "the history differs");
    assert_eq!(twice.summary.rows, 2 * once.summary.rows);
    assert_eq!(twice.summary.outcomes.applied, once.summary.outcomes.applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_killed_in_the_middle_of_a_batch_leaves_the_same_result() {
    let baseline = Run::of(day(), 1).await;

    // Every 40th request to DynamoDB kills the process that sent it, in the middle of a batch.
    let upserter: Arc<OnceLock<Arc<Function>>> = Arc::default();
    let kills = Arc::new(AtomicUsize::new(0));
    let interference = {
        let (upserter, kills) = (upserter.clone(), kills.clone());
        move |request: u64| {
            if let Some(upserter) = upserter.get().filter(|_| request.is_multiple_of(40)) {
                upserter.kill_running();
                kills.fetch_add(1, Ordering::Relaxed);
            }
            Intervention::Pass
        }
    };
    let output = tempfile::tempdir().unwrap();
    let settings = StackSettings {
        interference: Some(Arc::new(interference)),
        ..StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap())
    };
    let mut stack = Stack::start(settings).await.unwrap();
    assert!(upserter.set(stack.upserter.clone()).is_ok());
    let killed = Run::finish(&mut stack, day(), 1, output).await;

    let kills = kills.load(Ordering::Relaxed);
    assert!(kills >= 10, "only {kills} kills");
    assert!(killed.state == baseline.state, "the state differs");
    assert!(killed.history == baseline.history, "the history differs");
    assert_eq!(killed.summary.discarded, 0);
    // A batch that was bisected after a kill stores its rejected records under other keys: a record may be in two
    // objects, but none is missing or unexpected.
    let rejected = |run: &Run| {
        let numbers = run.rejected().into_iter().map(|line| line["sequence_number"].to_string());
        numbers.collect::<BTreeSet<_>>()
    };
    assert_eq!(rejected(&killed), rejected(&baseline));
    // A retry after a kill finds records that were already written.
    let outcomes = killed.summary.outcomes;
    assert!(
        outcomes.duplicate > baseline.summary.outcomes.duplicate,
        "{outcomes:?}: no kill hit the middle of a batch"
    );
}

/// Real payloads, if `CONNECT_SAMPLES` names their folder.
#[tokio::test(flavor = "multi_thread")]
async fn real_payloads_become_rows_and_items() {
    let Some(samples) = std::env::var_os("CONNECT_SAMPLES").map(PathBuf::from) else {
        println!("CONNECT_SAMPLES is not set: real payloads were not tested");
        return;
    };
    let read = |folder: &str| ledger_console::records::input::read_records(&samples.join(folder)).unwrap();
    let day = Input {
        contact_records: read("contact-records"),
        agent_events: read("agent-events"),
        ..Input::default()
    };
    let run = Run::of(&day, 1).await;
    assert_eq!((run.summary.rows, run.summary.failed), (9, 1));
    let transfers: Vec<_> =
        run.rows().into_iter().filter(|(_, row)| row["transferred_to_endpoint_type"].is_string()).collect();
    assert_eq!(transfers.len(), 2);
    assert_eq!(transfers[0].1["content_hash"], transfers[1].1["content_hash"]);

    assert!(run.state.iter().all(|agent| agent["contacts"] == serde_json::json!([])));
    let after_contact_work =
        run.history.iter().find(|item| item["entry"].as_str().unwrap().ends_with("#ENDED")).unwrap();
    assert_eq!(after_contact_work["seconds"].to_string(), "5.005");
    let reasons: Vec<_> = run.rejected().iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(reasons, ["missing_field", "unknown_kind"]);
}
