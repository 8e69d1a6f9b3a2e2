//! A user's own records: a file, a folder of files, or standard input, with one JSON object, a list of objects, concatenated
//! objects, or one object per line, optionally compressed with GZIP. Records are streamed one by one.

mod files;
mod reader;
mod text;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use connect_streams::StreamKind;
use synthetic_center::{Center, DEMO_CENTER, DEMO_DELIVERY_FAULTS, Sent, with_delivery_faults};

pub use self::files::is_known;
pub use self::reader::{Broken, FIREHOSE, QUEUE, Records, STREAM};
pub use self::reader::{InputRecord, KINESIS, Limit, Place};

/// The records to send, by stream and in order.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// Records of the contact record stream.
    pub contact_records: Vec<Vec<u8>>,
    /// Records of the agent event stream.
    pub agent_events: Vec<Vec<u8>>,
    /// Contact events.
    pub contact_events: Vec<Vec<u8>>,
}

impl Input {
    /// The demo's default day.
    #[must_use]
    pub fn demo_day() -> Self {
        with_delivery_faults(Center::new(DEMO_CENTER), DEMO_DELIVERY_FAULTS).collect()
    }

    /// The records of all streams, interleaved.
    pub fn into_records(self) -> impl Iterator<Item = Sent> + Send {
        let sent = |stream| move |record| Sent { at: 0, stream, record };
        let streams = [
            (self.contact_records, StreamKind::ContactRecords),
            (self.agent_events, StreamKind::AgentEvents),
            (self.contact_events, StreamKind::ContactEvents),
        ];
        let counts = streams.each_ref().map(|(records, _)| records.len() as u64);
        interleaved(streams.map(|(records, stream)| records.into_iter().map(sent(stream))), counts)
    }
}

/// Interleaves iterators in proportion to their counts.
pub fn interleaved<T, I: Iterator<Item = T>, const N: usize>(
    streams: [I; N],
    counts: [u64; N],
) -> impl Iterator<Item = T> {
    let mut streams = streams.map(Iterator::peekable);
    let mut taken = [0_u64; N];
    std::iter::from_fn(move || {
        // The stream of which the smallest part has been taken is next.
        let part =
            |stream: usize, taken: u64| (u128::from(taken + 1) << 64) / u128::from(counts[stream].max(1));
        let mut next = None;
        for stream in 0..N {
            let is_less =
                next.is_none_or(|next: usize| part(stream, taken[stream]) < part(next, taken[next]));
            if is_less && streams[stream].peek().is_some() {
                next = Some(stream);
            }
        }
        let next = next?;
        taken[next] += 1;
        streams[next].next()
    })
}

impl FromIterator<Sent> for Input {
    fn from_iter<I: IntoIterator<Item = Sent>>(records: I) -> Self {
        let mut input = Self::default();
        for Sent { stream, record, .. } in records {
            match stream {
                StreamKind::ContactRecords => input.contact_records.push(record),
                StreamKind::AgentEvents => input.agent_events.push(record),
                StreamKind::ContactEvents => input.contact_events.push(record),
            }
        }
        input
    }
}

/// The path that stands for standard input.
pub const STANDARD_INPUT: &str = "-";
/// The most that `read_records` keeps in memory.
const KEPT_BYTES: usize = 128 * 1024 * 1024;

/// The source of records.
#[derive(Debug, Clone)]
pub struct Source {
    pub(crate) shown: String,
    pub(crate) files: Vec<PathBuf>,
    left_out: Vec<PathBuf>,
    limit: Limit,
    broken: Option<Broken>,
}

impl Source {
    /// A file, a folder, or `-` for standard input. A record larger than the limit is an error.
    ///
    /// # Errors
    /// When there is nothing to read.
    pub fn of(path: &Path, limit: Limit) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        if shown == STANDARD_INPUT {
            let (files, left_out) = (vec![path.to_owned()], Vec::new());
            return Ok(Self { shown: "standard input".to_owned(), files, left_out, limit, broken: None });
        }
        let files::Files { read, left_out } = files::files(path)?;
        Ok(Self { shown, files: read, left_out, limit, broken: None })
    }

    /// Treats every line as a record, whatever the file's name.
    #[must_use]
    pub fn of_lines(mut self) -> Self {
        self.broken = Some(Broken::IsItsLine);
        self
    }

    /// The records, one by one. The iterator ends after an error.
    pub fn records(&self) -> impl Iterator<Item = anyhow::Result<InputRecord>> + Send + use<> {
        let (limit, broken) = (self.limit, self.broken);
        let mut is_over = false;
        let of_file = move |file: PathBuf| -> Box<dyn Iterator<Item = anyhow::Result<InputRecord>> + Send> {
            match open(&file, limit, broken) {
                Ok(records) => Box::new(records),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        };
        self.files.clone().into_iter().flat_map(of_file).take_while(move |record| {
            let is_wanted = !is_over;
            is_over = record.is_err();
            is_wanted
        })
    }

    /// Whether it can be read more than once.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.files.iter().all(|file| file.is_file())
    }

    /// The files of a folder that are skipped because of their names.
    #[must_use]
    pub fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    /// A sentence about the skipped files, if there are any.
    #[must_use]
    pub fn left_out_sentence(&self) -> Option<String> {
        const NAMED: usize = 3;
        let names: Vec<_> = self.left_out.iter().take(NAMED).map(|file| file.display().to_string()).collect();
        let more = self.left_out.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!names.is_empty()).then(|| {
            format!(
                "skipped, because their names do not end in .json, .jsonl or .ndjson: {}{more}",
                names.join(", ")
            )
        })
    }

    /// Checks that there is at least one record.
    ///
    /// # Errors
    /// When there is none.
    pub fn ensure_some(&self, records: u64) -> anyhow::Result<()> {
        let left_out = self.left_out_sentence().map(|sentence| format!(" ({sentence})")).unwrap_or_default();
        ensure!(
            records > 0,
            "{} holds no records{left_out}; give a file with at least one JSON object",
            self.shown
        );
        Ok(())
    }

    /// Reads the source once and counts its records.
    ///
    /// # Errors
    /// When a record cannot be read, or there is none.
    pub fn count(&self) -> anyhow::Result<u64> {
        let mut count = 0;
        for record in self.records() {
            record?;
            count += 1;
        }
        self.ensure_some(count)?;
        Ok(count)
    }
}

fn open(file: &Path, limit: Limit, broken: Option<Broken>) -> anyhow::Result<Records> {
    let (name, source, by_name): (_, Box<dyn Read + Send>, _) = if file == Path::new(STANDARD_INPUT) {
        ("standard input".to_owned(), Box::new(std::io::stdin()), Broken::IsItsLine)
    } else {
        let opened =
            File::open(file).with_context(|| format!("{} cannot be read; check the path", file.display()))?;
        (file.display().to_string(), Box::new(opened), broken_by_name(file))
    };
    records_of(&name, source, limit, Some(broken.unwrap_or(by_name)))
}

/// The records of an object that is read from `source`.
///
/// # Errors
/// When its beginning cannot be read, or shows that it is not JSON.
pub fn records_of(
    name: &str,
    source: Box<dyn Read + Send>,
    limit: Limit,
    broken: Option<Broken>,
) -> anyhow::Result<Records> {
    let broken = broken.unwrap_or_else(|| broken_by_name(Path::new(name)));
    // Firehose's raw copies hold the original bytes: one of their records may look like another file format.
    let open = if broken == Broken::EndsWhereAnotherBegins { text::decompressed } else { text::open };
    Ok(Records::new(name, open(name, source)?, limit, broken))
}

fn broken_by_name(file: &Path) -> Broken {
    if files::is_copy(file) {
        Broken::EndsWhereAnotherBegins
    } else if files::is_of_lines(file) {
        Broken::IsItsLine
    } else {
        Broken::Ends
    }
}

/// All records of a file, a folder, or standard input, in memory.
///
/// # Errors
/// When there is nothing to read, a record is not JSON, or the records exceed the memory limit.
pub fn read_records(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    read_all(path, KINESIS)
}

/// [`read_records`] with another limit.
///
/// # Errors
/// As for [`read_records`].
pub fn read_all(path: &Path, limit: Limit) -> anyhow::Result<Vec<Vec<u8>>> {
    let source = Source::of(path, limit)?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    for record in source.records() {
        let InputRecord { bytes: record, .. } = record?;
        bytes += record.len() + size_of::<Vec<u8>>();
        ensure!(
            bytes <= KEPT_BYTES,
            "{} holds more than {} MiB of records, too much to track at once; send it in parts",
            source.shown,
            KEPT_BYTES / 1024 / 1024
        );
        records.push(record);
    }
    source.ensure_some(records.len() as u64)?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("records.json");
        fs::write(&file, text).unwrap();
        let records = read_records(&file).map_err(|error| format!("{error:#}"))?;
        Ok(records.into_iter().map(|record| String::from_utf8(record).unwrap()).collect())
    }

    #[test]
    fn one_object_a_list_and_lines_are_read() {
        assert_eq!(read("{\"a\": 1}\n").unwrap(), ["{\"a\": 1}"]);
        assert_eq!(read("\u{feff}[{\"a\":1},\n {\"b\":2}]").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(read("{\"a\":1}\n{\"b\":2}\n\n").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
    }

    #[test]
    fn input_without_records_is_refused_with_an_explanation() {
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
