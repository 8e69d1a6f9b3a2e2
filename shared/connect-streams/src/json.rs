//! The one JSON reader of the record path: bytes to a borrowed tree, in one pass.
//!
//! Why not a library's: a record needs, together, numbers with their exact text (`1.10` and twenty-digit
//! identifiers survive), strings borrowed from the input, repeated keys kept, a depth limit with its own
//! reject code, and tolerance for a lone surrogate (one broken emoji must not cost a contact). The
//! differential test against `serde_json` in `tests/` keeps it honest.
//!
//! Decided outcomes: a byte order mark is skipped; a lone surrogate escape becomes U+FFFD; of a repeated
//! key the last value counts; anything but white space after the value is `not_json`.

use std::borrow::Cow;

use crate::{Reject, RejectCode};

/// Objects and arrays may nest this deep. Amazon Connect's own records stay below ten.
pub const MAX_DEPTH: usize = 64;

/// A JSON value that borrows from its text wherever it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string, owned only when it held an escape.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The members of a JSON object in the order they came, repeated keys included.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of `key`; of repeated keys the last.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// All members in the order they came.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Value<'a> {
    /// The members, if this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value says nothing: Amazon Connect writes `null`, `{}`, `[]`, an object of such values or no
    /// key at all for the same absence.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            Self::Object(object) => object.iter().all(|(_, value)| value.is_absent()),
            _ => false,
        }
    }

    /// The value with the members of every object ordered by key, repeated keys in the order they came: two
    /// values that differ only in the order of their keys become the same.
    #[must_use]
    pub fn ordered(&self) -> Self {
        match self {
            Self::Array(elements) => Self::Array(elements.iter().map(Self::ordered).collect()),
            Self::Object(Object(members)) => {
                let mut members: Vec<_> =
                    members.iter().map(|(name, value)| (name.clone(), value.ordered())).collect();
                members.sort_by(|(left, _), (right, _)| left.cmp(right));
                Self::Object(Object(members))
            }
            leaf => leaf.clone(),
        }
    }

    /// Appends the value as compact JSON; numbers keep their text.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(elements) => write_list(elements, out, Self::write_json),
            Self::Object(object) => write_object(object.iter(), out, Self::write_json),
        }
    }
}

/// Appends a JSON array.
pub fn write_list<T>(
    elements: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(element, out);
    }
    out.push(b']');
}

/// Appends a JSON object.
pub fn write_object<'m, V>(
    members: impl IntoIterator<Item = (&'m str, V)>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(V, &mut Vec<u8>),
) {
    out.push(b'{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x00..=0x1f => {
                &[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..index]);
        out.extend_from_slice(escape);
        start = index + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}

/// Reads exactly one JSON value.
///
/// # Errors
/// [`RejectCode::NotUtf8`], [`RejectCode::NotJson`] or [`RejectCode::TooDeep`].
pub fn parse(bytes: &[u8]) -> Result<Value<'_>, Reject> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reject::record(RejectCode::NotUtf8))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, position: 0 };
    let value = reader.value(0).map_err(Reject::record)?;
    reader.skip_white_space();
    if reader.position < text.len() {
        return Err(Reject::record(RejectCode::NotJson));
    }
    Ok(value)
}

/// What every step of the reader answers: the fault is always the whole record's.
type Read<T> = Result<T, RejectCode>;

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.position += 1;
        }
    }

    fn expect(&mut self, literal: &str) -> Read<()> {
        if self.text.as_bytes()[self.position..].starts_with(literal.as_bytes()) {
            self.position += literal.len();
            return Ok(());
        }
        Err(RejectCode::NotJson)
    }

    fn value(&mut self, depth: usize) -> Read<Value<'a>> {
        self.skip_white_space();
        match self.peek().ok_or(RejectCode::NotJson)? {
            b'"' => self.string().map(Value::String),
            b'{' => self.object(depth + 1).map(Value::Object),
            b'[' => self.array(depth + 1).map(Value::Array),
            b'n' => self.expect("null").map(|()| Value::Null),
            b't' => self.expect("true").map(|()| Value::Bool(true)),
            b'f' => self.expect("false").map(|()| Value::Bool(false)),
            _ => self.number().map(Value::Number),
        }
    }

    fn object(&mut self, depth: usize) -> Read<Object<'a>> {
        let mut members = Vec::new();
        self.enter(depth)?;
        if self.closes(b'}') {
            return Ok(Object(members));
        }
        loop {
            self.skip_white_space();
            if self.peek() != Some(b'"') {
                return Err(RejectCode::NotJson);
            }
            let name = self.string()?;
            self.skip_white_space();
            self.expect(":")?;
            let value = self.value(depth)?;
            members.push((name, value));
            if self.ends_list(b'}')? {
                return Ok(Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Vec<Value<'a>>> {
        let mut elements = Vec::new();
        self.enter(depth)?;
        if self.closes(b']') {
            return Ok(elements);
        }
        loop {
            elements.push(self.value(depth)?);
            if self.ends_list(b']')? {
                return Ok(elements);
            }
        }
    }

    /// Steps over the opening bracket, unless it opens one level too many.
    fn enter(&mut self, depth: usize) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(RejectCode::TooDeep);
        }
        self.position += 1;
        Ok(())
    }

    /// Whether the list ends right here, empty.
    fn closes(&mut self, bracket: u8) -> bool {
        self.skip_white_space();
        let closes = self.peek() == Some(bracket);
        self.position += usize::from(closes);
        closes
    }

    /// After an element: `false` for a comma, `true` for the closing bracket.
    fn ends_list(&mut self, bracket: u8) -> Read<bool> {
        self.skip_white_space();
        let next = self.peek().ok_or(RejectCode::NotJson)?;
        if next != b',' && next != bracket {
            return Err(RejectCode::NotJson);
        }
        self.position += 1;
        Ok(next == bracket)
    }

    /// A number by the grammar of RFC 8259 §6: no leading zero, no bare dot.
    fn number(&mut self) -> Read<&'a str> {
        let start = self.position;
        self.position += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            self.position += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.position])
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.position;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        if self.position == start { Err(RejectCode::NotJson) } else { Ok(()) }
    }

    /// A string; the opening quote is still ahead.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.position += 1;
        let plain = self.plain_run()?;
        if self.peek() == Some(b'"') {
            self.position += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut unescaped = String::from(plain);
        loop {
            if self.peek() == Some(b'"') {
                self.position += 1;
                return Ok(Cow::Owned(unescaped));
            }
            unescaped.push(self.escape()?);
            unescaped.push_str(self.plain_run()?);
        }
    }

    /// The text up to the next quote or escape.
    fn plain_run(&mut self) -> Read<&'a str> {
        let start = self.position;
        loop {
            match self.peek().ok_or(RejectCode::NotJson)? {
                b'"' | b'\\' => return Ok(&self.text[start..self.position]),
                0x00..=0x1f => return Err(RejectCode::NotJson),
                _ => self.position += 1,
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        self.position += 1;
        let letter = self.peek().ok_or(RejectCode::NotJson)?;
        self.position += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(RejectCode::NotJson),
        })
    }

    /// The part of `\uXXXX` after the `u`, and the second half of a surrogate pair if one follows.
    fn unicode_escape(&mut self) -> Read<char> {
        let unit = self.hex4()?;
        if (0xd800..0xdc00).contains(&unit) && self.text.as_bytes()[self.position..].starts_with(b"\\u") {
            let after_high = self.position;
            self.position += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            // Not a pair: the second escape stands for itself and is read again.
            self.position = after_high;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Read<u32> {
        let end = self.position + 4;
        let digits = self.text.as_bytes().get(self.position..end).ok_or(RejectCode::NotJson)?;
        self.position = end;
        digits.iter().try_fold(0, |unit, &digit| {
            let value = char::from(digit).to_digit(16).ok_or(RejectCode::NotJson)?;
            Ok(unit * 16 + value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Result<String, RejectCode> {
        let value = parse(text.as_bytes()).map_err(|reject| reject.code)?;
        let mut out = Vec::new();
        value.write_json(&mut out);
        Ok(String::from_utf8(out).expect("JSON is UTF-8"))
    }

    #[test]
    fn numbers_keep_their_exact_text() {
        for number in ["0", "-0", "1.10", "12345678901234567890123", "1e3", "1E-7", "-0.50e+01"] {
            assert_eq!(parse(number.as_bytes()).unwrap(), Value::Number(number));
        }
        for wrong in ["01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN"] {
            assert_eq!(rewritten(wrong), Err(RejectCode::NotJson), "{wrong}");
        }
    }

    #[test]
    fn strings_borrow_unless_they_hold_an_escape() {
        assert!(matches!(parse(b"\"plain\"").unwrap(), Value::String(Cow::Borrowed("plain"))));
        let escaped = parse(br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#).unwrap();
        assert_eq!(escaped.as_str(), Some("a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}"));
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(parse(br#""x\ud83dy""#).unwrap().as_str(), Some("x\u{fffd}y"));
        assert_eq!(parse(br#""\ud83d\u0041""#).unwrap().as_str(), Some("\u{fffd}A"));
        assert_eq!(parse(br#""\ude00""#).unwrap().as_str(), Some("\u{fffd}"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap(), Value::Object(Object::default()));
    }

    #[test]
    fn the_last_of_repeated_keys_counts_and_all_are_kept() {
        let value = parse(br#"{"a":1,"b":2,"a":3}"#).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object.get("a"), Some(&Value::Number("3")));
        assert_eq!(object.iter().count(), 3);
    }

    #[test]
    fn nesting_stops_at_the_limit() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(rewritten(&nested(MAX_DEPTH + 1)), Err(RejectCode::TooDeep));
        assert_eq!(rewritten(&"[".repeat(1_000_000)), Err(RejectCode::TooDeep));
    }

    #[test]
    fn what_is_not_one_json_value_is_rejected() {
        for wrong in [
            "",
            " ",
            "{",
            "}",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{} {}",
            "{}x",
            "nul",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"open",
            "[1 2]",
            "'a'",
        ] {
            assert_eq!(rewritten(wrong), Err(RejectCode::NotJson), "{wrong}");
        }
        assert_eq!(parse(b"\"\xff\"").unwrap_err().code, RejectCode::NotUtf8);
    }

    #[test]
    fn writing_escapes_what_json_must_escape() {
        assert_eq!(
            rewritten("{ \"k\" : [ null , true, \"\\u0001\\n\\\"\\\\\" ] }").unwrap(),
            "{\"k\":[null,true,\"\\u0001\\n\\\"\\\\\"]}"
        );
    }
}
