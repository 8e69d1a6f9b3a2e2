//! Every file of the repository that a program writes, wholly or in part: one list, one command.

mod dictionary;
mod docs;
mod generated;
mod pages;
mod template;

use std::path::PathBuf;

use anyhow::Context;
use ledger_tests::contact_record_fixtures;
use ledger_tests::golden::row_of;

pub use crate::generated::Generated;
use crate::pages::repository;

/// The files, as they must be.
///
/// # Errors
/// When one has no place for what is generated.
pub fn files() -> anyhow::Result<Vec<Generated>> {
    let mut files = docs::files()?;
    files.push(Generated { path: "docs/data-dictionary.md", text: dictionary::dictionary()? });
    files.push(Generated { path: "template.yaml", text: template::template()? });
    Ok(files)
}

/// Writes the rows that tests compare with; whoever asks for it looks at the difference.
///
/// # Errors
/// When one cannot be written.
pub fn write_golden_rows() -> anyhow::Result<()> {
    let folder: PathBuf = repository().join("tests/fixtures/contact-records");
    for (name, record) in contact_record_fixtures() {
        let golden = folder.join(format!("{name}.row.json"));
        std::fs::write(&golden, format!("{:#}\n", row_of(&record)))
            .with_context(|| format!("{} cannot be written", golden.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::files;

    #[test]
    fn every_generated_file_is_what_it_would_be_written_as() {
        for file in files().unwrap() {
            assert!(file.is_current().unwrap(), "{} is stale; `make generate` writes it", file.path);
        }
    }
}
