//! `demo`: replaces this process with the separate binary `contact-ledger-demo`, so that this one does not link the
//! emulators.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};

const PROGRAM: &str = "contact-ledger-demo";

/// Replaces this process with the demo binary, and passes on the arguments after `demo`, which were already validated.
/// Returns only if that fails.
#[must_use]
pub fn demo() -> anyhow::Error {
    let arguments: Vec<OsString> = env::args_os().skip_while(|argument| argument != "demo").skip(1).collect();
    let program = match find_program() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let error = Command::new(&program).args(arguments).exec();
    anyhow::Error::from(error).context(format!("{} cannot be started", program.display()))
}

/// Finds the demo binary in this program's folder, or else on the `PATH`.
fn find_program() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().context("the folder of this program is unknown")?;
    let sibling = this.with_file_name(PROGRAM);
    if sibling.is_file() {
        return Ok(sibling);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|file| file.is_file());
    found.ok_or_else(|| {
        anyhow!(
            "the demo needs the program {PROGRAM}, which is neither in {} nor on the PATH; copy it there, or build it with `make demo`",
            this.parent().unwrap_or(&this).display()
        )
    })
}
