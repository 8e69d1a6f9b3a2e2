//! The canonical form of a value: one text for all ways to write the same value.
//!
//! `content_hash` is computed over it, so the form is public: docs/contact-record.md has the rules and a Python program that
//! follows them. Change nothing here without a new schema version.
//!
//! - Members of an object are ordered by the bytes of their names. The last member of a repeated name counts, as in
//!   [`Object::get`].
//! - Members that are null are left out. An empty object, an empty list, and a null in a list stay.
//! - A number is its significant digits and a power of ten, so `1`, `1.0`, and `1e0` are the same number, and `-0` is
//!   `0`.
//! - A string is written with the escapes of [`write_string`], regardless of its original escapes.

use super::value::{Node, Object, between, split_value};
use super::write::{write_bool, write_list, write_string};

/// The maximum number of digits of an exponent that is normalized. A number with a longer exponent stays as it is
/// written.
const EXPONENT_DIGITS: usize = 18;

/// What was found while writing a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Canonical {
    /// Whether an object repeats a name.
    pub repeats_names: bool,
}

impl Object<'_> {
    /// Appends the object in its canonical form.
    pub fn write_canonical(self, out: &mut Vec<u8>) -> Canonical {
        let mut writer = Writer { members: Vec::new(), seen: Canonical::default() };
        writer.object(self.0, out);
        writer.seen
    }
}

/// The nodes of a member's name and value.
type Member<'t> = (&'t Node<'t>, &'t [Node<'t>]);

struct Writer<'t> {
    /// The members of the objects that are being written and were not in order, outermost first: one allocation for all.
    members: Vec<Member<'t>>,
    seen: Canonical,
}

impl<'t> Writer<'t> {
    /// Writes the value that these nodes are.
    fn value(&mut self, nodes: &'t [Node<'t>], out: &mut Vec<u8>) {
        match &nodes[0] {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Bool(truth) => write_bool(*truth, out),
            Node::Number(text) => write_number(text, out),
            text @ (Node::Quoted(_) | Node::Unescaped(_)) => write_text(text, out),
            Node::Array(_) => {
                write_list(Elements(between(nodes)), out, |element, out| self.value(element, out));
            }
            Node::Object(_) => self.object(between(nodes), out),
            Node::End(_) => unreachable!("an end follows its beginning"),
        }
    }

    fn object(&mut self, nodes: &'t [Node<'t>], out: &mut Vec<u8>) {
        out.push(b'{');
        let mut is_first = true;
        // Amazon Connect writes most objects in this order already.
        if is_ordered(nodes) {
            for member in MemberNodes(nodes) {
                self.member(member, &mut is_first, out);
            }
        } else {
            let first = self.members.len();
            self.members.extend(MemberNodes(nodes));
            // Members with the same name keep their order.
            self.members[first..].sort_by_key(|(name, _)| name.key());
            for index in first..self.members.len() {
                let member = self.members[index];
                let following = self.members.get(index + 1);
                if following.is_some_and(|(following, _)| following.key() == member.0.key()) {
                    self.seen.repeats_names = true;
                    continue;
                }
                // The members of the value follow this object's own, and are removed again.
                self.member(member, &mut is_first, out);
            }
            self.members.truncate(first);
        }
        out.push(b'}');
    }

    fn member(&mut self, (name, value): Member<'t>, is_first: &mut bool, out: &mut Vec<u8>) {
        if matches!(value[0], Node::Null) {
            return;
        }
        if !*is_first {
            out.push(b',');
        }
        *is_first = false;
        write_text(name, out);
        out.push(b':');
        self.value(value, out);
    }
}

/// Writes a name or a string.
fn write_text(text: &Node<'_>, out: &mut Vec<u8>) {
    match text {
        Node::Quoted(quoted) => out.extend_from_slice(quoted.as_bytes()),
        unescaped => write_string(unescaped.key(), out),
    }
}

/// Whether the members are in the order of their names, and no name is repeated.
fn is_ordered<'t>(nodes: &'t [Node<'t>]) -> bool {
    MemberNodes(nodes).map(|(name, _)| name.key()).is_sorted_by(|left, right| left < right)
}

/// The nodes of each element of a list.
struct Elements<'t>(&'t [Node<'t>]);

impl<'t> Iterator for Elements<'t> {
    type Item = &'t [Node<'t>];

    fn next(&mut self) -> Option<&'t [Node<'t>]> {
        let (element, rest) = split_value(self.0)?;
        self.0 = rest;
        Some(element)
    }
}

/// The members of an object.
struct MemberNodes<'t>(&'t [Node<'t>]);

impl<'t> Iterator for MemberNodes<'t> {
    type Item = Member<'t>;

    fn next(&mut self) -> Option<Member<'t>> {
        let (name, rest) = self.0.split_first()?;
        let (value, rest) = split_value(rest)?;
        self.0 = rest;
        Some((name, value))
    }
}

/// Digits without leading and trailing zeros, then `e` and the power of ten unless that is 0: `120` is `12e1`.
fn write_number(text: &str, out: &mut Vec<u8>) {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let bytes = unsigned.as_bytes();
    // Most numbers are whole and do not end in a zero.
    if bytes.iter().all(u8::is_ascii_digit) && bytes.last() != Some(&b'0') {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        out.push(b'0');
        return;
    }
    let Some(written) = exponent_of(exponent) else {
        out.extend_from_slice(text.as_bytes());
        return;
    };
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let power = written + length(trailing) - length(fraction.len());
    out.extend_from_slice(sign.as_bytes());
    out.extend_from_slice(significant.as_bytes());
    if power != 0 {
        out.extend_from_slice(format!("e{power}").as_bytes());
    }
}

/// The number as an integer, if it is whole and 64 bits can hold it, however it is written.
///
/// ```
/// use connect_streams::whole_number;
///
/// assert_eq!(whole_number("42.0"), Some(42));
/// assert_eq!(whole_number("4.2e1"), Some(42));
/// assert_eq!(whole_number("4.2"), None);
/// ```
#[must_use]
pub fn whole_number(text: &str) -> Option<i64> {
    let mut canonical = Vec::new();
    write_number(text, &mut canonical);
    let canonical = std::str::from_utf8(&canonical).ok()?;
    let (significant, power) = canonical.split_once('e').unwrap_or((canonical, "0"));
    let power = 10_i64.checked_pow(power.parse().ok()?)?;
    significant.parse::<i64>().ok()?.checked_mul(power)
}

/// The exponent as it is written; `None` if it has more than [`EXPONENT_DIGITS`] digits.
fn exponent_of(text: &str) -> Option<i128> {
    let (is_negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = digits.trim_start_matches('0');
    if digits.len() > EXPONENT_DIGITS {
        return None;
    }
    let exponent: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(if is_negative { -exponent } else { exponent })
}

fn length(digits: usize) -> i128 {
    i128::try_from(digits).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::whole_number;
    use crate::parse;

    fn canonical(text: &str) -> String {
        let mut out = Vec::new();
        // The value alone is in a list, so that values of all kinds are tested.
        let object = format!(r#"{{"":[{text}]}}"#);
        parse(object.as_bytes()).unwrap().as_object().unwrap().write_canonical(&mut out);
        let out = String::from_utf8(out).unwrap();
        out.strip_prefix(r#"{"":["#).unwrap().strip_suffix("]}").unwrap().to_owned()
    }

    #[test]
    fn a_whole_number_is_recognized_however_it_is_written() {
        for (text, number) in [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("50e-1", Some(5)),
            ("-0.0", Some(0)),
            ("12E+1", Some(120)),
            ("-9223372036854775808.0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e19", None),
            ("0.5", None),
            ("5e-1", None),
            ("1e9999999999999999999", None),
        ] {
            assert_eq!(whole_number(text), number, "{text}");
        }
    }

    #[test]
    fn equal_numbers_have_one_text() {
        for (numbers, text) in [
            (&["0", "-0", "0.0", "0e5", "-0.00E-7", "0e99999999999999999999"][..], "0"),
            (&["1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "100e-2", "0.001e+3", "1e-000"], "1"),
            (&["-1", "-1.0", "-0.1e1"], "-1"),
            (&["100", "1e2", "1E2", "1.00e2", "0.1e3"], "1e2"),
            (&["1.10", "1.1", "11e-1", "0.11e1"], "11e-1"),
            (&["12345678901234567890123", "12345678901234567890123.0"], "12345678901234567890123"),
            (&["1e-999999999999999999"], "1e-999999999999999999"),
            // The exponent is too long to normalize: unchanged.
            (&["1e9999999999999999999"], "1e9999999999999999999"),
            (&["-1.0e9999999999999999999"], "-1.0e9999999999999999999"),
        ] {
            for number in numbers {
                assert_eq!(canonical(number), text, "{number}");
            }
        }
    }

    #[test]
    fn members_are_ordered_and_nulls_are_left_out_at_every_depth() {
        assert_eq!(
            canonical(r#" {"b": null, "a": {"d": [ {"f": 1, "e": null}, null ], "c": {}}, "B": []} "#),
            r#"{"B":[],"a":{"c":{},"d":[{"f":1},null]}}"#
        );
        assert_ne!(canonical(r#"{"a":{}}"#), canonical("{}"));
        assert_ne!(canonical(r#"{"a":[]}"#), canonical("{}"));
        assert_ne!(canonical(r#"{"a":[null]}"#), canonical(r#"{"a":[]}"#));
        assert_eq!(canonical(r#"{"a":null}"#), "{}");
        // By bytes: uppercase first, non-ASCII last.
        assert_eq!(canonical(r#"{"ä":1,"z":2,"Z":3,"\u0061":4}"#), r#"{"Z":3,"a":4,"z":2,"ä":1}"#);
    }

    #[test]
    fn the_last_member_of_a_repeated_name_counts_even_if_it_is_null() {
        for (text, expected, repeats) in [
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            (r#"{"a":1,"b":3,"a":null}"#, r#"{"b":3}"#, true),
            (r#"{"b":{"c":1,"c":{}},"a":1}"#, r#"{"a":1,"b":{"c":{}}}"#, true),
            (r#"[{"a":1},{"a":1}]"#, r#"[{"a":1},{"a":1}]"#, false),
            (r#"{"b":1,"a":1}"#, r#"{"a":1,"b":1}"#, false),
        ] {
            let mut out = Vec::new();
            let object = format!(r#"{{"":{text}}}"#);
            let seen = parse(object.as_bytes()).unwrap().as_object().unwrap().write_canonical(&mut out);
            let expected = format!(r#"{{"":{expected}}}"#);
            assert_eq!((String::from_utf8(out).unwrap(), seen.repeats_names), (expected, repeats));
        }
    }

    #[test]
    fn equal_strings_have_one_text() {
        assert_eq!(canonical(r#""\u0041\/\u00e9\b\u001f\t\ud83d""#), "\"A/é\\u0008\\u001f\\t\u{fffd}\"");
    }
}
