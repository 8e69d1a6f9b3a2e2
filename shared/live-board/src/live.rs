//! The last good document, and when to read a new one.
//!
//! However many ask, there is one reading at a time, and none within [`CACHE_MILLISECONDS`] of the last one. A reading
//! that fails leaves the last good document in place, with its age and the problem.

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

/// Within this time after a reading, the tables are not read again.
pub const CACHE_MILLISECONDS: i64 = 2_000;
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
    /// Changes when the content does, but not when only the time of the reading does.
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
    /// The board that reads from `source`.
    pub fn new(source: S, settings: Settings) -> Self {
        Self { source, settings, state: Mutex::default() }
    }

    /// The document. Reads the tables if the last reading is too old.
    pub async fn answer(&self, clock: impl Fn() -> Timestamp) -> Answer {
        // Whoever comes during a reading waits here for its end.
        let mut state = self.state.lock().await;
        let began = clock();
        // A time further ahead than any pause shows that the clock was set back.
        let is_due = state.next.is_none_or(|next| {
            let ahead = next.epoch_milliseconds() - began.epoch_milliseconds();
            !(1..=AFTER_FAILURE_MILLISECONDS).contains(&ahead)
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
                    state.next = later(ended, CACHE_MILLISECONDS);
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
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 8), Compression::fast());
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(&json);
    let gzip = encoder.finish().unwrap_or_default();
    let (etag, is_current) = (format!("\"{hash:016x}\""), problem.is_none());
    Rendered { json, gzip, etag, generated_at, is_current }
}
