//! Files with generated parts between two marker lines.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(repository().join(path)).with_context(|| format!("{path} cannot be read"))
}

/// The page with the part between its markers replaced.
pub(crate) fn with_part(page: &str, [begin, end]: [&str; 2], part: &str) -> anyhow::Result<String> {
    let found = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let (before, after) = found.with_context(|| format!("the page has no {begin}…{end}"))?;
    Ok([before, begin, part, end, after].concat())
}
