//! Records that the Kinesis Producer Library packed into one.
//!
//! Amazon Connect does not pack its events; a producer that republishes them may. Lambda delivers a packed record
//! unchanged, so the function unpacks it. Each part has the packed record's sequence number and its own index in it.
//!
//! Contract: the library's
//! [KPL Aggregated Record Format](https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md): four
//! magic bytes, a protobuf message, and the message's MD5.

use connect_streams::{Reject, RejectCode};
use md5::{Digest, Md5};
use prost::Message;
use prost::bytes::Bytes;
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The first bytes of a packed record. They are not UTF-8, so no JSON begins with them.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const CHECKSUM_BYTES: usize = 16;
/// The number of records that an event source mapping passes to one invocation at most. A packed record of agent events
/// comes nowhere near it, but one with millions of empty parts would use up the function's memory.
const MAX_PARTS: usize = 10_000;

#[derive(Clone, PartialEq, Message)]
struct AggregatedRecord {
    #[prost(string, repeated, tag = "1")]
    partition_key_table: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    explicit_hash_key_table: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Record>,
}

/// Its tags, field 4, are ignored.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(uint64, required, tag = "1")]
    partition_key_index: u64,
    #[prost(uint64, optional, tag = "2")]
    explicit_hash_key_index: Option<u64>,
    #[prost(bytes = "bytes", required, tag = "3")]
    data: Bytes,
}

/// One of the records in a packed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The producer's partition key for this record.
    pub partition_key: String,
    /// Its own bytes.
    pub data: Bytes,
}

/// Whether the bytes are a packed record.
#[must_use]
pub fn is_packed(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

/// The records in a packed record, in order.
///
/// # Errors
/// [`RejectCode::Aggregated`] if nothing can be unpacked: the checksum does not match, or the message is broken, names
/// a missing partition key, or has no records or more than 10,000.
pub fn unpack(data: Vec<u8>) -> Result<Vec<Packed>, Reject> {
    let broken = || Reject::record(RejectCode::Aggregated);
    let end = data.len().checked_sub(CHECKSUM_BYTES).filter(|end| *end > MAGIC.len()).ok_or_else(broken)?;
    let data = Bytes::from(data);
    let (message, checksum) = (data.slice(MAGIC.len()..end), &data[end..]);
    if Md5::digest(&message)[..] != *checksum {
        return Err(broken());
    }
    // Count the parts before anything is allocated for them.
    if !count_parts(&message).is_some_and(|parts| (1..=MAX_PARTS).contains(&parts)) {
        return Err(broken());
    }
    let AggregatedRecord { partition_key_table, records, .. } =
        AggregatedRecord::decode(message).map_err(|_| broken())?;
    let partition_key = |index: u64| partition_key_table.get(usize::try_from(index).ok()?).cloned();
    let unpacked = records.into_iter().map(|Record { partition_key_index, data, .. }| {
        Some(Packed { partition_key: partition_key(partition_key_index)?, data })
    });
    unpacked.collect::<Option<Vec<_>>>().ok_or_else(broken)
}

/// The number of records in the message; `None` if it is broken.
fn count_parts(mut message: &[u8]) -> Option<usize> {
    const RECORDS: u32 = 3;
    let mut parts = 0;
    while !message.is_empty() {
        let (tag, wire_type) = decode_key(&mut message).ok()?;
        parts += usize::from(tag == RECORDS);
        skip_field(wire_type, tag, &mut message, DecodeContext::default()).ok()?;
    }
    Some(parts)
}

/// Packs records as the library does.
#[must_use]
pub fn pack(records: &[Packed]) -> Vec<u8> {
    let mut message = AggregatedRecord::default();
    for Packed { partition_key, data } in records {
        let known = message.partition_key_table.iter().position(|key| key == partition_key);
        let index = known.unwrap_or_else(|| {
            message.partition_key_table.push(partition_key.clone());
            message.partition_key_table.len() - 1
        });
        let partition_key_index = index as u64;
        message.records.push(Record {
            partition_key_index,
            explicit_hash_key_index: None,
            data: data.clone(),
        });
    }
    let message = message.encode_to_vec();
    [&MAGIC[..], &message, &Md5::digest(&message)[..]].concat()
}

/// Reads a record or, if it is packed, each record in it. Returns the valid ones.
///
/// # Errors
/// The record's fault. For a packed record, only if no record in it is valid, and then the fault of the first one.
pub fn read_each<T>(data: &[u8], read: impl Fn(&[u8]) -> Result<T, Reject>) -> Result<Vec<T>, Reject> {
    if !is_packed(data) {
        return read(data).map(|valid| vec![valid]);
    }
    let (mut valid, mut first_reject) = (Vec::new(), None);
    for part in unpack(data.to_vec())? {
        match read(&part.data) {
            Ok(part) => valid.push(part),
            Err(reject) => first_reject = first_reject.or(Some(reject)),
        }
    }
    match first_reject {
        Some(reject) if valid.is_empty() => Err(reject),
        _ => Ok(valid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(partition_key: &str, data: &'static [u8]) -> Packed {
        Packed { partition_key: partition_key.to_owned(), data: Bytes::from_static(data) }
    }

    fn three_records() -> Vec<Packed> {
        vec![
            packed("agent-1", br#"{"a":1}"#),
            packed("agent-2", b""),
            packed("agent-1", r#"{"b":"é"}"#.as_bytes()),
        ]
    }

    /// The three records, packed by `aws_kinesis_agg` 1.2.3 of awslabs/kinesis-aggregation, each with an explicit hash
    /// key.
    const BY_ANOTHER_LIBRARY: &str = "f3899ac20a076167656e742d310a076167656e742d3212033132331a0d080010001a077b2261223a\
         317d1a06080110001a001a10080010001a0a7b2262223a22c3a9227d157592025d10f8f97aac12d4f58d6c0d";

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        let digits: Vec<u8> = hexadecimal
            .bytes()
            .map(|digit| u8::from_str_radix(&char::from(digit).to_string(), 16).unwrap())
            .collect();
        digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    #[test]
    fn a_record_packed_by_another_library_is_unpacked() {
        let record = bytes(BY_ANOTHER_LIBRARY);
        assert!(is_packed(&record));
        assert_eq!(unpack(record).unwrap(), three_records());
    }

    #[test]
    fn unpacking_reverses_packing() {
        assert_eq!(unpack(pack(&three_records())).unwrap(), three_records());
    }

    #[test]
    fn a_broken_packed_record_is_one_rejected_record() {
        let whole = bytes(BY_ANOTHER_LIBRARY);
        let checked = |message: &[u8]| [&MAGIC[..], message, &Md5::digest(message)[..]].concat();
        let mut cases: Vec<_> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
        cases.extend((4..whole.len()).map(|index| {
            let mut flipped = whole.clone();
            flipped[index] ^= 1;
            flipped
        }));
        // These have a valid checksum: an empty message, a truncated one, no records, an unknown partition key, too
        // many records.
        cases.push(checked(b""));
        cases.push(checked(&whole[4..40]));
        cases.push(checked(b"\x0a\x01k"));
        cases.push(checked(b"\x0a\x01k\x1a\x05\x08\x01\x1a\x01x"));
        cases.push(pack(&vec![packed("k", b""); MAX_PARTS + 1]));
        for case in cases {
            assert_eq!(unpack(case).unwrap_err(), Reject::record(RejectCode::Aggregated));
        }
    }
}
