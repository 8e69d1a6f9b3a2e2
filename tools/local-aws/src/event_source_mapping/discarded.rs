//! The object for a discarded batch in the on-failure destination.
//!
//! Source: [Retain discarded batch records](https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html)
//! (Lambda Developer Guide).

use lake_files::layout::ON_FAILURE;
use serde_json::json;

use super::instant::timestamp;
use crate::kinesis::Record;

/// A discarded batch, with the facts that the object reports.
pub(super) struct Discarded<'a> {
    pub(super) mapping_id: &'a str,
    pub(super) function_arn: &'a str,
    pub(super) stream_arn: &'a str,
    pub(super) shard_id: &'a str,
    pub(super) records: &'a [Record],
    pub(super) condition: &'static str,
    pub(super) invocations: u32,
    /// The event that the function was invoked with.
    pub(super) event: &'a str,
    pub(super) now: jiff::Timestamp,
}

impl Discarded<'_> {
    /// `aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random>`
    pub(super) fn key(&self) -> String {
        let Self { mapping_id, shard_id, now, .. } = self;
        let time = now.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
        format!("{ON_FAILURE}{mapping_id}/{shard_id}/{time}-{}", uuid::Uuid::new_v4())
    }

    /// The invocation record, with the event as escaped JSON text.
    pub(super) fn body(&self) -> String {
        let arrival = |record: Option<&Record>| record.map(|record| timestamp(record.arrival_milliseconds));
        let (first, last) = (self.records.first(), self.records.last());
        let body = json!({
            "requestContext": {
                "requestId": uuid::Uuid::new_v4().to_string(),
                "functionArn": self.function_arn,
                "condition": self.condition,
                "approximateInvokeCount": self.invocations,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": timestamp(self.now.as_millisecond()),
            "KinesisBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": first.map(|record| &record.sequence_number),
                "endSequenceNumber": last.map(|record| &record.sequence_number),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.records.len(),
                "streamArn": self.stream_arn,
            },
            "payload": self.event,
        });
        body.to_string()
    }
}
