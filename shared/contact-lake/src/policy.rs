//! The policy for personal data: what may reach the lake, column by column.
//!
//! `PII_POLICY` is a JSON object from column names to actions, such as
//! `{"customer_endpoint_address": "mask", "agent_username": "hash", "attributes": {"*": "drop", "language": "keep"}}`.
//! A map column takes an action for all its values, or an object of actions by key with `*` for the others.
//! A value that could not go to its column, and so went to `extra`, is covered by its column's action: it is
//! kept only if the column is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connect_streams::personal_data::{Action, ActionError, HashKey};
use connect_streams::{Value, parse};

use crate::normalize::{Cell, Row};
use crate::schema::{DERIVED_COLUMNS, Kind, SOURCE_COLUMNS};

/// Derived columns that a policy may name, beside all columns with a source.
const DERIVED: [&str; 4] = ["instance_id", "agent_id", "queue_id", "extra"];
/// Without these, the versions of a contact could not be told apart.
const IDENTITY: [&str; 3] = ["contact_id", "initiation_timestamp", "last_update_timestamp"];

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not an object of actions.
    #[error(
        "PII_POLICY is not a JSON object from column names to actions; write for example {{\"customer_endpoint_address\": \"mask\"}}"
    )]
    NotAnObject,
    /// No such column.
    #[error(
        "PII_POLICY names {0:?}, which is no column of a contact record; `contact-ledger schema markdown` lists them"
    )]
    UnknownColumn(String),
    /// One of its actions, or the key.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The column cannot take it.
    #[error("PII_POLICY cannot mask or hash {0:?}, which holds no text; use keep or drop")]
    NotText(String),
    /// Keys where there are none.
    #[error("PII_POLICY gives {0:?} actions by key, but it is not a map; give it one action")]
    NotAMap(String),
    /// The contact could not be told apart.
    #[error("PII_POLICY cannot change {0:?}: without it the versions of a contact could not be told apart")]
    Identity(String),
}

/// The actions of a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Rule {
    action: Action,
    by_key: BTreeMap<String, Action>,
}

impl Rule {
    fn keeps_all(&self) -> bool {
        self.action == Action::Keep && self.by_key.values().all(|action| *action == Action::Keep)
    }

    fn of_key(&self, key: &str) -> Action {
        self.by_key.get(key).copied().unwrap_or(self.action)
    }

    fn uses(&self, action: Action) -> bool {
        self.action == action || self.by_key.values().any(|of_key| *of_key == action)
    }
}

/// A policy that can be used.
#[derive(Clone, Default)]
pub struct Policy {
    /// By place among the columns with a source; those that keep all are left out.
    columns: BTreeMap<usize, Rule>,
    /// By name.
    derived: BTreeMap<&'static str, Action>,
    key: Option<HashKey>,
}

impl Policy {
    /// Reads a policy, and the key for `hash`.
    ///
    /// # Errors
    /// [`PolicyError`], a sentence for whoever deploys the function.
    pub fn read(policy: &str, key: Option<&[u8]>) -> Result<Self, PolicyError> {
        let document = parse(policy.as_bytes()).map_err(|_| PolicyError::NotAnObject)?;
        let rules = document.as_object().ok_or(PolicyError::NotAnObject)?;
        let key = key.map(HashKey::new).transpose()?;
        let mut read = Self { key, ..Self::default() };
        for (name, rule) in rules.iter() {
            read.add(name, rule)?;
        }
        Ok(read)
    }

    fn add(&mut self, name: &str, value: Value<'_>) -> Result<(), PolicyError> {
        let place = SOURCE_COLUMNS.iter().position(|column| column.name == name);
        let derived = DERIVED_COLUMNS.iter().find(|column| column.name == name && DERIVED.contains(&name));
        let kind = place.map(|place| SOURCE_COLUMNS[place].kind).or(derived.map(|column| column.kind));
        let kind = kind.ok_or_else(|| PolicyError::UnknownColumn(name.to_owned()))?;
        let rule = rule(name, kind, value)?;
        if IDENTITY.contains(&name) && !rule.keeps_all() {
            return Err(PolicyError::Identity(name.to_owned()));
        }
        let has_no_text = matches!(kind, Kind::Integer | Kind::Double | Kind::Boolean | Kind::Timestamp);
        if has_no_text && (rule.uses(Action::Mask) || rule.uses(Action::Hash)) {
            return Err(PolicyError::NotText(name.to_owned()));
        }
        if rule.uses(Action::Hash) && self.key.is_none() {
            return Err(ActionError::NoKey(name.to_owned()).into());
        }
        match (place, derived) {
            (Some(place), _) if !rule.keeps_all() => drop(self.columns.insert(place, rule)),
            (None, Some(column)) => drop(self.derived.insert(column.name, rule.action)),
            _ => {}
        }
        Ok(())
    }

    /// Whether nothing would be changed.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.columns.is_empty() && self.derived.is_empty()
    }

    /// Applies the policy.
    pub(crate) fn apply(&self, row: &mut Row<'_>) {
        for (place, rule) in &self.columns {
            row.cells[*place] = row.cells[*place].take().and_then(|cell| self.cell(cell, rule));
        }
        row.extra.retain(|extra| !extra.columns.iter().any(|place| self.columns.contains_key(place)));
        let ids = [
            ("instance_id", &mut row.derived.instance_id),
            ("agent_id", &mut row.derived.agent_id),
            ("queue_id", &mut row.derived.queue_id),
        ];
        for (name, id) in ids {
            let action = self.derived.get(name).copied().unwrap_or_default();
            *id = id.take().and_then(|id| self.text(id, action));
        }
    }

    /// Applies the action for `extra` to its JSON text.
    pub(crate) fn extra(&self, json: String) -> Option<String> {
        let action = self.derived.get("extra").copied().unwrap_or_default();
        self.text(Cow::Owned(json), action).map(Cow::into_owned)
    }

    /// The key for the hash of a content, so that a guess for a hidden value cannot be tested without it.
    pub(crate) fn content_key(&self) -> Option<&HashKey> {
        self.key.as_ref()
    }

    fn cell<'a>(&self, cell: Cell<'a>, rule: &Rule) -> Option<Cell<'a>> {
        if rule.action == Action::Drop && rule.by_key.is_empty() {
            return None;
        }
        let action = rule.action;
        match cell {
            Cell::Text(text) => self.text(text, action).map(Cell::Text),
            Cell::Json(json) => {
                self.text(Cow::Owned(json), action).map(|json| Cell::Text(Cow::Owned(json.into_owned())))
            }
            Cell::TextList(texts) => {
                let texts: Vec<_> = texts.into_iter().filter_map(|text| self.text(text, action)).collect();
                (!texts.is_empty()).then_some(Cell::TextList(texts))
            }
            Cell::TextMap(map) => {
                let entries =
                    map.into_iter().filter_map(|(key, text)| Some((key, self.text(text, rule.of_key(key))?)));
                let map: Vec<_> = entries.collect();
                (!map.is_empty()).then_some(Cell::TextMap(map))
            }
            Cell::Structs(structs) => {
                let field = |field: Option<Cell<'a>>| field.and_then(|cell| self.cell(cell, rule));
                Some(Cell::Structs(
                    structs.into_iter().map(|fields| fields.into_iter().map(field).collect()).collect(),
                ))
            }
            other @ (Cell::Number(_) | Cell::Boolean(_) | Cell::Timestamp(_)) => Some(other),
        }
    }

    fn text<'a>(&self, text: Cow<'a, str>, action: Action) -> Option<Cow<'a, str>> {
        action.apply(text, self.key.as_ref())
    }
}

fn rule(name: &str, kind: Kind, value: Value<'_>) -> Result<Rule, PolicyError> {
    let Some(by_key) = value.as_object() else {
        return Ok(Rule { action: Action::from_policy(name, value)?, by_key: BTreeMap::new() });
    };
    if !matches!(kind, Kind::TextMap | Kind::UnionMap) {
        return Err(PolicyError::NotAMap(name.to_owned()));
    }
    let mut rule = Rule::default();
    for (key, value) in by_key.iter() {
        let action = Action::from_policy(name, value)?;
        if key == "*" {
            rule.action = action;
        } else {
            rule.by_key.insert(key.to_owned(), action);
        }
    }
    Ok(rule)
}
