//! The table in memory: the model that DynamoDB is compared with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tables::{Answer, Attribute, Consumed, Item, StoreError};

use crate::ContactKey;
use crate::fields::{LAST_EVENT, RANK};
use crate::store::{Condition, ContactStore, Update, Updated};

/// The table in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<ContactKey, Item>>);

impl MemoryStore {
    /// A copy of the table.
    #[must_use]
    pub fn table(&self) -> BTreeMap<ContactKey, Item> {
        self.lock().clone()
    }

    /// Gives `look` access to the table, without copying it.
    pub fn look<T>(&self, look: impl FnOnce(&BTreeMap<ContactKey, Item>) -> T) -> T {
        look(&self.lock())
    }

    /// Deletes the items that have expired, as DynamoDB may.
    pub fn expire(&self, epoch_seconds: i64) {
        let expired = |item: &Item| crate::contact::expires_at(item).is_some_and(|at| at < epoch_seconds);
        self.lock().retain(|_, item| !expired(item));
    }

    /// No write leaves the table half done, so a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ContactKey, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one update consumes. Memory has no write units.
const REQUEST: Consumed = Consumed { requests: 1, write_units: 0 };

impl ContactStore for MemoryStore {
    async fn update(&self, update: &Update) -> Answer<Result<Updated, StoreError>> {
        let mut table = self.lock();
        let held = table.get(&update.key);
        if !holds(&update.condition, held) {
            return Answer { value: Ok(Updated::Refused(held.cloned())), consumed: REQUEST };
        }
        let item = table.entry(update.key.clone()).or_default();
        for (name, value) in &update.set_if_absent {
            item.entry((*name).to_owned()).or_insert_with(|| value.clone());
        }
        item.extend(update.set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        item.retain(|name, _| !update.remove.contains(&name.as_str()));
        Answer { value: Ok(Updated::Done), consumed: REQUEST }
    }
}

fn holds(condition: &Condition, held: Option<&Item>) -> bool {
    match condition {
        Condition::Newer { last_event, highest_rank, may_create } => {
            match held.map(|item| item.get(LAST_EVENT)) {
                None | Some(None) => *may_create,
                Some(Some(last)) => {
                    let rank = held.and_then(|item| item.get(RANK));
                    last.as_text() < last_event.as_text()
                        && rank.is_none_or(|rank| whole(rank) <= whole(highest_rank))
                }
            }
        }
        Condition::AsSeen(seen) => {
            seen.iter().all(|(name, value)| held.and_then(|item| item.get(*name)) == value.as_ref())
        }
    }
}

fn whole(attribute: &Attribute) -> Option<i64> {
    match attribute {
        Attribute::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}
