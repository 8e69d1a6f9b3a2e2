//! Reads for consumers of the agent tables: one agent, all agents of an instance, one agent's history.
//!
//! This module only reads; `agent_ledger::agents` and `agent_ledger::intervals` decide what the items mean. DynamoDB
//! deletes expired items within days. Until then they can still be read, so they are left out. The caller provides the
//! current time.

use std::collections::{BTreeMap, BTreeSet};

use agent_ledger::Item;
use agent_ledger::agents::{Agent, agents, is_expired};
use agent_ledger::intervals::in_sequence;
use agent_ledger::store::Held;
use agent_ledger::{AgentKey, Attribute, Register, Version, history_key};
use aws_errors::store_error;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use connect_streams::Timestamp;
use futures::future::try_join_all;
use tables::StoreError;

use crate::attribute::to_item;
use crate::pages::pages;

/// How much earlier than an interval its key may begin, if Connect keeps the start of a state through hold or pause. A
/// chat lasts at most seven days; a task may last longer.
const LONGEST_CONTACT_MILLISECONDS: i64 = 8 * 24 * 3_600_000;

/// The kinds of entries, with which their sort keys begin.
const KINDS: [&str; 3] = ["event", "status", "contact"];

/// Reads both agent tables.
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

    /// One agent; `None` if none of its events has arrived, or all of them have expired.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn agent(
        &self,
        instance_id: &str,
        agent_id: &str,
        now: Timestamp,
        ghost_minutes: u32,
    ) -> Result<Option<Agent>, StoreError> {
        // The agent's items, and the item keyed by its ID alone, which older versions wrote.
        let values = [
            (":board", AttributeValue::S(AgentKey::board(instance_id, agent_id))),
            (":agent", AttributeValue::S(agent_id.to_owned())),
        ];
        let condition = "board = :board AND begins_with(agent_id, :agent)";
        let items = self.query(&self.state_table, condition, values).await?;
        Ok(agents(items, now, ghost_minutes).into_iter().find(|agent| agent.agent_id == agent_id))
    }

    /// The version of the event that last set a register.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn version(&self, key: &AgentKey, register: Register) -> Result<Option<Version>, StoreError> {
        let get = self.client.get_item().table_name(&self.state_table).consistent_read(true);
        let get = get.key("board", AttributeValue::S(key.board.clone()));
        let get = get.key("agent_id", AttributeValue::S(key.agent_id.clone()));
        let item = get.send().await.map_err(store_error)?.item.map(to_item);
        Ok(item.and_then(|item| Held::of_item(&item, register)).map(|held| held.version))
    }

    /// All agents of an instance: one query per board, all at once.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn agents(
        &self,
        instance_id: &str,
        now: Timestamp,
        ghost_minutes: u32,
    ) -> Result<Vec<Agent>, StoreError> {
        let boards = AgentKey::boards(instance_id).map(|board| {
            let values = [(":board", AttributeValue::S(board))];
            self.query(&self.state_table, "board = :board", values)
        });
        Ok(agents(try_join_all(boards).await?.into_iter().flatten(), now, ghost_minutes))
    }

    /// The instances that have agents in the state table.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn instances(&self) -> Result<BTreeSet<String>, StoreError> {
        let scan = self.client.scan().table_name(&self.state_table).projection_expression("board");
        let mut instances = BTreeSet::new();
        let mut pages = scan.into_paginator().items().send();
        while let Some(found) = pages.try_next().await.map_err(store_error)? {
            let board = found.get("board").and_then(|board| board.as_s().ok());
            if let Some((instance, _)) = board.and_then(|board| board.rsplit_once('#')) {
                instances.insert(instance.to_owned());
            }
        }
        Ok(instances)
    }

    /// One agent's history across all Regions: the events that happened and the intervals that began from `from` on and
    /// before `until`, each kind in time order.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn history(
        &self,
        instance_id: &str,
        agent_id: &str,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Item>, StoreError> {
        let mut history = Vec::new();
        for kind in KINDS {
            let entries = self.stored(instance_id, agent_id, kind, from, until).await?;
            let mut entries: BTreeMap<_, _> = in_sequence(entries)
                .into_iter()
                .filter(|entry| !is_expired(entry, now))
                .filter_map(|entry| Some(((start(&entry)?, entry_key(&entry)?.to_owned()), entry)))
                .collect();
            entries.retain(|(start, _), _| (from.to_string()..until.to_string()).contains(start));
            history.extend(entries.into_values());
        }
        Ok(history)
    }

    /// The sort keys of all entries of an agent between these instants, also of those that have no length in sequence.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn entry_keys(
        &self,
        instance_id: &str,
        agent_id: &str,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut keys = BTreeSet::new();
        for kind in KINDS {
            let entries = self.stored(instance_id, agent_id, kind, from, until).await?;
            let unexpired = entries.iter().filter(|entry| !is_expired(entry, now));
            keys.extend(unexpired.filter_map(entry_key).map(str::to_owned));
        }
        Ok(keys)
    }

    /// The entries of one kind as they are stored, also those that an older version wrote.
    async fn stored(
        &self,
        instance_id: &str,
        agent_id: &str,
        kind: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Item>, StoreError> {
        // Older versions used the agent's ID alone as the key.
        let current = history_key(instance_id, agent_id);
        let [current, older] =
            [self.entries(&current, kind, from, until), self.entries(agent_id, kind, from, until)];
        let (current, older) = futures::try_join!(current, older)?;
        let known: BTreeSet<_> = current.iter().filter_map(earlier_key).collect();
        let is_new = |entry: &Item| !entry_key(entry).is_some_and(|key| known.contains(key));
        let older: Vec<_> = older.into_iter().filter(is_new).collect();
        Ok(current.into_iter().chain(older).collect())
    }

    /// When the last event in the agent's history happened. If the settings keep no events, when its last interval began.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn last_event(
        &self,
        instance_id: &str,
        agent_id: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        // Older versions used the agent's ID alone as the key.
        let keys = [history_key(instance_id, agent_id), agent_id.to_owned()];
        let last = keys.iter().flat_map(|key| KINDS.map(|kind| self.last_of(key.clone(), kind)));
        Ok(try_join_all(last).await?.into_iter().flatten().max())
    }

    /// When the last entry of a kind begins.
    async fn last_of(&self, key: String, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.history_table)
            .key_condition_expression("agent_id = :agent_id AND begins_with(entry, :kind)")
            .expression_attribute_values(":agent_id", AttributeValue::S(key))
            .expression_attribute_values(":kind", AttributeValue::S(format!("{kind}#")))
            .scan_index_forward(false)
            .limit(1);
        let found = query.send().await.map_err(store_error)?.items.unwrap_or_default();
        let found = found.into_iter().next().map(to_item);
        Ok(found.as_ref().and_then(start).and_then(|start| Timestamp::parse(&start)))
    }

    /// Whether the history has an entry with these keys.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn has_entry(&self, agent_id: &str, entry: &str) -> Result<bool, StoreError> {
        let get = self.client.get_item().table_name(&self.history_table).projection_expression("entry");
        let get = get.key("agent_id", AttributeValue::S(agent_id.to_owned())).consistent_read(true);
        let got = get.key("entry", AttributeValue::S(entry.to_owned())).send().await.map_err(store_error)?;
        Ok(got.item.is_some())
    }

    /// The entries of one kind that may begin between these instants. The key of a contact's interval may begin
    /// earlier.
    async fn entries(
        &self,
        key: &str,
        kind: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Item>, StoreError> {
        let earlier = if kind == "contact" { LONGEST_CONTACT_MILLISECONDS } else { 0 };
        let from = Timestamp::from_epoch_milliseconds(from.epoch_milliseconds() - earlier).unwrap_or(from);
        let values = [
            (":agent_id", AttributeValue::S(key.to_owned())),
            (":from", AttributeValue::S(format!("{kind}#{from}"))),
            (":until", AttributeValue::S(format!("{kind}#{until}"))),
        ];
        self.query(&self.history_table, "agent_id = :agent_id AND entry BETWEEN :from AND :until", values)
            .await
    }

    /// All pages of a query.
    async fn query<const N: usize>(
        &self,
        table: &str,
        condition: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<Vec<Item>, StoreError> {
        let mut query = self.client.query().table_name(table).key_condition_expression(condition);
        for (name, value) in values {
            query = query.expression_attribute_values(name, value);
        }
        let (found, _) = pages(query).await?;
        Ok(found.into_iter().map(to_item).collect())
    }
}

fn entry_key(entry: &Item) -> Option<&str> {
    entry.get("entry").and_then(Attribute::as_text)
}

/// The key in older versions: without the Region, and, for a contact's interval, without the end.
fn earlier_key(entry: &Item) -> Option<String> {
    let parts: Vec<_> = entry_key(entry)?.split('#').collect();
    let count = if parts.first() == Some(&"contact") { 4 } else { parts.len() - 1 };
    Some(parts.get(..count)?.join("#"))
}

/// When the interval began or the event happened.
fn start(entry: &Item) -> Option<String> {
    let start = entry.get("start").and_then(Attribute::as_text);
    start.or_else(|| entry_key(entry)?.split('#').nth(1)).map(str::to_owned)
}
