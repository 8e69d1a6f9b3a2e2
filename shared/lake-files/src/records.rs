//! Records out of an object in which Firehose has put them one behind the other, without anything in between.

use serde::Deserialize as _;
use serde_json::value::RawValue;

/// The name that Amazon Connect puts first in a contact record.
const FIRST_NAME: &[u8] = b"AWSAccountId";

/// The records, in order. What is no JSON is one record up to where the next can begin; it fails when it is read.
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

/// The length of the JSON value that the bytes begin with.
fn value(bytes: &[u8]) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_slice(bytes);
    let value = <&RawValue>::deserialize(&mut values).ok()?;
    Some(value.get().len())
}

/// Where a record can begin, behind the beginning of `bytes`: an object with a name in it, behind another object, or with
/// the name that comes first.
#[must_use]
pub fn next_beginning(bytes: &[u8]) -> usize {
    let braces = bytes.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'{');
    let mut beginnings = braces.filter_map(|(place, _)| {
        let name = first_name(&bytes[place + 1..])?;
        let is_behind_an_object = bytes[..place].trim_ascii_end().ends_with(b"}");
        (name == FIRST_NAME || is_behind_an_object).then_some(place)
    });
    beginnings.next().unwrap_or(bytes.len())
}

/// The name of an object's first member, if it is a plain one. Inside of a text there is none: a quotation mark there is
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
    fn records_stand_side_by_side_or_on_lines() {
        let both = [r#"{"a":{"b":"}{"},"c":[{"d":1},{"e":2}]}"#, r#"{"f":"\"}{\"x\":"}"#];
        for between in ["", "\n", " \r\n ", "\n\n"] {
            assert_eq!(texts(both.join(between).as_bytes()), both);
        }
        assert_eq!(texts(b""), [""; 0]);
        assert_eq!(texts(b"\n"), [""; 0]);
    }

    #[test]
    fn a_broken_record_takes_no_other_along() {
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
        // Without the name that comes first, what follows is found behind the end of an object.
        assert_eq!(texts(br#"{"a":1,}{"b":2}"#), [r#"{"a":1,}"#, r#"{"b":2}"#]);
        // A record that is not UTF-8 is one record as well.
        let text = [whole.as_bytes(), b"{\"AWSAccountId\":\"\xff\"}", whole.as_bytes()].concat();
        assert_eq!(split(&text).count(), 3);
    }
}
