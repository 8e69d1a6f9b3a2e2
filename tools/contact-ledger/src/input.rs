//! A user's own records: a file or a folder of files, each with one JSON object, an array of objects, or one
//! object a line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde_json::value::RawValue;

use crate::center::{Center, DEMO_CENTER, DEMO_DISTURBANCES, Sent, StreamKind, disturb};

/// What is sent, by stream, in its order.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// On the contact record stream.
    pub contact_records: Vec<Vec<u8>>,
    /// On the agent event stream.
    pub agent_events: Vec<Vec<u8>>,
}

impl Input {
    /// The small day of the demo.
    #[must_use]
    pub fn demo_day() -> Self {
        disturb(Center::new(DEMO_CENTER), DEMO_DISTURBANCES).collect()
    }

    /// One record after another; both streams advance together.
    pub fn into_records(self) -> impl Iterator<Item = Sent> + Send {
        let sent = |stream| move |record| Sent { at: 0, stream, record };
        let mut contact_records = self.contact_records.into_iter().map(sent(StreamKind::ContactRecords));
        let mut agent_events = self.agent_events.into_iter().map(sent(StreamKind::AgentEvents));
        let total = contact_records.len() + agent_events.len();
        let (contacts, mut turn) = (contact_records.len(), 0);
        std::iter::from_fn(move || {
            turn += contacts;
            let is_contact_turn = turn >= total && contact_records.len() > 0;
            if is_contact_turn || agent_events.len() == 0 {
                turn = turn.saturating_sub(total);
                contact_records.next()
            } else {
                agent_events.next()
            }
        })
    }
}

impl FromIterator<Sent> for Input {
    fn from_iter<I: IntoIterator<Item = Sent>>(records: I) -> Self {
        let mut input = Self::default();
        for Sent { stream, record, .. } in records {
            match stream {
                StreamKind::ContactRecords => input.contact_records.push(record),
                StreamKind::AgentEvents => input.agent_events.push(record),
            }
        }
        input
    }
}

/// Files in a folder that are read; others are left alone.
const EXTENSIONS: [&str; 3] = ["json", "jsonl", "ndjson"];

/// All records of a file, or of a folder's files in the order of their paths.
///
/// # Errors
/// When there is nothing to read, or something is not JSON.
pub fn read_records(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut records = Vec::new();
    for file in files(path)? {
        records.extend(records_of(&file)?);
    }
    ensure!(
        !records.is_empty(),
        "{} holds no records; give a file with at least one JSON object",
        path.display()
    );
    Ok(records)
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let metadata =
        fs::metadata(path).with_context(|| format!("{} cannot be read; check the path", path.display()))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("folder {} cannot be read", path.display()))? {
        let entry = entry?.path();
        let is_json =
            entry.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
        if entry.is_dir() {
            files.extend(self::files(&entry)?);
        } else if is_json {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

fn records_of(file: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes =
        fs::read(file).with_context(|| format!("{} cannot be read; check the path", file.display()))?;
    let whole = whole_records(&bytes, file);
    // Where every line is a record, a broken line is a broken record: they are what a pipeline is tested with.
    let is_lines = file.extension().is_some_and(|extension| extension == "jsonl" || extension == "ndjson");
    if whole.is_err() && is_lines {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        return Ok(lines.map(<[u8]>::to_vec).collect());
    }
    whole
}

/// The records of a file that is JSON throughout.
fn whole_records(bytes: &[u8], file: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::str::from_utf8(bytes)
        .with_context(|| format!("{} is not UTF-8 text; check the encoding", file.display()))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut records = Vec::new();
    // One object, one array, or objects one after another: all are a series of JSON values.
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.with_context(|| {
            format!(
                "{} is not JSON; it must hold one object, an array of objects, or one object a line",
                file.display()
            )
        })?;
        if value.get().starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(value.get())?;
            records.extend(elements.into_iter().map(RawValue::get));
        } else {
            records.push(value.get());
        }
    }
    if let Some(other) = records.iter().find(|record| !record.starts_with('{')) {
        let beginning: String = other.chars().take(1).collect();
        bail!("{} holds something that is not a JSON object (it begins with {beginning:?})", file.display());
    }
    Ok(records.into_iter().map(|record| record.as_bytes().to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.json");
        fs::write(&file, text).unwrap();
        let records = read_records(&file).map_err(|error| format!("{error:#}"))?;
        Ok(records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect())
    }

    #[test]
    fn one_object_an_array_and_lines_are_read() {
        assert_eq!(read("{\"a\": 1}\n").unwrap(), ["{\"a\": 1}"]);
        assert_eq!(read("\u{feff}[{\"a\":1},\n {\"b\":2}]").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(read("{\"a\":1}\n{\"b\":2}\n\n").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    }

    #[test]
    fn what_is_no_record_is_refused_with_a_sentence() {
        assert!(read("{\"a\":").unwrap_err().contains("is not JSON"));
        assert!(read("17").unwrap_err().contains("not a JSON object"));
        assert!(read("").unwrap_err().contains("holds no records"));
        let missing = read_records(Path::new("/no/such/file")).unwrap_err();
        assert!(format!("{missing:#}").contains("check the path"));
    }

    #[test]
    fn a_broken_line_is_a_broken_record() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.jsonl");
        fs::write(&file, b"{\"a\":1}\n{\"a\":\n\xff\n\n[]\n").unwrap();
        let records = read_records(&file).unwrap();
        assert_eq!(records, [&b"{\"a\":1}"[..], b"{\"a\":", b"\xff", b"[]"]);
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_paths() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for (name, text) in [
            ("c.json", "{\"n\":3}"),
            ("a.jsonl", "{\"n\":1}"),
            ("b/x.ndjson", "{\"n\":2}"),
            ("readme.md", "no"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let records = read_records(folder.path()).unwrap();
        assert_eq!(records, [b"{\"n\":1}".to_vec(), b"{\"n\":2}".to_vec(), b"{\"n\":3}".to_vec()]);
    }
}
