//! The shards of a Kinesis stream, read side by side: a child after its parents, so that the records of a key stay in order.
//!
//! Source: Kinesis API Reference, `GetRecords`, `GetShardIterator`, `ListShards`; Developer Guide, "Quotas and limits": five
//! reads a second of a shard, shared by all who poll; an iterator is good for five minutes.

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

use super::arrived::{Arrived, Reader, Told};
use crate::stack::connection::Connection;

/// Of the five reads a second that all readers of a shard share, one.
const EVERY: Duration = Duration::from_secs(1);
/// Records of one read; of usual events 4 MB, of the 2 MB a second that all readers share.
const RECORDS: i32 = 1000;
/// After a refusal it waits so long, then twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(16);
/// So many requests in a row may have no answer.
const MOST_FAILURES: u32 = 5;

/// A client that does not retry by itself: its reads would count.
pub(super) fn client(connection: &Connection) -> Client {
    let config = aws_sdk_kinesis::config::Builder::from(&connection.streams());
    Client::from_conf(config.retry_config(RetryConfig::disabled()).build())
}

/// Reads the stream until nobody listens.
pub(super) async fn read(client: Client, stream: String, reader: Reader) -> anyhow::Result<()> {
    let (mut started, mut finished) = (HashSet::new(), HashSet::new());
    let mut shards = JoinSet::new();
    loop {
        for shard in ready(&list(&client, &stream).await?, &started, &finished) {
            started.insert(shard.clone());
            let place =
                Place { client: client.clone(), stream: stream.clone(), shard, reader: reader.clone() };
            reader.behind.fetch_add(1, Ordering::Relaxed);
            shards.spawn(place.read());
        }
        // That the shards were not known kept the count above zero.
        reader.behind.fetch_sub(1, Ordering::Relaxed);
        // Only where a shard has ended can there be new ones to read.
        match shards.join_next().await {
            Some(ended) => finished.insert(ended??),
            None => return Ok(()),
        };
        // Until it is known which.
        reader.behind.fetch_add(1, Ordering::Relaxed);
    }
}

/// Shards that can be begun: those whose parents are done, or are not there any more.
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
        // A token stands for the name, too.
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

/// A shard that is being read.
struct Place {
    client: Client,
    stream: String,
    shard: String,
    reader: Reader,
}

/// What to do about a refusal.
enum Then {
    NewIterator,
    Wait(&'static str),
    End,
    Fail,
}

impl Place {
    /// Reads the shard to its end, and answers with its id.
    async fn read(self) -> anyhow::Result<String> {
        let mut last = None;
        let mut iterator = self.iterator(last.as_deref()).await?;
        let (mut failures, mut wait) = (0, FIRST_WAIT);
        let mut is_behind = true;
        loop {
            let begin = Instant::now();
            match self.client.get_records().shard_iterator(&iterator).limit(RECORDS).send().await {
                Ok(output) => {
                    (failures, wait) = (0, FIRST_WAIT);
                    let Some(next) = self.hand_on(output, &mut last, &mut is_behind).await else {
                        return Ok(self.shard);
                    };
                    iterator = next;
                }
                Err(error) => match then(&error) {
                    Then::NewIterator => iterator = self.iterator(last.as_deref()).await?,
                    Then::End => {
                        self.set_behind(&mut is_behind, false);
                        return Ok(self.shard);
                    }
                    Then::Wait(why) if failures < MOST_FAILURES || why == THROTTLED => {
                        failures += 1;
                        let shard = &self.shard;
                        if failures == 1 {
                            let sentence = format!("{why} ({shard}); it is read slower until that is over.");
                            self.reader.tell(Told::Sentence(sentence)).await;
                        }
                        sleep(wait).await;
                        wait = (wait * 2).min(LONGEST_WAIT);
                    }
                    Then::Wait(_) | Then::Fail => {
                        return Err(refused(
                            "read",
                            "kinesis:GetRecords and kms:Decrypt",
                            &self.stream,
                            &error,
                        ));
                    }
                },
            }
            sleep_until(begin + EVERY).await;
        }
    }

    /// Where to read on: behind the last record, or where it begins.
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
        got.shard_iterator.with_context(|| format!("Kinesis gives no iterator for {}", self.shard))
    }

    /// Hands on what was read. Answers with the next iterator; `None` at the shard's end, or if nobody listens.
    async fn hand_on(
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
            if !self.reader.hand_on(arrived).await {
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

/// The SDK reads the time as a float, and every second millisecond comes out a little too early.
fn milliseconds(at: DateTime) -> Option<i64> {
    const NANOSECONDS: i128 = 1_000_000;
    i64::try_from((at.as_nanos() + NANOSECONDS / 2).div_euclid(NANOSECONDS)).ok()
}

const THROTTLED: &str = "Kinesis throttles: others read this shard, too";

fn then<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Then {
    match error.code() {
        Some("ExpiredIteratorException") => Then::NewIterator,
        Some(
            "ProvisionedThroughputExceededException" | "LimitExceededException" | "KMSThrottlingException",
        ) => Then::Wait(THROTTLED),
        // The shard is older than the stream keeps records.
        Some("ResourceNotFoundException") => Then::End,
        Some("InternalFailure" | "InternalFailureException" | "ServiceUnavailable") | None => {
            Then::Wait("Kinesis does not answer")
        }
        Some(_) => Then::Fail,
    }
}

fn refused<E>(what: &str, right: &str, stream: &str, error: &SdkError<E>) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match refusal(error) {
        Some(refusal) => anyhow!(
            "Kinesis does not let us {what} stream {stream} ({refusal}); check the stream, and your right to {right}"
        ),
        None => anyhow!(
            "Kinesis does not answer ({}); check the network, the region and your credentials",
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
            #[expect(clippy::cast_precision_loss, reason = "it is what the SDK does")]
            let at = DateTime::from_secs_f64(millisecond as f64 / 1000.0);
            assert_eq!(milliseconds(at), Some(millisecond));
        }
    }

    #[test]
    fn a_child_is_begun_when_all_of_its_parents_are_done_or_gone() {
        let shards = [shard("0", &["gone"]), shard("1", &[]), shard("2", &["0"]), shard("3", &["0", "1"])];
        let set = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>();
        assert_eq!(ready(&shards, &set(&[]), &set(&[])), ["0", "1"]);
        assert_eq!(ready(&shards, &set(&["0", "1"]), &set(&["0"])), ["2"]);
        assert_eq!(ready(&shards, &set(&["0", "1", "2"]), &set(&["0", "1"])), ["3"]);
    }
}
