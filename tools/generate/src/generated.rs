//! A file that a program writes.

use anyhow::Context;

use crate::pages::{self, repository};

/// A file as it must be.
#[derive(Debug)]
pub struct Generated {
    /// Its path in the repository.
    pub path: &'static str,
    /// What must be in it.
    pub text: String,
}

impl Generated {
    /// Whether the file is as it must be.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_current(&self) -> anyhow::Result<bool> {
        Ok(pages::read(self.path)? == self.text)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> anyhow::Result<()> {
        let path = repository().join(self.path);
        std::fs::write(&path, &self.text).with_context(|| format!("{} cannot be written", self.path))
    }
}
