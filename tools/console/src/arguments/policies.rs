//! The policies of personal data that the functions would have: what is made on this machine hides what they hide.

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
    /// PII policy for rows, as in the template parameter `ContactRecordPiiPolicy` [env: `PII_POLICY`] [default: {}]
    #[arg(long, value_name = "JSON")]
    pii_policy: Option<String>,
    /// PII policy for agents' names, as in the template parameter `AgentPiiPolicy` [env: `AGENT_PII_POLICY`] [default: {}]
    #[arg(long, value_name = "JSON")]
    agent_pii_policy: Option<String>,
}

/// Where the key of hashes comes from: it is no argument, for those can be read by everybody on the machine.
const KEY: &str = "PII_HASH_KEY";

impl PolicyArguments {
    /// The policy of rows.
    ///
    /// # Errors
    /// A sentence that says where the policy comes from and what is wrong with it.
    pub fn contact_records(&self) -> anyhow::Result<Policy> {
        let (policy, source) = said(self.pii_policy.as_ref(), "--pii-policy", "PII_POLICY");
        Policy::read(&policy, key()?.as_deref())
            .map_err(|error| wrong(&error, self.pii_policy.is_some(), source))
    }

    /// The policy of agents' names.
    ///
    /// # Errors
    /// A sentence that says where the policy comes from and what is wrong with it.
    pub fn agents(&self) -> anyhow::Result<NamePolicy> {
        let (policy, source) = said(self.agent_pii_policy.as_ref(), "--agent-pii-policy", "AGENT_PII_POLICY");
        NamePolicy::read(&policy, key()?.as_deref())
            .map_err(|error| wrong(&error, self.agent_pii_policy.is_some(), source))
    }

    /// The settings of both functions, in that order.
    #[must_use]
    pub fn environments(&self) -> [BTreeMap<String, String>; 2] {
        [(self.pii_policy.as_ref(), "PII_POLICY"), (self.agent_pii_policy.as_ref(), "AGENT_PII_POLICY")].map(
            |(said, variable)| {
                let (policy, _) = self::said(said, "", variable);
                let key = std::env::var(KEY).unwrap_or_default();
                [("PII_POLICY".to_owned(), policy), (KEY.to_owned(), key)].into()
            },
        )
    }
}

/// A policy that cannot be used: on the command line it is wrong usage.
fn wrong(error: &impl Display, is_argument: bool, source: &str) -> anyhow::Error {
    let sentence = format!("{error}; correct {source}");
    if is_argument { WrongUsage(sentence).into() } else { anyhow!(sentence) }
}

/// The policy, and where it was said.
fn said(option: Option<&String>, name: &'static str, variable: &'static str) -> (String, &'static str) {
    if let Some(policy) = option {
        return (policy.clone(), name);
    }
    let policy = std::env::var(variable).ok().filter(|policy| !policy.is_empty());
    (policy.unwrap_or_else(|| "{}".to_owned()), variable)
}

fn key() -> anyhow::Result<Option<Vec<u8>>> {
    let Some(text) = std::env::var(KEY).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
    let bytes = base64_simd::STANDARD.decode_to_vec(text);
    bytes.map(Some).map_err(|_| anyhow!("{KEY} is not base64; set it to the key that the functions have"))
}

/// The policy of rows that the environment says. There is no default: rows made without it would show what others hide.
///
/// # Errors
/// When it is not set, or cannot be used.
pub fn required_contact_records() -> anyhow::Result<Policy> {
    ensure!(
        std::env::var_os("PII_POLICY").is_some(),
        "PII_POLICY is not set; set it, and PII_HASH_KEY, to what the function has, so that the new rows hide what the old ones hide ({{}} if nothing)"
    );
    PolicyArguments::default().contact_records()
}
