//! Writes values as text.

use super::value::Value;

impl Value<'_> {
    /// Appends the value as compact JSON; numbers keep their text.
    pub fn write_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(truth) => write_bool(truth, out),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(elements) => write_list(elements.iter(), out, Self::write_json),
            Self::Object(object) => write_object(object.iter(), out, Self::write_json),
        }
    }

    /// Appends the value as compact JSON with the members of every object ordered by key. Repeated keys keep their
    /// order. Two values that differ only in the order of their keys become the same text.
    pub fn write_ordered_json(self, out: &mut Vec<u8>) {
        match self {
            Self::Array(elements) => write_list(elements.iter(), out, Self::write_ordered_json),
            Self::Object(object) => {
                let mut members: Vec<_> = object.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                write_object(members, out, Self::write_ordered_json);
            }
            leaf => leaf.write_json(out),
        }
    }
}

/// Appends `true` or `false`.
pub fn write_bool(truth: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
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
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_bytes(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.extend([HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// The number of bytes before the first one that a JSON string cannot hold unescaped: a quote, a backslash, or a
/// control character.
pub(super) fn plain_bytes(bytes: &[u8]) -> usize {
    // Eight at a time, because strings are most of a record.
    let (eights, rest) = bytes.as_chunks();
    for (index, eight) in eights.iter().enumerate() {
        if let Some(offset) = special_byte(u64::from_le_bytes(*eight)) {
            return index * 8 + offset;
        }
    }
    // The last eight again, so that no byte is looked at alone.
    if let Some(last) = bytes.last_chunk().filter(|_| !rest.is_empty()) {
        return special_byte(u64::from_le_bytes(*last))
            .map_or(bytes.len(), |offset| bytes.len() - 8 + offset);
    }
    let special = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    special.map_or(bytes.len(), |offset| bytes.len() - rest.len() + offset)
}

/// The index of the first special byte of eight, computed on all of them at once: a byte minus one borrows from its
/// highest bit only if it was zero. Borrowing may mark bytes above the first one, never below.
fn special_byte(eight: u64) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let zero = |eight: u64| eight.wrapping_sub(ONES) & !eight;
    let equal = |byte: u8| zero(eight ^ (ONES * u64::from(byte)));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    let found = (control | equal(b'"') | equal(b'\\')) & HIGHS;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::plain_bytes;

    #[test]
    fn every_special_byte_is_found_at_every_offset() {
        for special in (0..=255_u8).filter(|byte| matches!(byte, 0..0x20 | b'"' | b'\\')) {
            for filler in [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
                for offset in 0..20 {
                    let mut bytes = [filler; 20];
                    bytes[offset] = special;
                    assert_eq!(plain_bytes(&bytes), offset, "{special} among {filler}");
                    bytes[19] = special;
                    assert_eq!(plain_bytes(&bytes), offset, "{special} among {filler}");
                    assert_eq!(plain_bytes(&bytes[..offset]), offset, "{filler}");
                }
            }
        }
    }
}
