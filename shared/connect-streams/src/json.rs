//! The only JSON reader of the record path. It parses bytes, in one pass, into a document that borrows from them.
//!
//! It is written by hand because a record needs all of these at once: numbers with their exact text (`1.10` and
//! twenty-digit identifiers survive), strings borrowed from the input, repeated keys kept, a depth limit with its own
//! reject code, and tolerance for a lone surrogate (one broken emoji must not cost a contact). A differential test in
//! `tests/` compares it with `serde_json`.
//!
//! A document is one list of nodes in text order, not a tree of allocations: parsing a record takes one allocation, and
//! one more for each string that has an escape.
//!
//! Decisions: a byte order mark is skipped; a lone surrogate escape becomes U+FFFD; the last value of a repeated key
//! counts; anything but white space after the value is `not_json`.

mod canonical;
mod read;
mod value;
mod write;

pub use canonical::{Canonical, whole_number};
pub use read::{MAX_DEPTH, parse};
pub use value::{Array, Document, Object, Value};
pub use write::{write_bool, write_list, write_object, write_string};

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
    fn strings_are_unescaped() {
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
    fn members_and_elements_iterate_from_both_ends() {
        let document = parse(br#"{"a":{"b":[1,[],{}],"c":null},"\u0064":[[2],"e"],"f":true}"#).unwrap();
        assert_eq!(forwards(document.root()), r#"{"a":{"b":[1,[],{}],"c":null},"d":[[2],"e"],"f":true}"#);
        assert_eq!(backwards(document.root()), r#"{"f":true,"d":["e",[2]],"a":{"c":null,"b":[{},[],1]}}"#);
    }

    #[test]
    fn nesting_beyond_the_limit_is_rejected() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(rewritten(&nested(MAX_DEPTH + 1)), Err(RejectCode::TooDeep));
        assert_eq!(rewritten(&"[".repeat(1_000_000)), Err(RejectCode::TooDeep));
    }

    #[test]
    fn text_that_is_not_one_json_value_is_rejected() {
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
    fn characters_that_json_must_escape_are_escaped() {
        assert_eq!(
            rewritten("{ \"k\" : [ null , true, \"\\u0001\\n\\\"\\\\\" ] }").unwrap(),
            "{\"k\":[null,true,\"\\u0001\\n\\\"\\\\\"]}"
        );
    }
}
