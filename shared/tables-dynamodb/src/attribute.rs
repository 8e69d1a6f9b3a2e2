//! Converts between our attribute values and the SDK's.

use std::collections::HashMap;

use agent_ledger::Attribute;
use agent_ledger::Item;
use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) fn to_dynamodb(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text.to_string()),
        Attribute::Number(digits) => AttributeValue::N(digits.to_string()),
        Attribute::List(elements) => AttributeValue::L(elements.iter().map(to_dynamodb).collect()),
        Attribute::Map(members) => AttributeValue::M(
            members.iter().map(|(name, value)| (name.to_owned(), to_dynamodb(value))).collect(),
        ),
    }
}

/// Our value; `None` for types that we never write.
fn from_dynamodb(value: AttributeValue) -> Option<Attribute> {
    match value {
        AttributeValue::S(text) => Some(Attribute::Text(text.into())),
        AttributeValue::N(digits) => Some(Attribute::Number(digits.into())),
        AttributeValue::L(elements) => {
            Some(Attribute::List(elements.into_iter().filter_map(from_dynamodb).collect()))
        }
        AttributeValue::M(members) => {
            let members =
                members.into_iter().filter_map(|(name, value)| Some((name.into(), from_dynamodb(value)?)));
            Some(Attribute::Map(members.collect()))
        }
        _ => None,
    }
}

/// An item in the SDK's types.
pub(crate) type RawItem = HashMap<String, AttributeValue>;

/// Converts an item to our types.
pub(crate) fn to_item(found: RawItem) -> Item {
    found.into_iter().filter_map(|(name, value)| Some((name, from_dynamodb(value)?))).collect()
}
