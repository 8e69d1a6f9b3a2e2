//! Reads the shards of a Kinesis stream in parallel, a child after its parents, so that records with the same key stay in
//! order.
//!
//! Source: [`GetRecords`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html),
//! [`GetShardIterator`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html),
//! [`ListShards`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html);
//! [Quotas and limits](https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html) (Kinesis Data Streams
//! Developer Guide): five reads per second per shard, shared by all polling consumers; an iterator is valid for five minutes.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_errors::{causes, refusal};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{Shard, ShardIteratorType};
use connect_streams::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::arrived::{Arrived, Event, Reader};
use crate::stack::connection::Connection;

/// One of the five reads per second that all consumers of a shard share.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// Records per read. Usual agent events make this 4 MB, out of the 2 MB per second that all consumers share.
const RECORDS: i32 = 1000;
/// Exponential backoff after errors.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const MAX_WAIT: Duration = Duration::from_secs(16);
/// Maximum number of consecutive requests without a response.
const MAX_FAILURES: u32 = 5;

/// A client without automatic retries, which would count as reads.
pub(super) fn client(connection: &Connection) -> Client {
    let config = aws_sdk_kinesis::config::Builder::from(&connection.streams());
    Client::from_conf(config.retry_config(RetryConfig::disabled()).build())
}

/// Reads the stream until the receiver is gone.
pub(super) async fn read(client: Client, stream: String, reader: Reader) -> anyhow::Result<()> {
    let (mut started, mut finished) = (HashSet::new(), HashSet::new());
    let mut shards = JoinSet::new();
    loop {
        for shard in ready(&list(&client, &stream).await?, &started, &finished) {
            started.insert(shard.clone());
            let shard_reader =
                ShardReader { client: client.clone(), stream: stream.clone(), shard, reader: reader.clone() };
            reader.behind.fetch_add(1, Ordering::Relaxed);
            shards.spawn(shard_reader.read());
        }
        // Undo the increment that kept the count above zero while the shards were unknown.
        reader.behind.fetch_sub(1, Ordering::Relaxed);
        // New shards become readable only when a shard ends.
        match shards.join_next().await {
            Some(ended) => finished.insert(ended??),
            None => return Ok(()),
        };
        // Until the new shards are known.
        reader.behind.fetch_add(1, Ordering::Relaxed);
    }
}

/// Shards that can be started: those whose parents are finished or no longer exist.
fn ready(shards: &[Shard], started: &HashSet<String>, finished: &HashSet<String>) -> Vec<String> {
    let is_there = |id: &str| shards.iter().any(|shard| shard.shard_id() == id);
    let is_done = |parent: Option<&str>| parent.is_none_or(|id| finished.contains(id) || !is_there(id));
    let is_ready = |shard: &&Shard| {
        !started.contains(shard.shard_id())
            && is_done(shard.parent_shard_id())
            && is_done(shard.adjacent_parent_shard_id())
    };
    shards.iter().filter(is_ready).map(|shard| shard.shard_id().to_owned()).collect()
}

async fn list(client: &Client, stream: &str) -> anyhow::Result<Vec<Shard>> {
    let (mut shards, mut token) = (Vec::new(), None);
    loop {
        // The token also identifies the stream.
        let name = token.is_none().then(|| stream.to_owned());
        let listed = client.list_shards().set_stream_name(name).set_next_token(token).send().await;
        let listed =
            listed.map_err(|error| refused("list the shards of", "kinesis:ListShards", stream, &error))?;
        shards.extend(listed.shards.unwrap_or_default());
        token = listed.next_token;
        if token.is_none() {
            return Ok(shards);
        }
    }
}

/// Reads one shard.
struct ShardReader {
    client: Client,
    stream: String,
    shard: String,
    reader: Reader,
}

/// What to do after an error.
enum Action {
    NewIterator,
    Wait(&'static str),
    End,
    Fail,
}

impl ShardReader {
    /// Reads the shard to its end, and returns its ID.
    async fn read(self) -> anyhow::Result<String> {
        let mut last = None;
        let mut iterator = self.iterator(last.as_deref()).await?;
        let (mut failures, mut wait) = (0, FIRST_WAIT);
        let mut is_behind = true;
        loop {
            let start = Instant::now();
            match self.client.get_records().shard_iterator(&iterator).limit(RECORDS).send().await {
                Ok(output) => {
                    (failures, wait) = (0, FIRST_WAIT);
                    let Some(next) = self.send_all(output, &mut last, &mut is_behind).await else {
                        return Ok(self.shard);
                    };
                    iterator = next;
                }
                Err(error) => match action(&error) {
                    Action::NewIterator => iterator = self.iterator(last.as_deref()).await?,
                    Action::End => {
                        self.set_behind(&mut is_behind, false);
                        return Ok(self.shard);
                    }
                    Action::Wait(why) if failures < MAX_FAILURES || why == THROTTLED => {
                        failures += 1;
                        let shard = &self.shard;
                        if failures == 1 {
                            let message = format!("{why} ({shard}); reading more slowly until this ends.");
                            self.reader.send(Event::Message(message)).await;
                        }
                        sleep(wait).await;
                        wait = (wait * 2).min(MAX_WAIT);
                    }
                    Action::Wait(_) | Action::Fail => {
                        return Err(refused(
                            "read",
                            "kinesis:GetRecords and kms:Decrypt",
                            &self.stream,
                            &error,
                        ));
                    }
                },
            }
            sleep_until(start + READ_INTERVAL).await;
        }
    }

    /// An iterator after the last record, or at the start time.
    async fn iterator(&self, last: Option<&str>) -> anyhow::Result<String> {
        let get = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(&self.shard);
        let get = match last {
            Some(last) => {
                get.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(last)
            }
            None => get
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(self.reader.since.epoch_milliseconds())),
        };
        let got = get.send().await;
        let got = got.map_err(|error| refused("read", "kinesis:GetShardIterator", &self.stream, &error))?;
        got.shard_iterator.with_context(|| format!("Kinesis returned no iterator for {}", self.shard))
    }

    /// Sends the records that were read, and returns the next iterator; `None` at the end of the shard, or if the receiver is
    /// gone.
    async fn send_all(
        &self,
        output: GetRecordsOutput,
        last: &mut Option<String>,
        is_behind: &mut bool,
    ) -> Option<String> {
        for record in output.records {
            let at = record.approximate_arrival_timestamp.and_then(milliseconds);
            *last = Some(record.sequence_number.clone());
            let arrived = Arrived {
                at: at.and_then(Timestamp::from_epoch_milliseconds),
                from: self.shard.as_str().into(),
                sequence_number: Some(record.sequence_number),
                part: None,
                data: record.data.into_inner(),
            };
            if !self.reader.send_record(arrived).await {
                return None;
            }
        }
        let next = output.next_shard_iterator;
        self.set_behind(
            is_behind,
            next.is_some() && output.millis_behind_latest.is_some_and(|behind| behind > 0),
        );
        next
    }

    fn set_behind(&self, was: &mut bool, is: bool) {
        match (*was, is) {
            (true, false) => drop(self.reader.behind.fetch_sub(1, Ordering::Relaxed)),
            (false, true) => drop(self.reader.behind.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        *was = is;
    }
}

/// Rounds to milliseconds. The SDK parses the time as a float, which makes every second millisecond slightly too early.
fn milliseconds(at: DateTime) -> Option<i64> {
    const NANOSECONDS: i128 = 1_000_000;
    i64::try_from((at.as_nanos() + NANOSECONDS / 2).div_euclid(NANOSECONDS)).ok()
}

const THROTTLED: &str = "Kinesis throttles reads, because other consumers read this shard";

fn action<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Action {
    match error.code() {
        Some("ExpiredIteratorException") => Action::NewIterator,
        Some(
            "ProvisionedThroughputExceededException" | "LimitExceededException" | "KMSThrottlingException",
        ) => Action::Wait(THROTTLED),
        // The shard is older than the stream's retention period.
        Some("ResourceNotFoundException") => Action::End,
        Some("InternalFailure" | "InternalFailureException" | "ServiceUnavailable") | None => {
            Action::Wait("Kinesis does not respond")
        }
        Some(_) => Action::Fail,
    }
}

fn refused<E>(what: &str, permission: &str, stream: &str, error: &SdkError<E>) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match refusal(error) {
        Some(refusal) => anyhow!(
            "cannot {what} stream {stream} ({refusal}); check that the stream exists and that you have {permission}"
        ),
        None => anyhow!(
            "Kinesis does not respond ({}); check the network, the Region, and your credentials",
            causes(error)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        let shard = Shard::builder().shard_id(id);
        let shard = shard.set_parent_shard_id(parents.first().map(|id| (*id).to_owned()));
        let shard = shard.set_adjacent_parent_shard_id(parents.get(1).map(|id| (*id).to_owned()));
        let range = aws_sdk_kinesis::types::HashKeyRange::builder();
        let range = range.starting_hash_key("0").ending_hash_key("1").build().unwrap();
        let numbers = aws_sdk_kinesis::types::SequenceNumberRange::builder();
        let numbers = numbers.starting_sequence_number("0").build().unwrap();
        shard.hash_key_range(range).sequence_number_range(numbers).build().unwrap()
    }

    #[test]
    fn every_millisecond_survives_the_sdks_float() {
        for millisecond in 1_772_438_400_000_i64..1_772_438_401_000 {
            #[expect(clippy::cast_precision_loss, reason = "as the SDK does")]
            let at = DateTime::from_secs_f64(millisecond as f64 / 1000.0);
            assert_eq!(milliseconds(at), Some(millisecond));
        }
    }

    #[test]
    fn a_child_shard_starts_when_all_of_its_parents_are_finished_or_gone() {
        let shards = [shard("0", &["gone"]), shard("1", &[]), shard("2", &["0"]), shard("3", &["0", "1"])];
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>();
        assert_eq!(ready(&shards, &set(&[]), &set(&[])), ["0", "1"]);
        assert_eq!(ready(&shards, &set(&["0", "1"]), &set(&["0"])), ["2"]);
        assert_eq!(ready(&shards, &set(&["0", "1", "2"]), &set(&["0", "1"])), ["3"]);
    }
}
