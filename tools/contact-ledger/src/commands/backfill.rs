//! `backfill`: rebuilds rows from raw copies after the schema or the PII policy changes.
//!
//! The function's own code makes the rows. Each object with raw copies becomes one file per contact date, named after the
//! object's key, so that repeated runs write the same files. A marker records each finished object, so that an interrupted
//! backfill can resume. The new rows do not replace the old ones, and have the same versions and hashes;
//! `contact_records_latest` shows the row with the newer schema.

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

/// Bytes of rows to buffer before they are converted, over all partitions of an object.
const BUFFER_BYTES: usize = 32 * 1024 * 1024;

/// Arguments of `backfill`.
#[derive(Debug, Clone, Args)]
pub struct BackfillArguments {
    /// Location of the lake
    #[arg(help = "Location of the lake: s3://<bucket>, or a folder such as demo-output/lake")]
    #[arg(long, value_name = "LOCATION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    lake: String,
    /// First day whose raw copies are processed (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<String>,
    /// Last day whose raw copies are processed (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<String>,
    /// Include raw copies that were already processed by an earlier backfill with the same schema version
    #[arg(long)]
    again: bool,
    /// Count the outcomes of the records, but write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: AwsArguments,
}

fn day(text: &str) -> Result<String, String> {
    let date = text.parse::<jiff::civil::Date>();
    date.map(|date| date.to_string()).map_err(|_| "not a day; use a date such as 2026-03-02".to_owned())
}

/// The outcomes of a backfill.
#[derive(Debug, Default)]
struct Counts {
    objects: usize,
    done_before: usize,
    rows: usize,
    files: usize,
    misfits: usize,
    /// Objects that cannot be read, with the reason.
    unreadable: Vec<String>,
    /// Objects that now give fewer rows than in an earlier run.
    kept: Vec<String>,
    /// The function's summary of the records.
    records: Summary,
}

/// Runs the backfill and returns the report.
///
/// # Errors
/// If something cannot be read or written. Finished objects are marked, so rerunning the command resumes.
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
        "{} has nothing under {COPIES}; is it the stack's bucket (output LakeBucketName)?",
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
        let was_done = done.contains(&marker);
        if was_done && !arguments.again {
            run.counts.done_before += 1;
        } else {
            run.object(key, &marker, was_done).await?;
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
    Ok((counts.report(arguments.dry_run), outcome))
}

/// `raw/contact-records/arrival_date=2026-03-02/…`
fn is_wanted(key: &str, arguments: &BackfillArguments) -> bool {
    let date = key.split("arrival_date=").nth(1).and_then(|rest| rest.get(..10)).unwrap_or_default();
    arguments.since.as_deref().is_none_or(|since| date >= since)
        && arguments.until.as_deref().is_none_or(|until| date <= until)
}

/// A backfill in progress.
struct Backfill {
    lake: Lake,
    policy: Policy,
    table: GlueTable,
    is_dry_run: bool,
    counts: Counts,
}

impl Backfill {
    /// Makes the rows of one object, and marks it as done if all of it could be read.
    async fn object(&mut self, key: &str, marker: &str, was_done: bool) -> anyhow::Result<()> {
        let counts = &mut self.counts;
        let read =
            block_in_place(|| Rows::of(&self.lake, key, &self.policy, &self.table, &mut counts.records))?;
        counts.objects += 1;
        let is_whole = read.unreadable.is_none();
        counts.unreadable.extend(read.unreadable);
        if was_done {
            let before = rows_before(&self.lake.get(marker).await?);
            if !is_whole || read.count < before {
                counts.kept.push(format!("{key}: {} rows now, {before} before", read.count));
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

/// The number of rows that an earlier run made, from its marker.
fn rows_before(marker: &[u8]) -> usize {
    let marker: Value = serde_json::from_slice(marker).unwrap_or_default();
    marker["rows"].as_u64().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(0)
}

/// Why an object cannot be read to its end.
///
/// # Errors
/// If the lake could not be read, as opposed to a damaged object.
fn damaged_object(error: anyhow::Error) -> anyhow::Result<String> {
    let io_error = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let is_damage =
        |kind| matches!(kind, ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof);
    if io_error.is_none_or(is_damage) { Ok(sentence(&error)) } else { Err(error) }
}

/// The rows of one object.
struct Rows {
    /// Number of rows, without misfits.
    count: usize,
    /// The files by partition.
    files: BTreeMap<String, Converted>,
    /// Why the object cannot be read to its end.
    unreadable: Option<String>,
}

/// Rows that are not converted yet, and the file they go to.
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
    /// Reads an object record by record, because it may be far larger uncompressed.
    fn of(
        lake: &Lake,
        key: &str,
        policy: &Policy,
        table: &GlueTable,
        summary: &mut Summary,
    ) -> anyhow::Result<Self> {
        let mut partitions: BTreeMap<String, Partition> = BTreeMap::new();
        let (mut rows, mut buffered, mut unreadable) = (0, 0, None);
        let at = arrival(key);
        let records = lake.reader(key)?;
        let records = match records_of(key, records, KINESIS, Some(Broken::EndsWhereAnotherBegins)) {
            Ok(records) => Some(records),
            Err(error) => {
                unreadable = Some(damaged_object(error)?);
                None
            }
        };
        for (place, record) in (0..).zip(records.into_iter().flatten()) {
            let record = match record {
                Ok(record) => record.bytes,
                Err(error) => {
                    unreadable = Some(damaged_object(error)?);
                    break;
                }
            };
            let arrival = at.map(|at| Arrival { at, place: Some(place) });
            match transform_record(&record, arrival, policy, summary) {
                Ok(Transformed::Row(Made { line, contact_date, .. })) => {
                    rows += 1;
                    buffered += line.capacity();
                    partitions.entry(contact_date).or_default().lines.push(line);
                }
                Ok(Transformed::Dropped(_)) => {}
                Err(reject) => summary.rejected.add(&reject),
            }
            if buffered > BUFFER_BYTES {
                buffered = 0;
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
    fn report(&self, is_dry_run: bool) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut line = |name: &str, count: usize, note: &str| {
            let _ = writeln!(text, "{:<22}{:>9}   {}", safe(name), grouped(count as u64), safe(note));
        };
        let written = if is_dry_run { "would be written (dry run)" } else { "written" };
        line("Objects", self.objects, "with raw copies, read");
        if self.done_before > 0 {
            line("  done before", self.done_before, "skipped; --again includes them");
        }
        line("Rows", self.rows, written);
        line("  files", self.files, "under contact_records/");
        line("Failed", self.records.failed(), "the same errors as at delivery");
        for ((code, path), records) in self.records.rejected.iter() {
            line(&format!("  {code}"), *records, path);
        }
        line("Dropped", self.records.dropped(), "known record type that is not a contact record");
        if self.misfits > 0 {
            line("Misfits", self.misfits, "rows that do not fit the table; please report this");
        }
        for (name, objects, note) in [
            (
                "Unreadable",
                &self.unreadable,
                "objects that cannot be read to the end; restore them, and run this again:",
            ),
            (
                "Kept",
                &self.kept,
                "objects that now give fewer rows than before; the earlier rows are kept. Restore the objects, and run \
                 this again with --again:",
            ),
        ] {
            if !objects.is_empty() {
                let _ = writeln!(text, "{name:<22}{:>9}   {note}", grouped(objects.len() as u64));
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

    /// An object is not damaged if the network cuts off its download. The command fails and can be rerun.
    #[test]
    fn a_damaged_object_is_reported_and_a_network_error_ends_the_backfill() {
        let of = |kind| anyhow::Error::from(io::Error::new(kind, "why")).context("the object cannot be read");
        for kind in [ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::UnexpectedEof] {
            assert!(damaged_object(of(kind)).unwrap().contains("the object cannot be read"), "{kind}");
        }
        for kind in [ErrorKind::Other, ErrorKind::ConnectionReset, ErrorKind::TimedOut] {
            assert!(damaged_object(of(kind)).is_err(), "{kind}");
        }
        assert!(damaged_object(anyhow::anyhow!("10 MiB without a record")).is_ok());
    }
}
