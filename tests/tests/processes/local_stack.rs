//! The local stack serves only its user. Other programs on the machine and pages in a browser can neither read nor
//! change anything. Its user is served as by AWS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the tests measure how long a server waits")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use lake_parquet::contact_records as glue_table;
use ledger_tests::signed::{Call, Reply, Signer};
use ledger_tests::{functions_folder, processes_with_files_below};
use local_aws::function::{Function, FunctionSettings, Invoke};
use local_aws::stack::{Stack, StackSettings};
use serde_json::{Value, json};
use served_stack::Keys;
use served_stack::REGION;
use served_stack::{CONTACT_EVENT_UPSERTER, Served, UPSERTER};

/// A served stack with an object in its lake.
struct Local {
    stack: Stack,
    served: Served,
    output: tempfile::TempDir,
}

/// A service and how its clients call it.
struct Service {
    name: &'static str,
    address: String,
    /// A valid request.
    call: Call,
    /// The error codes for unsigned requests, unknown keys, and wrong signatures.
    codes: [&'static str; 3],
}

const JSON_CODES: [&str; 3] =
    ["MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException"];
const S3_CODES: [&str; 3] = ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"];

impl Local {
    async fn start() -> Self {
        Self::of(functions_folder().as_path()).await.unwrap()
    }

    async fn of(functions: &Path) -> anyhow::Result<Self> {
        let output = tempfile::tempdir()?;
        let settings = StackSettings {
            streams_port: Some(0),
            ..StackSettings::new(functions.to_owned(), output.path().to_owned(), glue_table()?)
        };
        let stack = Stack::start(settings).await?;
        fs::write(output.path().join("lake/object.txt"), "of the lake")?;
        Ok(Self { stack, served: Served::read(output.path())?, output })
    }

    fn services(&self) -> [Service; 7] {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        let (streams, dynamodb) = (address(&self.served.streams), address(&self.served.dynamodb));
        let service =
            |name, address: &str, call, codes| Service { name, address: address.to_owned(), call, codes };
        let operation = |target, request| Call::operation(target, &request);
        let stream = json!({"StreamName": "agent-events"});
        [
            service("dynamodb", &dynamodb, operation("DynamoDB_20120810.ListTables", json!({})), JSON_CODES),
            service("s3", &address(&self.served.s3), Call::rest("GET", "/lake/object.txt", ""), S3_CODES),
            service("kinesis", &streams, operation("Kinesis_20131202.ListShards", stream), JSON_CODES),
            service(
                "firehose",
                &streams,
                operation("Firehose_20150804.ListDeliveryStreams", json!({})),
                JSON_CODES,
            ),
            service(
                "lambda",
                &streams,
                Call::rest("GET", &format!("/2015-03-31/functions/{UPSERTER}"), ""),
                JSON_CODES,
            ),
            service("events", &streams, operation("AWSEvents.ListRules", json!({})), JSON_CODES),
            service("sqs", &streams, operation("AmazonSQS.ListQueues", json!({})), JSON_CODES),
        ]
    }

    fn signer(&self, service: &Service) -> Signer {
        Signer::new(&self.served.keys, service.name)
    }

    /// Calls a service with a change to the request before it is signed and one after.
    fn call(
        &self,
        service: &Service,
        host: &str,
        before: impl Fn(Call) -> Call,
        after: impl Fn(Call) -> Call,
    ) -> Reply {
        let call = before(service.call.clone()).signed(host, &self.signer(service));
        let reply = after(call).send(&service.address);
        assert!(!reply.head.contains("access-control-"), "{}: {}", service.name, reply.head);
        reply
    }

    fn operation(&self, service: &'static str, target: &str, request: &Value) -> Reply {
        let address = self.served.streams.trim_start_matches("http://");
        let call = Call::operation(target, request);
        call.signed(address, &Signer::new(&self.served.keys, service)).send(address)
    }
}

/// Checks that an error has the form of its protocol and contains a word.
fn assert_refused(service: &str, reply: &Reply, status: u16, code: &str, word: &str) {
    assert_eq!(reply.status, status, "{service}: {reply:?}");
    assert!(reply.body.contains(word), "{service}: {reply:?} does not contain {word:?}");
    match service {
        "s3" => assert!(reply.body.contains(&format!("<Code>{code}</Code>")), "{reply:?}"),
        "lambda" => {
            assert!(reply.head.contains(&format!("x-amzn-errortype: {}", code.to_lowercase())), "{reply:?}");
            let error: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(error["Type"], "User");
        }
        "runtime" => {
            let error: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(error["errorType"], code);
        }
        _ => {
            let error: Value = serde_json::from_str(&reply.body).unwrap();
            assert!(error["__type"].as_str().unwrap().ends_with(code), "{reply:?}");
        }
    }
}

/// A word of the refusal, and the change of the request that every server must refuse.
type Change = (&'static str, fn(Call) -> Call);

const FROM_PAGES: [Change; 6] = [
    ("Origin", |call| call.with("origin", "https://example.com")),
    ("Origin", |call| call.with("origin", "null")),
    ("Sec-Fetch-Site", |call| call.with("sec-fetch-site", "cross-site")),
    ("Sec-Fetch-Site", |call| call.with("sec-fetch-site", "same-origin")),
    ("more than one Host", |call| call.with("host", "localhost")),
    ("example.com", |call| Call { target: format!("http://example.com{}", call.target), ..call }),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_server_refuses_requests_with_another_host_or_from_a_page() {
    let local = Local::start().await;
    let same = |call: Call| call;
    for service in &local.services() {
        let name = service.name;
        let port = service.address.rsplit(':').next().unwrap();
        for host in
            [service.address.clone(), format!("localhost:{port}"), "[::1]".to_owned(), "LOCALHOST".to_owned()]
        {
            let reply = local.call(service, &host, same, same);
            assert_eq!(reply.status, 200, "{name} {host}: {reply:?}");
        }
        let code = if name == "s3" { "AccessDenied" } else { "AccessDeniedException" };
        for host in ["example.com", "127.0.0.1.example.com", "0.0.0.0", "192.168.0.1", "localhost.", ""] {
            let reply = local.call(service, host, same, same);
            assert_refused(name, &reply, 403, code, "is addressed to");
        }
        for (word, change) in FROM_PAGES {
            let reply = local.call(service, &service.address, same, change);
            assert_refused(name, &reply, 403, code, word);
        }
        let preflight = |call: Call| Call { method: "OPTIONS", ..call };
        let reply = local.call(service, &service.address, preflight, same);
        assert_refused(name, &reply, 403, code, "OPTIONS");
        let typed = |call: Call| call.with("sec-fetch-site", "none");
        assert_eq!(local.call(service, &service.address, same, typed).status, 200);

        let bucket = local.call(service, "lake.localhost", same, same);
        assert_eq!(bucket.status, if name == "s3" { 200 } else { 403 }, "{bucket:?}");
    }
}

/// Only the function's process knows the port, but a page can try all ports.
#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_api_refuses_requests_from_pages() {
    let folder = tempfile::tempdir().unwrap();
    let (binary, log) = (folder.path().join("function"), folder.path().join("log"));
    executable(&binary, "echo \"$AWS_LAMBDA_RUNTIME_API\"; exec sleep 60");
    let function = Arc::new(function(binary, log.clone()));
    let invoked = tokio::spawn({
        let function = function.clone();
        async move { function.invoke("{\"an\":\"event\"}".into()).await }
    });
    let address =
        eventually("the address", || fs::read_to_string(&log).ok().filter(|log| log.ends_with('\n')));
    let address = address.trim();
    let next = || Call::rest("GET", "/2018-06-01/runtime/invocation/next", "");
    for (word, change) in FROM_PAGES {
        assert_refused(
            "runtime",
            &change(next().with("host", address)).send(address),
            403,
            "AccessDeniedException",
            word,
        );
    }
    let elsewhere = next().with("host", "example.com").send(address);
    assert_refused("runtime", &elsewhere, 403, "AccessDeniedException", "example.com");
    // None of the refused requests received the invocation.
    let reply = next().with("host", address).send(address);
    assert_eq!((reply.status, reply.body.as_str()), (200, "{\"an\":\"event\"}"));
    invoked.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_signed_with_the_keys_of_this_run_are_served() {
    let (local, other) = (Local::start().await, Keys::random());
    for service in &local.services() {
        let (name, address) = (service.name, service.address.as_str());
        let [missing, unknown, wrong] = service.codes;
        let status = |json| if ["s3", "lambda"].contains(&name) { 403 } else { json };
        let signer = || local.signer(service);
        let send = |call: Call| call.send(address);
        let good = || service.call.clone().signed(address, &signer());
        assert_eq!(send(good()).status, 200, "{name}");

        assert_refused(name, &send(service.call.clone().with("host", address)), status(400), missing, "");
        let other_run = service.call.clone().signed(address, &Signer::new(&other, name));
        assert_refused(name, &send(other_run), status(400), unknown, "");
        let half = Keys { access_key_id: local.served.keys.access_key_id.clone(), ..other.clone() };
        let wrong_secret = service.call.clone().signed(address, &Signer::new(&half, name));
        assert_refused(name, &send(wrong_secret), status(400), wrong, "");
        // A signature for another request.
        let mut another_path = good();
        another_path.target += "?a=b";
        assert_refused(name, &send(another_path), status(400), wrong, "");
        let elsewhere = Signer { service: "sns", ..signer() };
        let reply = send(service.call.clone().signed(address, &elsewhere));
        assert!([400, 403, 501].contains(&reply.status), "{name}: {reply:?}");

        for minutes in [-16, 16] {
            let reply = send(service.call.clone().signed(address, &signer().later(minutes)));
            let code = if name == "s3" { "RequestTimeTooSkewed" } else { wrong };
            assert_refused(name, &reply, status(400), code, "");
        }
        for minutes in [-14, 14] {
            assert_eq!(send(service.call.clone().signed(address, &signer().later(minutes))).status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presigned_url_is_valid_until_it_expires() {
    let local = Local::start().await;
    for service in &local.services() {
        let (name, address) = (service.name, service.address.as_str());
        let [_, unknown, wrong] = service.codes;
        let status = |json| if ["s3", "lambda"].contains(&name) { 403 } else { json };
        let presigned = |signer: Signer, seconds| service.call.clone().presigned(address, &signer, seconds);
        let signer = || local.signer(service);
        assert_eq!(presigned(signer(), 60).send(address).status, 200, "{name}");
        assert_eq!(presigned(signer().later(-60), 3660).send(address).status, 200, "{name}");

        let code = if name == "s3" { "AccessDenied" } else { wrong };
        assert_refused(
            name,
            &presigned(signer().later(-60), 3540).send(address),
            status(400),
            code,
            "expired",
        );
        let mut longer = presigned(signer().later(-60), 3540);
        longer.target = longer.target.replace("X-Amz-Expires=3540", "X-Amz-Expires=7200");
        assert_refused(name, &longer.send(address), status(400), wrong, "");
        let too_long = presigned(signer(), 8 * 24 * 3600).send(address);
        assert!((400..500).contains(&too_long.status), "{name}: {too_long:?}");
        let other_keys = presigned(Signer::new(&Keys::random(), name), 60).send(address);
        assert_refused(name, &other_keys, status(400), unknown, "");
        // A page cannot use a presigned URL, either.
        let by_page = presigned(signer(), 60).with("sec-fetch-site", "cross-site").send(address);
        assert_eq!(by_page.status, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_the_signed_one_changes_nothing() {
    let local = Local::start().await;
    let put = json!({"TableName": "AgentState", "Item": {"board": {"S": "b"}, "agent_id": {"S": "mallory"}}});
    let data = json!({"StreamName": "agent-events", "PartitionKey": "k", "Data": "bWFsbG9yeQ=="});
    let record = json!({"DeliveryStreamName": "contact-records", "Record": {"Data": "bWFsbG9yeQ=="}});
    let [dynamodb, s3, streams] = [&local.served.dynamodb, &local.served.s3, &local.served.streams]
        .map(|url| url.trim_start_matches("http://"));
    let invocations = format!("/2015-03-31/functions/{UPSERTER}/invocations");
    for (name, address, call) in [
        ("dynamodb", dynamodb, Call::operation("DynamoDB_20120810.PutItem", &put)),
        ("kinesis", streams, Call::operation("Kinesis_20131202.PutRecord", &data)),
        ("firehose", streams, Call::operation("Firehose_20150804.PutRecord", &record)),
        ("lambda", streams, Call::rest("POST", &invocations, "{\"mallory\":1}")),
    ] {
        let mut call = call.signed(address, &Signer::new(&local.served.keys, name));
        call.body[3] ^= 1;
        let status = if name == "lambda" { 403 } else { 400 };
        assert_refused(name, &call.send(address), status, "InvalidSignatureException", "");
    }
    assert_eq!(local.stack.agent_state().unwrap().len(), 0);
    assert_eq!(local.stack.contact_records.over() + local.stack.agent_events.counters.over(), 0);

    let signer = Signer::new(&local.served.keys, "s3");
    let mut put = Call::rest("PUT", "/lake/mallory.txt", "as it was signed").signed(s3, &signer);
    put.body[3] ^= 1;
    let reply = put.send(s3);
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert!(!local.output.path().join("lake/mallory.txt").exists());
    // An unsigned form upload is refused, too.
    let form = "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nmallory.txt\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n";
    let form = Call::rest("POST", "/lake", form)
        .with("host", s3)
        .with("content-type", "multipart/form-data; boundary=b");
    let reply = form.send(s3);
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert!(!local.output.path().join("lake/mallory.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_chunks_is_accepted_if_every_chunk_is_signed() {
    let local = Local::start().await;
    let address = local.served.s3.trim_start_matches("http://");
    let (first, second) = ("a".repeat(8192), "b".repeat(100));
    let put = |name: &str, tamper: fn(&mut String)| {
        let signer = Signer::new(&local.served.keys, "s3");
        Call::in_chunks(&format!("/lake/{name}"), address, &signer, &[&first, &second], tamper).send(address)
    };
    let file = |name: &str| local.output.path().join("lake").join(name);
    let reply = put("whole.txt", |_| {});
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(fs::read_to_string(file("whole.txt")).unwrap(), first.clone() + &second);
    for tamper in [
        |body: &mut String| *body = body.replacen("aaaa", "aaax", 1),
        |body: &mut String| *body = body.replacen("bbbb", "bbbx", 1),
    ] {
        let reply = put("tampered.txt", tamper);
        assert!((400..500).contains(&reply.status), "{reply:?}");
        assert!(!file("tampered.txt").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_sdks_work_with_the_local_stack() {
    let local = Local::start().await;
    let Keys { access_key_id, secret_access_key } = local.served.keys.clone();
    let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "test");
    macro_rules! client {
        ($sdk:ident, $url:expr) => {
            $sdk::Client::from_conf(
                $sdk::Config::builder()
                    .behavior_version(BehaviorVersion::v2026_01_12())
                    .endpoint_url($url)
                    .region(Region::new(REGION))
                    .credentials_provider(credentials.clone())
                    .build(),
            )
        };
    }
    let dynamodb = client!(aws_sdk_dynamodb, &local.served.dynamodb);
    assert_eq!(dynamodb.list_tables().send().await.unwrap().table_names().len(), 3);

    let config = aws_sdk_s3::config::Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&local.served.s3)
        .region(Region::new(REGION))
        .credentials_provider(credentials.clone())
        .force_path_style(true);
    let s3 = aws_sdk_s3::Client::from_conf(config.build());
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"of the SDK");
    s3.put_object().bucket("lake").key("sdk/a b+c.txt").body(body).send().await.unwrap();
    let got = s3.get_object().bucket("lake").key("sdk/a b+c.txt").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), &b"of the SDK"[..]);
    assert_eq!(s3.list_objects_v2().bucket("lake").prefix("sdk/").send().await.unwrap().contents().len(), 1);

    let kinesis = client!(aws_sdk_kinesis, &local.served.streams);
    let data = aws_sdk_kinesis::primitives::Blob::new("{}");
    kinesis.put_record().stream_name("agent-events").partition_key("k").data(data).send().await.unwrap();
    let firehose = client!(aws_sdk_firehose, &local.served.streams);
    let data = aws_sdk_firehose::primitives::Blob::new("{}");
    let record = aws_sdk_firehose::types::Record::builder().data(data).build().unwrap();
    firehose.put_record().delivery_stream_name("contact-records").record(record).send().await.unwrap();
    let lambda = client!(aws_sdk_lambda, &local.served.streams);
    // By its ARN, whose colons are encoded in the path, and again in the canonical request.
    let found = lambda.get_function().function_name(local.stack.upserter.arn()).send().await.unwrap();
    assert_eq!(found.configuration().unwrap().function_name(), Some(UPSERTER));
    let missing = lambda.get_function().function_name("nobody").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

/// This holds even if a file with the same name existed that anyone could read.
#[tokio::test(flavor = "multi_thread")]
async fn only_its_owner_can_read_the_file_with_the_keys() {
    let output = tempfile::tempdir().unwrap();
    let file = output.path().join("stack.json");
    fs::write(&file, "{}").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut earlier = fs::File::open(&file).unwrap();
    let settings = StackSettings {
        streams_port: Some(0),
        ..StackSettings::new(functions_folder(), output.path().to_owned(), glue_table().unwrap())
    };
    let stack = Stack::start(settings).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut seen = String::new();
    earlier.read_to_string(&mut seen).unwrap();
    assert!(!seen.contains("LOCAL"), "a reader with the earlier file open reads the keys");
    drop(stack);
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_sending_is_disconnected() {
    let local = Local::start().await;
    let begin = Instant::now();
    let mut ends = Vec::new();
    for service in local.services() {
        let put = Call::rest("PUT", "/lake/half.txt", "half of it");
        let call = if service.name == "s3" { put } else { service.call.clone() };
        let mut call = call.signed(&service.address, &local.signer(&service));
        if call.body.is_empty() {
            call = Call { body: b"{}".to_vec(), ..call };
        }
        let bytes = call.bytes();
        for half in [&bytes[..20], &bytes[..bytes.len() - 1]] {
            let mut connection = TcpStream::connect(&service.address).unwrap();
            connection.write_all(half).unwrap();
            connection.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            let name = service.name;
            ends.push((
                name,
                half.len(),
                tokio::task::spawn_blocking(move || {
                    let mut answer = Vec::new();
                    connection.read_to_end(&mut answer).map(|_| answer)
                }),
            ));
        }
    }
    for (name, sent, end) in ends {
        let answer = end.await.unwrap();
        let answer =
            answer.unwrap_or_else(|error| panic!("{name} keeps the connection after {sent} bytes: {error}"));
        if !answer.is_empty() {
            let status = Reply::read(&answer).status;
            assert!([400, 408].contains(&status), "{name} after {sent} bytes: {status}");
        }
        let seconds = begin.elapsed().as_secs();
        assert!((15..40).contains(&seconds), "{name} disconnected after {seconds} s");
    }
    assert!(!local.output.path().join("lake/half.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_is_refused() {
    let local = Local::start().await;
    for service in local.services() {
        let reply = local.call(
            &service,
            &service.address,
            |call| call.with("x-large", &"x".repeat(100_000)),
            |call| call,
        );
        assert!([400, 431].contains(&reply.status), "{}: {}", service.name, reply.status);
        if service.name == "s3" {
            continue;
        }
        let large = |call: Call| Call { body: vec![b' '; 17 * 1024 * 1024], method: "POST", ..call };
        let reply = local.call(&service, &service.address, large, |call| call);
        assert_refused(service.name, &reply, 413, "RequestEntityTooLargeException", "larger than");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsupported_operation_is_answered_as_unknown() {
    let local = Local::start().await;
    for (service, target) in [
        ("dynamodb", "DynamoDB_20120810.NoSuch"),
        ("kinesis", "Kinesis_20131202.NoSuch"),
        ("firehose", "Firehose_20150804.NoSuch"),
        ("kinesis", "NoSuchService"),
    ] {
        let url = if service == "dynamodb" { &local.served.dynamodb } else { &local.served.streams };
        let address = url.trim_start_matches("http://");
        let call = Call::operation(target, &json!({}));
        let reply = call.signed(address, &Signer::new(&local.served.keys, service)).send(address);
        assert_refused(
            service,
            &reply,
            400,
            "UnknownOperationException",
            target.split('.').next_back().unwrap(),
        );
    }
    let address = local.served.streams.trim_start_matches("http://");
    let signer = Signer::new(&local.served.keys, "lambda");
    let concurrency = format!("/2017-10-31/functions/{UPSERTER}/concurrency");
    for (method, path) in
        [("GET", "/2015-03-31/functions"), ("PATCH", &concurrency), ("GET", "/2099-01-01/x")]
    {
        let reply = Call::rest(method, path, "").signed(address, &signer).send(address);
        assert_refused("lambda", &reply, 404, "UnknownOperationException", path);
    }
    let reply = Call::rest("PUT", &concurrency, "no JSON").signed(address, &signer).send(address);
    assert_refused("lambda", &reply, 400, "InvalidRequestContentException", "not JSON");

    let mut cbor = Call::operation("Kinesis_20131202.ListStreams", &json!({}));
    cbor.headers[0].1 = "application/x-amz-cbor-1.1".to_owned();
    let reply = cbor.signed(address, &Signer::new(&local.served.keys, "kinesis")).send(address);
    assert_refused("kinesis", &reply, 400, "SerializationException", "speak JSON");
}

/// [`GetShardIterator`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html),
/// [`GetRecords`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html),
/// [`PutRecord`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html),
/// [`PutRecords`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html).
#[tokio::test(flavor = "multi_thread")]
async fn records_are_read_by_time_and_limits_are_those_of_kinesis() {
    let local = Local::start().await;
    let ask = |operation: &str, request: &Value| {
        let reply = local.operation("kinesis", &format!("Kinesis_20131202.{operation}"), request);
        serde_json::from_str::<Value>(&reply.body).unwrap()
    };
    let record =
        |data: &str| json!({"PartitionKey": "k", "Data": base64_simd::STANDARD.encode_to_string(data)});
    let put = |data: &str| {
        let mut request = record(data);
        request["StreamName"] = json!("agent-events");
        ask("PutRecord", &request)["ShardId"].as_str().unwrap().to_owned()
    };
    let shard = put("{\"first\":1}");
    let iterator = |kind: &str, timestamp: Value| {
        let request = json!({
            "StreamName": "agent-events", "ShardId": shard, "ShardIteratorType": kind, "Timestamp": timestamp,
        });
        ask("GetShardIterator", &request)
    };
    let read = |iterator: &Value, limit: Value| {
        ask("GetRecords", &json!({"ShardIterator": iterator["ShardIterator"], "Limit": limit}))
    };
    let first = read(&iterator("TRIM_HORIZON", Value::Null), Value::Null);
    let arrival = first["Records"][0]["ApproximateArrivalTimestamp"].as_f64().unwrap();
    assert!(arrival.fract() > 0.0 || read(&iterator("TRIM_HORIZON", Value::Null), json!(1))["Records"][0]["ApproximateArrivalTimestamp"].is_f64());
    let count = |timestamp: Value| {
        read(&iterator("AT_TIMESTAMP", timestamp), json!(10))["Records"].as_array().unwrap().len()
    };
    assert_eq!(count(json!(arrival)), 1);
    assert_eq!(count(json!(arrival + 0.001)), 0);
    // The CLI sends whole seconds.
    assert_eq!(count(json!(1_700_000_000)), 1);
    assert_eq!(iterator("AT_TIMESTAMP", json!("yesterday"))["__type"], "InvalidArgumentException");
    assert_eq!(iterator("SIDEWAYS", Value::Null)["__type"], "ValidationException");
    for limit in [0, 10_001] {
        assert_eq!(read(&iterator("LATEST", Value::Null), json!(limit))["__type"], "ValidationException");
    }

    let large = "x".repeat(1024 * 1024 - 1);
    let mut request = record(&(large.clone() + "xx"));
    request["StreamName"] = json!("agent-events");
    assert_eq!(ask("PutRecord", &request)["__type"], "ValidationException");
    request["Data"] = record(&(large.clone() + "x"))["Data"].clone();
    assert_eq!(ask("PutRecord", &request)["__type"], "InvalidArgumentException");
    let batch =
        |records: &[Value]| ask("PutRecords", &json!({"StreamName": "agent-events", "Records": records}));
    for _ in 0..2 {
        assert_eq!(batch(&vec![record(&large); 6])["FailedRecordCount"], 0);
    }
    assert_eq!(batch(&vec![record(&large); 11])["__type"], "InvalidArgumentException");
    assert_eq!(batch(&vec![record("x"); 501])["__type"], "ValidationException");
    assert_eq!(batch(&[])["__type"], "ValidationException");
    // A response has at most 10 MiB.
    let answer = read(&iterator("TRIM_HORIZON", Value::Null), Value::Null);
    assert_eq!(answer["Records"].as_array().unwrap().len(), 10);
    let rest = ask("GetRecords", &json!({"ShardIterator": answer["NextShardIterator"]}));
    assert_eq!(rest["Records"].as_array().unwrap().len(), 3);
    assert_eq!(rest["MillisBehindLatest"], 0);

    let mut explicit = record("{}");
    explicit["StreamName"] = json!("agent-events");
    let shards = [0, u128::MAX].map(|hash| {
        explicit["ExplicitHashKey"] = json!(hash.to_string());
        ask("PutRecord", &explicit)["ShardId"].clone()
    });
    assert_eq!(shards, ["shardId-000000000000", "shardId-000000000001"]);
    explicit["ExplicitHashKey"] = json!("all");
    assert_eq!(ask("PutRecord", &explicit)["__type"], "InvalidArgumentException");
}

/// The demo ends with the function's own message.
#[test]
fn a_demo_whose_function_cannot_start_ends_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script, words) in [
        (UPSERTER, "exec env -u AGENT_STATE_TABLE {binary}", "AGENT_STATE_TABLE is not set"),
        (UPSERTER, "echo 'cannot open libx.so' >&2; exit 127", "cannot open libx.so"),
        ("contact-record-normalizer", "PII_POLICY=nonsense exec {binary}", "PII_POLICY"),
    ] {
        for chaos in [&[][..], &["--chaos", "1"]] {
            let functions = functions_with(folder.path(), name, script);
            let begin = Instant::now();
            let mut demo = Command::new(functions_folder().join("contact-ledger"));
            demo.args(["demo", "--agents", "4", "--hours", "2"])
                .args(chaos)
                .arg("--functions")
                .arg(&functions);
            let ended = demo.arg("--output").arg(folder.path().join("out")).output().unwrap();
            let error = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(1), "{error}");
            for part in
                ["error: the function", name, words, "exited at startup", &format!("logs/{name}.jsonl")]
            {
                assert!(error.contains(part), "{error}");
            }
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        }
    }
}

#[test]
fn too_few_file_descriptors_are_reported_and_nothing_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let demo = format!(
        "ulimit -n 20; exec {} demo --agents 2 --hours 1 --output {}",
        functions_folder().join("contact-ledger").display(),
        folder.path().join("out").display()
    );
    let begin = Instant::now();
    let ended = Command::new("bash").args(["-c", &demo]).output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(
        error.starts_with("error: the local stack needs ") && error.contains("ulimit -n 1024"),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(5));
}

/// The function has run, crashed, and cannot start again. Its mapping reports that, and resumes when the function
/// can start.
#[tokio::test(flavor = "multi_thread")]
async fn a_served_stack_reports_a_function_that_cannot_restart() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let script = format!(
        "[ -e {0} ] && {{ echo 'the library is gone' >&2; exit 1; }}; exec {{binary}}",
        gone.display()
    );
    let local = Local::of(&functions_with(folder.path(), UPSERTER, &script)).await.unwrap();
    let put = |id: &str| {
        let event = json!({
            "AgentARN": "arn:aws:connect:eu-west-2:111122223333:instance/i-1/agent/a-1", "EventId": id,
            "EventTimestamp": "2026-03-02T08:00:00.000Z", "EventType": "LOGIN",
        });
        let data = base64_simd::STANDARD.encode_to_string(event.to_string());
        let request = json!({"StreamName": "agent-events", "PartitionKey": "k", "Data": data});
        assert_eq!(local.operation("kinesis", "Kinesis_20131202.PutRecord", &request).status, 200);
    };
    let done = |records: u64| (local.stack.agent_events.counters.over() >= records).then_some(());
    put("e-1");
    eventually("the first event", || done(1));
    fs::write(&gone, "").unwrap();
    for process in processes_with_files_below(local.stack.upserter.log()) {
        let id = process.file_name().unwrap().to_string_lossy().into_owned();
        Command::new("kill").args(["-9", &id]).status().unwrap();
    }
    put("e-2");
    let result = eventually("the mapping's last result", || {
        let result = local.stack.agent_events.last_result();
        result.contains("exited at startup").then_some(result)
    });
    assert!(
        result.starts_with("PROBLEM: Function call failed") && result.contains("the library is gone"),
        "{result}"
    );
    fs::remove_file(&gone).unwrap();
    eventually("the second event", || done(2));
    assert_eq!(local.stack.agent_events.last_result(), "OK");
}

#[test]
fn every_kind_of_fault_is_injected_into_every_part_of_a_small_demo() {
    for seed in ["1", "3"] {
        let folder = tempfile::tempdir().unwrap();
        let mut demo = Command::new(functions_folder().join("contact-ledger"));
        demo.args(["demo", "--agents", "4", "--hours", "2", "--chaos", seed, "--output"]);
        let ended = demo.arg(folder.path().join("out")).output().unwrap();
        let shown = String::from_utf8(ended.stdout).unwrap();
        assert!(
            shown.contains("match the input records exactly") && shown.contains("Injected faults"),
            "{shown}"
        );
        let summary = fs::read(folder.path().join("out/summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        let parts = summary["injected_faults"].as_object().unwrap();
        let counts: Vec<_> = parts.values().flat_map(|kinds| kinds.as_object().unwrap().values()).collect();
        assert_eq!((parts.len(), counts.len()), (9, 20), "{summary}");
        assert!(counts.iter().all(|count| count.as_u64() > Some(0)), "seed {seed}: {shown}");
    }
}

/// A folder with the functions, one of them replaced by a script.
fn functions_with(folder: &Path, name: &str, script: &str) -> std::path::PathBuf {
    let functions = folder.join("functions");
    let _ = fs::remove_dir_all(&functions);
    fs::create_dir(&functions).unwrap();
    for function in ["contact-record-normalizer", UPSERTER, CONTACT_EVENT_UPSERTER] {
        let binary = functions_folder().join(function);
        if function == name {
            executable(&functions.join(function), &script.replace("{binary}", &binary.to_string_lossy()));
        } else {
            std::os::unix::fs::symlink(binary, functions.join(function)).unwrap();
        }
    }
    functions
}

fn executable(file: &Path, script: &str) {
    fs::write(file, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn function(binary: std::path::PathBuf, log: std::path::PathBuf) -> Function {
    let settings = FunctionSettings {
        name: "function",
        binary,
        environment: std::collections::BTreeMap::new(),
        timeout: Duration::from_mins(1),
        memory_megabytes: 256,
        keys: Keys::random(),
        log,
        crashes: None,
    };
    Function::new(settings).unwrap()
}

/// Waits for a value, a minute at most.
fn eventually<T>(expected: &str, found: impl Fn() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{expected} did not appear within a minute")
}
