//! The lake and the destination on AWS: S3, Firehose or Kinesis, and Lambda.

use std::error::Error;

use aws_errors::why;
use aws_sdk_firehose::types::Record;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Error;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{EncodingType, Tag, Tagging};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use connect_streams::Timestamp;
use serde::Deserialize;

use crate::ports::{Destination, Fault, Lake, Listed, Queues, Waiting};

/// A bucket.
#[derive(Debug, Clone)]
pub struct AwsLake {
    /// The client.
    pub client: Client,
    /// Its name.
    pub bucket: String,
}

impl AwsLake {
    fn refused<E>(&self, what: &str, key: &str, error: SdkError<E>) -> Fault
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let object = format!("s3://{}/{key}", self.bucket);
        fault(&format!("{object} cannot be {what}"), "access to the bucket and its KMS key", error)
    }
}

impl Lake for AwsLake {
    async fn objects(&self, prefix: &str) -> Result<Vec<Listed>, Fault> {
        let mut objects = Vec::new();
        let each = |object: ListedObject| objects.push(Listed { key: object.key, bytes: object.bytes });
        let listed = for_each_object(&self.client, &self.bucket, prefix, each).await;
        listed.map_err(|error| self.refused("listed", prefix, error))?;
        objects.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        Ok(objects)
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let listed = keys(&self.client, &self.bucket, prefix).await;
        listed.map_err(|error| self.refused("listed", prefix, error))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let got = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            got => got.map_err(|error| self.refused("read", key, error))?,
        };
        let body = got.body.collect().await;
        let body = body.map_err(|error| Fault {
            sentence: format!(
                "s3://{}/{key} could not be read to its end; rerun the same command",
                self.bucket
            ),
            source: Some(error.into()),
        })?;
        Ok(Some(body.to_vec()))
    }

    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), Fault> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/json");
        put.body(body.into()).send().await.map(drop).map_err(|error| self.refused("written", key, error))
    }

    async fn tags(&self, key: &str) -> Result<Vec<(String, String)>, Fault> {
        let tags = match self.client.get_object_tagging().bucket(&self.bucket).key(key).send().await {
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(Vec::new()),
            tags => tags.map_err(|error| self.refused("checked for tags", key, error))?,
        };
        Ok(tags.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn set_tags(&self, key: &str, tags: Vec<(String, String)>) -> Result<(), Fault> {
        let tag =
            |(name, value)| Tag::builder().key(name).value(value).build().expect("key and value are set");
        let tagging = Tagging::builder().set_tag_set(Some(tags.into_iter().map(tag).collect())).build();
        let tagging = tagging.expect("the tag set is set");
        let put = self.client.put_object_tagging().bucket(&self.bucket).key(key).tagging(tagging);
        match put.send().await {
            // It has expired since it was read.
            Err(error) if error.code() == Some("NoSuchKey") => Ok(()),
            put => put.map(drop).map_err(|error| self.refused("tagged", key, error)),
        }
    }
}

/// The keys with this prefix, in order.
///
/// # Errors
/// When they cannot be listed.
pub async fn keys(
    client: &Client,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, SdkError<ListObjectsV2Error>> {
    let mut keys = Vec::new();
    for_each_object(client, bucket, prefix, |object| keys.push(object.key)).await?;
    keys.sort_unstable();
    Ok(keys)
}

/// An object in a list.
#[derive(Debug)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last modified.
    pub modified: Option<DateTime>,
}

/// Lists the objects with this prefix, and calls `each` with every one.
///
/// Requests URL-encoded keys, because XML cannot represent characters below 0x20.
/// Source: [`ListObjectsV2`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html), `encoding-type`.
///
/// # Errors
/// When they cannot be listed.
pub async fn for_each_object(
    client: &Client,
    bucket: &str,
    prefix: &str,
    mut each: impl FnMut(ListedObject),
) -> Result<(), SdkError<ListObjectsV2Error>> {
    let list = client.list_objects_v2().bucket(bucket).prefix(prefix).encoding_type(EncodingType::Url);
    let mut pages = list.into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in page?.contents.unwrap_or_default() {
            if let Some(key) = object.key {
                let bytes = object.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
                each(ListedObject { key: decoded(&key), bytes, modified: object.last_modified });
            }
        }
    }
    Ok(())
}

fn decoded(key: &str) -> String {
    let spaced = key.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Where contact records are sent.
#[derive(Debug, Clone)]
pub enum ContactRecordTarget {
    /// A Firehose stream that accepts direct puts, by name.
    Firehose(String),
    /// The Kinesis stream that a Firehose stream reads, by name.
    Stream(String),
}

/// The streams and the function of a stack.
#[derive(Debug, Clone)]
pub struct AwsDestination {
    /// The client of Firehose.
    pub firehose: aws_sdk_firehose::Client,
    /// The client of Kinesis.
    pub kinesis: aws_sdk_kinesis::Client,
    /// The client of Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// Where contact records go.
    pub contact_records: ContactRecordTarget,
    /// The name of agent-event-upserter in the stack.
    pub agent_event_function: String,
    /// The name of contact-event-upserter in the stack, if it processes contact events.
    pub contact_event_function: Option<String>,
}

impl AwsDestination {
    /// Puts records on a Kinesis stream. Returns, for each, the code it was refused with, if any.
    ///
    /// # Errors
    /// When the stream accepts no records.
    ///
    /// # Panics
    /// Never: all required fields are set.
    pub async fn put_on_stream(
        &self,
        stream: &str,
        records: &[&[u8]],
        partition_key: fn(&[u8]) -> String,
    ) -> Result<Vec<Option<String>>, Fault> {
        let record = |data: &&[u8]| {
            let record = PutRecordsRequestEntry::builder().partition_key(partition_key(data));
            record.data(data.to_vec().into()).build().expect("data and key are set")
        };
        let put = self.kinesis.put_records().stream_name(stream);
        let put = put.set_records(Some(records.iter().map(record).collect())).send().await;
        let put = put.map_err(|error| {
            let what = format!("Kinesis stream {stream} does not accept records");
            fault(&what, "kinesis:PutRecords on it, and kms:GenerateDataKey on its KMS key", error)
        })?;
        Ok(put.records.into_iter().map(|response| response.error_code).collect())
    }
}

impl Destination for AwsDestination {
    async fn put_contact_records(&self, records: &[&[u8]]) -> Result<Vec<Option<String>>, Fault> {
        match &self.contact_records {
            ContactRecordTarget::Firehose(name) => {
                let record = |data: &&[u8]| {
                    Record::builder().data(data.to_vec().into()).build().expect("the data is set")
                };
                let put = self.firehose.put_record_batch().delivery_stream_name(name);
                let put = put.set_records(Some(records.iter().map(record).collect())).send().await;
                let put = put.map_err(|error| {
                    let what = format!("Firehose stream {name} does not accept records");
                    fault(&what, "firehose:PutRecordBatch on it", error)
                })?;
                Ok(put.request_responses.into_iter().map(|response| response.error_code).collect())
            }
            ContactRecordTarget::Stream(name) => self.put_on_stream(name, records, partition_key).await,
        }
    }

    async fn send_agent_events(&self, event: Vec<u8>) -> Result<Vec<u8>, Fault> {
        self.invoke(&self.agent_event_function, event).await
    }

    async fn send_contact_events(&self, event: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let Some(name) = &self.contact_event_function else {
            return Err(Fault::new(
                "the stack does not process contact events, so those that were rejected cannot be redriven; deploy it with ContactEvents=true, or leave them out with --prefix",
            ));
        };
        self.invoke(name, event).await
    }
}

impl AwsDestination {
    async fn invoke(&self, name: &str, event: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let invoked = self.lambda.invoke().function_name(name).payload(Blob::new(event)).send().await;
        let invoked = invoked.map_err(|error| {
            let what = format!("function {name} cannot be invoked");
            fault(&what, "lambda:InvokeFunction on it", error)
        })?;
        if let Some(kind) = invoked.function_error {
            return Err(Fault::new(format!(
                "function {name} failed ({kind}); its log says why. Fix that, then rerun the same command to resume"
            )));
        }
        Ok(invoked.payload.map(Blob::into_inner).unwrap_or_default())
    }
}

/// The dead-letter queues of contact events.
#[derive(Debug, Clone)]
pub struct AwsQueues {
    /// The client.
    pub client: aws_sdk_sqs::Client,
    /// Their names and URLs.
    pub urls: Vec<(String, String)>,
}

/// How long a received message is invisible: longer than a request to the function takes.
const VISIBILITY_SECONDS: i32 = 300;
/// Why a message is in the dead-letter queue of a queue, which says nothing itself.
const RECEIVED_TOO_OFTEN: &str = "MaxReceiveCountExceeded";

impl AwsQueues {
    fn url<'q>(&'q self, queue: &'q str) -> &'q str {
        self.urls.iter().find(|(name, _)| name == queue).map_or(queue, |(_, url)| url)
    }
}

impl Queues for AwsQueues {
    fn names(&self) -> Vec<String> {
        self.urls.iter().map(|(name, _)| name.clone()).collect()
    }

    async fn waiting(&self, queue: &str) -> Result<usize, Fault> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let got = self.client.get_queue_attributes().queue_url(self.url(queue));
        let got = got.set_attribute_names(Some(counts.to_vec())).send().await.map_err(|error| {
            fault(&format!("queue {queue} cannot be read"), "sqs:GetQueueAttributes on it", error)
        })?;
        let got = got.attributes.unwrap_or_default();
        let count = |name| got.get(name)?.parse::<usize>().ok();
        Ok(counts.iter().filter_map(count).sum())
    }

    async fn receive(&self, queue: &str) -> Result<Vec<Waiting>, Fault> {
        let receive = self.client.receive_message().queue_url(self.url(queue)).max_number_of_messages(10);
        let receive = receive.visibility_timeout(VISIBILITY_SECONDS).message_attribute_names("All");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        // Long polling asks all servers of the queue.
        let received = receive.wait_time_seconds(1).send().await.map_err(|error| {
            let rights = "sqs:ReceiveMessage on it, and kms:Decrypt on its KMS key";
            fault(&format!("queue {queue} cannot be read"), rights, error)
        })?;
        let waiting = |message: Message| {
            let sent = message.attributes.unwrap_or_default();
            let sent = sent.get(&MessageSystemAttributeName::SentTimestamp);
            let sent = sent.and_then(|sent| Timestamp::from_epoch_milliseconds(sent.parse().ok()?));
            // EventBridge says why it could not deliver an event.
            let mut reasons = message.message_attributes.unwrap_or_default();
            let reason = reasons.remove("ERROR_CODE").and_then(|reason| reason.string_value);
            Waiting {
                id: message.message_id.unwrap_or_default(),
                receipt: message.receipt_handle.unwrap_or_default(),
                body: message.body.unwrap_or_default(),
                reason: reason.unwrap_or_else(|| RECEIVED_TOO_OFTEN.to_owned()),
                sent,
            }
        };
        Ok(received.messages.unwrap_or_default().into_iter().map(waiting).collect())
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        let delete = self.client.delete_message().queue_url(self.url(queue)).receipt_handle(receipt);
        delete.send().await.map(drop).map_err(|error| {
            let what = format!("a message of queue {queue} was sent but cannot be deleted");
            fault(&what, "sqs:DeleteMessage on it", error)
        })
    }

    async fn show(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        let show = self.client.change_message_visibility().queue_url(self.url(queue));
        let show = show.receipt_handle(receipt).visibility_timeout(0).send().await;
        show.map(drop).map_err(|error| {
            let what = format!("messages of queue {queue} were not sent and stay invisible for 5 minutes");
            fault(&what, "sqs:ChangeMessageVisibility on it", error)
        })
    }
}

/// Keeps all versions of a contact on one shard, as Amazon Connect does. Records of other kinds may go to any shard.
fn partition_key(record: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Contact {
        #[serde(rename = "ContactId", alias = "contact_id")]
        id: String,
    }
    let id = serde_json::from_slice(record).map(|Contact { id }| id).unwrap_or_default();
    if (1..=256).contains(&id.chars().count()) { id } else { "unknown".to_owned() }
}

fn fault<E>(what: &str, rights: &str, error: SdkError<E>) -> Fault
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let sentence = format!("{what}: {}", why(&error, rights));
    Fault { sentence, source: Some(error.into()) }
}
