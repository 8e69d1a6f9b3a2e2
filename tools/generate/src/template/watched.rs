//! The resources that alarms and the dashboard watch: template/watched.toml.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use crate::pages::read;

/// The CloudWatch dimension of a resource.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    /// The dimension's name.
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

/// Splits a metric such as `AWS/Lambda Errors` into namespace and name.
pub(super) fn namespace_and_name(metric: &str) -> anyhow::Result<(&str, &str)> {
    metric.split_once(' ').with_context(|| format!("{metric} is not `<namespace> <name>`"))
}
