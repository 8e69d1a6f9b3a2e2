//! The streams from a user's own files, read while they are sent, with their failing records.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use connect_streams::StreamKind;
use synthetic_center::Sent;

use super::failures::{Alike, Failing};
use super::input::{FIREHOSE, InputRecord, QUEUE, STANDARD_INPUT, STREAM, Source, interleaved};
use super::judge::{Fate, Judge};

/// Why reading stopped early. An iterator of plain records cannot return it.
pub type ReadFailure = Arc<Mutex<Option<anyhow::Error>>>;

/// The streams from files, read while they are sent.
pub struct Streams {
    contact_records: Option<Source>,
    agent_events: Option<Source>,
    contact_events: Option<Source>,
    /// The number of records of each, if it is known in advance.
    counts: Option<[u64; 3]>,
    failure: ReadFailure,
    own: OwnFailures,
}

/// The user's failing records, noted the first time they are read.
pub type OwnFailures = Arc<Mutex<Failures>>;

/// Failing records: the first ones in full, and all of them by reason and path.
#[derive(Debug, Default)]
pub struct Failures {
    /// The number of failing records.
    pub records: u64,
    /// The first ones.
    pub first: Vec<Failing>,
    /// All of them, grouped.
    pub alike: Alike,
}

/// Failing records that are kept in full.
const KEPT_FAILURES: usize = 50;

impl Failures {
    fn note(&mut self, record: &InputRecord, stream: StreamKind, judge: &mut Judge) {
        let judgment = judge.judge(&record.bytes, Some(stream));
        let Fate::Fails(reject) = &judgment.fate else { return };
        self.records += 1;
        self.alike.add(&record.place, reject);
        if self.first.len() < KEPT_FAILURES {
            self.first.push(Failing::of(record, stream, reject, false));
        }
    }
}

impl Streams {
    /// Reads the files once, so that errors in them are reported before anything is sent. `None` without files.
    ///
    /// # Errors
    /// When a file cannot be read, or several streams are standard input.
    pub fn open(
        contact_records: Option<&Path>,
        agent_events: Option<&Path>,
        contact_events: Option<&Path>,
        times: u32,
    ) -> anyhow::Result<Option<Self>> {
        let source = |path: Option<&Path>, limit| path.map(|path| Source::of(path, limit)).transpose();
        let (contact_records, agent_events) =
            (source(contact_records, FIREHOSE)?, source(agent_events, STREAM)?);
        let contact_events = source(contact_events, QUEUE)?;
        let sources: Vec<_> = contact_records.iter().chain(&agent_events).chain(&contact_events).collect();
        if sources.is_empty() {
            return Ok(None);
        }
        if sources.iter().filter(|source| source.files == [Path::new(STANDARD_INPUT)]).count() > 1 {
            bail!("standard input can be only one of the streams; give files for the others");
        }
        let is_repeatable = sources.iter().all(|source| source.is_repeatable());
        if let Some(once) = sources.iter().find(|source| !source.is_repeatable() && times > 1) {
            bail!("{} can be read only once; give a file to send it several times", once.shown);
        }
        let count = |source: &Option<Source>| source.as_ref().map_or(Ok(0), Source::count);
        let counts = if is_repeatable {
            Some([count(&contact_records)?, count(&agent_events)?, count(&contact_events)?])
        } else {
            None
        };
        let own = OwnFailures::default();
        let failure = ReadFailure::default();
        Ok(Some(Self { contact_records, agent_events, contact_events, counts, failure, own }))
    }

    /// The total number of records, if it is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.counts.map(|counts| counts.iter().sum())
    }

    /// The place where a read error is noted.
    #[must_use]
    pub fn failure(&self) -> ReadFailure {
        self.failure.clone()
    }

    /// The place where failing records are noted.
    #[must_use]
    pub fn own_failures(&self) -> OwnFailures {
        self.own.clone()
    }

    /// The records. They end early at a read error. With a judge, failing records are noted.
    pub fn records(&self, judge: Option<Judge>) -> impl Iterator<Item = Sent> + Send + use<> {
        let judge = Arc::new(Mutex::new(judge));
        let records = |source: &Option<Source>, stream: StreamKind| {
            let records = source.as_ref().map(Source::records).into_iter().flatten();
            let (judge, own) = (judge.clone(), self.own.clone());
            records.map(move |record| {
                let record = record?;
                if let Some(judge) = &mut *judge.lock().unwrap_or_else(PoisonError::into_inner) {
                    own.lock().unwrap_or_else(PoisonError::into_inner).note(&record, stream, judge);
                }
                Ok(Sent { at: 0, stream, record: record.bytes })
            })
        };
        let streams = [
            records(&self.contact_records, StreamKind::ContactRecords),
            records(&self.agent_events, StreamKind::AgentEvents),
            records(&self.contact_events, StreamKind::ContactEvents),
        ];
        let failure = self.failure.clone();
        interleaved(streams, self.counts.unwrap_or([1; 3])).map_while(move |sent: anyhow::Result<Sent>| {
            match sent {
                Ok(sent) => Some(sent),
                Err(error) => {
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    None
                }
            }
        })
    }
}

/// Checks that the input was read to the end.
///
/// # Errors
/// The read error, if there was one.
pub fn ensure_read_whole(failure: &ReadFailure) -> anyhow::Result<()> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}
