//! Decides which records are sent next and which are discarded. Pure: time and results are arguments.
//!
//! Source: [Using Lambda to process records from Amazon Kinesis Data Streams](https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html),
//! [Configuring partial batch response](https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html),
//! [Retain discarded batch records](https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html),
//! [`CreateEventSourceMapping`](https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).

use std::collections::VecDeque;

use crate::kinesis::Record;

/// The rules for failed batches.
#[derive(Debug, Clone, Default)]
pub struct RetryRules {
    /// Maximum number of retries of a batch; `None` for no limit.
    pub maximum_retry_attempts: Option<u32>,
    /// Maximum age of a record in milliseconds, after which it is discarded; `None` for no limit.
    pub maximum_record_age: Option<i64>,
    /// Whether a failed batch is split in two. A split does not count as a retry.
    pub bisect_on_error: bool,
}

/// Batches that are processed in order.
#[derive(Debug, Default)]
pub struct Lane {
    batches: VecDeque<Batch>,
}

#[derive(Debug)]
struct Batch {
    records: Vec<Record>,
    /// Failures that count as retries.
    failures: u32,
    invocations: u32,
}

/// The next action of a lane.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Invoke the function with the records of [`Lane::batch`].
    Invoke {
        /// How often they have failed in a row.
        failures: u32,
    },
    /// Discard the first records of [`Lane::batch`].
    Discard {
        /// The number of records.
        records: usize,
        /// The reason, as the service names it.
        condition: &'static str,
        /// How often they were sent.
        invocations: u32,
    },
    /// Nothing: the lane is empty.
    Idle,
}

/// The result of an invocation for its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// This number of records from the start are done. The others are sent again.
    Done(usize),
    /// The whole batch failed.
    Failed,
}

impl Lane {
    /// Appends a batch.
    pub fn push(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            self.batches.push_back(Batch { records, failures: 0, invocations: 0 });
        }
    }

    /// The records of the first batch.
    #[must_use]
    pub fn batch(&self) -> &[Record] {
        self.batches.front().map_or(&[], |batch| &batch.records)
    }

    /// Decides the next action, given the time in milliseconds since 1970.
    #[must_use]
    pub fn next(&self, rules: &RetryRules, now: i64) -> Next {
        let Some(batch) = self.batches.front() else { return Next::Idle };
        let is_expired = |record: &&Record| {
            rules.maximum_record_age.is_some_and(|age| now - record.arrival_milliseconds > age)
        };
        let expired = batch.records.iter().take_while(is_expired).count();
        if expired > 0 {
            return Next::Discard {
                records: expired,
                condition: "RecordAgeExceeded",
                invocations: batch.invocations,
            };
        }
        if rules.maximum_retry_attempts.is_some_and(|attempts| batch.failures > attempts) {
            return Next::Discard {
                records: batch.records.len(),
                condition: "RetryAttemptsExhausted",
                invocations: batch.invocations,
            };
        }
        Next::Invoke { failures: batch.failures }
    }

    /// Records the result of an invocation with the first batch.
    pub fn answered(&mut self, progress: Progress, rules: &RetryRules) {
        let Some(batch) = self.batches.front_mut() else { return };
        batch.invocations += 1;
        match progress {
            Progress::Done(done) if done >= batch.records.len() => drop(self.batches.pop_front()),
            // The rest counts as a new batch. Whether the service keeps counting is not documented.
            Progress::Done(done) if done > 0 => {
                batch.records.drain(..done);
                batch.failures = 0;
                batch.invocations = 0;
            }
            Progress::Failed if rules.bisect_on_error && batch.records.len() > 1 => {
                let second = batch.records.split_off(batch.records.len().div_ceil(2));
                let (failures, invocations) = (batch.failures, batch.invocations);
                self.batches.insert(1, Batch { records: second, failures, invocations });
            }
            Progress::Done(_) | Progress::Failed => batch.failures += 1,
        }
    }

    /// Removes the first `records` records of the first batch.
    pub fn discard(&mut self, records: usize) {
        let Some(batch) = self.batches.front_mut() else { return };
        batch.records.drain(..records.min(batch.records.len()));
        if batch.records.is_empty() {
            self.batches.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn records(numbers: std::ops::RangeInclusive<i64>) -> Vec<Record> {
        let record = |number: i64| Record {
            sequence_number: number.to_string(),
            partition_key: "p".to_owned(),
            data: Bytes::new(),
            arrival_milliseconds: number * 1000,
        };
        numbers.map(record).collect()
    }

    /// Plays a function that fails whenever record `poison` is in the batch. Returns the batches that were sent, and those
    /// that were discarded, with the number of invocations.
    fn play(poison: i64, rules: &RetryRules, answer: fn(usize) -> Progress) -> (Vec<String>, Vec<String>) {
        let mut lane = Lane::default();
        lane.push(records(1..=4));
        let (mut sent, mut discarded) = (Vec::new(), Vec::new());
        let names = |batch: &[Record]| {
            batch.iter().map(|record| record.sequence_number.as_str()).collect::<Vec<_>>().join(" ")
        };
        for _ in 0..50 {
            match lane.next(rules, 0) {
                Next::Idle => return (sent, discarded),
                Next::Invoke { .. } => {
                    let batch = lane.batch();
                    sent.push(names(batch));
                    let bad = batch.iter().position(|record| record.sequence_number == poison.to_string());
                    let progress = bad.map_or(Progress::Done(batch.len()), answer);
                    lane.answered(progress, rules);
                }
                Next::Discard { records, condition, invocations } => {
                    discarded.push(format!("{} {condition} {invocations}", names(&lane.batch()[..records])));
                    lane.discard(records);
                }
            }
        }
        panic!("the lane never became idle: {sent:?}");
    }

    /// "Retain discarded batch records": a batch is retried up to `MaximumRetryAttempts` times, then discarded.
    #[test]
    fn a_failing_batch_is_retried_and_then_discarded_whole() {
        let rules = RetryRules { maximum_retry_attempts: Some(2), ..RetryRules::default() };
        let (sent, discarded) = play(3, &rules, |_| Progress::Failed);
        assert_eq!(sent, ["1 2 3 4", "1 2 3 4", "1 2 3 4"]);
        assert_eq!(discarded, ["1 2 3 4 RetryAttemptsExhausted 3"]);
    }

    /// `CreateEventSourceMapping`, `BisectBatchOnFunctionError`: "If the function returns an error, split the batch in
    /// two and retry." Splitting does not count towards the retry quota.
    #[test]
    fn a_failing_batch_is_split_in_two_until_the_bad_record_is_alone() {
        let rules =
            RetryRules { maximum_retry_attempts: Some(1), bisect_on_error: true, ..RetryRules::default() };
        let (sent, discarded) = play(3, &rules, |_| Progress::Failed);
        assert_eq!(sent, ["1 2 3 4", "1 2", "3 4", "3", "3", "4"]);
        assert_eq!(discarded, ["3 RetryAttemptsExhausted 4"]);
    }

    /// "Configuring partial batch response": the records before the checkpoint are done. Only the rest is sent again, even
    /// with bisecting.
    #[test]
    fn after_a_partial_response_only_the_rest_is_sent_again() {
        for bisect_on_error in [false, true] {
            let rules =
                RetryRules { maximum_retry_attempts: Some(1), bisect_on_error, ..RetryRules::default() };
            let (sent, discarded) = play(3, &rules, Progress::Done);
            assert_eq!(sent, ["1 2 3 4", "3 4", "3 4"]);
            assert_eq!(discarded, ["3 4 RetryAttemptsExhausted 2"]);
        }
    }

    /// `CreateEventSourceMapping`, `MaximumRetryAttempts`: -1 retries until the record expires.
    #[test]
    fn without_a_limit_a_batch_is_retried_forever() {
        let mut lane = Lane::default();
        lane.push(records(1..=2));
        for failures in 0..1000 {
            assert_eq!(lane.next(&RetryRules::default(), i64::MAX / 2), Next::Invoke { failures });
            lane.answered(Progress::Failed, &RetryRules::default());
        }
    }

    /// `CreateEventSourceMapping`, `MaximumRecordAgeInSeconds`: records older than that are discarded, even if they were
    /// never sent.
    #[test]
    fn records_that_are_too_old_are_discarded() {
        let rules = RetryRules { maximum_record_age: Some(60_000), ..RetryRules::default() };
        let mut lane = Lane::default();
        lane.push(records(1..=3));
        assert_eq!(lane.next(&rules, 61_000), Next::Invoke { failures: 0 });
        let condition = "RecordAgeExceeded";
        assert_eq!(lane.next(&rules, 62_001), Next::Discard { records: 2, condition, invocations: 0 });
        lane.discard(2);
        assert_eq!(lane.next(&rules, 62_001), Next::Invoke { failures: 0 });
        lane.answered(Progress::Failed, &rules);
        assert_eq!(lane.next(&rules, 70_000), Next::Discard { records: 1, condition, invocations: 1 });
        lane.discard(1);
        assert_eq!(lane.next(&rules, 70_000), Next::Idle);
    }
}
