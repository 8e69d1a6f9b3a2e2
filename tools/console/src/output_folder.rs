//! The folder of a demo's result: used by one demo at a time, and readable by its owner only. A demo deletes only files that
//! an earlier demo wrote.
//!
//! The file `FILE` in it has two uses. It is locked while a demo runs or serves, and it lists the files that demos wrote,
//! one JSON text per line. A killed demo has listed what it wrote, so the next one can remove it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use lake_files::{Note, files_below};

/// Marks and locks the folder, and lists the files that demos wrote.
const FILE: &str = ".contact-ledger-demo";
/// The internal files of the local S3. The list names a folder below it instead of the files in that folder.
const HIDDEN: &str = ".s3";
/// Folders that are read as a whole: any other file in them would count as part of the result.
const OURS: [&str; 2] = ["lake", "logs"];

/// A folder that no other demo writes to while this value exists.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    path: PathBuf,
    /// `path` with symbolic links resolved; some callers use it.
    canonical: PathBuf,
    /// The lock is released when the last clone is dropped.
    list: Arc<Mutex<List>>,
}

#[derive(Debug)]
struct List {
    file: File,
    written: BTreeSet<PathBuf>,
}

impl OutputFolder {
    /// Locks the folder and removes the files of an earlier demo.
    ///
    /// # Errors
    /// When a demo is running in it, or it holds files that no demo wrote.
    pub fn claim(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = path.join(FILE);
        let is_foreign = !file.exists()
            && path.exists()
            && fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some());
        if is_foreign {
            bail!("{shown} exists and is not the result of a demo; choose another folder with --output");
        }
        create(path)
            .with_context(|| format!("folder {shown} cannot be created; choose another with --output"))?;
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&file);
        let mut file =
            open.with_context(|| format!("folder {shown} cannot be written; choose another with --output"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("a demo is running in {shown}; stop it, or choose another folder with --output")
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!("folder {shown} cannot be locked; choose one on a local disk with --output")
                });
            }
        }
        make_room(path, &mut file)?;
        let canonical = path.canonicalize().with_context(|| format!("{shown} cannot be read"))?;
        Ok(Self {
            path: path.to_owned(),
            canonical,
            list: Arc::new(Mutex::new(List { file, written: BTreeSet::new() })),
        })
    }

    /// Lists a file that is about to be written.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn note(&self, file: &Path) -> std::io::Result<()> {
        let relative = file.strip_prefix(&self.path).or_else(|_| file.strip_prefix(&self.canonical));
        let relative = relative.map_err(std::io::Error::other)?;
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if !list.written.contains(relative) {
            // Starts on a new line: a full disk may have cut off the line before.
            list.file.write_all(format!("\n{}\n", serde_json::to_string(relative)?).as_bytes())?;
            list.written.insert(relative.to_owned());
        }
        Ok(())
    }

    /// [`Self::note`] as a function, for the stack's own writers.
    #[must_use]
    pub fn noting(&self) -> Note {
        let folder = self.clone();
        Arc::new(move |file| folder.note(file))
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Lists a file that another command wrote, if it is in a demo's folder.
///
/// # Errors
/// When the list cannot be written.
pub fn note_below(file: &Path) -> std::io::Result<()> {
    let Some(folder) = file.ancestors().skip(1).find(|folder| folder.join(FILE).is_file()) else {
        return Ok(());
    };
    let relative = file.strip_prefix(folder).unwrap_or(file);
    let mut list = OpenOptions::new().append(true).open(folder.join(FILE))?;
    list.write_all(format!("\n{}\n", serde_json::to_string(relative)?).as_bytes())
}

/// Creates the folder for its owner only: it may hold customers' data.
fn create(path: &Path) -> std::io::Result<()> {
    const OWNER_ONLY: u32 = 0o700;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(OWNER_ONLY).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))
        }
        created => created,
    }
}

/// Removes the listed files and the folders that are then empty, and clears the list.
fn make_room(path: &Path, list: &mut File) -> anyhow::Result<()> {
    let shown = path.display();
    let mut text = String::new();
    list.read_to_string(&mut text).with_context(|| format!("{shown}/{FILE} cannot be read"))?;
    let listed: BTreeSet<PathBuf> = text
        .lines()
        // A killed demo may have left a broken last line.
        .filter_map(|line| serde_json::from_str::<PathBuf>(line).ok())
        .filter(|file| file.components().all(|part| matches!(part, Component::Normal(_))))
        .map(|file| path.join(file))
        .collect();
    for folder in OURS {
        if path.join(folder).is_symlink() {
            bail!(
                "{shown}/{folder} is a symbolic link, and the demo would write to its target; remove it, or choose another folder with --output"
            );
        }
        let files = files_below(&path.join(folder)).with_context(|| format!("{shown} cannot be read"))?;
        if let Some(foreign) = files.iter().find(|file| !listed.contains(*file)) {
            bail!(
                "{} was not written by a demo, and would count as part of the result; move it away, or choose another folder with --output",
                foreign.display()
            );
        }
    }
    for file in listed.iter().filter(|file| is_within(path, file)) {
        let is_hidden_store = file.starts_with(path.join(HIDDEN)) && *file != path.join(HIDDEN);
        let removed = if is_hidden_store { fs::remove_dir_all(file) } else { fs::remove_file(file) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be removed", file.display()));
            }
            _ => {}
        }
        // Folders that are not empty stay.
        for folder in file.ancestors().skip(1).take_while(|folder| *folder != path) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    list.set_len(0).and_then(|()| list.rewind()).with_context(|| format!("{shown}/{FILE} cannot be written"))
}

/// Whether no folder between `path` and the file is a symbolic link.
fn is_within(path: &Path, file: &Path) -> bool {
    let folders = file.ancestors().skip(1).take_while(|folder| *folder != path);
    folders.into_iter().all(|folder| fs::symlink_metadata(folder).is_ok_and(|folder| folder.is_dir()))
}
