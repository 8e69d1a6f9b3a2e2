//! The key of an address that stays the same.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, ensure};

/// Length of a key: 32 hexadecimal digits.
const DIGITS: usize = 32;
/// The lowest bits of a mode are for the group and for others.
const OTHERS: u32 = 6;

/// The key in a file; a new one if there is no such file.
///
/// # Errors
/// When the file cannot be read or written, has no key, or can be read by other users.
pub(super) fn of(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    match fs::read_to_string(file) {
        Ok(text) => {
            let mode =
                fs::metadata(file).with_context(|| format!("{shown} cannot be read"))?.permissions().mode();
            ensure!(
                mode.trailing_zeros() >= OTHERS,
                "other users can read {shown}; run `chmod 600 {shown}`, or delete it for a new key"
            );
            let key = text.trim();
            let is_key = key.len() == DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(
                is_key,
                "{shown} has no key of {DIGITS} hexadecimal digits; delete it, and a new one is written"
            );
            Ok(key.to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = loopback::secret();
            let mut open = File::options();
            let written = open.write(true).create_new(true).mode(0o600).open(file);
            let written = written.and_then(|mut file| file.write_all(format!("{key}\n").as_bytes()));
            written.with_context(|| format!("{shown} cannot be written; choose another file"))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("{shown} cannot be read; choose another file")),
    }
}
