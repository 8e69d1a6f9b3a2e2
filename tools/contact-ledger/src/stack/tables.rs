//! The tables of a stack: who reads them, which instance, and why they could not be read.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_ledger::Attribute;
use agent_ledger::agents::Agent;
use anyhow::{anyhow, bail};
use aws_errors::{Class, class_of, unanswered, why_refused};
use connect_streams::Timestamp;
use contact_state::LongestLife;
use live_board::{Board, Settings, Source};
use tables::StoreError;
use tables_dynamodb::agents::Reader;
use tables_dynamodb::board::BoardSource;
use tables_dynamodb::contacts::ContactReader;

use crate::stack::connection::Connection;
use ledger_console::render::output::say;

/// Minutes without an event after which a logged-in agent is a ghost. Heartbeats arrive every two minutes.
pub(crate) const GHOST_MINUTES: u32 = 5;

/// A request of a board's reading ends after this time, so that the page soon says that its data is old.
const READING: Duration = Duration::from_secs(5);

/// The reader of the agent tables.
pub(crate) fn reader(connection: &Connection) -> Reader {
    let names = &connection.names;
    Reader::new(connection.tables(), names.agent_state_table.clone(), names.agent_history_table.clone())
}

/// Why a table could not be read, and what to do.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(crate) fn cannot_read(what: &str, error: StoreError) -> anyhow::Error {
    const PERMISSIONS: &str = "dynamodb:Query, dynamodb:GetItem, and dynamodb:BatchGetItem on the tables and their indexes, and kms:Decrypt on their KMS key";
    let why = if !error.is_answer {
        unanswered(&*error.source)
    } else if class_of(&error.code) == Class::Missing {
        "its table does not exist; `contact-ledger doctor` shows how to restore it".to_owned()
    } else {
        why_refused(&error.code, &error.code, PERMISSIONS)
    };
    anyhow!("{what} cannot be read: {why}")
}

/// Which of the tables a command reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Only the agents.
    Agents,
    /// The agents, and the contacts in flight if the stack processes contact events.
    All,
}

/// What the live board reads, for one instance.
#[derive(Debug)]
pub(crate) struct BoardReader {
    pub(crate) source: BoardSource,
    pub(crate) settings: Settings,
}

impl BoardReader {
    /// The board of the given instance, or else that of the stack, or else the only one in the tables.
    pub(crate) async fn of(
        connection: &Connection,
        tables: Tables,
        given: Option<&str>,
        ghost_minutes: u32,
        longest_life: LongestLife,
    ) -> anyhow::Result<Self> {
        let contacts = connection.names.contact_events.as_ref().filter(|_| tables == Tables::All);
        let contacts = contacts.map(|names| names.table.clone());
        let instance_id = instance(connection, contacts.as_deref(), given).await?;
        let agents = connection.names.agent_state_table.clone();
        let client = connection.tables_within(READING);
        let source = BoardSource::new(client, agents, contacts, instance_id.clone());
        let settings = Settings { instance_id, ghost_minutes, longest_life, lists_everyone: false };
        Ok(Self { source, settings })
    }

    /// Says which instances the tables have, if the board of the given one is empty: a wrong ID looks as if nobody
    /// worked. It is only a hint, so a failure is none.
    pub(crate) async fn hint(&self, connection: &Connection, board: &Board) {
        let is_empty = board.agents.is_empty() && board.contacts.as_ref().is_none_or(Vec::is_empty);
        let instance = &self.settings.instance_id;
        if !is_empty || board.agents_not_listed > 0 || instance.is_empty() {
            return;
        }
        let table = connection.names.contact_events.as_ref().map(|names| names.table.as_str());
        let others = instances(connection, table).await.unwrap_or_default();
        if !others.is_empty() && !others.contains(instance) {
            let others: Vec<_> = others.into_iter().collect();
            say(&format!("the tables have nothing of instance {instance}; they have {}", others.join(", ")));
        }
    }

    /// The board at `now`.
    pub(crate) async fn board(&self, now: Timestamp) -> anyhow::Result<Board> {
        let reading = self.source.read().await.map_err(|error| cannot_read("the tables", error))?;
        Ok(Board::of(reading, &self.settings, now))
    }
}

/// The ID of an instance, also from its ARN.
pub(crate) fn instance_id(given: &str) -> String {
    given.rsplit('/').next().unwrap_or(given).to_owned()
}

/// The given instance, or else that of the stack, or else the only one in the tables.
pub(crate) async fn instance(
    connection: &Connection,
    contact_state_table: Option<&str>,
    given: Option<&str>,
) -> anyhow::Result<String> {
    if let Some(arn) = given.or(connection.deployed.instance_arn.as_deref()) {
        return Ok(instance_id(arn));
    }
    let instances: Vec<_> = instances(connection, contact_state_table).await?.into_iter().collect();
    match &instances[..] {
        // Without an agent or a contact, there is nothing to show of any instance.
        [] => Ok(String::new()),
        [instance] => Ok(instance.clone()),
        several => bail!(SeveralInstances(several.len(), several.join(", "))),
    }
}

/// The tables have several instances, and none was given.
#[derive(Debug, thiserror::Error)]
#[error("the tables have {0} instances; pass --instance with one of {1}")]
pub(crate) struct SeveralInstances(usize, String);

async fn instances(
    connection: &Connection,
    contact_state_table: Option<&str>,
) -> anyhow::Result<BTreeSet<String>> {
    let found = reader(connection).instances().await;
    let mut instances = found.map_err(|error| cannot_read("the agents", error))?;
    if let Some(table) = contact_state_table {
        let contacts = ContactReader::new(connection.tables(), table.to_owned());
        let found = contacts.instances().await;
        instances.extend(found.map_err(|error| cannot_read("the contacts in flight", error))?);
    }
    Ok(instances)
}

/// The agent's ID, from an ID, an ARN, a username, or a name.
pub(crate) async fn agent_id(
    reader: &Reader,
    instance: &str,
    agent: &str,
    now: Timestamp,
) -> anyhow::Result<String> {
    if let Some((_, id)) = agent.rsplit_once("/agent/") {
        return Ok(id.to_owned());
    }
    if is_uuid(agent) {
        return Ok(agent.to_owned());
    }
    let found =
        agent_named(reader, instance, agent, now).await.map_err(|error| cannot_read("the agents", error))?;
    found.ok_or_else(|| {
        anyhow!(
            "no agent of instance {instance} has the username {agent}, and not exactly one has the name; `contact-ledger agents --all --name …` searches for a part of it, and --json shows usernames"
        )
    })
}

/// Whether the text has the form of the IDs of Amazon Connect.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The ID of the agent with this username, or else of the only one with this first and last name.
pub(crate) async fn agent_named(
    reader: &Reader,
    instance: &str,
    name: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let agents = reader.agents(instance, now, GHOST_MINUTES).await?;
    let text = |known: &Agent, attribute: &str| {
        known.snapshot.get(attribute).and_then(Attribute::as_text).unwrap_or_default().to_owned()
    };
    if let Some(found) = agents.iter().find(|known| text(known, "username") == name) {
        return Ok(Some(found.agent_id.clone()));
    }
    let full_name = |known: &Agent| [text(known, "first_name"), text(known, "last_name")].join(" ");
    let mut named = agents.iter().filter(|known| full_name(known) == name);
    let found = named.next().map(|found| found.agent_id.clone());
    Ok(found.filter(|_| named.next().is_none()))
}
