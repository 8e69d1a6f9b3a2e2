//! The tables in memory: the model that DynamoDB is compared with.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{Held, Insertion, Store, WrittenEntries, WrittenRegisters};
use crate::{AgentKey, Attribute, CLOSED_BY, HistoryEntry, RegisterWrite};
use tables::Answer;
use tables::Item;

/// Both tables at one moment, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// AgentState.
    pub state: BTreeMap<AgentKey, Item>,
    /// AgentHistory, by partition key and entry.
    pub history: BTreeMap<(String, String), Item>,
}

/// Both tables in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

impl MemoryStore {
    /// A copy of both tables.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.lock().clone()
    }

    /// Gives `look` access to the tables, without copying them.
    pub fn look<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.lock())
    }

    /// No write leaves the tables half done, so a panic elsewhere leaves them usable.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn write_registers(&self, writes: &[&RegisterWrite]) -> WrittenRegisters {
        let mut tables = self.lock();
        let mut write = |write: &RegisterWrite| {
            let held = tables.state.get(&write.key).and_then(|item| Held::of_item(item, write.register));
            if held.as_ref().is_none_or(|held| held.version < write.version) {
                let item = tables.state.entry(write.key.clone()).or_default();
                item.extend(write.set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                item.retain(|name, _| !write.remove.contains(&name.as_str()));
            }
            held
        };
        Answer::free(writes.iter().map(|one| Ok(write(one).into())).collect())
    }

    async fn insert_entries(&self, entries: &[&HistoryEntry]) -> WrittenEntries {
        let mut tables = self.lock();
        let mut insert = |entry: &HistoryEntry| {
            let item =
                entry.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            match tables.history.entry((entry.agent_id.clone(), entry.entry.clone())) {
                Entry::Vacant(slot) => {
                    slot.insert(item);
                    Insertion::New
                }
                Entry::Occupied(mut slot) => {
                    if was_closed_later(slot.get(), entry) {
                        slot.insert(item);
                    }
                    Insertion::Existed
                }
            }
        };
        Answer::free(entries.iter().map(|entry| Ok(insert(entry))).collect())
    }
}

fn was_closed_later(item: &Item, entry: &HistoryEntry) -> bool {
    match (item.get(CLOSED_BY), &entry.closed_by) {
        (Some(Attribute::Text(held)), Some(version)) => held.as_str() > version.as_str(),
        _ => false,
    }
}
