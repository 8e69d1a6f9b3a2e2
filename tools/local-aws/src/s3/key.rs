//! Which keys are files of their own name, and which names a bucket may have.
//!
//! A key is at most 1,024 bytes of UTF-8, and any of those. Most look like a path, and become one: people look at the
//! folder, and `DuckDB` reads it. The others would leave the bucket's folder (`..`), mean another file (`a//b`), be
//! refused by the file system (NUL, a long segment) or hide from readers (a leading dot): they get no path.
//!
//! Source: S3 User Guide, "Naming Amazon S3 objects" and "General purpose bucket naming rules".

use std::path::Path;

use s3s::{S3Result, s3_error};

/// The longest key, in bytes.
pub(super) const LONGEST_KEY: usize = 1024;
/// The longest name of a file, in bytes, on the file systems of Linux and macOS.
const LONGEST_NAME: usize = 255;

/// Where the object's file is in the bucket's folder; none if the key is no plain path.
pub(super) fn plain_path(key: &str) -> Option<&Path> {
    key.split('/').all(is_plain_name).then(|| Path::new(key))
}

/// Whether a file of this name is seen as part of a key.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= LONGEST_NAME
        && !name.chars().any(|character| character.is_control() || character == '\\')
}

/// Whether S3 would take this name for a bucket.
pub(super) fn is_bucket_name(name: &str) -> bool {
    s3s::path::check_bucket_name(name)
}

/// Refuses what is no key. A request's path is checked by `s3s`; keys also come in bodies and from this process.
pub(super) fn check(key: &str) -> S3Result<()> {
    match key.len() {
        0 => Err(s3_error!(InvalidArgument, "the key is empty; give an object's key")),
        1..=LONGEST_KEY => Ok(()),
        length => {
            Err(s3_error!(KeyTooLongError, "the key has {length} bytes; at most {LONGEST_KEY} are allowed"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_key_is_a_path() {
        for key in [
            "a",
            "a/b.parquet",
            "contact_date=2026-03-02/x",
            "a..b/c...",
            "Grüße/ö",
            "~/x y",
            &"n".repeat(255),
        ] {
            assert_eq!(plain_path(key), Some(Path::new(key)), "{key}");
        }
    }

    #[test]
    fn an_odd_key_has_no_path() {
        let long = "n".repeat(256);
        let odd = [
            "",
            ".",
            "..",
            "../x",
            "a/../../x",
            "/x",
            "x/",
            "a//b",
            "a\0b",
            "a\nb",
            ".hidden",
            "a/.b",
            "a\\b",
            &long,
        ];
        for key in odd {
            assert_eq!(plain_path(key), None, "{key:?}");
        }
    }

    #[test]
    fn a_plain_path_never_leaves_its_folder() {
        proptest::proptest!(|(key in "[./a\\\\\0-\u{7f}]{0,12}")| {
            if let Some(path) = plain_path(&key) {
                let is_name = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                assert!(path.components().all(is_name), "{key:?}");
                assert_eq!(path.components().count(), key.split('/').count());
            }
        });
    }

    #[test]
    fn a_key_has_1_to_1024_bytes() {
        assert!(check("").is_err());
        assert!(check(&"ö".repeat(512)).is_ok());
        assert_eq!(check(&"ö".repeat(513)).unwrap_err().code().as_str(), "KeyTooLongError");
    }
}
