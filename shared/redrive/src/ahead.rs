//! Reads several small objects at once: dead letters are often many objects with one record each, and each takes two or three
//! requests to read.

use futures::future::try_join_all;
use lake_files::decompressed;
use lake_files::failures::{FailedRecord, Unreadable, read};
use xxhash_rust::xxh3::xxh3_64;

use crate::manifest::Mark;
use crate::ports::{Fault, Lake, Listed};

/// The most objects, and the most bytes of them, that are read at once. A larger object is read alone.
pub(crate) const OBJECTS: usize = 32;
const BYTES: u64 = 1024 * 1024;

/// An object, and what earlier runs did with it.
pub(crate) struct Read {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    /// The hash of its bytes.
    pub(crate) hash: u64,
    pub(crate) content: Content,
}

/// What is to be done with an object.
pub(crate) enum Content {
    /// Nothing: an earlier run has sent all of it.
    DoneBefore,
    /// Nothing: it has expired since it was listed.
    Gone,
    /// The records to consider.
    Records(Vec<Found>),
}

/// A record in an object.
pub(crate) struct Found {
    /// Its place in the object.
    pub(crate) place: usize,
    /// Whether an earlier run has sent it. If the request does not want it again, it is not left.
    pub(crate) was_sent: bool,
    pub(crate) record: Result<FailedRecord, Unreadable>,
}

/// Splits objects into those that are read at once.
pub(crate) fn chunks(mut objects: &[Listed]) -> impl Iterator<Item = &[Listed]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |object: &&Listed| {
            bytes += object.bytes;
            bytes <= BYTES
        };
        let fitting = objects.iter().take(OBJECTS).take_while(fits).count().max(1);
        let (chunk, rest) = objects.split_at_checked(fitting)?;
        objects = rest;
        Some(chunk)
    })
}

/// Reads the objects with these keys. If `is_repeat`, what earlier runs have sent is ignored.
pub(crate) async fn read_all<'k>(
    lake: &impl Lake,
    objects: impl Iterator<Item = (&'k str, bool)>,
) -> Result<Vec<Read>, Fault> {
    let read = async |key: &str, is_repeat| {
        let mark = Mark::of(lake, key).await?;
        let (hash, content) = content(lake, key, &mark, is_repeat).await?;
        Ok(Read { key: key.to_owned(), mark, hash, content })
    };
    try_join_all(objects.map(|(key, is_repeat)| read(key, is_repeat))).await
}

/// What is to be done with an object, and the hash of its bytes if they were read.
async fn content(lake: &impl Lake, key: &str, mark: &Mark, is_repeat: bool) -> Result<(u64, Content), Fault> {
    if mark.left == Some(0) && !is_repeat {
        return Ok((0, Content::DoneBefore));
    }
    let left = mark.left(lake, key).await?;
    let Some(object) = lake.get(key).await? else { return Ok((0, Content::Gone)) };
    let hash = xxh3_64(&object);
    let records = decompressed(object).map_or_else(|_| read(b"\x1f"), |object| read(&object));
    // A list that is not of this object counts for nothing, as one that is missing.
    let left = left.filter(|left| left.last().is_none_or(|last| *last < records.len()));
    let found = records.into_iter().enumerate().map(|(place, record)| {
        let was_sent = left.as_ref().is_some_and(|left| !left.contains(&place));
        Found { place, was_sent, record }
    });
    Ok((hash, Content::Records(found.filter(|found| is_repeat || !found.was_sent).collect())))
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Listed, OBJECTS, chunks};

    #[test]
    fn small_objects_are_read_together_and_a_large_one_alone() {
        let sizes = |sizes: &[u64]| {
            let objects: Vec<_> =
                sizes.iter().map(|bytes| Listed { key: String::new(), bytes: *bytes }).collect();
            chunks(&objects).map(<[Listed]>::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 2 * OBJECTS + 1]), [OBJECTS, OBJECTS, 1]);
        assert_eq!(sizes(&[1, BYTES, 1]), [1, 1, 1]);
        assert_eq!(sizes(&[1, BYTES - 1, 1]), [2, 1]);
        assert_eq!(sizes(&[10 * BYTES, 1, 1]), [1, 2]);
    }
}
