//! Tests of the store: against a reference model, and for what the model does not cover.

use std::fs;

use axum::http::Method;
use futures::StreamExt;
use proptest::prelude::*;
use s3s::dto::{self, StreamingBlob};
use s3s::{S3, S3Request, S3Result};
use tempfile::TempDir;

use super::*;
use lake_files::files_below;

mod against_a_model;

/// A store with one bucket, in a folder with other files that must not change.
struct Bench {
    above: TempDir,
    store: Folder,
}

impl Bench {
    fn new() -> Self {
        let above = tempfile::tempdir().unwrap();
        let root = above.path().join("output");
        fs::create_dir(&root).unwrap();
        for (place, content) in [("above", "1"), ("output/x", "2"), ("output/lake2", "3")] {
            fs::write(above.path().join(place), content).unwrap();
        }
        let store = Folder::open(&root).unwrap();
        store.create_bucket("lake").unwrap();
        Self { above, store }
    }

    fn bucket(&self) -> PathBuf {
        self.above.path().join("output/lake")
    }

    /// Every file outside the bucket and the store's own folder.
    fn neighbors(&self) -> Vec<(PathBuf, String)> {
        let all = files_below(self.above.path()).unwrap().into_iter();
        let root = self.above.path().join("output");
        let outside =
            all.filter(|file| !file.starts_with(root.join("lake")) && !file.starts_with(root.join(".s3")));
        let mut outside: Vec<_> =
            outside.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect();
        outside.sort();
        outside
    }

    async fn put(&self, key: &str, body: &[u8]) -> Option<String> {
        let input = dto::PutObjectInput { body: Some(blob(body)), ..put_input(key) };
        self.store.put_object(request(input)).await.unwrap().output.version_id
    }

    async fn get(&self, key: &str, version_id: Option<String>) -> S3Result<Vec<u8>> {
        let input = dto::GetObjectInput { version_id, ..get_input(key) };
        let output = self.store.get_object(request(input)).await?.output;
        let pieces: Vec<_> = output.body.unwrap().collect().await;
        let body: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
        assert_eq!(output.content_length, i64::try_from(body.len()).ok());
        Ok(body)
    }

    async fn delete(&self, key: &str, version_id: Option<String>) -> dto::DeleteObjectOutput {
        let input = dto::DeleteObjectInput { version_id, ..delete_input(key) };
        self.store.delete_object(request(input)).await.unwrap().output
    }

    async fn keys(&self) -> Vec<String> {
        let input = dto::ListObjectsV2Input { bucket: "lake".into(), ..Default::default() };
        let output = self.store.list_objects_v2(request(input)).await.unwrap().output;
        output.contents.unwrap().into_iter().map(|object| object.key.unwrap()).collect()
    }
}

fn request<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: Method::GET,
        uri: axum::http::Uri::default(),
        headers: axum::http::HeaderMap::default(),
        extensions: axum::http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

fn blob(body: &[u8]) -> StreamingBlob {
    StreamingBlob::wrap(stream::iter([io::Result::Ok(Bytes::copy_from_slice(body))]))
}

fn put_input(key: &str) -> dto::PutObjectInput {
    dto::PutObjectInput { bucket: "lake".into(), key: key.into(), ..Default::default() }
}

fn get_input(key: &str) -> dto::GetObjectInput {
    dto::GetObjectInput { bucket: "lake".into(), key: key.into(), ..Default::default() }
}

fn delete_input(key: &str) -> dto::DeleteObjectInput {
    dto::DeleteObjectInput { bucket: "lake".into(), key: key.into(), ..Default::default() }
}

fn code<T>(result: S3Result<T>) -> String {
    result.err().map(|error| error.code().as_str().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn an_ordinary_object_is_a_file_and_an_odd_one_is_not() {
    let bench = Bench::new();
    bench.put("a/b.json", b"1").await;
    bench.put("../x", b"2").await;
    bench.put("a", b"3").await;
    bench.put("a/.b", b"4").await;
    let files = files_below(&bench.bucket()).unwrap();
    assert_eq!(files, [bench.bucket().join("a/b.json")]);
    assert_eq!(fs::read(&files[0]).unwrap(), b"1");
    assert_eq!(bench.keys().await, ["../x", "a", "a/.b", "a/b.json"]);
}

#[tokio::test]
async fn a_folder_is_not_an_object() {
    let bench = Bench::new();
    bench.put("a/b", b"1").await;
    assert_eq!(code(bench.get("a", None).await), "NoSuchKey");
    assert_eq!(code(bench.get("a/", None).await), "NoSuchKey");
    bench.delete("a/b", None).await;
    assert!(!bench.bucket().join("a").exists(), "the empty folder is still there");
    bench.put("a", b"2").await;
    assert!(bench.bucket().join("a").is_file());
}

#[tokio::test]
async fn files_that_other_programs_add_or_delete_count_as_objects() {
    let bench = Bench::new();
    fs::create_dir_all(bench.bucket().join("day=1")).unwrap();
    fs::write(bench.bucket().join("day=1/rows"), "rows").unwrap();
    fs::write(bench.bucket().join("day=1/.rows.partial"), "ro").unwrap();
    assert_eq!(bench.keys().await, ["day=1/rows"]);
    assert_eq!(bench.get("day=1/rows", None).await.unwrap(), b"rows");
    let head = bench.store.head_object(request(dto::HeadObjectInput {
        bucket: "lake".into(),
        key: "day=1/rows".into(),
        ..Default::default()
    }));
    let etag = head.await.unwrap().output.e_tag.unwrap();
    assert_eq!(etag.value(), "df347a373b8f92aa0ae3dd920a5ec2f6", "md5sum of `rows`");
    fs::remove_file(bench.bucket().join("day=1/rows")).unwrap();
    assert_eq!(code(bench.get("day=1/rows", None).await), "NoSuchKey");
    assert!(bench.keys().await.is_empty());
}

#[tokio::test]
async fn symbolic_links_are_not_followed() {
    let bench = Bench::new();
    let before = bench.neighbors();
    std::os::unix::fs::symlink(bench.above.path(), bench.bucket().join("up")).unwrap();
    std::os::unix::fs::symlink(bench.above.path().join("above"), bench.bucket().join("link")).unwrap();
    assert!(bench.keys().await.is_empty());
    for key in ["up/above", "link", "up/output/x"] {
        assert_eq!(code(bench.get(key, None).await), "NoSuchKey", "{key}");
        bench.put(key, b"mine").await;
        assert_eq!(bench.get(key, None).await.unwrap(), b"mine");
        bench.delete(key, None).await;
    }
    bench.put("up/new/deep", b"mine").await;
    assert_eq!(bench.neighbors(), before);
    assert!(bench.bucket().join("link").is_symlink() && bench.bucket().join("up").is_symlink());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_many_concurrent_creates_succeeds() {
    let bench = Arc::new(Bench::new());
    for round in 0..20 {
        // No body arrives before all writers have started to read theirs.
        let started = Arc::new(tokio::sync::Barrier::new(8));
        let writers = (0..8).map(|writer| {
            let (bench, started) = (bench.clone(), started.clone());
            let body = stream::once(async move {
                started.wait().await;
                io::Result::Ok(Bytes::from(format!("{writer}")))
            });
            tokio::spawn(async move {
                let input = dto::PutObjectInput {
                    body: Some(StreamingBlob::wrap(body)),
                    if_none_match: Some(dto::ETagCondition::Any),
                    ..put_input(&format!("first/{round}"))
                };
                bench.store.put_object(request(input)).await.is_ok().then_some(writer)
            })
        });
        let results = futures::future::join_all(writers).await;
        let winners: Vec<_> = results.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        assert_eq!(
            bench.get(&format!("first/{round}"), None).await.unwrap(),
            winners[0].to_string().as_bytes()
        );
    }
}

#[tokio::test]
async fn the_file_is_always_the_current_version() {
    let bench = Bench::new();
    bench.store.enable_versioning("lake").unwrap();
    let file = bench.bucket().join("a/b");
    bench.put("a/b", b"1").await;
    let second = bench.put("a/b", b"2").await;
    let marker = bench.delete("a/b", None).await.version_id;
    assert!(!file.exists());
    bench.delete("a/b", marker).await;
    assert_eq!(fs::read(&file).unwrap(), b"2");
    bench.delete("a/b", second).await;
    assert_eq!(fs::read(&file).unwrap(), b"1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_sees_a_partial_write() {
    let bench = Arc::new(Bench::new());
    bench.store.enable_versioning("lake").unwrap();
    let body = |number: u8| vec![number; 100_000];
    bench.put("x", &body(0)).await;
    let writer = {
        let bench = bench.clone();
        tokio::spawn(async move {
            for number in 1..50 {
                bench.put("x", &body(number)).await;
            }
        })
    };
    while !writer.is_finished() {
        let read = bench.get("x", None).await.unwrap();
        assert_eq!(read, body(read[0]));
        let file = fs::read(bench.bucket().join("x")).unwrap();
        assert_eq!(file, body(file[0]));
    }
}

#[tokio::test]
async fn an_incomplete_or_wrong_body_changes_nothing() {
    let bench = Bench::new();
    bench.put("x", b"before").await;
    let pieces = [Ok(Bytes::from_static(b"half")), Err(io::Error::other("broken"))];
    let input =
        dto::PutObjectInput { body: Some(StreamingBlob::wrap(stream::iter(pieces))), ..put_input("x") };
    assert_eq!(code(bench.store.put_object(request(input)).await), "IncompleteBody");
    let input = dto::PutObjectInput {
        body: Some(blob(b"other")),
        content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".into()),
        ..put_input("x")
    };
    assert_eq!(code(bench.store.put_object(request(input)).await), "BadDigest");
    assert_eq!(bench.get("x", None).await.unwrap(), b"before");
    assert!(files_below(&bench.above.path().join("output/.s3")).unwrap().is_empty());
}

#[tokio::test]
async fn hidden_files_are_deleted_with_the_store() {
    let bench = Bench::new();
    bench.store.enable_versioning("lake").unwrap();
    bench.put("..", b"1").await;
    bench.put("a", b"2").await;
    bench.put("a", b"3").await;
    let hidden = bench.above.path().join("output/.s3");
    assert_eq!(files_below(&hidden).unwrap().len(), 2);
    let Bench { above, store } = bench;
    drop(store);
    assert!(!hidden.exists());
    assert_eq!(fs::read(above.path().join("output/lake/a")).unwrap(), b"3");
}

#[tokio::test]
async fn invalid_names_and_missing_buckets_are_refused() {
    let bench = Bench::new();
    for name in ["..", "a", "Lake", "lake/x", "", "192.168.0.1", ".s3"] {
        assert_eq!(
            bench.store.create_bucket(name).unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{name}"
        );
    }
    assert_eq!(bench.store.put("none", "a", b"1").await.unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(bench.store.put("lake", "", b"1").await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

async fn upload(bench: &Bench, key: &str, parts: &[Vec<u8>]) -> (String, Vec<dto::CompletedPart>) {
    let input =
        dto::CreateMultipartUploadInput::builder().bucket("lake".into()).key(key.into()).build().unwrap();
    let id = bench.store.create_multipart_upload(request(input)).await.unwrap().output.upload_id.unwrap();
    let mut done = Vec::new();
    for (number, body) in (1..).zip(parts) {
        let mut input = dto::UploadPartInput::builder()
            .bucket("lake".into())
            .key(key.into())
            .part_number(number)
            .upload_id(id.clone())
            .build()
            .unwrap();
        input.body = Some(blob(body));
        let e_tag = bench.store.upload_part(request(input)).await.unwrap().output.e_tag;
        done.push(dto::CompletedPart { e_tag, part_number: Some(number), ..Default::default() });
    }
    (id, done)
}

async fn complete(bench: &Bench, key: &str, id: &str, parts: Vec<dto::CompletedPart>) -> S3Result<String> {
    let input = dto::CompleteMultipartUploadInput {
        bucket: "lake".into(),
        key: key.into(),
        upload_id: id.into(),
        multipart_upload: Some(dto::CompletedMultipartUpload { parts: Some(parts) }),
        ..Default::default()
    };
    let output = bench.store.complete_multipart_upload(request(input)).await?.output;
    Ok(output.e_tag.unwrap().into_value())
}

#[tokio::test]
async fn parts_become_one_object() {
    let bench = Bench::new();
    let parts = [vec![b'a'; 5 * 1024 * 1024], b"b".to_vec()];
    let (id, done) = upload(&bench, "big", &parts).await;
    assert_eq!(code(bench.get("big", None).await), "NoSuchKey");
    let mut reversed = done.clone();
    reversed.reverse();
    assert_eq!(code(complete(&bench, "big", &id, reversed).await), "InvalidPartOrder");
    let mut other = done.clone();
    other[0].e_tag.clone_from(&done[1].e_tag);
    assert_eq!(code(complete(&bench, "big", &id, other).await), "InvalidPart");
    // printf of both parts' md5sums in binary, through md5sum.
    assert_eq!(
        complete(&bench, "big", &id, done.clone()).await.unwrap(),
        "e5a8c5272b26fc10581a21089559b006-2"
    );
    assert_eq!(bench.get("big", None).await.unwrap(), parts.concat());
    assert_eq!(code(complete(&bench, "big", &id, done).await), "NoSuchUpload");
    let of_part = dto::GetObjectInput { part_number: Some(2), ..get_input("big") };
    let output = bench.store.get_object(request(of_part)).await.unwrap().output;
    assert_eq!((output.content_length, output.parts_count), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_part_that_is_too_small_is_refused_unless_it_is_the_last() {
    let bench = Bench::new();
    let (id, done) = upload(&bench, "small", &[b"a".to_vec(), b"b".to_vec()]).await;
    assert_eq!(code(complete(&bench, "small", &id, done.clone()).await), "EntityTooSmall");
    assert!(complete(&bench, "small", &id, done[1..].to_vec()).await.is_ok());
    assert_eq!(bench.get("small", None).await.unwrap(), b"b");
}

fn odd_name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("A".to_owned()),
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just(String::new()),
        Just("\0".to_owned()),
        Just("é".to_owned()),
        Just("e\u{301}".to_owned()),
        Just(".h".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("\u{7f}\n".to_owned()),
        Just("n".repeat(255)),
        Just("n".repeat(256)),
    ]
}

/// Keys that often collide: prefixes of others, keys that leave the folder, and keys too long for a file name.
fn key() -> impl Strategy<Value = String> {
    let names = proptest::collection::vec(odd_name(), 1..4).prop_map(|names| names.join("/"));
    names.prop_filter("a key has 1 to 1024 bytes", |key| key::check(key).is_ok())
}

/// A write is denied by the pattern of its key, through the API and from a service, until the policy is deleted.
#[tokio::test]
async fn a_bucket_policy_denies_writes() {
    let bench = Bench::new();
    let put_policy = async |policy: &str| {
        let input = dto::PutBucketPolicyInput {
            bucket: "lake".into(),
            policy: policy.to_owned(),
            ..Default::default()
        };
        bench.store.put_bucket_policy(request(input)).await
    };
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": ["arn:aws:s3:::lake/rows/*", "arn:aws:s3:::lake/one"]}]}"#;
    put_policy(policy).await.unwrap();
    let input = dto::GetBucketPolicyInput { bucket: "lake".into(), ..Default::default() };
    assert_eq!(
        bench.store.get_bucket_policy(request(input)).await.unwrap().output.policy.as_deref(),
        Some(policy)
    );
    for key in ["rows/day/a", "one"] {
        let denied = bench.store.put("lake", key, b"x").await.unwrap_err();
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied, "{key}");
        let denied = bench.store.put_object(request(put_input(key))).await.unwrap_err();
        assert_eq!(*denied.code(), S3ErrorCode::AccessDenied, "{key}");
    }
    bench.put("onerous", b"x").await;
    // What would have no effect is refused.
    for other in [
        policy.replace("Deny", "Allow"),
        policy.replace("PutObject", "GetObject"),
        policy.replace(r#""*","#, r#"{"AWS": "111122223333"},"#),
        policy.replace("lake/one", "other/one"),
        policy.replace(r#""Effect""#, r#""Condition": {}, "Effect""#),
        "{".to_owned(),
    ] {
        assert!(put_policy(&other).await.is_err(), "{other}");
    }
    let input = dto::DeleteBucketPolicyInput { bucket: "lake".into(), ..Default::default() };
    bench.store.delete_bucket_policy(request(input)).await.unwrap();
    bench.put("rows/day/a", b"x").await;
}
