//! Random operations on random keys: the store returns the same as a map of keys to versions.

use std::collections::BTreeMap;

use super::*;
use lake_files::files_below;

#[derive(Debug, Clone)]
enum Operation {
    Put(String, u8),
    Delete(String),
    /// The key, and the index of a version from the oldest, if it exists.
    DeleteVersion(String, usize),
    Copy(String, String),
    Versioning(bool),
    /// Writes to the folder directly, not through the store.
    WriteFile(String, u8),
    RemoveFile(String),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (key(), any::<u8>()).prop_map(|(key, body)| Operation::Put(key, body)),
        2 => key().prop_map(Operation::Delete),
        2 => (key(), 0_usize..4).prop_map(|(key, place)| Operation::DeleteVersion(key, place)),
        1 => (key(), key()).prop_map(|(from, to)| Operation::Copy(from, to)),
        1 => any::<bool>().prop_map(Operation::Versioning),
        1 => (key(), any::<u8>()).prop_map(|(key, body)| Operation::WriteFile(key, body)),
        1 => key().prop_map(Operation::RemoveFile),
    ]
}

/// Version IDs and bodies. `None` is a delete marker.
type Versions = Vec<(String, Option<Vec<u8>>)>;

#[derive(Default)]
struct Model {
    /// `None` until it is first set.
    versioning: Option<bool>,
    objects: BTreeMap<String, Versions>,
}

impl Model {
    fn push(&mut self, key: &str, id: &str, body: Option<Vec<u8>>) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        versions.retain(|(there, _)| there != id);
        versions.push((id.to_owned(), body));
    }

    fn remove(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|(there, _)| there != id);
            if versions.is_empty() {
                self.objects.remove(key);
            }
        }
    }

    fn current(&self, key: &str) -> Option<&Vec<u8>> {
        self.objects.get(key)?.last()?.1.as_ref()
    }
}

/// A unique body, so that two files with the same size and time are still different.
fn body(key: &str, number: u8, step: usize) -> Vec<u8> {
    format!("{step}:{number}:{key}").into_bytes()
}

async fn apply(bench: &Bench, model: &mut Model, step: usize, operation: &Operation) {
    match operation {
        Operation::Put(key, number) => {
            let body = body(key, *number, step);
            let id = bench.put(key, &body).await;
            assert_eq!(id.is_some(), model.versioning.is_some());
            model.push(key, &id.unwrap_or_else(|| "null".to_owned()), Some(body));
        }
        Operation::Delete(key) => {
            let deleted = bench.delete(key, None).await;
            match &deleted.version_id {
                Some(id) => model.push(key, id, None),
                None => model.remove(key, "null"),
            }
            assert_eq!(deleted.delete_marker, model.versioning.map(|_| true));
        }
        Operation::DeleteVersion(key, place) => {
            let versions = model.objects.get(key).cloned().unwrap_or_default();
            let Some((id, body)) = versions.get(*place) else { return };
            let deleted = bench.delete(key, Some(id.clone())).await;
            assert_eq!(deleted.delete_marker, body.is_none().then_some(true));
            model.remove(key, id);
        }
        Operation::Copy(from, to) => copy(bench, model, from, to).await,
        Operation::Versioning(enabled) => {
            let status = if *enabled { "Enabled" } else { "Suspended" }.to_owned();
            let mut input = dto::PutBucketVersioningInput::builder()
                .bucket("lake".into())
                .versioning_configuration(dto::VersioningConfiguration::default())
                .build()
                .unwrap();
            input.versioning_configuration.status = Some(status.into());
            bench.store.put_bucket_versioning(request(input)).await.unwrap();
            model.versioning = Some(*enabled);
        }
        Operation::WriteFile(key, number) => write_file(bench, model, key, &body(key, *number, step)).await,
        Operation::RemoveFile(key) => remove_file(bench, model, key).await,
    }
}

async fn copy(bench: &Bench, model: &mut Model, from: &str, to: &str) {
    let source = dto::CopySource::Bucket { bucket: "lake".into(), key: from.into(), version_id: None };
    let input = dto::CopyObjectInput::builder()
        .bucket("lake".into())
        .key(to.into())
        .copy_source(source)
        .build()
        .unwrap();
    let copied = bench.store.copy_object(request(input)).await;
    match model.current(from).cloned() {
        None => assert_eq!(code(copied), "NoSuchKey"),
        Some(_) if from == to => assert_eq!(code(copied), "InvalidRequest"),
        Some(body) => {
            let id = copied.unwrap().output.version_id;
            model.push(to, &id.unwrap_or_else(|| "null".to_owned()), Some(body));
        }
    }
}

/// A write by another program counts as any other write. Its version gets an ID when the store first sees it.
async fn write_file(bench: &Bench, model: &mut Model, key: &str, body: &[u8]) {
    let Some(path) = key::plain_path(key) else { return };
    let path = bench.bucket().join(path);
    let is_shown = path.is_file();
    let written = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok())
        && fs::write(&path, body).is_ok();
    if !written {
        return;
    }
    if is_shown {
        // The bytes of the overwritten version are lost.
        let (id, _) = model.objects[key].last().cloned().unwrap();
        model.remove(key, &id);
    }
    let input = dto::ListObjectVersionsInput { prefix: Some(key.to_owned()), ..versions_input() };
    let versions = bench.store.list_object_versions(request(input)).await.unwrap().output.versions.unwrap();
    let newest = versions.into_iter().find(|version| version.key.as_deref() == Some(key)).unwrap();
    model.push(key, &newest.version_id.unwrap(), Some(body.to_vec()));
}

async fn remove_file(bench: &Bench, model: &mut Model, key: &str) {
    let Some(path) = key::plain_path(key) else { return };
    if !bench.bucket().join(path).is_file() {
        return;
    }
    fs::remove_file(bench.bucket().join(path)).unwrap();
    let (id, _) = model.objects[key].last().cloned().unwrap();
    model.remove(key, &id);
    // Older versions do not become current.
    if model.current(key).is_some() {
        let input = dto::ListObjectVersionsInput { prefix: Some(key.to_owned()), ..versions_input() };
        let markers =
            bench.store.list_object_versions(request(input)).await.unwrap().output.delete_markers.unwrap();
        let newest = markers.into_iter().find(|marker| marker.key.as_deref() == Some(key)).unwrap();
        model.push(key, &newest.version_id.unwrap(), None);
    }
}

fn versions_input() -> dto::ListObjectVersionsInput {
    dto::ListObjectVersionsInput { bucket: "lake".into(), ..Default::default() }
}

/// Checks that the store has exactly the versions of the model.
async fn compare(bench: &Bench, model: &Model) {
    let output = bench.store.list_object_versions(request(versions_input())).await.unwrap().output;
    let versions = output
        .versions
        .unwrap()
        .into_iter()
        .map(|it| (it.key.unwrap(), it.version_id.unwrap(), it.is_latest.unwrap(), false));
    let markers = output
        .delete_markers
        .unwrap()
        .into_iter()
        .map(|it| (it.key.unwrap(), it.version_id.unwrap(), it.is_latest.unwrap(), true));
    let mut listed: Vec<_> = versions.chain(markers).collect();
    listed.sort();
    let expected = model.objects.iter().flat_map(|(key, versions)| {
        versions.iter().enumerate().map(move |(place, (id, body))| {
            (key.clone(), id.clone(), place + 1 == versions.len(), body.is_none())
        })
    });
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    assert_eq!(listed, expected);
    let current: Vec<_> = model.objects.keys().filter(|key| model.current(key).is_some()).cloned().collect();
    assert_eq!(bench.keys().await, current);
    for (key, versions) in &model.objects {
        for (id, body) in versions {
            match (bench.get(key, Some(id.clone())).await, body) {
                (got, None) => assert_eq!(code(got), "MethodNotAllowed"),
                (got, Some(body)) => assert_eq!(&got.unwrap(), body, "{key:?} {id}"),
            }
        }
        assert_eq!(bench.get(key, None).await.ok().as_ref(), model.current(key), "{key:?}");
        compare_below(bench, model, key).await;
        compare_below(bench, model, &format!("{key}/")).await;
    }
}

async fn compare_below(bench: &Bench, model: &Model, prefix: &str) {
    let input = dto::ListObjectsV2Input {
        bucket: "lake".into(),
        prefix: Some(prefix.to_owned()),
        ..Default::default()
    };
    let listed = bench.store.list_objects_v2(request(input)).await.unwrap().output.contents.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|object| object.key.unwrap()).collect();
    let keys = model.objects.keys().filter(|key| key.starts_with(prefix) && model.current(key).is_some());
    assert_eq!(listed, keys.cloned().collect::<Vec<_>>(), "{prefix:?}");
}

/// Checks that the folder contains current objects only.
fn compare_folder(bench: &Bench, model: &Model) {
    for file in files_below(&bench.bucket()).unwrap() {
        let key = file.strip_prefix(bench.bucket()).unwrap().to_str().unwrap().to_owned();
        assert_eq!(Some(&fs::read(&file).unwrap()), model.current(&key), "{key:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_store_behaves_like_a_map_of_keys_to_versions(operations in proptest::collection::vec(operation(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (bench, mut model) = (Bench::new(), Model::default());
            let before = bench.neighbors();
            for (step, operation) in operations.iter().enumerate() {
                apply(&bench, &mut model, step, operation).await;
            }
            compare(&bench, &model).await;
            compare_folder(&bench, &model);
            assert_eq!(bench.neighbors(), before);
        });
    }

    #[test]
    fn pages_of_any_size_add_up_to_every_key_in_byte_order(
        keys in proptest::collection::btree_set(key(), 1..20), size in 1..7, prefix in "[an./]{0,2}", folded in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            for key in &keys {
                bench.put(key, b"x").await;
            }
            let (mut found, mut token) = (Vec::new(), None);
            loop {
                let input = dto::ListObjectsV2Input {
                    bucket: "lake".into(),
                    prefix: Some(prefix.clone()),
                    delimiter: folded.then(|| "/".to_owned()),
                    max_keys: Some(size),
                    continuation_token: token,
                    ..Default::default()
                };
                let page = bench.store.list_objects_v2(request(input)).await.unwrap().output;
                assert!(page.key_count.unwrap() <= size);
                assert!(found.len() <= keys.len(), "the pages never end");
                found.extend(page.contents.unwrap().into_iter().map(|it| it.key.unwrap()));
                found.extend(page.common_prefixes.unwrap().into_iter().map(|it| it.prefix.unwrap()));
                token = page.next_continuation_token;
                if token.is_none() {
                    break;
                }
            }
            found.sort();
            let fold = |key: &String| match key[prefix.len()..].split_once('/') {
                Some((name, _)) if folded => format!("{prefix}{name}/"),
                _ => key.clone(),
            };
            let expected: std::collections::BTreeSet<_> = keys.iter().filter(|key| key.starts_with(&prefix)).map(fold).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        });
    }
}
