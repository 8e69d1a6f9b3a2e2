//! The agent tables on DynamoDB: the only crate that names its SDK.

mod attribute;
mod failure;
mod reader;
mod statement;

pub use failure::store_error;
pub use reader::Reader;

use agent_ledger::Item;
use agent_ledger::store::{
    Answer, Before, Consumed, Insertion, Store, WRITES_PER_REQUEST, WrittenEntries, WrittenRegisters,
};
use agent_ledger::{HistoryEntry, RegisterWrite};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementOutput;
use aws_sdk_dynamodb::types::{
    BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest, BatchStatementResponse,
    ConsumedCapacity, ReturnConsumedCapacity,
};

use crate::attribute::{RawItem, to_item};
use crate::statement::{RegisterAttempt, StatementFailure};

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
    /// One `BatchExecuteStatement` of conditional `UPDATE`s. `ALL OLD`, on success and on a failed condition alike, tells
    /// what each register held before, at no further cost. `PartiQL` updates no item that is not there: for agents
    /// never seen follows one of `INSERT`s, and if somebody else was faster, one more of `UPDATE`s.
    ///
    /// A failed condition should come with the item. Of one that does not, the insertion tells whether there is an item;
    /// if there is, and its condition fails again, then what is there is not older. So no answer that leaves the item
    /// out can keep a shard waiting.
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        debug_assert!(writes.len() <= WRITES_PER_REQUEST);
        let mut registers = Registers::of(writes);
        self.update_all(&mut registers).await;
        self.insert_absent(&mut registers).await;
        self.update_those_that_appeared(&mut registers).await;
        registers.answer()
    }

    /// One `BatchExecuteStatement` of parameterized `INSERT`s: each is conditional by itself, and says by itself
    /// whether the key was there. For intervals that were there follows one of conditional `UPDATE`s: a
    /// duplicate insertion does not answer with the item, so there is no telling without trying.
    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        debug_assert!(entries.len() <= WRITES_PER_REQUEST);
        let inserts = entries.iter().map(|entry| statement::insert_entry(&self.history_table, entry));
        let (results, mut consumed) = self.execute(inserts.collect()).await;
        let mut insertions: Vec<_> = results.into_iter().map(statement::insertion).collect();

        let is_contested = |place: &usize| {
            matches!(insertions[*place], Ok(Insertion::Existed)) && entries[*place].closed_by.is_some()
        };
        let contested: Vec<_> = (0..entries.len()).filter(is_contested).collect();
        if !contested.is_empty() {
            let updates = contested
                .iter()
                .filter_map(|place| statement::update_entry(&self.history_table, entries[*place]));
            let (results, more) = self.execute(updates.collect()).await;
            consumed += more;
            for (place, result) in contested.into_iter().zip(results) {
                insertions[place] = statement::replacement(result);
            }
        }
        Answer { value: insertions, consumed }
    }
}

/// Registers on their way through the passes of [`DynamoDbStore::write_registers`].
struct Registers<'w> {
    writes: &'w [&'w RegisterWrite],
    /// How far each is.
    attempts: Vec<RegisterAttempt>,
    consumed: Consumed,
}

impl<'w> Registers<'w> {
    fn of(writes: &'w [&'w RegisterWrite]) -> Self {
        // Until DynamoDB says otherwise, an item is there.
        let attempts = writes.iter().map(|_| RegisterAttempt::Existed).collect();
        Self { writes, attempts, consumed: Consumed::default() }
    }

    fn places(&self, is_wanted: impl Fn(&RegisterAttempt) -> bool) -> Vec<usize> {
        (0..self.writes.len()).filter(|place| is_wanted(&self.attempts[*place])).collect()
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
    /// The first pass, for all.
    async fn update_all(&self, registers: &mut Registers<'_>) {
        let all = registers.places(|_| true);
        self.pass(registers, all, statement::update_register).await;
    }

    /// The second, for those of which no item was seen.
    async fn insert_absent(&self, registers: &mut Registers<'_>) {
        let absent = registers.places(|attempt| matches!(attempt, RegisterAttempt::Absent));
        self.pass(registers, absent, statement::insert_register).await;
    }

    /// The third, for those whose item was there when it was to be inserted. If the condition fails again, what is there is
    /// not older.
    async fn update_those_that_appeared(&self, registers: &mut Registers<'_>) {
        let appeared = registers.places(|attempt| matches!(attempt, RegisterAttempt::Existed));
        self.pass(registers, appeared.clone(), statement::update_register).await;
        for place in appeared {
            if matches!(registers.attempts[place], RegisterAttempt::Absent) {
                registers.attempts[place] = RegisterAttempt::Done(Before::NotOlder);
            }
        }
    }

    /// One request for the registers at these places.
    async fn pass(
        &self,
        registers: &mut Registers<'_>,
        places: Vec<usize>,
        statement: fn(&str, &RegisterWrite) -> BatchStatementRequest,
    ) {
        if places.is_empty() {
            return;
        }
        let statements = places.iter().map(|place| statement(&self.state_table, registers.writes[*place]));
        let (results, consumed) = self.execute(statements.collect()).await;
        registers.consumed += consumed;
        for (place, result) in places.into_iter().zip(results) {
            registers.attempts[place] = statement::register_attempt(result, registers.writes[place].register);
        }
    }

    /// Runs statements in one request; answers each with the item it returned, or with its failure.
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

/// What DynamoDB says it charged, failed conditions among it. If every statement of a request failed, it says nothing:
/// then each condition that failed costs the item that is there. Writes cost whole units.
/// Source: DynamoDB Developer Guide, "DynamoDB read and write operations", conditional writes. That the total has the failed
/// conditions in it, and is missing if all failed, is an observation of the service.
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

/// The size of an item in steps of 1 KB.
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
    fn write_units_are_what_dynamodb_reports_and_failed_conditions_only_if_it_reports_nothing() {
        let reported = |units| ConsumedCapacity::builder().capacity_units(units).build();
        let of = |capacity: Vec<ConsumedCapacity>, responses: Vec<BatchStatementResponse>| {
            let output = BatchExecuteStatementOutput::builder();
            units(&output.set_consumed_capacity(Some(capacity)).set_responses(Some(responses)).build())
        };
        let written = || BatchStatementResponse::builder().build();
        let refused = |bytes| failed(Code::ConditionalCheckFailed, bytes);
        // One written, one refused: both are in the total.
        assert_eq!(of(vec![reported(3.0)], vec![written(), refused(Some(1500))]), 3);
        assert_eq!(of(vec![reported(2.0), reported(1.0)], vec![written(), written()]), 3);
        // All refused: nothing is reported.
        assert_eq!(of(vec![], vec![refused(Some(1024)), refused(Some(1025)), refused(None)]), 4);
        assert_eq!(of(vec![], vec![failed(Code::DuplicateItem, None)]), 1);
        // What never reached an item costs nothing.
        assert_eq!(
            of(vec![], vec![failed(Code::ThrottlingError, None), failed(Code::AccessDenied, None)]),
            0
        );
    }
}
