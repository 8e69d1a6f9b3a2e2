//! The resources that alarms and the dashboard watch: template/watched.toml.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
        read_table("template/watched.toml").map(Self)
    }

    pub(super) fn get(&self, name: &str) -> anyhow::Result<&Watched> {
        self.0.get(name).with_context(|| format!("`of` is {name}, which is not in template/watched.toml"))
    }
}

/// Splits a metric such as `AWS/Lambda Errors` into namespace and name.
pub(super) fn namespace_and_name(metric: &str) -> anyhow::Result<(&str, &str)> {
    metric.split_once(' ').with_context(|| format!("`metric` is {metric}, which is not `<namespace> <name>`"))
}

/// Reads one of the tables.
pub(super) fn read_table<T: DeserializeOwned>(path: &str) -> anyhow::Result<T> {
    toml::from_str(&read(path)?).with_context(|| format!("{path} cannot be read"))
}

/// Checks a statistic: a name, or a percentile.
/// Source: [CloudWatch statistics definitions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html).
pub(super) fn check_statistic(statistic: &str) -> anyhow::Result<()> {
    let percentile = statistic.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
    let is_percentile = percentile.is_some_and(|percent| (0.0..=100.0).contains(&percent));
    let is_name = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"].contains(&statistic);
    ensure!(is_name || is_percentile, "{statistic} is not a statistic, such as Sum, Maximum, or p99");
    Ok(())
}
