//! The files of a path.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lake_files::copies::is_named_by_firehose;
use lake_files::layout;

/// The extensions of files that are read from a folder, before `.gz` if compressed. Other files are skipped.
const EXTENSIONS: [&str; 3] = ["json", "jsonl", "ndjson"];

/// The files of a path.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    /// The files to read, by path.
    pub(super) read: Vec<PathBuf>,
    /// The other files of a folder, by path.
    pub(super) left_out: Vec<PathBuf>,
}

/// A single file, whatever its name, or the files of a folder that have a known name.
pub(super) fn files(path: &Path) -> anyhow::Result<Files> {
    let metadata =
        fs::metadata(path).with_context(|| format!("{} cannot be read; check the path", path.display()))?;
    if !metadata.is_dir() {
        return Ok(Files { read: vec![path.to_owned()], left_out: Vec::new() });
    }
    let mut files = Files::default();
    add(path, &mut HashSet::new(), &mut files)?;
    files.read.sort();
    files.left_out.sort();
    Ok(files)
}

/// Adds a folder's files. A folder is read once, even if symbolic links lead to it again.
fn add(folder: &Path, seen: &mut HashSet<PathBuf>, files: &mut Files) -> anyhow::Result<()> {
    let cannot = || format!("folder {} cannot be read", folder.display());
    if !seen.insert(fs::canonicalize(folder).with_context(cannot)?) {
        return Ok(());
    }
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let mut entries =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().with_context(cannot)?;
    entries.sort();
    for entry in entries {
        // A broken link with a known name is reported when it is opened.
        let metadata = fs::metadata(&entry).ok();
        if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
            add(&entry, seen, files)?;
        } else if is_known(&entry) && metadata.is_none_or(|metadata| metadata.is_file()) {
            files.read.push(entry);
        } else {
            files.left_out.push(entry);
        }
    }
    Ok(())
}

/// Whether a file with this name is read as part of its folder.
#[must_use]
pub fn is_known(file: &Path) -> bool {
    is_copy(file) || EXTENSIONS.contains(&extension(file))
}

/// Whether a file with this name has one record per line.
pub(super) fn is_of_lines(file: &Path) -> bool {
    matches!(extension(file), "jsonl" | "ndjson")
}

/// Whether it is one of the lake's raw copies, in which Firehose concatenates records.
pub(super) fn is_copy(file: &Path) -> bool {
    let path = file.to_string_lossy();
    let copies = [layout::COPIES, layout::AGENT_EVENT_COPIES, layout::CONTACT_EVENT_COPIES];
    // A copy that was downloaded has its name, in any folder.
    let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_downloaded = file.extension().is_some_and(|end| end == "gz") && is_named_by_firehose(name);
    is_downloaded || copies.iter().any(|prefix| path.contains(prefix))
}

/// The extension, without `.gz`.
fn extension<'f>(file: &'f Path) -> &'f str {
    let extension = |file: &'f Path| file.extension().and_then(OsStr::to_str).unwrap_or_default();
    match (extension(file), file.file_stem()) {
        ("gz", Some(name)) => extension(Path::new(name)),
        (extension, _) => extension,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_read_in_path_order_and_circular_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("b/deep")).unwrap();
        for name in
            ["c.json", "a.jsonl", "b/x.ndjson.gz", "b/deep/y.json", "readme.md", "b/rows.parquet", "gz"]
        {
            fs::write(path(name), "{}").unwrap();
        }
        symlink(folder.path(), path("b/deep/around")).unwrap();
        symlink(path("b"), path("z")).unwrap();
        let files = files(folder.path()).unwrap();
        let names = |paths: &[PathBuf]| {
            let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().display().to_string();
            paths.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(&files.read), ["a.jsonl", "b/deep/y.json", "b/x.ndjson.gz", "c.json"]);
        assert_eq!(names(&files.left_out), ["b/rows.parquet", "gz", "readme.md"]);
    }

    #[test]
    fn raw_copies_are_read_whatever_their_extension() {
        for (name, known) in [
            ("events/agent-events-1-2026-03-02-08-15-59-0a1b2c3d-0000-4000-8000-00000000000e.gz", true),
            ("lake/raw/contact-events/arrival_date=2026-03-02/renamed.gz", true),
            ("events/notes-of-2026-03-02.gz", false),
            (
                "lake/raw/contact-records/arrival_date=2026-03-02/contact-records-1-2026-03-02-08-15-59-a.gz",
                true,
            ),
            ("lake/contact_records/contact_date=2026-03-02/a.parquet", false),
            ("a.json.gz", true),
            ("a.gz", false),
        ] {
            assert_eq!(is_known(Path::new(name)), known, "{name}");
        }
    }
}
