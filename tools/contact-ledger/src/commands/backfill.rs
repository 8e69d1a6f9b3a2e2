//! `backfill`: makes rows anew from contact records as they came, after a change of the schema or of the policy.
//!
//! The rows are made by the function's own code. An object of copies becomes one file in each partition that it has
//! records for, under a name derived from the object's key: whoever does it again writes the same files. A marker says
//! that an object is done, so that an interrupted backfill goes on where it was. New rows stand beside the old ones,
//! with the same versions and hashes; `contact_records_latest` shows that of the newer schema.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, ErrorKind};

use anyhow::{Context, ensure};
use clap::Args;
use contact_lake::schema::SCHEMA_VERSION;
use contact_lake::{Arrival, Made, Policy, Transformed};
use contact_record_normalizer::{Summary, transform_record};
use indicatif::{ProgressBar, ProgressStyle};
use lake_files::copies::arrival;
use lake_files::layout::{BACKFILL_DONE as DONE, COPIES, ROWS_PARTITION};
use lake_parquet::{Conversion, Converted, GlueTable};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use xxhash_rust::xxh3::xxh3_128;

use crate::stack::aws::AwsArguments;
use crate::stack::lake::Lake;
use lake_parquet::contact_records as glue_table;
use ledger_console::arguments::policies::required_contact_records;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::records::input::{Broken, KINESIS, records_of};
use ledger_console::render::output::sentence;
use ledger_console::render::terminal::{grouped, safe};

/// Rows that wait for their conversion, of all partitions of a copy.
const KEPT_BYTES: usize = 32 * 1024 * 1024;

/// Arguments of `backfill`.
#[derive(Debug, Clone, Args)]
pub struct BackfillArguments {
    /// The lake: s3://<bucket>, or a folder such as demo-output/lake
    #[arg(long, value_name = "LOCATION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    lake: String,
    /// Only copies that arrived on this day or later (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<String>,
    /// Only copies that arrived on this day or earlier (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<String>,
    /// Also what an earlier backfill with this schema has done
    #[arg(long)]
    again: bool,
    /// Count what would become of the records, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

fn day(text: &str) -> Result<String, String> {
    let date = text.parse::<jiff::civil::Date>();
    date.map(|date| date.to_string()).map_err(|_| "it is not a day such as 2026-03-02".to_owned())
}

/// What became of the records.
#[derive(Debug, Default)]
struct Counts {
    objects: usize,
    done_before: usize,
    rows: usize,
    files: usize,
    misfits: usize,
    /// Objects of copies that cannot be read, with the reason.
    unreadable: Vec<String>,
    /// Those of which fewer rows can be made than an earlier run has made.
    kept: Vec<String>,
    /// What the function counts of the records.
    records: Summary,
}

/// Does it; answers with what it did.
///
/// # Errors
/// When something cannot be read or written. What was done is marked, so the same command goes on from there.
pub async fn backfill(arguments: &BackfillArguments) -> Answer {
    let policy = required_contact_records()?;
    let lake = Lake::open(&arguments.lake, &arguments.aws).await?;
    if !arguments.dry_run {
        lake.announce().await;
    }
    let table = glue_table()?;
    let keys = lake.keys(COPIES).await?;
    ensure!(
        !keys.is_empty(),
        "{} has nothing below {COPIES}; is it the bucket of the stack (output LakeBucketName)?",
        arguments.lake
    );
    let keys: Vec<_> = keys.into_iter().filter(|key| is_wanted(key, arguments)).collect();
    ensure!(!keys.is_empty(), "nothing arrived between these days; widen --since and --until");

    let bar = ProgressBar::new(keys.len() as u64);
    let style =
        ProgressStyle::with_template("{wide_bar} {pos} of {len} objects, {msg}, {elapsed}, {eta} left");
    bar.set_style(style.context("the template names known parts")?);
    let markers = format!("{DONE}schema-{SCHEMA_VERSION}/");
    let done: HashSet<_> =
        if arguments.dry_run { HashSet::new() } else { lake.keys(&markers).await?.into_iter().collect() };
    let mut run = Backfill { lake, policy, table, is_dry_run: arguments.dry_run, counts: Counts::default() };
    for key in &keys {
        let marker = format!("{markers}{}.json", key.trim_start_matches(COPIES));
        let was_whole = done.contains(&marker);
        if was_whole && !arguments.again {
            run.counts.done_before += 1;
        } else {
            run.copy(key, &marker, was_whole).await?;
        }
        bar.set_message(format!("{} rows", run.counts.rows));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let counts = run.counts;
    let is_whole = counts.unreadable.is_empty()
        && counts.kept.is_empty()
        && counts.misfits == 0
        && counts.records.failed() == 0;
    let outcome = if is_whole { Outcome::Done } else { Outcome::Differs };
    Ok((counts.told(arguments.dry_run), outcome))
}

/// `raw/contact-records/arrival_date=2026-03-02/…`
fn is_wanted(key: &str, arguments: &BackfillArguments) -> bool {
    let date = key.split("arrival_date=").nth(1).and_then(|rest| rest.get(..10)).unwrap_or_default();
    arguments.since.as_deref().is_none_or(|since| date >= since)
        && arguments.until.as_deref().is_none_or(|until| date <= until)
}

/// A backfill under way.
struct Backfill {
    lake: Lake,
    policy: Policy,
    table: GlueTable,
    is_dry_run: bool,
    counts: Counts,
}

impl Backfill {
    /// Makes the rows of one copy, and marks it as done if it could be read to its end.
    async fn copy(&mut self, key: &str, marker: &str, was_whole: bool) -> anyhow::Result<()> {
        let counts = &mut self.counts;
        let read =
            block_in_place(|| Rows::of(&self.lake, key, &self.policy, &self.table, &mut counts.records))?;
        counts.objects += 1;
        let is_whole = read.unreadable.is_none();
        counts.unreadable.extend(read.unreadable);
        if was_whole {
            let before = rows_before(&self.lake.get(marker).await?);
            if !is_whole || read.count < before {
                counts.kept.push(format!("{key}: {} rows now, {before} then", read.count));
                return Ok(());
            }
        }
        for (contact_date, converted) in read.files {
            counts.misfits += converted.misfits.len();
            if !converted.file.is_empty() && !self.is_dry_run {
                let name = format!("backfill-{SCHEMA_VERSION}-{:032x}.parquet", xxh3_128(key.as_bytes()));
                self.lake.put(&format!("{ROWS_PARTITION}{contact_date}/{name}"), converted.file).await?;
                counts.files += 1;
            }
        }
        counts.rows += read.count;
        if is_whole && !self.is_dry_run {
            let body = json!({"source": key, "schema_version": SCHEMA_VERSION, "rows": read.count});
            self.lake.put(marker, body.to_string().into_bytes()).await?;
        }
        Ok(())
    }
}

/// Rows that an earlier run made of a copy, by its marker.
fn rows_before(marker: &[u8]) -> usize {
    let marker: Value = serde_json::from_slice(marker).unwrap_or_default();
    marker["rows"].as_u64().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(0)
}

/// Why a copy cannot be read to its end.
///
/// # Errors
/// When it is not the copy: the lake could not be read.
fn broken_copy(error: anyhow::Error) -> anyhow::Result<String> {
    let of_reading = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let is_of_the_copy =
        |kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof);
    if of_reading.is_none_or(is_of_the_copy) { Ok(sentence(&error)) } else { Err(error) }
}

/// The rows of one copy.
struct Rows {
    /// How many, without those that do not fit.
    count: usize,
    /// The files they are in, by partition.
    files: BTreeMap<String, Converted>,
    /// Why the copy cannot be read to its end.
    unreadable: Option<String>,
}

/// Rows that have not been converted yet, and the file that they go to.
#[derive(Default)]
struct Partition {
    lines: Vec<Vec<u8>>,
    conversion: Option<Conversion>,
}

impl Partition {
    fn convert(&mut self, table: &GlueTable) -> anyhow::Result<()> {
        let conversion = match &mut self.conversion {
            Some(conversion) => conversion,
            none => none.insert(Conversion::begin(&table.schema)?),
        };
        conversion.add(&self.lines.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        self.lines.clear();
        Ok(())
    }
}

impl Rows {
    /// Reads a copy record by record: it may be far larger than it is compressed.
    fn of(
        lake: &Lake,
        key: &str,
        policy: &Policy,
        table: &GlueTable,
        summary: &mut Summary,
    ) -> anyhow::Result<Self> {
        let mut partitions: BTreeMap<String, Partition> = BTreeMap::new();
        let (mut rows, mut kept, mut unreadable) = (0, 0, None);
        let at = arrival(key);
        let records = lake.reader(key)?;
        let records = match records_of(key, records, KINESIS, Some(Broken::EndsWhereAnotherBegins)) {
            Ok(records) => Some(records),
            Err(error) => {
                unreadable = Some(broken_copy(error)?);
                None
            }
        };
        for (place, record) in (0..).zip(records.into_iter().flatten()) {
            let record = match record {
                Ok(record) => record.bytes,
                Err(error) => {
                    unreadable = Some(broken_copy(error)?);
                    break;
                }
            };
            let arrival = at.map(|at| Arrival { at, place: Some(place) });
            match transform_record(&record, arrival, policy, summary) {
                Ok(Transformed::Row(Made { line, contact_date, .. })) => {
                    rows += 1;
                    kept += line.capacity();
                    partitions.entry(contact_date).or_default().lines.push(line);
                }
                Ok(Transformed::Dropped(_)) => {}
                Err(reject) => summary.rejected.add(&reject),
            }
            if kept > KEPT_BYTES {
                kept = 0;
                partitions.values_mut().try_for_each(|partition| partition.convert(table))?;
            }
        }
        let mut files = BTreeMap::new();
        for (contact_date, mut partition) in partitions {
            partition.convert(table)?;
            if let Some(conversion) = partition.conversion {
                let converted = conversion.finish()?;
                rows -= converted.misfits.len();
                files.insert(contact_date, converted);
            }
        }
        Ok(Self { count: rows, files, unreadable })
    }
}

impl Counts {
    fn told(&self, is_dry_run: bool) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut line = |what: &str, count: usize, more: &str| {
            let _ = writeln!(text, "{:<22}{:>9}   {}", safe(what), grouped(count as u64), safe(more));
        };
        let written = if is_dry_run { "would be written; nothing was" } else { "written" };
        line("Objects", self.objects, "of copies, read");
        if self.done_before > 0 {
            line("  done before", self.done_before, "left alone; --again does them too");
        }
        line("Rows", self.rows, written);
        line("  files", self.files, "below contact_records/");
        line("Failed", self.records.failed(), "they fail as they did when they came");
        for ((code, path), records) in self.records.rejected.iter() {
            line(&format!("  {code}"), *records, path);
        }
        line("Dropped", self.records.dropped(), "another known kind, not a contact record");
        if self.misfits > 0 {
            line("Misfits", self.misfits, "rows that the table has no room for; please report it");
        }
        for (what, objects, more) in [
            (
                "Unreadable",
                &self.unreadable,
                "objects of copies that cannot be read to their end; restore them, and run this again:",
            ),
            (
                "Kept",
                &self.kept,
                "objects of copies with fewer rows than an earlier run has made, which are kept: restore the copies, and run \
                 this again with --again:",
            ),
        ] {
            if !objects.is_empty() {
                let _ = writeln!(text, "{what:<22}{:>9}   {more}", grouped(objects.len() as u64));
                for why in objects {
                    let _ = writeln!(text, "  {}", safe(why));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy that a network cuts short is not damaged: the command ends, and can be repeated.
    #[test]
    fn what_is_not_the_copys_fault_ends_the_backfill() {
        let of = |kind| anyhow::Error::from(io::Error::new(kind, "why")).context("the copy cannot be read");
        for kind in [ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::UnexpectedEof] {
            assert!(broken_copy(of(kind)).unwrap().contains("the copy cannot be read"), "{kind}");
        }
        for kind in [ErrorKind::Other, ErrorKind::ConnectionReset, ErrorKind::TimedOut] {
            assert!(broken_copy(of(kind)).is_err(), "{kind}");
        }
        assert!(broken_copy(anyhow::anyhow!("10 MiB without a record")).is_ok());
    }
}
