//! The agent tables.

mod failure;
mod reader;
mod statement;

pub use reader::Reader;

use agent_ledger::Item;
use agent_ledger::store::{Before, Insertion, Store, WRITES_PER_REQUEST, WrittenEntries, WrittenRegisters};
use agent_ledger::{HistoryEntry, RegisterWrite};
use aws_errors::store_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementOutput;
use aws_sdk_dynamodb::types::{
    BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest, BatchStatementResponse,
    ConsumedCapacity, ReturnConsumedCapacity,
};
use tables::{Answer, Consumed};

use crate::agents::statement::{RegisterAttempt, StatementFailure};
use crate::attribute::{RawItem, to_item};

/// Both agent tables.
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
    /// Sends one `BatchExecuteStatement` of conditional `UPDATE`s. `ALL OLD` returns what each register held before, on
    /// success and on a failed condition alike, at no extra cost. A `PartiQL` `UPDATE` does not create an item, so a
    /// batch of `INSERT`s follows for agents never seen. If another writer was faster, another batch of `UPDATE`s
    /// follows.
    ///
    /// A failed condition should return the item. If it does not, the `INSERT` shows whether the item exists. If the
    /// item exists and its condition fails again, the stored version is not older. So an answer that leaves the item
    /// out can never block a shard.
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        debug_assert!(writes.len() <= WRITES_PER_REQUEST);
        let mut registers = Registers::of(writes);
        self.update_all(&mut registers).await;
        self.insert_absent(&mut registers).await;
        self.update_those_that_existed(&mut registers).await;
        registers.answer()
    }

    /// Sends one `BatchExecuteStatement` of parameterized `INSERT`s, each of which is conditional and reports whether
    /// the key existed. For intervals that existed, a batch of conditional `UPDATE`s follows: a duplicate `INSERT` does
    /// not return the item, so only an attempt shows whether to replace it.
    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        debug_assert!(entries.len() <= WRITES_PER_REQUEST);
        let inserts = entries.iter().map(|entry| statement::insert_entry(&self.history_table, entry));
        let (results, mut consumed) = self.execute(inserts.collect()).await;
        let mut insertions: Vec<_> = results.into_iter().map(statement::insertion).collect();

        let is_contested = |index: &usize| {
            matches!(insertions[*index], Ok(Insertion::Existed)) && entries[*index].closed_by.is_some()
        };
        let contested: Vec<_> = (0..entries.len()).filter(is_contested).collect();
        if !contested.is_empty() {
            let updates = contested
                .iter()
                .filter_map(|index| statement::update_entry(&self.history_table, entries[*index]));
            let (results, more) = self.execute(updates.collect()).await;
            consumed += more;
            for (index, result) in contested.into_iter().zip(results) {
                insertions[index] = statement::replacement(result);
            }
        }
        Answer { value: insertions, consumed }
    }
}

/// The progress of registers through the passes of [`DynamoDbStore::write_registers`].
struct Registers<'w> {
    writes: &'w [&'w RegisterWrite],
    /// The progress of each register.
    attempts: Vec<RegisterAttempt>,
    consumed: Consumed,
}

impl<'w> Registers<'w> {
    fn of(writes: &'w [&'w RegisterWrite]) -> Self {
        // Assume that every item exists until DynamoDB says otherwise.
        let attempts = writes.iter().map(|_| RegisterAttempt::Existed).collect();
        Self { writes, attempts, consumed: Consumed::default() }
    }

    fn indexes_where(&self, is_wanted: impl Fn(&RegisterAttempt) -> bool) -> Vec<usize> {
        (0..self.writes.len()).filter(|index| is_wanted(&self.attempts[*index])).collect()
    }

    fn answer(self) -> WrittenRegisters {
        let results = self.attempts.into_iter().map(|attempt| match attempt {
            RegisterAttempt::Done(before) => Ok(before),
            RegisterAttempt::Failed(error) => Err(error),
            RegisterAttempt::Absent | RegisterAttempt::Existed => Err(failure::vanished()),
        });
        Answer { value: results.collect(), consumed: self.consumed }
    }
}

impl DynamoDbStore {
    /// The first pass updates all registers.
    async fn update_all(&self, registers: &mut Registers<'_>) {
        let all = registers.indexes_where(|_| true);
        self.pass(registers, all, statement::update_register).await;
    }

    /// The second pass inserts the registers for which no item was seen.
    async fn insert_absent(&self, registers: &mut Registers<'_>) {
        let absent = registers.indexes_where(|attempt| matches!(attempt, RegisterAttempt::Absent));
        self.pass(registers, absent, statement::insert_register).await;
    }

    /// The third pass updates the registers whose item existed when it was to be inserted. If the condition fails
    /// again, the stored version is not older.
    async fn update_those_that_existed(&self, registers: &mut Registers<'_>) {
        let existing = registers.indexes_where(|attempt| matches!(attempt, RegisterAttempt::Existed));
        self.pass(registers, existing.clone(), statement::update_register).await;
        for index in existing {
            if matches!(registers.attempts[index], RegisterAttempt::Absent) {
                registers.attempts[index] = RegisterAttempt::Done(Before::NotOlder);
            }
        }
    }

    /// Sends one request for the registers at these indexes.
    async fn pass(
        &self,
        registers: &mut Registers<'_>,
        indexes: Vec<usize>,
        statement: fn(&str, &RegisterWrite) -> BatchStatementRequest,
    ) {
        if indexes.is_empty() {
            return;
        }
        let statements = indexes.iter().map(|index| statement(&self.state_table, registers.writes[*index]));
        let (results, consumed) = self.execute(statements.collect()).await;
        registers.consumed += consumed;
        for (index, result) in indexes.into_iter().zip(results) {
            registers.attempts[index] = statement::register_attempt(result, registers.writes[index].register);
        }
    }

    /// Runs statements in one request and returns, for each, the item or the failure.
    async fn execute(&self, statements: Vec<BatchStatementRequest>) -> (Vec<StatementResult>, Consumed) {
        let count = statements.len();
        let request = self.client.batch_execute_statement().set_statements(Some(statements));
        match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(output) => {
                let consumed = one_request(units(&output));
                let mut responses = output.responses.unwrap_or_default().into_iter();
                let result = |response: Option<BatchStatementResponse>| match response {
                    Some(BatchStatementResponse { error: None, item, .. }) => Ok(item),
                    Some(BatchStatementResponse { error: Some(error), .. }) => {
                        Err(StatementFailure::Own(error))
                    }
                    None => Err(StatementFailure::Own(BatchStatementError::builder().build())),
                };
                ((0..count).map(|_| result(responses.next())).collect(), consumed)
            }
            Err(error) => {
                let error = store_error(error);
                let results = (0..count).map(|_| Err(StatementFailure::OfTheRequest(error.clone())));
                (results.collect(), one_request(0))
            }
        }
    }
}

/// The item that a statement returned, or why it failed.
type StatementResult = Result<Option<RawItem>, StatementFailure>;

fn one_request(write_units: u32) -> Consumed {
    Consumed { requests: 1, write_units }
}

/// The write units that DynamoDB reports, which include failed conditions. If every statement of a request failed, it
/// reports nothing; then each failed condition costs the size of the stored item. Writes cost whole units.
/// Source: [DynamoDB read and write operations](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html),
/// conditional writes. That the total includes failed conditions, and is missing if all conditions failed, was observed on
/// the service.
fn units(output: &BatchExecuteStatementOutput) -> u32 {
    if output.consumed_capacity().is_empty() {
        return output
            .responses()
            .iter()
            .filter_map(BatchStatementResponse::error)
            .map(units_of_failure)
            .sum();
    }
    let units: f64 = output.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a request costs few units")]
    let units = units.ceil() as u32;
    units
}

fn units_of_failure(error: &BatchStatementError) -> u32 {
    match error.code {
        Some(Code::ConditionalCheckFailed | Code::DuplicateItem) => {
            error.item.as_ref().map_or(1, |item| units_of(&to_item(item.clone())))
        }
        _ => 0,
    }
}

/// The write units of an item: its size in steps of 1 KB.
fn units_of(item: &Item) -> u32 {
    let bytes: usize = item.iter().map(|(name, value)| name.len() + value.bytes()).sum();
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{BatchExecuteStatementOutput, BatchStatementError, BatchStatementResponse, Code, units};
    use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity};

    fn failed(code: Code, bytes: Option<usize>) -> BatchStatementResponse {
        let item = bytes.map(|bytes| [("a".to_owned(), AttributeValue::S("x".repeat(bytes - 1)))].into());
        let error = BatchStatementError::builder().code(code).set_item(item).build();
        BatchStatementResponse::builder().error(error).build()
    }

    #[test]
    fn write_units_are_as_reported_or_else_computed_from_failed_conditions() {
        let reported = |units| ConsumedCapacity::builder().capacity_units(units).build();
        let of = |capacity: Vec<ConsumedCapacity>, responses: Vec<BatchStatementResponse>| {
            let output = BatchExecuteStatementOutput::builder();
            units(&output.set_consumed_capacity(Some(capacity)).set_responses(Some(responses)).build())
        };
        let written = || BatchStatementResponse::builder().build();
        let condition_failed = |bytes| failed(Code::ConditionalCheckFailed, bytes);
        // One written, one condition failed: both are in the total.
        assert_eq!(of(vec![reported(3.0)], vec![written(), condition_failed(Some(1500))]), 3);
        assert_eq!(of(vec![reported(2.0), reported(1.0)], vec![written(), written()]), 3);
        // All conditions failed: nothing is reported.
        assert_eq!(
            of(
                vec![],
                vec![condition_failed(Some(1024)), condition_failed(Some(1025)), condition_failed(None)]
            ),
            4
        );
        assert_eq!(of(vec![], vec![failed(Code::DuplicateItem, None)]), 1);
        // A statement that never reached an item costs nothing.
        assert_eq!(
            of(vec![], vec![failed(Code::ThrottlingError, None), failed(Code::AccessDenied, None)]),
            0
        );
    }
}
