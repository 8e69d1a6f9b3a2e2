//! Pages of a listing, without I/O: applies a prefix, a delimiter, a marker and a limit to sorted keys.
//!
//! Source: [`ListObjectsV2`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html),
//! [`ListObjects`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html),
//! [`ListObjectVersions`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html),
//! [`ListMultipartUploads`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html): a common prefix
//! counts as one entry. If a page ends with it, the next page starts after everything below it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::EncodingType;
use s3s::{S3Result, s3_error};

/// Maximum number of entries per page, keys and common prefixes together.
const LONGEST_PAGE: i32 = 1000;

/// The parameters of a listing.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) prefix: String,
    pub(super) delimiter: Option<String>,
    /// The last key or common prefix of the previous page.
    pub(super) marker: Option<String>,
    pub(super) limit: usize,
}

/// A page of a listing.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there are more.
    pub(super) next: Option<Last>,
}

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Last {
    Entry(String),
    CommonPrefix(String),
}

impl Last {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Entry(name) | Self::CommonPrefix(name) => name,
        }
    }
}

impl Query {
    /// Builds a client's query. An empty delimiter or marker counts as none.
    pub(super) fn new(
        prefix: Option<String>,
        delimiter: Option<String>,
        marker: Option<String>,
        limit: i32,
    ) -> Self {
        Self {
            prefix: prefix.unwrap_or_default(),
            delimiter: delimiter.filter(|it| !it.is_empty()),
            marker: marker.filter(|it| !it.is_empty()),
            limit: usize::try_from(limit).unwrap_or_default(),
        }
    }

    /// Builds a page from entries after the marker, sorted by key.
    pub(super) fn page<'a, T>(&self, entries: impl Iterator<Item = (&'a str, T)>) -> Page<T> {
        let mut page = Page { entries: Vec::new(), common_prefixes: Vec::new(), next: None };
        let mut last = None;
        for (key, entry) in entries.filter(|(key, _)| key.starts_with(&self.prefix)) {
            let group = self.common_prefix(key);
            if group.is_some()
                && (group == self.marker.as_deref()
                    || group == page.common_prefixes.last().map(String::as_str))
            {
                continue;
            }
            if page.entries.len() + page.common_prefixes.len() >= self.limit {
                page.next = last;
                break;
            }
            if let Some(group) = group {
                page.common_prefixes.push(group.to_owned());
                last = Some(Last::CommonPrefix(group.to_owned()));
            } else {
                page.entries.push(entry);
                last = Some(Last::Entry(key.to_owned()));
            }
        }
        page
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let end = key[self.prefix.len()..].find(delimiter)?;
        Some(&key[..self.prefix.len() + end + delimiter.len()])
    }
}

/// The size of a page: the requested one, at most 1,000.
pub(super) fn limit(asked: Option<i32>, name: &str) -> S3Result<i32> {
    match asked {
        None => Ok(LONGEST_PAGE),
        Some(asked) if asked < 0 => {
            Err(s3_error!(InvalidArgument, "{name} is {asked}; it must be 0 to {LONGEST_PAGE}"))
        }
        Some(asked) => Ok(asked.min(LONGEST_PAGE)),
    }
}

/// The characters to encode. Clients decode exactly these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The encoding of keys in a response.
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn url() -> Self {
        Self(true)
    }

    pub(super) fn of(asked: Option<&EncodingType>) -> S3Result<Self> {
        match asked.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(other) => Err(s3_error!(
                InvalidArgument,
                "encoding-type {other:?} is not supported; the only one is url"
            )),
        }
    }

    /// A key in the requested encoding. XML 1.0 cannot express some characters, but every key can be URL-encoded.
    pub(super) fn of_key(&self, key: &str) -> String {
        if !self.0 {
            return key.to_owned();
        }
        utf8_percent_encode(key, ENCODED).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(
        keys: &[&str],
        prefix: &str,
        delimiter: &str,
        marker: Option<&str>,
        limit: usize,
    ) -> (Vec<String>, Vec<String>, Option<Last>) {
        let query = Query {
            prefix: prefix.to_owned(),
            delimiter: Some(delimiter.to_owned()).filter(|it| !it.is_empty()),
            marker: marker.map(str::to_owned),
            limit,
        };
        let after = keys.iter().filter(|key| marker.is_none_or(|marker| **key > marker));
        let page = query.page(after.map(|key| (*key, (*key).to_owned())));
        (page.entries, page.common_prefixes, page.next)
    }

    #[test]
    fn a_delimiter_folds_the_keys_below_it() {
        let keys = ["a", "b/1", "b/2", "b/c/3", "d/4"];
        assert_eq!(page(&keys, "", "/", None, 10), (vec!["a".into()], vec!["b/".into(), "d/".into()], None));
        assert_eq!(
            page(&keys, "b/", "/", None, 10),
            (vec!["b/1".into(), "b/2".into()], vec!["b/c/".into()], None)
        );
        assert_eq!(page(&keys, "b", "/", None, 10), (vec![], vec!["b/".into()], None));
        assert_eq!(page(&keys, "b/", "c/", None, 10).1, ["b/c/"]);
    }

    #[test]
    fn a_common_prefix_counts_as_one_entry_and_is_listed_once() {
        let keys = ["a", "b/1", "b/2", "b/3", "c"];
        let first = page(&keys, "", "/", None, 2);
        assert_eq!(first, (vec!["a".into()], vec!["b/".into()], Some(Last::CommonPrefix("b/".into()))));
        assert_eq!(page(&keys, "", "/", Some("b/"), 2), (vec!["c".into()], vec![], None));
    }

    #[test]
    fn a_page_that_ends_with_the_last_entry_is_not_truncated() {
        assert_eq!(page(&["a", "b"], "", "", None, 2).2, None);
        assert_eq!(page(&["a", "b/1", "b/2"], "", "/", None, 2).2, None);
        assert_eq!(page(&["a", "b", "c"], "", "", None, 2).2, Some(Last::Entry("b".into())));
        assert_eq!(page(&["a", "b"], "", "", None, 0), (vec![], vec![], None));
    }

    #[test]
    fn pages_of_any_size_add_up_to_the_whole_listing() {
        proptest::proptest!(|(keys in proptest::collection::btree_set("[ab/]{1,5}", 0..30), limit in 1_usize..5, prefix in "[ab/]{0,2}")| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let (entries, groups, _) = page(&keys, &prefix, "/", None, 1000);
            let (mut all_entries, mut all_groups, mut marker) = (Vec::new(), Vec::new(), None::<Last>);
            loop {
                let (entries, groups, next) = page(&keys, &prefix, "/", marker.as_ref().map(Last::name), limit);
                assert!(entries.len() + groups.len() <= limit);
                assert!(all_entries.len() + all_groups.len() <= keys.len(), "the pages never end");
                all_entries.extend(entries);
                all_groups.extend(groups);
                marker = next;
                if marker.is_none() { break }
            }
            assert_eq!((all_entries, all_groups), (entries, groups));
        });
    }

    #[test]
    fn keys_are_encoded_byte_by_byte() {
        let encoding = Encoding::of(Some(&EncodingType::from_static(EncodingType::URL))).unwrap();
        assert_eq!(encoding.of_key("a b/ö+\u{1}%"), "a%20b/%C3%B6%2B%01%25");
        assert!(Encoding::of(Some(&EncodingType::from("xml".to_owned()))).is_err());
    }
}
