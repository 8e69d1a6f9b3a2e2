//! A generated file.

use anyhow::Context;

use crate::pages::{self, repository};

/// A generated file with its expected text.
#[derive(Debug)]
pub struct Generated {
    /// Its path in the repository.
    pub path: &'static str,
    /// Its expected text.
    pub text: String,
}

impl Generated {
    /// Whether the file has the expected text.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_current(&self) -> anyhow::Result<bool> {
        Ok(pages::read(self.path)? == self.text)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let path = repository().join(self.path);
        std::fs::write(&path, &self.text).with_context(|| format!("{} cannot be written", self.path))
    }
}
