//! Opens an address in the default browser.

use std::io;
use std::process::{Command, Stdio};

use ledger_console::render::output::say;

/// Starts the browser. Other users of the machine can see the address in the list of processes, so it should be valid
/// only once.
///
/// # Errors
/// When there is no program that opens addresses.
pub(super) fn open(url: &str) -> io::Result<()> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
    std::thread::spawn(move || match child.wait() {
        Ok(status) if !status.success() => {
            say(&format!("no browser could be started ({program} failed); open the address above"));
        }
        _ => {}
    });
    Ok(())
}
