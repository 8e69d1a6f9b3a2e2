//! Whether the stack may open as many files and connections as it needs. A server that cannot accept a connection shows
//! nothing but a client that waits.

use std::fs::File;

use anyhow::bail;

/// Servers, logs, files and this program's own.
const OF_STACK: usize = 96;
/// A function's process and its connections.
const OF_SHARD: usize = 16;

/// Says so, and what to do, when too few can be opened.
pub(crate) fn check(shards: usize) -> anyhow::Result<()> {
    let needed = OF_STACK + OF_SHARD * shards;
    let mut open = Vec::new();
    while open.len() < needed {
        match File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => {
                let free = open.len();
                // Their descriptors are wanted for whoever reports it.
                drop(open);
                bail!(
                    "only {free} more files and connections may be open here ({error}), and the local stack needs {needed}; raise the limit with `ulimit -n 1024`"
                );
            }
        }
    }
    Ok(())
}
