//! Listings of objects and of versions.

use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object as ObjectOutput, ObjectStorageClass,
    ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::super::body::md5_of;
use super::super::bucket::{Object, Version};
use super::super::listing::{Encoding, Last, Page, Query, limit};
use super::super::{Folder, SharedBucket, broken, lock};
use super::{length, owner, strong};

/// A version of a key in a listing.
struct Listed {
    key: String,
    version: Version,
    is_latest: bool,
    /// Empty for a delete marker.
    etag: String,
}

impl Folder {
    /// A page of versions: those that `select` returns for each key, in its order.
    async fn listed(
        &self,
        bucket: &SharedBucket,
        query: Query,
        select: impl Fn(&str, &[Version]) -> Vec<Listed> + Send + 'static,
    ) -> S3Result<Page<Listed>> {
        let shared = bucket.clone();
        // A bucket with many files takes a while.
        let page = tokio::task::spawn_blocking(move || {
            let mut bucket = lock(&shared);
            let keys = bucket.keys(&query.prefix, query.marker.as_deref()).map_err(broken)?;
            let entries = keys.flat_map(|(key, versions)| {
                select(key, versions).into_iter().map(move |listed| (key, listed))
            });
            Ok::<_, s3s::S3Error>(query.page(entries))
        });
        let mut page: Page<Listed> = page.await.map_err(|_| s3_error!(InternalError))??;
        let mut entries = Vec::with_capacity(page.entries.len());
        for mut listed in page.entries {
            let known = match &listed.version.object {
                Some(object) => match &object.etag {
                    Some(etag) => Some(etag.clone()),
                    None => self.computed_etag(bucket, &listed.key, object).await?,
                },
                None => Some(String::new()),
            };
            // An object that has vanished in the meantime is not listed.
            if let Some(etag) = known {
                listed.etag = etag;
                entries.push(listed);
            }
        }
        page.entries = entries;
        Ok(page)
    }

    /// Computes the `ETag` of a file that another program wrote.
    async fn computed_etag(
        &self,
        bucket: &SharedBucket,
        key: &str,
        object: &Object,
    ) -> S3Result<Option<String>> {
        let Ok((_, _, file)) = lock(bucket).open(key, None) else { return Ok(None) };
        let (_, etag) = md5_of(file).await?;
        lock(bucket).set_etag(key, object, &etag);
        Ok(Some(etag))
    }

    async fn current(&self, bucket: &str, query: Query) -> S3Result<Page<Listed>> {
        let bucket = self.bucket(bucket)?;
        let marker = query.marker.clone();
        let select = move |key: &str, versions: &[Version]| {
            let current = versions.last().filter(|version| version.object.is_some());
            let current = current.filter(|_| marker.as_deref().is_none_or(|marker| key > marker));
            current.map(|version| Listed::new(key, version, true)).into_iter().collect()
        };
        self.listed(&bucket, query, select).await
    }

    pub(super) async fn list_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max_keys = limit(input.max_keys, "max-keys")?;
        let marker = match &input.continuation_token {
            Some(token) => Some(read_token(token)?),
            None => input.start_after.clone(),
        };
        let query = Query::new(input.prefix.clone(), input.delimiter.clone(), marker, max_keys);
        let page = self.current(&input.bucket, query).await?;
        let with_owner = input.fetch_owner == Some(true);
        let contents: Vec<_> =
            page.entries.iter().map(|listed| listed.as_object(&encoding, with_owner)).collect();
        let count = contents.len() + page.common_prefixes.len();
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
            contents: Some(contents),
            common_prefixes: common_prefixes(&page.common_prefixes, &encoding),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.map(|last| token(last.name())),
            continuation_token: input.continuation_token,
            name: Some(input.bucket),
            prefix: Some(encoding.of_key(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|it| encoding.of_key(&it)),
            start_after: input.start_after.map(|it| encoding.of_key(&it)),
            max_keys: Some(max_keys),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }

    pub(super) async fn list_v1(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max_keys = limit(input.max_keys, "max-keys")?;
        let query = Query::new(input.prefix.clone(), input.delimiter.clone(), input.marker.clone(), max_keys);
        // Without a delimiter, the last key is the next marker, and S3 omits it.
        let names_next = query.delimiter.is_some();
        let page = self.current(&input.bucket, query).await?;
        Ok(S3Response::new(ListObjectsOutput {
            contents: Some(page.entries.iter().map(|listed| listed.as_object(&encoding, true)).collect()),
            common_prefixes: common_prefixes(&page.common_prefixes, &encoding),
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next.filter(|_| names_next).map(|last| encoding.of_key(last.name())),
            name: Some(input.bucket),
            prefix: Some(encoding.of_key(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|it| encoding.of_key(&it)),
            marker: Some(encoding.of_key(&input.marker.unwrap_or_default())),
            max_keys: Some(max_keys),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }

    pub(super) async fn list_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        let max_keys = limit(input.max_keys, "max-keys")?;
        let (marker, id_marker) =
            (input.key_marker.clone(), input.version_id_marker.clone().filter(|id| !id.is_empty()));
        if id_marker.is_some() && marker.is_none() {
            return Err(s3_error!(
                InvalidArgument,
                "A version-id marker cannot be specified without a key marker."
            ));
        }
        let query = Query::new(input.prefix.clone(), input.delimiter.clone(), marker.clone(), max_keys);
        let select = move |key: &str, versions: &[Version]| {
            let newest_first = versions.iter().enumerate().rev();
            let listed =
                newest_first.map(|(place, version)| Listed::new(key, version, place + 1 == versions.len()));
            match (&marker, &id_marker) {
                (Some(marker), _) if key < marker.as_str() => Vec::new(),
                (Some(marker), None) if key == marker => Vec::new(),
                (Some(marker), Some(id)) if key == marker => {
                    listed.skip_while(|it| it.version.id != *id).skip(1).collect()
                }
                _ => listed.collect(),
            }
        };
        let bucket = self.bucket(&input.bucket)?;
        let page = self.listed(&bucket, query, select).await?;
        let last_id = page.entries.last().map(|listed| listed.version.id.clone());
        let (versions, markers): (Vec<_>, Vec<_>) =
            page.entries.iter().partition(|listed| listed.version.object.is_some());
        Ok(S3Response::new(ListObjectVersionsOutput {
            versions: Some(versions.into_iter().map(|listed| listed.as_version(&encoding)).collect()),
            delete_markers: Some(
                markers.into_iter().map(|listed| listed.as_delete_marker(&encoding)).collect(),
            ),
            common_prefixes: common_prefixes(&page.common_prefixes, &encoding),
            is_truncated: Some(page.next.is_some()),
            next_version_id_marker: last_id.filter(|_| matches!(page.next, Some(Last::Entry(_)))),
            next_key_marker: page.next.map(|last| encoding.of_key(last.name())),
            name: Some(input.bucket),
            prefix: Some(encoding.of_key(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|it| encoding.of_key(&it)),
            key_marker: Some(encoding.of_key(&input.key_marker.unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            max_keys: Some(max_keys),
            encoding_type: input.encoding_type,
            request_charged: None,
        }))
    }
}

impl Listed {
    fn new(key: &str, version: &Version, is_latest: bool) -> Self {
        Self { key: key.to_owned(), version: version.clone(), is_latest, etag: String::new() }
    }

    fn class(&self) -> String {
        let object = self.version.object.as_ref();
        object.map(|object| object.headers.storage_class().as_str().to_owned()).unwrap_or_default()
    }

    fn size(&self) -> Option<i64> {
        self.version.object.as_ref().map(|object| length(object.size))
    }

    fn as_object(&self, encoding: &Encoding, with_owner: bool) -> ObjectOutput {
        ObjectOutput {
            key: Some(encoding.of_key(&self.key)),
            e_tag: Some(strong(self.etag.clone())),
            last_modified: Some(self.version.modified.clone()),
            owner: with_owner.then(owner),
            size: self.size(),
            storage_class: Some(ObjectStorageClass::from(self.class())),
            ..ObjectOutput::default()
        }
    }

    fn as_version(&self, encoding: &Encoding) -> ObjectVersion {
        ObjectVersion {
            key: Some(encoding.of_key(&self.key)),
            version_id: Some(self.version.id.clone()),
            is_latest: Some(self.is_latest),
            e_tag: Some(strong(self.etag.clone())),
            last_modified: Some(self.version.modified.clone()),
            owner: Some(owner()),
            size: self.size(),
            storage_class: Some(ObjectVersionStorageClass::from(self.class())),
            ..ObjectVersion::default()
        }
    }

    fn as_delete_marker(&self, encoding: &Encoding) -> DeleteMarkerEntry {
        DeleteMarkerEntry {
            key: Some(encoding.of_key(&self.key)),
            version_id: Some(self.version.id.clone()),
            is_latest: Some(self.is_latest),
            last_modified: Some(self.version.modified.clone()),
            owner: Some(owner()),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the field of the output is an option")]
pub(super) fn common_prefixes(prefixes: &[String], encoding: &Encoding) -> Option<Vec<CommonPrefix>> {
    Some(prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encoding.of_key(prefix)) }).collect())
}

/// The continuation token for the next page.
fn token(last: &str) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(last)
}

fn read_token(token: &str) -> S3Result<String> {
    let last =
        base64_simd::URL_SAFE_NO_PAD.decode_to_vec(token).ok().and_then(|last| String::from_utf8(last).ok());
    last.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
