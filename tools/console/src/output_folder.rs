//! The folder of a demo's result: one demo at a time, readable by its owner only, and nothing in it is deleted but what a
//! demo has put there.
//!
//! A file in it, [`FILE`], is both: locked as long as a demo runs or serves, and a list of the files that demos wrote, one
//! JSON text a line. A demo that is killed has listed what it wrote, so the next one can make room.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use lake_files::{Note, files_below};

/// Marks, locks and lists.
const FILE: &str = ".contact-ledger-demo";
/// Where the local S3 keeps what it shows to nobody; a folder below it is listed in place of its files.
const HIDDEN: &str = ".s3";
/// Folders that are read as a whole: what somebody else has put there would be taken for a demo's.
const OURS: [&str; 2] = ["lake", "logs"];

/// A folder that no other demo writes to, as long as this is held.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    path: PathBuf,
    /// The same without links: some write by it.
    canonical: PathBuf,
    /// The lock goes with the last of them.
    list: Arc<Mutex<List>>,
}

#[derive(Debug)]
struct List {
    file: File,
    written: BTreeSet<PathBuf>,
}

impl OutputFolder {
    /// Takes the folder, and removes what an earlier demo has left in it.
    ///
    /// # Errors
    /// When a demo runs in it, or it holds what no demo has put there.
    pub fn claim(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let file = path.join(FILE);
        let is_foreign = !file.exists()
            && path.exists()
            && fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some());
        if is_foreign {
            bail!("{shown} is there and is not the result of a demo; choose another folder with --output");
        }
        create(path)
            .with_context(|| format!("folder {shown} cannot be made; choose another with --output"))?;
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&file);
        let mut file =
            open.with_context(|| format!("folder {shown} cannot be written; choose another with --output"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("a demo is running in {shown}; end it, or choose another folder with --output")
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
            // The line before may be broken, by a disk that was full.
            list.file.write_all(format!("\n{}\n", serde_json::to_string(relative)?).as_bytes())?;
            list.written.insert(relative.to_owned());
        }
        Ok(())
    }

    /// The same, for whoever writes into the folder by other ways.
    #[must_use]
    pub fn noting(&self) -> Note {
        let folder = self.clone();
        Arc::new(move |file| folder.note(file))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Lists a file that another command has written into a demo's folder, if it is one.
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

/// Others on this machine have no business with what may be customers' data.
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

/// Removes the files that are listed, and folders that are empty then; begins the list anew.
fn make_room(path: &Path, list: &mut File) -> anyhow::Result<()> {
    let shown = path.display();
    let mut text = String::new();
    list.read_to_string(&mut text).with_context(|| format!("{shown}/{FILE} cannot be read"))?;
    let listed: BTreeSet<PathBuf> = text
        .lines()
        // The last line of a demo that was killed may be broken.
        .filter_map(|line| serde_json::from_str::<PathBuf>(line).ok())
        .filter(|file| file.components().all(|part| matches!(part, Component::Normal(_))))
        .map(|file| path.join(file))
        .collect();
    for folder in OURS {
        if path.join(folder).is_symlink() {
            bail!(
                "{shown}/{folder} is a link, and what a demo writes would go to where it leads; remove it, or choose another folder with --output"
            );
        }
        let files = files_below(&path.join(folder)).with_context(|| format!("{shown} cannot be read"))?;
        if let Some(foreign) = files.iter().find(|file| !listed.contains(*file)) {
            bail!(
                "{} was not written by a demo, and would be taken for a part of the result; move it away, or choose another folder with --output",
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
        // Those that are not empty stay.
        for folder in file.ancestors().skip(1).take_while(|folder| *folder != path) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    list.set_len(0).and_then(|()| list.rewind()).with_context(|| format!("{shown}/{FILE} cannot be written"))
}

/// Whether no folder on the way to the file is a link to elsewhere.
fn is_within(path: &Path, file: &Path) -> bool {
    let folders = file.ancestors().skip(1).take_while(|folder| *folder != path);
    folders.into_iter().all(|folder| fs::symlink_metadata(folder).is_ok_and(|folder| folder.is_dir()))
}
