//! `make generate`: writes every generated file, or says which are stale.

use std::process::ExitCode;

use clap::Parser;
use generate::{files, write_golden_rows};

/// Write every file that a program writes
#[derive(Debug, Parser)]
struct Arguments {
    /// Write nothing; fail if a file is stale
    #[arg(long)]
    check: bool,
    /// Write the golden rows as well: look at the difference before you commit it
    #[arg(long, conflicts_with = "check")]
    golden: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for developers")]
fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut stale = 0;
    for file in files()? {
        if file.is_current()? {
            continue;
        }
        if arguments.check {
            stale += 1;
            eprintln!("{} is stale; `make generate` writes it", file.path);
        } else {
            file.write()?;
            println!("{} is written", file.path);
        }
    }
    if arguments.golden {
        write_golden_rows()?;
    }
    Ok(if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
