//! Sends records in batches as large as the destination accepts, until each record is accepted.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_io::limits::firehose::PUT_RECORDS;
use serde::Deserialize;
use serde_json::json;
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

    /// Sends records in order until all are sent, `stop` returns true, or some cannot be sent.
    pub(crate) async fn send(&mut self, records: &[&FailedRecord], stop: &(dyn Fn() -> bool + Sync)) -> Sent {
        let mut sent = Sent::default();
        let mut begin = 0;
        while begin < records.len() && !stop() {
            let batch = self.first(&records[begin..]);
            self.pace.wait_for(batch.len()).await;
            let unsent = match batch[0].payload {
                Payload::ContactRecord(_) => self.put(batch).await,
                Payload::AgentEvent(_) => self.invoke_with_records(batch).await,
                Payload::ContactEvent(_) => self.invoke_with_messages(batch).await,
            };
            let all = 0..batch.len();
            match unsent {
                Ok(()) => sent.finished.extend(all.map(|index| begin + index)),
                Err(Unsent { left, fault }) => {
                    let finished = all.filter(|index| !left.contains(index));
                    sent.finished.extend(finished.map(|index| begin + index));
                    sent.fault = Some(fault);
                    return sent;
                }
            }
            begin += batch.len();
        }
        sent
    }

    /// Whether one request holds all these records.
    pub(crate) fn fit_at_once(&self, records: &[&FailedRecord]) -> bool {
        records.is_empty() || self.first(records).len() == records.len()
    }

    /// The first records of one kind that fit in a request; at least one.
    fn first<'r, 'f>(&self, records: &'r [&'f FailedRecord]) -> &'r [&'f FailedRecord] {
        let (most, most_bytes) = match records[0].payload {
            Payload::ContactRecord(_) => (PUT_RECORDS, PUT_BYTES),
            Payload::AgentEvent(_) | Payload::ContactEvent(_) => (EVENTS_PER_INVOCATION, EVENT_BYTES),
        };
        let bytes = |record: &&FailedRecord| match (&record.payload, &records[0].payload) {
            (Payload::ContactRecord(data), Payload::ContactRecord(_)) => Some(data.len()),
            (Payload::AgentEvent(record), Payload::AgentEvent(_)) => Some(record.get().len() + 1),
            // A body is escaped in the event.
            (Payload::ContactEvent(data), Payload::ContactEvent(_)) => Some(2 * data.len() + MESSAGE_BYTES),
            _ => None,
        };
        &records[..fitting(records.iter().map_while(bytes), self.pace.at_once(most), most_bytes)]
    }

    async fn put(&self, records: &[&FailedRecord]) -> Result<(), Unsent> {
        let data = records.iter().filter_map(|record| match &record.payload {
            Payload::ContactRecord(data) => Some(data.as_slice()),
            Payload::AgentEvent(_) | Payload::ContactEvent(_) => None,
        });
        let put = async |records: &[&[u8]]| self.destination.put_contact_records(records).await;
        let all = (0..records.len()).collect();
        put_until_accepted(data.collect(), &put).await.map_err(|fault| Unsent { left: all, fault })
    }

    /// Sends agent events as records of their stream. A function finishes those before the first that it reports.
    /// Source: [Configuring partial batch response](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
    /// (Lambda Developer Guide).
    async fn invoke_with_records(&self, records: &[&FailedRecord]) -> Result<(), Unsent> {
        let record = |record: &&FailedRecord| match &record.payload {
            Payload::AgentEvent(record) => {
                let numbered = serde_json::from_str::<Numbered>(record.get());
                let id = numbered.map(|numbered| numbered.kinesis.sequence_number).unwrap_or_default();
                Some(Item { id, json: record.get().to_owned() })
            }
            Payload::ContactRecord(_) | Payload::ContactEvent(_) => None,
        };
        let items: Vec<_> = records.iter().filter_map(record).collect();
        let send = async |event| self.destination.send_agent_events(event).await;
        until_finished("agent-event-upserter", &items, Order::Kept, &send).await
    }

    /// Sends contact events as messages of their queue. A function finishes all but those that it reports.
    /// Source: [Handling errors for an SQS event source in Lambda](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html)
    /// (Lambda Developer Guide).
    async fn invoke_with_messages(&self, records: &[&FailedRecord]) -> Result<(), Unsent> {
        let message = |(index, record): (usize, &&FailedRecord)| match &record.payload {
            Payload::ContactEvent(data) => {
                let sent = record.arrival.map(|sent| sent.epoch_milliseconds().to_string());
                let message = json!({
                    "messageId": index.to_string(), "body": String::from_utf8_lossy(data),
                    "eventSource": "aws:sqs",
                    "attributes": sent.map_or(json!({}), |sent| json!({"SentTimestamp": sent})),
                });
                Some(Item { id: index.to_string(), json: message.to_string() })
            }
            Payload::ContactRecord(_) | Payload::AgentEvent(_) => None,
        };
        let items: Vec<_> = records.iter().enumerate().filter_map(message).collect();
        let send = async |event| self.destination.send_contact_events(event).await;
        until_finished("contact-event-upserter", &items, Order::Free, &send).await
    }
}

/// The outcome of sending records.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The indexes of those that were sent, in order.
    pub(crate) finished: Vec<usize>,
    /// Why others could not be sent.
    pub(crate) fault: Option<Fault>,
}

/// Records of a batch that could not be sent, by index.
struct Unsent {
    left: BTreeSet<usize>,
    fault: Fault,
}

/// A record or message of an invocation.
struct Item {
    id: String,
    json: String,
}

/// Which records of a batch are not finished if a function reports some.
#[derive(Clone, Copy)]
enum Order {
    /// All from the first reported one on.
    Kept,
    /// Those that are reported.
    Free,
}

/// Invokes a function until it has finished every item.
async fn until_finished(
    function: &str,
    items: &[Item],
    order: Order,
    send: &impl AsyncFn(Vec<u8>) -> Result<Vec<u8>, Fault>,
) -> Result<(), Unsent> {
    let mut waiting: Vec<usize> = (0..items.len()).collect();
    let mut attempt = 0;
    loop {
        let event = event(waiting.iter().map(|index| items[*index].json.as_str()));
        let reported = send(event).await.and_then(|response| reported(&response, function));
        let reported = match reported {
            Ok(reported) => reported,
            Err(fault) => return Err(Unsent { left: waiting.into_iter().collect(), fault }),
        };
        if reported.is_empty() {
            return Ok(());
        }
        let before = waiting.len();
        let is_reported = |index: &usize| reported.contains(&items[*index].id);
        // An unknown identifier fails the whole batch.
        if reported.iter().all(|id| waiting.iter().any(|index| items[*index].id == *id)) {
            match order {
                Order::Kept => {
                    let first = waiting.iter().position(is_reported).unwrap_or_default();
                    waiting.drain(..first);
                }
                Order::Free => waiting.retain(is_reported),
            }
        }
        attempt = if waiting.len() == before { attempt + 1 } else { 0 };
        if attempt == ATTEMPTS {
            let fault = not_finished(function, waiting.len());
            return Err(Unsent { left: waiting.into_iter().collect(), fault });
        }
        back_off(attempt).await;
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

fn event<'r>(records: impl Iterator<Item = &'r str>) -> Vec<u8> {
    let mut event = br#"{"Records":["#.to_vec();
    for (index, record) in records.enumerate() {
        if index > 0 {
            event.push(b',');
        }
        event.extend_from_slice(record.as_bytes());
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
fn reported(response: &[u8], function: &str) -> Result<Vec<String>, Fault> {
    let response: Response = serde_json::from_slice(response).map_err(|error| Fault {
        sentence: format!(
            "{function} returned an unexpected response; check that the function name is that of {function}"
        ),
        source: Some(error.into()),
    })?;
    Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
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
