//! A bucket: its objects with their versions, and the rules of writing and deleting.
//!
//! The current version of an ordinary key is the visible file; all other versions are hidden. Other programs also use the
//! folder. Before every operation on a key its file is checked, and a file that appeared, changed or vanished counts as a
//! write or delete by another program.
//!
//! Source: [How S3 Versioning works](https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html),
//! [Working with delete markers](https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html),
//! [Adding objects to versioning-suspended buckets](https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html)
//! (S3 User Guide).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use s3s::dto::{Checksum, Tag, Timestamp};
use s3s::{S3Result, s3_error};

use super::conditions::{Existing, with_headers};
use super::disk::{BucketFolder, Hidden, HiddenFolder, Stamp};
use super::errors::{broken, no_such_key};
use super::headers::{DELETE_MARKER, Headers, VERSION_ID};
use super::multipart::Upload;
use super::object::NewObject;
use super::policy::Policy;
use super::time;

/// The ID of a version that was written without versioning.
pub(super) const NULL: &str = "null";

/// Whether the bucket keeps overwritten and deleted objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

/// A bucket and everything in it.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: Timestamp,
    pub(super) versioning: Versioning,
    pub(super) policy: Option<Policy>,
    /// Whether the bucket was deleted. Requests that still hold it must not write.
    pub(super) is_deleted: bool,
    /// By key and upload ID.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
    /// Versions by key. The last one is current. Never empty.
    objects: BTreeMap<String, Vec<Version>>,
    folder: BucketFolder,
    hidden: Arc<HiddenFolder>,
}

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) modified: Timestamp,
    /// `None` for a delete marker.
    pub(super) object: Option<Object>,
}

/// An object's metadata, and the place of its bytes.
#[derive(Debug, Clone)]
pub(super) struct Object {
    body: Body,
    pub(super) size: u64,
    /// `None` for a file that another program wrote, until it is first needed.
    pub(super) etag: Option<String>,
    pub(super) headers: Arc<Headers>,
    pub(super) tags: Vec<Tag>,
    pub(super) checksum: Checksum,
    /// The sizes of the parts of a multipart upload.
    pub(super) parts: Arc<[u64]>,
}

/// The place of an object's bytes.
#[derive(Debug, Clone)]
enum Body {
    Plain(Stamp),
    Hidden(Arc<Hidden>),
}

/// The result of a delete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Deleted {
    /// Whether a delete marker was created or removed.
    pub(super) delete_marker: bool,
    /// The version that was created or removed, in a versioned bucket.
    pub(super) version_id: Option<String>,
}

impl Bucket {
    pub(super) fn new(folder: BucketFolder, hidden: Arc<HiddenFolder>) -> Self {
        Self {
            created: time::now(),
            versioning: Versioning::Never,
            policy: None,
            is_deleted: false,
            uploads: BTreeMap::new(),
            objects: BTreeMap::new(),
            folder,
            hidden,
        }
    }

    /// The version ID in a response; `None` if the bucket never had versioning.
    pub(super) fn shown(&self, id: &str) -> Option<String> {
        (self.versioning != Versioning::Never).then(|| id.to_owned())
    }

    /// The current object of a key, for the conditions of a write.
    pub(super) fn existing(&mut self, key: &str) -> Existing {
        self.refresh(key);
        let current = self.objects.get(key).and_then(|versions| versions.last());
        match current.and_then(|version| version.object.as_ref()) {
            None => Existing::Nothing,
            Some(object) => object.etag.clone().map_or(Existing::Unknown, Existing::Object),
        }
    }

    /// The version with this ID, or the current one.
    pub(super) fn find(&mut self, key: &str, id: Option<&str>) -> S3Result<&mut Version> {
        self.refresh(key);
        let has_versions = self.versioning != Versioning::Never;
        let versions = self.objects.get_mut(key).map(Vec::as_mut_slice).unwrap_or_default();
        let Some(id) = id else {
            return match versions.last_mut() {
                None => Err(no_such_key()),
                Some(Version { object: None, id, .. }) => {
                    let headers = [(DELETE_MARKER, "true".to_owned()), (VERSION_ID, id.clone())];
                    Err(with_headers(no_such_key(), headers))
                }
                Some(current) => Ok(current),
            };
        };
        check_version_id(id)?;
        match versions.iter_mut().find(|version| version.id == id) {
            // The only version in a bucket without versioning.
            None if !has_versions && id == NULL => Err(no_such_key()),
            None => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
            Some(Version { object: None, .. }) => {
                let headers = [(DELETE_MARKER, "true".to_owned()), (VERSION_ID, id.to_owned())];
                Err(with_headers(s3_error!(MethodNotAllowed, "the version is a delete marker"), headers))
            }
            Some(version) => Ok(version),
        }
    }

    /// Opens an object. The file stays readable even if the object is overwritten or deleted.
    pub(super) fn open(&mut self, key: &str, id: Option<&str>) -> S3Result<(Version, Object, File)> {
        let version = self.find(key, id)?.clone();
        let object = version.object.clone().ok_or_else(no_such_key)?;
        let file = match &object.body {
            Body::Plain(_) => self.folder.open(key),
            Body::Hidden(hidden) => File::open(&hidden.path),
        };
        Ok((version, object, file.map_err(broken)?))
    }

    /// Stores the `ETag` of a file that another program wrote, if the file is unchanged.
    pub(super) fn set_etag(&mut self, key: &str, of: &Object, etag: &str) {
        let Body::Plain(stamp) = of.body else { return };
        let current = self.objects.get_mut(key).and_then(|versions| versions.last_mut());
        if let Some(Version { object: Some(object), .. }) = current
            && matches!(object.body, Body::Plain(there) if there == stamp)
        {
            object.etag = Some(etag.to_owned());
        }
    }

    /// Writes an object. A reader sees either the old object or the new one.
    pub(super) fn write(&mut self, key: &str, new: NewObject) -> io::Result<Version> {
        self.refresh(key);
        let kept = self.keep_current(key)?;
        let placed = self.folder.move_in(key, &new.file)?;
        self.replace_body(key, kept);
        let NewObject { file, size, etag, headers, tags, checksum, parts } = new;
        let body = placed.map_or_else(|| Body::Hidden(file), Body::Plain);
        let object = Object { body, size, etag: Some(etag), headers, tags, checksum, parts };
        Ok(self.push(key, time::now(), Some(object)))
    }

    /// Deletes an object, or one version of it.
    pub(super) fn delete(&mut self, key: &str, id: Option<&str>) -> S3Result<Deleted> {
        self.refresh(key);
        match id {
            Some(id) => self.delete_version(key, id),
            None if self.versioning == Versioning::Never => {
                self.delete_version(key, NULL)?;
                Ok(Deleted::default())
            }
            None => {
                let kept = self.keep_current(key).map_err(broken)?;
                if self.current_is_plain(key) {
                    self.folder.remove(key).map_err(broken)?;
                }
                self.replace_body(key, kept);
                let marker = self.push(key, time::now(), None);
                Ok(Deleted { delete_marker: true, version_id: Some(marker.id) })
            }
        }
    }

    fn delete_version(&mut self, key: &str, id: &str) -> S3Result<Deleted> {
        check_version_id(id)?;
        let mut deleted = Deleted { delete_marker: false, version_id: self.shown(id) };
        let Some(versions) = self.objects.get_mut(key) else { return Ok(deleted) };
        let Some(place) = versions.iter().position(|version| version.id == id) else { return Ok(deleted) };
        let is_current = place + 1 == versions.len();
        if let Some(Object { body: Body::Plain(_), .. }) = &versions[place].object {
            self.folder.remove(key).map_err(broken)?;
        }
        deleted.delete_marker = versions.remove(place).object.is_none();
        if versions.is_empty() {
            self.objects.remove(key);
        } else if is_current {
            self.show_current(key).map_err(broken)?;
        }
        Ok(deleted)
    }

    /// Whether the bucket has no version of any object.
    pub(super) fn is_empty(&mut self) -> io::Result<bool> {
        self.refresh_below("")?;
        Ok(self.objects.is_empty())
    }

    /// Removes the folder, which must not contain a file.
    pub(super) fn remove_folder(&self) -> io::Result<()> {
        self.folder.remove_all()
    }

    /// The keys with this prefix from `after` on, in order, with their versions. The current version is the last.
    pub(super) fn keys(
        &mut self,
        prefix: &str,
        after: Option<&str>,
    ) -> io::Result<impl Iterator<Item = (&str, &[Version])>> {
        self.refresh_below(prefix)?;
        Ok(self.known(prefix, after))
    }

    fn known<'a>(
        &'a self,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a [Version])> + use<'a> {
        let from = match after.filter(|after| *after >= prefix) {
            Some(after) => Bound::Included(after),
            None => Bound::Included(prefix),
        };
        let prefix = prefix.to_owned();
        self.objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(key, versions)| (key.as_str(), versions.as_slice()))
    }

    /// Keeps the bytes of the current object in a hidden file, if its file will be replaced but its version stays.
    fn keep_current(&self, key: &str) -> io::Result<Option<Hidden>> {
        let current = self.objects.get(key).and_then(|versions| versions.last());
        let stays = |version: &Version| self.versioning == Versioning::Enabled || version.id != NULL;
        match current {
            Some(version) if stays(version) && self.current_is_plain(key) => {
                self.folder.keep(key, &self.hidden).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn current_is_plain(&self, key: &str) -> bool {
        let current = self.objects.get(key).and_then(|versions| versions.last());
        current.is_some_and(|version| matches!(&version.object, Some(Object { body: Body::Plain(_), .. })))
    }

    fn replace_body(&mut self, key: &str, kept: Option<Hidden>) {
        let current = self.objects.get_mut(key).and_then(|versions| versions.last_mut());
        if let (Some(kept), Some(Version { object: Some(object), .. })) = (kept, current) {
            object.body = Body::Hidden(Arc::new(kept));
        }
    }

    /// Moves the bytes of the new current version to the visible file.
    fn show_current(&mut self, key: &str) -> io::Result<()> {
        let current = self.objects.get_mut(key).and_then(|versions| versions.last_mut());
        if let Some(Version { object: Some(object), .. }) = current
            && let Body::Hidden(hidden) = &object.body
            && let Some(stamp) = self.folder.move_in(key, hidden)?
        {
            object.body = Body::Plain(stamp);
        }
        Ok(())
    }

    /// Adds a version. Unless versioning is enabled, it replaces the null version.
    fn push(&mut self, key: &str, modified: Timestamp, object: Option<Object>) -> Version {
        let versions = self.objects.entry(key.to_owned()).or_default();
        let id = if self.versioning == Versioning::Enabled {
            uuid::Uuid::new_v4().simple().to_string()
        } else {
            versions.retain(|version| version.id != NULL);
            NULL.to_owned()
        };
        let version = Version { id, modified, object };
        versions.push(version.clone());
        version
    }

    fn refresh(&mut self, key: &str) {
        let seen = self.folder.stamp(key);
        self.reconcile(key, seen);
    }

    fn refresh_below(&mut self, prefix: &str) -> io::Result<()> {
        let mut seen = self.folder.below(prefix)?;
        let known: Vec<String> = self.known(prefix, None).map(|(key, _)| key.to_owned()).collect();
        for key in known {
            let seen = seen.remove(&key);
            self.reconcile(&key, seen);
        }
        for (key, stamp) in seen {
            self.reconcile(&key, Some(stamp));
        }
        Ok(())
    }

    /// Updates a key's versions to match the file that was seen.
    fn reconcile(&mut self, key: &str, seen: Option<Stamp>) {
        let current = self.objects.get(key).and_then(|versions| versions.last());
        let held = match current.and_then(|version| version.object.as_ref()) {
            Some(Object { body: Body::Plain(stamp), .. }) => Some(*stamp),
            _ => None,
        };
        if held == seen {
            return;
        }
        if held.is_some() {
            self.forget_current(key);
        }
        match seen {
            Some(stamp) => {
                self.push(key, time::of(stamp.modified), Some(Object::written_by_others(stamp)));
            }
            // The file was deleted. An older version must not become current because of that.
            None if self
                .objects
                .get(key)
                .is_some_and(|rest| rest.last().is_some_and(|it| it.object.is_some())) =>
            {
                self.push(key, time::now(), None);
            }
            None => {}
        }
    }

    fn forget_current(&mut self, key: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.pop();
            if versions.is_empty() {
                self.objects.remove(key);
            }
        }
    }
}

impl Object {
    fn written_by_others(stamp: Stamp) -> Self {
        Self {
            body: Body::Plain(stamp),
            size: stamp.size,
            etag: None,
            headers: Arc::default(),
            tags: Vec::new(),
            checksum: Checksum::default(),
            parts: Arc::default(),
        }
    }
}

fn check_version_id(id: &str) -> S3Result<()> {
    let is_own = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_own || id == NULL {
        Ok(())
    } else {
        Err(s3_error!(InvalidArgument, "Invalid version id specified"))
    }
}
