//! `demo`: started here, run by a program of its own, so that this one links neither the emulator nor its stores.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};

const PROGRAM: &str = "contact-ledger-demo";

/// Becomes the demo's program, with the arguments that stand behind `demo`; they have been understood already.
///
/// # Errors
/// When there is no such program.
#[must_use]
pub fn demo() -> anyhow::Error {
    let arguments: Vec<OsString> = env::args_os().skip_while(|argument| argument != "demo").skip(1).collect();
    let program = match beside() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let error = Command::new(&program).args(arguments).exec();
    anyhow::Error::from(error).context(format!("{} cannot be started", program.display()))
}

/// The program in the folder of this one, or else on the path.
fn beside() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().context("the folder of this program is not known")?;
    let beside = this.with_file_name(PROGRAM);
    if beside.is_file() {
        return Ok(beside);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|file| file.is_file());
    found.ok_or_else(|| {
        anyhow!(
            "the demo is a program of its own, {PROGRAM}, which is neither in {} nor on the path; put it there, or build it with `make demo`",
            this.parent().unwrap_or(&this).display()
        )
    })
}
