//! `history`: what one agent did between two moments.

use std::cmp::Ordering;

use ::redrive::{RequestError, day_or_instant};
use agent_ledger::Attribute;
use agent_ledger::agents::Agent;
use agent_ledger::memory::Item;
use agent_ledger_dynamodb::Reader;
use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use connect_streams::{Timestamp, arn};
use serde::Serialize;

use crate::agents::{GHOST_MINUTES, instance, reader};
use crate::connection::StackArguments;
use crate::terminal::{duration, json_lines, number, table, text, width, wrapped};

/// What `history` can be told.
#[derive(Debug, Clone, Args)]
pub struct HistoryArguments {
    /// The agent: id, ARN, or user name
    #[arg(value_name = "AGENT")]
    agent: String,
    #[command(flatten)]
    stack: StackArguments,
    /// From then on: a day such as 2026-03-02, or an instant such as 2026-03-02T08:00:00Z (UTC) [default: today]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until then: a day, taken whole, or an instant, not taken in [default: the day of --from]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only entries of this kind
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// The instance's id; not needed if the tables have one only, or if the agent is named by ARN
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// As --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// What an entry tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something happened
    Event,
    /// A status lasted
    Status,
    /// A state of a contact lasted
    Contact,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Status => "status",
            Self::Contact => "contact",
        }
    }
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object a line
    Json,
    /// For spreadsheets
    Csv,
}

/// One entry, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What it tells of.
    pub kind: Kind,
    /// When it began, or happened.
    pub start: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// How long it lasted, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<String>,
    /// The event's type, the status, or the contact's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// The contact's channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The contact's queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_name: Option<String>,
}

impl Entry {
    /// `None` if it is of no kind that is known.
    fn of(item: &Item) -> Option<Self> {
        let value = |name: &str| match item.get(name)? {
            Attribute::Text(text) | Attribute::Number(text) => Some(text.to_string()),
            Attribute::List(_) | Attribute::Map(_) => None,
        };
        let key = value("entry")?;
        let mut parts = key.split('#');
        let (kind, what) = match parts.next()? {
            "event" => (Kind::Event, "event_type"),
            "status" => (Kind::Status, "name"),
            "contact" => (Kind::Contact, "state"),
            _ => return None,
        };
        Some(Self {
            kind,
            start: value("start").or_else(|| parts.next().map(str::to_owned))?,
            end: value("end"),
            seconds: value("seconds"),
            what: value(what),
            contact_id: value("contact_id"),
            channel: value("channel"),
            queue_name: value("queue_name"),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        (&self.start, self.kind, &self.contact_id).cmp(&(&other.start, other.kind, &other.contact_id))
    }

    fn cells(&self) -> Vec<String> {
        // Parts of a second are not shown.
        let seconds =
            self.seconds.as_ref().and_then(|seconds| seconds.split('.').next()?.parse::<i64>().ok());
        vec![
            self.start.clone(),
            self.kind.as_str().to_owned(),
            self.what.clone().unwrap_or_default(),
            seconds.map(|seconds| duration(seconds * 1000)).unwrap_or_default(),
            self.queue_name.clone().unwrap_or_default(),
            self.contact_id.clone().unwrap_or_default(),
        ]
    }

    fn values(&self) -> [&str; 8] {
        let Self { kind, start, end, seconds, what, contact_id, channel, queue_name } = self;
        let [end, seconds, what, contact_id, channel, queue_name] =
            [end, seconds, what, contact_id, channel, queue_name]
                .map(|value| value.as_deref().unwrap_or_default());
        [kind.as_str(), start, end, seconds, what, contact_id, channel, queue_name]
    }
}

/// The agent's history, in the form that was asked for.
///
/// # Errors
/// When there is no such agent, or the stack or its tables cannot be read.
pub async fn history(arguments: &HistoryArguments, now: Timestamp) -> anyhow::Result<String> {
    let (from, until) = period(arguments, now)?;
    let connection = arguments.stack.connect().await?;
    let reader = reader(&connection);
    let instance = match instance_in_arn(&arguments.agent) {
        Some(instance) => instance.to_owned(),
        None => instance(&reader, arguments.instance.as_deref()).await?,
    };
    let agent_id = agent_id(&reader, &instance, &arguments.agent, now).await?;
    let items = reader.history(&instance, &agent_id, from, until, now).await;
    let items = items.context("the history cannot be read")?;
    let is_wanted = |entry: &Entry| arguments.kind.is_empty() || arguments.kind.contains(&entry.kind);
    let mut entries: Vec<_> = items.iter().filter_map(Entry::of).filter(is_wanted).collect();
    entries.sort_by(Entry::order);
    let format = if arguments.json { Format::Json } else { arguments.format };
    match format {
        Format::Json => json_lines(&entries),
        Format::Csv => csv(&entries),
        Format::Table if entries.is_empty() => {
            let says = format!(
                "Nothing of agent {agent_id} from {from} to {until}. Entries expire after HistoryRetentionDays; `contact-ledger agents --all` shows whom the tables know."
            );
            Ok(wrapped(&says, width(), 0) + "\n")
        }
        Format::Table => {
            let columns = [
                text("TIME (UTC)", 0),
                text("KIND", 0),
                text("WHAT", 2),
                number("LASTED"),
                text("QUEUE", 3),
                text("CONTACT", 4),
            ];
            let cells: Vec<_> = entries.iter().map(Entry::cells).collect();
            let heading = format!("Agent {agent_id}: {} entries\n{from} to {until}\n\n", entries.len());
            Ok(heading + &table(&columns, &cells, width()))
        }
    }
}

/// From `--from` to the end of `--to`.
fn period(arguments: &HistoryArguments, now: Timestamp) -> anyhow::Result<(Timestamp, Timestamp)> {
    let read = |name, text: &str| {
        day_or_instant(text).ok_or_else(|| RequestError::Time { name, value: text.to_owned() })
    };
    let from = arguments.from.clone().unwrap_or_else(|| now.date());
    let (begin, end) = read("--from", &from)?;
    let until = match &arguments.to {
        Some(to) if to.contains('T') => read("--to", to)?.0,
        Some(to) => read("--to", to)?.1,
        None if from.contains('T') => now,
        None => end,
    };
    ensure!(begin < until, "--to is not after --from");
    Ok((begin, until))
}

/// The id that was named, by itself, in an ARN, or by the user name that goes with it.
async fn agent_id(reader: &Reader, instance: &str, named: &str, now: Timestamp) -> anyhow::Result<String> {
    if let Some((_, id)) = named.rsplit_once("/agent/") {
        return Ok(id.to_owned());
    }
    let is_id = named.len() == 36 && named.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id {
        return Ok(named.to_owned());
    }
    let agents = reader.agents(instance, now, GHOST_MINUTES).await.context("the agents cannot be read")?;
    let username = |agent: &Agent| agent.snapshot.get("username").and_then(Attribute::as_text) == Some(named);
    match agents.into_iter().find(username) {
        Some(agent) => Ok(agent.agent_id),
        None => bail!(
            "no agent of instance {instance} has the user name {named}; `contact-ledger agents --all --name …` looks for a part of it"
        ),
    }
}

fn instance_in_arn(named: &str) -> Option<&str> {
    arn::resource_id(named, "agent").and(arn::instance_id(named))
}

fn csv(entries: &[Entry]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "kind",
        "start",
        "end",
        "seconds",
        "what",
        "contact_id",
        "channel",
        "queue_name",
    ])?;
    for entry in entries {
        writer.write_record(entry.values().map(without_formula))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// A queue's name is typed by people: what a spreadsheet would take for a formula, it shall take for text.
/// Source: OWASP, "CSV Injection".
fn without_formula(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{value}") } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_text_in_a_spreadsheet() {
        let entry = Entry {
            kind: Kind::Contact,
            start: "2026-03-02T08:00:00.000Z".to_owned(),
            end: None,
            seconds: Some("1.5".to_owned()),
            what: Some("=HYPERLINK(\"http://x\",\"y\")".to_owned()),
            contact_id: None,
            channel: Some("VOICE".to_owned()),
            queue_name: Some("+1, \"x\"".to_owned()),
        };
        let csv = csv(&[entry]).unwrap();
        assert_eq!(
            csv.lines().nth(1).unwrap(),
            r#"contact,2026-03-02T08:00:00.000Z,,1.5,"'=HYPERLINK(""http://x"",""y"")",,VOICE,"'+1, ""x""""#
        );
    }
}
