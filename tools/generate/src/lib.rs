//! The list of generated files of the repository, written by one command. Some are generated only in part.

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

/// The generated files with their expected texts.
///
/// # Errors
/// When a file lacks the markers of its generated part.
pub fn files() -> anyhow::Result<Vec<Generated>> {
    let mut files = docs::files()?;
    files.push(Generated { path: "docs/data-dictionary.md", text: dictionary::dictionary()? });
    files.push(Generated { path: "template.yaml", text: template::template()? });
    Ok(files)
}

/// Writes the golden rows that tests compare with. Review the diff before you commit it.
///
/// # Errors
/// When a file cannot be written.
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
    fn every_generated_file_is_current() {
        for file in files().unwrap() {
            assert!(file.is_current().unwrap(), "{} is stale; run `make generate`", file.path);
        }
    }
}
