//! What a run writes to the bucket: its manifest, and a mark on every object that it has sent records from.
//!
//! | where | what |
//! |---|---|
//! | `redrive/runs/<begin>-<hash of the request>.json` | the request, the counts, whether it finished |
//! | tag `contact-ledger-redriven` of an object | the run |
//! | tag `contact-ledger-left` of an object | the number of its records still to be sent |
//! | `redrive/left/<key of the object>.json` | the indexes of those records, if there are any |

use std::collections::BTreeSet;

use connect_streams::Timestamp;
use futures::future::try_join_all;
use lake_files::layout::{self, REDRIVE_RUNS};
use serde::{Deserialize, Deserializer, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::ports::{Fault, Lake};
use crate::report::Report;
use crate::request::Request;

/// The tag with the name of the run.
pub const REDRIVEN_TAG: &str = "contact-ledger-redriven";
/// The tag with the number of records left.
pub const LEFT_TAG: &str = "contact-ledger-left";

/// A run, as stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) run: String,
    request: Request,
    begun: String,
    finished: Option<String>,
    /// The last object that is in the counts. Objects are processed in key order.
    position: Option<String>,
    /// Whether the run stopped in the middle of that object.
    is_interrupted: bool,
    /// The objects that are counted and about to be marked. A resumed run marks them first: otherwise a later run would
    /// send them again.
    #[serde(default, deserialize_with = "one_or_several")]
    marking: Vec<Marking>,
    pub(crate) report: Report,
}

/// How a run starts on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// The object is not in the counts yet.
    First,
    /// The records that stay are in the counts, and some of the others are sent.
    Resumed,
}

/// An object that is to be marked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Marking {
    pub(crate) key: String,
    pub(crate) left: Vec<usize>,
    /// The hash of the object, which may be replaced before a run resumes; earlier versions stored none.
    #[serde(default)]
    pub(crate) hash: Option<u64>,
}

/// Earlier versions marked one object after the other, and wrote null if there was none.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Marking>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Several(Vec<Marking>),
        One(Option<Marking>),
    }
    Ok(match Stored::deserialize(deserializer)? {
        Stored::Several(several) => several,
        Stored::One(one) => one.into_iter().collect(),
    })
}

impl Manifest {
    pub(crate) fn new(request: &Request, now: Timestamp) -> Self {
        let begun = now.to_string();
        let plain: String = begun.chars().filter(|sign| !matches!(sign, '-' | ':')).collect();
        let run = format!("{plain}-{}", request.fingerprint());
        let name = (!request.dry_run).then(|| run.clone());
        let report = Report { run: name, dry_run: request.dry_run, ..Report::default() };
        Self {
            run,
            request: request.clone(),
            begun,
            finished: None,
            position: None,
            is_interrupted: false,
            marking: Vec::new(),
            report,
        }
    }

    /// The last run of the same request if it did not finish; otherwise a new one.
    pub(crate) async fn of(lake: &impl Lake, request: &Request, now: Timestamp) -> Result<Self, Fault> {
        let ending = format!("-{}.json", request.fingerprint());
        let keys = lake.keys(REDRIVE_RUNS).await?;
        let last = match keys.iter().rfind(|key| key.ends_with(&ending)) {
            Some(key) => lake.get(key).await?,
            None => None,
        };
        let last = last.and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        Ok(last.filter(|last| last.finished.is_none()).unwrap_or_else(|| Self::new(request, now)))
    }

    /// How the run starts on an object; `None` if it has already processed it.
    pub(crate) fn start(&self, key: &str) -> Option<Start> {
        match self.position.as_deref() {
            Some(position) if position == key && self.is_interrupted => Some(Start::Resumed),
            Some(position) if position >= key => None,
            _ => Some(Start::First),
        }
    }

    /// Moves to an object, whose records are now in the counts.
    pub(crate) fn pass(&mut self, key: &str, is_interrupted: bool) {
        self.position = Some(key.to_owned());
        self.is_interrupted = is_interrupted;
    }

    /// Saves the counts, then marks the objects whose records are in them, each with the records left in it.
    pub(crate) async fn mark(
        &mut self,
        lake: &impl Lake,
        objects: Vec<(Marking, Mark)>,
    ) -> Result<(), Fault> {
        let (marking, marks): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
        self.marking = marking;
        self.save(lake).await?;
        let run = &self.run;
        let set = self
            .marking
            .iter()
            .zip(marks)
            .map(|(Marking { key, left, .. }, mark)| mark.set(lake, key, run, left));
        try_join_all(set).await.map(drop)
    }

    /// Marks the objects that an interrupted run had counted but not marked. One that was replaced since is as good as new.
    pub(crate) async fn resume(&self, lake: &impl Lake) -> Result<(), Fault> {
        for Marking { key, left, hash } in &self.marking {
            // The object may have expired.
            let Some(object) = lake.get(key).await? else { continue };
            if hash.is_none_or(|hash| hash == xxh3_64(&object)) {
                Mark::of(lake, key).await?.set(lake, key, &self.run, left).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn finish(&mut self, lake: &impl Lake, now: Timestamp) -> Result<(), Fault> {
        self.report.finished = true;
        self.finished = Some(now.to_string());
        self.save(lake).await
    }

    pub(crate) async fn save(&self, lake: &impl Lake) -> Result<(), Fault> {
        if self.request.dry_run {
            return Ok(());
        }
        let json = serde_json::to_vec_pretty(self).expect("a manifest has only texts and counts");
        lake.put(&format!("{REDRIVE_RUNS}{}.json", self.run), json).await
    }
}

/// The mark of earlier runs on an object.
#[derive(Debug, Default)]
pub(crate) struct Mark {
    /// The number of its records still to be sent; `None` if none was sent.
    pub(crate) left: Option<usize>,
    /// Tags that are not ours.
    others: Vec<(String, String)>,
}

impl Mark {
    pub(crate) async fn of(lake: &impl Lake, key: &str) -> Result<Self, Fault> {
        let mut mark = Self::default();
        for (name, value) in lake.tags(key).await? {
            match name.as_str() {
                REDRIVEN_TAG => {}
                LEFT_TAG => mark.left = value.parse().ok(),
                _ => mark.others.push((name, value)),
            }
        }
        Ok(mark)
    }

    /// The indexes of the records still to be sent; `None` if all of them are.
    pub(crate) async fn left(&self, lake: &impl Lake, key: &str) -> Result<Option<BTreeSet<usize>>, Fault> {
        match self.left {
            None => return Ok(None),
            Some(0) => return Ok(Some(BTreeSet::new())),
            Some(_) => {}
        }
        let left = lake.get(&left_key(key)).await?;
        Ok(left.and_then(|json| serde_json::from_slice(&json).ok()))
    }

    /// Marks the object. The list of records left is written before the mark.
    async fn set(self, lake: &impl Lake, key: &str, run: &str, left: &[usize]) -> Result<(), Fault> {
        // A list of an earlier run must not stay.
        if !left.is_empty() || self.left.is_some_and(|before| before > 0) {
            let json = serde_json::to_vec(left).expect("numbers are JSON");
            lake.put(&left_key(key), json).await?;
        }
        let ours = [(REDRIVEN_TAG, run.to_owned()), (LEFT_TAG, left.len().to_string())];
        let mut tags = self.others;
        tags.extend(ours.map(|(name, value)| (name.to_owned(), value)));
        lake.set_tags(key, tags).await
    }
}

fn left_key(key: &str) -> String {
    format!("{}{key}.json", layout::REDRIVE_LEFT)
}
