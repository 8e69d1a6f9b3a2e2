//! Both streams out of a user's own files, read while they are sent, and those of their records that fail.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use connect_streams::StreamKind;
use synthetic_center::Sent;

use super::failures::{Alike, Failing};
use super::input::{FIREHOSE, InputRecord, STANDARD_INPUT, STREAM, Source, side_by_side};
use super::judge::{Fate, Judge};

/// Why reading stopped before its end; for who reads through an iterator of records alone.
pub type ReadFailure = Arc<Mutex<Option<anyhow::Error>>>;

/// Both streams out of files, read while they are sent.
pub struct Streams {
    contact_records: Option<Source>,
    agent_events: Option<Source>,
    /// How many records each has, if that can be known before.
    counts: Option<[u64; 2]>,
    failure: ReadFailure,
    own: OwnFailures,
}

/// Own records that fail, noted as they are read for the first time.
pub type OwnFailures = Arc<Mutex<Failures>>;

/// Records that fail: the first of them, and all by what they have in common.
#[derive(Debug, Default)]
pub struct Failures {
    /// How many.
    pub records: u64,
    /// The first of them.
    pub first: Vec<Failing>,
    /// All of them.
    pub alike: Alike,
}

/// Failing records that are kept one by one.
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
    /// Reads files once, so that what is wrong with them is known before anything is sent. `None` without files.
    ///
    /// # Errors
    /// When a file cannot be read, or standard input is both.
    pub fn open(
        contact_records: Option<&Path>,
        agent_events: Option<&Path>,
        times: u32,
    ) -> anyhow::Result<Option<Self>> {
        let source = |path: Option<&Path>, limit| path.map(|path| Source::of(path, limit)).transpose();
        let (contact_records, agent_events) =
            (source(contact_records, FIREHOSE)?, source(agent_events, STREAM)?);
        let sources: Vec<_> = contact_records.iter().chain(&agent_events).collect();
        if sources.is_empty() {
            return Ok(None);
        }
        if sources.iter().filter(|source| source.files == [Path::new(STANDARD_INPUT)]).count() > 1 {
            bail!("standard input is one stream; give a file for the other one");
        }
        let is_repeatable = sources.iter().all(|source| source.is_repeatable());
        if let Some(once) = sources.iter().find(|source| !source.is_repeatable() && times > 1) {
            bail!("{} can be read once; give a file to send it several times", once.shown);
        }
        let count = |source: &Option<Source>| source.as_ref().map_or(Ok(0), Source::count);
        let counts =
            if is_repeatable { Some([count(&contact_records)?, count(&agent_events)?]) } else { None };
        let own = OwnFailures::default();
        Ok(Some(Self { contact_records, agent_events, counts, failure: ReadFailure::default(), own }))
    }

    /// How many records there are, if that is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.counts.map(|counts| counts.iter().sum())
    }

    /// Where a failure to read on is noted.
    #[must_use]
    pub fn failure(&self) -> ReadFailure {
        self.failure.clone()
    }

    /// Where records that fail are noted.
    #[must_use]
    pub fn own_failures(&self) -> OwnFailures {
        self.own.clone()
    }

    /// The records; they end early if they cannot be read on. With a judge, those that fail are noted.
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
        let contact_records = records(&self.contact_records, StreamKind::ContactRecords);
        let agent_events = records(&self.agent_events, StreamKind::AgentEvents);
        let failure = self.failure.clone();
        side_by_side(contact_records, agent_events, self.counts.unwrap_or([1, 1])).map_while(
            move |sent: anyhow::Result<Sent>| match sent {
                Ok(sent) => Some(sent),
                Err(error) => {
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    None
                }
            },
        )
    }
}

/// Says why reading stopped, if it stopped before its end.
///
/// # Errors
/// The failure.
pub fn ensure_read_whole(failure: &ReadFailure) -> anyhow::Result<()> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}
