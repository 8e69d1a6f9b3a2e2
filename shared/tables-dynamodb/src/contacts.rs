//! The table of contacts in flight.
//!
//! An event is one `UpdateItem`: unlike a `PartiQL` `UPDATE`, it creates an item that does not exist. If its condition
//! fails, the response has the item, at no extra cost.
//!
//! Source: [`UpdateItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html),
//! `ReturnValuesOnConditionCheckFailure`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use aws_errors::store_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::AsyncSleep as _;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure,
};
use connect_streams::Timestamp;
use contact_state::contact::Contact;
use contact_state::fields::{BOARD, CONTACT_ID, IN_FLIGHT, LAST_EVENT, RANK};
use contact_state::store::{Condition, ContactStore, Update, Updated};
use contact_state::{ContactKey, LongestLife};
use futures::future::try_join_all;
use tables::{Answer, Attribute, Consumed, Item, StoreError, boards};

use crate::attribute::{RawItem, to_dynamodb, to_item};
use crate::pages::pages;

/// The local secondary index with the contacts in flight. It has the keys only and, unlike a global one, can be read
/// with strong consistency.
pub const INDEX: &str = "in_flight";

/// The table.
#[derive(Debug, Clone)]
pub struct DynamoDbContacts {
    client: Client,
    table: String,
}

impl DynamoDbContacts {
    /// The table with this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

impl ContactStore for DynamoDbContacts {
    async fn update(&self, update: &Update) -> Answer<Result<Updated, StoreError>> {
        let request = Expressions::of(update).request(self.client.update_item().table_name(&self.table));
        let request = request
            .key(BOARD, AttributeValue::S(update.key.board.clone()))
            .key(CONTACT_ID, AttributeValue::S(update.key.contact_id.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.send().await {
            Ok(output) => {
                let write_units = units(output.consumed_capacity());
                Answer { value: Ok(Updated::Done), consumed: Consumed { requests: 1, write_units } }
            }
            Err(SdkError::ServiceError(failure)) if failure.err().is_conditional_check_failed_exception() => {
                let UpdateItemError::ConditionalCheckFailedException(failed) = failure.into_err() else {
                    unreachable!("it was just checked")
                };
                let item = failed.item.map(to_item);
                // A failed condition costs the size of the item, which the response does not tell.
                let write_units = item.as_ref().map_or(1, units_of);
                let value = Ok(Updated::Refused(item.map(without_key)));
                Answer { value, consumed: Consumed { requests: 1, write_units } }
            }
            Err(error) => {
                let consumed = Consumed { requests: 1, write_units: 0 };
                Answer { value: Err(store_error(error)), consumed }
            }
        }
    }
}

fn without_key(mut item: Item) -> Item {
    item.remove(BOARD);
    item.remove(CONTACT_ID);
    item
}

/// The expressions of an update. Names and values are placeholders, never text.
#[derive(Default)]
struct Expressions {
    update: String,
    condition: String,
    names: Vec<&'static str>,
    values: Vec<AttributeValue>,
}

impl Expressions {
    fn of(update: &Update) -> Self {
        let mut all = Self::default();
        for (index, (name, value)) in update.set.iter().enumerate() {
            let (name, value) = (all.name(name), all.value(value));
            let _ = write!(all.update, "{}{name} = {value}", if index == 0 { "SET " } else { ", " });
        }
        for (name, value) in &update.set_if_absent {
            let (name, value) = (all.name(name), all.value(value));
            let _ = write!(
                all.update,
                "{}{name} = if_not_exists({name}, {value})",
                if all.update.is_empty() { "SET " } else { ", " }
            );
        }
        for (index, name) in update.remove.iter().enumerate() {
            let name = all.name(name);
            let _ = write!(all.update, "{}{name}", if index == 0 { " REMOVE " } else { ", " });
        }
        all.condition(&update.condition);
        all
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Newer { last_event, highest_rank, may_create } => {
                let (last, version) = (self.name(LAST_EVENT), self.value(last_event));
                let (rank, highest) = (self.name(RANK), self.value(highest_rank));
                let absent =
                    if *may_create { format!("attribute_not_exists({last}) OR ") } else { String::new() };
                let _ = write!(
                    self.condition,
                    "{absent}({last} < {version} AND (attribute_not_exists({rank}) OR {rank} <= {highest}))"
                );
            }
            Condition::AsSeen(seen) => {
                for (name, value) in seen {
                    let and = if self.condition.is_empty() { "" } else { " AND " };
                    let name = self.name(name);
                    let one = match value {
                        Some(value) => format!("{name} = {}", self.value(value)),
                        None => format!("attribute_not_exists({name})"),
                    };
                    let _ = write!(self.condition, "{and}{one}");
                }
            }
        }
    }

    fn name(&mut self, name: &'static str) -> String {
        let index = self.names.iter().position(|one| *one == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        format!("#{index}")
    }

    /// Most values of an update are one version.
    fn value(&mut self, value: &Attribute) -> String {
        let value = to_dynamodb(value);
        let index = self.values.iter().position(|one| *one == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        format!(":{index}")
    }

    fn request(self, request: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        let names =
            self.names.iter().enumerate().map(|(index, name)| (format!("#{index}"), (*name).to_owned()));
        let values = self.values.into_iter().enumerate().map(|(index, value)| (format!(":{index}"), value));
        request
            .set_expression_attribute_names(Some(names.collect()))
            .set_expression_attribute_values(Some(values.collect()))
            .update_expression(self.update)
            .condition_expression(self.condition)
    }
}

/// Write units, as the service reports them: those of the index, too.
fn units(consumed: Option<&ConsumedCapacity>) -> u32 {
    let units = consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a request costs few units")]
    let units = units.ceil() as u32;
    units
}

/// The write units of an item: its size in steps of 1 KB.
fn units_of(item: &Item) -> u32 {
    let bytes: usize = item.iter().map(|(name, value)| name.len() + value.bytes()).sum();
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX)
}

/// Reads the table.
#[derive(Debug, Clone)]
pub struct ContactReader {
    client: Client,
    table: String,
}

/// Items that one `BatchGetItem` may read.
/// Source: [`BatchGetItem`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
const BATCH_GET_ITEMS: usize = 100;
/// DynamoDB leaves keys of a `BatchGetItem` unprocessed when it is throttled, or after 16 MB.
const BATCH_GET_ATTEMPTS: u32 = 4;
/// The pause before the second attempt. Each further one is twice as long.
const BATCH_GET_PAUSE: Duration = Duration::from_millis(50);

impl ContactReader {
    /// A reader of the table with this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// One contact; `None` if none of its events has arrived, or it has expired.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn contact(
        &self,
        instance_id: &str,
        contact_id: &str,
        longest: &LongestLife,
        now: Timestamp,
    ) -> Result<Option<Contact>, StoreError> {
        let item = self.item(&ContactKey::new(instance_id, contact_id)).await?;
        Ok(item.and_then(|item| Contact::of(&item, longest, now)))
    }

    /// The item of a contact, read with strong consistency.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn item(&self, key: &ContactKey) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key(BOARD, AttributeValue::S(key.board.clone()));
        let get = get.key(CONTACT_ID, AttributeValue::S(key.contact_id.clone()));
        Ok(get.send().await.map_err(store_error)?.item.map(to_item))
    }

    /// The contacts in flight of an instance: the index of each board, then their items, all with strong consistency.
    /// What is read does not depend on the number of contacts that ended.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn in_flight(
        &self,
        instance_id: &str,
        longest: &LongestLife,
        now: Timestamp,
    ) -> Result<Vec<Contact>, StoreError> {
        let (items, _) = self.items_in_flight(instance_id).await?;
        let mut contacts: Vec<_> = items.iter().filter_map(|item| Contact::of(item, longest, now)).collect();
        contacts.sort_by(|left, right| left.contact_id.cmp(&right.contact_id));
        Ok(contacts)
    }

    /// The items of the contacts in flight, and the read units that reading them consumed.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn items_in_flight(&self, instance_id: &str) -> Result<(Vec<Item>, f64), StoreError> {
        let boards = try_join_all(boards(instance_id).map(|board| self.board(board))).await?;
        let read_units = boards.iter().map(|(_, units)| units).sum();
        Ok((boards.into_iter().flat_map(|(items, _)| items).collect(), read_units))
    }

    async fn board(&self, board: String) -> Result<(Vec<Item>, f64), StoreError> {
        let query = self.client.query().table_name(&self.table).index_name(INDEX).consistent_read(true);
        let query = query
            .key_condition_expression("#board = :board")
            .expression_attribute_names("#board", BOARD)
            .expression_attribute_values(":board", AttributeValue::S(board));
        let (mut keys, mut read_units) = pages(query).await?;
        for key in &mut keys {
            key.remove(IN_FLIGHT);
        }
        let mut items = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH_GET_ITEMS) {
            let (found, units) = self.items(keys.to_vec()).await?;
            items.extend(found.into_iter().map(to_item));
            read_units += units;
        }
        // A contact may have ended between the two reads.
        items.retain(|item: &Item| item.contains_key(IN_FLIGHT));
        Ok((items, read_units))
    }

    /// The items with these keys, read with strong consistency, and the read units that this consumed.
    async fn items(&self, mut wanted: Vec<RawItem>) -> Result<(Vec<RawItem>, f64), StoreError> {
        let (mut items, mut read_units) = (Vec::with_capacity(wanted.len()), 0.0);
        for attempt in 0..BATCH_GET_ATTEMPTS {
            if attempt > 0
                && let Some(sleep) = self.client.config().sleep_impl()
            {
                sleep.sleep(BATCH_GET_PAUSE * 2_u32.pow(attempt - 1)).await;
            }
            let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
            let request = request
                .map_err(|error| store_error(SdkError::<UpdateItemError, ()>::construction_failure(error)))?;
            let get = self.client.batch_get_item().request_items(&self.table, request);
            let get = get.return_consumed_capacity(ReturnConsumedCapacity::Total);
            let output = get.send().await.map_err(store_error)?;
            read_units += output.consumed_capacity().iter().filter_map(|one| one.capacity_units).sum::<f64>();
            items.extend(output.responses.unwrap_or_default().into_values().flatten());
            let left = output.unprocessed_keys.unwrap_or_default().into_values().next();
            wanted = left.map(|left| left.keys).unwrap_or_default();
            if wanted.is_empty() {
                return Ok((items, read_units));
            }
        }
        Err(StoreError::throttled())
    }

    /// The instances that have contacts in the table.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn instances(&self) -> Result<BTreeSet<String>, StoreError> {
        let scan = self.client.scan().table_name(&self.table).index_name(INDEX).projection_expression(BOARD);
        let mut instances = BTreeSet::new();
        let mut pages = scan.into_paginator().items().send();
        while let Some(found) = pages.try_next().await.map_err(store_error)? {
            let board = found.get(BOARD).and_then(|board| board.as_s().ok());
            if let Some((instance, _)) = board.and_then(|board| board.rsplit_once('#')) {
                instances.insert(instance.to_owned());
            }
        }
        Ok(instances)
    }
}
