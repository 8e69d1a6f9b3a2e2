//! The expected result of a run, computed next to it: every event's writes folded one by one into memory, without a stream,
//! batches or faults. The tables of the run are compared with it.
//!
//! A day of a thousand agents has hundreds of thousands of history entries, so only their fingerprints are kept.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use agent_ledger::Retention;
use agent_ledger::plan::plan;
use agent_ledger::rules::Rules;
use agent_ledger::{AgentKey, Attribute, EventEntries, HistoryEntry, NamePolicy, RegisterWrite, Version};
use connect_streams::agent_event::AgentEvent;
use connect_streams::contact_record::ContactRecord;
use connect_streams::{RecordKind, Reject, RejectCode, parse};
use contact_lake::{Policy, encode, normalize, transform};
use contact_state::{Changes, ContactKey, join};
use local_aws::dynamodb::Item;
use serde_json::Value;
use served_stack::RETENTION_DAYS;

use connect_streams::StreamKind;
use synthetic_center::Sent;

/// The expected result.
pub struct Expected {
    rules: Rules,
    policy: Policy,
    contact_rules: contact_state::Rules,
    /// The newest write of every register.
    registers: HashMap<AgentKey, RegisterWrite>,
    /// Fingerprints of entries by the fingerprints of their keys, with the version that closed an interval.
    history: HashMap<u64, (u64, Option<Version>)>,
    /// The items of contacts, each the join of its events.
    contacts: ContactItems,
    /// Content hashes of rows, and whether a row with the hash was found.
    rows: HashMap<String, bool>,
    /// Fingerprints of records that must fail, by stream, and whether their raw bytes were found.
    failures: HashMap<(StreamKind, u64), bool>,
    differences: Differences,
}

impl Default for Expected {
    /// Without a PII policy.
    fn default() -> Self {
        Self::new(Policy::default(), NamePolicy::default())
    }
}

impl Expected {
    /// With the rules of a local stack and these policies.
    #[must_use]
    pub fn new(policy: Policy, names: NamePolicy) -> Self {
        let retention =
            Retention { history_days: RETENTION_DAYS, state_days: RETENTION_DAYS, ..Retention::default() };
        Self {
            rules: Rules { retention, names },
            contact_rules: contact_state::Rules {
                retention: contact_state::Retention {
                    ended_days: RETENTION_DAYS,
                    unended_days: RETENTION_DAYS,
                },
                policy: policy.clone(),
                instance_id: None,
            },
            policy,
            contacts: ContactItems::default(),
            registers: HashMap::new(),
            history: HashMap::new(),
            rows: HashMap::new(),
            failures: HashMap::new(),
            differences: Differences::default(),
        }
    }
}

/// The items of contacts. Most contacts of a day have ended and get no more events, so they are packed.
struct ContactItems {
    unpacked: HashMap<ContactKey, tables::Item>,
    /// As JSON, which takes a fifth of the memory.
    packed: HashMap<ContactKey, Box<[u8]>>,
    /// The most contacts that are unpacked at once.
    most: usize,
}

impl Default for ContactItems {
    /// Has room for more contacts than are in flight in most centers.
    fn default() -> Self {
        Self { unpacked: HashMap::new(), packed: HashMap::new(), most: 4000 }
    }
}

impl ContactItems {
    /// A contact's item, empty if it is new.
    fn item(&mut self, key: &ContactKey) -> &mut tables::Item {
        if self.unpacked.len() == self.most && !self.unpacked.contains_key(key) {
            let pack = |item: tables::Item| Value::Object(plain(&item)).to_string().into_bytes().into();
            self.packed.extend(self.unpacked.drain().map(|(key, item)| (key, pack(item))));
        }
        let packed = &mut self.packed;
        self.unpacked.entry(key.clone()).or_insert_with(|| match packed.remove(key) {
            None => tables::Item::new(),
            Some(packed) => {
                let item: Item = serde_json::from_slice(&packed).expect("packed items are JSON objects");
                item.into_iter().map(|(name, value)| (name, attribute(value))).collect()
            }
        })
    }

    /// Takes a contact's item, in the form that the tables return.
    fn remove(&mut self, key: &ContactKey) -> Option<Item> {
        let unpacked = self.unpacked.remove(key).map(|item| plain(&item).into_iter().collect());
        let unpack = |packed: Box<[u8]>| serde_json::from_slice(&packed).ok();
        unpacked.or_else(|| self.packed.remove(key).and_then(unpack))
    }

    fn len(&self) -> usize {
        self.unpacked.len() + self.packed.len()
    }
}

/// The number of items and rows that are missing, unexpected or different.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Differences {
    /// In the agent table.
    pub agents: usize,
    /// In the history.
    pub history: usize,
    /// In the table of contacts in flight.
    pub contacts: usize,
    /// In the lake, by content hash.
    pub rows: usize,
    /// Among failed contact records and rejected events.
    pub failures: usize,
}

impl Differences {
    /// Whether there are no differences.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Expected {
    /// Notes a record that is sent. A repeated record changes nothing.
    pub fn note(&mut self, sent: &Sent) {
        let noted = match sent.stream {
            StreamKind::AgentEvents => self.note_agent_event(&sent.record),
            StreamKind::ContactRecords => self.note_contact_record(&sent.record),
            StreamKind::ContactEvents => self.note_contact_event(&sent.record),
        };
        if noted.is_err() {
            self.failures.insert((sent.stream, fingerprint(&sent.record)), false);
        }
    }

    fn note_agent_event(&mut self, record: &[u8]) -> Result<(), Reject> {
        let document = parse(record)?;
        let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
        match RecordKind::of(object) {
            Some(RecordKind::AgentEvent) => {
                let plan = plan(&AgentEvent::from_object(object)?, &self.rules)?;
                let profile = plan.routing_profile.map(|write| *write);
                plan.registers.into_iter().chain(profile).for_each(|write| self.write(write));
                plan.event.into_iter().chain(plan.intervals).for_each(|entry| self.insert(&entry));
                Ok(())
            }
            // A known kind from another stream changes no table.
            Some(RecordKind::ContactRecord | RecordKind::ContactEvent | RecordKind::Row) => Ok(()),
            Some(RecordKind::DemoRecord) | None => Err(Reject::record(RejectCode::UnknownKind)),
        }
    }

    /// Only events of this instance are expected.
    pub fn expect_only(&mut self, instance_id: &str) {
        self.contact_rules.instance_id = Some(instance_id.to_owned());
    }

    /// Only these events are expected to have history entries of their own.
    pub fn expect_entries_of(&mut self, events: EventEntries) {
        self.rules.retention.events = events;
    }

    fn note_contact_event(&mut self, record: &[u8]) -> Result<(), Reject> {
        if let Some(write) = contact_state::read(record, &self.contact_rules)? {
            let item = self.contacts.item(&write.key);
            let Changes { set, remove } = join(item, &write);
            item.extend(set.into_iter().map(|(name, value)| (name.to_owned(), value)));
            item.retain(|name, _| !remove.contains(&name.as_str()));
        }
        Ok(())
    }

    fn note_contact_record(&mut self, record: &[u8]) -> Result<(), Reject> {
        let document = parse(record)?;
        let object = document.as_object().ok_or(Reject::record(RejectCode::NotAnObject))?;
        if RecordKind::of(object) != Some(RecordKind::ContactRecord) {
            return transform(record, None, &self.policy).map(drop);
        }
        let line = encode(normalize(&ContactRecord::from_object(object)?), None, &self.policy);
        self.rows.extend(content_hash(&line).map(|hash| (hash, false)));
        Ok(())
    }

    fn write(&mut self, write: RegisterWrite) {
        if self.registers.get(&write.key).is_none_or(|held| held.version < write.version) {
            self.registers.insert(write.key.clone(), write);
        }
    }

    fn insert(&mut self, entry: &HistoryEntry) {
        let key = fingerprint(&(&entry.agent_id, &entry.entry));
        let attributes: BTreeMap<_, _> =
            entry.attributes.iter().map(|(name, value)| (*name, json(value))).collect();
        let value = (fingerprint_of(attributes.into_iter()), entry.closed_by.clone());
        match self.history.get_mut(&key) {
            None => drop(self.history.insert(key, value)),
            Some(held) if value.1 < held.1 => *held = value,
            Some(_) => {}
        }
    }

    /// Compares an item of the agent table.
    ///
    /// # Errors
    /// When it has no key.
    pub fn compare_agent(&mut self, mut item: Item) -> anyhow::Result<()> {
        let (board, agent_id) = (key(&mut item, "board")?, key(&mut item, "agent_id")?);
        let expected = self.registers.remove(&AgentKey { board, agent_id });
        let expected = expected.map(|write| {
            write.set.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect::<Item>()
        });
        self.differences.agents += usize::from(expected != Some(item));
        Ok(())
    }

    /// Compares an item of the history.
    ///
    /// # Errors
    /// When it has no key.
    pub fn compare_entry(&mut self, mut item: Item) -> anyhow::Result<()> {
        let (agent_id, entry) = (key(&mut item, "agent_id")?, key(&mut item, "entry")?);
        let expected = self.history.remove(&fingerprint(&(&agent_id, &entry)));
        let is_equal = expected.is_some_and(|(expected, _)| {
            expected == fingerprint_of(item.iter().map(|(name, value)| (name.as_str(), value.clone())))
        });
        self.differences.history += usize::from(!is_equal);
        Ok(())
    }

    /// Compares an item of the table of contacts in flight.
    ///
    /// # Errors
    /// When it has no key.
    pub fn compare_contact(&mut self, mut item: Item) -> anyhow::Result<()> {
        let (board, contact_id) = (key(&mut item, "board")?, key(&mut item, "contact_id")?);
        let expected = self.contacts.remove(&ContactKey { board, contact_id });
        self.differences.contacts += usize::from(expected != Some(item));
        Ok(())
    }

    /// Compares a row. Its content may occur several times.
    pub fn compare_row(&mut self, content_hash: &str) {
        match self.rows.get_mut(content_hash) {
            Some(is_there) => *is_there = true,
            None => self.differences.rows += 1,
        }
    }

    /// Compares a failed or rejected record.
    pub fn compare_failure(&mut self, stream: StreamKind, record: &[u8]) {
        match self.failures.get_mut(&(stream, fingerprint(&record))) {
            Some(is_there) => *is_there = true,
            None => self.differences.failures += 1,
        }
    }

    /// Counts an unreadable failure as a difference.
    pub fn unreadable_failure(&mut self) {
        self.differences.failures += 1;
    }

    /// The differences. Everything not compared by now is missing.
    #[must_use]
    pub fn differences(mut self) -> Differences {
        self.differences.agents += self.registers.len();
        self.differences.history += self.history.len();
        self.differences.contacts += self.contacts.len();
        self.differences.rows += self.rows.values().filter(|is_there| !**is_there).count();
        self.differences.failures += self.failures.values().filter(|is_there| !**is_there).count();
        self.differences
    }
}

fn key(item: &mut Item, name: &str) -> anyhow::Result<String> {
    match item.remove(name) {
        Some(Value::String(text)) => Ok(text),
        other => anyhow::bail!("an item has {other:?} as its {name}"),
    }
}

/// The hash in a row's line.
fn content_hash(line: &[u8]) -> Option<String> {
    let row: HashOnly = serde_json::from_slice(line).ok()?;
    Some(row.content_hash)
}

#[derive(serde::Deserialize)]
struct HashOnly {
    content_hash: String,
}

fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The fingerprint of attributes, which are in the order of their names.
fn fingerprint_of<'a>(attributes: impl Iterator<Item = (&'a str, Value)>) -> u64 {
    let mut hasher = DefaultHasher::new();
    attributes.for_each(|attribute| attribute.hash(&mut hasher));
    hasher.finish()
}

fn plain(item: &tables::Item) -> serde_json::Map<String, Value> {
    item.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

/// The attribute that [`json`] made this of.
fn attribute(value: Value) -> Attribute {
    match value {
        Value::Number(number) => Attribute::Number(number.to_string().into()),
        Value::Array(elements) => Attribute::List(elements.into_iter().map(attribute).collect()),
        Value::Object(members) => {
            Attribute::Map(members.into_iter().map(|(name, value)| (name.into(), attribute(value))).collect())
        }
        Value::String(text) => Attribute::Text(text.into()),
        Value::Bool(_) | Value::Null => unreachable!("no attribute becomes such a value"),
    }
}

/// The attribute as JSON, in the form that the tables return.
fn json(attribute: &Attribute) -> Value {
    match attribute {
        Attribute::Text(text) => Value::from(text.as_str()),
        Attribute::Number(digits) => {
            digits.parse::<serde_json::Number>().map_or_else(|_| Value::from(digits.as_str()), Value::Number)
        }
        Attribute::List(elements) => elements.iter().map(json).collect(),
        Attribute::Map(members) => members
            .iter()
            .map(|(name, value)| (name.to_owned(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ContactItems, ContactKey, plain};
    use fastrand::Rng;
    use tables::Attribute;

    /// However few contacts are unpacked at once, their items are the same.
    #[test]
    fn packing_changes_no_item() {
        let key = |number: usize| ContactKey { board: "b".to_owned(), contact_id: number.to_string() };
        let list = |value: Attribute| Attribute::List(vec![value]);
        let value = |number: i64| match number % 4 {
            0 => Attribute::number(number),
            1 => Attribute::seconds(number),
            2 => list(Attribute::map([("member", Some(Attribute::text("1")))])),
            _ => Attribute::text(&number.to_string()),
        };
        let filled = |most: usize| {
            let mut items = ContactItems { most, ..ContactItems::default() };
            let mut rng = Rng::with_seed(7);
            for number in 0..2000 {
                let item = items.item(&key(rng.usize(..40)));
                item.insert(format!("attribute{}", rng.u8(..10)), value(number));
            }
            items
        };
        let (mut all, mut few) = (filled(100), filled(3));
        assert!(all.packed.is_empty() && few.packed.len() > 30);
        assert_eq!((all.len(), few.len()), (40, 40));
        for number in 0..40 {
            let unpacked = plain(&all.unpacked[&key(number)]);
            assert_eq!(few.item(&key(number)), all.item(&key(number)), "{number}");
            assert_eq!(few.remove(&key(number)), all.remove(&key(number)), "{number}");
            assert!(!unpacked.is_empty());
        }
        assert_eq!((few.remove(&key(0)), few.len()), (None, 0));
    }
}
