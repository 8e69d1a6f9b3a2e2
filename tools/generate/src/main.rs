//! `make generate`: writes every generated file, or lists the stale ones.

use std::process::ExitCode;

use clap::Parser;
use generate::{files, write_golden_rows};

/// Write every generated file
#[derive(Debug, Parser)]
struct Arguments {
    /// Write nothing, and fail if a file is stale
    #[arg(long)]
    check: bool,
    /// Also write the golden rows. Review the diff before you commit it
    #[arg(long, conflicts_with = "check")]
    golden: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers")]
fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut stale = 0;
    for file in files()? {
        if file.is_current()? {
            continue;
        }
        if arguments.check {
            stale += 1;
            eprintln!("{} is stale; run `make generate`", file.path);
        } else {
            file.write()?;
            println!("{} has been updated", file.path);
        }
    }
    if arguments.golden {
        write_golden_rows()?;
    }
    Ok(if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
