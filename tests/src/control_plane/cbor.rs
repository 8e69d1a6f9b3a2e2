//! Converts CBOR to JSON values and back. Except for times, `CloudWatch`'s messages have only types that JSON has.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Value};

pub(super) fn from_slice(bytes: &[u8]) -> Value {
    read(&mut Decoder::new(bytes)).expect("a request is CBOR")
}

pub(super) fn to_vec(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value).expect("writing to memory cannot fail");
    encoder.into_writer()
}

fn read(decoder: &mut Decoder<'_>) -> Result<Value, minicbor::decode::Error> {
    let ended = |decoder: &mut Decoder<'_>, left: &mut Option<u64>| match left {
        Some(0) => Ok(true),
        Some(left) => {
            *left -= 1;
            Ok(false)
        }
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| true),
        None => Ok(false),
    };
    Ok(match decoder.datatype()? {
        Type::Map | Type::MapIndef => {
            let (mut members, mut left) = (Map::new(), decoder.map()?);
            while !ended(decoder, &mut left)? {
                members.insert(decoder.str()?.to_owned(), read(decoder)?);
            }
            Value::Object(members)
        }
        Type::Array | Type::ArrayIndef => {
            let (mut items, mut left) = (Vec::new(), decoder.array()?);
            while !ended(decoder, &mut left)? {
                items.push(read(decoder)?);
            }
            Value::Array(items)
        }
        Type::String => decoder.str()?.into(),
        Type::Bool => decoder.bool()?.into(),
        Type::F16 | Type::F32 | Type::F64 => decoder.f64()?.into(),
        // A time is a tagged number.
        Type::Tag => {
            decoder.tag()?;
            return read(decoder);
        }
        _ => decoder.i64()?.into(),
    })
}

fn write(
    encoder: &mut Encoder<Vec<u8>>,
    value: &Value,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    match value {
        Value::Null => encoder.null().map(drop),
        Value::Bool(bool) => encoder.bool(*bool).map(drop),
        Value::Number(number) => match number.as_i64() {
            Some(number) => encoder.i64(number).map(drop),
            None => encoder.f64(number.as_f64().unwrap_or(f64::NAN)).map(drop),
        },
        Value::String(text) => encoder.str(text).map(drop),
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            items.iter().try_for_each(|item| write(encoder, item))
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                encoder.str(name)?;
                write(encoder, value)
            })
        }
    }
}
