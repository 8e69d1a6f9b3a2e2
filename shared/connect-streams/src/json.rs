//! The one JSON reader of the record path: bytes to a document that borrows from them, in one pass.
//!
//! Why not a library's: a record needs, together, numbers with their exact text (`1.10` and twenty-digit
//! identifiers survive), strings borrowed from the input, repeated keys kept, a depth limit with its own
//! reject code, and tolerance for a lone surrogate (one broken emoji must not cost a contact). The
//! differential test against `serde_json` in `tests/` keeps it honest.
//!
//! A document is one list of nodes, in the order of the text, and not a tree of allocations: reading a record takes
//! one allocation, and one more for each string that holds an escape.
//!
//! Decided outcomes: a byte order mark is skipped; a lone surrogate escape becomes U+FFFD; of a repeated
//! key the last value counts; anything but white space after the value is `not_json`.

mod canonical;
mod read;
mod write;

pub use canonical::{Canonical, whole_number};
pub use read::{MAX_DEPTH, parse};
pub use write::{write_bool, write_list, write_object, write_string};

/// A text of JSON, read.
#[derive(Debug, Clone)]
pub struct Document<'a>(Vec<Node<'a>>);

/// A value without its parts, or one end of a list or an object.
#[derive(Debug, Clone)]
enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(&'a str),
    /// A string that held an escape, without its escapes.
    Unescaped(Box<str>),
    /// So many nodes follow, up to its [`End`](Self::End).
    Array(u32),
    /// So many nodes follow, up to its [`End`](Self::End); keys and values take turns.
    Object(u32),
    /// So many nodes were before, back to its beginning.
    End(u32),
}

/// A JSON value in a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'t str),
    /// A string.
    String(&'t str),
    /// An array.
    Array(Array<'t>),
    /// An object.
    Object(Object<'t>),
}

/// The elements of a JSON array.
#[derive(Debug, Clone, Copy)]
pub struct Array<'t>(&'t [Node<'t>]);

/// The members of a JSON object in the order they came, repeated keys included.
#[derive(Debug, Clone, Copy)]
pub struct Object<'t>(&'t [Node<'t>]);

/// Values that follow each other, from both ends.
struct Nodes<'t>(&'t [Node<'t>]);

impl Document<'_> {
    /// The value that the text is.
    ///
    /// # Panics
    /// Never: a document holds one value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Nodes(&self.0).next().expect("a document holds one value")
    }

    /// The members, if the text is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<Object<'_>> {
        self.root().as_object()
    }
}

impl<'t> Node<'t> {
    /// The value whose first node, or only one, this is, and the nodes between its ends.
    fn value(&'t self, between: &'t [Self]) -> Value<'t> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(text) => Value::Number(text),
            Self::String(text) => Value::String(text),
            Self::Unescaped(text) => Value::String(text),
            Self::Array(_) => Value::Array(Array(between)),
            Self::Object(_) => Value::Object(Object(between)),
            Self::End(_) => unreachable!("an end stands behind its beginning"),
        }
    }

    fn key(&'t self) -> &'t str {
        match self {
            Self::String(text) => text,
            Self::Unescaped(text) => text,
            _ => unreachable!("a key is a string"),
        }
    }
}

impl<'t> Iterator for Nodes<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        let (first, rest) = self.0.split_first()?;
        let (between, rest) = match first {
            Node::Array(nodes) | Node::Object(nodes) => {
                let (between, end) = rest.split_at(*nodes as usize);
                (between, &end[1..])
            }
            _ => (&[][..], rest),
        };
        self.0 = rest;
        Some(first.value(between))
    }
}

impl DoubleEndedIterator for Nodes<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (last, rest) = self.0.split_last()?;
        let (first, between, rest) = match last {
            Node::End(nodes) => {
                let (rest, between) = rest.split_at(rest.len() - *nodes as usize);
                let (first, rest) = rest.split_last()?;
                (first, between, rest)
            }
            leaf => (leaf, &[][..], rest),
        };
        self.0 = rest;
        Some(first.value(between))
    }
}

/// Members from both ends.
struct Members<'t>(Nodes<'t>);

impl<'t> Iterator for Members<'t> {
    type Item = (&'t str, Value<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = self.0.0.split_first()?;
        self.0 = Nodes(rest);
        Some((key.key(), self.0.next()?))
    }
}

impl DoubleEndedIterator for Members<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.0.next_back()?;
        let (key, rest) = self.0.0.split_last()?;
        self.0 = Nodes(rest);
        Some((key.key(), value))
    }
}

impl<'t> Array<'t> {
    /// The elements.
    #[must_use]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Value<'t>> {
        Nodes(self.0)
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl<'t> Object<'t> {
    /// The value of `key`; of repeated keys the last.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'t>> {
        self.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The values of several keys, found in one pass; of repeated keys the last.
    #[must_use]
    pub fn get_each<const N: usize>(self, keys: [&str; N]) -> [Option<Value<'t>>; N] {
        let mut found = [None; N];
        for (name, value) in self.iter() {
            if let Some(place) = keys.iter().position(|key| *key == name) {
                found[place] = Some(value);
            }
        }
        found
    }

    /// All members in the order they came.
    #[must_use]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = (&'t str, Value<'t>)> {
        Members(Nodes(self.0))
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'t> Value<'t> {
    /// The members, if this is an object.
    #[must_use]
    pub fn as_object(self) -> Option<Object<'t>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(self) -> Option<Array<'t>> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value says nothing: Amazon Connect writes `null`, `{}`, `[]`, an object of such values or no
    /// key at all for the same absence.
    #[must_use]
    pub fn is_absent(self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            Self::Object(object) => object.iter().all(|(_, value)| value.is_absent()),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RejectCode;

    fn rewritten(text: &str) -> Result<String, RejectCode> {
        Ok(forwards(parse(text.as_bytes()).map_err(|reject| reject.code)?.root()))
    }

    #[test]
    fn numbers_keep_their_exact_text() {
        for number in ["0", "-0", "1.10", "12345678901234567890123", "1e3", "1E-7", "-0.50e+01"] {
            assert_eq!(parse(number.as_bytes()).unwrap().root(), Value::Number(number));
        }
        for wrong in ["01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN"] {
            assert_eq!(rewritten(wrong), Err(RejectCode::NotJson), "{wrong}");
        }
    }

    #[test]
    fn strings_are_read_without_their_escapes() {
        let document = parse(br#"["plain","a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","","\n"]"#).unwrap();
        let read: Vec<_> = document.root().as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(read, ["plain", "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}", "", "\n"]);
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character() {
        assert_eq!(parse(br#""x\ud83dy""#).unwrap().root().as_str(), Some("x\u{fffd}y"));
        assert_eq!(parse(br#""\ud83d\u0041""#).unwrap().root().as_str(), Some("\u{fffd}A"));
        assert_eq!(parse(br#""\ude00""#).unwrap().root().as_str(), Some("\u{fffd}"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert!(parse(b"\xef\xbb\xbf{}").unwrap().as_object().unwrap().is_empty());
    }

    #[test]
    fn the_last_of_repeated_keys_counts_and_all_are_kept() {
        let value = parse(br#"{"a":1,"b":2,"a":3}"#).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object.get("a"), Some(Value::Number("3")));
        assert_eq!(object.iter().count(), 3);
    }

    fn forwards(value: Value<'_>) -> String {
        let mut out = Vec::new();
        value.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn backwards(value: Value<'_>) -> String {
        match value {
            Value::Array(elements) => {
                let elements: Vec<_> = elements.iter().rev().map(backwards).collect();
                format!("[{}]", elements.join(","))
            }
            Value::Object(object) => {
                let member = |(name, value)| format!("{name:?}:{}", backwards(value));
                let members: Vec<_> = object.iter().rev().map(member).collect();
                format!("{{{}}}", members.join(","))
            }
            leaf => forwards(leaf),
        }
    }

    #[test]
    fn members_and_elements_come_from_both_ends() {
        let document = parse(br#"{"a":{"b":[1,[],{}],"c":null},"\u0064":[[2],"e"],"f":true}"#).unwrap();
        assert_eq!(forwards(document.root()), r#"{"a":{"b":[1,[],{}],"c":null},"d":[[2],"e"],"f":true}"#);
        assert_eq!(backwards(document.root()), r#"{"f":true,"d":["e",[2]],"a":{"c":null,"b":[{},[],1]}}"#);
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
