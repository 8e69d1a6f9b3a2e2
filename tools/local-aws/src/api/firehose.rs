//! Firehose.
//!
//! Source: [`DescribeDeliveryStream`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_DescribeDeliveryStream.html),
//! [`ListDeliveryStreams`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_ListDeliveryStreams.html),
//! [`PutRecord`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecord.html),
//! [`PutRecordBatch`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html).

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, batch, blob, invalid, unknown};
use super::services::Services;
use lambda_io::limits::firehose::RECORD_BYTES;
use served_stack::{ACCOUNT, LAKE_BUCKET, REGION};

impl Services {
    pub(super) async fn firehose(&self, operation: &str, request: &Value) -> Answer {
        match operation {
            "ListDeliveryStreams" => {
                Ok(json!({"DeliveryStreamNames": [self.firehose.0], "HasMoreDeliveryStreams": false}))
            }
            "DescribeDeliveryStream" => {
                self.check_firehose_name(request)?;
                Ok(json!({"DeliveryStreamDescription": self.described_firehose()}))
            }
            "PutRecord" => {
                self.check_firehose_name(request)?;
                self.deliver(&request["Record"]).await
            }
            "PutRecordBatch" => self.deliver_all(request).await,
            other => Err(unknown(other)),
        }
    }

    fn check_firehose_name(&self, request: &Value) -> Result<(), Refusal> {
        if request["DeliveryStreamName"] == self.firehose.0.as_str() {
            return Ok(());
        }
        Err(Refusal {
            code: "ResourceNotFoundException",
            message: format!(
                "Firehose stream {} does not exist; the only one is {}",
                request["DeliveryStreamName"], self.firehose.0
            ),
        })
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

    async fn deliver(&self, record: &Value) -> Answer {
        let data = blob(record, "Data")?;
        if data.len() > RECORD_BYTES {
            return Err(invalid(format!("the record's {} bytes exceed {RECORD_BYTES}", data.len())));
        }
        if !self.firehose.1.put_record(data).await {
            let message = "the stream has stopped; the demo's own output says why".to_owned();
            return Err(Refusal { code: "ServiceUnavailableException", message });
        }
        Ok(json!({"RecordId": uuid::Uuid::new_v4().to_string(), "Encrypted": false}))
    }

    async fn deliver_all(&self, request: &Value) -> Answer {
        self.check_firehose_name(request)?;
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
