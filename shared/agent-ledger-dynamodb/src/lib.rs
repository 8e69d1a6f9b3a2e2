//! The agent tables on DynamoDB: the only crate that names its SDK.

mod attribute;
mod failure;
mod reader;

pub use reader::Reader;

use std::collections::HashMap;

use agent_ledger::store::{ENTRIES_PER_INSERT, Held, Insertion, Store, StoreError};
use agent_ledger::{HistoryEntry, RegisterWrite};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementErrorCodeEnum, BatchStatementRequest, ReturnValue,
    ReturnValuesOnConditionCheckFailure,
};

use crate::attribute::{from_dynamodb, to_dynamodb};
use crate::failure::{class_of, statement_failure};

/// Both tables.
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    state_table: String,
    history_table: String,
}

impl DynamoDbStore {
    /// The tables with these names.
    #[must_use]
    pub fn new(client: Client, state_table: String, history_table: String) -> Self {
        Self { client, state_table, history_table }
    }
}

impl Store for DynamoDbStore {
    /// One `UpdateItem`. `ALL_OLD`, on success and on a failed condition alike, tells what the register held
    /// before, at no further cost.
    async fn write_register(&self, write: &RegisterWrite) -> Result<Option<Held>, StoreError> {
        let update = UpdateExpression::of(write);
        let result = self
            .client
            .update_item()
            .table_name(&self.state_table)
            .key("board", AttributeValue::S(write.key.board.clone()))
            .key("agent_id", AttributeValue::S(write.key.agent_id.clone()))
            .update_expression(update.expression)
            .condition_expression("attribute_not_exists(#version) OR #version < :version")
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let before = match result {
            Ok(output) => output.attributes,
            Err(SdkError::ServiceError(failure)) if failure.err().is_conditional_check_failed_exception() => {
                match failure.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => failed.item,
                    _ => None,
                }
            }
            Err(error) => return Err(class_of(error)),
        };
        let before = before
            .map(|item| item.into_iter().filter_map(|(name, value)| Some((name, from_dynamodb(value)?))));
        Ok(before.and_then(|item| Held::of_item(&item.collect(), write.register)))
    }

    /// One `BatchExecuteStatement` of parameterised `INSERT`s: each is conditional by itself, and says by
    /// itself whether the key was there.
    async fn insert_entries(&self, entries: &[HistoryEntry]) -> Vec<Result<Insertion, StoreError>> {
        debug_assert!(entries.len() <= ENTRIES_PER_INSERT);
        let statements = entries.iter().map(|entry| insert_statement(&self.history_table, entry)).collect();
        let output = match self.client.batch_execute_statement().set_statements(Some(statements)).send().await
        {
            Ok(output) => output,
            Err(error) => {
                let error = class_of(error);
                return entries.iter().map(|_| Err(error.clone())).collect();
            }
        };
        let mut responses = output.responses.unwrap_or_default().into_iter();
        entries.iter().map(|_| insertion(responses.next().and_then(|response| response.error))).collect()
    }
}

struct UpdateExpression {
    expression: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl UpdateExpression {
    /// `SET #0 = :0, … REMOVE #7, …`. All names are placeholders, because several are reserved words.
    fn of(write: &RegisterWrite) -> Self {
        let version = write.register.version_attribute();
        let mut names = HashMap::from([("#version".to_owned(), version.to_owned())]);
        let mut values =
            HashMap::from([(":version".to_owned(), AttributeValue::S(write.version.as_str().to_owned()))]);
        let mut set = vec!["#version = :version".to_owned()];
        for (index, (name, value)) in write.set.iter().enumerate().filter(|(_, (name, _))| *name != version) {
            names.insert(format!("#s{index}"), (*name).to_owned());
            values.insert(format!(":s{index}"), to_dynamodb(value));
            set.push(format!("#s{index} = :s{index}"));
        }
        let mut remove = Vec::new();
        for (index, name) in write.remove.iter().enumerate() {
            names.insert(format!("#r{index}"), (*name).to_owned());
            remove.push(format!("#r{index}"));
        }
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        Self { expression, names, values }
    }
}

/// `INSERT INTO "table" VALUE {'agent_id': ?, 'entry': ?, …}`: values are parameters, never text.
fn insert_statement(table: &str, entry: &HistoryEntry) -> BatchStatementRequest {
    let names = ["agent_id", "entry"].into_iter().chain(entry.attributes.iter().map(|(name, _)| *name));
    let members: Vec<_> = names.map(|name| format!("'{name}': ?")).collect();
    let statement = format!("INSERT INTO \"{table}\" VALUE {{{}}}", members.join(", "));
    let key = [&entry.agent_id, &entry.entry].map(|part| AttributeValue::S(part.clone()));
    let parameters =
        key.into_iter().chain(entry.attributes.iter().map(|(_, value)| to_dynamodb(value))).collect();
    BatchStatementRequest::builder()
        .statement(statement)
        .set_parameters(Some(parameters))
        .build()
        .expect("a statement is set, and it is the only required member")
}

fn insertion(error: Option<BatchStatementError>) -> Result<Insertion, StoreError> {
    match error {
        None => Ok(Insertion::New),
        Some(error) if error.code == Some(BatchStatementErrorCodeEnum::DuplicateItem) => {
            Ok(Insertion::Existed)
        }
        Some(error) => Err(statement_failure(error)),
    }
}
