//! The tables in memory: the model that DynamoDB is compared with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{Held, Insertion, Store, StoreError};
use crate::{AgentKey, Attribute, HistoryEntry, RegisterWrite};

/// An item without its key.
pub type Item = BTreeMap<String, Attribute>;

/// Both tables at one moment, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// AgentState.
    pub state: BTreeMap<AgentKey, Item>,
    /// AgentHistory, by agent id and entry.
    pub history: BTreeMap<(String, String), Item>,
}

/// Both tables.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

impl MemoryStore {
    /// A copy of both tables.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.lock().clone()
    }

    /// No write leaves the tables half done, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn write_register(&self, write: &RegisterWrite) -> Result<Option<Held>, StoreError> {
        let mut tables = self.lock();
        let held = tables.state.get(&write.key).and_then(|item| Held::of_item(item, write.register));
        if held.as_ref().is_none_or(|held| held.version < write.version) {
            let item = tables.state.entry(write.key.clone()).or_default();
            item.extend(write.set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            item.retain(|name, _| !write.remove.contains(&name.as_str()));
        }
        Ok(held)
    }

    async fn insert_entries(&self, entries: &[HistoryEntry]) -> Vec<Result<Insertion, StoreError>> {
        let mut tables = self.lock();
        let mut insert = |entry: &HistoryEntry| {
            let key = (entry.agent_id.clone(), entry.entry.clone());
            if tables.history.contains_key(&key) {
                return Insertion::Existed;
            }
            let item =
                entry.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            tables.history.insert(key, item);
            Insertion::New
        };
        entries.iter().map(|entry| Ok(insert(entry))).collect()
    }
}
