//! `PartiQL` statements for history entries, and what their outcomes mean. Values are parameters, never text.

use agent_ledger::store::{Insertion, StoreError};
use agent_ledger::{Attribute, CLOSED_BY, HistoryEntry};
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
};

use crate::attribute::to_dynamodb;
use crate::failure::statement_failure;

/// Why a statement took no effect, or may have taken none.
pub(crate) enum StatementFailure {
    /// The service's answer to this statement.
    Own(BatchStatementError),
    /// The whole request failed.
    OfTheRequest(StoreError),
}

/// `INSERT INTO "table" VALUE {'agent_id': ?, 'entry': ?, …}`
pub(crate) fn insert(table: &str, entry: &HistoryEntry) -> BatchStatementRequest {
    let names = ["agent_id", "entry"].into_iter().chain(entry.attributes.iter().map(|(name, _)| *name));
    let members: Vec<_> = names.map(|name| format!("'{name}': ?")).collect();
    let statement = format!("INSERT INTO \"{table}\" VALUE {{{}}}", members.join(", "));
    request(statement, key(entry).into_iter().chain(values(entry)).collect())
}

/// `UPDATE "table" SET "end"=? … REMOVE "queue_name" … WHERE "agent_id"=? AND "entry"=? AND "closed_by">?`, which
/// only an interval that a later event closed passes; `None` for an entry that is no interval.
pub(crate) fn update(table: &str, entry: &HistoryEntry) -> Option<BatchStatementRequest> {
    let closed_by = entry.closed_by.as_ref()?;
    let set = entry.attributes.iter().map(|(name, _)| format!("SET \"{name}\"=?"));
    let remove = entry.absent.iter().map(|name| format!("REMOVE \"{name}\""));
    let clauses: Vec<_> = set.chain(remove).collect();
    let statement = format!(
        "UPDATE \"{table}\" {} WHERE \"agent_id\"=? AND \"entry\"=? AND \"{CLOSED_BY}\">?",
        clauses.join(" ")
    );
    let closed_by = to_dynamodb(&Attribute::Text(closed_by.as_str().to_owned()));
    Some(request(statement, values(entry).chain(key(entry)).chain([closed_by]).collect()))
}

fn request(statement: String, parameters: Vec<AttributeValue>) -> BatchStatementRequest {
    BatchStatementRequest::builder()
        .statement(statement)
        .set_parameters(Some(parameters))
        .build()
        .expect("a statement is set, and it is the only required member")
}

fn key(entry: &HistoryEntry) -> [AttributeValue; 2] {
    [&entry.agent_id, &entry.entry].map(|part| AttributeValue::S(part.clone()))
}

fn values(entry: &HistoryEntry) -> impl Iterator<Item = AttributeValue> {
    entry.attributes.iter().map(|(_, value)| to_dynamodb(value))
}

/// What an `INSERT` did.
pub(crate) fn insertion(result: Result<(), StatementFailure>) -> Result<Insertion, StoreError> {
    outcome(result, Insertion::New, &Code::DuplicateItem)
}

/// What an `UPDATE` did: either it replaced the interval, or the one that is there stays.
pub(crate) fn replacement(result: Result<(), StatementFailure>) -> Result<Insertion, StoreError> {
    outcome(result, Insertion::Existed, &Code::ConditionalCheckFailed)
}

fn outcome(
    result: Result<(), StatementFailure>,
    success: Insertion,
    existed: &Code,
) -> Result<Insertion, StoreError> {
    match result {
        Ok(()) => Ok(success),
        Err(StatementFailure::Own(error)) if error.code.as_ref() == Some(existed) => Ok(Insertion::Existed),
        Err(StatementFailure::Own(error)) => Err(statement_failure(error)),
        Err(StatementFailure::OfTheRequest(error)) => Err(error),
    }
}
