//! `contact-ledger demo` as a separate program, so that `contact-ledger` links neither the emulator nor its stores.

use std::process::ExitCode;

use clap::Parser;
use contact_ledger_demo::demo::demo;
use ledger_console::arguments::demo::DemoArguments;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::program::run;

/// A demo moves hundreds of thousands of small values between threads. The system's allocator would take a quarter of its
/// time.
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
        // `None`: repeated interruptions never keep the demo from stopping everything it started.
        demo(&arguments.demo, &Interruption::listen(None)).await
    })
}
