//! Rows as they were before some columns were added: contact records from standard input, one a line, become rows on
//! standard output, made by the function's own code with fewer columns.
//!
//! What an upgrade does to rows that are there can only be seen on rows that really were made by another schema.

use std::io::{BufRead, Write};

use connect_streams::contact_record::ContactRecord;
use connect_streams::parse;
use contact_lake::{Edition, Policy, encode, normalize_by};

/// Columns that the earlier schema did not have yet.
const ADDED: [&str; 2] = ["attributes", "agent_username"];

fn main() -> anyhow::Result<()> {
    let (edition, policy) = (Edition::before(&ADDED), Policy::default());
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line?;
        let Ok(document) = parse(&line) else { continue };
        let record = document.as_object().and_then(|object| ContactRecord::from_object(object).ok());
        let Some(record) = record else { continue };
        out.write_all(&encode(normalize_by(edition, &record), None, &policy))?;
    }
    Ok(())
}
