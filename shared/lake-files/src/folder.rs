//! A lake in a folder: a key is a path below it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Called with every file before it is written to its final location.
pub type Note = Arc<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// The files below a folder, in any order; none if the folder does not exist. Links count as files and are not followed.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
