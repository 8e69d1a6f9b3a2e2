//! The prices in `prices.json`, in dollars.

use anyhow::Context;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Prices {
    pub(super) region: String,
    pub(super) as_of: String,
    pub(super) hours_per_month: f64,
    pub(super) kinesis: Kinesis,
    pub(super) firehose: Firehose,
    pub(super) lambda: Lambda,
    pub(super) dynamodb: DynamoDb,
    pub(super) sqs: Sqs,
    pub(super) s3: S3,
    pub(super) cloudwatch: CloudWatch,
    pub(super) kms: Kms,
}

#[derive(Debug, Deserialize)]
pub(super) struct Kinesis {
    pub(super) on_demand_stream_hour: f64,
    pub(super) on_demand_gb_in: f64,
    pub(super) on_demand_gb_out: f64,
    pub(super) on_demand_gb_month_beyond_24_hours: f64,
    pub(super) shard_hour: f64,
    pub(super) shard_hour_beyond_24_hours: f64,
    pub(super) million_put_units: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Firehose {
    pub(super) gb: f64,
    pub(super) gb_converted: f64,
    pub(super) gb_partitioned: f64,
    pub(super) thousand_objects_partitioned: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Lambda {
    pub(super) million_requests: f64,
    pub(super) gb_second_arm64: f64,
    pub(super) gb_second_x86_64: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct DynamoDb {
    pub(super) million_write_units: f64,
    pub(super) million_read_units: f64,
    pub(super) write_unit_hour: f64,
    pub(super) gb_month: f64,
    pub(super) gb_month_of_point_in_time_recovery: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sqs {
    pub(super) million_requests: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct S3 {
    pub(super) gb_month: f64,
    pub(super) thousand_puts: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct CloudWatch {
    pub(super) alarm: f64,
    pub(super) metric: f64,
    pub(super) dashboard: f64,
    pub(super) gb_of_logs: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Kms {
    pub(super) key: f64,
    pub(super) ten_thousand_requests: f64,
}

impl Prices {
    pub(super) fn published() -> anyhow::Result<Self> {
        serde_json::from_str(include_str!("prices.json")).context("cost/prices.json is invalid")
    }
}
