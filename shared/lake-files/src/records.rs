//! Splits an object into records, which Firehose concatenates without a separator.

use serde::Deserialize as _;
use serde_json::value::RawValue;

/// The first field that Amazon Connect writes in a contact record.
const FIRST_NAME: &[u8] = b"AWSAccountId";

/// The records, in order. Bytes that are not JSON are one record, up to where the next can start. It fails when it is read.
///
/// ```
/// use lake_files::records::split;
///
/// let records: Vec<_> = split(br#"{"a":1}{"b":2} {"c":3}"#).collect();
/// assert_eq!(records, [&br#"{"a":1}"#[..], br#"{"b":2}"#, br#"{"c":3}"#]);
/// ```
pub fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let length = value(rest).unwrap_or_else(|| next_beginning(rest));
        let (record, after) = rest.split_at(length);
        rest = after;
        Some(record)
    })
}

/// The length of the JSON value at the start of the bytes.
fn value(bytes: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(bytes);
    let value = <&RawValue>::deserialize(&mut values).ok()?;
    Some(value.get().len())
}

/// Where the next record can start, after the start of `bytes`: at an object with a name in it that follows another object
/// or starts with the field `AWSAccountId`.
#[must_use]
pub fn next_beginning(bytes: &[u8]) -> usize {
    let braces = bytes.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'{');
    let mut starts = braces.filter_map(|(start, _)| {
        let name = first_name(&bytes[start + 1..])?;
        let follows_an_object = bytes[..start].trim_ascii_end().ends_with(b"}");
        (name == FIRST_NAME || follows_an_object).then_some(start)
    });
    starts.next().unwrap_or(bytes.len())
}

/// The name of an object's first member, if it is a plain one. A brace inside text never matches: a quotation mark after it is
/// escaped, or ends the text, and no name follows.
fn first_name(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start().strip_prefix(b"\"")?;
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    let (name, after) = bytes.split_at(end);
    let is_followed = after.strip_prefix(b"\"")?.trim_ascii_start().starts_with(b":");
    (is_followed && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::split;

    fn texts(bytes: &[u8]) -> Vec<String> {
        split(bytes).map(|record| String::from_utf8_lossy(record).into_owned()).collect()
    }

    #[test]
    fn records_are_split_with_or_without_white_space_between_them() {
        let both = [r#"{"a":{"b":"}{"},"c":[{"d":1},{"e":2}]}"#, r#"{"f":"\"}{\"x\":"}"#];
        for between in ["", "\n", " \r\n ", "\n\n"] {
            assert_eq!(texts(both.join(between).as_bytes()), both);
        }
        assert_eq!(texts(b""), [""; 0]);
        assert_eq!(texts(b"\n"), [""; 0]);
    }

    #[test]
    fn a_broken_record_does_not_affect_others() {
        let whole = r#"{"AWSAccountId":"1","ContactId":"c"}"#;
        for broken in [
            r#"{"AWSAccountId":"1","Cont"#,
            r#"{"AWSAccountId":"1","Contact":"#,
            r#"{"AWSAccountId":"1","Agent":{"ARN":"a"#,
            r#"{"AWSAccountId":"1","Agent":{"ARN":"a\"#,
            "not JSON at all",
            "{",
            "\u{0}",
        ] {
            let text = [whole, broken, whole].concat();
            assert_eq!(texts(text.as_bytes()), [whole, broken, whole], "{broken}");
        }
        // Without the first field, the next record is found after the end of an object.
        assert_eq!(texts(br#"{"a":1,}{"b":2}"#), [r#"{"a":1,}"#, r#"{"b":2}"#]);
        // A record that is not UTF-8 is one record, too.
        let text = [whole.as_bytes(), b"{\"AWSAccountId\":\"\xff\"}", whole.as_bytes()].concat();
        assert_eq!(split(&text).count(), 3);
    }
}
