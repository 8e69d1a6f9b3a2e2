//! Kinesis, Firehose and Lambda for the AWS CLI and SDKs: as much of their protocols as puts records, reads them back,
//! invokes a function, and tells or changes what an operator looks at.
//!
//! Source: the API References of Kinesis, Amazon Data Firehose and Lambda, the operations named here and in [`lambda`].

mod lambda;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::event_source_mapping::EventSourceMapping;
use crate::firehose::{Producer, RECORD_BYTES};
use crate::function::Function;
use crate::kinesis::{KinesisError, Stream};
use crate::listen::{listen, url};
use crate::stack::LAKE_BUCKET;
use crate::{ACCOUNT, REGION};

/// The largest request that either service takes, with base64: 10 MB of records.
const BODY_LIMIT: usize = 16 * 1024 * 1024;
/// `PutRecords` and `PutRecordBatch`.
const RECORDS_PER_REQUEST: usize = 500;

/// What is served.
pub struct Services {
    /// The Kinesis stream.
    pub stream: Arc<Stream>,
    /// The Firehose stream, by name.
    pub firehose: (String, Producer),
    /// The functions.
    pub functions: Vec<Arc<Function>>,
    /// The mapping of the Kinesis stream to its function.
    pub mapping: Arc<EventSourceMapping>,
}

/// A running server; it ends when dropped.
pub struct Api {
    /// Where it listens.
    pub endpoint: String,
    task: JoinHandle<()>,
}

impl Api {
    /// Serves on `port`, or on a free port for 0.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(port: u16, services: Services) -> anyhow::Result<Self> {
        let listener = listen(port, "Kinesis, Firehose and Lambda").await?;
        let endpoint = url(&listener)?;
        let router = Router::new()
            .merge(lambda::routes())
            .fallback(serve)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(Arc::new(services));
        let task = tokio::spawn(async move {
            // Ends only with the task it runs in.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { endpoint, task })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Refusal {
    code: &'static str,
    message: String,
}

type Answer = Result<Value, Refusal>;

impl From<KinesisError> for Refusal {
    fn from(error: KinesisError) -> Self {
        let code = match &error {
            KinesisError::InvalidArgument(_) => "InvalidArgumentException",
            KinesisError::ResourceNotFound(_) => "ResourceNotFoundException",
        };
        Self { code, message: error.to_string() }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal { code: "InvalidArgumentException", message: message.into() }
}

async fn serve(State(services): State<Arc<Services>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = match serde_json::from_slice(&body) {
        Err(_) => Err(Refusal {
            code: "SerializationException",
            message: "the request is not JSON, the one protocol that is served here".to_owned(),
        }),
        Ok(request) => services.answer(header("x-amz-target"), &request).await,
    };
    let (status, body) = match answer {
        Ok(answer) => (StatusCode::OK, answer),
        Err(Refusal { code, message }) => {
            (StatusCode::BAD_REQUEST, json!({"__type": code, "message": message}))
        }
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

impl Services {
    async fn answer(&self, target: &str, request: &Value) -> Answer {
        match target {
            "Kinesis_20131202.ListStreams" => {
                Ok(json!({"StreamNames": [self.stream.name()], "HasMoreStreams": false}))
            }
            "Kinesis_20131202.DescribeStream" => {
                self.described(request).map(|stream| json!({"StreamDescription": stream}))
            }
            "Kinesis_20131202.DescribeStreamSummary" => {
                self.described(request).map(|stream| json!({"StreamDescriptionSummary": stream}))
            }
            "Kinesis_20131202.ListShards" => {
                self.of_stream(request)?;
                Ok(json!({"Shards": self.shards()}))
            }
            "Kinesis_20131202.PutRecord" => {
                self.of_stream(request)?;
                self.put(request).map(|put| with(put, "EncryptionType", json!("NONE")))
            }
            "Kinesis_20131202.PutRecords" => self.put_all(request),
            "Kinesis_20131202.GetShardIterator" => self.iterator(request),
            "Kinesis_20131202.GetRecords" => self.records(request),
            "Kinesis_20131202.SplitShard" => {
                self.of_stream(request)?;
                let key = text(request, "NewStartingHashKey")?.parse();
                let key = key.map_err(|_| invalid("NewStartingHashKey is not a number"))?;
                self.stream.split_shard(text(request, "ShardToSplit")?, key)?;
                Ok(json!({}))
            }
            "Kinesis_20131202.MergeShards" => {
                self.of_stream(request)?;
                self.stream
                    .merge_shards(text(request, "ShardToMerge")?, text(request, "AdjacentShardToMerge")?)?;
                Ok(json!({}))
            }
            "Firehose_20150804.ListDeliveryStreams" => {
                Ok(json!({"DeliveryStreamNames": [self.firehose.0], "HasMoreDeliveryStreams": false}))
            }
            "Firehose_20150804.DescribeDeliveryStream" => {
                self.of_firehose(request)?;
                Ok(json!({"DeliveryStreamDescription": self.described_firehose()}))
            }
            "Firehose_20150804.PutRecord" => {
                self.of_firehose(request)?;
                self.deliver(&request["Record"]).await
            }
            "Firehose_20150804.PutRecordBatch" => self.deliver_all(request).await,
            other => Err(Refusal {
                code: "UnknownOperationException",
                message: format!("{other} is not served here; it is on AWS"),
            }),
        }
    }

    fn of_stream(&self, request: &Value) -> Result<(), Refusal> {
        let name =
            request["StreamName"].as_str().or_else(|| request["StreamARN"].as_str()?.rsplit('/').next());
        match name {
            Some(name) if name == self.stream.name() => Ok(()),
            name => Err(Refusal {
                code: "ResourceNotFoundException",
                message: format!(
                    "stream {} is not here; {} is",
                    name.unwrap_or("without a name"),
                    self.stream.name()
                ),
            }),
        }
    }

    fn of_firehose(&self, request: &Value) -> Result<(), Refusal> {
        if request["DeliveryStreamName"] == self.firehose.0.as_str() {
            return Ok(());
        }
        Err(Refusal {
            code: "ResourceNotFoundException",
            message: format!(
                "Firehose stream {} is not here; {} is",
                request["DeliveryStreamName"], self.firehose.0
            ),
        })
    }

    fn described(&self, request: &Value) -> Answer {
        self.of_stream(request)?;
        Ok(json!({
            "StreamName": self.stream.name(), "StreamARN": self.stream.arn(), "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "Shards": self.shards(), "HasMoreShards": false,
            "RetentionPeriodHours": 24, "StreamCreationTimestamp": 0, "EnhancedMonitoring": [],
            "EncryptionType": "NONE", "OpenShardCount": self.stream.shards().iter().filter(|shard| shard.is_open()).count(),
        }))
    }

    fn described_firehose(&self) -> Value {
        let (name, producer) = &self.firehose;
        let function = json!({"ParameterName": "LambdaArn", "ParameterValue": producer.function_arn});
        let processing =
            json!({"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [function]}]});
        json!({
            "DeliveryStreamName": name,
            "DeliveryStreamARN": format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{name}"),
            "DeliveryStreamStatus": "ACTIVE", "DeliveryStreamType": "DirectPut", "VersionId": "1",
            "Destinations": [{
                "DestinationId": "destinationId-000000000001",
                "ExtendedS3DestinationDescription": {
                    "RoleARN": format!("arn:aws:iam::{ACCOUNT}:role/local"),
                    "BucketARN": format!("arn:aws:s3:::{LAKE_BUCKET}"),
                    "BufferingHints": {}, "CompressionFormat": "UNCOMPRESSED",
                    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                    "ProcessingConfiguration": processing,
                },
            }],
            "HasMoreDestinations": false,
        })
    }

    fn shards(&self) -> Vec<Value> {
        let shard = |shard: &Arc<crate::kinesis::Shard>| {
            let mut json = json!({
                "ShardId": shard.id,
                "HashKeyRange": {
                    "StartingHashKey": shard.hash_range.0.to_string(),
                    "EndingHashKey": shard.hash_range.1.to_string(),
                },
                "SequenceNumberRange": {"StartingSequenceNumber": "0"},
            });
            for (name, parent) in ["ParentShardId", "AdjacentParentShardId"].into_iter().zip(&shard.parents) {
                json[name] = json!(parent);
            }
            json
        };
        self.stream.shards().iter().map(shard).collect()
    }

    fn put(&self, record: &Value) -> Answer {
        let place = self.stream.put_record(text(record, "PartitionKey")?, data(record)?)?;
        Ok(json!({"ShardId": place.shard_id, "SequenceNumber": place.sequence_number}))
    }

    fn put_all(&self, request: &Value) -> Answer {
        self.of_stream(request)?;
        let records = batch(request)?;
        let put = |record| match self.put(record) {
            Ok(put) => put,
            Err(refusal) => json!({"ErrorCode": refusal.code, "ErrorMessage": refusal.message}),
        };
        let put: Vec<_> = records.iter().map(put).collect();
        let failed = put.iter().filter(|put| put["ErrorCode"].is_string()).count();
        Ok(json!({"FailedRecordCount": failed, "Records": put, "EncryptionType": "NONE"}))
    }

    /// An iterator is the shard and the place in it, as text.
    fn iterator(&self, request: &Value) -> Answer {
        self.of_stream(request)?;
        let id = text(request, "ShardId")?;
        let shards = self.stream.shards();
        let shard = shards.iter().find(|shard| shard.id == id);
        let shard = shard.ok_or_else(|| KinesisError::ResourceNotFound(id.to_owned()))?;
        let records = shard.peek(0, usize::MAX);
        let number = request["StartingSequenceNumber"].as_str();
        let place_of = |number: Option<&str>| {
            let place = records.iter().position(|record| Some(record.sequence_number.as_str()) == number);
            place.ok_or_else(|| invalid("StartingSequenceNumber is not in the shard"))
        };
        let place = match text(request, "ShardIteratorType")? {
            "TRIM_HORIZON" => 0,
            "LATEST" => records.len(),
            "AT_SEQUENCE_NUMBER" => place_of(number)?,
            "AFTER_SEQUENCE_NUMBER" => place_of(number)? + 1,
            "AT_TIMESTAMP" => {
                // Seconds with a fraction, as every time in this protocol.
                let at = request["Timestamp"].as_f64().ok_or_else(|| invalid("Timestamp is missing"))?;
                let is_late = |record: &crate::kinesis::Record| seconds(record.arrival_milliseconds) >= at;
                records.iter().position(is_late).unwrap_or(records.len())
            }
            other => return Err(invalid(format!("iterator type {other} is not served here"))),
        };
        Ok(json!({"ShardIterator": format!("{id}:{place}")}))
    }

    fn records(&self, request: &Value) -> Answer {
        let iterator = text(request, "ShardIterator")?;
        let shards = self.stream.shards();
        let found = iterator.split_once(':').and_then(|(id, place)| {
            Some((shards.iter().find(|shard| shard.id == id)?, place.parse::<usize>().ok()?))
        });
        let (shard, place) = found.ok_or_else(|| invalid("ShardIterator is none"))?;
        let limit = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10_000);
        let records = shard.peek(place, limit);
        let next = (shard.is_open() || !records.is_empty())
            .then(|| format!("{}:{}", shard.id, place + records.len()));
        let record = |record: &crate::kinesis::Record| {
            json!({
                "SequenceNumber": record.sequence_number,
                "PartitionKey": record.partition_key,
                "ApproximateArrivalTimestamp": seconds(record.arrival_milliseconds),
                "Data": base64_simd::STANDARD.encode_to_string(&record.data),
            })
        };
        let records: Vec<_> = records.iter().map(record).collect();
        Ok(json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": 0}))
    }

    async fn deliver(&self, record: &Value) -> Answer {
        let data = data(record)?;
        if data.len() > RECORD_BYTES {
            return Err(invalid(format!("a record of {} bytes is above {RECORD_BYTES}", data.len())));
        }
        self.firehose.1.put_record(data).await;
        Ok(json!({"RecordId": uuid::Uuid::new_v4().to_string(), "Encrypted": false}))
    }

    async fn deliver_all(&self, request: &Value) -> Answer {
        self.of_firehose(request)?;
        let mut responses = Vec::new();
        for record in batch(request)? {
            responses.push(match self.deliver(record).await {
                Ok(delivered) => delivered,
                Err(refusal) => json!({"ErrorCode": refusal.code, "ErrorMessage": refusal.message}),
            });
        }
        let failed = responses.iter().filter(|response| response["ErrorCode"].is_string()).count();
        Ok(json!({"FailedPutCount": failed, "Encrypted": false, "RequestResponses": responses}))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time of day in milliseconds has 41 bits")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn batch(request: &Value) -> Result<&[Value], Refusal> {
    let records = request["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    if (1..=RECORDS_PER_REQUEST).contains(&records.len()) {
        return Ok(records);
    }
    Err(invalid(format!("a request has 1 to {RECORDS_PER_REQUEST} records, not {}", records.len())))
}

fn text<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    request[name].as_str().ok_or_else(|| invalid(format!("{name} is missing")))
}

fn data(record: &Value) -> Result<Bytes, Refusal> {
    let text = text(record, "Data")?;
    let data = base64_simd::STANDARD.decode_to_vec(text).map_err(|_| invalid("Data is not base64"))?;
    Ok(data.into())
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}
