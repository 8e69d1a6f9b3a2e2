//! The PII policy: what may reach the lake, column by column.
//!
//! `PII_POLICY` is a JSON object from column names to actions, such as
//! `{"customer_endpoint_address": "mask", "agent_username": "hash", "attributes": {"*": "drop", "language": "keep"}}`.
//! A map column takes one action for all its values, or an object of actions by key, with `*` for the other keys.
//! A value that does not fit its column and goes to `extra` is covered by the column's action: it is kept only if
//! the column is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connect_streams::personal_data::{Action, ActionError, HashKey};
use connect_streams::{Value, parse};

use crate::row::{Cell, Extra};
use crate::schema::{COLUMNS, Kind, Privacy};

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not an object of actions.
    #[error(
        "PII_POLICY is not a JSON object from column names to actions; write for example {{\"customer_endpoint_address\": \"mask\"}}"
    )]
    NotAnObject,
    /// No such column.
    #[error(
        "PII_POLICY names {0:?}, which is not a column of a contact record; `contact-ledger schema markdown` lists them"
    )]
    UnknownColumn(String),
    /// An action or the key is invalid.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The action needs text, and the column holds none.
    #[error("PII_POLICY cannot mask or hash {0:?}, which holds no text; use keep or drop")]
    NotText(String),
    /// Actions by key for a column that is not a map.
    #[error("PII_POLICY gives {0:?} actions by key, but it is not a map; give it one action")]
    NotAMap(String),
    /// The column identifies the versions of a contact.
    #[error(
        "PII_POLICY cannot change {0:?}: without it the versions of a contact could not be distinguished"
    )]
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

/// A valid policy.
#[derive(Clone, Default)]
pub struct Policy {
    /// The rules by column index, without those that keep everything.
    columns: BTreeMap<usize, Rule>,
    key: Option<HashKey>,
}

impl Policy {
    /// Reads a policy, and the key for `hash`.
    ///
    /// ```
    /// use contact_lake::{Policy, PolicyError};
    ///
    /// Policy::read(r#"{"customer_endpoint_address": "mask", "attributes": {"*": "drop", "language": "keep"}}"#, None)?;
    /// assert!(Policy::read(r#"{"customer_endpoint_address": "hash"}"#, None).is_err(), "hash needs a key");
    /// # Ok::<(), PolicyError>(())
    /// ```
    /// # Errors
    /// [`PolicyError`], worded for the person who deploys the function.
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
        let named = COLUMNS.iter().enumerate().find(|(_, column)| column.name == name);
        let named = named.filter(|(_, column)| column.privacy != Privacy::NotPersonal);
        let (index, column) = named.ok_or_else(|| PolicyError::UnknownColumn(name.to_owned()))?;
        let rule = rule(name, column.kind, value)?;
        if column.privacy == Privacy::Identity && !rule.keeps_all() {
            return Err(PolicyError::Identity(name.to_owned()));
        }
        if !column.kind.has_text() && (rule.uses(Action::Mask) || rule.uses(Action::Hash)) {
            return Err(PolicyError::NotText(name.to_owned()));
        }
        if rule.uses(Action::Hash) && self.key.is_none() {
            return Err(ActionError::NoKey(name.to_owned()).into());
        }
        if !rule.keeps_all() {
            self.columns.insert(index, rule);
        }
        Ok(())
    }

    /// Whether the policy changes nothing.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.columns.is_empty()
    }

    /// What the policy lets through of a text that has the data of a column, for a store other than the lake. A name
    /// that is not a column has no action.
    #[must_use]
    pub fn text_of<'a>(&self, column: &str, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
        let rule = self.columns.iter().find(|(index, _)| COLUMNS[**index].name == column);
        rule.map_or(Some(text.clone()), |(_, rule)| self.text(text, rule.action))
    }

    /// Applies the policy to the values of a row.
    pub(crate) fn apply(&self, cells: &mut [Option<Cell<'_>>]) {
        for (index, rule) in &self.columns {
            cells[*index] = cells[*index].take().and_then(|cell| self.cell(cell, rule));
        }
    }

    /// Whether a value may be in `extra`: only if every column whose data it may hold is kept.
    pub(crate) fn keeps(&self, extra: &Extra<'_>) -> bool {
        !extra.columns.iter().any(|index| self.columns.contains_key(index))
    }

    /// The key for the content hash, so that nobody can test guesses for a hidden value without it.
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
            other @ (Cell::Number(_) | Cell::Whole(_) | Cell::Boolean(_) | Cell::Timestamp(_)) => Some(other),
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

#[cfg(test)]
mod tests {
    use super::{Policy, PolicyError};
    use crate::schema::columns;

    #[test]
    fn a_policy_may_name_every_column_with_a_source_and_these_others() {
        let named: Vec<_> = columns()
            .filter(|column| Policy::read(&format!(r#"{{"{}": "keep"}}"#, column.name), None).is_ok())
            .map(|column| (column.name, column.source()))
            .collect();
        let with_source = named.iter().filter(|(_, source)| source.is_some()).count();
        assert_eq!(with_source, columns().filter(|column| column.source().is_some()).count());
        let others: Vec<_> =
            named.iter().filter(|(_, source)| source.is_none()).map(|(name, _)| *name).collect();
        let of_segment = ["subtype", "validation_test_type", "traffic_type", "redacted_fields"];
        let ids = ["extra", "instance_id", "agent_id", "queue_id", "stream_region", "routing_profile_id"];
        assert_eq!(others, [&ids[..], &of_segment].concat());
    }

    #[test]
    fn a_policy_may_change_every_column_it_may_name_except_the_identity() {
        let kept: Vec<_> = columns()
            .map(|column| column.name)
            .filter(|name| {
                let policy = Policy::read(&format!(r#"{{"{name}": "drop"}}"#), None);
                policy.is_err_and(|error| error == PolicyError::Identity((*name).to_owned()))
            })
            .collect();
        assert_eq!(kept, ["contact_id", "initiation_timestamp", "last_update_timestamp"]);
    }
}
