//! Sends records, as many at once as the other end takes, until each is taken.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use crate::formats::{FailedRecord, Payload};
use crate::pace::Pace;
use crate::ports::{Destination, Fault};

/// `PutRecordBatch` and `PutRecords` take so many.
const RECORDS_PER_PUT: usize = 500;
/// A put takes 4 MiB; base64 makes three bytes four.
const PUT_BYTES: usize = 2_900_000;
/// A batch as the event source mapping would make it.
const EVENTS_PER_INVOCATION: usize = 1000;
/// Lambda takes events of 6 MB.
const EVENT_BYTES: usize = 5_500_000;
/// So often in a row the other end may refuse before it is somebody's concern.
const ATTEMPTS: u32 = 8;

pub(crate) struct Sender<'d, D> {
    destination: &'d D,
    pace: Pace,
}

impl<'d, D: Destination> Sender<'d, D> {
    pub(crate) const fn new(destination: &'d D, rate: u32) -> Self {
        Self { destination, pace: Pace::new(rate) }
    }

    /// Sends records in their order until all are sent or `stop` says so. Answers how many it sent.
    pub(crate) async fn send(
        &mut self,
        records: &[&FailedRecord],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<usize, Fault> {
        let mut sent = 0;
        while sent < records.len() && !stop() {
            let rest = &records[sent..];
            sent += match rest[0].payload {
                Payload::ContactRecord(_) => {
                    let contact_record = |record: &&FailedRecord| match &record.payload {
                        Payload::ContactRecord(data) => Some(data.len()),
                        Payload::AgentEvent(_) => None,
                    };
                    let records = self.first(rest, RECORDS_PER_PUT, PUT_BYTES, contact_record);
                    self.pace.wait_for(records.len()).await;
                    self.put(records).await?;
                    records.len()
                }
                Payload::AgentEvent(_) => {
                    let agent_event = |record: &&FailedRecord| match &record.payload {
                        Payload::AgentEvent(record) => Some(record.get().len() + 1),
                        Payload::ContactRecord(_) => None,
                    };
                    let records = self.first(rest, EVENTS_PER_INVOCATION, EVENT_BYTES, agent_event);
                    self.pace.wait_for(records.len()).await;
                    self.give(records).await?;
                    records.len()
                }
            };
        }
        Ok(sent)
    }

    /// The first records of one kind that fit a request; at least one.
    fn first<'r, 'f>(
        &self,
        records: &'r [&'f FailedRecord],
        most: usize,
        most_bytes: usize,
        bytes_of: impl Fn(&&FailedRecord) -> Option<usize>,
    ) -> &'r [&'f FailedRecord] {
        let mut bytes = 0;
        let fits = |record: &&&FailedRecord| {
            bytes_of(record).is_some_and(|length| {
                bytes += length;
                bytes <= most_bytes
            })
        };
        let count = records.iter().take(self.pace.at_once(most)).take_while(fits).count();
        &records[..count.max(1)]
    }

    async fn put<'f>(&self, records: &[&'f FailedRecord]) -> Result<(), Fault> {
        let data = |record: &&'f FailedRecord| match &record.payload {
            Payload::ContactRecord(data) => data.as_slice(),
            Payload::AgentEvent(_) => unreachable!("agent events are given to their function"),
        };
        let mut waiting: Vec<&[u8]> = records.iter().map(data).collect();
        let mut attempt = 0;
        loop {
            let refused = self.destination.put_contact_records(&waiting).await?;
            let refused = waiting.into_iter().zip(refused).filter_map(|(data, code)| Some((data, code?)));
            let (still_waiting, codes): (Vec<_>, Vec<_>) = refused.unzip();
            waiting = still_waiting;
            let Some(code) = codes.first() else { return Ok(()) };
            attempt += 1;
            if attempt == ATTEMPTS {
                return Err(Fault::new(format!(
                    "the stream of contact records refused {} records {ATTEMPTS} times in a row ({code}); send fewer a second (rate), then run the same command again: it goes on where it was",
                    codes.len()
                )));
            }
            back_off(attempt).await;
        }
    }

    async fn give<'f>(&self, records: &[&'f FailedRecord]) -> Result<(), Fault> {
        let record = |record: &&'f FailedRecord| match &record.payload {
            Payload::AgentEvent(record) => &**record,
            Payload::ContactRecord(_) => unreachable!("contact records are put on their stream"),
        };
        let mut waiting: Vec<&RawValue> = records.iter().map(record).collect();
        let mut attempt = 0;
        loop {
            let response = self.destination.give_agent_events(event(&waiting)).await?;
            let Some(first) = first_unfinished(&response, &waiting)? else { return Ok(()) };
            attempt = if first == 0 { attempt + 1 } else { 0 };
            waiting.drain(..first);
            if attempt == ATTEMPTS {
                return Err(Fault::new(format!(
                    "agent-event-upserter did not finish {} records in {ATTEMPTS} attempts; its log says why (a throttled or missing table, no rights). Mend that, then run the same command again: it goes on where it was",
                    waiting.len()
                )));
            }
            back_off(attempt).await;
        }
    }
}

fn event(records: &[&RawValue]) -> Vec<u8> {
    let mut event = br#"{"Records":["#.to_vec();
    for (place, record) in records.iter().enumerate() {
        if place > 0 {
            event.push(b',');
        }
        event.extend_from_slice(record.get().as_bytes());
    }
    event.extend_from_slice(b"]}");
    event
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(default)]
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

#[derive(Deserialize)]
struct Numbered {
    kinesis: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Number {
    sequence_number: String,
}

/// The place of the first record that the function has not finished; `None` if it finished all.
/// Source: Lambda Developer Guide, "Configuring partial batch response".
fn first_unfinished(response: &[u8], records: &[&RawValue]) -> Result<Option<usize>, Fault> {
    let response: Response = serde_json::from_slice(response).map_err(|error| Fault {
        sentence: "agent-event-upserter gave no answer of the expected form; is the function's name that of agent-event-upserter?".to_owned(),
        source: Some(error.into()),
    })?;
    let unfinished: Vec<_> =
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    if unfinished.is_empty() {
        return Ok(None);
    }
    let is_unfinished = |record: &RawValue| {
        let numbered = serde_json::from_str::<Numbered>(record.get());
        numbered.is_ok_and(|numbered| unfinished.contains(&numbered.kinesis.sequence_number))
    };
    // An unknown identifier fails the whole batch.
    Ok(Some(records.iter().position(|record| is_unfinished(record)).unwrap_or(0)))
}

async fn back_off(attempt: u32) {
    const FIRST: Duration = Duration::from_millis(100);
    sleep(FIRST * 2_u32.pow(attempt.min(6))).await;
}
