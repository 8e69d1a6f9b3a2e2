//! Parses text into nodes.

use super::value::{Document, Node};
use crate::{Reject, RejectCode};

/// The maximum nesting of objects and arrays. Amazon Connect's own records stay below ten.
pub const MAX_DEPTH: usize = 64;

/// Parses exactly one JSON value.
///
/// # Errors
/// [`RejectCode::NotUtf8`], [`RejectCode::NotJson`], or [`RejectCode::TooDeep`]; [`RejectCode::TooLarge`] from 4 GB on.
pub fn parse(bytes: &[u8]) -> Result<Document<'_>, Reject> {
    /// The expected number of bytes per node: Amazon Connect's names are long.
    const BYTES_PER_NODE: usize = 12;
    if u32::try_from(bytes.len()).is_err() {
        return Err(Reject::record(RejectCode::TooLarge));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Reject::record(RejectCode::NotUtf8))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let nodes = Vec::with_capacity(text.len() / BYTES_PER_NODE + 1);
    let mut reader = Reader { text, position: 0, nodes };
    reader.value(0).map_err(Reject::record)?;
    reader.skip_white_space();
    if reader.position < text.len() {
        return Err(Reject::record(RejectCode::NotJson));
    }
    Ok(Document(reader.nodes))
}

/// The result of every parsing step. The fault is always the whole record's.
type Read<T> = Result<T, RejectCode>;

struct Reader<'a> {
    text: &'a str,
    position: usize,
    nodes: Vec<Node<'a>>,
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

    /// The next byte that is not white space, which is not stepped over.
    fn token(&mut self) -> Read<u8> {
        // Amazon Connect writes no white space, and every token is above the space.
        if self.peek().is_none_or(|byte| byte <= b' ') {
            self.skip_white_space();
        }
        self.peek().ok_or(RejectCode::NotJson)
    }

    fn expect(&mut self, literal: &str) -> Read<()> {
        if self.text.as_bytes()[self.position..].starts_with(literal.as_bytes()) {
            self.position += literal.len();
            return Ok(());
        }
        Err(RejectCode::NotJson)
    }

    fn literal(&mut self, literal: &str, node: Node<'a>) -> Read<()> {
        self.nodes.push(node);
        self.expect(literal)
    }

    fn value(&mut self, depth: usize) -> Read<()> {
        match self.token()? {
            b'"' => self.string(),
            b'{' => self.object(depth + 1),
            b'[' => self.array(depth + 1),
            b'n' => self.literal("null", Node::Null),
            b't' => self.literal("true", Node::Bool(true)),
            b'f' => self.literal("false", Node::Bool(false)),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Read<()> {
        let first = self.enter(depth)?;
        if !self.closes(b'}')? {
            loop {
                if self.token()? != b'"' {
                    return Err(RejectCode::NotJson);
                }
                self.string()?;
                if self.token()? != b':' {
                    return Err(RejectCode::NotJson);
                }
                self.position += 1;
                self.value(depth)?;
                if self.ends_list(b'}')? {
                    break;
                }
            }
        }
        self.leave(first, Node::Object);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Read<()> {
        let first = self.enter(depth)?;
        if !self.closes(b']')? {
            loop {
                self.value(depth)?;
                if self.ends_list(b']')? {
                    break;
                }
            }
        }
        self.leave(first, Node::Array);
        Ok(())
    }

    /// Steps over the opening bracket, unless it exceeds the maximum nesting, and returns the index of its node.
    fn enter(&mut self, depth: usize) -> Read<usize> {
        if depth > MAX_DEPTH {
            return Err(RejectCode::TooDeep);
        }
        self.position += 1;
        self.nodes.push(Node::Null);
        Ok(self.nodes.len() - 1)
    }

    /// Stores, at both ends of a list or an object, the number of nodes between them.
    fn leave(&mut self, first: usize, node: fn(u32) -> Node<'a>) {
        let between = bounded(self.nodes.len() - first - 1);
        self.nodes[first] = node(between);
        self.nodes.push(Node::End(between));
    }

    /// Whether the list is empty; if so, steps over its closing bracket.
    fn closes(&mut self, bracket: u8) -> Read<bool> {
        let closes = self.token()? == bracket;
        self.position += usize::from(closes);
        Ok(closes)
    }

    /// Steps over what follows an element: `false` for a comma, `true` for the closing bracket.
    fn ends_list(&mut self, bracket: u8) -> Read<bool> {
        let next = self.token()?;
        if next != b',' && next != bracket {
            return Err(RejectCode::NotJson);
        }
        self.position += 1;
        Ok(next == bracket)
    }

    /// A number by the grammar of RFC 8259 §6: no leading zero, no bare dot.
    fn number(&mut self) -> Read<()> {
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
        self.nodes.push(Node::Number(&self.text[start..self.position]));
        Ok(())
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.position;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        if self.position == start { Err(RejectCode::NotJson) } else { Ok(()) }
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Read<()> {
        let opening = self.position;
        self.position += 1;
        self.skip_plain_run();
        if self.peek() == Some(b'"') {
            self.position += 1;
            self.nodes.push(Node::Quoted(&self.text[opening..self.position]));
            return Ok(());
        }
        let unescaped = self.unescaped(opening + 1)?;
        self.nodes.push(Node::Unescaped(unescaped.into()));
        self.position += 1;
        Ok(())
    }

    /// The rest of a string that begins at `start` and has an escape at the position, up to its closing quote.
    #[cold]
    fn unescaped(&mut self, start: usize) -> Read<String> {
        let mut unescaped = String::from(&self.text[start..self.position]);
        loop {
            match self.peek() {
                Some(b'"') => return Ok(unescaped),
                Some(b'\\') => unescaped.push(self.escape()?),
                // A control character, or the end of the text.
                _ => return Err(RejectCode::NotJson),
            }
            let start = self.position;
            self.skip_plain_run();
            unescaped.push_str(&self.text[start..self.position]);
        }
    }

    /// Steps over the text up to the next quote, escape, or control character.
    #[expect(
        clippy::inline_always,
        reason = "a call for every string is 1 % of the normalizer's instructions"
    )]
    #[inline(always)]
    fn skip_plain_run(&mut self) {
        self.position += super::write::plain_bytes(&self.text.as_bytes()[self.position..]);
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

    /// The part of `\uXXXX` after the `u`, including the second half of a surrogate pair if one follows.
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
            // Not a pair: the second escape is a character of its own and is read again.
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

/// A number of nodes, which is never greater than the number of bytes.
#[expect(clippy::cast_possible_truncation, reason = "`parse` refuses texts of 4 GB")]
fn bounded(nodes: usize) -> u32 {
    nodes as u32
}
