//! A stack that is served says where it is, in a file of its output folder.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// Mode of the file with the keys.
const ONLY_ITS_OWNER: u32 = 0o600;

/// Where the services of a running stack are and what they are asked with, for whoever may read its folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Served {
    /// What requests are signed with.
    pub keys: Keys,
    /// DynamoDB.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// Kinesis, Firehose and Lambda.
    pub streams: String,
    /// UUID of the mapping of the agent event stream to its function.
    pub agent_event_mapping: String,
}

impl Served {
    /// Its name.
    pub const FILE: &str = "stack.json";

    /// What a stack that is served has left in its output folder.
    ///
    /// # Errors
    /// When none is served.
    pub fn read(folder: &Path) -> Result<Self, NotServed> {
        let file = folder.join(Self::FILE);
        let mut open = File::open(&file).map_err(NotServed::NotThere)?;
        // Whoever serves holds the lock; nobody else takes it for longer than this.
        if open.try_lock_shared().is_ok() {
            return Err(NotServed::Gone);
        }
        let mut json = Vec::new();
        open.read_to_end(&mut json).map_err(NotServed::NotThere)?;
        serde_json::from_slice(&json).map_err(NotServed::OtherVersion)
    }

    /// Leaves this in the folder, as long as what is answered is held.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn leave(self, folder: &Path) -> anyhow::Result<ServedFile> {
        let path = folder.join(Self::FILE);
        let leave = || -> anyhow::Result<File> {
            // A file that is there already would keep its mode, and whoever has it open would read the keys.
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error.into());
            }
            let mut file = File::options().write(true).create_new(true).mode(ONLY_ITS_OWNER).open(&path)?;
            file.lock()?;
            file.write_all(&serde_json::to_vec_pretty(&self)?)?;
            Ok(file)
        };
        let lock = leave().with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(ServedFile { path, _lock: lock })
    }
}

/// Why no stack is known of a folder.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// None has left its file.
    #[error("no stack is served from this folder")]
    NotThere(#[source] io::Error),
    /// One has left it, and is gone.
    #[error("the stack that was served from this folder has ended")]
    Gone,
    /// A stack of another version has.
    #[error("the stack that is served from this folder is of another version")]
    OtherVersion(#[source] serde_json::Error),
}

/// Gone when dropped: nothing is served any more.
#[must_use]
#[derive(Debug)]
pub struct ServedFile {
    path: PathBuf,
    _lock: File,
}

impl Drop for ServedFile {
    fn drop(&mut self) {
        // Whoever took it away has done what is done here.
        let _ = std::fs::remove_file(&self.path);
    }
}
