//! The text of a file, without compression and byte order mark. Other formats are refused with a hint.

use std::io::{self, Cursor, Read};

use anyhow::{Context, bail};
use flate2::read::MultiGzDecoder;

/// Bytes that are inspected to recognize the format.
const INSPECTED: usize = 4096;

/// Opens a file's text.
///
/// # Errors
/// When its beginning cannot be read, or shows that it is not JSON.
pub(super) fn open(name: &str, source: Box<dyn Read + Send>) -> anyhow::Result<Box<dyn Read + Send>> {
    let (beginning, mut source) = decompress(name, source)?;
    if let Some(hint) = hint(&beginning) {
        bail!("{name} {hint}");
    }
    if beginning.starts_with("\u{feff}".as_bytes()) {
        source.read_exact(&mut [0; 3]).with_context(|| cannot(name))?;
    }
    Ok(source)
}

/// Opens a file's bytes, decompressed, whatever their format.
///
/// # Errors
/// When its beginning cannot be read.
pub(super) fn decompressed(name: &str, source: Box<dyn Read + Send>) -> anyhow::Result<Box<dyn Read + Send>> {
    Ok(decompress(name, source)?.1)
}

/// The beginning of the text, and the whole text.
fn decompress(name: &str, source: Box<dyn Read + Send>) -> anyhow::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let (beginning, source) = peek(source).with_context(|| cannot(name))?;
    if beginning.starts_with(&[0x1f, 0x8b]) {
        peek(Box::new(MultiGzDecoder::new(source)))
            .with_context(|| format!("{name} starts like GZIP but cannot be decompressed; is it damaged?"))
    } else {
        Ok((beginning, source))
    }
}

fn cannot(name: &str) -> String {
    format!("{name} cannot be read")
}

/// The beginning of a source, and the whole source.
fn peek(mut source: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut beginning = Vec::new();
    source.by_ref().take(INSPECTED as u64).read_to_end(&mut beginning)?;
    let all = Cursor::new(beginning.clone()).chain(source);
    Ok((beginning, Box::new(all)))
}

/// A hint for a file that is not JSON.
fn hint(beginning: &[u8]) -> Option<&'static str> {
    if beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(b"{\0") || beginning.starts_with(b"[\0")
    {
        return Some("is UTF-16; convert it with `iconv -f UTF-16LE -t UTF-8`");
    }
    if beginning.starts_with(&[0xfe, 0xff]) || beginning.starts_with(b"\0{") || beginning.starts_with(b"\0[")
    {
        return Some("is UTF-16; convert it with `iconv -f UTF-16BE -t UTF-8`");
    }
    if beginning.starts_with(b"PAR1") {
        return Some(
            "is Parquet, like the lake's rows; the raw contact records are under raw/contact-records/",
        );
    }
    looks_like_csv(beginning).then_some(
        "looks like CSV; give JSON objects, one per line or in a list, as Amazon Connect sends them",
    )
}

/// Whether the first two lines do not start like JSON and have the same number of separators.
fn looks_like_csv(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let is_json = |line: &str| line.trim_start().starts_with(['{', '[']);
    let separators = |line: &str, separator: char| line.matches(separator).count();
    !is_json(first)
        && !is_json(second)
        && [',', ';', '\t'].into_iter().any(|separator| {
            separators(first, separator) > 0 && separators(first, separator) == separators(second, separator)
        })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let mut source =
            open("f", Box::new(Cursor::new(bytes.to_vec()))).map_err(|error| format!("{error:#}"))?;
        source.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn compressed(text: &str) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn compression_and_byte_order_marks_are_removed() {
        assert_eq!(read(b"{}").unwrap(), "{}");
        assert_eq!(read("\u{feff}{}".as_bytes()).unwrap(), "{}");
        let twice = [compressed("\u{feff}{\"a\":"), compressed("1}")].concat();
        assert_eq!(read(&twice).unwrap(), "{\"a\":1}");
        assert_eq!(read(b"").unwrap(), "");
        let long = "x".repeat(100_000);
        assert_eq!(read(long.as_bytes()).unwrap(), long);
        assert!(read(&compressed(&long)[..60]).is_err());
    }

    #[test]
    fn other_formats_are_refused_with_a_hint() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for (bytes, hint) in [
            (utf16("\u{feff}{\"a\":1}"), "UTF-16LE"),
            (utf16("{\"a\":1}"), "UTF-16LE"),
            ("\u{feff}{}".encode_utf16().flat_map(u16::to_be_bytes).collect(), "UTF-16BE"),
            (b"ContactId,Channel\nc-1,VOICE\n".to_vec(), "looks like CSV"),
            (b"\"ContactId\";\"Channel\"\r\n\"c-1\";\"VOICE\"\r\n".to_vec(), "looks like CSV"),
            (b"PAR1\x15\x04".to_vec(), "is Parquet"),
        ] {
            assert!(read(&bytes).unwrap_err().contains(hint), "{hint}");
        }
        for text in ["{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n", "[1,\n2,\n", "a,b\n", "one, line\nanother\n"] {
            assert!(read(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
