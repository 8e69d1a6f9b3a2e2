//! `PartiQL` statements, and what their outcomes mean. Values are parameters, never text.
//!
//! Source: `PartiQL` [update statements](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html),
//! [insert statements](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html) and
//! [functions](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html) (`MISSING`) in the DynamoDB
//! Developer Guide. Amazon's DynamoDB Local confirms that a statement of a batch can return the old item
//! (`make test-dynamodb-local`).

use std::fmt::Write as _;

use agent_ledger::store::{Before, Held, Insertion};
use agent_ledger::{Attribute, CLOSED_BY, HistoryEntry, Register, RegisterWrite};
use aws_sdk_dynamodb::types::builders::BatchStatementRequestBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    ReturnValuesOnConditionCheckFailure,
};
use tables::StoreError;

use super::failure::statement_failure;
use crate::attribute::{RawItem, to_dynamodb, to_item};

/// Why a statement took no effect, or possibly none.
pub(crate) enum StatementFailure {
    /// The service's answer to this statement.
    Own(BatchStatementError),
    /// The whole request failed.
    OfTheRequest(StoreError),
}

/// `INSERT INTO "table" VALUE {'agent_id': ?, 'entry': ?, …}`
pub(crate) fn insert_entry(table: &str, entry: &HistoryEntry) -> BatchStatementRequest {
    let key = [("agent_id", &entry.agent_id), ("entry", &entry.entry)];
    insert(table, key, &entry.attributes)
}

/// `UPDATE "table" SET "end"=? … REMOVE "queue_name" … WHERE "agent_id"=? AND "entry"=? AND "closed_by">?`, which only
/// an interval closed by a later event passes; `None` for an entry that is not an interval.
pub(crate) fn update_entry(table: &str, entry: &HistoryEntry) -> Option<BatchStatementRequest> {
    let closed_by = entry.closed_by.as_ref()?;
    let mut update = Update::new(table, &entry.attributes, &entry.absent);
    let _ = write!(update.text, " WHERE \"agent_id\"=? AND \"entry\"=? AND \"{CLOSED_BY}\">?");
    update.parameters.extend([&entry.agent_id, &entry.entry, closed_by.as_str()].map(text));
    Some(update.statement().build().expect(HAS_A_STATEMENT))
}

/// `INSERT INTO "table" VALUE {'board': ?, 'agent_id': ?, …}`, for an agent never seen.
pub(crate) fn insert_register(table: &str, write: &RegisterWrite) -> BatchStatementRequest {
    insert(table, [("board", &write.key.board), ("agent_id", &write.key.agent_id)], &write.set)
}

/// `UPDATE "table" SET "status_name"=? … REMOVE "contacts" … WHERE "board"=? AND "agent_id"=? AND
/// ("snapshot_version" IS MISSING OR "snapshot_version"<?) RETURNING ALL OLD *`
pub(crate) fn update_register(table: &str, write: &RegisterWrite) -> BatchStatementRequest {
    let mut update = Update::new(table, &write.set, &write.remove);
    let version = write.register.version_attribute();
    let _ = write!(
        update.text,
        " WHERE \"board\"=? AND \"agent_id\"=? AND (\"{version}\" IS MISSING OR \"{version}\"<?) RETURNING ALL OLD *"
    );
    update.parameters.extend([&write.key.board, &write.key.agent_id, write.version.as_str()].map(text));
    let statement = update.statement();
    let statement =
        statement.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    statement.build().expect(HAS_A_STATEMENT)
}

const HAS_A_STATEMENT: &str = "a statement is set, and it is the only required member";

fn insert(
    table: &str,
    key: [(&str, &String); 2],
    attributes: &[(&'static str, Attribute)],
) -> BatchStatementRequest {
    let mut text = format!("INSERT INTO \"{table}\" VALUE {{");
    let names = key.iter().map(|(name, _)| *name).chain(attributes.iter().map(|(name, _)| *name));
    for (index, name) in names.enumerate() {
        let _ = write!(text, "{}'{name}': ?", if index == 0 { "" } else { ", " });
    }
    text.push('}');
    let key = key.into_iter().map(|(_, value)| AttributeValue::S(value.clone()));
    let parameters = key.chain(attributes.iter().map(|(_, value)| to_dynamodb(value))).collect();
    BatchStatementRequest::builder()
        .statement(text)
        .set_parameters(Some(parameters))
        .build()
        .expect(HAS_A_STATEMENT)
}

/// An `UPDATE` up to its condition.
struct Update {
    text: String,
    parameters: Vec<AttributeValue>,
}

impl Update {
    fn new(table: &str, set: &[(&'static str, Attribute)], remove: &[&'static str]) -> Self {
        let mut update = format!("UPDATE \"{table}\"");
        for (name, _) in set {
            let _ = write!(update, " SET \"{name}\"=?");
        }
        for name in remove {
            let _ = write!(update, " REMOVE \"{name}\"");
        }
        Self { text: update, parameters: set.iter().map(|(_, value)| to_dynamodb(value)).collect() }
    }

    fn statement(self) -> BatchStatementRequestBuilder {
        BatchStatementRequest::builder().statement(self.text).set_parameters(Some(self.parameters))
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// The progress of a register write.
pub(crate) enum RegisterAttempt {
    /// It took effect, or its condition failed; the register held this before.
    Done(Before),
    /// Its condition failed without returning an item: there is none, or the service left it out.
    Absent,
    /// The item exists, so it can be updated.
    Existed,
    /// It failed, or may have failed.
    Failed(StoreError),
}

/// The outcome of an `UPDATE` or `INSERT` of a register.
pub(crate) fn register_attempt(
    result: Result<Option<RawItem>, StatementFailure>,
    register: Register,
) -> RegisterAttempt {
    let held = |item: RawItem| Held::of_item(&to_item(item), register);
    match result {
        Ok(before) => RegisterAttempt::Done(before.and_then(held).into()),
        Err(StatementFailure::Own(error)) => match (&error.code, error.item.clone()) {
            (Some(Code::ConditionalCheckFailed), Some(item)) => RegisterAttempt::Done(held(item).into()),
            (Some(Code::ConditionalCheckFailed), None) => RegisterAttempt::Absent,
            (Some(Code::DuplicateItem), _) => RegisterAttempt::Existed,
            _ => RegisterAttempt::Failed(statement_failure(error)),
        },
        Err(StatementFailure::OfTheRequest(error)) => RegisterAttempt::Failed(error),
    }
}

/// The outcome of an `INSERT` of an entry.
pub(crate) fn insertion(result: Result<Option<RawItem>, StatementFailure>) -> Result<Insertion, StoreError> {
    outcome(result, Insertion::New, &Code::DuplicateItem)
}

/// The outcome of an `UPDATE` of an interval: either it replaced the stored one, or the stored one stays.
pub(crate) fn replacement(
    result: Result<Option<RawItem>, StatementFailure>,
) -> Result<Insertion, StoreError> {
    outcome(result, Insertion::Existed, &Code::ConditionalCheckFailed)
}

fn outcome(
    result: Result<Option<RawItem>, StatementFailure>,
    success: Insertion,
    existed: &Code,
) -> Result<Insertion, StoreError> {
    match result {
        Ok(_) => Ok(success),
        Err(StatementFailure::Own(error)) if error.code.as_ref() == Some(existed) => Ok(Insertion::Existed),
        Err(StatementFailure::Own(error)) => Err(statement_failure(error)),
        Err(StatementFailure::OfTheRequest(error)) => Err(error),
    }
}
