//! `history`: what one agent did between two moments.

use std::cmp::Ordering;

use agent_ledger::Attribute;
use agent_ledger::Item;
use agent_ledger::agents::Agent;
use agent_ledger_dynamodb::Reader;
use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use connect_streams::{Timestamp, arn};
use redrive::{RequestError, day_or_instant};
use serde::Serialize;

use crate::commands::agents::{GHOST_MINUTES, cannot_read, instance, reader};
use crate::stack::connection::StackArguments;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::process::program::WrongUsage;
use ledger_console::render::spreadsheet::without_formula;
use ledger_console::render::terminal::{
    Cell, counted, duration, json_lines, number, safe, safe_lines, table, text, width, wrapped,
};

/// Arguments of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArguments {
    /// The agent: id, ARN, or user name
    #[arg(value_name = "AGENT")]
    agent: String,
    #[command(flatten)]
    stack: StackArguments,
    /// From then on: a day such as 2026-03-02, or an instant such as 2026-03-02T08:00:00Z (UTC) [default: the last day on which the agent has events]
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
    pub seconds: Option<serde_json::Number>,
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
            seconds: value("seconds").and_then(|seconds| seconds.parse().ok()),
            what: value(what),
            contact_id: value("contact_id"),
            channel: value("channel"),
            queue_name: value("queue_name"),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        (&self.start, self.kind, &self.contact_id).cmp(&(&other.start, other.kind, &other.contact_id))
    }

    fn cells(&self) -> Vec<Cell> {
        // Parts of a second are not shown.
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a life fit")]
        let seconds =
            self.seconds.as_ref().and_then(serde_json::Number::as_f64).map(|seconds| seconds as i64);
        vec![
            self.start.clone().into(),
            self.kind.as_str().into(),
            self.what.clone().unwrap_or_default().into(),
            seconds.map(|seconds| duration(seconds * 1000)).unwrap_or_default().into(),
            self.queue_name.clone().unwrap_or_default().into(),
            self.contact_id.clone().unwrap_or_default().into(),
        ]
    }

    fn values(&self) -> [String; 8] {
        let Self { kind, start, end, seconds, what, contact_id, channel, queue_name } = self;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let seconds = seconds.as_ref().map(ToString::to_string).unwrap_or_default();
        [
            kind.as_str().to_owned(),
            start.clone(),
            text(end),
            seconds,
            text(what),
            text(contact_id),
            text(channel),
            text(queue_name),
        ]
    }
}

/// The agent's history, in the form that was asked for.
///
/// # Errors
/// When there is no such agent, or the stack or its tables cannot be read.
pub async fn history(arguments: &HistoryArguments, now: Timestamp) -> Answer {
    let period = period(arguments, now)?;
    let connection = arguments.stack.connect().await?;
    let reader = reader(&connection);
    let instance = match instance_in_arn(&arguments.agent) {
        Some(instance) => instance.to_owned(),
        None => instance(&reader, arguments.instance.as_deref()).await?,
    };
    let agent_id = agent_id(&reader, &instance, &arguments.agent, now).await?;
    let unread = |error| cannot_read("the history", error);
    let (from, until) = if let Some(period) = period {
        period
    } else {
        let last = reader.last_event(&instance, &agent_id).await.map_err(unread)?.unwrap_or(now);
        day_or_instant(&last.date()).context("a day is a period")?
    };
    let items = reader.history(&instance, &agent_id, from, until, now).await.map_err(unread)?;
    let is_wanted = |entry: &Entry| arguments.kind.is_empty() || arguments.kind.contains(&entry.kind);
    let mut entries: Vec<_> = items.iter().filter_map(Entry::of).filter(is_wanted).collect();
    entries.sort_by(Entry::order);
    let format = if arguments.json { Format::Json } else { arguments.format };
    let text = match format {
        Format::Json => json_lines(&entries)?,
        Format::Csv if console::Term::stdout().is_term() => safe_lines(&csv(&entries)?).into_owned(),
        Format::Csv => csv(&entries)?,
        Format::Table if entries.is_empty() => {
            let says = format!(
                "Nothing of agent {agent_id} from {from} to {until}. Entries expire after HistoryRetentionDays; `contact-ledger agents --all` shows whom the tables know."
            );
            wrapped(&says, width(), 0) + "\n"
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
            let count = counted(entries.len() as u64, "entry", "entries");
            let heading = format!("Agent {}: {count}\n{from} to {until}\n\n", safe(&agent_id));
            heading + &table(&columns, &cells, width())
        }
    };
    Ok((text, Outcome::Done))
}

/// From `--from` to the end of `--to`; `None` if neither is said.
fn period(arguments: &HistoryArguments, now: Timestamp) -> anyhow::Result<Option<(Timestamp, Timestamp)>> {
    let read = |name, text: &str| {
        let time = day_or_instant(text);
        time.ok_or_else(|| WrongUsage::of(RequestError::Time { name, value: text.to_owned() }))
    };
    let from = match (&arguments.from, &arguments.to) {
        (Some(from), _) => from.clone(),
        // The day that --to is in.
        (None, Some(to)) => to.get(..10).unwrap_or(to).to_owned(),
        (None, None) => return Ok(None),
    };
    let (begin, end) = read("--from", &from)?;
    let until = match &arguments.to {
        Some(to) if to.contains('T') => read("--to", to)?.0,
        Some(to) => read("--to", to)?.1,
        None if from.contains('T') => now,
        None => end,
    };
    ensure!(begin < until, WrongUsage::of("--to is not after --from"));
    Ok(Some((begin, until)))
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
    let agents = reader
        .agents(instance, now, GHOST_MINUTES)
        .await
        .map_err(|error| cannot_read("the agents", error))?;
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
        writer.write_record(entry.values().iter().map(|value| without_formula(value).into_owned()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
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
            seconds: serde_json::Number::from_f64(1.5),
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
