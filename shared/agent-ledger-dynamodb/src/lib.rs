//! The agent tables on DynamoDB: the only crate that names its SDK.

mod attribute;
mod failure;
mod reader;
mod statement;

pub use reader::Reader;

use std::collections::HashMap;

use agent_ledger::memory::Item;
use agent_ledger::store::{Answer, Consumed, ENTRIES_PER_INSERT, Held, Insertion, Store, StoreError};
use agent_ledger::{HistoryEntry, RegisterWrite};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementRequest, BatchStatementResponse, ConsumedCapacity,
    ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use crate::attribute::{to_dynamodb, to_item};
use crate::failure::class_of;
use crate::statement::StatementFailure;

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
    async fn write_register(&self, write: &RegisterWrite) -> Answer<Result<Option<Held>, StoreError>> {
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
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let (before, write_units) = match result {
            Ok(output) => (output.attributes.map(to_item), units(output.consumed_capacity.as_slice())),
            Err(error) => {
                let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
                else {
                    return Answer { value: Err(class_of(error)), consumed: one_request(0) };
                };
                // The failure does not say what it cost; DynamoDB charges the item that is there.
                let item = failed.item.clone().map(to_item);
                let write_units = item.as_ref().map_or(1, units_of);
                (item, write_units)
            }
        };
        let held = before.and_then(|item| Held::of_item(&item, write.register));
        Answer { value: Ok(held), consumed: one_request(write_units) }
    }

    /// One `BatchExecuteStatement` of parameterised `INSERT`s: each is conditional by itself, and says by itself
    /// whether the key was there. For intervals that were there follows one of conditional `UPDATE`s: a
    /// duplicate insertion does not answer with the item, so there is no telling without trying.
    async fn insert_entries(&self, entries: &[HistoryEntry]) -> Answer<Vec<Result<Insertion, StoreError>>> {
        debug_assert!(entries.len() <= ENTRIES_PER_INSERT);
        let inserts = entries.iter().map(|entry| statement::insert(&self.history_table, entry));
        let (results, mut consumed) = self.execute(inserts.collect()).await;
        let mut insertions: Vec<_> = results.into_iter().map(statement::insertion).collect();

        let is_contested = |place: &usize| {
            matches!(insertions[*place], Ok(Insertion::Existed)) && entries[*place].closed_by.is_some()
        };
        let contested: Vec<_> = (0..entries.len()).filter(is_contested).collect();
        if !contested.is_empty() {
            let updates =
                contested.iter().filter_map(|place| statement::update(&self.history_table, &entries[*place]));
            let (results, more) = self.execute(updates.collect()).await;
            consumed += more;
            for (place, result) in contested.into_iter().zip(results) {
                insertions[place] = statement::replacement(result);
            }
        }
        Answer { value: insertions, consumed }
    }
}

impl DynamoDbStore {
    /// Runs statements in one request; answers each with its failure, if it has one.
    async fn execute(
        &self,
        statements: Vec<BatchStatementRequest>,
    ) -> (Vec<Result<(), StatementFailure>>, Consumed) {
        let count = statements.len();
        let request = self.client.batch_execute_statement().set_statements(Some(statements));
        match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(output) => {
                let consumed = one_request(units(output.consumed_capacity()));
                let mut responses = output.responses.unwrap_or_default().into_iter();
                let result = |response: Option<BatchStatementResponse>| match response {
                    Some(BatchStatementResponse { error: None, .. }) => Ok(()),
                    Some(BatchStatementResponse { error: Some(error), .. }) => {
                        Err(StatementFailure::Own(error))
                    }
                    None => Err(StatementFailure::Own(BatchStatementError::builder().build())),
                };
                ((0..count).map(|_| result(responses.next())).collect(), consumed)
            }
            Err(error) => {
                let error = class_of(error);
                let results = (0..count).map(|_| Err(StatementFailure::OfTheRequest(error.clone())));
                (results.collect(), one_request(0))
            }
        }
    }
}

fn one_request(write_units: u32) -> Consumed {
    Consumed { requests: 1, write_units }
}

/// What DynamoDB says it charged. Writes cost whole units.
fn units(consumed: &[ConsumedCapacity]) -> u32 {
    let units: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a request costs few units")]
    let units = units.ceil() as u32;
    units
}

/// What a failed condition costs: the item that is there, in steps of 1 KB.
/// Source: DynamoDB Developer Guide, "DynamoDB read and write operations", conditional writes.
fn units_of(item: &Item) -> u32 {
    let bytes: usize = item.iter().map(|(name, value)| name.len() + value.bytes()).sum();
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
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
