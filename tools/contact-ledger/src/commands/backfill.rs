//! `backfill`: makes rows anew from contact records as they came, after a change of the schema or of the policy.
//!
//! The rows are made by the function's own code. An object of copies becomes one file in each partition that it has
//! records for, under a name derived from the object's key: whoever does it again writes the same files. A marker says
//! that an object is done, so that an interrupted backfill goes on where it was. New rows stand beside the old ones,
//! with the same versions and hashes; `contact_records_latest` shows that of the newer schema.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use clap::Args;
use contact_lake::schema::SCHEMA_VERSION;
use contact_lake::{Arrival, Policy};
use contact_record_normalizer::{Summary, Transformed, transform_record};
use indicatif::{ProgressBar, ProgressStyle};
use lake_files::decompressed;
use lake_parquet::GlueTable;
use lake_parquet::convert;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use crate::stack::aws::AwsArguments;
use crate::stack::lake::Lake;
use lake_parquet::contact_records as glue_table;
use ledger_console::arguments::policies::required_contact_records;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::render::terminal::{grouped, safe};

/// Copies of contact records, by day of arrival.
const COPIES: &str = "raw/contact-records/";
/// Markers of what is done.
const DONE: &str = "backfill/";

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
    let looks_back = !arguments.again && !arguments.dry_run;
    let done: HashSet<_> =
        if looks_back { lake.keys(&markers).await?.into_iter().collect() } else { HashSet::new() };
    let mut counts = Counts::default();
    for key in &keys {
        let marker = format!("{markers}{}.json", key.trim_start_matches(COPIES));
        if done.contains(&marker) {
            counts.done_before += 1;
        } else {
            let before = counts.rows;
            let bytes = match decompressed(lake.get(key).await?) {
                Ok(bytes) => bytes,
                Err(error) => {
                    counts.unreadable.push(format!("{key}: {error}"));
                    bar.inc(1);
                    continue;
                }
            };
            one_object(&lake, key, &bytes, &policy, &table, arguments.dry_run, &mut counts).await?;
            if !arguments.dry_run {
                let body =
                    json!({"source": key, "schema_version": SCHEMA_VERSION, "rows": counts.rows - before});
                lake.put(&marker, body.to_string().into_bytes()).await?;
            }
        }
        bar.set_message(format!("{} rows", counts.rows));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let is_whole = counts.unreadable.is_empty() && counts.misfits == 0 && counts.records.failed() == 0;
    let outcome = if is_whole { Outcome::Done } else { Outcome::Differs };
    Ok((counts.told(arguments.dry_run), outcome))
}

/// `raw/contact-records/arrival_date=2026-03-02/…`
fn is_wanted(key: &str, arguments: &BackfillArguments) -> bool {
    let date = key.split("arrival_date=").nth(1).and_then(|rest| rest.get(..10)).unwrap_or_default();
    arguments.since.as_deref().is_none_or(|since| date >= since)
        && arguments.until.as_deref().is_none_or(|until| date <= until)
}

async fn one_object(
    lake: &Lake,
    key: &str,
    bytes: &[u8],
    policy: &Policy,
    table: &GlueTable,
    is_dry_run: bool,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let mut partitions: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let at = lake_files::copies::arrival(key);
    for (place, record) in (0..).zip(lake_files::records::split(bytes)) {
        let arrival = at.map(|at| Arrival { at, place: Some(place) });
        match transform_record(record, arrival, policy, &mut counts.records) {
            Ok(Transformed::Row { line, contact_date }) => {
                partitions.entry(contact_date).or_default().push(line);
            }
            Ok(Transformed::Dropped) => {}
            Err(reject) => counts.records.rejected.add(&reject),
        }
    }
    counts.objects += 1;
    for (contact_date, lines) in partitions {
        let rows: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let converted = convert(&rows, &table.schema)?;
        counts.misfits += converted.misfits.len();
        counts.rows += rows.len() - converted.misfits.len();
        if !converted.file.is_empty() && !is_dry_run {
            let name = format!("backfill-{SCHEMA_VERSION}-{:032x}.parquet", xxh3_128(key.as_bytes()));
            lake.put(&format!("contact_records/contact_date={contact_date}/{name}"), converted.file).await?;
            counts.files += 1;
        }
    }
    Ok(())
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
        if !self.unreadable.is_empty() {
            line(
                "Unreadable",
                self.unreadable.len(),
                "objects of copies that are not GZIP throughout; left alone:",
            );
            for why in &self.unreadable {
                let _ = writeln!(text, "  {}", safe(why));
            }
        }
        text
    }
}
