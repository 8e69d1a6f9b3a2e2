//! The PII policy of the agent tables: the three names of an agent.

use std::borrow::Cow;

use connect_streams::parse;
use connect_streams::personal_data::{Action, ActionError, HashKey};

use tables::Attribute;

/// What happens to an agent's names. By default they are kept.
#[derive(Debug, Clone, Default)]
pub struct NamePolicy {
    username: Action,
    first_name: Action,
    last_name: Action,
    key: Option<HashKey>,
}

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamePolicyError {
    /// Not an object of actions.
    #[error(
        "PII_POLICY is not a JSON object that maps attribute names to actions; for example {{\"last_name\": \"mask\"}}"
    )]
    NotAnObject,
    /// The attribute does not exist.
    #[error("PII_POLICY names {0:?}; only username, first_name, and last_name can have an action")]
    UnknownAttribute(String),
    /// One of the actions, or the key, is invalid.
    #[error(transparent)]
    Action(#[from] ActionError),
}

impl NamePolicy {
    /// Parses a policy and the key for `hash`.
    ///
    /// # Errors
    /// [`NamePolicyError`], worded for the person who deploys the function.
    pub fn read(policy: &str, key: Option<&[u8]>) -> Result<Self, NamePolicyError> {
        let document = parse(policy.as_bytes()).map_err(|_| NamePolicyError::NotAnObject)?;
        let rules = document.as_object().ok_or(NamePolicyError::NotAnObject)?;
        let key = key.map(HashKey::new).transpose()?;
        let mut read = Self { key, ..Self::default() };
        for (name, value) in rules.iter() {
            let action = Action::from_policy(name, value)?;
            if action == Action::Hash && read.key.is_none() {
                return Err(ActionError::NoKey(name.to_owned()).into());
            }
            match name {
                "username" => read.username = action,
                "first_name" => read.first_name = action,
                "last_name" => read.last_name = action,
                _ => return Err(NamePolicyError::UnknownAttribute(name.to_owned())),
            }
        }
        Ok(read)
    }

    pub(crate) fn username(&self, name: Option<&str>) -> Option<Attribute> {
        self.name(name, self.username)
    }

    pub(crate) fn first_name(&self, name: Option<&str>) -> Option<Attribute> {
        self.name(name, self.first_name)
    }

    pub(crate) fn last_name(&self, name: Option<&str>) -> Option<Attribute> {
        self.name(name, self.last_name)
    }

    fn name(&self, name: Option<&str>, action: Action) -> Option<Attribute> {
        action.apply(Cow::Borrowed(name?), self.key.as_ref()).map(|name| Attribute::text(&name))
    }
}
