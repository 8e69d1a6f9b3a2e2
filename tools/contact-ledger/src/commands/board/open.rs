//! Opens an address in the default browser.

use std::io;
use std::process::{Command, Stdio};

/// Starts the browser. Other users of the machine can see the address in the list of processes, so it should be valid
/// only once.
///
/// # Errors
/// When there is no program that opens addresses.
pub(super) fn open(url: &str) -> io::Result<()> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))
}
