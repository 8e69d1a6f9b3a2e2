//! What alarms and the dashboard look at: template/watched.toml.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use crate::pages::read;

/// A resource as CloudWatch names it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    /// The dimension of its metrics.
    pub(super) dimension: String,
    /// The dimension's value, in YAML.
    pub(super) value: String,
}

#[derive(Debug)]
pub(super) struct AllWatched(BTreeMap<String, Watched>);

impl AllWatched {
    pub(super) fn read() -> anyhow::Result<Self> {
        Ok(Self(toml::from_str(&read("template/watched.toml")?)?))
    }

    pub(super) fn get(&self, name: &str) -> anyhow::Result<&Watched> {
        self.0.get(name).with_context(|| format!("template/watched.toml has no {name}"))
    }
}

/// `AWS/Lambda Errors`: namespace and name.
pub(super) fn namespace_and_name(metric: &str) -> anyhow::Result<(&str, &str)> {
    metric.split_once(' ').with_context(|| format!("{metric} is not a namespace and a name"))
}
