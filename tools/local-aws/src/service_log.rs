//! The log of a service: what it could not do. The real services write to CloudWatch.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

/// A file with one JSON object per line, created with its first line.
#[derive(Debug, Clone)]
pub struct ServiceLog(Arc<PathBuf>);

impl ServiceLog {
    /// A log in this file.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        Self(Arc::new(file))
    }

    /// Appends a line. A service goes on if its log cannot be written.
    pub(crate) fn write(&self, line: &Value) {
        let append = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&*self.0)?;
            file.write_all(format!("{line}\n").as_bytes())
        };
        let _: std::io::Result<()> = append();
    }
}
