//! Reads objects that may be compressed.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The object, decompressed if it is compressed with GZIP.
///
/// # Errors
/// When it starts like GZIP but is not valid.
pub fn decompressed(bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn objects_are_read_compressed_or_not() {
        let compressed = |text: &str| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        assert_eq!(decompressed(b"{}".to_vec()).unwrap(), b"{}");
        // Firehose appends one stream to another.
        let twice = [compressed("{}"), compressed("{}")].concat();
        assert_eq!(decompressed(twice).unwrap(), b"{}{}");
        let mut broken = compressed("{}");
        broken.truncate(12);
        assert!(decompressed(broken).is_err());
    }
}
