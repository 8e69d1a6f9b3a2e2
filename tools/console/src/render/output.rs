//! Writes results to standard output and everything else to standard error.

use std::io::{ErrorKind, Write};

use anyhow::Context;

use crate::render::terminal::safe_lines;

/// The reader of standard output has closed it, because it has read enough. This is not a failure.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the output was closed")]
pub struct Closed;

/// Writes to standard output.
///
/// # Errors
/// [`Closed`] when the reader has closed it; otherwise an error with the fix.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        written => {
            written.context("the output cannot be written; free space on its disk, or redirect it elsewhere")
        }
    }
}

/// Writes a line to standard error. If that is closed too, the line is dropped.
pub fn say(sentence: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", safe_lines(sentence));
}

/// An error with its causes, without those that its text already repeats.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if sentence.is_empty() {
            sentence = cause;
        } else if !sentence.contains(&cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_repeated_cause_is_shown_once() {
        let inner = anyhow::anyhow!("disk full");
        assert_eq!(
            sentence(&inner.context("cannot write: disk full; free some").context("a")),
            "a: cannot write: disk full; free some"
        );
        assert_eq!(sentence(&anyhow::anyhow!("b").context("a")), "a: b");
    }
}
