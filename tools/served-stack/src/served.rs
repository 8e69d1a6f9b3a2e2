//! The file in which a running local stack publishes its endpoints and keys, in its output folder.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::keys::Keys;

/// Mode of the file with the keys.
const OWNER_ONLY: u32 = 0o600;

/// The endpoints and keys of a running stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Served {
    /// The keys that requests are signed with.
    pub keys: Keys,
    /// Endpoint of DynamoDB.
    pub dynamodb: String,
    /// Endpoint of S3.
    pub s3: String,
    /// Endpoint of Kinesis, Firehose and Lambda.
    pub streams: String,
    /// UUID of the event source mapping from the agent event stream to its function.
    pub agent_event_mapping: String,
    /// `HISTORY_EVENTS` of agent-event-upserter; `None` if it is not set.
    pub history_events: Option<String>,
}

impl Served {
    /// The file's name.
    pub const FILE: &str = "stack.json";

    /// Reads the file of the stack that is running with this output folder.
    ///
    /// # Errors
    /// When no stack is running.
    pub fn read(folder: &Path) -> Result<Self, NotServed> {
        let file = folder.join(Self::FILE);
        let mut open = File::open(&file).map_err(NotServed::NotThere)?;
        // A running stack holds the lock. Readers hold it only for this moment.
        if open.try_lock_shared().is_ok() {
            return Err(NotServed::Gone);
        }
        let mut json = Vec::new();
        open.read_to_end(&mut json).map_err(NotServed::NotThere)?;
        serde_json::from_slice(&json).map_err(NotServed::OtherVersion)
    }

    /// Writes the file to the folder. It is deleted when the returned value is dropped.
    ///
    /// # Errors
    /// When the folder is not writable.
    pub fn leave(self, folder: &Path) -> anyhow::Result<ServedFile> {
        let path = folder.join(Self::FILE);
        let write = || -> anyhow::Result<File> {
            // An existing file would keep its mode, and a process that has it open could read the keys.
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error.into());
            }
            let mut file = File::options().write(true).create_new(true).mode(OWNER_ONLY).open(&path)?;
            file.lock()?;
            file.write_all(&serde_json::to_vec_pretty(&self)?)?;
            Ok(file)
        };
        let lock = write().with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(ServedFile { path, _lock: lock })
    }
}

/// Why no running stack was found in a folder.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The file cannot be read.
    #[error("no stack is served from this folder")]
    NotThere(#[source] io::Error),
    /// The file is there, but its stack has ended.
    #[error("the stack served from this folder has ended")]
    Gone,
    /// The file is from another version of the local stack.
    #[error("the stack served from this folder has another version")]
    OtherVersion(#[source] serde_json::Error),
}

/// The file of a running stack. Dropping it deletes the file.
#[must_use]
#[derive(Debug)]
pub struct ServedFile {
    path: PathBuf,
    _lock: File,
}

impl Drop for ServedFile {
    fn drop(&mut self) {
        // If the file is already gone, there is nothing to do.
        let _ = std::fs::remove_file(&self.path);
    }
}
