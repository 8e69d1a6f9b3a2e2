//! Checks that the process can open as many files and connections as the stack needs. Without the check, the only symptom
//! is a client that waits, because a server cannot accept its connection.

use std::fs::File;

use anyhow::bail;

/// For servers, logs, files and this program itself.
const PER_STACK: usize = 96;
/// For a function's process and its connections.
const PER_SHARD: usize = 16;

/// Returns an error that names the fix if too few can be opened.
pub(crate) fn check(shards: usize) -> anyhow::Result<()> {
    let needed = PER_STACK + PER_SHARD * shards;
    let mut open = Vec::new();
    while open.len() < needed {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => {
                let free = open.len();
                // Reporting the error needs descriptors.
                drop(open);
                bail!(
                    "the local stack needs {needed} open files and connections, but this process can open only {free} more ({error}); raise the limit with `ulimit -n 1024`"
                );
            }
        }
    }
    Ok(())
}
