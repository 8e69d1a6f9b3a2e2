//! `history`: the history of one agent in a period.

use std::cmp::Ordering;

use agent_ledger::{Attribute, Item};
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use connect_streams::{Timestamp, arn};
use redrive::{RequestError, day_or_instant};
use serde::Serialize;

use crate::stack::connection::StackArguments;
use crate::stack::tables::{agent_id, cannot_read, instance, reader};
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::process::program::WrongUsage;
use ledger_console::render::spreadsheet::without_formula;
use ledger_console::render::terminal::{
    Cell, counted, duration, json_lines, number, safe, safe_lines, table, text, width, wrapped,
};

/// Arguments of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArguments {
    /// Agent ID, ARN, username, or first and last name
    #[arg(value_name = "AGENT")]
    agent: String,
    #[command(flatten)]
    stack: StackArguments,
    /// Start, inclusive: a UTC date or a timestamp such as 2026-03-02T08:00:00Z [default: the agent's last day with events]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End: a UTC date (inclusive) or a timestamp (exclusive) [default: the day of --from, or the current time if --from is a timestamp]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Show only entries of this kind; can be specified more than once
    #[arg(long, value_enum)]
    kind: Vec<Kind>,
    /// Instance ID; optional if the tables contain data from only one instance, or if you specify the agent by ARN
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// The kind of a history entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An agent event
    Event,
    /// An interval that the agent spent in one status
    Status,
    /// An interval that a contact spent in one state
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

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned text
    Table,
    /// JSON Lines, one object per entry
    Json,
    /// Comma-separated values
    Csv,
}

/// A history entry, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The kind of entry.
    pub kind: Kind,
    /// When the interval started or the event happened.
    pub start: String,
    /// When the interval ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The length of the interval in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<serde_json::Number>,
    /// The event's type, the status, or the contact's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The contact's ID.
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
    /// Reads an item; `None` if its kind is unknown.
    pub(crate) fn of(item: &Item) -> Option<Self> {
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
        // Shown in whole seconds.
        #[expect(clippy::cast_possible_truncation, reason = "the seconds of a lifetime fit")]
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

/// Returns the agent's history in the requested format.
///
/// # Errors
/// If there is no such agent, or the stack or its tables cannot be read.
pub async fn history(arguments: &HistoryArguments, now: Timestamp) -> Answer {
    let period = period(arguments, now)?;
    let connection = arguments.stack.connect().await?;
    let reader = reader(&connection);
    let instance = match instance_in_arn(&arguments.agent) {
        Some(instance) => instance.to_owned(),
        None => instance(&connection, None, arguments.instance.as_deref()).await?,
    };
    let agent_id = agent_id(&reader, &instance, &arguments.agent, now).await?;
    let unreadable = |error| cannot_read("the history", error);
    let (from, until) = if let Some(period) = period {
        period
    } else {
        let last = reader.last_event(&instance, &agent_id).await.map_err(unreadable)?.unwrap_or(now);
        day_or_instant(&last.date()).context("a day is a valid period")?
    };
    let items = reader.history(&instance, &agent_id, from, until, now).await.map_err(unreadable)?;
    let is_wanted = |entry: &Entry| arguments.kind.is_empty() || arguments.kind.contains(&entry.kind);
    let mut entries: Vec<_> = items.iter().filter_map(Entry::of).filter(is_wanted).collect();
    entries.sort_by(Entry::order);
    let format = if arguments.json { Format::Json } else { arguments.format };
    let text = match format {
        Format::Json => json_lines(&entries)?,
        Format::Csv if console::Term::stdout().is_term() => safe_lines(&csv(&entries)?).into_owned(),
        Format::Csv => csv(&entries)?,
        Format::Table if entries.is_empty() => {
            let message = format!(
                "No history of agent {agent_id} from {from} to {until}. Entries expire after HistoryRetentionDays, and HistoryEvents decides which events have one; `contact-ledger agents --all` lists the agents in the tables."
            );
            wrapped(&message, width(), 0) + "\n"
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

/// The period from `--from` to the end of `--to`; `None` if neither is given.
fn period(arguments: &HistoryArguments, now: Timestamp) -> anyhow::Result<Option<(Timestamp, Timestamp)>> {
    let read = |name, text: &str| {
        let time = day_or_instant(text);
        time.ok_or_else(|| WrongUsage::of(RequestError::Time { name, value: text.to_owned() }))
    };
    let from = match (&arguments.from, &arguments.to) {
        (Some(from), _) => from.clone(),
        // The day of --to.
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

fn instance_in_arn(agent: &str) -> Option<&str> {
    arn::resource_id(agent, "agent").and(arn::instance_id(agent))
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
    fn a_formula_becomes_text_in_csv() {
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
