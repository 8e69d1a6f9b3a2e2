//! Decides which keys are file paths, and which bucket names are valid.
//!
//! A key is any UTF-8 text of up to 1,024 bytes. Most keys look like a path and become one, because people and `DuckDB` read
//! the folder. The others would leave the bucket's folder (`..`), mean another file (`a//b`), be refused by the file
//! system (NUL, a long segment) or be hidden from readers (a leading dot). They get no path.
//!
//! Source: [Naming Amazon S3 objects](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html) and
//! [General purpose bucket naming rules](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html)
//! (S3 User Guide).

use std::path::Path;

use s3s::{S3Result, s3_error};

/// Maximum length of a key, in bytes.
pub(super) const LONGEST_KEY: usize = 1024;
/// Maximum length of a file name, in bytes, on Linux and macOS file systems.
const LONGEST_NAME: usize = 255;

/// The path of the object's file in the bucket's folder, or `None` if the key is not a plain path.
pub(super) fn plain_path(key: &str) -> Option<&Path> {
    key.split('/').all(is_plain_name).then(|| Path::new(key))
}

/// Whether a file name can be a segment of a plain path.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= LONGEST_NAME
        && !name.chars().any(|character| character.is_control() || character == '\\')
}

/// Whether S3 allows this bucket name.
pub(super) fn is_bucket_name(name: &str) -> bool {
    s3s::path::check_bucket_name(name)
}

/// Refuses an invalid key. `s3s` checks the path of a request, but keys also occur in bodies and in calls from this process.
pub(super) fn check(key: &str) -> S3Result<()> {
    match key.len() {
        0 => Err(s3_error!(InvalidArgument, "the key is empty; pass an object's key")),
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
    fn an_ordinary_key_has_a_path() {
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
