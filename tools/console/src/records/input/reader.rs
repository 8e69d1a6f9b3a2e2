//! Streams records out of a text of any length.
//!
//! Only the current record is in memory. Text without the end of a record is refused once it exceeds the size limit of a
//! record.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize as _;
use serde_json::value::RawValue;

use lake_files::records::next_beginning;
use lambda_io::limits;

/// Bytes per read.
const CHUNK: usize = 64 * 1024;

/// A record and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRecord {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where it is.
    pub place: Place,
}

/// The place of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or the name of another source.
    pub file: Arc<str>,
    /// The line it starts on, from 1; for a compressed file, in the decompressed text.
    pub line: u64,
    /// Its number among the file's records, from 1.
    pub number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The size limit of a record.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// In bytes.
    pub bytes: usize,
    /// The service that has the limit.
    pub service: &'static str,
}

/// The largest contact record.
pub const FIREHOSE: Limit = Limit { bytes: limits::firehose::RECORD_BYTES, service: "Firehose" };
/// The largest record of a Kinesis stream.
pub const KINESIS: Limit = Limit { bytes: limits::kinesis::RECORD_BYTES, service: "Kinesis" };
/// The largest record that can be sent to a stack: its stream has the default `MaxRecordSizeInKiB`.
pub const STREAM: Limit = Limit {
    // The partition key counts toward the limit.
    bytes: limits::kinesis::DEFAULT_RECORD_BYTES - limits::kinesis::PARTITION_KEY,
    service: "the stream of agent events",
};

/// The largest contact event: a message of the queue.
pub const QUEUE: Limit = Limit { bytes: limits::sqs::MESSAGE_BYTES, service: "SQS" };

/// How reading continues after a broken record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Reading stops with an error. If the first line is a whole object, the text has one record per line instead.
    Ends,
    /// Every line is a record: the broken record is its line.
    IsItsLine,
    /// Firehose concatenated the records: the broken record ends where another can begin.
    EndsWhereAnotherBegins,
}

/// The context of the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Outside of a list.
    Series,
    /// In a list: at its start, after an element, after a comma.
    ListStart,
    Element,
    Comma,
}

/// The records of a text.
pub struct Records {
    file: Arc<str>,
    source: Box<dyn Read + Send>,
    limit: Limit,
    /// The fewest bytes per read.
    chunk: usize,
    broken: Broken,
    /// Bytes read; those from `start` on are not consumed yet.
    window: Vec<u8>,
    start: usize,
    is_at_end: bool,
    within: Within,
    begins_with_list: bool,
    line: u64,
    number: u64,
    is_over: bool,
}

/// The value at the start of a text.
enum Value {
    /// A whole value, with its length in bytes.
    Whole(usize),
    /// A value that may continue after the text.
    Unfinished,
    /// Not JSON.
    Not(serde_json::Error),
}

impl Records {
    /// The records of a text read from `source`.
    #[must_use]
    pub fn new(file: &str, source: Box<dyn Read + Send>, limit: Limit, broken: Broken) -> Self {
        Self {
            file: file.into(),
            source,
            limit,
            chunk: CHUNK,
            broken,
            window: Vec::new(),
            start: 0,
            is_at_end: false,
            within: Within::Series,
            begins_with_list: false,
            line: 1,
            number: 0,
            is_over: false,
        }
    }

    fn read(&mut self) -> anyhow::Result<Option<InputRecord>> {
        loop {
            self.skip_white_space()?;
            let Some(first) = self.rest().first().copied() else { return self.ended() };
            match (self.within, first) {
                (Within::Series, b'[') if self.opens_list() => {
                    self.begins_with_list = true;
                    self.within = Within::ListStart;
                }
                (Within::ListStart | Within::Element, b']') => self.within = Within::Series,
                (Within::Element, b',') => self.within = Within::Comma,
                (Within::Element, _) => {
                    return Err(self.not_json("a comma or the end of the list is missing"));
                }
                (Within::Series | Within::ListStart | Within::Comma, _) => return self.value().map(Some),
            }
            self.start += 1;
        }
    }

    /// Whether `[` opens a list of records. In a text with one record per line, it does so only if the first line is a list.
    fn opens_list(&self) -> bool {
        match self.broken {
            Broken::Ends => true,
            Broken::IsItsLine => self.number == 0 || self.begins_with_list,
            Broken::EndsWhereAnotherBegins => false,
        }
    }

    fn ended(&self) -> anyhow::Result<Option<InputRecord>> {
        if self.within == Within::Series {
            Ok(None)
        } else {
            Err(self.not_json("the end of the list is missing"))
        }
    }

    fn value(&mut self) -> anyhow::Result<InputRecord> {
        loop {
            match value(self.rest(), self.is_at_end) {
                Value::Whole(length) => return self.whole(length),
                Value::Unfinished if !self.is_at_end && self.rest().len() <= self.limit.bytes => {
                    self.fill()?;
                }
                Value::Unfinished if !self.is_at_end && self.broken != Broken::EndsWhereAnotherBegins => {
                    return Err(self.too_large());
                }
                Value::Unfinished => return self.not_whole("it ends inside a record"),
                Value::Not(error) => return self.not_whole(&error.to_string()),
            }
        }
    }

    /// The value of this length, or the whole line that it starts.
    fn whole(&mut self, length: usize) -> anyhow::Result<InputRecord> {
        if length > self.limit.bytes {
            return Err(self.too_large());
        }
        if self.within == Within::Series && self.broken != Broken::EndsWhereAnotherBegins {
            let after = self.after(length)?;
            let is_line = !self.rest()[..length].contains(&b'\n') && matches!(after, None | Some(b'\n'));
            if self.broken == Broken::Ends && self.number == 0 && is_line && self.rest().starts_with(b"{") {
                self.broken = Broken::IsItsLine;
            }
            if self.broken == Broken::IsItsLine && !matches!(after, None | Some(b'\n' | b'{' | b'[')) {
                return self.whole_line();
            }
        }
        let first = self.rest()[0];
        if self.broken == Broken::Ends && first != b'{' {
            let place = self.place();
            bail!("{place} is not a JSON object (it starts with {:?})", char::from(first));
        }
        if self.within != Within::Series {
            self.within = Within::Element;
        }
        Ok(self.take(length))
    }

    /// The next byte after a value, without blanks; the line end counts.
    fn after(&mut self, length: usize) -> anyhow::Result<Option<u8>> {
        loop {
            let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r');
            let after = self.rest()[length..].iter().find(|byte| !is_blank(byte)).copied();
            if after.is_some() || self.is_at_end {
                return Ok(after);
            }
            if self.rest().len() > self.limit.bytes + CHUNK {
                return Err(self.too_large());
            }
            self.fill()?;
        }
    }

    fn not_whole(&mut self, why: &str) -> anyhow::Result<InputRecord> {
        match self.broken {
            Broken::IsItsLine if self.within == Within::Series => self.whole_line(),
            Broken::EndsWhereAnotherBegins => self.until_another_begins(),
            Broken::Ends | Broken::IsItsLine => Err(self.not_json(why)),
        }
    }

    fn whole_line(&mut self) -> anyhow::Result<InputRecord> {
        loop {
            let end = memchr::memchr(b'\n', self.rest());
            match end.or_else(|| self.is_at_end.then(|| self.rest().len())) {
                Some(length) if length <= self.limit.bytes => return Ok(self.take(length)),
                None if self.rest().len() <= self.limit.bytes => self.fill()?,
                _ => return Err(self.too_large()),
            }
        }
    }

    fn until_another_begins(&mut self) -> anyhow::Result<InputRecord> {
        loop {
            let length = next_beginning(self.rest());
            if length > self.limit.bytes {
                return Err(self.too_large());
            }
            if length < self.rest().len() || self.is_at_end {
                return Ok(self.take(length));
            }
            self.fill()?;
        }
    }

    fn take(&mut self, length: usize) -> InputRecord {
        let bytes = self.rest()[..length].to_vec();
        self.number += 1;
        let record = InputRecord { place: self.place(), bytes: bytes.trim_ascii_end().to_vec() };
        self.line += lines(&bytes);
        self.start += length;
        record
    }

    fn skip_white_space(&mut self) -> anyhow::Result<()> {
        let mut skipped = 0;
        loop {
            let space = self.rest().len() - self.rest().trim_ascii_start().len();
            self.line += lines(&self.rest()[..space]);
            self.start += space;
            skipped += space;
            if !self.rest().is_empty() || self.is_at_end {
                return Ok(());
            }
            if skipped > self.limit.bytes {
                let place = self.place();
                bail!("{place}: {} of white space without a record; check the file", size(self.limit.bytes));
            }
            self.fill()?;
        }
    }

    fn rest(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Doubles the window, so that a long record is parsed only a few times.
    fn fill(&mut self) -> anyhow::Result<()> {
        self.window.drain(..self.start);
        self.start = 0;
        let more = self.window.len().max(self.chunk).min(self.limit.bytes + CHUNK) as u64;
        let read = self.source.by_ref().take(more).read_to_end(&mut self.window);
        let read = read.with_context(|| {
            format!("{} cannot be read to the end; is the file damaged, or still being written?", self.file)
        })?;
        self.is_at_end = read == 0;
        Ok(())
    }

    fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line, number: self.number }
    }

    fn too_large(&self) -> anyhow::Error {
        let Limit { bytes, service } = self.limit;
        anyhow!(
            "{}: the record that starts here is larger than {}, the limit of {service}; is it one record?",
            self.place(),
            size(bytes)
        )
    }

    fn not_json(&self, why: &str) -> anyhow::Error {
        let seen = &self.rest()[..self.rest().len().min(CHUNK)];
        if str::from_utf8(seen).is_err_and(|error| error.error_len().is_some()) {
            return anyhow!(
                "{} is not UTF-8 text; check the encoding (at line {} or later)",
                self.file,
                self.line
            );
        }
        anyhow!(
            "{} is not JSON (in the record that starts on line {}: {why}); it must hold one object, a list of objects, or one object per line",
            self.file,
            self.line
        )
    }
}

impl Iterator for Records {
    type Item = anyhow::Result<InputRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let record = self.read().transpose();
        self.is_over = !matches!(record, Some(Ok(_)));
        record
    }
}

fn value(bytes: &[u8], is_at_end: bool) -> Value {
    let mut values = serde_json::Deserializer::from_slice(bytes);
    match <&RawValue>::deserialize(&mut values) {
        // A number may continue.
        Ok(value) if value.get().len() == bytes.len() && !is_at_end && !bytes.ends_with(b"}") => {
            Value::Unfinished
        }
        Ok(value) => Value::Whole(value.get().len()),
        Err(error) if error.is_eof() => Value::Unfinished,
        Err(error) => Value::Not(error),
    }
}

fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// `1,000 KiB`, `10 MiB`
fn size(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / 1024) }
}

#[cfg(test)]
#[path = "reader/tests.rs"]
mod tests;
