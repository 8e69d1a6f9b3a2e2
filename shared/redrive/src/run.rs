//! The loop over objects and their records.

use std::collections::{BTreeSet, VecDeque};

use connect_streams::Timestamp;

use crate::ahead::{self, Content, Found, Read, chunks};
use crate::check::{Verdict, check};
use crate::destination::{Sender, Sent};

use crate::manifest::{Manifest, Mark, Marking, Start};
use crate::ports::{Destination, Fault, Lake, Listed, Queues, Waiting};
use crate::report::Report;
use crate::request::{Request, RequestError, Selection};
use lake_files::failures::{FailedRecord, Payload};

/// The clock and callbacks of a run.
pub struct Control<'c> {
    /// The current time, for the manifest.
    pub now: &'c (dyn Fn() -> Timestamp + Sync),
    /// Whether to stop. Records not sent yet are left for the next run of the same request.
    pub stop: &'c (dyn Fn() -> bool + Sync),
    /// Called after each object.
    pub progress: &'c (dyn Fn(&Report) + Sync),
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The request is not valid.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The lake or the destination failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Carries out a request. If the last run of the same request did not finish, resumes it.
///
/// # Errors
/// [`RunError`]. Sent records are marked, so the same request resumes from there.
pub async fn run<L: Lake, D: Destination, Q: Queues>(
    lake: &L,
    destination: &D,
    queues: &Q,
    request: &Request,
    control: &Control<'_>,
) -> Result<Report, RunError> {
    let selection = Selection::of(request)?;
    let now = (control.now)();
    let manifest =
        if request.dry_run { Manifest::new(request, now) } else { Manifest::of(lake, request, now).await? };
    let sender = Sender::new(destination, request.rate);
    let mut run = Run { lake, sender, request, selection, control, manifest };
    run.manifest.resume(lake).await?;
    run.manifest.save(lake).await?;
    for prefix in run.selection.prefixes() {
        let mut objects = lake.objects(&prefix).await?;
        objects.retain(|object| Selection::is_wanted_object(&object.key));
        for chunk in chunks(&objects) {
            run.objects(chunk).await?;
            (control.progress)(&run.manifest.report);
            if (control.stop)() {
                run.manifest.save(lake).await?;
                return Ok(run.manifest.report);
            }
        }
    }
    if run.selection.has_queues() {
        for queue in queues.names() {
            let may_continue = run.queue(queues, &queue).await;
            if !matches!(may_continue, Ok(true)) {
                run.manifest.save(lake).await?;
                return may_continue.map(|_| run.manifest.report).map_err(RunError::Fault);
            }
        }
    }
    run.manifest.finish(lake, (control.now)()).await?;
    Ok(run.manifest.report)
}

struct Run<'r, L, D> {
    lake: &'r L,
    sender: Sender<'r, D>,
    request: &'r Request,
    selection: Selection,
    control: &'r Control<'r>,
    manifest: Manifest,
}

impl<L: Lake, D: Destination> Run<'_, L, D> {
    /// Processes objects in order. They are read at once, and their records are sent in as few requests as possible.
    async fn objects(&mut self, listed: &[Listed]) -> Result<(), Fault> {
        let wanted = listed.iter().filter_map(|object| {
            let start = self.manifest.start(&object.key)?;
            Some((object.key.as_str(), start))
        });
        let wanted: Vec<_> = wanted.collect();
        let is_repeat = |start: &Start| self.request.again && *start == Start::First;
        let to_read = wanted.iter().map(|(key, start)| (*key, is_repeat(start)));
        let read = ahead::read_all(self.lake, to_read).await?;
        let mut objects: VecDeque<_> =
            read.into_iter().zip(&wanted).map(|(read, (_, start))| self.open(read, *start)).collect();
        while !objects.is_empty() && self.group(&mut objects).await? {}
        Ok(())
    }

    /// Sends the records of the first objects that fit in one request, at least those of one object. Returns whether the
    /// run may continue.
    async fn group(&mut self, objects: &mut VecDeque<Object>) -> Result<bool, Fault> {
        let mut group = Vec::new();
        let mut records: Vec<&FailedRecord> = Vec::new();
        for object in objects.iter() {
            let before = records.len();
            records.extend(object.sendable.iter().map(|(_, record)| record));
            if !group.is_empty() && !self.sender.fit_at_once(&records) {
                records.truncate(before);
                break;
            }
            group.push(before..records.len());
        }
        let (finished, fault) = if self.request.dry_run {
            ((0..records.len()).collect(), None)
        } else {
            let Sent { finished, fault } = self.sender.send(&records, self.control.stop).await;
            (finished, fault)
        };
        let mut marks = Vec::new();
        let mut is_whole = true;
        for places in group {
            let object = objects.pop_front().expect("the group is of these objects");
            let is_finished = |place: &usize| finished.binary_search(place).is_ok();
            let sent: Vec<_> = places.clone().filter(is_finished).map(|place| place - places.start).collect();
            is_whole = sent.len() == places.len();
            // An object of which nothing was sent is begun again. What was sent of the objects after it is sent again: objects
            // are finished in order.
            if is_whole || !sent.is_empty() {
                marks.extend(self.pass(object, &sent, is_whole));
            }
            if !is_whole {
                break;
            }
        }
        if !marks.is_empty() {
            self.manifest.mark(self.lake, marks).await?;
        }
        fault.map_or(Ok(is_whole), Err)
    }

    /// Counts an object, and the records of it that were sent. Returns the mark that it needs.
    fn pass(&mut self, object: Object, sent: &[usize], is_whole: bool) -> Option<(Marking, Mark)> {
        let Object { key, mark, hash, start, is_done_before, sendable, mut left, seen } = object;
        self.manifest.pass(&key, !is_whole);
        let report = &mut self.manifest.report;
        report.objects_done_before += usize::from(is_done_before);
        if start == Start::First {
            report.objects += usize::from(seen.is_some());
            report.add(seen.unwrap_or_default());
        }
        for place in sent {
            report.sent(&sendable[*place].1);
        }
        if !is_whole {
            let is_left = |place: &usize| sent.binary_search(place).is_err();
            left.extend((0..sendable.len()).filter(is_left).map(|place| sendable[place].0));
            left.sort_unstable();
        }
        (!sent.is_empty() && !self.request.dry_run).then_some((Marking { key, left, hash: Some(hash) }, mark))
    }

    /// Decides what to do with an object's records. Nothing is counted yet.
    fn open(&self, read: Read, start: Start) -> Object {
        let Read { key, mark, hash, content } = read;
        let is_done_before = matches!(content, Content::DoneBefore);
        let (sendable, left, seen) = (Vec::new(), Vec::new(), None);
        let mut object = Object { key, mark, hash, start, is_done_before, sendable, left, seen };
        if let Content::Records(records) = content {
            let Sorted { sendable, left, seen } = sort(&self.selection, records, &object.key);
            (object.sendable, object.left, object.seen) = (sendable, left, Some(seen));
        }
        object
    }

    /// Sends the messages of a dead-letter queue, and deletes those that were sent. The others are visible again at the
    /// end. Returns whether the run may continue.
    async fn queue<Q: Queues>(&mut self, queues: &Q, queue: &str) -> Result<bool, Fault> {
        if self.request.dry_run {
            // Receiving messages would hide them from others for some minutes, so they are counted unread.
            let waiting = queues.waiting(queue).await?;
            if waiting > 0 {
                self.manifest.report.queued.insert(queue.to_owned(), waiting);
            }
            return Ok(true);
        }
        let mut seen = BTreeSet::new();
        let mut unsent = Vec::new();
        let mut first_fault = None;
        loop {
            let messages = queues.receive(queue).await?;
            // A message that is received again has stayed.
            let messages: Vec<_> =
                messages.into_iter().filter(|message| seen.insert(message.id.clone())).collect();
            if messages.is_empty() {
                break;
            }
            self.manifest.report.queues.insert(queue.to_owned());
            let record = |message: &Waiting| {
                Ok(FailedRecord {
                    payload: Payload::ContactEvent(message.body.clone().into_bytes()),
                    reason: message.reason.clone(),
                    arrival: message.sent,
                })
            };
            let records = messages.iter().map(record).enumerate();
            let records = records.map(|(place, record)| Found { place, was_sent: false, record });
            let Sorted { sendable, left: _, seen } = sort(&self.selection, records, queue);
            self.manifest.report.add(seen);
            let to_send: Vec<_> = sendable.iter().map(|(_, record)| record).collect();
            let Sent { finished, fault } = self.sender.send(&to_send, self.control.stop).await;
            let mut is_finished = vec![false; messages.len()];
            for place in &finished {
                let (index, record) = &sendable[*place];
                queues.delete(queue, &messages[*index].receipt).await?;
                self.manifest.report.sent(record);
                is_finished[*index] = true;
            }
            let left = messages.iter().zip(&is_finished).filter(|(_, is_finished)| !**is_finished);
            unsent.extend(left.map(|(message, _)| message.receipt.clone()));
            (self.control.progress)(&self.manifest.report);
            // If a fault is of some messages only, the others are sent.
            let is_of_all = fault.is_some() && finished.is_empty();
            first_fault = first_fault.or(fault);
            if is_of_all || (self.control.stop)() {
                break;
            }
        }
        for receipt in &unsent {
            queues.show(queue, receipt).await?;
        }
        first_fault.map_or_else(|| Ok(!(self.control.stop)()), Err)
    }
}

/// An object that is read and not counted yet.
struct Object {
    key: String,
    mark: Mark,
    hash: u64,
    start: Start,
    is_done_before: bool,
    /// The records to send, with their places in the object.
    sendable: Vec<(usize, FailedRecord)>,
    /// The places of those that stay.
    left: Vec<usize>,
    /// The counts of those that are not sent; `None` if nothing of it was read.
    seen: Option<Report>,
}

/// Records by whether they can be sent, with their places.
#[derive(Default)]
struct Sorted {
    sendable: Vec<(usize, FailedRecord)>,
    left: Vec<usize>,
    /// The counts of those that cannot be sent.
    seen: Report,
}

fn sort(selection: &Selection, records: impl IntoIterator<Item = Found>, key: &str) -> Sorted {
    let mut sorted = Sorted::default();
    for Found { place, was_sent, record } in records {
        match record {
            Ok(record) if !selection.is_wanted(&record) => sorted.seen.not_wanted += 1,
            Ok(record) => match check(&record.payload) {
                Verdict::Passes => {
                    sorted.sendable.push((place, record));
                    continue;
                }
                Verdict::FailsAgain(reject) => sorted.seen.stays(&record, reject.to_string()),
            },
            Err(unreadable) => sorted.seen.unreadable(unreadable),
        }
        if !was_sent {
            sorted.left.push(place);
        }
    }
    if !sorted.left.is_empty() {
        sorted.seen.left_in(key);
    }
    sorted
}

#[cfg(test)]
mod tests;
