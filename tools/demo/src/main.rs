//! `contact-ledger demo`, as a program of its own: so the operator's tool links neither the emulator nor its stores.

use std::process::ExitCode;

use clap::Parser;
use contact_ledger_demo::demo::demo;
use ledger_console::arguments::demo::DemoArguments;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::program::run;

/// A demo moves hundreds of thousands of small values between threads: with the system's allocator, a quarter of its
/// time goes into that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Run the whole pipeline on this machine and write the output to a folder
#[derive(Debug, Parser)]
#[command(name = "contact-ledger-demo", version)]
struct Arguments {
    #[command(flatten)]
    demo: DemoArguments,
}

fn main() -> ExitCode {
    run(async |arguments: Arguments| {
        // It stops what it has started, however often it is asked.
        demo(&arguments.demo, &Interruption::listen(None)).await
    })
}
