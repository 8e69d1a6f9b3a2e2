//! Our attribute values as the SDK's.

use agent_ledger::Attribute;
use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) fn to_dynamodb(attribute: &Attribute) -> AttributeValue {
    match attribute {
        Attribute::Text(text) => AttributeValue::S(text.clone()),
        Attribute::Number(digits) => AttributeValue::N(digits.clone()),
        Attribute::List(elements) => AttributeValue::L(elements.iter().map(to_dynamodb).collect()),
        Attribute::Map(members) => AttributeValue::M(
            members.iter().map(|(name, value)| (name.clone(), to_dynamodb(value))).collect(),
        ),
    }
}
