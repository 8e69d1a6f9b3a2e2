//! `rows-of-an-earlier-schema FILE` writes rows of an earlier schema: it runs the function's own code with fewer
//! columns and writes Parquet as Firehose would. Each line of standard input is an arrival time, a tab, and a
//! record.
//!
//! The effect of an upgrade on existing rows can only be tested with rows that were written with another schema.

use std::io::BufRead;

use anyhow::{Context, ensure};
use connect_streams::contact_record::ContactRecord;
use connect_streams::{Timestamp, parse};
use contact_lake::{Arrival, Edition, Policy, encode};
use lake_parquet::{contact_records as glue_table, convert};

/// Columns missing from the earlier schema.
const ADDED: [&str; 3] = ["attributes", "agent_username", "customer_endpoint_address"];

fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).context("missing argument: the file to write")?;
    let (edition, policy) = (Edition::before(&ADDED), Policy::default());
    let mut rows = Vec::new();
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line?;
        let tab = line.iter().position(|byte| *byte == b'\t').context("a line has no tab")?;
        let (arrival, record) = (str::from_utf8(&line[..tab])?, &line[tab + 1..]);
        let arrival = Timestamp::parse(arrival).with_context(|| format!("{arrival} is not a timestamp"))?;
        let document = parse(record)?;
        let object = document.as_object().context("a record is an object")?;
        let record = ContactRecord::from_object(object)?;
        rows.push(encode(edition.normalize(&record), Some(Arrival::from(arrival)), &policy));
    }
    let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    let converted = convert(&rows, &glue_table()?.schema)?;
    ensure!(converted.misfits.is_empty(), "{} rows do not fit the table", converted.misfits.len());
    std::fs::write(&file, converted.file).with_context(|| format!("{file} cannot be written"))
}
