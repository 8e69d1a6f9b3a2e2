//! The last good document, and when to read a new one.
//!
//! However many ask, there is one reading at a time, and none within a time of the last one that the caller chooses. A
//! reading that fails leaves the last good document in place, with its age and the problem.

use std::hash::BuildHasher;
use std::io::Write as _;
use std::sync::Arc;

use connect_streams::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;
use foldhash::quality::FixedState;
use futures::lock::Mutex;
use serde::Serialize;
use tables::{FaultClass, StoreError};

use crate::document::{Board, Settings};
use crate::source::Source;

/// After a reading that failed, the next one waits this long, so that a throttled table is not made worse.
const AFTER_FAILURE_MILLISECONDS: i64 = 5_000;

/// Why the tables could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// `throttled`, `unavailable`, or `refused`.
    pub code: &'static str,
    /// The code of DynamoDB's error, such as `AccessDeniedException`.
    pub error: String,
    /// When the tables could first not be read.
    pub since: String,
}

impl Problem {
    fn of(error: &StoreError, since: Timestamp) -> Self {
        let code = match error.class {
            FaultClass::Environment => "refused",
            FaultClass::Transient if error.is_answer => "throttled",
            FaultClass::Transient => "unavailable",
        };
        Self { code, error: error.code.clone(), since: since.to_string() }
    }
}

/// A document as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The document, as JSON.
    pub json: Vec<u8>,
    /// The same, compressed with gzip.
    pub gzip: Vec<u8>,
    /// Changes when the content does, but not when only the time of the reading does. It is weak, because both forms of
    /// the document have it.
    pub etag: String,
    /// When the reading began. What the document shows is at least as new.
    pub generated_at: Timestamp,
    /// Whether the last reading succeeded.
    pub is_current: bool,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A document: a new one, or the last good one.
    Board(Arc<Rendered>),
    /// There is no document yet.
    Nothing(Problem),
}

/// Serves the board of one instance.
#[derive(Debug)]
pub struct LiveBoard<S> {
    source: S,
    settings: Settings,
    cache_milliseconds: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last good document, without a problem.
    good: Option<(Good, Arc<Rendered>)>,
    /// When the next reading may begin.
    next: Option<Timestamp>,
    problem: Option<Problem>,
}

/// The parts of a good document.
#[derive(Debug)]
struct Good {
    head: Head,
    content: Vec<u8>,
}

/// What changes with every reading. It comes first, so that the content can follow unchanged.
#[derive(Debug, Clone, Serialize)]
struct Head {
    generated_at: String,
    read_milliseconds: i64,
    read_units: f64,
}

impl<S: Source> LiveBoard<S> {
    /// The board that reads from `source`, and not again within this time after a reading.
    pub fn new(source: S, settings: Settings, cache_milliseconds: i64) -> Self {
        Self { source, settings, cache_milliseconds, state: Mutex::default() }
    }

    /// The document. Reads the tables if the last reading is too old.
    pub async fn answer(&self, clock: impl Fn() -> Timestamp) -> Answer {
        // A request that comes during a reading waits here for its end.
        let mut state = self.state.lock().await;
        let began = clock();
        // A time further ahead than any pause shows that the clock was set back.
        let is_due = state.next.is_none_or(|next| {
            let ahead = next.epoch_milliseconds() - began.epoch_milliseconds();
            !(1..=AFTER_FAILURE_MILLISECONDS.max(self.cache_milliseconds)).contains(&ahead)
        });
        if is_due {
            let reading = self.source.read().await;
            let ended = clock();
            match reading {
                Ok(reading) => {
                    let milliseconds = ended.epoch_milliseconds() - began.epoch_milliseconds();
                    let head = Head {
                        generated_at: began.to_string(),
                        read_milliseconds: milliseconds,
                        read_units: reading.read_units,
                    };
                    let board = Board::of(reading, &self.settings, ended);
                    let content = serde_json::to_vec(&board).unwrap_or_default();
                    let rendered = render(&head, &content, None, began);
                    state.good = Some((Good { head, content }, Arc::new(rendered)));
                    state.problem = None;
                    state.next = later(ended, self.cache_milliseconds);
                }
                Err(error) => {
                    let since = state.problem.as_ref().and_then(|problem| Timestamp::parse(&problem.since));
                    let problem = Problem::of(&error, since.unwrap_or(began));
                    if state.problem.as_ref() != Some(&problem) {
                        state.tell(&problem);
                    }
                    state.problem = Some(problem);
                    state.next = later(ended, AFTER_FAILURE_MILLISECONDS);
                }
            }
        }
        match (&state.good, &state.problem) {
            (Some((_, rendered)), _) => Answer::Board(rendered.clone()),
            (None, Some(problem)) => Answer::Nothing(problem.clone()),
            (None, None) => unreachable!("the first answer reads the tables"),
        }
    }
}

impl State {
    /// Adds a problem to the last good document.
    fn tell(&mut self, problem: &Problem) {
        if let Some((good, rendered)) = &mut self.good {
            *rendered = Arc::new(render(&good.head, &good.content, Some(problem), rendered.generated_at));
        }
    }
}

fn later(time: Timestamp, milliseconds: i64) -> Option<Timestamp> {
    Timestamp::from_epoch_milliseconds(time.epoch_milliseconds() + milliseconds)
}

/// Joins the head, the problem, and the content to one JSON object.
fn render(head: &Head, content: &[u8], problem: Option<&Problem>, generated_at: Timestamp) -> Rendered {
    let mut json = serde_json::to_vec(head).unwrap_or_default();
    json.pop();
    if let Some(problem) = problem {
        json.extend_from_slice(b",\"problem\":");
        json.extend(serde_json::to_vec(problem).unwrap_or_default());
    }
    json.push(b',');
    json.extend_from_slice(content.get(1..).unwrap_or(b"}"));
    let hash = FixedState::default().hash_one((content, problem));
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 8), Compression::default());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(&json);
    let gzip = encoder.finish().unwrap_or_default();
    let (etag, is_current) = (format!("W/\"{hash:016x}\""), problem.is_none());
    Rendered { json, gzip, etag, generated_at, is_current }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use connect_streams::Timestamp;
    use contact_state::LongestLife;
    use flate2::read::GzDecoder;
    use futures::future::join_all;
    use serde_json::Value;
    use tables::{Attribute, FaultClass, Item, StoreError};

    use super::{Answer, LiveBoard, Rendered};
    use crate::document::Settings;
    use crate::source::{Reading, Source};

    /// A table whose reading takes 40 ms of its own clock, and may fail.
    #[derive(Default)]
    struct Table {
        readings: AtomicUsize,
        milliseconds: AtomicI64,
        agents: Mutex<Vec<Item>>,
        fails: Mutex<Option<(FaultClass, bool)>>,
    }

    impl Source for Arc<Table> {
        async fn read(&self) -> Result<Reading, StoreError> {
            self.readings.fetch_add(1, Ordering::Relaxed);
            self.milliseconds.fetch_add(40, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if let Some((class, is_answer)) = *self.fails.lock().unwrap() {
                let source = Arc::new(std::fmt::Error);
                return Err(StoreError { class, code: "SomeException".to_owned(), is_answer, source });
            }
            let agent_state = self.agents.lock().unwrap().clone();
            Ok(Reading { agent_state, contacts: None, read_units: 1.5 })
        }
    }

    const BEGIN: i64 = 1_772_438_400_000;

    fn board() -> (Arc<Table>, LiveBoard<Arc<Table>>) {
        let table = Arc::new(Table::default());
        let settings = Settings {
            instance_id: "i-1".to_owned(),
            ghost_minutes: 5,
            longest_life: LongestLife::default(),
            lists_everyone: false,
        };
        (table.clone(), LiveBoard::new(table, settings, 2_000))
    }

    impl Table {
        fn now(&self) -> Timestamp {
            Timestamp::from_epoch_milliseconds(BEGIN + self.milliseconds.load(Ordering::Relaxed)).unwrap()
        }

        fn wait(&self, milliseconds: i64) {
            self.milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
        }

        fn readings(&self) -> usize {
            self.readings.load(Ordering::Relaxed)
        }

        fn add_agent(&self, id: &str) {
            let version = format!("{}#e", self.now());
            let texts = [("agent_id", format!("{id}#eu-west-2")), ("snapshot_version", version)];
            let texts = texts.map(|(name, text)| (name.to_owned(), Attribute::Text(text.into())));
            self.agents.lock().unwrap().push(texts.into_iter().collect());
        }

        fn fail(&self, how: Option<(FaultClass, bool)>) {
            *self.fails.lock().unwrap() = how;
        }
    }

    async fn shown(table: &Table, board: &LiveBoard<Arc<Table>>) -> Arc<Rendered> {
        match board.answer(|| table.now()).await {
            Answer::Board(rendered) => rendered,
            Answer::Nothing(problem) => panic!("{problem:?}"),
        }
    }

    fn json(rendered: &Rendered) -> Value {
        serde_json::from_slice(&rendered.json).unwrap()
    }

    #[tokio::test]
    async fn within_two_seconds_nothing_is_read_however_many_ask() {
        let (table, board) = board();
        let all = join_all((0..20).map(|_| shown(&table, &board))).await;
        assert_eq!(table.readings(), 1);
        assert!(all.iter().all(|one| one == &all[0]));
        let document = json(&all[0]);
        assert_eq!((&document["read_milliseconds"], &document["read_units"]), (&40.into(), &1.5.into()));
        assert_eq!(document["generated_at"], "2026-03-02T08:00:00.000Z");
        let mut text = Vec::new();
        GzDecoder::new(&all[0].gzip[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, all[0].json);
        table.wait(1999);
        shown(&table, &board).await;
        assert_eq!(table.readings(), 1);
        table.wait(1);
        shown(&table, &board).await;
        assert_eq!(table.readings(), 2);
    }

    #[tokio::test]
    async fn the_etag_changes_with_the_content_only() {
        let (table, board) = board();
        let first = shown(&table, &board).await;
        table.wait(2000);
        let same = shown(&table, &board).await;
        assert_eq!(first.etag, same.etag);
        assert_ne!(json(&first)["generated_at"], json(&same)["generated_at"]);
        table.wait(2000);
        table.add_agent("a-1");
        let other = shown(&table, &board).await;
        assert_ne!(first.etag, other.etag);
        assert_eq!(json(&other)["agents"][0]["agent_id"], "a-1");
    }

    #[tokio::test]
    async fn a_reading_that_fails_leaves_the_last_good_document_with_the_problem() {
        let (table, board) = board();
        table.add_agent("a-1");
        let good = shown(&table, &board).await;
        let cases = [
            (FaultClass::Transient, true, "throttled"),
            (FaultClass::Transient, false, "unavailable"),
            (FaultClass::Environment, true, "refused"),
        ];
        let mut since = None;
        for (class, is_answer, code) in cases {
            table.fail(Some((class, is_answer)));
            table.wait(5000);
            let began = table.now();
            let bad = shown(&table, &board).await;
            assert_ne!(bad.etag, good.etag);
            assert_eq!((bad.generated_at, bad.is_current), (good.generated_at, false));
            let mut document = json(&bad);
            let problem = document.as_object_mut().unwrap().remove("problem").unwrap();
            assert_eq!(document, json(&good));
            assert_eq!((&problem["code"], &problem["error"]), (&code.into(), &"SomeException".into()));
            // The problem began with the first failure.
            assert_eq!(problem["since"], since.get_or_insert(began).to_string());
            // The table is not asked again at once.
            let readings = table.readings();
            table.wait(4999);
            assert_eq!(shown(&table, &board).await, bad);
            assert_eq!(table.readings(), readings);
        }
        table.fail(None);
        table.wait(1);
        let again = shown(&table, &board).await;
        assert_eq!((&again.etag, again.is_current), (&good.etag, true));
        assert_eq!(json(&again).get("problem"), None);
    }

    #[tokio::test]
    async fn before_the_first_good_reading_there_is_only_the_problem() {
        let (table, board) = board();
        table.fail(Some((FaultClass::Environment, true)));
        let Answer::Nothing(problem) = board.answer(|| table.now()).await else { panic!("nothing was read") };
        assert_eq!(problem.code, "refused");
        table.fail(None);
        table.wait(5000);
        assert!(shown(&table, &board).await.is_current);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_stop_the_readings() {
        let (table, board) = board();
        shown(&table, &board).await;
        table.wait(-3_600_000);
        shown(&table, &board).await;
        assert_eq!(table.readings(), 2);
    }
}
