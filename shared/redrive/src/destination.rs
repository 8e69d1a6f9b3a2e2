//! Sends records in batches as large as the destination accepts, until each record is accepted.

use std::time::Duration;

use lambda_io::limits::firehose::PUT_RECORDS;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::sleep;

use crate::pace::Pace;
use crate::ports::{Destination, Fault};
use lake_files::failures::{FailedRecord, Payload};

/// Firehose has the lower limit, [`lambda_io::limits::firehose::PUT_BYTES`]. Base64 turns three bytes into four.
const PUT_BYTES: usize = 2_900_000;
/// As large as a batch of the event source mapping.
const EVENTS_PER_INVOCATION: usize = 1000;
/// Below [`lambda_io::limits::lambda::PAYLOAD_BYTES`], with room for the envelope.
const EVENT_BYTES: usize = 5_500_000;
/// Bytes that a message's envelope adds to its body.
const MESSAGE_BYTES: usize = 300;
/// The number of attempts in a row that may fail before sending stops with an error.
const ATTEMPTS: u32 = 8;

pub(crate) struct Sender<'d, D> {
    destination: &'d D,
    pace: Pace,
}

impl<'d, D: Destination> Sender<'d, D> {
    pub(crate) const fn new(destination: &'d D, rate: u32) -> Self {
        Self { destination, pace: Pace::new(rate) }
    }

    /// Sends records in order until all are sent or `stop` returns true. Returns the number sent.
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
                        Payload::AgentEvent(_) | Payload::ContactEvent(_) => None,
                    };
                    let records = self.first(rest, PUT_RECORDS, PUT_BYTES, contact_record);
                    self.pace.wait_for(records.len()).await;
                    self.put(records).await?;
                    records.len()
                }
                Payload::AgentEvent(_) => {
                    let agent_event = |record: &&FailedRecord| match &record.payload {
                        Payload::AgentEvent(record) => Some(record.get().len() + 1),
                        Payload::ContactRecord(_) | Payload::ContactEvent(_) => None,
                    };
                    let records = self.first(rest, EVENTS_PER_INVOCATION, EVENT_BYTES, agent_event);
                    self.pace.wait_for(records.len()).await;
                    self.invoke(records).await?;
                    records.len()
                }
                Payload::ContactEvent(_) => {
                    // A body is escaped in the event.
                    let contact_event = |record: &&FailedRecord| match &record.payload {
                        Payload::ContactEvent(data) => Some(2 * data.len() + MESSAGE_BYTES),
                        Payload::ContactRecord(_) | Payload::AgentEvent(_) => None,
                    };
                    let records = self.first(rest, EVENTS_PER_INVOCATION, EVENT_BYTES, contact_event);
                    self.pace.wait_for(records.len()).await;
                    self.invoke_with_messages(records).await?;
                    records.len()
                }
            };
        }
        Ok(sent)
    }

    /// The first records of one kind that fit in a request; at least one.
    fn first<'r, 'f>(
        &self,
        records: &'r [&'f FailedRecord],
        most: usize,
        most_bytes: usize,
        bytes_of: impl Fn(&&FailedRecord) -> Option<usize>,
    ) -> &'r [&'f FailedRecord] {
        &records[..fitting(records.iter().map_while(bytes_of), self.pace.at_once(most), most_bytes)]
    }

    async fn put<'f>(&self, records: &[&'f FailedRecord]) -> Result<(), Fault> {
        let data = |record: &&'f FailedRecord| match &record.payload {
            Payload::ContactRecord(data) => data.as_slice(),
            Payload::AgentEvent(_) | Payload::ContactEvent(_) => {
                unreachable!("events are sent to their functions")
            }
        };
        let put = async |records: &[&[u8]]| self.destination.put_contact_records(records).await;
        put_until_accepted(records.iter().map(data).collect(), &put).await
    }

    async fn invoke<'f>(&self, records: &[&'f FailedRecord]) -> Result<(), Fault> {
        let record = |record: &&'f FailedRecord| match &record.payload {
            Payload::AgentEvent(record) => &**record,
            Payload::ContactRecord(_) | Payload::ContactEvent(_) => {
                unreachable!("only agent events are sent to this function")
            }
        };
        let mut waiting: Vec<&RawValue> = records.iter().map(record).collect();
        let mut attempt = 0;
        loop {
            let response = self.destination.send_agent_events(event(&waiting)).await?;
            let Some(first) = first_unfinished(&response, &waiting)? else { return Ok(()) };
            attempt = if first == 0 { attempt + 1 } else { 0 };
            waiting.drain(..first);
            if attempt == ATTEMPTS {
                return Err(not_finished("agent-event-upserter", waiting.len()));
            }
            back_off(attempt).await;
        }
    }
}

impl<D: Destination> Sender<'_, D> {
    /// Sends contact events as the messages of their queue, until each is finished.
    async fn invoke_with_messages(&self, records: &[&FailedRecord]) -> Result<(), Fault> {
        let message = |(index, record): (usize, &&FailedRecord)| match &record.payload {
            Payload::ContactEvent(data) => {
                let sent = record.arrival.map(|sent| sent.epoch_milliseconds().to_string());
                (index.to_string(), String::from_utf8_lossy(data).into_owned(), sent)
            }
            Payload::ContactRecord(_) | Payload::AgentEvent(_) => {
                unreachable!("only contact events are sent to this function")
            }
        };
        let mut waiting: Vec<_> = records.iter().enumerate().map(message).collect();
        let mut attempt = 0;
        while !waiting.is_empty() {
            let messages: Vec<_> = waiting
                .iter()
                .map(|(id, body, sent)| {
                    json!({
                        "messageId": id, "body": body, "eventSource": "aws:sqs",
                        "attributes": sent.as_ref().map_or(json!({}), |sent| json!({"SentTimestamp": sent})),
                    })
                })
                .collect();
            let event = json!({"Records": messages}).to_string().into_bytes();
            let response = self.destination.send_contact_events(event).await?;
            let unfinished = unfinished(&response, "contact-event-upserter")?;
            // An unknown identifier fails the whole batch.
            let is_known = |id: &String| waiting.iter().any(|(one, ..)| one == id);
            let before = waiting.len();
            if unfinished.iter().all(is_known) {
                waiting.retain(|(id, ..)| unfinished.contains(id));
            }
            if waiting.is_empty() {
                return Ok(());
            }
            attempt = if waiting.len() == before { attempt + 1 } else { 0 };
            if attempt == ATTEMPTS {
                return Err(not_finished("contact-event-upserter", waiting.len()));
            }
            back_off(attempt).await;
        }
        Ok(())
    }
}

fn not_finished(function: &str, records: usize) -> Fault {
    Fault::new(format!(
        "{function} did not finish {records} records in {ATTEMPTS} attempts; its log says why (a throttled or missing table, missing permissions). Fix that, then rerun the same command to resume"
    ))
}

/// Puts records, in batches that fit in a put, until each is accepted. `put` returns, for each record, the code it was refused
/// with, if any.
///
/// # Errors
/// When a put fails, or the same records are refused repeatedly.
pub async fn put_all(
    records: &[&[u8]],
    put: impl AsyncFn(&[&[u8]]) -> Result<Vec<Option<String>>, Fault>,
) -> Result<(), Fault> {
    let mut rest = records;
    while !rest.is_empty() {
        let (batch, others) =
            rest.split_at(fitting(rest.iter().map(|data| data.len()), PUT_RECORDS, PUT_BYTES));
        put_until_accepted(batch.to_vec(), &put).await?;
        rest = others;
    }
    Ok(())
}

/// The number of these lengths, from the first on, that fit in a request; at least one.
fn fitting(lengths: impl Iterator<Item = usize>, most: usize, most_bytes: usize) -> usize {
    let mut bytes = 0;
    let fits = |length: &usize| {
        bytes += length;
        bytes <= most_bytes
    };
    lengths.take(most).take_while(fits).count().max(1)
}

/// Puts records, and puts those that are refused again after a delay.
async fn put_until_accepted(
    mut waiting: Vec<&[u8]>,
    put: &impl AsyncFn(&[&[u8]]) -> Result<Vec<Option<String>>, Fault>,
) -> Result<(), Fault> {
    let mut attempt = 0;
    loop {
        let refused = put(&waiting).await?;
        let refused = waiting.into_iter().zip(refused).filter_map(|(data, code)| Some((data, code?)));
        let (still_waiting, codes): (Vec<_>, Vec<_>) = refused.unzip();
        waiting = still_waiting;
        let Some(code) = codes.first() else { return Ok(()) };
        attempt += 1;
        if attempt == ATTEMPTS {
            return Err(Fault::new(format!(
                "the stream refused {} records {ATTEMPTS} times in a row ({code}); send fewer at once, add shards, or raise the quota, then rerun the same command",
                codes.len()
            )));
        }
        back_off(attempt).await;
    }
}

fn event(records: &[&RawValue]) -> Vec<u8> {
    let mut event = br#"{"Records":["#.to_vec();
    for (index, record) in records.iter().enumerate() {
        if index > 0 {
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

/// The identifiers that a function reports as not finished.
fn unfinished(response: &[u8], function: &str) -> Result<Vec<String>, Fault> {
    let response: Response = serde_json::from_slice(response).map_err(|error| Fault {
        sentence: format!(
            "{function} returned an unexpected response; check that the function name is that of {function}"
        ),
        source: Some(error.into()),
    })?;
    Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
}

/// The index of the first record that the function has not finished; `None` if it finished all.
/// Source: [Configuring partial batch response](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
/// (Lambda Developer Guide).
fn first_unfinished(response: &[u8], records: &[&RawValue]) -> Result<Option<usize>, Fault> {
    let unfinished = unfinished(response, "agent-event-upserter")?;
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use lambda_io::limits;

    use super::*;

    /// Puts records on a stream that refuses those starting with a digit in the first `refusals` puts. Returns the size of each put.
    async fn put(records: &[Vec<u8>], refusals: u32) -> (Result<(), Fault>, Vec<usize>) {
        let (puts, left) = (Mutex::new(Vec::new()), Mutex::new(refusals));
        let put = async |records: &[&[u8]]| {
            puts.lock().unwrap().push(records.len());
            let mut left = left.lock().unwrap();
            let is_full = *left > 0;
            *left = left.saturating_sub(1);
            let code = |data: &&[u8]| {
                (is_full && data[0].is_ascii_digit())
                    .then(|| "ProvisionedThroughputExceededException".to_owned())
            };
            Ok(records.iter().map(code).collect())
        };
        let records: Vec<_> = records.iter().map(Vec::as_slice).collect();
        let result = put_all(&records, put).await;
        (result, puts.into_inner().unwrap())
    }

    /// Source: [`PutRecords`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html),
    /// [`PutRecordBatch`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html):
    /// 500 records; with base64, 4 MiB are 3 MiB of records.
    #[tokio::test(start_paused = true)]
    async fn a_put_stays_within_the_limits_of_a_stream() {
        let (result, puts) = put(&vec![b"a".to_vec(); 1001], 0).await;
        assert!(result.is_ok());
        assert_eq!(puts, [500, 500, 1]);
        let (_, puts) = put(&vec![vec![b'a'; 1_000_000]; 5], 0).await;
        assert_eq!(puts, [2, 2, 1]);
        let (_, puts) = put(&[vec![b'a'; 9_000_000], vec![b'a']], 0).await;
        assert_eq!(puts, [1, 1], "a record that is too large is sent alone, for the stream to refuse");
        assert!(put(&[], 0).await.1.is_empty());
    }

    #[test]
    fn a_request_is_filled_up_to_its_limit() {
        let fits = |lengths: &[usize]| fitting(lengths.iter().copied(), 3, 10);
        assert_eq!(fits(&[4, 6, 1]), 2, "exactly the limit fits");
        assert_eq!(fits(&[4, 7]), 1);
        assert_eq!(fits(&[1, 1, 1, 1]), 3);
        assert_eq!(fits(&[11, 1]), 1, "a record that is too large is sent alone");
        // With base64, a put stays below the 4 MiB of `PutRecordBatch`, an event below Lambda's 6 MB.
        assert!(PUT_BYTES.div_ceil(3) * 4 <= limits::firehose::PUT_BYTES && EVENT_BYTES < 6_000_000);
        const {
            assert!(PUT_RECORDS <= limits::kinesis::PUT_RECORDS && PUT_BYTES <= limits::kinesis::PUT_BYTES);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_refused_records_are_put_again() {
        let records = [b"a".to_vec(), b"1".to_vec(), b"b".to_vec(), b"2".to_vec()];
        let (result, puts) = put(&records, 3).await;
        assert!(result.is_ok());
        assert_eq!(puts, [4, 2, 2, 2]);
        let (result, puts) = put(&records, ATTEMPTS).await;
        let said = result.unwrap_err().to_string();
        assert!(said.contains("refused 2 records") && said.contains("ProvisionedThroughput"), "{said}");
        assert_eq!(puts.len(), 8);
    }
}
