//! The PII policies of the functions, so that files made on this machine hide the same data.

use std::collections::BTreeMap;
use std::fmt::Display;

use agent_ledger::NamePolicy;
use anyhow::{anyhow, ensure};
use clap::Args;
use contact_lake::Policy;

use crate::process::program::WrongUsage;

/// Which personal data is hidden, and how.
#[derive(Debug, Clone, Default, Args)]
pub struct PolicyArguments {
    /// PII policy for rows, in the format of template parameter `ContactRecordPiiPolicy` [env: `PII_POLICY`] [default: {}]
    #[arg(long, value_name = "JSON")]
    pii_policy: Option<String>,
    /// PII policy for agent names, in the format of template parameter `AgentPiiPolicy` [env: `AGENT_PII_POLICY`] [default: {}]
    #[arg(long, value_name = "JSON")]
    agent_pii_policy: Option<String>,
}

/// The variable with the hash key. It is not an argument: every user of the machine can read those.
const KEY: &str = "PII_HASH_KEY";

impl PolicyArguments {
    /// The PII policy of rows.
    ///
    /// # Errors
    /// When the policy is invalid. The error names its source.
    pub fn contact_records(&self) -> anyhow::Result<Policy> {
        let (policy, source) = policy_and_source(self.pii_policy.as_ref(), "--pii-policy", "PII_POLICY");
        Policy::read(&policy, key()?.as_deref())
            .map_err(|error| wrong(&error, self.pii_policy.is_some(), source))
    }

    /// The PII policy of agents' names.
    ///
    /// # Errors
    /// When the policy is invalid. The error names its source.
    pub fn agents(&self) -> anyhow::Result<NamePolicy> {
        let (policy, source) =
            policy_and_source(self.agent_pii_policy.as_ref(), "--agent-pii-policy", "AGENT_PII_POLICY");
        NamePolicy::read(&policy, key()?.as_deref())
            .map_err(|error| wrong(&error, self.agent_pii_policy.is_some(), source))
    }

    /// The environments of contact-record-normalizer and contact-event-upserter, and of agent-event-upserter, in that order.
    #[must_use]
    pub fn environments(&self) -> [BTreeMap<String, String>; 2] {
        [(self.pii_policy.as_ref(), "PII_POLICY"), (self.agent_pii_policy.as_ref(), "AGENT_PII_POLICY")].map(
            |(option, variable)| {
                let (policy, _) = policy_and_source(option, "", variable);
                let key = std::env::var(KEY).unwrap_or_default();
                [("PII_POLICY".to_owned(), policy), (KEY.to_owned(), key)].into()
            },
        )
    }
}

/// The error for an invalid policy. On the command line, it is wrong usage.
fn wrong(error: &impl Display, is_argument: bool, source: &str) -> anyhow::Error {
    let sentence = format!("{error}; correct {source}");
    if is_argument { WrongUsage(sentence).into() } else { anyhow!(sentence) }
}

/// The policy and its source.
fn policy_and_source(
    option: Option<&String>,
    name: &'static str,
    variable: &'static str,
) -> (String, &'static str) {
    if let Some(policy) = option {
        return (policy.clone(), name);
    }
    let policy = std::env::var(variable).ok().filter(|policy| !policy.is_empty());
    (policy.unwrap_or_else(|| "{}".to_owned()), variable)
}

fn key() -> anyhow::Result<Option<Vec<u8>>> {
    let Some(text) = std::env::var(KEY).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
    let bytes = base64_simd::STANDARD.decode_to_vec(text);
    bytes.map(Some).map_err(|_| anyhow!("{KEY} is not base64; set it to the hash key of the functions"))
}

/// The PII policy of rows from the environment. There is no default: rows made without it would show what other rows hide.
///
/// # Errors
/// When it is not set, or invalid.
pub fn required_contact_records() -> anyhow::Result<Policy> {
    ensure!(
        std::env::var_os("PII_POLICY").is_some(),
        "PII_POLICY is not set; set it and PII_HASH_KEY to the values of the function, so that new rows hide what existing rows hide ({{}} if nothing)"
    );
    PolicyArguments::default().contact_records()
}
