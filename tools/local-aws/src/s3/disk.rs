//! Files: those of ordinary keys in the bucket's folder, and hidden ones in a folder of their own.
//!
//! A file is an object only if its canonical path is the bucket's folder plus the key. So no symbolic link is followed, and
//! on a case-insensitive file system no file is found under another spelling.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::key::{is_plain_name, plain_path};
use lake_files::Note;

/// The folder of hidden files: incomplete bodies, odd keys, old versions, parts.
const HIDDEN: &str = ".s3";

/// Calls a function, if any, with every file before it is written to its final path.
#[derive(Clone, Default)]
pub(super) struct Noting(pub(super) Option<Note>);

impl Noting {
    fn note(&self, path: &Path) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |note| note(path))
    }
}

impl std::fmt::Debug for Noting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "noted" } else { "not noted" })
    }
}

/// The hidden folder of one store. It is deleted with the store.
#[derive(Debug)]
pub(super) struct HiddenFolder {
    parent: PathBuf,
    path: PathBuf,
    noting: Noting,
    files: AtomicU64,
}

impl HiddenFolder {
    pub(super) fn new(root: &Path, noting: Noting) -> Self {
        let parent = root.join(HIDDEN);
        let path = parent.join(uuid::Uuid::new_v4().simple().to_string());
        Self { parent, path, noting, files: AtomicU64::new(0) }
    }

    /// A new path for a hidden file, which is not created yet.
    pub(super) fn place(&self) -> io::Result<Hidden> {
        if !self.path.is_dir() {
            // Only the folder is noted, because its files are temporary.
            self.noting.note(&self.path)?;
            fs::create_dir_all(&self.path)?;
        }
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Hidden { path: self.path.join(number.to_string()) })
    }
}

impl Drop for HiddenFolder {
    fn drop(&mut self) {
        // A leftover does no harm: the next store uses another name.
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir(&self.parent);
    }
}

/// A hidden file. Dropping it deletes the file, unless it was moved.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) path: PathBuf,
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Identifies a file's content, to detect that it was changed or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> io::Result<Self> {
        Ok(Self { size: metadata.len(), modified: metadata.modified()?, inode: metadata.ino() })
    }
}

/// A bucket's folder.
#[derive(Debug)]
pub(super) struct BucketFolder {
    path: PathBuf,
    noting: Noting,
}

impl BucketFolder {
    /// The folder of `bucket` below `root`, which is a canonical path.
    pub(super) fn new(root: &Path, bucket: &str, noting: Noting) -> Self {
        Self { path: root.join(bucket), noting }
    }

    /// The path of an ordinary key's file, whether or not it exists.
    fn path_of(&self, key: &str) -> Option<PathBuf> {
        plain_path(key).map(|path| self.path.join(path))
    }

    /// The stamp of an ordinary key's file, if it exists.
    pub(super) fn stamp(&self, key: &str) -> Option<Stamp> {
        let path = self.path_of(key)?;
        let metadata = fs::symlink_metadata(&path).ok()?;
        if metadata.is_file() && is_exactly(&path) { Stamp::of(&metadata).ok() } else { None }
    }

    /// Opens the file of an ordinary key.
    pub(super) fn open(&self, key: &str) -> io::Result<File> {
        File::open(self.path_of(key).ok_or(io::ErrorKind::NotFound)?)
    }

    /// Moves a hidden file to its key's path. Returns `None` if that is not possible: the key is odd, or a file or folder is
    /// in the way.
    pub(super) fn move_in(&self, key: &str, file: &Hidden) -> io::Result<Option<Stamp>> {
        let Some(path) = self.path_of(key) else { return Ok(None) };
        if !self.make_parents(key)? {
            return Ok(None);
        }
        match fs::symlink_metadata(&path) {
            Ok(there) if !there.is_file() || !is_exactly(&path) => return Ok(None),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.noting.note(&path)?;
        fs::rename(&file.path, &path)?;
        Stamp::of(&fs::symlink_metadata(&path)?).map(Some)
    }

    /// Creates the folders above a key's file, unless something else has one of their names.
    fn make_parents(&self, key: &str) -> io::Result<bool> {
        let mut path = self.path.clone();
        fs::create_dir_all(&path)?;
        let names: Vec<_> = key.split('/').collect();
        for name in &names[..names.len() - 1] {
            path.push(name);
            match fs::symlink_metadata(&path) {
                Ok(there) if !there.is_dir() => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&path)?,
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(is_exactly(&path))
    }

    /// Keeps a file's bytes in a hidden file. The file itself stays.
    pub(super) fn keep(&self, key: &str, hidden: &HiddenFolder) -> io::Result<Hidden> {
        let path = self.path_of(key).ok_or(io::ErrorKind::NotFound)?;
        let kept = hidden.place()?;
        // Not every file system has hard links.
        fs::hard_link(&path, &kept.path).or_else(|_| fs::copy(&path, &kept.path).map(drop))?;
        Ok(kept)
    }

    /// Removes a file, and the folders above it that become empty.
    pub(super) fn remove(&self, key: &str) -> io::Result<()> {
        let path = self.path_of(key).ok_or(io::ErrorKind::NotFound)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        let above = path.ancestors().skip(1).take_while(|folder| *folder != self.path);
        for folder in above {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes the bucket's folder with the empty folders in it. Returns an error if any file is left.
    pub(super) fn remove_all(&self) -> io::Result<()> {
        fn remove(folder: &Path) -> io::Result<()> {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if !entry.file_type()?.is_dir() {
                    return Err(io::ErrorKind::DirectoryNotEmpty.into());
                }
                remove(&entry.path())?;
            }
            fs::remove_dir(folder)
        }
        if self.path.is_dir() { remove(&self.path) } else { Ok(()) }
    }

    /// The files of the ordinary keys with this prefix.
    pub(super) fn below(&self, prefix: &str) -> io::Result<BTreeMap<String, Stamp>> {
        let mut found = BTreeMap::new();
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let start = if folder.is_empty() { Some(self.path.clone()) } else { self.path_of(folder) };
        // A prefix such as `/` or `a//` has no ordinary keys.
        let Some(start) = start.filter(|_| !prefix.starts_with('/')) else { return Ok(found) };
        // A file has nothing below it.
        if !start.is_dir() || !is_exactly(&start) {
            return Ok(found);
        }
        let mut folders = vec![(start, if folder.is_empty() { String::new() } else { format!("{folder}/") })];
        while let Some((path, above)) = folders.pop() {
            for entry in entries(&path)? {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let key = format!("{above}{name}");
                if !is_plain_name(&name) || !key.starts_with(prefix) {
                    continue;
                }
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push((entry.path(), format!("{key}/")));
                } else if kind.is_file() {
                    // A file that was just removed is not an object.
                    if let Some(stamp) = entry.metadata().ok().and_then(|it| Stamp::of(&it).ok()) {
                        found.insert(key, stamp);
                    }
                }
            }
        }
        Ok(found)
    }
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        // A folder that was just removed has no objects.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        entries => entries?.collect(),
    }
}

/// Whether a path is canonical: not through a link, and not in another spelling.
fn is_exactly(path: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|canonical| canonical == path)
}
