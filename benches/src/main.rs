//! `make bench`: compares the functions with the machine's limit and with the same functions in other languages.
//!
//! Everything is measured in one run on one machine, because only ratios are meaningful. Figures are medians.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and panics on errors"
)]

mod cold_start;
mod contact_events;
mod figures;
mod input;
mod latency;
mod normalizer;
mod peers;
mod process;
mod upserter;

use std::path::Path;

use crate::figures::Figures;

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let folder = tempfile::tempdir().unwrap();
    let mut figures = Figures::default();
    if wanted("normalizer") {
        normalizer::measure(folder.path(), &mut figures);
    }
    if wanted("upserter") {
        upserter::measure(folder.path(), &mut figures);
    }
    if wanted("contact-events") {
        contact_events::measure(&mut figures);
    }
    if wanted("start") {
        cold_start::measure(&mut figures);
    }
    print!("{}", figures.table());
    if only.is_none() {
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        std::fs::create_dir_all(&results).unwrap();
        std::fs::write(results.join("results.md"), figures.table()).unwrap();
        std::fs::write(results.join("results.json"), figures.json()).unwrap();
    }
}
