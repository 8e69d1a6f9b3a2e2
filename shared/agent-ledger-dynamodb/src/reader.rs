//! What consumers of the agent tables need: one agent, all agents of an instance, one agent's history.
//!
//! DynamoDB deletes expired items within days of their time; until then they can still be read, so they are left
//! out here. The caller says what time it is.

use std::collections::BTreeSet;

use agent_ledger::memory::Item;
use agent_ledger::store::StoreError;
use agent_ledger::{AgentKey, Attribute};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use connect_streams::Timestamp;
use futures::future::try_join_all;

use crate::attribute::to_item;
use crate::failure::class_of;

/// Reads both tables.
#[derive(Debug, Clone)]
pub struct Reader {
    client: Client,
    state_table: String,
    history_table: String,
}

impl Reader {
    /// A reader of the tables with these names.
    #[must_use]
    pub fn new(client: Client, state_table: String, history_table: String) -> Self {
        Self { client, state_table, history_table }
    }

    /// One agent's state.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn agent(&self, key: &AgentKey, now: Timestamp) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.state_table).consistent_read(true);
        let get = get.key("board", AttributeValue::S(key.board.clone()));
        let get = get.key("agent_id", AttributeValue::S(key.agent_id.clone()));
        let found = get.send().await.map_err(class_of)?.item.map(to_item);
        Ok(found.filter(|item| !is_expired(item, now)))
    }

    /// The state of all agents of an instance: one query per board, all at once.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn agents(&self, instance_id: &str, now: Timestamp) -> Result<Vec<Item>, StoreError> {
        let boards = AgentKey::boards(instance_id).map(|board| {
            let values = [(":board", AttributeValue::S(board))];
            self.query(&self.state_table, "board = :board", values, now)
        });
        Ok(try_join_all(boards).await?.concat())
    }

    /// The instances that the state table has agents of.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn instances(&self) -> Result<BTreeSet<String>, StoreError> {
        let scan = self.client.scan().table_name(&self.state_table).projection_expression("board");
        let mut instances = BTreeSet::new();
        let mut pages = scan.into_paginator().items().send();
        while let Some(found) = pages.try_next().await.map_err(class_of)? {
            let board = found.get("board").and_then(|board| board.as_s().ok());
            if let Some((instance, _)) = board.and_then(|board| board.rsplit_once('#')) {
                instances.insert(instance.to_owned());
            }
        }
        Ok(instances)
    }

    /// One agent's history: events that happened, and intervals that began, from `from` on and before `until`, each
    /// kind in the order of its time.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn history(
        &self,
        agent_id: &str,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Item>, StoreError> {
        let kinds = ["event", "status", "contact"].map(async |kind| {
            let (from, until) = (format!("{kind}#{from}"), format!("{kind}#{until}"));
            let values = [
                (":agent_id", AttributeValue::S(agent_id.to_owned())),
                (":from", AttributeValue::S(from)),
                (":until", AttributeValue::S(until.clone())),
            ];
            let condition = "agent_id = :agent_id AND entry BETWEEN :from AND :until";
            let mut entries = self.query(&self.history_table, condition, values, now).await?;
            // BETWEEN takes in its end, and the key of a status interval is nothing but its kind and time.
            let last = Attribute::Text(until.into());
            entries.retain(|entry| entry.get("entry") != Some(&last));
            Ok::<_, StoreError>(entries)
        });
        Ok(try_join_all(kinds).await?.concat())
    }

    /// All pages of a query, without what has expired.
    async fn query<const N: usize>(
        &self,
        table: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
        now: Timestamp,
    ) -> Result<Vec<Item>, StoreError> {
        let mut query = self.client.query().table_name(table).key_condition_expression(condition);
        for (name, value) in values {
            query = query.expression_attribute_values(name, value);
        }
        let mut items = Vec::new();
        let mut pages = query.into_paginator().items().send();
        while let Some(found) = pages.try_next().await.map_err(class_of)? {
            items.push(to_item(found));
        }
        items.retain(|item| !is_expired(item, now));
        Ok(items)
    }
}

fn is_expired(item: &Item, now: Timestamp) -> bool {
    let Some(Attribute::Number(seconds)) = item.get("expires_at") else { return false };
    seconds.parse::<i64>().is_ok_and(|seconds| seconds * 1000 <= now.epoch_milliseconds())
}
